/*
 * provision.c
 *	  cmz_create_table(), cmz_drop_table(): the table as the conversation
 *	  guide configures it.
 */
#include "postgres.h"

#include "base/request.h"
#include "client/wait.h"
#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/option.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define POLL_INTERVAL_MS	1000
#define POLLS_A_MESSAGE		5
#define NOT_SEEN_POLLS		30

/* Point-in-time recovery of a table that is new can take a while to offer. */
#define BACKUP_TRIES		60

static void
create_table(const CmzClient *client, const char *table)
{
	CmzLayout	layout;
	StringInfoData body;
	char	   *error;

	if (!cmz_layout_parse(NULL, NULL, &layout, &error))
		elog(ERROR, "the default layout cannot be parsed: %s", error);
	initStringInfo(&body);
	cmz_request_append_create(&body, table, &layout);
	if (cmz_control_call(client, "CreateTable", table, &body, "ResourceInUseException") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("DynamoDB table \"%s\" already exists", table),
				 errhint("Delete the existing table, or use another name or environment suffix.")));
}

/* The table and all its indexes are ACTIVE. */
static bool
is_active(json_t *description)
{
	json_t	   *indexes = cmz_json_member(description, "GlobalSecondaryIndexes");
	const char *status = cmz_json_member_text(description, "TableStatus");

	if (status == NULL || strcmp(status, "ACTIVE") != 0)
		return false;
	for (int i = 0; i < cmz_json_length(indexes); i++)
	{
		status = cmz_json_member_text(cmz_json_element(indexes, i), "IndexStatus");
		if (status == NULL || strcmp(status, "ACTIVE") != 0)
			return false;
	}
	return true;
}

static void
wait_until_active(const CmzClient *client, const char *table)
{
	for (int polls = 0;; polls++)
	{
		/* right after creation it may not be seen yet */
		json_t	   *description = cmz_control_describe(client, table);

		if (is_active(description))
			break;
		if (description == NULL && polls > NOT_SEEN_POLLS)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("table \"%s\" was created, but is not there", table)));
		if (polls % POLLS_A_MESSAGE == 0)
			ereport(NOTICE,
					(errmsg("waiting for table \"%s\" and its indexes to become ACTIVE", table)));
		cmz_wait_sleep(POLL_INTERVAL_MS);
	}
	ereport(NOTICE, (errmsg("table \"%s\" is ACTIVE", table)));
}

/* Append {"TableName":table, and leave the object open. */
static void
begin_table_body(StringInfo body, const char *table)
{
	initStringInfo(body);
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "TableName", table);
}

static void
warn_unavailable(const char *operation, const char *what)
{
	ereport(WARNING,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the service does not have operation %s: %s", operation, what)));
}

static void
enable_ttl(const CmzClient *client, const char *table)
{
	StringInfoData body;

	begin_table_body(&body, table);
	appendStringInfoString(&body, ",\"TimeToLiveSpecification\":"
						   "{\"AttributeName\":\"ttl\",\"Enabled\":true}}");
	if (cmz_control_call(client, "UpdateTimeToLive", table, &body, "UnknownOperationException") == NULL)
		warn_unavailable("UpdateTimeToLive", "expired items will not be deleted");
	else
		ereport(NOTICE, (errmsg("TTL enabled on attribute \"ttl\"")));
}

static void
enable_backups(const CmzClient *client, const char *table)
{
	static const char operation[] = "UpdateContinuousBackups";
	StringInfoData body;

	begin_table_body(&body, table);
	appendStringInfoString(&body, ",\"PointInTimeRecoverySpecification\":"
						   "{\"PointInTimeRecoveryEnabled\":true}}");
	for (int tries = 1;; tries++)
	{
		CmzCall    *call = cmz_call_start(client, operation, table, &body);
		bool		ok = cmz_call_wait(call);
		bool		unknown = cmz_failure_is(&call->failure, "UnknownOperationException");
		bool		not_yet = cmz_failure_is(&call->failure, "ContinuousBackupsUnavailableException");

		if (!ok && !unknown && !(not_yet && tries < BACKUP_TRIES))
			cmz_call_raise(call, NULL);
		cmz_call_free(call);
		if (unknown)
			warn_unavailable(operation, "the table has no point-in-time recovery");
		if (ok)
			ereport(NOTICE, (errmsg("point-in-time recovery enabled")));
		if (ok || unknown)
			return;
		cmz_wait_sleep(POLL_INTERVAL_MS);
	}
}

PG_FUNCTION_INFO_V1(cmz_create_table);

Datum
cmz_create_table(PG_FUNCTION_ARGS)
{
	Oid			serverid;
	CmzClient  *client;
	char	   *table;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("server and wait cannot be null")));
	serverid = cmz_session_usable_server(NameStr(*PG_GETARG_NAME(0)));
	client = cmz_session_client(serverid, GetUserId());
	table = PG_ARGISNULL(1) ? cmz_table_default_name() : text_to_cstring(PG_GETARG_TEXT_PP(1));
	cmz_option_check("table_name", table, "the arguments");

	create_table(client, table);
	if (!PG_GETARG_BOOL(2))
	{
		ereport(NOTICE,
				(errmsg("table \"%s\" is being created", table),
				 errdetail("TTL and point-in-time recovery can be enabled when it is ACTIVE, and are not.")));
		PG_RETURN_VOID();
	}
	wait_until_active(client, table);
	enable_ttl(client, table);
	enable_backups(client, table);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(cmz_drop_table);

Datum
cmz_drop_table(PG_FUNCTION_ARGS)
{
	Oid			serverid = cmz_session_usable_server(NameStr(*PG_GETARG_NAME(0)));
	CmzClient  *client = cmz_session_client(serverid, GetUserId());
	char	   *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
	StringInfoData body;

	cmz_option_check("table_name", table, "the arguments");
	begin_table_body(&body, table);
	appendStringInfoChar(&body, '}');
	(void) cmz_control_call(client, "DeleteTable", table, &body, NULL);
	while (cmz_control_describe(client, table) != NULL)
		cmz_wait_sleep(POLL_INTERVAL_MS);
	PG_RETURN_VOID();
}
