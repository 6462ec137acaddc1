/*
 * form.c
 *	  Writes the forms of AWS's query protocol.
 */
#include "base/base.h"

#include "base/form.h"

void
cmz_form_append_encoded(StringInfo buf, const char *text)
{
	for (; *text; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			strchr("-._~", c) != NULL)
			appendStringInfoChar(buf, (char) c);
		else
			appendStringInfo(buf, "%%%02X", c);
	}
}

void
cmz_form_append(StringInfo buf, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (buf->len > 0)
		appendStringInfoChar(buf, '&');
	cmz_form_append_encoded(buf, name);
	appendStringInfoChar(buf, '=');
	cmz_form_append_encoded(buf, value);
}
