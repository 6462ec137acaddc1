/*
 * monitor.c
 *	  What view cmz_stat is made of.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "client/stat.h"
#include "fdw/compat.h"
#include "fdw/monitor.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#define NCOLUMNS	18

bool
cmz_monitor_may_see(Oid serverid)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		(OidIsValid(serverid) && GetForeignServerExtended(serverid, FSV_MISSING_OK) != NULL &&
		 cmz_server_aclcheck(serverid, GetUserId(), ACL_USAGE) == ACLCHECK_OK);
}

const char *
cmz_monitor_scope(void)
{
	return cmz_stat_is_shared() ? "all sessions" : "this session";
}

static void
put_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text[0] == '\0';
	*value = *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
put_entry(ReturnSetInfo *result, const CmzStatEntry *entry)
{
	const CmzStatCounters *c = &entry->counters;
	const int64 counts[] = {c->requests, c->pages, c->items, c->scanned_items, c->bytes};
	const int64 failures[] = {c->throttled_requests, c->system_errors, c->user_errors, c->retries};
	/* servers are dropped, but what they have cost stays */
	ForeignServer *server = OidIsValid(entry->serverid)
		? GetForeignServerExtended(entry->serverid, FSV_MISSING_OK) : NULL;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};
	int			n = 0;

	put_text(&values[n], &nulls[n], server ? server->servername : ""), n++;
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
	values[n++] = CStringGetTextDatum(cmz_monitor_scope());
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
		if (cmz_monitor_may_see(entries[i].serverid))
			put_entry((ReturnSetInfo *) fcinfo->resultinfo, &entries[i]);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cmz_stat_reset_all);

Datum
cmz_stat_reset_all(PG_FUNCTION_ARGS)
{
	cmz_stat_reset();
	PG_RETURN_VOID();
}
