/*
 * control.c
 *	  Calls of DynamoDB's control plane, with their answers as documents.
 */
#include "postgres.h"

#include "fdw/control.h"

/* What every answer of an operation has.  Source: API reference. */
static const struct
{
	const char *operation;
	const char *path;
}			shapes[] = {
	{"CreateTable", "TableDescription.TableStatus"},
	{"DeleteTable", "TableDescription.TableStatus"},
	{"UpdateTable", "TableDescription.TableStatus"},
	{"DescribeTable", "Table.TableStatus"},
	{"UpdateTimeToLive", "TimeToLiveSpecification.AttributeName"},
	{"DescribeTimeToLive", "TimeToLiveDescription.TimeToLiveStatus"},
	{"UpdateContinuousBackups", "ContinuousBackupsDescription.ContinuousBackupsStatus"},
	{"DescribeContinuousBackups", "ContinuousBackupsDescription.ContinuousBackupsStatus"},
	{"DescribeKey", "KeyMetadata.Arn"},
};

/* Not everything that answers 200 is the service; why it is not, else NULL. */
static const char *
what_is_wrong(const char *operation, const json_t *answer, const char *error)
{
	if (answer == NULL)
		return error;
	for (int i = 0; i < (int) lengthof(shapes); i++)
		if (strcmp(shapes[i].operation, operation) == 0 &&
			cmz_json_path_text(answer, shapes[i].path) == NULL)
			return psprintf("it has no %s", shapes[i].path);
	return NULL;
}

/* The answer of a call that has one; NULL with *failure set if it is malformed. */
static json_t *
read_answer(const CmzCall *call, CmzFailure *failure)
{
	char	   *error = NULL;
	json_t	   *answer = cmz_json_parse(call->answer, call->answer_len, &error);
	const char *wrong = what_is_wrong(call->operation, answer, error);

	if (wrong == NULL)
		return answer;
	failure->failed = failure->ambiguous = true;
	failure->retry = CMZ_RETRY_NEVER;
	failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	failure->message = psprintf("malformed answer: %s", wrong);
	failure->hint = "Check endpoint_url of the server.";
	return NULL;
}

json_t *
cmz_control_probe(const CmzClient *client, const char *operation, const char *table,
				  const StringInfoData *body, CmzProbe *probe)
{
	CmzCall    *call = cmz_call_start(client, operation, table, body);

	memset(probe, 0, sizeof(*probe));
	probe->client = client;
	probe->operation = operation;
	probe->table = table;
	if (cmz_call_wait(call))
		probe->answer = read_answer(call, &call->failure);
	probe->failure = call->failure;
	probe->attempts = call->attempts;
	probe->ambiguous = call->ambiguous || call->failure.ambiguous;
	/* they are the call's */
	if (call->failure.code != NULL)
		probe->failure.code = pstrdup(call->failure.code);
	if (call->failure.message != NULL)
		probe->failure.message = pstrdup(call->failure.message);
	if (call->failure.detail != NULL)
		probe->failure.detail = pstrdup(call->failure.detail);
	cmz_call_free(call);
	return probe->answer;
}

json_t *
cmz_control_probe_table(const CmzClient *client, const char *operation, const char *table,
						CmzProbe *probe)
{
	StringInfoData body;

	cmz_control_begin_body(&body, table);
	appendStringInfoChar(&body, '}');
	return cmz_control_probe(client, operation, table, &body, probe);
}

void
cmz_control_raise(const CmzProbe *probe, const char *account)
{
	cmz_error_raise(&probe->failure, probe->client->service, probe->operation, probe->table,
					probe->client->endpoint_url, probe->attempts, account);
}

json_t *
cmz_control_call(const CmzClient *client, const char *operation, const char *table,
				 const StringInfoData *body, const char *allowed)
{
	CmzProbe	probe;
	json_t	   *answer = cmz_control_probe(client, operation, table, body, &probe);

	if (answer == NULL && (allowed == NULL || !cmz_failure_is(&probe.failure, allowed)))
		cmz_control_raise(&probe, NULL);
	return answer;
}

void
cmz_control_begin_body(StringInfo body, const char *table)
{
	initStringInfo(body);
	appendStringInfoChar(body, '{');
	cmz_json_append_member(body, "TableName", table);
}

json_t *
cmz_control_probe_description(const CmzClient *client, const char *table, CmzProbe *probe)
{
	json_t	   *answer = cmz_control_probe_table(client, "DescribeTable", table, probe);

	if (cmz_failure_is(&probe->failure, "ResourceNotFoundException"))
		probe->failure.failed = false;
	return cmz_json_member(answer, "Table");
}

json_t *
cmz_control_describe(const CmzClient *client, const char *table)
{
	CmzProbe	probe;
	json_t	   *description = cmz_control_probe_description(client, table, &probe);

	if (probe.failure.failed)
		cmz_control_raise(&probe, NULL);
	return description;
}
