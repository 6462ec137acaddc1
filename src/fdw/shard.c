/*
 * shard.c
 *	  Calls of DynamoDB Streams: the shards of a stream, and what is in them.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/retry.h"
#include "client/wait.h"
#include "common/pg_prng.h"
#include "fdw/shard.h"

/* More than any stream has, in pages of 100 shards. */
#define MAX_PAGES	10000

/*
 * Call an operation until it has an answer or fails for good.  Here, unlike
 * elsewhere, LimitExceededException means: too fast.
 */
static CmzCall *
call_streams(const CmzChangeStream *stream, const char *operation, const StringInfoData *body,
			 CmzShardAnswer *outcome)
{
	for (int attempts = 1;; attempts++)
	{
		CmzCall    *call = cmz_call_start(stream->client, operation, stream->table, body);

		*outcome = CMZ_SHARD_OK;
		if (cmz_call_wait(call))
			return call;
		if (cmz_failure_is(&call->failure, "TrimmedDataAccessException"))
			*outcome = CMZ_SHARD_TRIMMED;
		else if (cmz_failure_is(&call->failure, "ExpiredIteratorException"))
			*outcome = CMZ_SHARD_EXPIRED;
		else if (!cmz_failure_is(&call->failure, "LimitExceededException") ||
				 attempts > stream->client->max_retries)
			cmz_call_raise(call, NULL);
		if (*outcome != CMZ_SHARD_OK)
			return call;
		cmz_call_free(call);
		cmz_wait_sleep(cmz_retry_delay_ms(attempts, pg_prng_double(&pg_global_prng_state)));
	}
}

pg_noreturn static void raise_malformed(const CmzChangeStream *stream, const char *operation,
										const char *error);

static void
raise_malformed(const CmzChangeStream *stream, const char *operation, const char *error)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("%s sent a malformed answer: %s", stream->client->service->name, error),
			 errdetail("Table \"%s\", operation %s, endpoint %s.", stream->table, operation,
					   stream->client->endpoint_url),
			 errhint("Check endpoint_url of the server.")));
}

/* The answer as a document, in the current context; NULL unless *outcome is OK. */
static json_t *
call_document(const CmzChangeStream *stream, const char *operation, const StringInfoData *body,
			  CmzShardAnswer *outcome)
{
	CmzCall    *call = call_streams(stream, operation, body, outcome);
	json_t	   *answer = NULL;
	char	   *error;

	if (*outcome == CMZ_SHARD_OK)
	{
		answer = cmz_json_parse(call->answer, call->answer_len, &error);
		if (answer == NULL)
			raise_malformed(stream, operation, error);
	}
	cmz_call_free(call);
	return answer;
}

/* Add a page of shards; returns where the next one begins, NULL: it was the last. */
static const char *
add_page(const CmzChangeStream *stream, json_t *description, CmzShard **shards, int *n)
{
	json_t	   *list = cmz_json_member(description, "Shards");
	int			added = cmz_json_length(list);

	if (description == NULL)
		raise_malformed(stream, "DescribeStream", "no \"StreamDescription\"");
	*shards = *shards == NULL ? palloc(sizeof(CmzShard) * Max(added, 1))
		: repalloc(*shards, sizeof(CmzShard) * Max(*n + added, 1));
	for (int i = 0; i < added; i++)
	{
		json_t	   *shard = cmz_json_element(list, i);
		const char *id = cmz_json_member_text(shard, "ShardId");

		if (id == NULL || *id == '\0')
			raise_malformed(stream, "DescribeStream", "shard without \"ShardId\"");
		(*shards)[(*n)++] = (CmzShard)
		{
			id, cmz_json_member_text(shard, "ParentShardId"),
			cmz_json_member_text(cmz_json_member(shard, "SequenceNumberRange"),
								 "EndingSequenceNumber") != NULL
		};
	}
	return cmz_json_member_text(description, "LastEvaluatedShardId");
}

int
cmz_shard_list(const CmzChangeStream *stream, CmzShard **shards)
{
	const char *start = NULL;
	const char *before;
	int			n = 0;

	*shards = NULL;
	for (int pages = 0; pages < MAX_PAGES; pages++)
	{
		StringInfoData body;
		CmzShardAnswer outcome;
		json_t	   *answer;

		initStringInfo(&body);
		appendStringInfoChar(&body, '{');
		cmz_json_append_member(&body, "StreamArn", stream->arn);
		cmz_json_append_member(&body, "ExclusiveStartShardId", start);
		appendStringInfoChar(&body, '}');
		answer = call_document(stream, "DescribeStream", &body, &outcome);
		before = start;
		start = add_page(stream, cmz_json_member(answer, "StreamDescription"), shards, &n);
		if (start == NULL)
			return n;
		if (before != NULL && strcmp(start, before) == 0)
			break;
	}
	raise_malformed(stream, "DescribeStream", "the list of shards has no end");
}

CmzShardAnswer
cmz_shard_iterator(const CmzChangeStream *stream, const char *shard, const char *after,
				   const char **iterator)
{
	StringInfoData body;
	CmzShardAnswer outcome;
	json_t	   *answer;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "StreamArn", stream->arn);
	cmz_json_append_member(&body, "ShardId", shard);
	cmz_json_append_member(&body, "ShardIteratorType", after ? "AFTER_SEQUENCE_NUMBER" : "TRIM_HORIZON");
	cmz_json_append_member(&body, "SequenceNumber", after);
	appendStringInfoChar(&body, '}');
	answer = call_document(stream, "GetShardIterator", &body, &outcome);
	if (outcome != CMZ_SHARD_OK)
		return outcome;
	*iterator = cmz_json_member_text(answer, "ShardIterator");
	if (*iterator == NULL)
		raise_malformed(stream, "GetShardIterator", "no \"ShardIterator\"");
	return CMZ_SHARD_OK;
}

CmzShardAnswer
cmz_shard_records(const CmzChangeStream *stream, const char *iterator, int limit,
				  CmzRecords *records, CmzCall **call)
{
	StringInfoData body;
	CmzShardAnswer outcome;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "ShardIterator", iterator);
	appendStringInfo(&body, ",\"Limit\":%d}", limit);
	*call = call_streams(stream, "GetRecords", &body, &outcome);
	if (outcome == CMZ_SHARD_OK && !cmz_records_open(records, (*call)->answer, (*call)->answer_len))
		raise_malformed(stream, "GetRecords", records->error);
	if (outcome == CMZ_SHARD_OK && records->n > limit)
		raise_malformed(stream, "GetRecords", "more records than were asked for");
	pfree(body.data);
	return outcome;
}
