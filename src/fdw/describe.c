/*
 * describe.c
 *	  cmz_describe_table(): what DynamoDB says about a table, as jsonb.
 */
#include "postgres.h"

#include "fdw/live.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* What DescribeTable does not tell, and who does. */
static const struct
{
	const char *operation;
	const char *member;
}			others[] = {
	{"DescribeTimeToLive", "TimeToLiveDescription"},
	{"DescribeContinuousBackups", "ContinuousBackupsDescription"},
};

/* Append a member of the operation's answer; null if there is no such operation. */
static void
append_other(StringInfo json, const CmzClient *client, const char *table, int i)
{
	CmzProbe	probe;
	json_t	   *answer = cmz_control_probe_table(client, others[i].operation, table, &probe);
	json_t	   *member = cmz_json_member(answer, others[i].member);

	if (answer == NULL)
	{
		if (!cmz_failure_is(&probe.failure, "UnknownOperationException"))
			cmz_control_raise(&probe, NULL);
		ereport(WARNING,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the service does not have operation %s: member \"%s\" is null",
						others[i].operation, others[i].member)));
	}
	cmz_json_append_name(json, others[i].member);
	if (member != NULL)
		cmz_json_append_document(json, member);
	else
		appendStringInfoString(json, "null");
}

PG_FUNCTION_INFO_V1(cmz_describe_table);

Datum
cmz_describe_table(PG_FUNCTION_ARGS)
{
	CmzTable   *table = cmz_table_open_argument(PG_GETARG_OID(0), AccessShareLock, ACL_SELECT);
	StringInfoData json;
	CmzClient  *client;

	client = cmz_session_client(table->serverid, GetUserId());
	initStringInfo(&json);
	cmz_json_append_document(&json, cmz_live_describe(client, table->table_name));
	/* into the object, before its closing brace */
	json.data[--json.len] = '\0';
	for (int i = 0; i < (int) lengthof(others); i++)
		append_other(&json, client, table->table_name, i);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(cmz_value_server_text(json.data, json.len)));
}
