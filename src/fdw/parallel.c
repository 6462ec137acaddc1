/*
 * parallel.c
 *	  Scans with others: parallel workers that share the segments of a table,
 *	  and Append over several servers at once.
 *
 * PostgreSQL runs an Append asynchronously only if it is not parallel safe, so
 * a partition is one or the other: asynchronous, unless that is turned off.
 */
#include "postgres.h"

#include "client/wait.h"
#include "executor/execAsync.h"
#include "executor/executor.h"
#include "executor/nodeAppend.h"
#include "fdw/guard.h"
#include "fdw/parallel.h"
#include "fdw/scan.h"
#include "fdw/way.h"
#include "fdw/writeset.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/memutils.h"

/* How long an Append may wait without looking for interrupts. */
#define MAX_WAIT_MS		50

/* What the processes of a parallel scan share. */
struct CmzParallelScan
{
	pg_atomic_uint32 segment;	/* the next one */
	pg_atomic_uint64 milli_units;	/* the statement's account */
	int			nprocesses;
	/* what the workers' part has cost */
	pg_atomic_uint64 requests;
	pg_atomic_uint64 pages;
	pg_atomic_uint64 scanned_items;
	pg_atomic_uint64 items;
	pg_atomic_uint64 retries;
	pg_atomic_uint64 worker_milli_units;
};

bool
cmzIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	return !(IS_OTHER_REL(rel) && enable_async_append);
}

Size
cmzEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	return sizeof(CmzParallelScan);
}

/* The segment goes, after the workers have gone: take over what they counted. */
static void
take_counters(dsm_segment *segment, Datum arg)
{
	CmzScanState *state = (CmzScanState *) DatumGetPointer(arg);
	CmzParallelScan *shared = state->parallel;
	CmzCounters *counters = &state->counters;

	counters->requests += pg_atomic_read_u64(&shared->requests);
	counters->pages += pg_atomic_read_u64(&shared->pages);
	counters->scanned_items += pg_atomic_read_u64(&shared->scanned_items);
	counters->items += pg_atomic_read_u64(&shared->items);
	counters->retries += pg_atomic_read_u64(&shared->retries);
	counters->read_units += pg_atomic_read_u64(&shared->worker_milli_units) / 1000.0;
	state->parallel = NULL;
	state->parallel_segment = NULL;
	state->dsm = NULL;
}

void
cmzInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	CmzScanState *state = node->fdw_state;
	CmzParallelScan *shared = coordinate;

	/* there will be no workers, and what coordinate points to goes early */
	if (pcxt->seg == NULL)
		return;
	memset(shared, 0, sizeof(*shared));
	pg_atomic_init_u32(&shared->segment, 0);
	pg_atomic_init_u64(&shared->milli_units, 0);
	pg_atomic_init_u64(&shared->requests, 0);
	pg_atomic_init_u64(&shared->pages, 0);
	pg_atomic_init_u64(&shared->scanned_items, 0);
	pg_atomic_init_u64(&shared->items, 0);
	pg_atomic_init_u64(&shared->retries, 0);
	pg_atomic_init_u64(&shared->worker_milli_units, 0);
	shared->nprocesses = pcxt->nworkers + 1;
	state->parallel = shared;
	state->parallel_segment = &shared->segment;
	cmz_guard_share(&shared->milli_units, shared->nprocesses, pcxt->seg);
	state->dsm = pcxt->seg;
	on_dsm_detach(pcxt->seg, take_counters, PointerGetDatum(state));
	/* the leader may take no part */
	cmz_scan_apply_policy(state);
}

void
cmz_parallel_forget(CmzScanState *state)
{
	cancel_on_dsm_detach(state->dsm, take_counters, PointerGetDatum(state));
	state->dsm = NULL;
}

void
cmzReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	CmzParallelScan *shared = coordinate;

	if (pcxt->seg != NULL)
		pg_atomic_write_u32(&shared->segment, 0);
}

void
cmzInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	CmzScanState *state = node->fdw_state;
	CmzParallelScan *shared = coordinate;

	state->parallel = shared;
	state->parallel_segment = &shared->segment;
	cmz_guard_join(&shared->milli_units, shared->nprocesses);
}

void
cmzShutdownForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	CmzParallelScan *shared = state->parallel;
	CmzCounters *counters = &state->counters;

	if (shared == NULL || !IsParallelWorker())
		return;
	pg_atomic_fetch_add_u64(&shared->requests, counters->requests);
	pg_atomic_fetch_add_u64(&shared->pages, counters->pages);
	pg_atomic_fetch_add_u64(&shared->scanned_items, counters->scanned_items);
	pg_atomic_fetch_add_u64(&shared->items, counters->items);
	pg_atomic_fetch_add_u64(&shared->retries, counters->retries);
	pg_atomic_fetch_add_u64(&shared->worker_milli_units, (int64) (counters->read_units * 1000));
	memset(counters, 0, sizeof(*counters));
}

bool
cmzIsForeignPathAsyncCapable(ForeignPath *path)
{
	CmzChoice	choice;

	if (IS_UPPER_REL(path->path.parent) || !cmz_wait_is_pollable())
		return false;
	cmz_choice_unpack(path->fdw_private, &choice);
	return choice.direction == 0;
}

/* Give a row, or say that there is none yet, or no more. */
static void
produce_row(AsyncRequest *areq)
{
	ForeignScanState *node = castNode(ForeignScanState, areq->requestee);
	CmzScanState *state = node->fdw_state;
	TupleTableSlot *slot;

	CHECK_FOR_INTERRUPTS();
	state->no_wait = true;
	slot = node->ss.ps.ExecProcNodeReal((PlanState *) node);
	state->no_wait = false;
	if (!TupIsNull(slot))
		ExecAsyncRequestDone(areq, slot);
	else if (state->not_ready)
		ExecAsyncRequestPending(areq);
	else
		ExecAsyncRequestDone(areq, NULL);
}

void
cmzForeignAsyncRequest(AsyncRequest *areq)
{
	produce_row(areq);
}

void
cmzForeignAsyncConfigureWait(AsyncRequest *areq)
{
	ForeignScanState *node = castNode(ForeignScanState, areq->requestee);
	AppendState *append = castNode(AppendState, areq->requestor);
	CmzScanState *state = node->fdw_state;
	long		timeout_ms;

	/* what has come while another table was served is not waited for */
	timeout_ms = cmz_calls_timeout(MAX_WAIT_MS);
	if (state->rows != NULL && cmz_fetch_has_page(state->rows->fetch))
		timeout_ms = 0;
	if (state->pollable == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);

		state->pollable = cmz_wait_pollable_create();
		MemoryContextSwitchTo(old);
	}
	AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE,
					  cmz_wait_pollable_fd(state->pollable, timeout_ms),
					  NULL, areq);
}

void
cmzForeignAsyncNotify(AsyncRequest *areq)
{
	produce_row(areq);
}

static ExecutorStart_hook_type next_executor_start = NULL;

/* The plan may be kept and used again, so it is a copy that goes without. */
static void
start_executor(QueryDesc *query, int eflags)
{
	const CmzWriteSet *set = cmz_writeset_current();

	if (query->plannedstmt->parallelModeNeeded && set != NULL && set->nversions > 0)
	{
		PlannedStmt *copy = MemoryContextAlloc(GetMemoryChunkContext(query), sizeof(PlannedStmt));

		memcpy(copy, query->plannedstmt, sizeof(PlannedStmt));
		copy->parallelModeNeeded = false;
		query->plannedstmt = copy;
	}
	if (next_executor_start)
		next_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

void
cmz_parallel_install_hook(void)
{
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = start_executor;
}
