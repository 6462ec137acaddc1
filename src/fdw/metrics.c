/*
 * metrics.c
 *	  cmz_metrics(): what CloudWatch knows about a foreign table's DynamoDB table.
 *
 * GetMetricData speaks the query protocol: the body is a form, the answer XML.  A
 * page lives in a memory context of its own; its values go to a tuplestore.
 *
 * Source: CloudWatch API reference, GetMetricData and MetricDataResult.
 */
#include "postgres.h"

#include "base/isotime.h"
#include "base/metric.h"
#include "base/xml.h"
#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define OPERATION	"GetMetricData"

/* DynamoDB's metrics are stored by the minute. */
#define MINUTE_S	60

/* Older values are kept in larger periods only. */
static const struct
{
	int			age_days;
	int			period_s;
	const char *hint;
}			retention[] = {
	{63, 3600, "Give a period that is a multiple of 1 hour."},
	{15, 300, "Give a period that is a multiple of 5 minutes."},
};

/* A question and what has become of it. */
typedef struct MetricScan
{
	const CmzClient *client;
	CmzMetricRequest request;
	bool	   *partial;		/* by series: what came last was not all of it */
	ReturnSetInfo *result;
} MetricScan;

/* Arguments */

static const CmzMetric *
metric_argument(FunctionCallInfo fcinfo)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const CmzMetric *metric = cmz_metric_find(name);
	StringInfoData names;

	if (metric != NULL)
		return metric;
	initStringInfo(&names);
	cmz_metric_append_names(&names);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("DynamoDB tables have no metric \"%s\"", name),
			 errhint("Valid metrics are %s.", names.data)));
}

static int64
time_argument(FunctionCallInfo fcinfo, int i, const char *name)
{
	int64		usec;

	if (!cmz_value_unix_usec(PG_GETARG_TIMESTAMPTZ(i), &usec))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is out of range", name),
				 errdetail("CloudWatch takes times of the years 1 to 9999, and no infinity.")));
	return usec;
}

static int
period_argument(FunctionCallInfo fcinfo)
{
	const Interval *period = PG_GETARG_INTERVAL_P(4);
	int64		seconds = period->day * (int64) SECS_PER_DAY + period->time / USECS_PER_SEC;

	/* an infinite interval has months too */
	if (period->month != 0 || period->time % USECS_PER_SEC != 0 ||
		seconds < MINUTE_S || seconds > PG_INT32_MAX || seconds % MINUTE_S != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid period"),
				 errdetail("A period is a whole number of minutes, at least one, and has no months."),
				 errhint("Give it as, for example, '1 minute', '5 minutes', '1 hour' or '1 day'.")));
	return (int) seconds;
}

/* Where CloudWatch has thrown away what is asked for, its answer is just empty. */
static void
note_retention(const CmzMetricRequest *request)
{
	TimestampTz start = cmz_value_timestamp(request->start);

	for (int i = 0; i < (int) lengthof(retention); i++)
	{
		TimestampTz oldest = GetCurrentTimestamp() - retention[i].age_days * USECS_PER_DAY;

		if (start >= oldest || request->period_s % retention[i].period_s == 0)
			continue;
		ereport(NOTICE,
				(errmsg("CloudWatch gives no values for periods of %d s that began more than %d days ago",
						request->period_s, retention[i].age_days),
				 errhint("%s", retention[i].hint)));
		return;
	}
}

static void
check_arguments_given(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"foreign_table", "metric", "start", "end", "period"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s cannot be null", names[i])));
}

/* Answers */

static char *
describe_call(const CmzCall *call)
{
	return psprintf("Table \"%s\", operation %s%s%s", call->table, call->operation,
					call->failure.request_id[0] ? ", request id " : "", call->failure.request_id);
}

pg_noreturn static void
raise_malformed(const CmzCall *call, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("%s sent a malformed answer: %s", call->client->service->name, problem),
			 errdetail("%s, endpoint %s.", describe_call(call), call->client->endpoint_url),
			 errhint("Check region of the server, and %s in the environment of the server process.",
					 call->client->service->endpoint_variable)));
}

/* The operation's result, as a document. */
static json_t *
parse_answer(const CmzCall *call)
{
	StringInfoData json;
	const char *xml_error = NULL;
	char	   *error = NULL;
	json_t	   *document = NULL;

	initStringInfo(&json);
	if (cmz_xml_append_json(&json, call->answer, call->answer_len, &xml_error))
		document = cmz_json_parse(json.data, json.len, &error);
	if (document == NULL)
		raise_malformed(call, xml_error ? xml_error : error);
	document = cmz_json_member(cmz_json_member(document, OPERATION "Response"), OPERATION "Result");
	if (document == NULL)
		raise_malformed(call, "it is not of this operation");
	return document;
}

/* A list, which is an empty string where it is empty. */
static const json_t *
find_list(const CmzCall *call, const json_t *object, const char *name)
{
	const json_t *list = cmz_json_member(object, name);

	if (cmz_json_length(list) == 0 && cmz_json_text(list) == NULL)
		raise_malformed(call, psprintf("%s is no list", name));
	return list;
}

/* The first of a list of messages, in the server's encoding; NULL for none. */
static const char *
first_message(const json_t *object)
{
	const json_t *message = cmz_json_element(cmz_json_member(object, "Messages"), 0);
	const char *value = cmz_json_member_text(message, "Value");

	if (value == NULL)
		value = cmz_json_member_text(message, "Code");
	return value ? cmz_value_server_text(value, (int) strlen(value)) : NULL;
}

/* Judge a result by its status; true if it is not all there is. */
static bool
check_status(const CmzCall *call, const json_t *result)
{
	const char *status = cmz_json_member_text(result, "StatusCode");
	const char *message;
	bool		forbidden;

	if (status == NULL)
		raise_malformed(call, "StatusCode is missing");
	if (strcmp(status, "Complete") == 0)
		return false;
	if (strcmp(status, "PartialData") == 0)
		return true;
	forbidden = strcmp(status, "Forbidden") == 0;
	message = first_message(result);
	ereport(ERROR,
			(errcode(forbidden ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_SYSTEM_ERROR),
			 errmsg("%s: %s", call->client->service->name, message ? message : "no message"),
			 errdetail("%s, status %s.", describe_call(call),
					   cmz_value_server_text(status, (int) strlen(status)))));
}

static bool
read_value(const char *text, double *value)
{
	char	   *end;

	if (text == NULL)
		return false;
	*value = strtod(text, &end);
	return end != text && *end == '\0';
}

static bool
read_time(const char *text, TimestampTz *time)
{
	int64		usec;
	CmzZone		zone;

	if (text == NULL || !cmz_isotime_parse(text, (int) strlen(text), &usec, &zone))
		return false;
	*time = cmz_value_timestamp(usec);
	return true;
}

static Datum
text_datum(const char *utf8, bool *isnull)
{
	*isnull = utf8 == NULL;
	return utf8 ? CStringGetTextDatum(cmz_value_server_text(utf8, (int) strlen(utf8))) : (Datum) 0;
}

/* One series, or a part of it, into rows. */
static void
read_result(MetricScan *scan, const CmzCall *call, const json_t *result)
{
	const char *id = cmz_json_member_text(result, "Id");
	int			series = id ? cmz_metric_find_series(&scan->request, id) : -1;
	const json_t *times;
	const json_t *numbers;
	Datum		values[4];
	bool		nulls[4] = {0};

	if (series < 0)
		raise_malformed(call, "a result was not asked for");
	scan->partial[series] = check_status(call, result);
	times = find_list(call, result, "Timestamps");
	numbers = find_list(call, result, "Values");
	if (cmz_json_length(times) != cmz_json_length(numbers))
		raise_malformed(call, "there are not as many values as times");
	values[0] = text_datum(scan->request.series[series].index, &nulls[0]);
	values[1] = text_datum(scan->request.series[series].operation, &nulls[1]);
	for (int i = 0; i < cmz_json_length(times); i++)
	{
		TimestampTz time;
		double		number;

		CHECK_FOR_INTERRUPTS();
		if (!read_time(cmz_json_text(cmz_json_element(times, i)), &time) ||
			!read_value(cmz_json_text(cmz_json_element(numbers, i)), &number))
			raise_malformed(call, "a time or a value is none");
		values[2] = TimestampTzGetDatum(time);
		values[3] = Float8GetDatum(number);
		tuplestore_putvalues(scan->result->setResult, scan->result->setDesc, values, nulls);
	}
}

/* Ask for a page; returns the token of the next one, NULL for none. */
static const char *
read_page(MetricScan *scan, const CmzCall *call)
{
	json_t	   *answer = parse_answer(call);
	const json_t *results = find_list(call, answer, "MetricDataResults");
	const char *message = first_message(answer);
	const char *token = cmz_json_member_text(answer, "NextToken");

	for (int i = 0; i < cmz_json_length(results); i++)
		read_result(scan, call, cmz_json_element(results, i));
	/* such as: too many metrics, these are some */
	if (message != NULL)
		ereport(WARNING, (errmsg("%s: %s", call->client->service->name, message)));
	if (token == NULL || *token == '\0')
		return NULL;
	if (scan->request.next_token != NULL && strcmp(token, scan->request.next_token) == 0)
		raise_malformed(call, "it does not go on from page to page");
	return token;
}

static void
check_complete(const MetricScan *scan)
{
	for (int i = scan->request.first; i < scan->request.first + scan->request.count; i++)
		if (scan->partial[i])
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("%s did not give all values", scan->client->service->name),
					 errdetail("Table \"%s\", operation %s, status PartialData.",
							   scan->request.table, OPERATION),
					 errhint("Try again, or ask for a shorter time or a longer period.")));
}

/* All pages of the series that the request names. */
static void
read_series(MetricScan *scan)
{
	char	   *token = NULL;

	do
	{
		MemoryContext page = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw metrics",
												   ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(page);
		StringInfoData form;
		CmzCall    *call;
		const char *next;

		scan->request.next_token = token;
		initStringInfo(&form);
		cmz_metric_append_request(&form, &scan->request);
		call = cmz_call_start(scan->client, OPERATION, scan->request.table, &form);
		if (!cmz_call_wait(call))
			cmz_call_raise(call, NULL);
		next = read_page(scan, call);
		MemoryContextSwitchTo(old);
		token = next ? pstrdup(next) : NULL;
		MemoryContextDelete(page);
	} while (token != NULL);
	check_complete(scan);
}

PG_FUNCTION_INFO_V1(cmz_metrics);

Datum
cmz_metrics(PG_FUNCTION_ARGS)
{
	MetricScan	scan = {0};
	CmzTable   *table;
	int			nseries;

	check_arguments_given(fcinfo);
	table = cmz_table_open_argument(PG_GETARG_OID(0), AccessShareLock, ACL_SELECT);
	scan.request.metric = metric_argument(fcinfo);
	scan.request.table = table->table_name;
	scan.request.start = time_argument(fcinfo, 2, "start");
	scan.request.end = time_argument(fcinfo, 3, "end");
	scan.request.period_s = period_argument(fcinfo);
	if (scan.request.start >= scan.request.end)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start must be before end")));
	scan.client = cmz_session_service(cmz_session_client(table->serverid, GetUserId()),
									  &cmz_service_cloudwatch);
	InitMaterializedSRF(fcinfo, 0);
	scan.result = (ReturnSetInfo *) fcinfo->resultinfo;
	note_retention(&scan.request);

	scan.request.series = cmz_metric_series(scan.request.metric, &table->layout, &nseries);
	scan.partial = palloc0(nseries * sizeof(bool));
	for (int i = 0; i < nseries; i += CMZ_MAX_METRIC_QUERIES)
	{
		scan.request.first = i;
		scan.request.count = Min(nseries - i, CMZ_MAX_METRIC_QUERIES);
		read_series(&scan);
	}
	return (Datum) 0;
}
