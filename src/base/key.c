/*
 * key.c
 *	  The primary key of an item: partition key and, in most tables, sort key.
 */
#include "base/base.h"

#include "base/expression.h"
#include "base/json.h"
#include "base/key.h"
#include "base/number.h"
#include "mb/pg_wchar.h"

void
cmz_key_append_canonical(StringInfo buf, const CmzOperand *key)
{
	for (int i = 0; i < 2 && key[i].type != CMZ_TYPE_NONE; i++)
	{
		appendStringInfoString(buf, cmz_type_name(key[i].type));
		/* each says where it ends, so that two parts do not run into each other */
		if (key[i].type == CMZ_TYPE_S)
		{
			cmz_json_append_string(buf, key[i].data, key[i].len);
			continue;
		}
		if (key[i].type == CMZ_TYPE_N)
			cmz_number_append_canonical(buf, key[i].data, key[i].len);
		else
			cmz_json_append_base64(buf, key[i].data, key[i].len);
		appendStringInfoChar(buf, ';');
	}
}

char *
cmz_key_id(const CmzOperand *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_key_append_canonical(&buf, key);
	return buf.data;
}

void
cmz_key_append_json(StringInfo buf, const CmzIndex *keys, const CmzOperand *partition,
					const CmzOperand *sort)
{
	appendStringInfoChar(buf, '{');
	cmz_json_append_name(buf, keys->partition_key);
	cmz_operand_append_json(buf, partition);
	if (sort != NULL)
	{
		cmz_json_append_name(buf, keys->sort_key);
		cmz_operand_append_json(buf, sort);
	}
	appendStringInfoChar(buf, '}');
}

/* What is no printable text, or not in ASCII where nothing else will do, as JSON has it. */
static void
append_printable(StringInfo buf, const char *s, int len, bool ascii)
{
	for (int i = 0, n; i < len; i += n)
	{
		const unsigned char *p = (const unsigned char *) s + i;
		uint32		c = *p;

		n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
		if (n <= len - i && pg_utf8_islegal(p, n))
			c = utf8_to_unicode(p);
		else
			n = 1;
		if (n > 1 ? !ascii : c >= 0x20 && c < 0x7F)
			appendBinaryStringInfo(buf, s + i, n);
		else if (c < 0x10000)
			appendStringInfo(buf, "\\u%04x", c);
		else
			appendStringInfo(buf, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
	}
}

void
cmz_key_describe(StringInfo buf, const CmzIndex *keys, const CmzOperand *key, bool ascii)
{
	const char *names[2] = {keys->partition_key, keys->sort_key};
	int			n = keys->sort_key ? 2 : 1;

	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(buf, i > 0 ? ", " : "(");
		append_printable(buf, names[i], strlen(names[i]), ascii);
	}
	appendStringInfoString(buf, ")=(");
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		if (key[i].type == CMZ_TYPE_B)
			cmz_json_append_base64(buf, key[i].data, key[i].len);
		else
			append_printable(buf, key[i].data, key[i].len, ascii);
	}
	appendStringInfoChar(buf, ')');
}
