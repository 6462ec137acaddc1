/*
 * itemreader.c
 *	  Walks the bytes of a DynamoDB answer: pages, items, attributes, values.
 *
 * There is no tree: the items are read once, in place.  Opening a page skips
 * over them to find LastEvaluatedKey behind them, so that the next page can be
 * asked for before this one is read, and so that a body that is cut short or
 * garbled fails before it has given a row.
 */
#include "base/base.h"

#include "base/itemreader.h"
#include "base/number.h"

/* DynamoDB nests values 32 levels deep. */
#define MAX_VALUE_DEPTH 40

static bool read_value(CmzScanner *scan, CmzValue *value, int depth);

CmzItemReader *
cmz_item_reader_create(int n, const char *const *names, bool want_others)
{
	CmzItemReader *reader = palloc0(sizeof(CmzItemReader));

	reader->nwanted = n;
	reader->wanted = palloc0(sizeof(CmzSpan) * Max(n, 1));
	reader->want_others = want_others;
	for (int i = 0; i < n; i++)
	{
		reader->wanted[i].data = names[i];
		reader->wanted[i].len = strlen(names[i]);
	}
	return reader;
}

/* ConsumedCapacity: {"TableName": ..., "CapacityUnits": 0.5, ...} */
static bool
read_consumed_capacity(CmzScanner *scan, double *total)
{
	CmzSpan		name;
	bool		first = true;
	double		units = 0;
	int			more;

	if (!cmz_scan_char(scan, '{'))
		return false;
	while ((more = cmz_scan_next(scan, '}', &first)) > 0)
	{
		if (!cmz_scan_string(scan, &name) || !cmz_scan_char(scan, ':'))
			return false;
		if (cmz_span_equals(&name, "CapacityUnits")
			? !cmz_scan_double(scan, &units) : !cmz_scan_skip(scan))
			return false;
	}
	*total += units;
	return more == 0;
}

/* The same of each table of a batch. */
static bool
read_consumed_capacities(CmzScanner *scan, double *total)
{
	bool		first = true;
	int			more;

	if (!cmz_scan_char(scan, '['))
		return false;
	while ((more = cmz_scan_next(scan, ']', &first)) > 0)
		if (!read_consumed_capacity(scan, total))
			return false;
	return more == 0;
}

/* Note where the array of items begins, and skip it. */
static bool
read_items(CmzPage *page, CmzScanner *scan)
{
	if (cmz_scan_peek(scan) != '[')
		return cmz_scan_fail(scan, "\"Items\" is not an array");
	if (page->has_items)
		return cmz_scan_fail(scan, "\"Items\" stands twice");
	page->has_items = true;
	page->items = *scan;
	page->items.p++;
	return cmz_scan_skip(scan);
}

/* There is one table in a batch of ours. */
static bool
read_table_name(CmzPage *page, CmzScanner *scan)
{
	CmzSpan		name;

	if (!cmz_scan_string(scan, &name) || !cmz_scan_char(scan, ':'))
		return false;
	if (page->table.data != NULL && (page->table.len != name.len ||
									 memcmp(page->table.data, name.data, name.len) != 0))
		return cmz_scan_fail(scan, "it is of several tables");
	page->table = name;
	return true;
}

/* Responses: {"<table>": [...]}; none if no key of the table was found */
static bool
read_responses(CmzPage *page, CmzScanner *scan)
{
	bool		first = true;
	int			more;

	page->is_batch = true;
	if (!cmz_scan_char(scan, '{'))
		return false;
	while ((more = cmz_scan_next(scan, '}', &first)) > 0)
		if (!read_table_name(page, scan) || !read_items(page, scan))
			return false;
	return more == 0;
}

/* "Keys": [...] among the members of a table's UnprocessedKeys */
static bool
read_keys(CmzPage *page, CmzScanner *scan)
{
	CmzSpan		name;
	bool		first = true;
	int			more;

	if (!cmz_scan_char(scan, '{'))
		return false;
	while ((more = cmz_scan_next(scan, '}', &first)) > 0)
	{
		bool		is_keys;

		if (!cmz_scan_string(scan, &name) || !cmz_scan_char(scan, ':'))
			return false;
		is_keys = cmz_span_equals(&name, "Keys") && cmz_scan_peek(scan) == '[';
		if (is_keys)
			page->last_key.data = scan->p + 1;
		if (!cmz_scan_skip(scan))
			return false;
		if (is_keys)
			page->last_key.len = scan->p - 1 - page->last_key.data;
	}
	return more == 0;
}

/* UnprocessedKeys: {"<table>": {"Keys": [...], ...}}; {} if there are none */
static bool
read_unprocessed(CmzPage *page, CmzScanner *scan)
{
	bool		first = true;
	int			more;

	if (!cmz_scan_char(scan, '{'))
		return false;
	while ((more = cmz_scan_next(scan, '}', &first)) > 0)
	{
		if (!read_table_name(page, scan) || !read_keys(page, scan))
			return false;
		if (page->last_key.len == 0)
			return cmz_scan_fail(scan, "\"UnprocessedKeys\" without keys");
	}
	return more == 0;
}

static bool
read_last_key(CmzPage *page, CmzScanner *scan)
{
	if (cmz_scan_peek(scan) != '{')
		return cmz_scan_fail(scan, "\"LastEvaluatedKey\" is not an object");
	page->last_key.data = scan->p;
	if (!cmz_scan_skip(scan))
		return false;
	page->last_key.len = scan->p - page->last_key.data;
	return true;
}

static bool
read_page_member(CmzPage *page, CmzScanner *scan, const CmzSpan *name)
{
	if (cmz_span_equals(name, "Items"))
		return read_items(page, scan);
	if (cmz_span_equals(name, "Responses"))
		return read_responses(page, scan);
	if (cmz_span_equals(name, "Count"))
		return cmz_scan_integer(scan, &page->count);
	if (cmz_span_equals(name, "ScannedCount"))
		return cmz_scan_integer(scan, &page->scanned_count);
	if (cmz_span_equals(name, "ConsumedCapacity") && cmz_scan_peek(scan) == '{')
		return read_consumed_capacity(scan, &page->read_units);
	if (cmz_span_equals(name, "ConsumedCapacity") && cmz_scan_peek(scan) == '[')
		return read_consumed_capacities(scan, &page->read_units);
	if (cmz_span_equals(name, "LastEvaluatedKey") && cmz_scan_peek(scan) != 'n')
		return read_last_key(page, scan);
	if (cmz_span_equals(name, "UnprocessedKeys") && cmz_scan_peek(scan) != 'n')
		return read_unprocessed(page, scan);
	return cmz_scan_skip(scan);
}

bool
cmz_page_open(CmzPage *page, const char *body, size_t len)
{
	CmzScanner	scan;
	bool		first = true;
	int			more = -1;

	memset(page, 0, sizeof(*page));
	page->first = true;
	page->count = page->scanned_count = -1;
	cmz_scan_init(&scan, body, len);
	if (cmz_scan_char(&scan, '{'))
		while ((more = cmz_scan_next(&scan, '}', &first)) > 0)
		{
			CmzSpan		name;

			if (!cmz_scan_string(&scan, &name) || !cmz_scan_char(&scan, ':') ||
				!read_page_member(page, &scan, &name))
				break;
		}
	if (more == 0 && cmz_scan_end(&scan) && !page->is_batch &&
		(page->count < 0 || page->scanned_count < 0))
		(void) cmz_scan_fail(&scan, "no \"Count\" and \"ScannedCount\"");
	page->done = !page->has_items;
	page->error = scan.error;
	return page->error == NULL;
}

double
cmz_answer_units(const char *body, size_t len)
{
	CmzScanner	scan;
	bool		first = true;
	double		units = 0;

	cmz_scan_init(&scan, body, len);
	if (!cmz_scan_char(&scan, '{'))
		return 0;
	while (cmz_scan_next(&scan, '}', &first) > 0)
	{
		CmzSpan		name;
		bool		ok;

		if (!cmz_scan_string(&scan, &name) || !cmz_scan_char(&scan, ':'))
			break;
		if (!cmz_span_equals(&name, "ConsumedCapacity"))
			ok = cmz_scan_skip(&scan);
		else if (cmz_scan_peek(&scan) == '[')
			ok = read_consumed_capacities(&scan, &units);
		else
			ok = read_consumed_capacity(&scan, &units);
		if (!ok)
			break;
	}
	return units;
}

void
cmz_page_of_item(CmzPage *page, const char *item, size_t len)
{
	memset(page, 0, sizeof(*page));
	cmz_scan_init(&page->items, item, len);
	page->has_items = page->first = page->single = true;
	page->count = 1;
}

int
cmz_page_next_item(CmzPage *page, CmzItemReader *reader)
{
	int			more;

	if (page->done && page->has_items)
		return 0;
	if (!page->has_items)
	{
		if (page->count > 0)
			page->error = "\"Count\" without \"Items\"";
		return page->error ? -1 : 0;
	}
	if (page->first || reader->page != page)
		reader->nshape = 0;		/* the page before may be gone */
	if (page->single)
	{
		more = page->first;
		page->first = false;
	}
	else
		more = cmz_scan_next(&page->items, ']', &page->first);
	page->done = (more <= 0);
	page->read += (more > 0);
	if (more > 0 ? !cmz_scan_char(&page->items, '{')
		: more == 0 && !page->is_batch && page->read != page->count)
	{
		(void) cmz_scan_fail(&page->items, "\"Count\" disagrees with \"Items\"");
		more = -1;
	}
	if (more < 0)
		page->error = page->items.error;
	reader->page = page;
	reader->first = true;
	reader->position = 0;
	return more;
}

/* Which wanted name is it? */
static int
find_slot(CmzItemReader *reader, const CmzSpan *name)
{
	CmzSpan		plain = *name;
	int			slot = CMZ_SLOT_OTHER;
	StringInfoData buf;

	if (name->escaped)
	{
		initStringInfo(&buf);
		cmz_span_append(&buf, name);
		plain.data = buf.data;
		plain.len = buf.len;
	}
	for (int i = 0; i < reader->nwanted && slot < 0; i++)
		if (reader->wanted[i].len == plain.len &&
			memcmp(reader->wanted[i].data, plain.data, plain.len) == 0)
			slot = i;
	if (name->escaped)
		pfree(buf.data);
	return slot;
}

/* The same by position, as the item before had it. */
static inline int
guess_slot(CmzItemReader *reader, const CmzSpan *name)
{
	int			i = reader->position++;
	int			slot;

	if (likely(i < reader->nshape && reader->shape[i].len == name->len &&
			   memcmp(reader->shape[i].data, name->data, name->len) == 0))
		return reader->shape_slot[i];
	slot = find_slot(reader, name);
	if (i < CMZ_SHAPE_LENGTH)
	{
		reader->shape[i] = *name;
		reader->shape_slot[i] = slot;
		if (i >= reader->nshape)
			reader->nshape = i + 1;
	}
	return slot;
}

int
cmz_item_next_attribute(CmzItemReader *reader, CmzAttribute *attribute)
{
	CmzScanner *scan = &reader->page->items;
	int			more;

	while ((more = cmz_scan_next(scan, '}', &reader->first)) > 0)
	{
		if (!cmz_scan_string(scan, &attribute->name) || !cmz_scan_char(scan, ':'))
			break;
		attribute->slot = guess_slot(reader, &attribute->name);
		if (!read_value(scan, &attribute->value, 0))
			break;
		if (attribute->slot >= 0 || reader->want_others)
			return 1;
	}
	if (more == 0)
		return 0;
	reader->page->error = scan->error;
	return -1;
}

/* The type tag in front of a value. */
static inline bool
read_tag(CmzScanner *scan, CmzType *type)
{
	CmzSpan		tag;

	/* {"S":... is by far the most frequent */
	if (likely(scan->end - scan->p > 3 && memcmp(scan->p, "\"S\"", 3) == 0))
	{
		scan->p += 3;
		*type = CMZ_TYPE_S;
		return true;
	}
	if (!cmz_scan_string(scan, &tag))
		return false;
	*type = cmz_type_parse(tag.data, tag.len);
	return *type != CMZ_TYPE_NONE || cmz_scan_fail(scan, "unknown attribute type");
}

/* M, L and sets: check what is inside, keep the span. */
static bool
read_composite(CmzScanner *scan, CmzValue *value, int depth)
{
	bool		first = true;
	int			more;
	char		close = value->type == CMZ_TYPE_M ? '}' : ']';

	if (depth >= MAX_VALUE_DEPTH)
		return cmz_scan_fail(scan, "nested too deeply");
	(void) cmz_scan_peek(scan);
	value->span.data = scan->p;
	value->span.escaped = false;
	if (!cmz_scan_char(scan, value->type == CMZ_TYPE_M ? '{' : '['))
		return false;
	while ((more = cmz_scan_next(scan, close, &first)) > 0)
	{
		CmzSpan		span;
		CmzValue	element;

		if (value->type == CMZ_TYPE_M &&
			(!cmz_scan_string(scan, &span) || !cmz_scan_char(scan, ':')))
			return false;
		if (value->type == CMZ_TYPE_M || value->type == CMZ_TYPE_L
			? !read_value(scan, &element, depth + 1) : !cmz_scan_string(scan, &span))
			return false;
	}
	value->span.len = scan->p - value->span.data;
	return more == 0;
}

static bool
read_boolean(CmzScanner *scan, bool *value)
{
	int			c = cmz_scan_peek(scan);

	*value = (c == 't');
	if (c != 't' && c != 'f')
		return cmz_scan_fail(scan, "expected true or false");
	return cmz_scan_skip(scan);
}

static bool
read_value(CmzScanner *scan, CmzValue *value, int depth)
{
	bool		ok;

	if (!cmz_scan_char(scan, '{'))
		return false;
	if (cmz_scan_peek(scan) < 0 || !read_tag(scan, &value->type) || !cmz_scan_char(scan, ':'))
		return cmz_scan_fail(scan, "expected an attribute value");
	switch (value->type)
	{
		case CMZ_TYPE_S:
		case CMZ_TYPE_N:
		case CMZ_TYPE_B:
			ok = cmz_scan_string(scan, &value->span);
			break;
		case CMZ_TYPE_BOOL:
		case CMZ_TYPE_NULL:
			value->span = (CmzSpan) {"", 0, false};
			ok = read_boolean(scan, &value->boolean);
			break;
		default:
			ok = read_composite(scan, value, depth);
			break;
	}
	return ok && cmz_scan_char(scan, '}');
}

bool
cmz_value_read(CmzScanner *scan, CmzValue *value)
{
	return read_value(scan, value, 0);
}

bool
cmz_item_read(CmzScanner *scan, CmzValue *value)
{
	value->type = CMZ_TYPE_M;
	return read_composite(scan, value, 0);
}

void
cmz_elements_begin(CmzScanner *scan, const CmzValue *value, bool *first)
{
	cmz_scan_init(scan, value->span.data + 1, value->span.len - 1);
	*first = true;
}

int
cmz_elements_next(CmzScanner *scan, const CmzValue *parent, bool *first,
				  CmzSpan *name, CmzValue *value)
{
	int			more = cmz_scan_next(scan, parent->type == CMZ_TYPE_M ? '}' : ']', first);
	bool		ok;

	if (more <= 0)
		return more;
	switch (parent->type)
	{
		case CMZ_TYPE_M:
			ok = cmz_scan_string(scan, name) && cmz_scan_char(scan, ':') &&
				cmz_value_read(scan, value);
			break;
		case CMZ_TYPE_L:
			ok = cmz_value_read(scan, value);
			break;
		default:
			value->type = parent->type == CMZ_TYPE_SS ? CMZ_TYPE_S :
				parent->type == CMZ_TYPE_NS ? CMZ_TYPE_N : CMZ_TYPE_B;
			ok = cmz_scan_string(scan, &value->span);
			break;
	}
	return ok ? 1 : -1;
}

bool
cmz_span_append_json(StringInfo buf, const CmzSpan *span)
{
	const char *p = span->data;
	const char *end = p + span->len;

	while (span->escaped && (p = memchr(p, '\\', end - p)) != NULL)
	{
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
			return false;
		p += 2;
	}
	appendStringInfoChar(buf, '"');
	appendBinaryStringInfo(buf, span->data, span->len);
	appendStringInfoChar(buf, '"');
	return true;
}

static bool
append_composite_json(StringInfo buf, const CmzValue *value)
{
	CmzScanner	scan;
	CmzSpan		name;
	CmzValue	element;
	bool		first;
	bool		comma = false;
	bool		is_map = value->type == CMZ_TYPE_M;

	appendStringInfoChar(buf, is_map ? '{' : '[');
	cmz_elements_begin(&scan, value, &first);
	while (cmz_elements_next(&scan, value, &first, &name, &element) > 0)
	{
		if (comma)
			appendStringInfoChar(buf, ',');
		comma = true;
		if (is_map)
		{
			if (!cmz_span_append_json(buf, &name))
				return false;
			appendStringInfoChar(buf, ':');
		}
		if (!cmz_value_append_json(buf, &element))
			return false;
	}
	appendStringInfoChar(buf, is_map ? '}' : ']');
	return true;
}

bool
cmz_value_append_json(StringInfo buf, const CmzValue *value)
{
	switch (value->type)
	{
		case CMZ_TYPE_S:
		case CMZ_TYPE_B:
			return cmz_span_append_json(buf, &value->span);
		case CMZ_TYPE_N:
			if (!cmz_number_is_json(value->span.data, value->span.len) ||
				cmz_number_fit(value->span.data, value->span.len) != CMZ_NUMBER_FITS)
				return false;
			appendBinaryStringInfo(buf, value->span.data, value->span.len);
			return true;
		case CMZ_TYPE_BOOL:
			appendStringInfoString(buf, value->boolean ? "true" : "false");
			return true;
		case CMZ_TYPE_NULL:
			appendStringInfoString(buf, "null");
			return true;
		default:
			return append_composite_json(buf, value);
	}
}
