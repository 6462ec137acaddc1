/*
 * json.c
 *	  Writing JSON safely, and reading small JSON documents with jansson.
 *
 * Pages of items never come this way: see itemreader.c.
 */
#include "base/base.h"

#include <jansson.h>

#include "base/json.h"
#include "common/base64.h"

void
cmz_json_append_string(StringInfo buf, const char *s, int len)
{
	const char *run = s;
	const char *end = s + len;

	appendStringInfoChar(buf, '"');
	for (const char *p = s; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		appendBinaryStringInfo(buf, run, p - run);
		run = p + 1;
		if (c == '"' || c == '\\')
		{
			appendStringInfoChar(buf, '\\');
			appendStringInfoChar(buf, c);
		}
		else
			appendStringInfo(buf, "\\u%04x", c);
	}
	appendBinaryStringInfo(buf, run, end - run);
	appendStringInfoChar(buf, '"');
}

void
cmz_json_append_cstring(StringInfo buf, const char *s)
{
	cmz_json_append_string(buf, s, strlen(s));
}

void
cmz_json_separate(StringInfo buf)
{
	char		last = buf->len > 0 ? buf->data[buf->len - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		appendStringInfoChar(buf, ',');
}

void
cmz_json_append_name(StringInfo buf, const char *name)
{
	cmz_json_separate(buf);
	cmz_json_append_cstring(buf, name);
	appendStringInfoChar(buf, ':');
}

void
cmz_json_append_member(StringInfo buf, const char *name, const char *value)
{
	if (value == NULL)
		return;
	cmz_json_append_name(buf, name);
	cmz_json_append_cstring(buf, value);
}

void
cmz_json_append_base64(StringInfo buf, const char *data, int len)
{
	int			room = pg_b64_enc_len(len) + 1;
	int			n;

	enlargeStringInfo(buf, room);
	n = pg_b64_encode((const void *) data, len, buf->data + buf->len, room);
	Assert(n >= 0);
	buf->len += Max(n, 0);
	buf->data[buf->len] = '\0';
}

#ifndef FRONTEND
static void
release_document(void *arg)
{
	json_decref((json_t *) arg);
}
#endif

json_t *
cmz_json_parse(const char *data, size_t len, char **error)
{
	json_error_t detail;
	json_t	   *document;
#ifndef FRONTEND
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
#endif

	document = json_loadb(data, len, JSON_REJECT_DUPLICATES, &detail);
	if (document == NULL)
	{
		*error = psprintf("%s (byte %d)", detail.text, detail.position);
		return NULL;
	}
#ifndef FRONTEND
	/* jansson's memory is malloc's: tie it to ours. */
	callback->func = release_document;
	callback->arg = document;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
#endif
	return document;
}

json_t *
cmz_json_member(const json_t *object, const char *name)
{
	return json_object_get(object, name);
}

json_t *
cmz_json_element(const json_t *array, int i)
{
	return json_array_get(array, i);
}

int
cmz_json_length(const json_t *array)
{
	return (int) json_array_size(array);
}

const char *
cmz_json_text(const json_t *string)
{
	return json_string_value(string);
}

double
cmz_json_number(const json_t *number, double def)
{
	return json_is_number(number) ? json_number_value(number) : def;
}

const char *
cmz_json_member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

char *
cmz_json_path_text(const json_t *document, const char *path)
{
	char	   *names = pstrdup(path);
	char	   *text = NULL;

	for (char *name = names; name != NULL;)
	{
		char	   *period = strchr(name, '.');

		if (period != NULL)
			*period = '\0';
		document = json_object_get(document, name);
		name = period ? period + 1 : NULL;
	}
	if (json_is_string(document))
		text = pstrdup(json_string_value(document));
	else if (json_is_boolean(document))
		text = pstrdup(json_is_true(document) ? "true" : "false");
	else if (json_is_number(document))
		text = psprintf("%.15g", json_number_value(document));
	pfree(names);
	return text;
}

void
cmz_json_append_document(StringInfo buf, const json_t *document)
{
	size_t		flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
	size_t		size = json_dumpb(document, NULL, 0, flags);

	/* no error may be raised while jansson writes */
	enlargeStringInfo(buf, (int) size);
	buf->len += (int) json_dumpb(document, buf->data + buf->len, size, flags);
	buf->data[buf->len] = '\0';
}
