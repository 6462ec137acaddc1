/*
 * changes.c
 *	  cmz_changes(): a table's DynamoDB stream as rows.
 *
 * Shards are read one after the other, in the order that base/frontier.c gives;
 * rows go to a tuplestore page by page.  Nothing is remembered but what is in the
 * bookmark, the last row: so a job that stores it in the transaction that
 * uses the rows has had each change once.
 */
#include "postgres.h"

#include <math.h>

#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/session.h"
#include "fdw/shard.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* GetRecords gives no more. */
#define PAGE_RECORDS	1000

/*
 * Empty pages can come before later changes.  So many of an open shard mean that
 * there is nothing more now; a closed one says itself where it ends.
 */
#define EMPTY_PAGES		3

/* How often in a row an iterator may be of no use. */
#define MAX_REOPENS		5

enum
{
	COLUMN_EVENT,
	COLUMN_TIME,
	COLUMN_KEYS,
	COLUMN_OLD_IMAGE,
	COLUMN_NEW_IMAGE,
	COLUMN_SEQUENCE_NUMBER,
	COLUMN_EXPIRED,
	COLUMN_BOOKMARK,
	COLUMNS
};

typedef struct ChangeReader
{
	const CmzTable *table;
	CmzChangeStream stream;
	CmzFrontier *frontier;
	int64		left;			/* changes that may still be read */
	ReturnSetInfo *result;
	MemoryContext page_context; /* of one page and what asks for it */
	MemoryContext row_context;
} ChangeReader;

static void
open_stream(ChangeReader *reader)
{
	CmzClient  *client = cmz_session_client(reader->table->serverid, GetUserId());
	const char *table = reader->table->table_name;
	json_t	   *description = cmz_control_describe(client, table);
	const char *arn = cmz_json_member_text(description, "LatestStreamArn");

	if (description == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("DynamoDB table \"%s\" does not exist", table),
				 errhint("Check the options table_name of the foreign table, and region and endpoint_url of the server.")));
	if (arn == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("DynamoDB table \"%s\" has no stream", table),
				 errhint("Enable one of view type NEW_AND_OLD_IMAGES; tables that cmz_create_table() makes have it.")));
	reader->stream.client = cmz_session_service(client, &cmz_service_streams);
	reader->stream.table = table;
	reader->stream.arn = arn;
}

/* arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL: up to the label */
static int
table_length(const char *arn)
{
	const char *label = strstr(arn, "/stream/");

	return label ? label - arn : strlen(arn);
}

/* The bookmark is of this stream. */
static void
check_stream(const ChangeReader *reader, const CmzBookmark *bookmark)
{
	const char *arn = reader->stream.arn;
	int			len = table_length(arn);

	if (strcmp(bookmark->stream, arn) == 0)
		return;
	if (table_length(bookmark->stream) == len && strncmp(bookmark->stream, arn, len) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the stream of table \"%s\" has been replaced since the bookmark", reader->stream.table),
				 errdetail("The bookmark is of stream %s, the table has %s.",
						   cmz_value_server_text(bookmark->stream, strlen(bookmark->stream)),
						   cmz_value_server_text(arn, strlen(arn))),
				 errhint("Copy the table again, and start anew with NULL instead of the bookmark.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the bookmark is of another table than \"%s\"", reader->stream.table),
			 errdetail("The bookmark is of stream %s, the table has %s.",
					   cmz_value_server_text(bookmark->stream, strlen(bookmark->stream)),
					   cmz_value_server_text(arn, strlen(arn)))));
}

static CmzBookmark *
parse_bookmark(const ChangeReader *reader, text *since)
{
	CmzBookmark *bookmark = palloc0(sizeof(CmzBookmark));
	char	   *text = text_to_cstring(since);
	const char *error;

	text = pg_server_to_any(text, strlen(text), PG_UTF8);
	if (!cmz_bookmark_parse(bookmark, text, strlen(text), &error))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid bookmark"),
				 errdetail("The text cannot be used: %s.", error),
				 errhint("Pass column \"bookmark\" of the last row of an earlier call, or NULL.")));
	check_stream(reader, bookmark);
	return bookmark;
}

pg_noreturn static void raise_loss(const ChangeReader *reader, const char *shard);

static void
raise_loss(const ChangeReader *reader, const char *shard)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of table \"%s\" may have been lost since the bookmark", reader->stream.table),
			 errdetail("DynamoDB keeps changes for 24 hours, and may have deleted some of shard %s before they were read.",
					   cmz_value_server_text(shard, strlen(shard))),
			 errhint("Copy the table again, and start anew with NULL instead of the bookmark.")));
}

static void
open_frontier(ChangeReader *reader, const CmzBookmark *bookmark)
{
	int64		now = (int64) time(NULL);
	CmzShard   *shards;
	int			n = cmz_shard_list(&reader->stream, &shards);
	const char *lost;

	reader->frontier = cmz_frontier_create(bookmark, n, shards, now, &lost);
	if (reader->frontier == NULL)
		raise_loss(reader, lost);
}

pg_noreturn static void raise_mismatch(const CmzRecord *record, const char *attribute, CmzType type);

static void
raise_mismatch(const CmzRecord *record, const char *attribute, CmzType type)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("attribute \"%s\" has a value that jsonb does not take",
					cmz_value_server_text(attribute, strlen(attribute))),
			 errdetail("Change %.*s: found %s.", record->sequence.len, record->sequence.data,
					   cmz_type_name(type)),
			 errhint("Set option on_type_mismatch of the column that shows the attribute to 'null' to leave such values out.")));
}

/* Append an attribute as a member, unless jsonb does not take it and it is left out. */
static void
append_attribute(const ChangeReader *reader, const CmzRecord *record, StringInfo json,
				 const CmzSpan *name, const CmzValue *value)
{
	int			before = json->len;
	StringInfoData attribute;
	const CmzColumn *column;

	cmz_json_separate(json);
	if (cmz_span_append_json(json, name))
	{
		appendStringInfoChar(json, ':');
		if (cmz_value_append_json(json, value))
			return;
	}
	initStringInfo(&attribute);
	cmz_span_append(&attribute, name);
	column = cmz_table_column(reader->table, attribute.data);
	if (column == NULL)
		column = reader->table->extra;
	if (column == NULL || !column->mismatch_is_null)
		raise_mismatch(record, attribute.data, value->type);
	json->len = before;
	json->data[before] = '\0';
}

/* An item as a wrapper's jsonb column has it; *isnull if it is not there. */
static Datum
item_to_jsonb(const ChangeReader *reader, const CmzRecord *record, const CmzValue *item, bool *isnull)
{
	StringInfoData json;
	CmzScanner	scan;
	CmzSpan		name;
	CmzValue	value;
	bool		first;

	*isnull = item->type == CMZ_TYPE_NONE;
	if (*isnull)
		return (Datum) 0;
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	cmz_elements_begin(&scan, item, &first);
	while (cmz_elements_next(&scan, item, &first, &name, &value) > 0)
		append_attribute(reader, record, &json, &name, &value);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(pg_any_to_server(json.data, json.len, PG_UTF8)));
}

static Datum
time_to_timestamp(double time, bool *isnull)
{
	double		usec = rint(time * CMZ_USECS_PER_SEC);

	*isnull = !(time > 0 && usec <= (double) CMZ_ISOTIME_MAX);
	return *isnull ? (Datum) 0 : TimestampTzGetDatum(cmz_value_timestamp((int64) usec));
}

static void
put_record(ChangeReader *reader, const CmzRecord *record)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {0};

	values[COLUMN_EVENT] = PointerGetDatum(cstring_to_text_with_len(record->event.data, record->event.len));
	values[COLUMN_TIME] = time_to_timestamp(record->time, &nulls[COLUMN_TIME]);
	values[COLUMN_KEYS] = item_to_jsonb(reader, record, &record->keys, &nulls[COLUMN_KEYS]);
	values[COLUMN_OLD_IMAGE] = item_to_jsonb(reader, record, &record->old_image, &nulls[COLUMN_OLD_IMAGE]);
	values[COLUMN_NEW_IMAGE] = item_to_jsonb(reader, record, &record->new_image, &nulls[COLUMN_NEW_IMAGE]);
	values[COLUMN_SEQUENCE_NUMBER] =
		PointerGetDatum(cstring_to_text_with_len(record->sequence.data, record->sequence.len));
	values[COLUMN_EXPIRED] = BoolGetDatum(record->expired);
	nulls[COLUMN_BOOKMARK] = true;
	tuplestore_putvalues(reader->result->setResult, reader->result->setDesc, values, nulls);
}

/* Put the rows of a page, and remember how far the shard has been read. */
static void
put_page(ChangeReader *reader, CmzFrontierShard *shard, CmzRecords *records)
{
	MemoryContext old = CurrentMemoryContext;
	CmzRecord	record;
	CmzRecord	last = {0};

	while (cmz_records_next(records, &record) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(reader->row_context);
		MemoryContextSwitchTo(reader->row_context);
		put_record(reader, &record);
		MemoryContextSwitchTo(old);
		last = record;
		reader->left--;
	}
	if (records->n == 0)
		return;
	/* with the frontier, not with the page */
	MemoryContextSwitchTo(GetMemoryChunkContext(reader->frontier));
	cmz_frontier_advance(reader->frontier, shard, last.sequence.data, last.sequence.len,
						 last.time < (double) PG_INT32_MAX * 16 ? (int64) last.time : 0);
	MemoryContextSwitchTo(old);
}

/* An iterator where reading of the shard stands, in the current context. */
static const char *
open_shard(ChangeReader *reader, CmzFrontierShard *shard, bool *trimmed)
{
	const char *iterator;

	while (cmz_shard_iterator(&reader->stream, shard->position.id,
							  *trimmed ? NULL : shard->position.after, &iterator) != CMZ_SHARD_OK)
	{
		if (*trimmed || cmz_frontier_has_gap(reader->frontier, shard, true))
			raise_loss(reader, shard->position.id);
		/* all that is gone has been read */
		*trimmed = true;
	}
	return iterator;
}

/*
 * The next page of a shard, from *iterator if there is one, which becomes that of
 * the page behind it.  It lives in page_context.
 */
static void
fetch_page(ChangeReader *reader, CmzFrontierShard *shard, StringInfo iterator, CmzRecords *records)
{
	bool		trimmed = false;

	for (int reopens = 0; reopens <= MAX_REOPENS; reopens++)
	{
		CmzCall    *call;
		CmzShardAnswer answer;

		if (iterator->len == 0)
			appendStringInfoString(iterator, open_shard(reader, shard, &trimmed));
		answer = cmz_shard_records(&reader->stream, iterator->data,
								   (int) Min(reader->left, PAGE_RECORDS), records, &call);
		resetStringInfo(iterator);
		if (answer == CMZ_SHARD_OK)
		{
			if (records->next_iterator.data)
				cmz_span_append(iterator, &records->next_iterator);
			return;
		}
		if (answer == CMZ_SHARD_TRIMMED)
		{
			if (cmz_frontier_has_gap(reader->frontier, shard, true))
				raise_loss(reader, shard->position.id);
			trimmed = true;
		}
		cmz_call_free(call);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("could not read the stream of table \"%s\"", reader->stream.table),
			 errdetail("Iterators of shard %s are refused as soon as they are made.", shard->position.id)));
}

/* Read what a shard has now. */
static void
read_shard(ChangeReader *reader, CmzFrontierShard *shard)
{
	StringInfoData iterator;
	int			empty = 0;

	if (cmz_frontier_has_gap(reader->frontier, shard, false))
		raise_loss(reader, shard->position.id);
	initStringInfo(&iterator);
	while (reader->left > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(reader->page_context);
		CmzRecords	records;

		fetch_page(reader, shard, &iterator, &records);
		put_page(reader, shard, &records);
		MemoryContextSwitchTo(old);
		MemoryContextReset(reader->page_context);
		if (iterator.len == 0)
		{
			cmz_frontier_end(shard);
			break;
		}
		empty = records.n > 0 ? 0 : empty + 1;
		if (empty >= EMPTY_PAGES && !shard->closed)
		{
			cmz_frontier_caught_up(reader->frontier, shard);
			break;
		}
	}
	pfree(iterator.data);
}

/* The last row. */
static void
put_bookmark(ChangeReader *reader)
{
	CmzBookmark bookmark = {reader->stream.arn};
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS];
	StringInfoData text;

	cmz_frontier_mark(reader->frontier, &bookmark);
	initStringInfo(&text);
	cmz_bookmark_append(&text, &bookmark);
	memset(nulls, true, sizeof(nulls));
	nulls[COLUMN_BOOKMARK] = false;
	values[COLUMN_BOOKMARK] = CStringGetTextDatum(pg_any_to_server(text.data, text.len, PG_UTF8));
	tuplestore_putvalues(reader->result->setResult, reader->result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(cmz_changes);

Datum
cmz_changes(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	ChangeReader reader = {cmz_table_open_argument(relid, AccessShareLock, ACL_SELECT)};
	CmzFrontierShard *shard;

	reader.left = PG_ARGISNULL(2) ? PG_INT64_MAX : PG_GETARG_INT32(2);
	if (reader.left < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_changes must not be negative")));
	reader.page_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw page of changes",
												ALLOCSET_DEFAULT_SIZES);
	reader.row_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw change",
											   ALLOCSET_DEFAULT_SIZES);
	InitMaterializedSRF(fcinfo, 0);
	reader.result = (ReturnSetInfo *) fcinfo->resultinfo;

	open_stream(&reader);
	open_frontier(&reader, PG_ARGISNULL(1) ? NULL : parse_bookmark(&reader, PG_GETARG_TEXT_PP(1)));
	while (reader.left > 0 && (shard = cmz_frontier_next(reader.frontier)) != NULL)
		read_shard(&reader, shard);
	put_bookmark(&reader);
	return (Datum) 0;
}
