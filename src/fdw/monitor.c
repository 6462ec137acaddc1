/*
 * monitor.c
 *	  What the views cmz_stat and cmz_cost are made of.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "client/stat.h"
#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/monitor.h"
#include "fdw/session.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define NCOLUMNS	18
#define MAX_PRICE	1e12

/*
 * In dollars, for a million units, a million requests, or a GB for a month.  Source
 * of the defaults: the cost estimation of the table's set-up guide.
 */
static struct
{
	const char *name;
	const char *description;
	double		boot_value;
	double		value;
}			prices[] = {
	{"cmz_fdw.read_unit_price", "Dollars for a million read units.", 0.25},
	{"cmz_fdw.write_unit_price", "Dollars for a million write units.", 1.25},
	{"cmz_fdw.stream_read_price", "Dollars for a million reads of a stream.", 0.2},
	{"cmz_fdw.storage_price", "Dollars for storing a GB for a month.", 0.25},
	{"cmz_fdw.backup_price", "Dollars for backing up a GB for a month.", 0.1},
};

void
cmz_monitor_define_gucs(void)
{
	for (int i = 0; i < (int) lengthof(prices); i++)
		DefineCustomRealVariable(prices[i].name, prices[i].description,
								 "View cmz_cost reckons with it.",
								 &prices[i].value, prices[i].boot_value, 0, MAX_PRICE,
								 PGC_USERSET, 0,
								 NULL, NULL, NULL);
}

PG_FUNCTION_INFO_V1(cmz_prices);

/* All digits of them, and in a session that has not loaded the library too. */
Datum
cmz_prices(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[lengthof(prices)];
	bool		nulls[lengthof(prices)] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < (int) lengthof(prices); i++)
		values[i] = Float8GetDatum(prices[i].value);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* The user may use the server, or see all statistics; it may be gone by now. */
static bool
may_see(Oid serverid)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		(OidIsValid(serverid) && GetForeignServerExtended(serverid, FSV_MISSING_OK) != NULL &&
		 cmz_server_aclcheck(serverid, GetUserId(), ACL_USAGE) == ACLCHECK_OK);
}

static void
put_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text[0] == '\0';
	*value = *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
put_entry(ReturnSetInfo *result, const CmzStatEntry *entry, bool is_shared)
{
	const CmzStatCounters *c = &entry->counters;
	const int64 counts[] = {c->requests, c->pages, c->items, c->scanned_items, c->bytes};
	const int64 failures[] = {c->throttled_requests, c->system_errors, c->user_errors, c->retries};
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};
	int			n = 0;

	values[n] = ObjectIdGetDatum(entry->serverid);
	nulls[n++] = !OidIsValid(entry->serverid);
	put_text(&values[n], &nulls[n], entry->table), n++;
	put_text(&values[n], &nulls[n], entry->index), n++;
	put_text(&values[n], &nulls[n], entry->operation), n++;
	for (int i = 0; i < (int) lengthof(counts); i++)
		values[n++] = Int64GetDatum(counts[i]);
	values[n++] = Float8GetDatum(c->read_units);
	values[n++] = Float8GetDatum(c->write_units);
	for (int i = 0; i < (int) lengthof(failures); i++)
		values[n++] = Int64GetDatum(failures[i]);
	values[n++] = Float8GetDatum(c->time_ms);
	values[n++] = TimestampTzGetDatum(entry->since);
	values[n++] = CStringGetTextDatum(is_shared ? "all sessions" : "this session");
	Assert(n == NCOLUMNS);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(cmz_stat_entries);

Datum
cmz_stat_entries(PG_FUNCTION_ARGS)
{
	int			n;
	CmzStatEntry *entries = cmz_stat_read(&n);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
		if (may_see(entries[i].serverid))
			put_entry((ReturnSetInfo *) fcinfo->resultinfo, &entries[i], cmz_stat_is_shared());
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cmz_stat_reset_all);

Datum
cmz_stat_reset_all(PG_FUNCTION_ARGS)
{
	cmz_stat_reset();
	PG_RETURN_VOID();
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

/* A table that cannot be looked at must not keep the others from being listed. */
static json_t *
describe_if_possible(const CmzClient *client, const char *table)
{
	CmzProbe	probe;
	json_t	   *answer = cmz_control_probe_table(client, "DescribeTable", table, &probe);

	if (answer == NULL && !cmz_failure_is(&probe.failure, "ResourceNotFoundException"))
		ereport(WARNING,
				(errcode(probe.failure.sqlstate),
				 errmsg("could not find out the size of table \"%s\": %s", table, probe.failure.message)));
	return cmz_json_member(answer, "Table");
}

PG_FUNCTION_INFO_V1(cmz_stored_bytes);

/* What a table and its indexes hold; NULL if it is not there or cannot be looked at. */
Datum
cmz_stored_bytes(PG_FUNCTION_ARGS)
{
	Oid			serverid = cmz_session_usable_server(NameStr(*PG_GETARG_NAME(0)));
	CmzClient  *client = cmz_session_client(serverid, GetUserId());
	json_t	   *description = describe_if_possible(client, text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (description == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) (cmz_json_number(cmz_json_member(description, "TableSizeBytes"), 0) +
							 index_bytes(description, "GlobalSecondaryIndexes") +
							 index_bytes(description, "LocalSecondaryIndexes")));
}
