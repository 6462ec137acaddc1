/*
 * metric.h
 *	  The metrics that DynamoDB sends to CloudWatch, and requests for them.
 *
 * Sources: DynamoDB developer guide, "DynamoDB metrics and dimensions"; CloudWatch
 * API reference, GetMetricData.
 */
#ifndef CMZ_METRIC_H
#define CMZ_METRIC_H

#include "base/layout.h"

/* How many queries a GetMetricData takes. */
#define CMZ_MAX_METRIC_QUERIES	500

/* What a metric is told apart by, besides the table: bits of "by". */
#define CMZ_METRIC_BY_TABLE		0x01	/* nothing: of the table itself */
#define CMZ_METRIC_BY_INDEX		0x02	/* each global secondary index */
#define CMZ_METRIC_BY_OPERATION	0x04	/* each operation on items */
#define CMZ_METRIC_BY_SEARCH	0x08	/* those that return many items */

typedef struct CmzMetric
{
	const char *name;
	const char *statistic;		/* the one that says most */
	int			by;
} CmzMetric;

/* One time series: a metric with all its dimensions. */
typedef struct CmzSeries
{
	const char *index;			/* NULL: none */
	const char *operation;		/* NULL: none */
} CmzSeries;

/* A GetMetricData for some of the series of a metric. */
typedef struct CmzMetricRequest
{
	const CmzMetric *metric;
	const char *table;			/* the DynamoDB table */
	const CmzSeries *series;
	int			first;			/* the series asked for */
	int			count;			/* at most CMZ_MAX_METRIC_QUERIES */
	int64		start;			/* microseconds since 1970, inclusive */
	int64		end;			/* exclusive */
	int			period_s;
	const char *next_token;		/* NULL: the first page */
} CmzMetricRequest;

/* The metric of that name in any case, NULL if there is none for a table. */
extern const CmzMetric *cmz_metric_find(const char *name);

/* Append the names of all metrics, a comma between. */
extern void cmz_metric_append_names(StringInfo buf);

/*
 * The series of a metric for a table of that layout, palloc'd; index names are the
 * layout's.  *count may be 0 for a metric of indexes only.
 */
extern CmzSeries *cmz_metric_series(const CmzMetric *metric, const CmzLayout *layout, int *count);

/* Append the operation as a form. */
extern void cmz_metric_append_request(StringInfo form, const CmzMetricRequest *request);

/* The number of the series that a result's Id means; -1 if it was not asked for. */
extern int	cmz_metric_find_series(const CmzMetricRequest *request, const char *id);

#endif							/* CMZ_METRIC_H */
