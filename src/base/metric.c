/*
 * metric.c
 *	  The metrics that DynamoDB sends to CloudWatch, and requests for them.
 *
 * Left out are metrics of a whole account (UserErrors, AccountMaxReads, ...), and
 * those with dimensions that a foreign table does not know: streams (StreamLabel),
 * replicas (ReceivingRegion) and Kinesis (DelegatedOperation).
 */
#include "base/base.h"

#include "base/form.h"
#include "base/isotime.h"
#include "base/metric.h"

#define NAMESPACE		"AWS/DynamoDB"
#define API_VERSION		"2010-08-01"
#define MAX_NAME		128

#define TABLE			CMZ_METRIC_BY_TABLE
#define INDEX			CMZ_METRIC_BY_INDEX
#define OPERATION		CMZ_METRIC_BY_OPERATION
#define SEARCH			CMZ_METRIC_BY_SEARCH

static const CmzMetric metrics[] = {
	{"ConsumedReadCapacityUnits", "Sum", TABLE | INDEX},
	{"ConsumedWriteCapacityUnits", "Sum", TABLE | INDEX},
	{"SystemErrors", "Sum", OPERATION},
	{"ThrottledRequests", "Sum", OPERATION},
	{"ConditionalCheckFailedRequests", "Sum", TABLE},
	{"FaultInjectionServiceInducedErrors", "Sum", OPERATION},
	{"OnDemandMaxReadRequestUnits", "Average", TABLE | INDEX},
	{"OnDemandMaxWriteRequestUnits", "Average", TABLE | INDEX},
	{"OnlineIndexConsumedWriteCapacity", "Sum", INDEX},
	/* how far it has come by the end of the period */
	{"OnlineIndexPercentageProgress", "Maximum", INDEX},
	{"OnlineIndexThrottleEvents", "Sum", INDEX},
	{"ProvisionedReadCapacityUnits", "Average", TABLE | INDEX},
	{"ProvisionedWriteCapacityUnits", "Average", TABLE | INDEX},
	{"ReadAccountLimitThrottleEvents", "Sum", TABLE | INDEX},
	{"ReadKeyRangeThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"ReadMaxOnDemandThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"ReadProvisionedThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"ReadThrottleEvents", "Sum", TABLE | INDEX},
	{"ReturnedItemCount", "Sum", SEARCH},
	{"SuccessfulRequestLatency", "Average", OPERATION},
	{"TimeToLiveDeletedItemCount", "Sum", TABLE},
	{"TransactionConflict", "Sum", TABLE},
	/* of the index too for reads, but not for writes */
	{"WriteAccountLimitThrottleEvents", "Sum", TABLE},
	{"WriteKeyRangeThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"WriteMaxOnDemandThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"WriteProvisionedThroughputThrottleEvents", "Sum", TABLE | INDEX},
	{"WriteThrottleEvents", "Sum", TABLE | INDEX},
};

/* The operations of PartiQL have yet another dimension, Verb or OperationType. */
static const struct
{
	const char *name;
	bool		search;
}			operations[] = {
	{"GetItem", false},
	{"PutItem", false},
	{"UpdateItem", false},
	{"DeleteItem", false},
	{"Query", true},
	{"Scan", true},
	{"BatchGetItem", false},
	{"BatchWriteItem", false},
	{"TransactGetItems", false},
	{"TransactWriteItems", false},
};

const CmzMetric *
cmz_metric_find(const char *name)
{
	for (int i = 0; i < (int) lengthof(metrics); i++)
		if (pg_strcasecmp(metrics[i].name, name) == 0)
			return &metrics[i];
	return NULL;
}

void
cmz_metric_append_names(StringInfo buf)
{
	for (int i = 0; i < (int) lengthof(metrics); i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ", " : "", metrics[i].name);
}

CmzSeries *
cmz_metric_series(const CmzMetric *metric, const CmzLayout *layout, int *count)
{
	CmzSeries  *series = palloc((1 + layout->nindexes + lengthof(operations)) * sizeof(CmzSeries));
	int			n = 0;

	if (metric->by & TABLE)
		series[n++] = (CmzSeries) {NULL, NULL};
	/* a local index lives on the table's throughput */
	for (int i = 0; (metric->by & INDEX) && i < layout->nindexes; i++)
		if (!layout->indexes[i].local)
			series[n++] = (CmzSeries) {layout->indexes[i].name, NULL};
	for (int i = 0; i < (int) lengthof(operations); i++)
		if ((metric->by & OPERATION) || ((metric->by & SEARCH) && operations[i].search))
			series[n++] = (CmzSeries) {NULL, operations[i].name};
	*count = n;
	return series;
}

/* A parameter of the i-th query. */
static void
append_parameter(StringInfo form, int i, const char *parameter, const char *value)
{
	char		name[MAX_NAME];

	snprintf(name, sizeof(name), "MetricDataQueries.member.%d.%s", i + 1, parameter);
	cmz_form_append(form, name, value);
}

static void
append_dimension(StringInfo form, int i, int *ndimensions, const char *name, const char *value)
{
	char		parameter[MAX_NAME];

	if (value == NULL)
		return;
	++*ndimensions;
	snprintf(parameter, sizeof(parameter), "MetricStat.Metric.Dimensions.member.%d.Name", *ndimensions);
	append_parameter(form, i, parameter, name);
	snprintf(parameter, sizeof(parameter), "MetricStat.Metric.Dimensions.member.%d.Value", *ndimensions);
	append_parameter(form, i, parameter, value);
}

/* The name by which a result is known again: a letter must be in front. */
static void
make_id(char id[16], int series)
{
	snprintf(id, 16, "m%d", series);
}

static void
append_query(StringInfo form, const CmzMetricRequest *request, int i)
{
	const CmzSeries *series = &request->series[request->first + i];
	int			ndimensions = 0;
	char		text[16];

	make_id(text, request->first + i);
	append_parameter(form, i, "Id", text);
	append_parameter(form, i, "MetricStat.Metric.Namespace", NAMESPACE);
	append_parameter(form, i, "MetricStat.Metric.MetricName", request->metric->name);
	append_dimension(form, i, &ndimensions, "TableName", request->table);
	append_dimension(form, i, &ndimensions, "GlobalSecondaryIndexName", series->index);
	append_dimension(form, i, &ndimensions, "Operation", series->operation);
	snprintf(text, sizeof(text), "%d", request->period_s);
	append_parameter(form, i, "MetricStat.Period", text);
	append_parameter(form, i, "MetricStat.Stat", request->metric->statistic);
}

void
cmz_metric_append_request(StringInfo form, const CmzMetricRequest *request)
{
	char		time[CMZ_ISOTIME_SIZE];

	cmz_form_append(form, "Action", "GetMetricData");
	cmz_form_append(form, "Version", API_VERSION);
	for (int i = 0; i < request->count; i++)
		append_query(form, request, i);
	cmz_isotime_format(request->start, time);
	cmz_form_append(form, "StartTime", time);
	cmz_isotime_format(request->end, time);
	cmz_form_append(form, "EndTime", time);
	cmz_form_append(form, "ScanBy", "TimestampAscending");
	cmz_form_append(form, "NextToken", request->next_token);
}

int
cmz_metric_find_series(const CmzMetricRequest *request, const char *id)
{
	int			series = id[0] == 'm' ? (int) strtol(id + 1, NULL, 10) : -1;
	char		expected[16];

	if (series < request->first || series >= request->first + request->count)
		return -1;
	/* no other spelling of the number */
	make_id(expected, series);
	return strcmp(id, expected) == 0 ? series : -1;
}
