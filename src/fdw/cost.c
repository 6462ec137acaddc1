/*
 * cost.c
 *	  What view cmz_cost is made of: the units that requests have consumed, and the
 *	  bytes that tables hold, in dollars.
 *
 * The bytes are DynamoDB's to tell.  Servers may be other people's, and may not
 * answer: all are asked at once, and none for long.
 */
#include "postgres.h"

#include "client/stat.h"
#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/monitor.h"
#include "fdw/option.h"
#include "fdw/session.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define NCOLUMNS		13
#define GIGABYTE		(1024.0 * 1024.0 * 1024.0)
#define MILLION			1e6

#define AT_ONCE			16		/* tables that are asked for */
#define ANSWER_MS		5000	/* one answer, and ... */
#define ALL_ANSWERS_MS	10000	/* ... when no others are asked for any more */

#define MAX_PRICE		1e12

/*
 * In dollars, for a million units, a million requests, or a GB for a month.  Source
 * of the defaults: the cost estimation of the table's set-up guide.
 */
typedef enum Price
{
	PRICE_READ,
	PRICE_WRITE,
	PRICE_STREAM,
	PRICE_STORAGE,
	PRICE_BACKUP
} Price;

static struct
{
	const char *name;
	const char *description;
	double		boot_value;
	double		value;
}			prices[] = {
	[PRICE_READ] = {"cmz_fdw.read_unit_price", "Dollars for a million read units.", 0.25},
	[PRICE_WRITE] = {"cmz_fdw.write_unit_price", "Dollars for a million write units.", 1.25},
	[PRICE_STREAM] = {"cmz_fdw.stream_read_price", "Dollars for a million reads of a stream.", 0.2},
	[PRICE_STORAGE] = {"cmz_fdw.storage_price", "Dollars for storing a GB for a month.", 0.25},
	[PRICE_BACKUP] = {"cmz_fdw.backup_price", "Dollars for backing up a GB for a month.", 0.1},
};

void
cmz_cost_define_gucs(void)
{
	for (int i = 0; i < (int) lengthof(prices); i++)
		DefineCustomRealVariable(prices[i].name, prices[i].description,
								 "View cmz_cost reckons with it.",
								 &prices[i].value, prices[i].boot_value, 0, MAX_PRICE,
								 PGC_USERSET, 0,
								 NULL, NULL, NULL);
}

/* The sums of a table. */
typedef struct TableCost
{
	Oid			serverid;
	const char *table;
	double		read_units;
	double		write_units;
	int64		stream_reads;
	TimestampTz since;
	CmzCall    *call;			/* NULL: its size is not asked for */
	int64		stored_bytes;	/* -1: not known */
} TableCost;

static TableCost *
find_cost(TableCost *costs, int *n, const CmzStatEntry *entry)
{
	for (int i = 0; i < *n; i++)
		if (costs[i].serverid == entry->serverid && strcmp(costs[i].table, entry->table) == 0)
			return &costs[i];
	memset(&costs[*n], 0, sizeof(TableCost));
	costs[*n].serverid = entry->serverid;
	costs[*n].table = entry->table;
	costs[*n].since = entry->since;
	costs[*n].stored_bytes = -1;
	return &costs[(*n)++];
}

static TableCost *
add_up(int *n)
{
	int			nentries;
	CmzStatEntry *entries = cmz_stat_read(&nentries);
	TableCost  *costs = palloc(sizeof(TableCost) * Max(nentries, 1));

	*n = 0;
	for (int i = 0; i < nentries; i++)
	{
		TableCost  *cost;

		if (entries[i].table[0] == '\0' || !cmz_monitor_may_see(entries[i].serverid))
			continue;
		cost = find_cost(costs, n, &entries[i]);
		cost->read_units += entries[i].counters.read_units;
		cost->write_units += entries[i].counters.write_units;
		if (strcmp(entries[i].operation, "GetRecords") == 0)
			cost->stream_reads += entries[i].counters.requests;
		cost->since = Min(cost->since, entries[i].since);
	}
	return costs;
}

/* The bytes of the indexes that are listed under that name. */
static double
index_bytes(const json_t *description, const char *name)
{
	const json_t *indexes = cmz_json_member(description, name);
	double		bytes = 0;

	for (int i = 0; i < cmz_json_length(indexes); i++)
		bytes += cmz_json_number(cmz_json_member(cmz_json_element(indexes, i), "IndexSizeBytes"), 0);
	return bytes;
}

/* Begin to ask, if the user may and the name is one. */
static void
ask_size(TableCost *cost)
{
	CmzClient  *client;
	StringInfoData body;

	if (!OidIsValid(cost->serverid) || !cmz_option_is_valid("table_name", cost->table) ||
		GetForeignServerExtended(cost->serverid, FSV_MISSING_OK) == NULL ||
		cmz_server_aclcheck(cost->serverid, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		return;
	client = cmz_session_client(cost->serverid, GetUserId());
	client->http.connect_timeout_ms = Min(client->http.connect_timeout_ms, ANSWER_MS);
	client->http.request_timeout_ms = Min(client->http.request_timeout_ms, ANSWER_MS);
	client->max_retries = 0;
	cmz_control_begin_body(&body, cost->table);
	appendStringInfoChar(&body, '}');
	cost->call = cmz_call_start(client, "DescribeTable", cost->table, &body);
}

/* A table that cannot be looked at must not keep the others from being listed. */
static void
take_size(TableCost *cost)
{
	json_t	   *description = NULL;
	char	   *error;

	if (cost->call == NULL)
		return;
	if (cmz_call_wait(cost->call))
		description = cmz_json_member(cmz_json_parse(cost->call->answer, cost->call->answer_len, &error), "Table");
	else if (!cmz_failure_is(&cost->call->failure, "ResourceNotFoundException"))
		ereport(WARNING,
				(errcode(cost->call->failure.sqlstate),
				 errmsg("could not find out the size of table \"%s\": %s", cost->table,
						cost->call->failure.message)));
	if (cmz_json_member(description, "TableSizeBytes") != NULL)
		cost->stored_bytes = (int64) (cmz_json_number(cmz_json_member(description, "TableSizeBytes"), 0) +
									  index_bytes(description, "GlobalSecondaryIndexes") +
									  index_bytes(description, "LocalSecondaryIndexes"));
	cmz_call_free(cost->call);
}

static void
find_sizes(TableCost *costs, int n)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ALL_ANSWERS_MS);

	for (int first = 0; first < n; first += AT_ONCE)
	{
		int			behind = Min(first + AT_ONCE, n);

		if (GetCurrentTimestamp() > end)
		{
			ereport(WARNING,
					(errmsg("could not find out the size of %d tables in time", n - first)));
			return;
		}
		for (int i = first; i < behind; i++)
			ask_size(&costs[i]);
		for (int i = first; i < behind; i++)
			take_size(&costs[i]);
	}
}

static Datum
dollars(double amount)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.6f", amount)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

static void
put_cost(ReturnSetInfo *result, const TableCost *cost)
{
	ForeignServer *server = OidIsValid(cost->serverid)
		? GetForeignServerExtended(cost->serverid, FSV_MISSING_OK) : NULL;
	double		gigabytes = cost->stored_bytes / GIGABYTE;
	bool		is_sized = cost->stored_bytes >= 0;
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};
	int			n = 0;

	nulls[n] = server == NULL;
	values[n++] = server ? CStringGetTextDatum(server->servername) : (Datum) 0;
	values[n++] = CStringGetTextDatum(cost->table);
	values[n++] = Float8GetDatum(cost->read_units);
	values[n++] = Float8GetDatum(cost->write_units);
	values[n++] = Int64GetDatum(cost->stream_reads);
	nulls[n] = !is_sized;
	values[n++] = Int64GetDatum(cost->stored_bytes);
	values[n++] = dollars(cost->read_units / MILLION * prices[PRICE_READ].value);
	values[n++] = dollars(cost->write_units / MILLION * prices[PRICE_WRITE].value);
	values[n++] = dollars(cost->stream_reads / MILLION * prices[PRICE_STREAM].value);
	nulls[n] = !is_sized;
	values[n++] = dollars(gigabytes * prices[PRICE_STORAGE].value);
	nulls[n] = !is_sized;
	values[n++] = dollars(gigabytes * prices[PRICE_BACKUP].value);
	values[n++] = TimestampTzGetDatum(cost->since);
	values[n++] = CStringGetTextDatum(cmz_monitor_scope());
	Assert(n == NCOLUMNS);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(cmz_cost_entries);

Datum
cmz_cost_entries(PG_FUNCTION_ARGS)
{
	int			n;
	TableCost  *costs = add_up(&n);

	InitMaterializedSRF(fcinfo, 0);
	find_sizes(costs, n);
	for (int i = 0; i < n; i++)
		put_cost((ReturnSetInfo *) fcinfo->resultinfo, &costs[i]);
	return (Datum) 0;
}
