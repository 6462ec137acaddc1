/*
 * test_metric.c
 *	  Metrics of CloudWatch: names, series, requests.
 */
#include "unit.h"

#include "base/metric.h"

/* The series of a metric, "index operation, ...", with - for neither. */
static char *
series_of(const char *name, const char *indexes)
{
	CmzLayout	layout;
	CmzSeries  *series;
	StringInfoData buf;
	char	   *error;
	int			count;

	initStringInfo(&buf);
	if (!cmz_layout_parse("id", indexes, &layout, &error))
		return error;
	series = cmz_metric_series(cmz_metric_find(name), &layout, &count);
	for (int i = 0; i < count; i++)
		appendStringInfo(&buf, "%s%s%s", i > 0 ? ", " : "", series[i].index ? series[i].index : "",
						 series[i].operation ? series[i].operation : series[i].index ? "" : "-");
	return buf.data;
}

static void
test_series(void)
{
	is(series_of("ConsumedReadCapacityUnits", "ByA (a), ByB (b, c) keys_only"), "-, ByA, ByB", "a table and its indexes");
	is(series_of("ReadThrottleEvents", "ByA (a), ByL (id, l) local, ByB (b)"), "-, ByA, ByB", "local indexes have no metrics of their own");
	is(series_of("ProvisionedWriteCapacityUnits", "none"), "-", "a table without indexes");
	is(series_of("OnlineIndexPercentageProgress", "ByA (a), ByB (b)"), "ByA, ByB", "indexes only");
	is(series_of("OnlineIndexThrottleEvents", "none"), "", "no series");
	is(series_of("TransactionConflict", "ByA (a)"), "-", "a table only");
	is(series_of("WriteAccountLimitThrottleEvents", "ByA (a)"), "-", "a metric that indexes do not have");
	is(series_of("SystemErrors", "ByA (a)"), "GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan, BatchGetItem, "
	   "BatchWriteItem, TransactGetItems, TransactWriteItems", "operations");
	is(series_of("ReturnedItemCount", "ByA (a)"), "Query, Scan", "operations that return many items");
}

static void
test_names(void)
{
	StringInfoData names;
	char	   *name;
	int			n = 0;

	is(cmz_metric_find("ThrottledRequests")->name, "ThrottledRequests", "a metric");
	is(cmz_metric_find("THROTTLEDrequests")->name, "ThrottledRequests", "... in any case");
	ok(cmz_metric_find("ThrottledRequest") == NULL, "no prefix of a name");
	ok(cmz_metric_find("ThrottledRequests ") == NULL, "nor more than a name");
	ok(cmz_metric_find("") == NULL, "nor nothing");
	ok(cmz_metric_find("UserErrors") == NULL, "nor a metric of the account");

	initStringInfo(&names);
	cmz_metric_append_names(&names);
	for (name = strtok(names.data, ", "); name; name = strtok(NULL, ", "), n++)
		is(cmz_metric_find(name) ? cmz_metric_find(name)->name : NULL, name, name);
	ok(n == 27, "%d metrics", n);
}

static void
test_request(void)
{
	const CmzSeries series[] = {{NULL, NULL}, {"A b&c=\xC3\xA4", NULL}, {NULL, "Query"}};
	CmzMetricRequest request = {cmz_metric_find("SuccessfulRequestLatency"), "t", series, 1, 2,
	1737288000000000, 1737288060500000, 300, NULL};
	StringInfoData form;

	initStringInfo(&form);
	cmz_metric_append_request(&form, &request);
	is(form.data, "Action=GetMetricData&Version=2010-08-01"
	   "&MetricDataQueries.member.1.Id=m1"
	   "&MetricDataQueries.member.1.MetricStat.Metric.Namespace=AWS%2FDynamoDB"
	   "&MetricDataQueries.member.1.MetricStat.Metric.MetricName=SuccessfulRequestLatency"
	   "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=TableName"
	   "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=t"
	   "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Name=GlobalSecondaryIndexName"
	   "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Value=A%20b%26c%3D%C3%A4"
	   "&MetricDataQueries.member.1.MetricStat.Period=300"
	   "&MetricDataQueries.member.1.MetricStat.Stat=Average"
	   "&MetricDataQueries.member.2.Id=m2"
	   "&MetricDataQueries.member.2.MetricStat.Metric.Namespace=AWS%2FDynamoDB"
	   "&MetricDataQueries.member.2.MetricStat.Metric.MetricName=SuccessfulRequestLatency"
	   "&MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.1.Name=TableName"
	   "&MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.1.Value=t"
	   "&MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.2.Name=Operation"
	   "&MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.2.Value=Query"
	   "&MetricDataQueries.member.2.MetricStat.Period=300"
	   "&MetricDataQueries.member.2.MetricStat.Stat=Average"
	   "&StartTime=2025-01-19T12%3A00%3A00Z&EndTime=2025-01-19T12%3A01%3A00.5Z"
	   "&ScanBy=TimestampAscending", "a request for some of the series");

	request.count = 0;
	request.next_token = "a+b/c=";
	resetStringInfo(&form);
	cmz_metric_append_request(&form, &request);
	is(strstr(form.data, "&NextToken="), "&NextToken=a%2Bb%2Fc%3D", "a further page");

	request.count = 2;
	ok(cmz_metric_find_series(&request, "m1") == 1 && cmz_metric_find_series(&request, "m2") == 2, "results by their ids");
	ok(cmz_metric_find_series(&request, "m0") == -1 && cmz_metric_find_series(&request, "m3") == -1, "ids that were not asked for");
	ok(cmz_metric_find_series(&request, "m01") == -1 && cmz_metric_find_series(&request, "m1x") == -1 &&
	   cmz_metric_find_series(&request, "m") == -1 && cmz_metric_find_series(&request, "") == -1 &&
	   cmz_metric_find_series(&request, "M1") == -1, "ids that are none");
}

void
test_metric(void)
{
	test_names();
	test_series();
	test_request();
}
