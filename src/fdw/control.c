/*
 * control.c
 *	  Calls of DynamoDB's control plane, with their answers as documents.
 */
#include "postgres.h"

#include "fdw/control.h"

json_t *
cmz_control_call(const CmzClient *client, const char *operation, const char *table,
				 const StringInfoData *body, const char *allowed)
{
	CmzCall    *call = cmz_call_start(client, operation, table, body);
	json_t	   *answer = NULL;
	char	   *error;

	if (cmz_call_wait(call))
	{
		answer = cmz_json_parse(call->answer, call->answer_len, &error);
		if (answer == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("DynamoDB sent a malformed answer: %s", error),
					 errdetail("Operation %s, endpoint %s.", operation, client->endpoint_url),
					 errhint("Check endpoint_url of the server.")));
	}
	else if (allowed == NULL || !cmz_failure_is(&call->failure, allowed))
		cmz_call_raise(call, NULL);
	cmz_call_free(call);
	return answer;
}

json_t *
cmz_control_describe(const CmzClient *client, const char *table)
{
	StringInfoData body;
	json_t	   *answer;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "TableName", table);
	appendStringInfoChar(&body, '}');
	answer = cmz_control_call(client, "DescribeTable", table, &body, "ResourceNotFoundException");
	return cmz_json_member(answer, "Table");
}
