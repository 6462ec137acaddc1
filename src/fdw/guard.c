/*
 * guard.c
 *	  Keeps what reading costs in bounds: a limit and a pace of read units, and
 *	  a policy for reading a whole table.
 *
 * What a request costs is known only when it has been answered.  So a
 * statement may pass its limit by the requests that are under way, and the
 * pace is kept by waiting for what has been consumed already.
 */
#include "postgres.h"

#include <math.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "client/wait.h"
#include "fdw/guard.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MILLI			1000.0

/* The pace lets a process run ahead by what it may consume in that time. */
#define BURST_SECONDS	1.0

/* After so long, look again: the pace may have become another. */
#define MAX_SLEEP_MS	60000.0

double		cmz_max_read_units = 0;
double		cmz_read_units_per_second = 0;

/* The account of the statement under way. */
static TimestampTz statement = 0;	/* when it began */
static double consumed = 0;		/* by this process, and not in a counter */

/* A counter shared with other processes. */
typedef struct CmzSharedAccount
{
	slist_node	node;
	pg_atomic_uint64 *milli_units;
	int			nprocesses;
} CmzSharedAccount;

static slist_head shared_accounts = SLIST_STATIC_INIT(shared_accounts); /* newest first */

/* What this process may consume now; below 0: what it must wait for. */
static double allowance = 0;
static TimestampTz allowance_at = 0;	/* 0: there was no pace */

static void
begin_statement(void)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (now == statement)
		return;
	statement = now;
	consumed = 0;
}

static double
counter_value(const CmzSharedAccount *account)
{
	return pg_atomic_read_u64(account->milli_units) / MILLI;
}

/* The read units that this statement has consumed so far. */
static double
statement_units(void)
{
	double		total;
	slist_iter	iter;

	begin_statement();
	total = consumed;
	slist_foreach(iter, &shared_accounts)
		total += counter_value(slist_container(CmzSharedAccount, node, iter.cur));
	return total;
}

static void
check_limit(void)
{
	double		total;

	if (cmz_max_read_units <= 0)
		return;
	total = statement_units();
	if (total <= cmz_max_read_units)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("canceling statement because it consumed too many read units"),
			 errdetail("The statement has consumed %.1f read units; cmz_fdw.max_read_units is %g.",
					   total, cmz_max_read_units),
			 errhint("Narrow the query by a condition on a key (EXPLAIN shows what is read), or raise cmz_fdw.max_read_units.")));
}

/* This process's part of the pace, 0: none is kept. */
static double
units_per_second(void)
{
	int			nprocesses = 1;
	slist_iter	iter;

	slist_foreach(iter, &shared_accounts)
		nprocesses = Max(nprocesses,
						 slist_container(CmzSharedAccount, node, iter.cur)->nprocesses);
	return cmz_read_units_per_second / nprocesses;
}

/* Let the allowance grow by the time that has passed. */
static void
grow_allowance(double rate)
{
	TimestampTz now = GetCurrentTimestamp();
	double		burst = rate * BURST_SECONDS;

	if (allowance_at == 0)
		allowance = burst;
	else if (now > allowance_at)
		allowance += rate * (now - allowance_at) / USECS_PER_SEC;
	allowance = Min(allowance, burst);
	allowance_at = now;
}

void
cmz_guard_pace(void)
{
	check_limit();
	for (;;)
	{
		double		rate = units_per_second();

		if (rate <= 0)
		{
			allowance_at = 0;
			return;
		}
		grow_allowance(rate);
		if (allowance >= 0)
			return;
		cmz_wait_sleep((long) ceil(Min(-allowance / rate * 1000, MAX_SLEEP_MS)));
	}
}

void
cmz_guard_charge(double read_units)
{
	double		rate = units_per_second();

	begin_statement();
	if (slist_is_empty(&shared_accounts))
		consumed += read_units;
	else
		pg_atomic_fetch_add_u64(slist_head_element(CmzSharedAccount, node,
												   &shared_accounts)->milli_units,
								(int64) rint(read_units * MILLI));
	if (rate > 0)
	{
		grow_allowance(rate);
		allowance -= read_units;
	}
	check_limit();
}

static CmzSharedAccount *
make_account(pg_atomic_uint64 *milli_units, int nprocesses)
{
	CmzSharedAccount *account = MemoryContextAlloc(TopMemoryContext, sizeof(CmzSharedAccount));

	account->milli_units = milli_units;
	account->nprocesses = nprocesses;
	return account;
}

/* The segment is about to go: take over what its counter holds. */
static void
leave_account(dsm_segment *segment, Datum arg)
{
	CmzSharedAccount *account = (CmzSharedAccount *) DatumGetPointer(arg);

	consumed += counter_value(account);
	slist_delete(&shared_accounts, &account->node);
	pfree(account);
}

void
cmz_guard_share(pg_atomic_uint64 *milli_units, int nprocesses, dsm_segment *segment)
{
	CmzSharedAccount *account;

	begin_statement();
	/* the workers are to know what has been consumed before them */
	pg_atomic_init_u64(milli_units, (uint64) rint(consumed * MILLI));
	if (segment == NULL)
		return;
	account = make_account(milli_units, nprocesses);
	on_dsm_detach(segment, leave_account, PointerGetDatum(account));
	slist_push_head(&shared_accounts, &account->node);
	consumed = 0;
}

void
cmz_guard_join(pg_atomic_uint64 *milli_units, int nprocesses)
{
	slist_push_head(&shared_accounts, &make_account(milli_units, nprocesses)->node);
}

/* The columns of which a condition selects a Query, as a list for a hint. */
static char *
key_columns(const CmzTable *table)
{
	StringInfoData buf;
	Bitmapset  *seen = NULL;

	initStringInfo(&buf);
	for (int i = -1; i < table->layout.nindexes; i++)
	{
		const CmzIndex *index = i < 0 ? &table->layout.table : &table->layout.indexes[i];
		const CmzColumn *column = cmz_table_column(table, index->partition_key);
		const CmzColumn *sort;

		/* global indexes give no consistent reads */
		if (column == NULL || bms_is_member(column->attnum, seen) ||
			(index->name && !index->local && table->consistent_read))
			continue;
		sort = !cmz_table_index_is_complete(table, index) ? cmz_table_column(table, index->sort_key) : NULL;
		if (!cmz_table_index_is_complete(table, index) && sort == NULL)
			continue;
		seen = bms_add_member(seen, column->attnum);
		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", column->name);
		if (sort != NULL)
			appendStringInfo(&buf, " (together with \"%s\")", sort->name);
	}
	return buf.data;
}

void
cmz_guard_whole_table(const CmzTable *table)
{
	bool		deny = table->scan_policy == CMZ_SCAN_DENY;
	char	   *columns;

	if (table->scan_policy == CMZ_SCAN_ALLOW || (!deny && IsParallelWorker()))
		return;
	columns = key_columns(table);
	ereport(deny ? ERROR : WARNING,
			(errcode(deny ? ERRCODE_CONFIGURATION_LIMIT_EXCEEDED : ERRCODE_WARNING),
			 deny ? errmsg("query would read the whole table \"%s\"", table->name)
			 : errmsg("query reads the whole table \"%s\"", table->name),
			 errdetail("No condition selects a Query, and option \"scan_policy\" is \"%s\".",
					   deny ? "deny" : "warn"),
			 columns[0]
			 ? errhint("Compare one of these columns by =: %s.", columns)
			 : errhint("Add a column for the partition key of the table, and compare it by =.")));
}
