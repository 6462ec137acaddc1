/*
 * answers.c
 *	  What the canned server answers: DynamoDB's operations over made-up items.
 *
 * A request is read with the scanner of the base layer, member by member, where it
 * lies; nothing of it is kept.  Source: DynamoDB API reference.
 */
#include "base/base.h"

#include "answers.h"
#include "items.h"

#define PAGE_ITEMS	(1024 * 1024 / ITEM_COUNTED_BYTES)
#define TAIL_ROOM	4096		/* for what follows the items of a page */

const char *const operation_names[OP_COUNT] = {
	"Scan", "Query", "BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem",
	"TransactWriteItems", "BatchWriteItem", "DescribeTable", "DescribeTimeToLive", "ListTables", "other"
};

/* How the items with the same value of a partition key lie in the table. */
typedef struct KeyIndex
{
	const char *name;			/* NULL: the table */
	ItemAttribute partition;
	ItemAttribute sort;
	int64		divisor;		/* items of a key that are one after the other */
} KeyIndex;

static const KeyIndex indexes[] = {
	{NULL, ITEM_USER_ID, ITEM_SESSION_ID_TIMESTAMP, ITEMS_PER_USER},
	{"SessionIndex", ITEM_SESSION_ID, ITEM_TIMESTAMP, ITEMS_PER_SESSION},
	{"AnimalIndex", ITEM_ANIMAL_ID, ITEM_TIMESTAMP, ITEMS_PER_SESSION},
	{"ParentUserIndex", ITEM_PARENT_USER_ID, ITEM_TIMESTAMP, ITEMS_PER_PARENT}
};

/* A request's members as they lie there; those that are missing have data NULL. */
typedef struct Request
{
	CmzSpan		table,
				index,
				key_condition,
				projection,
				names,
				values,
				start_key,
				select,
				capacity,
				keys,
				key;
	int64		limit,
				segment,
				total_segments;
	bool		backward;
} Request;

/* The items of a Scan or Query: numbers from first to last by a rule. */
typedef struct Run
{
	int64		count;			/* how many there are */
	int64		base;			/* number of the first */
	int64		divisor;		/* after so many ... */
	int64		stride;			/* ... the next are this far on */
} Run;

static int64
run_item(const Run *run, int64 k)
{
	return run->base + k / run->divisor * run->stride + k % run->divisor;
}

/* One value of any kind as it lies there; strings without their quotes. */
static bool
take_value(CmzScanner *scan, CmzSpan *value)
{
	bool		quoted = cmz_scan_peek(scan) == '"';

	value->escaped = false;
	value->data = scan->p;
	if (!cmz_scan_skip(scan))
		return false;
	value->len = scan->p - value->data;
	if (quoted)
	{
		value->data++;
		value->len -= 2;
	}
	return true;
}

/* Step to an object's next member. */
static bool
next_member(CmzScanner *scan, bool *first, CmzSpan *name, CmzSpan *value)
{
	return cmz_scan_next(scan, '}', first) > 0 && cmz_scan_string(scan, name) &&
		cmz_scan_char(scan, ':') && take_value(scan, value);
}

static bool
open_object(CmzScanner *scan, CmzSpan object)
{
	cmz_scan_init(scan, object.data, object.data ? object.len : 0);
	return object.data != NULL && cmz_scan_char(scan, '{');
}

static CmzSpan
member(CmzSpan object, const char *wanted)
{
	CmzScanner	scan;
	CmzSpan		name,
				value,
				none = {0};
	bool		first = true;

	if (open_object(&scan, object))
		while (next_member(&scan, &first, &name, &value))
			if (cmz_span_equals(&name, wanted))
				return value;
	return none;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64
number(CmzSpan span)
{
	int64		value = 0;

	for (int i = 0; i < span.len && is_digit(span.data[i]) && value < MAX_ITEMS; i++)
		value = value * 10 + span.data[i] - '0';
	return value;
}

static bool
read_request(CmzSpan body, Request *request)
{
	static const struct
	{
		const char *name;
		size_t		offset;
	}			spans[] = {
		{"TableName", offsetof(Request, table)}, {"IndexName", offsetof(Request, index)},
		{"KeyConditionExpression", offsetof(Request, key_condition)},
		{"ProjectionExpression", offsetof(Request, projection)},
		{"ExpressionAttributeNames", offsetof(Request, names)},
		{"ExpressionAttributeValues", offsetof(Request, values)},
		{"ExclusiveStartKey", offsetof(Request, start_key)}, {"Select", offsetof(Request, select)},
		{"ReturnConsumedCapacity", offsetof(Request, capacity)}, {"Keys", offsetof(Request, keys)},
		{"Key", offsetof(Request, key)}
	};
	CmzScanner	scan;
	CmzSpan		name,
				value;
	bool		first = true;

	memset(request, 0, sizeof(*request));
	if (!open_object(&scan, body))
		return false;
	while (next_member(&scan, &first, &name, &value))
	{
		for (int i = 0; i < (int) lengthof(spans); i++)
			if (cmz_span_equals(&name, spans[i].name))
				*(CmzSpan *) ((char *) request + spans[i].offset) = value;
		if (cmz_span_equals(&name, "Limit"))
			request->limit = number(value);
		else if (cmz_span_equals(&name, "Segment"))
			request->segment = number(value);
		else if (cmz_span_equals(&name, "TotalSegments"))
			request->total_segments = number(value);
		else if (cmz_span_equals(&name, "ScanIndexForward"))
			request->backward = value.len == 5;
	}
	return scan.error == NULL;
}

/* A name in an expression: "#0" or the attribute itself. */
static int
resolve_attribute(const Request *request, CmzSpan token)
{
	char		placeholder[64];
	CmzSpan		name = token;

	if (token.len > 0 && token.data[0] == '#' && token.len < (int) sizeof(placeholder))
	{
		memcpy(placeholder, token.data, token.len);
		placeholder[token.len] = '\0';
		name = member(request->names, placeholder);
	}
	return name.data ? item_attribute(name.data, name.len) : -1;
}

/* The next run of bytes of an expression that are no separators. */
static bool
next_token(CmzSpan *rest, CmzSpan *token)
{
	static const char separators[] = " ,()";

	while (rest->len > 0 && strchr(separators, *rest->data) != NULL)
		rest->data++, rest->len--;
	token->data = rest->data;
	while (rest->len > 0 && strchr(separators, *rest->data) == NULL)
		rest->data++, rest->len--;
	token->len = rest->data - token->data;
	return token->len > 0;
}

static unsigned
projected(const Request *request, const AnswerConfig *config)
{
	CmzSpan		rest = request->projection;
	CmzSpan		token;
	unsigned	mask = 0;

	if (rest.data == NULL || config->whole)
		return ALL_ATTRIBUTES;
	while (next_token(&rest, &token))
	{
		int			attribute = resolve_attribute(request, token);

		if (attribute >= 0)
			mask |= 1U << attribute;
	}
	return mask;
}

/* The value that the key condition compares with attribute = ...: {"S": "..."} */
static CmzSpan
equal_value(const Request *request, ItemAttribute attribute)
{
	CmzSpan		rest = request->key_condition;
	CmzSpan		token,
				none = {0};

	if (rest.data == NULL)
		return none;
	while (next_token(&rest, &token))
	{
		char		placeholder[64];

		if (resolve_attribute(request, token) != (int) attribute ||
			!next_token(&rest, &token) || token.len != 1 || *token.data != '=' ||
			!next_token(&rest, &token) || token.len >= (int) sizeof(placeholder))
			continue;
		memcpy(placeholder, token.data, token.len);
		placeholder[token.len] = '\0';
		return member(member(request->values, placeholder), "S");
	}
	return none;
}

/* The digits at the end of a key such as student_000123; -1: none. */
static int64
key_number(CmzSpan value)
{
	const char *digits = value.data + value.len;
	CmzSpan		span = {0};

	if (value.data == NULL)
		return -1;
	while (digits > value.data && is_digit(digits[-1]))
		digits--;
	span.data = digits;
	span.len = value.data + value.len - digits;
	return span.len > 0 ? number(span) : -1;
}

/* The number of the item that a key names: by its time; -1: none. */
static int64
key_item(CmzSpan key)
{
	CmzSpan		sort = member(member(key, "sessionIdTimestamp"), "S");

	return sort.data ? item_of_time(sort.data, sort.len) : -1;
}

static const KeyIndex *
find_index(const Request *request)
{
	for (int i = 1; i < (int) lengthof(indexes); i++)
		if (request->index.data && cmz_span_equals(&request->index, indexes[i].name))
			return &indexes[i];
	return &indexes[0];
}

static Run
scan_run(const Request *request, int64 items)
{
	int64		segments = Max(request->total_segments, 1);
	Run			run = {0};

	run.base = items * request->segment / segments;
	run.count = items * (request->segment + 1) / segments - run.base;
	run.divisor = run.stride = 1;
	return run;
}

static Run
query_run(const Request *request, const KeyIndex *index, int64 items)
{
	int64		key = key_number(equal_value(request, index->partition));
	CmzSpan		sort = equal_value(request, index->sort);
	Run			run = {0, 0, 1, 1};

	if (key < 0)
		return run;
	run.divisor = run.stride = index->divisor;
	run.base = key * index->divisor;
	if (index->partition == ITEM_ANIMAL_ID)
		run.stride *= ANIMALS;
	if (run.base < items && (index->partition != ITEM_ANIMAL_ID || key < ANIMALS))
	{
		/* whole strides, and what the last one has */
		int64		behind = items - run.base;

		run.count = index->partition != ITEM_ANIMAL_ID ? Min(behind, index->divisor)
			: behind / run.stride * run.divisor + Min(behind % run.stride, run.divisor);
	}
	if (sort.data != NULL)
	{
		int64		i = item_of_time(sort.data, sort.len);
		int64		from = i - run.base;

		if (i < 0 || from < 0 || from % run.stride >= run.divisor ||
			from / run.stride * run.divisor + from % run.stride >= run.count)
			run.count = 0;
		else
		{
			run.base = i;
			run.count = 1;
		}
	}
	return run;
}

/* How far a run has been read when a request starts behind a key. */
static int64
run_start(const Run *run, const Request *request)
{
	int64		i,
				from,
				k;

	if (request->start_key.data == NULL || (i = key_item(request->start_key)) < run->base)
		return 0;
	from = i - run->base;
	k = from / run->stride * run->divisor + from % run->stride;
	return Min(request->backward ? run->count - k : k + 1, run->count);
}

static void
append_item(StringInfo out, int64 i, unsigned mask)
{
	enlargeStringInfo(out, ITEM_BYTES + 1);
	out->len = item_write(out->data + out->len, i, mask) - out->data;
}

static void
append_capacity(StringInfo out, const Request *request, double units, bool as_list)
{
	if (request->capacity.data == NULL || cmz_span_equals(&request->capacity, "NONE"))
		return;
	appendStringInfo(out, ",\"ConsumedCapacity\":%s{\"TableName\":\"%.*s\",\"CapacityUnits\":%.1f}%s",
					 as_list ? "[" : "", request->table.len, request->table.data ? request->table.data : "",
					 units, as_list ? "]" : "");
}

static double
read_units(int64 items)
{
	return Max(1, (items * ITEM_COUNTED_BYTES + 4095) / 4096) / 2.0;
}

/* A page of Scan or Query. */
static int
answer_page(StringInfo out, const Request *request, bool is_query, const AnswerConfig *config,
			AnswerCounters *counters)
{
	const KeyIndex *index = find_index(request);
	Run			run = is_query ? query_run(request, index, config->items) : scan_run(request, config->items);
	int64		start = run_start(&run, request);
	int64		n = Min(run.count - start, PAGE_ITEMS);
	bool		count = request->select.data && cmz_span_equals(&request->select, "COUNT");
	unsigned	mask = projected(request, config);

	if (request->limit > 0)
		n = Min(n, request->limit);
	enlargeStringInfo(out, count ? TAIL_ROOM : n * (ITEM_BYTES + 1) + TAIL_ROOM);
	appendStringInfo(out, "{\"Count\":" INT64_FORMAT, n);
	if (!count)
	{
		appendStringInfoString(out, ",\"Items\":[");
		for (int64 k = 0; k < n; k++)
		{
			if (k > 0)
				out->data[out->len++] = ',';
			append_item(out, run_item(&run, request->backward ? run.count - 1 - start - k : start + k), mask);
		}
		appendStringInfoChar(out, ']');
		counters->items_sent += n;
	}
	if (start + n < run.count)
	{
		unsigned	keys = 1U << ITEM_USER_ID | 1U << ITEM_SESSION_ID_TIMESTAMP |
			1U << index->partition | 1U << index->sort;

		appendStringInfoString(out, ",\"LastEvaluatedKey\":");
		append_item(out, run_item(&run, request->backward ? run.count - start - n : start + n - 1), keys);
	}
	appendStringInfo(out, ",\"ScannedCount\":" INT64_FORMAT, n);
	append_capacity(out, request, read_units(n), false);
	appendStringInfoChar(out, '}');
	counters->items_read += n;
	return 200;
}

/* The item of a primary key; false if there is none. */
static bool
find_item(CmzSpan key, int64 items, int64 *i)
{
	*i = key_item(key);
	return *i >= 0 && *i < items && key_number(member(member(key, "userId"), "S")) == *i / ITEMS_PER_USER;
}

/* {"Responses": {"<table>": [...]}, "UnprocessedKeys": {}}, of one table */
static int
answer_batch_get(StringInfo out, CmzSpan body, Request *request, const AnswerConfig *config,
				 AnswerCounters *counters)
{
	Request		outer = *request;
	CmzScanner	scan;
	CmzSpan		table,
				of_table,
				key;
	bool		first = true;
	int64		found = 0,
				i;

	if (!open_object(&scan, member(body, "RequestItems")) || !next_member(&scan, &first, &table, &of_table) ||
		!read_request(of_table, request) || request->keys.data == NULL)
		return 400;
	outer.table = table;
	appendStringInfo(out, "{\"Responses\":{\"%.*s\":[", (int) table.len, table.data);
	cmz_scan_init(&scan, request->keys.data, request->keys.len);
	first = true;
	if (!cmz_scan_char(&scan, '['))
		return 400;
	while (cmz_scan_next(&scan, ']', &first) > 0 && take_value(&scan, &key))
		if (find_item(key, config->items, &i))
		{
			if (found++ > 0)
				appendStringInfoChar(out, ',');
			append_item(out, i, projected(request, config));
		}
	appendStringInfoString(out, "]},\"UnprocessedKeys\":{}");
	append_capacity(out, &outer, found * 0.5, true);
	appendStringInfoChar(out, '}');
	counters->items_sent += found;
	counters->items_read += found;
	return scan.error ? 400 : 200;
}

static int
answer_get(StringInfo out, const Request *request, const AnswerConfig *config, AnswerCounters *counters)
{
	int64		i;

	appendStringInfoChar(out, '{');
	if (find_item(request->key, config->items, &i))
	{
		appendStringInfoString(out, "\"Item\":");
		append_item(out, i, projected(request, config));
		counters->items_sent++;
	}
	counters->items_read++;
	if (request->capacity.data != NULL)
	{
		if (out->data[out->len - 1] == '{')
			appendStringInfoString(out, "\"canned\":true");
		append_capacity(out, request, 0.5, false);
	}
	appendStringInfoChar(out, '}');
	return 200;
}

/* How many elements the arrays of a write hold: the writes of a transaction, or of a batch. */
static int64
count_elements(CmzSpan array)
{
	CmzScanner	scan;
	bool		first = true;
	int64		n = 0;

	cmz_scan_init(&scan, array.data, array.data ? array.len : 0);
	if (array.data == NULL || !cmz_scan_char(&scan, '['))
		return 0;
	while (cmz_scan_next(&scan, ']', &first) > 0 && cmz_scan_skip(&scan))
		n++;
	return n;
}

static int64
count_writes(Operation operation, CmzSpan body)
{
	CmzScanner	scan;
	CmzSpan		name,
				value;
	bool		first = true;
	int64		n = 0;

	if (operation == OP_TRANSACT_WRITE_ITEMS)
		return count_elements(member(body, "TransactItems"));
	if (operation != OP_BATCH_WRITE_ITEM)
		return 1;
	if (open_object(&scan, member(body, "RequestItems")))
		while (next_member(&scan, &first, &name, &value))
			n += count_elements(value);
	return n;
}

static int
answer_write(StringInfo out, Operation operation, CmzSpan body, const Request *request,
			 AnswerCounters *counters)
{
	int64		n = count_writes(operation, body);

	appendStringInfoString(out, operation == OP_BATCH_WRITE_ITEM ? "{\"UnprocessedItems\":{}"
						   : "{\"canned\":true");
	append_capacity(out, request, n * (operation == OP_TRANSACT_WRITE_ITEMS ? 2.0 : 1.0),
					operation == OP_TRANSACT_WRITE_ITEMS || operation == OP_BATCH_WRITE_ITEM);
	appendStringInfoChar(out, '}');
	counters->items_written += n;
	return 200;
}

static void
append_key_schema(StringInfo out, const KeyIndex *index)
{
	appendStringInfo(out, "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
					 "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
					 item_names[index->partition], item_names[index->sort]);
}

static int
answer_describe(StringInfo out, const Request *request, int64 items)
{
	static const ItemAttribute keys[] = {
		ITEM_USER_ID, ITEM_SESSION_ID_TIMESTAMP, ITEM_SESSION_ID, ITEM_ANIMAL_ID, ITEM_PARENT_USER_ID,
		ITEM_TIMESTAMP
	};

	appendStringInfo(out, "{\"Table\":{\"TableName\":\"%.*s\",\"TableStatus\":\"ACTIVE\","
					 "\"ItemCount\":" INT64_FORMAT ",\"TableSizeBytes\":" INT64_FORMAT
					 ",\"AttributeDefinitions\":[",
					 request->table.len, request->table.data ? request->table.data : "",
					 items, items * ITEM_COUNTED_BYTES);
	for (int i = 0; i < (int) lengthof(keys); i++)
		appendStringInfo(out, "%s{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}", i > 0 ? "," : "",
						 item_names[keys[i]]);
	appendStringInfoString(out, "],");
	append_key_schema(out, &indexes[0]);
	appendStringInfoString(out, ",\"GlobalSecondaryIndexes\":[");
	for (int i = 1; i < (int) lengthof(indexes); i++)
	{
		appendStringInfo(out, "%s{\"IndexName\":\"%s\",\"IndexStatus\":\"ACTIVE\","
						 "\"Projection\":{\"ProjectionType\":\"ALL\"},",
						 i > 1 ? "," : "", indexes[i].name);
		append_key_schema(out, &indexes[i]);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, "]}}");
	return 200;
}

Operation
answer_operation(const char *name, size_t len)
{
	for (int i = 0; i < OP_OTHER; i++)
		if (strlen(operation_names[i]) == len && memcmp(operation_names[i], name, len) == 0)
			return i;
	return OP_OTHER;
}

static int
dispatch(StringInfo out, Operation operation, CmzSpan body, Request *request,
		 const AnswerConfig *config, AnswerCounters *counters)
{
	switch (operation)
	{
		case OP_SCAN:
		case OP_QUERY:
			return answer_page(out, request, operation == OP_QUERY, config, counters);
		case OP_BATCH_GET_ITEM:
			return answer_batch_get(out, body, request, config, counters);
		case OP_GET_ITEM:
			return answer_get(out, request, config, counters);
		case OP_PUT_ITEM:
		case OP_UPDATE_ITEM:
		case OP_DELETE_ITEM:
		case OP_TRANSACT_WRITE_ITEMS:
		case OP_BATCH_WRITE_ITEM:
			return answer_write(out, operation, body, request, counters);
		case OP_DESCRIBE_TABLE:
			return answer_describe(out, request, config->items);
		case OP_DESCRIBE_TTL:
			appendStringInfoString(out, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"ENABLED\","
								   "\"AttributeName\":\"ttl\"}}");
			return 200;
		case OP_LIST_TABLES:
			appendStringInfoString(out, "{\"TableNames\":[\"canned\"]}");
			return 200;
		default:
			return 400;
	}
}

int
answer_request(StringInfo out, Operation operation, const char *data, size_t len,
			   const AnswerConfig *config, AnswerCounters *counters)
{
	CmzSpan		body = {data, len, false};
	Request		request;
	int			start = out->len;

	counters->requests[operation]++;
	if (operation != OP_OTHER && read_request(body, &request) &&
		request.segment < Max(request.total_segments, 1) &&
		dispatch(out, operation, body, &request, config, counters) == 200)
		return 200;
	out->len = start;
	appendStringInfo(out, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#%s\","
					 "\"message\":\"the canned server cannot answer this request\"}",
					 operation == OP_OTHER ? "UnknownOperationException" : "ValidationException");
	return 400;
}
