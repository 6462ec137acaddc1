/*
 * write.c
 *	  Sends what INSERT makes.
 *
 * A Put carries the condition that no item of its key exists, so a repeated
 * try cannot write twice.  It can fail on the item that its own first try has
 * written, though, when the answer to that was lost: then the item that stands
 * there is read and compared.
 */
#include "postgres.h"

#include "base/expression.h"
#include "base/itemequal.h"
#include "base/json.h"
#include "base/jsonscan.h"
#include "base/request.h"
#include "fdw/session.h"
#include "fdw/write.h"

CmzWriter *
cmz_writer_create(const CmzTable *table, Oid userid)
{
	CmzWriter  *writer = palloc0(sizeof(CmzWriter));

	writer->table = table;
	writer->client = cmz_session_client(table->serverid, userid);
	return writer;
}

/* Not everything that answers 200 is DynamoDB. */
static void
check_answer(const CmzCall *call)
{
	if (!cmz_json_is_object(call->answer, call->answer_len))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("DynamoDB sent a malformed answer, so that it is not known whether the row was stored"),
				 errdetail("Table \"%s\", operation %s, endpoint %s.", call->table, call->operation,
						   call->client->endpoint_url),
				 errhint("Check endpoint_url of the server.")));
}

/* The item that stands there is the one that we sent. */
static bool
is_our_item(CmzWriter *writer, const CmzItem *item)
{
	const CmzIndex *keys = &writer->table->layout.table;
	StringInfoData body;
	CmzCall    *call;
	const char *found;
	size_t		len;
	bool		same;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "TableName", writer->table->table_name);
	cmz_json_append_name(&body, "Key");
	appendStringInfoChar(&body, '{');
	cmz_json_append_name(&body, keys->partition_key);
	cmz_operand_append_json(&body, &item->key[0]);
	if (keys->sort_key)
	{
		cmz_json_append_name(&body, keys->sort_key);
		cmz_operand_append_json(&body, &item->key[1]);
	}
	appendStringInfoString(&body, "},\"ConsistentRead\":true}");
	call = cmz_call_start(writer->client, "GetItem", writer->table->table_name, &body);
	if (!cmz_call_wait(call))
		cmz_call_raise(call, "Whether the row was stored could not be found out.");
	check_answer(call);
	found = cmz_item_of_answer(call->answer, call->answer_len, &len);
	same = found != NULL && cmz_items_equal(found, len, item->json.data, item->json.len);
	cmz_call_free(call);
	return same;
}

/* DynamoDB names an item that is too large only in its message. */
static bool
is_too_large(const CmzFailure *failure)
{
	return cmz_failure_is(failure, "ValidationException") &&
		strstr(failure->message, "Item size has exceeded") != NULL;
}

bool
cmz_writer_insert(CmzWriter *writer, const CmzItem *item)
{
	const CmzTable *table = writer->table;
	StringInfoData body;
	CmzCall    *call;
	bool		stored;

	initStringInfo(&body);
	cmz_request_append_put(&body, table->table_name, item->json.data,
						   table->layout.table.partition_key);
	call = cmz_call_start(writer->client, "PutItem", table->table_name, &body);
	stored = cmz_call_wait(call);
	if (stored)
		check_answer(call);
	if (!stored && is_too_large(&call->failure))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row is too large for DynamoDB"),
				 errdetail("Item %s of table \"%s\" exceeds 400 KB.",
						   cmz_item_describe_key(table, item), table->table_name)));
	if (!stored && !cmz_failure_is(&call->failure, "ConditionalCheckFailedException"))
		cmz_call_raise(call, NULL);
	if (!stored && call->ambiguous)
		stored = is_our_item(writer, item);
	cmz_call_free(call);
	pfree(body.data);
	return stored;
}
