/*
 * write.c
 *	  Writes under way: one conditional write, or several as one
 *	  TransactWriteItems, and what became of them.
 *
 * A conditional write can fail on what its own first try has written, when the
 * answer to that was lost.  Then the item that stands there is read and compared
 * with what the write was to make of it.  A TransactWriteItems carries a token, by
 * which DynamoDB itself recognizes a repetition.
 */
#include "postgres.h"

#include "base/image.h"
#include "base/itemequal.h"
#include "base/itemreader.h"
#include "base/json.h"
#include "base/jsonscan.h"
#include "base/key.h"
#include "fdw/write.h"
#include "fdw/writeset.h"
#include "utils/memutils.h"

#define TOKEN_BYTES		16

static char *
key_text(const CmzWrite *write)
{
	return cmz_key_text(write->keys, write->key);
}

static void
append_members(StringInfo body, const CmzWrite *write)
{
	if (!cmz_write_append(body, write))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many attributes of one item are changed at once"),
				 errdetail("Item %s of table \"%s\": the expression would have more than the 4 KB or the 300 operators that DynamoDB takes.",
						   key_text(write), write->table)));
}

void
cmz_write_check(const CmzWrite *write)
{
	StringInfoData body;

	initStringInfo(&body);
	append_members(&body, write);
	pfree(body.data);
}

static void
append_token(StringInfo body)
{
	unsigned char bytes[TOKEN_BYTES];

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	cmz_json_append_name(body, "ClientRequestToken");
	appendStringInfoChar(body, '"');
	for (int i = 0; i < TOKEN_BYTES; i++)
		appendStringInfo(body, "%02x", bytes[i]);
	appendStringInfoChar(body, '"');
}

static void
append_transaction(StringInfo body, int n, const CmzWrite *writes)
{
	cmz_json_append_name(body, "TransactItems");
	appendStringInfoChar(body, '[');
	for (int i = 0; i < n; i++)
	{
		cmz_json_separate(body);
		appendStringInfoChar(body, '{');
		cmz_json_append_name(body, cmz_write_action(cmz_write_op(&writes[i])));
		appendStringInfoChar(body, '{');
		append_members(body, &writes[i]);
		appendStringInfoString(body, "}}");
	}
	appendStringInfoChar(body, ']');
	append_token(body);
}

static bool
is_transaction(const CmzSending *sending)
{
	return strcmp(sending->call->operation, "TransactWriteItems") == 0;
}

CmzSending *
cmz_sending_start(const CmzClient *client, int n, const CmzWrite *writes, bool atomic)
{
	CmzSending *sending = palloc0(sizeof(CmzSending));
	bool		transaction = n > 1 || atomic;
	StringInfoData body;

	sending->context = CurrentMemoryContext;
	sending->client = client;
	sending->n = n;
	sending->writes = writes;
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	if (transaction)
		append_transaction(&body, n, writes);
	else
		append_members(&body, &writes[0]);
	appendStringInfoString(&body, ",\"ReturnConsumedCapacity\":\"TOTAL\"}");
	sending->call = cmz_call_start(client, transaction ? "TransactWriteItems"
								   : cmz_write_operation(cmz_write_op(&writes[0])),
								   writes[0].table, &body);
	pfree(body.data);
	return sending;
}

bool
cmz_sending_is_ready(const CmzSending *sending)
{
	return cmz_call_is_settled(sending->call);
}

/* Read the item as it is now; false if it cannot be read. */
static bool
read_item(const CmzSending *sending, CmzImage *image, bool *found)
{
	const CmzWrite *write = &sending->writes[0];
	StringInfoData body;
	CmzStatCounters counters = {0};
	CmzCall    *call;
	const char *item;
	size_t		len;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "TableName", write->table);
	cmz_json_append_name(&body, "Key");
	cmz_key_append_json(&body, write->keys, &write->key[0],
						write->keys->sort_key ? &write->key[1] : NULL);
	appendStringInfoString(&body, ",\"ConsistentRead\":true,\"ReturnConsumedCapacity\":\"TOTAL\"}");
	call = cmz_call_start(sending->client, "GetItem", write->table, &body);
	if (!cmz_call_wait(call) || !cmz_json_is_object(call->answer, call->answer_len))
		return false;
	item = cmz_item_of_answer(call->answer, call->answer_len, &len);
	counters.items = counters.scanned_items = item != NULL;
	counters.read_units = cmz_answer_units(call->answer, call->answer_len);
	cmz_call_count(call, &counters);
	*found = item != NULL;
	return item == NULL || cmz_image_parse(image, item, len);
}

/* The answer to a try was lost: what has happened? */
static CmzOutcome
settle(const CmzSending *sending, bool refused)
{
	const CmzWrite *write = &sending->writes[0];
	CmzImage	image;
	bool		found;

	if (!read_item(sending, &image, &found))
		return CMZ_OUTCOME_UNKNOWN;
	switch (cmz_write_trace(write, found ? &image : NULL))
	{
		case CMZ_TRACE_WRITTEN:
			return CMZ_OUTCOME_STORED;
		case CMZ_TRACE_UNTOUCHED:
			if (refused)
				return CMZ_OUTCOME_REFUSED;
			/* not yet does not mean never */
			return cmz_call_was_answered(sending->call) ? CMZ_OUTCOME_FAILED : CMZ_OUTCOME_UNKNOWN;
		default:
			/* an update may have been carried out, and its item changed again */
			return refused && cmz_write_op(write) != CMZ_WRITE_UPDATE
				? CMZ_OUTCOME_REFUSED : CMZ_OUTCOME_UNKNOWN;
	}
}

/*
 * Of a cancelled transaction: which write is to blame, and for what.  A condition
 * that does not hold comes before reasons that pass.
 */
static CmzOutcome
find_culprit(CmzSending *sending)
{
	char	   *error;
	json_t	   *body = cmz_json_parse(sending->call->answer, sending->call->answer_len, &error);
	json_t	   *reasons = cmz_json_member(body, "CancellationReasons");

	for (int i = sending->n - 1; i >= 0; i--)
	{
		const char *code = cmz_json_member_text(cmz_json_element(reasons, i), "Code");

		if (code != NULL && strcmp(code, "None") != 0)
			sending->failed = i;
		if (code != NULL && strcmp(code, "ConditionalCheckFailed") == 0)
			return CMZ_OUTCOME_REFUSED;
	}
	return CMZ_OUTCOME_FAILED;
}

static void
count_writes(CmzSending *sending)
{
	CmzStatCounters counters = {0};

	counters.items = sending->n;
	counters.write_units = sending->write_units =
		cmz_answer_units(sending->call->answer, sending->call->answer_len);
	cmz_call_count(sending->call, &counters);
}

CmzOutcome
cmz_sending_finish(CmzSending *sending)
{
	CmzCall    *call = sending->call;
	MemoryContext old = MemoryContextSwitchTo(sending->context);
	CmzOutcome	outcome;
	bool		answered = cmz_call_wait(call);
	/* not everything that answers 200 is DynamoDB */
	bool		lost = answered || call->ambiguous || call->failure.ambiguous;

	if (answered && cmz_json_is_object(call->answer, call->answer_len))
	{
		count_writes(sending);
		outcome = CMZ_OUTCOME_STORED;
	}
	else if (cmz_failure_is(&call->failure, "TransactionCanceledException"))
		outcome = find_culprit(sending);
	else if (cmz_failure_is(&call->failure, "ConditionalCheckFailedException"))
		outcome = lost ? settle(sending, true) : CMZ_OUTCOME_REFUSED;
	else if (!lost)
		outcome = CMZ_OUTCOME_FAILED;
	else
		outcome = is_transaction(sending) ? CMZ_OUTCOME_UNKNOWN : settle(sending, false);
	MemoryContextSwitchTo(old);
	return outcome;
}

/* DynamoDB names an item that is too large only in its message. */
static bool
is_too_large(const CmzFailure *failure)
{
	return cmz_failure_is(failure, "ValidationException") &&
		strstr(failure->message, "Item size") != NULL;
}

/* Sentences for a DETAIL. */
static char *
with_account(char *detail, const char *account)
{
	return account ? psprintf("%s %s", detail, account) : detail;
}

pg_noreturn static void raise_refused(const CmzSending *sending, const char *account);

static void
raise_refused(const CmzSending *sending, const char *account)
{
	const CmzWrite *write = &sending->writes[sending->failed];

	if (write->base == NULL && !write->skips_duplicates)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("duplicate key value in table \"%s\"", write->table),
				 errdetail_internal("%s", with_account(psprintf("Key %s already exists.", key_text(write)), account))));
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail_internal("%s", with_account(psprintf(write->base
															? "Item %s of table \"%s\" has been changed or deleted since it was read."
															: "Item %s of table \"%s\" has been inserted since it was looked for.",
															key_text(write), write->table), account)),
			 errhint("Try the transaction again.")));
}

void
cmz_sending_raise(const CmzSending *sending, CmzOutcome outcome, const char *account)
{
	const CmzWrite *write = &sending->writes[sending->failed];
	const CmzFailure *failure = &sending->call->failure;

	if (outcome == CMZ_OUTCOME_REFUSED)
		raise_refused(sending, account);
	if (outcome == CMZ_OUTCOME_UNKNOWN)
		ereport(ERROR,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 sending->n > 1
				 ? errmsg("could not find out whether the writes of the transaction were stored")
				 : errmsg("could not find out whether a write was stored"),
				 errdetail_internal("%s", with_account(psprintf("%s of item %s of table \"%s\", endpoint %s: %s.",
																sending->call->operation, key_text(write),
																write->table, sending->client->endpoint_url,
																failure->failed ? failure->message
																: "the answer is malformed"), account)),
				 errhint("Read the item before the transaction is tried again.")));
	if (is_too_large(failure))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row is too large for DynamoDB"),
				 errdetail_internal("%s", with_account(psprintf("Item %s of table \"%s\" exceeds 400 KB.",
																key_text(write), write->table), account))));
	if (!failure->failed)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("DynamoDB sent a malformed answer, and did not store the row"),
				 errdetail_internal("%s", with_account(psprintf("%s of item %s of table \"%s\", endpoint %s.",
																sending->call->operation, key_text(write),
																write->table, sending->client->endpoint_url), account)),
				 errhint("Check endpoint_url of the server.")));
	if (cmz_failure_is(failure, "TransactionCanceledException"))
		account = with_account(psprintf("Item %s of table \"%s\".", key_text(write), write->table), account);
	cmz_call_raise(sending->call, account);
}

void
cmz_sending_free(CmzSending *sending)
{
	MemoryContextDelete(sending->context);
}
