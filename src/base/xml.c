/*
 * xml.c
 *	  The XML answers of AWS's query protocol, as JSON.
 *
 * As much of XML as those answers have: elements, text, the five entities and
 * character references.  Comments and processing instructions are skipped, a
 * document type, by which entities could be defined, is refused.
 */
#include "base/base.h"

#include "base/json.h"
#include "base/jsonscan.h"
#include "base/xml.h"

#define MAX_DEPTH	32

typedef struct XmlReader
{
	const char *p;
	const char *end;
	const char *error;
} XmlReader;

static bool
fail(XmlReader *reader, const char *error)
{
	if (reader->error == NULL)
		reader->error = error;
	return false;
}

static bool
looking_at(const XmlReader *reader, const char *text)
{
	size_t		len = strlen(text);

	return (size_t) (reader->end - reader->p) >= len && memcmp(reader->p, text, len) == 0;
}

/* Move behind the next occurrence of text. */
static bool
skip_behind(XmlReader *reader, const char *text)
{
	for (; reader->p < reader->end; reader->p++)
		if (looking_at(reader, text))
		{
			reader->p += strlen(text);
			return true;
		}
	return fail(reader, "unexpected end");
}

/* Skip a comment or a processing instruction; *skipped: there was one. */
static bool
skip_aside(XmlReader *reader, bool *skipped)
{
	*skipped = true;
	if (looking_at(reader, "<!--"))
		return skip_behind(reader, "-->");
	if (looking_at(reader, "<?"))
		return skip_behind(reader, "?>");
	*skipped = false;
	return looking_at(reader, "<!") ? fail(reader, "unexpected declaration") : true;
}

/* A name without its prefix. */
static bool
read_name(XmlReader *reader, CmzSpan *name)
{
	const char *start = reader->p;

	for (; reader->p < reader->end && strchr(" \t\r\n/>=<\"'&", *reader->p) == NULL; reader->p++)
		if (*reader->p == ':')
			start = reader->p + 1;
	name->data = start;
	name->len = reader->p - start;
	return name->len > 0 ? true : fail(reader, "name expected");
}

/* The rest of a start tag; *empty: it is also the end of its element. */
static bool
skip_attributes(XmlReader *reader, bool *empty)
{
	char		quote = '\0';

	for (; reader->p < reader->end; reader->p++)
	{
		char		c = *reader->p;

		if (quote != '\0')
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '<')
			return fail(reader, "unexpected <");
		else if (c == '>')
		{
			*empty = reader->p[-1] == '/';
			reader->p++;
			return true;
		}
	}
	return fail(reader, "unexpected end");
}

static bool
append_reference(XmlReader *reader, StringInfo text)
{
	static const struct
	{
		const char *name;
		char		c;
	}			entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
	bool		hex = looking_at(reader, "&#x");
	char	   *end;
	unsigned long c;
	char		utf8[4];

	for (int i = 0; i < (int) lengthof(entities); i++)
		if (looking_at(reader, entities[i].name))
		{
			appendStringInfoChar(text, entities[i].c);
			reader->p += strlen(entities[i].name);
			return true;
		}
	/* the text is zero-terminated, see cmz_xml_append_json() */
	if (!looking_at(reader, "&#") || !isxdigit((unsigned char) reader->p[hex ? 3 : 2]))
		return fail(reader, "unknown entity");
	c = strtoul(reader->p + (hex ? 3 : 2), &end, hex ? 16 : 10);
	if (*end != ';' || c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return fail(reader, "invalid character reference");
	appendBinaryStringInfo(text, utf8, cmz_utf8_encode((uint32) c, utf8));
	reader->p = end + 1;
	return true;
}

static bool read_element(XmlReader *reader, StringInfo buf, int depth, CmzSpan *name);

/* Up to the next tag, comment or processing instruction. */
static bool
read_text(XmlReader *reader, StringInfo text)
{
	while (reader->p < reader->end && *reader->p != '<')
	{
		if (*reader->p == '&')
		{
			if (!append_reference(reader, text))
				return false;
		}
		else
			appendStringInfoChar(text, *reader->p++);
	}
	return reader->p < reader->end ? true : fail(reader, "unexpected end");
}

/*
 * What stands between the tags of an element: its text goes to text, its
 * children to children as members of an object or, if all are called "member",
 * elements of an array.
 */
static bool
read_content(XmlReader *reader, StringInfo text, StringInfo children, int depth, bool *is_array)
{
	int			nchildren = 0;
	bool		skipped;

	for (;;)
	{
		CmzSpan		name;
		StringInfoData child;

		if (!read_text(reader, text) || !skip_aside(reader, &skipped))
			return false;
		if (skipped)
			continue;
		if (looking_at(reader, "</"))
			return true;
		initStringInfo(&child);
		if (!read_element(reader, &child, depth + 1, &name))
			return false;
		if (nchildren++ == 0)
			*is_array = name.len == 6 && memcmp(name.data, "member", 6) == 0;
		if (children->len > 0)
			appendStringInfoChar(children, ',');
		if (!*is_array)
		{
			cmz_json_append_string(children, name.data, (int) name.len);
			appendStringInfoChar(children, ':');
		}
		appendBinaryStringInfo(children, child.data, child.len);
		pfree(child.data);
	}
}

static bool
read_end_tag(XmlReader *reader, const CmzSpan *name)
{
	CmzSpan		end_name;

	reader->p += 2;				/* "</" */
	if (!read_name(reader, &end_name))
		return false;
	if (end_name.len != name->len || memcmp(end_name.data, name->data, name->len) != 0)
		return fail(reader, "tags do not match");
	while (reader->p < reader->end && strchr(" \t\r\n", *reader->p) != NULL)
		reader->p++;
	if (reader->p == reader->end || *reader->p != '>')
		return fail(reader, "> expected");
	reader->p++;
	return true;
}

/* An element as a JSON value. */
static bool
read_element(XmlReader *reader, StringInfo buf, int depth, CmzSpan *name)
{
	StringInfoData text;
	StringInfoData children;
	bool		empty;
	bool		is_array = false;

	if (depth > MAX_DEPTH)
		return fail(reader, "nested too deep");
	if (reader->p == reader->end || *reader->p != '<')
		return fail(reader, "< expected");
	reader->p++;
	if (!read_name(reader, name) || !skip_attributes(reader, &empty))
		return false;
	initStringInfo(&text);
	initStringInfo(&children);
	if (!empty && (!read_content(reader, &text, &children, depth, &is_array) ||
				   !read_end_tag(reader, name)))
		return false;
	if (children.len > 0)
		appendStringInfo(buf, is_array ? "[%s]" : "{%s}", children.data);
	else
		cmz_json_append_string(buf, text.data, text.len);
	pfree(text.data);
	pfree(children.data);
	return true;
}

/* White space, comments and processing instructions outside of the root. */
static bool
skip_asides(XmlReader *reader)
{
	bool		skipped = true;

	while (skipped)
	{
		while (reader->p < reader->end && strchr(" \t\r\n", *reader->p) != NULL)
			reader->p++;
		if (!skip_aside(reader, &skipped))
			return false;
	}
	return true;
}

bool
cmz_xml_append_json(StringInfo buf, const char *data, size_t len, const char **error)
{
	char	   *copy = pnstrdup(data, len);
	XmlReader	reader = {copy, copy + strlen(copy), NULL};
	StringInfoData root;
	CmzSpan		name;

	initStringInfo(&root);
	if (skip_asides(&reader) && read_element(&reader, &root, 0, &name) && skip_asides(&reader) &&
		(reader.p == copy + len || fail(&reader, "unexpected text behind the end")))
	{
		appendStringInfoChar(buf, '{');
		cmz_json_append_string(buf, name.data, (int) name.len);
		appendStringInfo(buf, ":%s}", root.data);
	}
	*error = reader.error;
	pfree(root.data);
	pfree(copy);
	return reader.error == NULL;
}
