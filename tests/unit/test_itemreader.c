/*
 * test_itemreader.c
 *	  The item reader against jansson: the same documents, whole, mutated and
 *	  cut, must be taken or refused alike and mean the same.
 */
#include "unit.h"

#include <jansson.h>

#include "base/itemreader.h"
#include "base/number.h"
#include "mb/pg_wchar.h"

#define ROUNDS	60000

static void append_value(StringInfo buf, int depth);

static void
append_random_string(StringInfo buf)
{
	static const char *const pieces[] = {
		"a", "lion_001", " ", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83e\\udd81", "\\u0000",
		"\xc3\xa9", "\xf0\x9f\xa6\x81", "2025-01-19T12:00:00Z", "\\u0041", "{\\\"S\\\":", "]}"
	};
	int			n = roll(4);

	appendStringInfoChar(buf, '"');
	for (int i = 0; i < n; i++)
		appendStringInfoString(buf, pieces[roll(lengthof(pieces))]);
	appendStringInfoChar(buf, '"');
}

static void
append_space(StringInfo buf)
{
	static const char *const spaces[] = {"", "", "", "", "", " ", "\n", "\t "};

	appendStringInfoString(buf, spaces[roll(lengthof(spaces))]);
}

static void
append_number(StringInfo buf)
{
	appendStringInfo(buf, "\"%s%u%s\"", roll(3) ? "" : "-", roll(100000), roll(3) ? "" : ".25");
}

static void
append_members(StringInfo buf, bool named, bool set, int depth)
{
	int			n = roll(4);

	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ',');
		append_space(buf);
		if (named)
		{
			/* distinct names: jansson keeps the last of equals */
			appendStringInfo(buf, "\"%c%d\"", 'a' + (int) roll(3), i);
			append_space(buf);
			appendStringInfoChar(buf, ':');
			append_space(buf);
		}
		if (set)
			append_random_string(buf);
		else
			append_value(buf, depth + 1);
		append_space(buf);
	}
}

static void
append_value(StringInfo buf, int depth)
{
	int			kind = roll(depth > 4 ? 5 : 10);
	static const char *const tags[] = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"};

	appendStringInfoChar(buf, '{');
	append_space(buf);
	appendStringInfo(buf, "\"%s\"", tags[kind]);
	append_space(buf);
	appendStringInfoChar(buf, ':');
	append_space(buf);
	switch (kind)
	{
		case 0:
			append_random_string(buf);
			break;
		case 1:
			append_number(buf);
			break;
		case 2:
			appendStringInfoString(buf, "\"AP8=\"");
			break;
		case 3:
		case 4:
			appendStringInfoString(buf, roll(2) ? "true" : "false");
			break;
		case 5:
			appendStringInfoChar(buf, '{');
			append_members(buf, true, false, depth);
			appendStringInfoChar(buf, '}');
			break;
		default:
			appendStringInfoChar(buf, '[');
			append_members(buf, false, kind != 6, depth);
			appendStringInfoChar(buf, ']');
			break;
	}
	append_space(buf);
	appendStringInfoChar(buf, '}');
}

static void
append_page(StringInfo buf)
{
	int			n = roll(4);

	appendStringInfo(buf, "{\"Count\":%d,", n);
	append_space(buf);
	appendStringInfoString(buf, "\"Items\":[");
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(buf, i > 0 ? ",{" : "{");
		append_members(buf, true, false, 0);
		appendStringInfoChar(buf, '}');
	}
	appendStringInfo(buf, "],\"ScannedCount\":%d", n);
	if (roll(2))
		appendStringInfoString(buf, ",\"LastEvaluatedKey\":{\"a\":{\"S\":\"x\"}}");
	if (roll(2))
		appendStringInfoString(buf, ",\"ConsumedCapacity\":{\"TableName\":\"t\",\"CapacityUnits\":0.5}");
	appendStringInfoChar(buf, '}');
}

/* ---- what the reader makes of a page: a canonical text ---- */

/* The reader leaves this to whoever makes text of a span; jansson checks it. */
static bool
is_utf8(const CmzSpan *span)
{
	return pg_encoding_verifymbstr(PG_UTF8, span->data, span->len) == span->len;
}

static void
print_span(StringInfo out, const CmzSpan *span)
{
	StringInfoData text;

	initStringInfo(&text);
	cmz_span_append(&text, span);
	appendStringInfo(out, "<%d:", text.len);
	appendBinaryStringInfo(out, text.data, text.len);
	appendStringInfoChar(out, '>');
	pfree(text.data);
}

static bool
print_value(StringInfo out, const CmzValue *value)
{
	CmzScanner	scan;
	CmzSpan		name;
	CmzValue	element;
	bool		first;
	int			more;

	appendStringInfo(out, "%s", cmz_type_name(value->type));
	switch (value->type)
	{
		case CMZ_TYPE_S:
		case CMZ_TYPE_N:
		case CMZ_TYPE_B:
			print_span(out, &value->span);
			return is_utf8(&value->span);
		case CMZ_TYPE_BOOL:
		case CMZ_TYPE_NULL:
			appendStringInfoChar(out, value->boolean ? '1' : '0');
			return true;
		default:
			break;
	}
	appendStringInfoChar(out, '(');
	cmz_elements_begin(&scan, value, &first);
	while ((more = cmz_elements_next(&scan, value, &first, &name, &element)) > 0)
	{
		if (value->type == CMZ_TYPE_M)
		{
			print_span(out, &name);
			if (!is_utf8(&name))
				return false;
		}
		if (!print_value(out, &element))
			return false;
	}
	appendStringInfoChar(out, ')');
	return more == 0;
}

static bool
read_page(const char *body, size_t len, StringInfo out)
{
	CmzPage		page;
	CmzItemReader *reader = cmz_item_reader_create(0, NULL, true);
	CmzAttribute attribute;
	bool		utf8 = true;
	int			more;

	resetStringInfo(out);
	if (!cmz_page_open(&page, body, len))
		return false;
	appendStringInfo(out, "%d %d %.1f ", (int) page.count, (int) page.scanned_count, page.read_units);
	while (cmz_page_next_item(&page, reader) > 0)
	{
		appendStringInfoChar(out, '{');
		while ((more = cmz_item_next_attribute(reader, &attribute)) > 0)
		{
			utf8 = utf8 && is_utf8(&attribute.name);
			print_span(out, &attribute.name);
			utf8 = print_value(out, &attribute.value) && utf8;
		}
		appendStringInfoChar(out, '}');
		if (more < 0)
			break;
	}
	if (page.last_key.data)
		appendStringInfo(out, "next");
	pfree(reader->wanted);
	pfree(reader);
	return page.error == NULL && utf8;
}

/* ---- the same from jansson's tree ---- */

static bool
tree_string(json_t *value, StringInfo out)
{
	if (!json_is_string(value))
		return false;
	appendStringInfo(out, "<%d:", (int) json_string_length(value));
	appendBinaryStringInfo(out, json_string_value(value), json_string_length(value));
	appendStringInfoChar(out, '>');
	return true;
}

static bool
tree_name(const char *name, size_t len, StringInfo out)
{
	appendStringInfo(out, "<%d:", (int) len);
	appendBinaryStringInfo(out, name, len);
	appendStringInfoChar(out, '>');
	return true;
}

static bool
tree_value(json_t *value, StringInfo out)
{
	const char *tag,
			   *name;
	json_t	   *x,
			   *member;
	size_t		i,
				len;
	CmzType		type;

	if (!json_is_object(value) || json_object_size(value) != 1)
		return false;
	tag = json_object_iter_key(json_object_iter(value));
	x = json_object_iter_value(json_object_iter(value));
	type = cmz_type_parse(tag, strlen(tag));
	appendStringInfo(out, "%s", cmz_type_name(type));
	switch (type)
	{
		case CMZ_TYPE_NONE:
			return false;
		case CMZ_TYPE_S:
		case CMZ_TYPE_N:
		case CMZ_TYPE_B:
			return tree_string(x, out);
		case CMZ_TYPE_BOOL:
		case CMZ_TYPE_NULL:
			appendStringInfoChar(out, json_is_true(x) ? '1' : '0');
			return json_is_boolean(x);
		case CMZ_TYPE_M:
			if (!json_is_object(x))
				return false;
			appendStringInfoChar(out, '(');
			json_object_keylen_foreach(x, name, len, member)
				if (!tree_name(name, len, out) || !tree_value(member, out))
					return false;
			appendStringInfoChar(out, ')');
			return true;
		default:
			if (!json_is_array(x))
				return false;
			appendStringInfoChar(out, '(');
			json_array_foreach(x, i, member)
			{
				if (type == CMZ_TYPE_L ? !tree_value(member, out) : false)
					return false;
				if (type != CMZ_TYPE_L)
				{
					appendStringInfo(out, "%s", type == CMZ_TYPE_SS ? "S" : type == CMZ_TYPE_NS ? "N" : "B");
					if (!tree_string(member, out))
						return false;
				}
			}
			appendStringInfoChar(out, ')');
			return true;
	}
}

static bool
tree_page(json_t *page, StringInfo out)
{
	json_t	   *items = json_object_get(page, "Items");
	json_t	   *capacity = json_object_get(page, "ConsumedCapacity");
	json_t	   *units = json_object_get(capacity, "CapacityUnits");
	json_t	   *last = json_object_get(page, "LastEvaluatedKey");
	json_t	   *item,
			   *value;
	size_t		i,
				len;
	const char *name;

	resetStringInfo(out);
	if (!json_is_object(page) || !json_is_integer(json_object_get(page, "Count")) ||
		!json_is_integer(json_object_get(page, "ScannedCount")) ||
		json_integer_value(json_object_get(page, "Count")) < 0 ||
		json_integer_value(json_object_get(page, "ScannedCount")) < 0 || (items && !json_is_array(items)) ||
		(size_t) json_integer_value(json_object_get(page, "Count")) != json_array_size(items) ||
		(last && !json_is_object(last) && !json_is_null(last)) || (units && !json_is_number(units)))
		return false;
	appendStringInfo(out, "%d %d %.1f ", (int) json_integer_value(json_object_get(page, "Count")),
					 (int) json_integer_value(json_object_get(page, "ScannedCount")),
					 json_number_value(units));
	json_array_foreach(items, i, item)
	{
		if (!json_is_object(item))
			return false;
		appendStringInfoChar(out, '{');
		json_object_keylen_foreach(item, name, len, value)
			if (!tree_name(name, len, out) || !tree_value(value, out))
				return false;
		appendStringInfoChar(out, '}');
	}
	if (json_is_object(last))
		appendStringInfo(out, "next");
	return true;
}

/*
 * Whether both refuse the document or both give the same.  A name that a
 * mutation made appear twice is out of scope: jansson keeps one of the two.
 */
static bool
agree(const char *body, int len, bool *taken)
{
	static StringInfoData mine,
				theirs;
	json_error_t error;
	json_t	   *tree = json_loadb(body, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	bool		got,
				expected;

	if (mine.data == NULL)
	{
		initStringInfo(&mine);
		initStringInfo(&theirs);
	}
	if (tree == NULL && json_error_code(&error) == json_error_duplicate_key)
		return true;
	got = read_page(body, len, &mine);
	expected = tree != NULL && tree_page(tree, &theirs);
	json_decref(tree);
	*taken = got;
	/* members that nobody reads may hold bytes that are no UTF-8 */
	if (got && tree == NULL && json_error_code(&error) == json_error_invalid_utf8)
		return true;
	if (got == expected && (!got || (mine.len == theirs.len && memcmp(mine.data, theirs.data, mine.len) == 0)))
		return true;
	printf("# reader %s, jansson %s (%s): %.*s\n", got ? mine.data : "refuses",
		   expected ? theirs.data : "refuses", error.text, len, body);
	return false;
}

static void
mutate(StringInfo buf)
{
	static const char bytes[] = "{}[]\",:\\ut0159.-eE \n\x01\x80\xff" "SNBML";

	switch (roll(4))
	{
		case 0:
			buf->data[roll(buf->len)] = bytes[roll(sizeof(bytes) - 1)];
			break;
		case 1:
			buf->len = roll(buf->len);
			break;
		case 2:
			{
				int			at = roll(buf->len);
				int			n = roll(5);

				n = Min(n, buf->len - at);
				memmove(buf->data + at, buf->data + at + n, buf->len - at - n);
				buf->len -= n;
				break;
			}
		default:
			{
				int			at = roll(buf->len);

				appendStringInfoChar(buf, ' ');
				memmove(buf->data + at + 1, buf->data + at, buf->len - at - 1);
				buf->data[at] = bytes[roll(sizeof(bytes) - 1)];
				break;
			}
	}
}

static void
refuses(const char *body, const char *why)
{
	CmzPage		page;
	CmzItemReader *reader = cmz_item_reader_create(0, NULL, true);
	CmzAttribute attribute;

	if (cmz_page_open(&page, body, strlen(body)))
		while (cmz_page_next_item(&page, reader) > 0)
			while (cmz_item_next_attribute(reader, &attribute) > 0)
				;
	is(page.error, why, body);
}

static void
test_depth(void)
{
	StringInfoData buf;
	CmzPage		page;
	CmzItemReader *reader = cmz_item_reader_create(0, NULL, false);
	CmzAttribute attribute;

	for (int depth = 32; depth <= 100000; depth += 99968)
	{
		initStringInfo(&buf);
		appendStringInfoString(&buf, "{\"Count\":1,\"ScannedCount\":1,\"Items\":[{\"a\":");
		for (int i = 0; i < depth; i++)
			appendStringInfoString(&buf, "{\"L\":[");
		for (int i = 0; i < depth; i++)
			appendStringInfoString(&buf, "]}");
		appendStringInfoString(&buf, "}]}");
		if (cmz_page_open(&page, buf.data, buf.len) && cmz_page_next_item(&page, reader) > 0)
			(void) cmz_item_next_attribute(reader, &attribute);
		is(page.error, depth == 32 ? NULL : "nested too deeply", psprintf("%d levels", depth));
	}
}

static void
test_wanted(void)
{
	static const char *const names[] = {"b", "c"};
	static const char body[] = "{\"Count\":3,\"ScannedCount\":3,\"Items\":["
		"{\"a\":{\"S\":\"1\"},\"b\":{\"N\":\"2\"},\"c\":{\"S\":\"3\"}},"
		"{\"c\":{\"S\":\"4\"},\"x\":{\"M\":{}},\"b\":{\"N\":\"5\"}},"
		"{\"\\u0062\":{\"N\":\"6\"}}]}";
	CmzItemReader *reader = cmz_item_reader_create(2, names, false);
	CmzPage		page;
	CmzAttribute attribute;
	StringInfoData out;

	initStringInfo(&out);
	ok(cmz_page_open(&page, body, strlen(body)), "page opens");
	while (cmz_page_next_item(&page, reader) > 0)
	{
		while (cmz_item_next_attribute(reader, &attribute) > 0)
			appendStringInfo(&out, "%d=%.*s ", attribute.slot, attribute.value.span.len, attribute.value.span.data);
		appendStringInfoString(&out, "; ");
	}
	is(out.data, "0=2 1=3 ; 1=4 0=5 ; 0=6 ; ", "only what is wanted, whatever its place");
}

static void
test_json(void)
{
	static const char body[] = "{\"M\":{\"n\":{\"N\":\"12345678901234567890.5\"},\"s\":{\"SS\":[\"a\",\"\\u00e9\"]},"
		"\"b\":{\"B\":\"AP8=\"},\"l\":{\"L\":[{\"BOOL\":true},{\"NULL\":true},{\"M\":{}}]}}}";
	static const char nul[] = "{\"S\":\"a\\\\u0000\\u0000\"}";
	static const char no_nul[] = "{\"S\":\"a\\\\u0000\"}";
	CmzScanner	scan;
	CmzValue	value;
	StringInfoData out;

	initStringInfo(&out);
	cmz_scan_init(&scan, body, strlen(body));
	ok(cmz_value_read(&scan, &value) && cmz_value_append_json(&out, &value), "a document");
	is(out.data, "{\"n\":12345678901234567890.5,\"s\":[\"a\",\"\\u00e9\"],\"b\":\"AP8=\",\"l\":[true,null,{}]}",
	   "as plain JSON");
	cmz_scan_init(&scan, nul, strlen(nul));
	ok(cmz_value_read(&scan, &value) && !cmz_value_append_json(&out, &value), "U+0000 is refused");
	cmz_scan_init(&scan, no_nul, strlen(no_nul));
	ok(cmz_value_read(&scan, &value) && cmz_value_append_json(&out, &value), "a backslash before u0000 is not");
}

void
test_itemreader(void)
{
	StringInfoData buf;
	int			whole = 0,
				disagreed = 0,
				taken_mutants = 0;

	initStringInfo(&buf);
	for (int i = 0; i < ROUNDS; i++)
	{
		bool		taken = false;

		resetStringInfo(&buf);
		append_page(&buf);
		disagreed += !agree(buf.data, buf.len, &taken);
		whole += taken;
		for (int m = roll(3); m >= 0 && buf.len > 0; m--)
			mutate(&buf);
		taken = false;
		disagreed += !agree(buf.data, buf.len, &taken);
		taken_mutants += taken;
	}
	ok(disagreed == 0, "%d documents and as many mutants mean the same to jansson", ROUNDS);
	ok(whole == ROUNDS, "all documents are taken (%d)", whole);
	ok(taken_mutants > ROUNDS / 100 && taken_mutants < ROUNDS, "some mutants are (%d)", taken_mutants);
	refuses("", "unexpected character");
	refuses("<html>", "unexpected character");
	refuses("{}", "no \"Count\" and \"ScannedCount\"");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":{}}", "\"Items\" is not an array");
	refuses("{\"Count\":1,\"ScannedCount\":1}", "\"Count\" without \"Items\"");
	refuses("{\"Count\":2,\"ScannedCount\":2,\"Items\":[{}]}", "\"Count\" disagrees with \"Items\"");
	refuses("{\"Count\":0,\"ScannedCount\":2,\"Items\":[{}]}", "\"Count\" disagrees with \"Items\"");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":[]} x", "text behind the document");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":[{\"a\":\"x\"}]}", "unexpected character");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":[{\"a\":{\"X\":\"x\"}}]}", "unknown attribute type");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":[{\"a\":{\"S\":1}}]}", "unexpected character");
	refuses("{\"Count\":1,\"ScannedCount\":1,\"Items\":[{\"a\":{\"S\":\"\\ud800\"}}]}", "invalid \\u escape");
	test_depth();
	test_wanted();
	test_json();
}
