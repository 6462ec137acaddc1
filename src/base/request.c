/*
 * request.c
 *	  Operations as values, and the JSON bodies that DynamoDB takes for them.
 */
#include "base/base.h"

#include "base/expression.h"
#include "base/json.h"
#include "base/request.h"

static void
append_expression(StringInfo body, CmzPlaceholders *placeholders, const char *member,
				  const CmzCondition *condition)
{
	StringInfoData text;

	if (condition == NULL)
		return;
	initStringInfo(&text);
	cmz_expression_append(&text, placeholders, condition);
	cmz_json_append_member(body, member, text.data);
	pfree(text.data);
}

static void
append_projection(StringInfo body, CmzPlaceholders *placeholders, const CmzReadRequest *request)
{
	StringInfoData text;

	if (request->count || request->all_attributes)
	{
		/* BatchGetItem has no Select, and gives all unless told otherwise */
		if (request->keys == NULL)
			cmz_json_append_member(body, "Select", request->count ? "COUNT" : "ALL_ATTRIBUTES");
		return;
	}
	initStringInfo(&text);
	for (int i = 0; i < request->nprojection; i++)
	{
		if (i > 0)
			appendStringInfoChar(&text, ',');
		cmz_expression_append_name(&text, placeholders, request->projection[i]);
	}
	cmz_json_append_member(body, "ProjectionExpression", text.data);
	pfree(text.data);
}

const char *
cmz_request_operation(const CmzReadRequest *request)
{
	if (request->keys != NULL)
		return "BatchGetItem";
	return request->key ? "Query" : "Scan";
}

/* {"RequestItems": {"<table>": {"Keys": [...], ...}}, ...} */
static void
append_batch_get(StringInfo body, const CmzReadRequest *request)
{
	CmzPlaceholders placeholders;

	cmz_placeholders_init(&placeholders);
	appendStringInfoChar(body, '{');
	cmz_json_append_name(body, "RequestItems");
	appendStringInfoChar(body, '{');
	cmz_json_append_name(body, request->table);
	appendStringInfoChar(body, '{');
	cmz_json_append_name(body, "Keys");
	appendStringInfoChar(body, '[');
	if (request->start_key.data != NULL)
		appendBinaryStringInfo(body, request->start_key.data, request->start_key.len);
	else
		appendStringInfoString(body, request->keys);
	appendStringInfoChar(body, ']');
	append_projection(body, &placeholders, request);
	cmz_placeholders_append_json(body, &placeholders);
	cmz_placeholders_free(&placeholders);
	if (request->consistent)
		appendStringInfoString(body, ",\"ConsistentRead\":true");
	appendStringInfoString(body, "}},\"ReturnConsumedCapacity\":\"TOTAL\"}");
}

static void
append_read_options(StringInfo body, const CmzReadRequest *request)
{
	if (request->consistent)
		appendStringInfoString(body, ",\"ConsistentRead\":true");
	if (request->backward)
		appendStringInfoString(body, ",\"ScanIndexForward\":false");
	if (request->limit > 0)
		appendStringInfo(body, ",\"Limit\":" INT64_FORMAT, request->limit);
	if (request->total_segments > 0)
		appendStringInfo(body, ",\"Segment\":%d,\"TotalSegments\":%d",
						 request->segment, request->total_segments);
	if (request->start_key.data != NULL)
	{
		cmz_json_append_name(body, "ExclusiveStartKey");
		appendBinaryStringInfo(body, request->start_key.data, request->start_key.len);
	}
}

void
cmz_request_append_read(StringInfo body, const CmzReadRequest *request)
{
	CmzPlaceholders placeholders;

	if (request->keys != NULL)
	{
		append_batch_get(body, request);
		return;
	}
	cmz_placeholders_init(&placeholders);
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "TableName", request->table);
	cmz_json_append_member(body, "IndexName", request->index);
	append_expression(body, &placeholders, "KeyConditionExpression", request->key);
	append_expression(body, &placeholders, "FilterExpression", request->filter);
	append_projection(body, &placeholders, request);
	cmz_placeholders_append_json(body, &placeholders);
	cmz_placeholders_free(&placeholders);
	append_read_options(body, request);
	appendStringInfoString(body, ",\"ReturnConsumedCapacity\":\"TOTAL\"}");
}

/* {"AttributeName":..., "<member>":"<value>"} as an array's element */
static void
append_attribute(StringInfo body, const char *attribute, const char *member, const char *value)
{
	cmz_json_separate(body);
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "AttributeName", attribute);
	cmz_json_append_member(body, member, value);
	appendStringInfoChar(body, '}');
}

static void
append_key_schema(StringInfo body, const CmzIndex *index)
{
	cmz_json_append_name(body, "KeySchema");
	appendStringInfoChar(body, '[');
	append_attribute(body, index->partition_key, "KeyType", "HASH");
	if (index->sort_key)
		append_attribute(body, index->sort_key, "KeyType", "RANGE");
	appendStringInfoChar(body, ']');
}

static void
append_index_projection(StringInfo body, const CmzIndex *index)
{
	static const char *const types[] = {
		[CMZ_PROJECT_ALL] = "ALL",
		[CMZ_PROJECT_KEYS_ONLY] = "KEYS_ONLY",
		[CMZ_PROJECT_INCLUDE] = "INCLUDE"
	};

	cmz_json_append_name(body, "Projection");
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "ProjectionType", types[index->projection]);
	if (index->projection == CMZ_PROJECT_INCLUDE)
	{
		cmz_json_append_name(body, "NonKeyAttributes");
		appendStringInfoChar(body, '[');
		for (int i = 0; i < index->ninclude; i++)
		{
			cmz_json_separate(body);
			cmz_json_append_cstring(body, index->include[i]);
		}
		appendStringInfoChar(body, ']');
	}
	appendStringInfoChar(body, '}');
}

/* Define the keys of an index, but each attribute once. */
static void
append_definitions(StringInfo body, const CmzLayout *layout, const CmzIndex *index)
{
	const char *keys[2] = {index->partition_key, index->sort_key};

	for (int k = 0; k < 2; k++)
	{
		bool		seen = keys[k] == NULL;

		if (index->name && !seen)
			seen = cmz_index_has_key(&layout->table, keys[k]);
		for (const CmzIndex *other = layout->indexes; index->name && other < index && !seen; other++)
			seen = cmz_index_has_key(other, keys[k]);
		if (!seen)
			append_attribute(body, keys[k], "AttributeType", "S");
	}
}

/*
 * SSESpecification names no key: without one it is alias/aws/dynamodb, which
 * the API asks not to be named.
 */
void
cmz_request_append_create(StringInfo body, const char *table, const CmzLayout *layout)
{
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "TableName", table);
	cmz_json_append_name(body, "AttributeDefinitions");
	appendStringInfoChar(body, '[');
	append_definitions(body, layout, &layout->table);
	for (int i = 0; i < layout->nindexes; i++)
		append_definitions(body, layout, &layout->indexes[i]);
	appendStringInfoChar(body, ']');
	append_key_schema(body, &layout->table);
	cmz_json_append_name(body, "GlobalSecondaryIndexes");
	appendStringInfoChar(body, '[');
	for (int i = 0; i < layout->nindexes; i++)
	{
		cmz_json_separate(body);
		appendStringInfoChar(body, '{');
		cmz_json_append_member(body, "IndexName", layout->indexes[i].name);
		append_key_schema(body, &layout->indexes[i]);
		append_index_projection(body, &layout->indexes[i]);
		appendStringInfoChar(body, '}');
	}
	appendStringInfoString(body, "],\"BillingMode\":\"PAY_PER_REQUEST\","
						   "\"StreamSpecification\":{\"StreamEnabled\":true,"
						   "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},"
						   "\"SSESpecification\":{\"Enabled\":true,\"SSEType\":\"KMS\"}}");
}

void
cmz_request_append_add_index(StringInfo body, const char *table, const CmzNewIndex *added)
{
	const char *keys[2] = {added->index->partition_key, added->index->sort_key};

	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "TableName", table);
	cmz_json_append_name(body, "AttributeDefinitions");
	appendStringInfoChar(body, '[');
	for (int k = 0; k < 2; k++)
		if (keys[k] != NULL)
			append_attribute(body, keys[k], "AttributeType", cmz_type_name(added->types[k]));
	appendStringInfoChar(body, ']');
	cmz_json_append_name(body, "GlobalSecondaryIndexUpdates");
	appendStringInfoString(body, "[{\"Create\":{");
	cmz_json_append_member(body, "IndexName", added->index->name);
	append_key_schema(body, added->index);
	append_index_projection(body, added->index);
	if (added->read_units > 0)
		appendStringInfo(body, ",\"ProvisionedThroughput\":"
						 "{\"ReadCapacityUnits\":%.0f,\"WriteCapacityUnits\":%.0f}",
						 added->read_units, added->write_units);
	appendStringInfoString(body, "}}]}");
}
