/*
 * scan.c
 *	  Executes a foreign scan.
 *
 * Order: Begin unpacks the plan and opens nothing; the first Iterate binds the
 * operands and sends the request; a rescan binds anew.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fdw/compat.h"
#include "fdw/scan.h"
#include "fdw/session.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
cmzBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	CmzScanState *state = palloc0(sizeof(CmzScanState));

	node->fdw_state = state;
	state->table = cmz_table_open(RelationGetRelid(node->ss.ss_currentRelation));
	/* not later: a cursor may be fetched from by somebody else */
	state->userid = cmz_scan_user(node);
	state->plan = cmz_plan_unpack(scan->fdw_private);
	state->operands = ExecInitExprList(scan->fdw_exprs, &node->ss.ps);
	state->reader = cmz_row_reader_create(state->table, state->plan->columns);
	state->bind_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw binding",
												ALLOCSET_SMALL_SIZES);
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw row",
											   ALLOCSET_DEFAULT_SIZES);
}

/* Evaluate the operands; their values live in the binding's context. */
static void
evaluate_operands(ForeignScanState *node, CmzOperandValues *values)
{
	CmzScanState *state = node->fdw_state;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	int			n = list_length(state->operands);
	ListCell   *lc;
	int			i = 0;

	values->values = palloc0(sizeof(Datum) * Max(n, 1));
	values->nulls = palloc0(sizeof(bool) * Max(n, 1));
	values->types = palloc0(sizeof(Oid) * Max(n, 1));
	foreach(lc, state->operands)
	{
		ExprState  *expr = lfirst(lc);

		values->types[i] = getBaseType(exprType((Node *) expr->expr));
		values->values[i] = ExecEvalExpr(expr, econtext, &values->nulls[i]);
		i++;
	}
}

static void
bind_scan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	MemoryContext old = MemoryContextSwitchTo(state->bind_context);
	const CmzIndex *index = cmz_plan_index(state->plan, state->table);
	CmzReadRequest request = {0};
	CmzOperandValues values;

	evaluate_operands(node, &values);
	cmz_bind_plan(state->table, state->plan, &values, &state->binding);
	state->is_bound = true;
	state->reader->utc_columns = state->binding.utc_columns;
	if (!state->binding.empty)
	{
		if (state->client == NULL)
		{
			MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
			state->client = cmz_session_client(state->table->serverid, state->userid);
			MemoryContextSwitchTo(state->bind_context);
		}
		request.table = state->table->table_name;
		request.index = index->name;
		request.key = state->binding.key;
		request.filter = state->binding.filter;
		request.all_attributes = state->reader->all_attributes;
		request.nprojection = state->reader->nprojection;
		request.projection = state->reader->projection;
		request.consistent = state->table->consistent_read;
		state->stream = cmz_stream_create(state->client, &request, &state->counters);
	}
	MemoryContextSwitchTo(old);
}

TupleTableSlot *
cmzIterateForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	MemoryContext old;

	ExecClearTuple(slot);
	if (!state->is_bound)
		bind_scan(node);
	if (state->stream == NULL)
		return slot;
	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(state->row_context);
	for (;;)
	{
		if (state->page_is_open &&
			cmz_row_read(state->reader, &state->stream->page, slot->tts_values, slot->tts_isnull))
		{
			ExecStoreVirtualTuple(slot);
			break;
		}
		state->page_is_open = cmz_stream_next_page(state->stream);
		if (!state->page_is_open)
			break;
	}
	MemoryContextSwitchTo(old);
	return slot;
}

void
cmzReScanForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;

	/* ends the stream and what is under way for it */
	MemoryContextReset(state->bind_context);
	state->stream = NULL;
	state->page_is_open = false;
	state->is_bound = false;
	memset(&state->binding, 0, sizeof(state->binding));
}

void
cmzEndForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;

	if (state == NULL)
		return;
	MemoryContextDelete(state->bind_context);
	MemoryContextDelete(state->row_context);
}
