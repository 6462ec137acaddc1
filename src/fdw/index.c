/*
 * index.c
 *	  cmz_add_index(): an index that the live table lacks, as the foreign table
 *	  has it.
 *
 * What an index is comes from the foreign table's layout, or, for a table of
 * conversations whose option leaves one out, from the guide.  The types of its keys
 * come from the columns that show them; the live table must not contradict.
 */
#include "postgres.h"

#include "base/request.h"
#include "fdw/compat.h"
#include "fdw/job.h"
#include "fdw/live.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#define HINT_ONE_AT_A_TIME \
	"DynamoDB creates or deletes one index of a table at a time, and changes only a table that is ACTIVE: wait until cmz_check_table() shows that it and its indexes are, and try again."

static void
append_names(StringInfo buf, const CmzLayout *layout, const CmzLayout *except)
{
	for (int i = 0; i < layout->nindexes; i++)
		if (except == NULL || cmz_layout_index(except, layout->indexes[i].name) == NULL)
			appendStringInfo(buf, "%s%s", buf->len > 0 ? ", " : "", cmz_value_server_name(layout->indexes[i].name));
}

/* The index that is meant, in the foreign table's layout or the guide's. */
static const CmzIndex *
find_index(const CmzTable *table, const char *name)
{
	const CmzIndex *index = cmz_layout_index(&table->layout, name);
	CmzLayout  *guide = palloc0(sizeof(CmzLayout));
	StringInfoData names;
	char	   *error;

	if (index != NULL)
		return index;
	if (table->layout.conversation && !cmz_layout_parse(NULL, NULL, guide, &error))
		elog(ERROR, "the default layout cannot be parsed: %s", error);
	index = cmz_layout_index(guide, name);
	if (index != NULL)
		return index;
	initStringInfo(&names);
	append_names(&names, &table->layout, NULL);
	append_names(&names, guide, &table->layout);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("foreign table \"%s\" has no index \"%s\"", table->name, cmz_value_server_name(name)),
			 names.len > 0
			 ? errhint("Valid names are: %s. Option \"indexes\" of the foreign table adds others.", names.data)
			 : errhint("Describe it in option \"indexes\" of the foreign table first.")));
}

static bool
is_key_type(CmzType type)
{
	return type == CMZ_TYPE_S || type == CMZ_TYPE_N || type == CMZ_TYPE_B;
}

/* The type that a key attribute is to have; it must be one and the same for all. */
static CmzType
key_type(const CmzTable *table, const json_t *description, const char *attribute)
{
	const CmzColumn *column = cmz_table_column(table, attribute);
	CmzType		live = cmz_live_key_type(description, attribute);
	CmzType		type = cmz_table_key_type(table, attribute);

	/* one of documents can take any type */
	if (type == CMZ_TYPE_NONE && column != NULL &&
		(is_key_type(column->dynamodb_type) || !cmz_value_reads(column, CMZ_TYPE_M)))
		type = column->dynamodb_type;
	if (type == CMZ_TYPE_NONE)
		type = live;
	if (type == CMZ_TYPE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the type of attribute \"%s\" is not known", cmz_value_server_name(attribute)),
				 errdetail("No column of foreign table \"%s\" with one type shows it.", table->name),
				 errhint("Add a column for it to the foreign table, of type text, numeric or bytea.")));
	if (!is_key_type(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("attribute \"%s\" cannot be a key", cmz_value_server_name(attribute)),
				 errdetail("Column \"%s\" takes %s; keys are of type S, N or B.",
						   column->name, cmz_value_expected(column))));
	if (live != CMZ_TYPE_NONE && live != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("attribute \"%s\" has type %s in the keys of DynamoDB table \"%s\", not %s",
						cmz_value_server_name(attribute), cmz_type_name(live), table->table_name, cmz_type_name(type)),
				 errhint("Change the type of the foreign table's column, or its option dynamodb_type.")));
	return type;
}

/* An index of a table with provisioned capacity needs its own: as much. */
static void
set_capacity(const json_t *description, CmzNewIndex *added)
{
	json_t	   *capacity = cmz_json_member(description, "ProvisionedThroughput");
	char	   *mode = cmz_json_path_text(description, "BillingModeSummary.BillingMode");

	if (mode != NULL && strcmp(mode, "PAY_PER_REQUEST") == 0)
		return;
	added->read_units = cmz_json_number(cmz_json_member(capacity, "ReadCapacityUnits"), 0);
	added->write_units = cmz_json_number(cmz_json_member(capacity, "WriteCapacityUnits"), 0);
}

static void
add_index(CmzJob *job, const CmzTable *table, const CmzIndex *index)
{
	json_t	   *description = cmz_live_describe(job->client, job->table);
	CmzNewIndex added = {index};
	CmzLayout	live;
	StringInfoData body;
	CmzProbe	probe;

	cmz_live_layout(description, job->table, &live);
	if (cmz_layout_index(&live, index->name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("DynamoDB table \"%s\" already has an index \"%s\"", job->table,
						cmz_value_server_name(index->name)),
				 errhint("cmz_check_table() tells whether it is as it should be; its keys and projection cannot be changed.")));
	added.types[0] = key_type(table, description, index->partition_key);
	if (index->sort_key != NULL)
		added.types[1] = key_type(table, description, index->sort_key);
	set_capacity(description, &added);

	initStringInfo(&body);
	cmz_request_append_add_index(&body, job->table, &added);
	if (cmz_control_probe(job->client, "UpdateTable", job->table, &body, &probe) != NULL)
		return;
	if (cmz_failure_is(&probe.failure, "ResourceInUseException"))
		probe.failure.sqlstate = ERRCODE_OBJECT_IN_USE;
	if (cmz_failure_is(&probe.failure, "ResourceInUseException") ||
		cmz_failure_is(&probe.failure, "LimitExceededException"))
		probe.failure.hint = HINT_ONE_AT_A_TIME;
	cmz_control_raise(&probe, probe.ambiguous
					  ? "The index may have been added nevertheless; cmz_check_table() tells."
					  : "The index has not been added.");
}

PG_FUNCTION_INFO_V1(cmz_add_index);

Datum
cmz_add_index(PG_FUNCTION_ARGS)
{
	CmzTable   *table;
	const CmzIndex *index;
	CmzJob		job;
	char	   *name;

	PreventCommandIfReadOnly("cmz_add_index()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("foreign_table, index_name and wait cannot be null")));
	table = cmz_table_open_argument(PG_GETARG_OID(0), AccessShareLock, 0);
	cmz_table_check_owner(table);
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	index = find_index(table, pg_server_to_any(name, strlen(name), PG_UTF8));
	if (index->local)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("local index \"%s\" cannot be added to a table that exists", name),
				 errhint("DynamoDB makes local indexes together with their table only: create the table anew, or use a global index.")));

	cmz_job_begin(&job, cmz_session_client(table->serverid, GetUserId()), table->table_name);
	add_index(&job, table, index);
	job.account = psprintf("DynamoDB is adding index \"%s\", whether it is waited for or not.", name);
	if (PG_GETARG_BOOL(2))
		cmz_job_await_active(&job, index->name, false);
	cmz_job_end(&job);
	ereport(NOTICE,
			(errmsg(PG_GETARG_BOOL(2)
					? "index \"%s\" of DynamoDB table \"%s\" is ACTIVE"
					: "index \"%s\" of DynamoDB table \"%s\" is being created", name, table->table_name),
			 cmz_layout_index(&table->layout, index->name) == NULL
			 ? errhint("Queries do not use it before option \"indexes\" of foreign table \"%s\" names it.", table->name)
			 : 0));
	PG_RETURN_VOID();
}
