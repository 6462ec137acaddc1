/*
 * scan.c
 *	  Executes a foreign scan.
 *
 * Order: Begin unpacks the plan and opens nothing; the first Iterate binds the
 * operands and sends the requests; a rescan binds anew, but keeps the rows if
 * it would send the same and they are still here.
 *
 * Conditions that DynamoDB decides are not checked by the executor.  Should one
 * of them turn out not to fit a request, the scan checks them itself.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fdw/compat.h"
#include "fdw/guard.h"
#include "fdw/parallel.h"
#include "fdw/pipeline.h"
#include "fdw/scan.h"
#include "fdw/session.h"
#include "nodes/nodeFuncs.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* What a column of the scan is, see CmzScanState. */
static AttrNumber
scan_column(Expr *expr)
{
	AttrNumber	attnum;

	if (IsA(expr, Aggref))
		return CMZ_COLUMN_COUNT;
	if (!IsA(expr, Var))
		elog(ERROR, "unexpected expression of type %d in a foreign scan", (int) nodeTag(expr));
	attnum = ((Var *) expr)->varattno;
	if (attnum < 0 && attnum != TableOidAttributeNumber &&
		(attnum != CMZ_COLUMN_ITEM || ((Var *) expr)->vartype != BYTEAOID))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot retrieve a system column of a foreign table")));
	return attnum;
}

/* The columns of the node's slot, where they are not those of the table. */
static void
begin_columns(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	Relation	rel = RelationIdGetRelation(state->table->relid);
	ListCell   *lc;

	state->slot = ExecInitExtraTupleSlot(node->ss.ps.state,
										 CreateTupleDescCopy(RelationGetDescr(rel)),
										 &TTSOpsHeapTuple);
	RelationClose(rel);
	state->ncolumns = list_length(scan->fdw_scan_tlist);
	state->columns = palloc0(sizeof(AttrNumber) * Max(state->ncolumns, 1));
	foreach(lc, scan->fdw_scan_tlist)
		state->columns[foreach_current_index(lc)] =
			scan_column(lfirst_node(TargetEntry, lc)->expr);
}

static CmzOperandType *
operand_types(List *exprs)
{
	CmzOperandType *types = palloc0(sizeof(CmzOperandType) * Max(list_length(exprs), 1));
	ListCell   *lc;

	foreach(lc, exprs)
	{
		CmzOperandType *type = &types[foreach_current_index(lc)];

		type->type = getBaseType(exprType(lfirst(lc)));
		get_typlenbyval(type->type, &type->len, &type->byval);
	}
	return types;
}

void
cmzBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	CmzScanState *state = palloc0(sizeof(CmzScanState));

	node->fdw_state = state;
	state->table = cmz_table_open(cmz_scan_relid(node));
	/* not later: a cursor may be fetched from by somebody else */
	state->userid = cmz_scan_user(node);
	state->plan = cmz_plan_unpack(scan->fdw_private);
	state->operands = ExecInitExprList(scan->fdw_exprs, &node->ss.ps);
	state->operand_types = operand_types(scan->fdw_exprs);
	state->recheck = ExecInitQual(scan->fdw_recheck_quals, &node->ss.ps);
	state->reader = cmz_row_reader_create(state->table, state->plan->columns,
										  state->plan->target == CMZ_TARGET_UPDATE);
	state->slot = node->ss.ss_ScanTupleSlot;
	if (scan->fdw_scan_tlist != NIL || scan->scan.scanrelid == 0)
		begin_columns(node);
	state->bind_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw binding",
												ALLOCSET_SMALL_SIZES);
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw row",
											   ALLOCSET_DEFAULT_SIZES);
}

/* Evaluate the operands; their values live in the current context. */
static void
evaluate_operands(ForeignScanState *node, CmzOperandValues *values)
{
	CmzScanState *state = node->fdw_state;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	int			n = list_length(state->operands);
	ListCell   *lc;

	values->values = palloc0(sizeof(Datum) * Max(n, 1));
	values->nulls = palloc0(sizeof(bool) * Max(n, 1));
	values->types = palloc0(sizeof(Oid) * Max(n, 1));
	foreach(lc, state->operands)
	{
		ExprState  *expr = lfirst(lc);
		int			i = foreach_current_index(lc);
		int			part;

		values->types[i] = state->operand_types[i].type;
		values->nulls[i] = true;
		if (cmz_plan_is_arm_clause(state->plan, i))
			continue;
		part = cmz_plan_batch_part(state->plan, i);
		if (state->is_batched && part >= 0)
		{
			values->values[i] = state->batch[part];
			values->nulls[i] = false;
		}
		else
			values->values[i] = ExecEvalExpr(expr, econtext, &values->nulls[i]);
		/* rows of another table may be gone while this one is still shown */
		if (!values->nulls[i])
			values->values[i] = datumCopy(values->values[i], state->operand_types[i].byval,
										  state->operand_types[i].len);
	}
}

/* LIMIT or OFFSET; def for NULL. */
static int64
limit_value(const CmzOperandValues *values, int no, int64 def, int sqlstate, const char *clause)
{
	int64		value;

	if (no < 0 || values->nulls[no])
		return def;
	value = DatumGetInt64(values->values[no]);
	if (value < 0)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("%s must not be negative", clause)));
	return value;
}

/* Apply LIMIT and OFFSET, or take a hint from them; returns the rows wanted. */
static double
bind_limit(CmzScanState *state, const CmzOperandValues *values)
{
	const CmzPlan *plan = state->plan;
	int64		limit = -1;
	int64		offset = 0;

	state->to_give = -1;
	state->to_skip = 0;
	/* whoever applies a hint's LIMIT complains of it */
	if (plan->limit_is_ours || plan->limit_no < 0 || values->nulls[plan->limit_no] ||
		DatumGetInt64(values->values[plan->limit_no]) >= 0)
		limit = limit_value(values, plan->limit_no, -1,
							ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT");
	if (plan->limit_is_ours)
	{
		offset = limit_value(values, plan->offset_no, 0,
							 ERRCODE_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET");
		state->to_give = limit;
		state->to_skip = offset;
	}
	else if (plan->offset_no >= 0 && !values->nulls[plan->offset_no])
		offset = Max(DatumGetInt64(values->values[plan->offset_no]), 0);
	if (limit < 0)
		return plan->rows_wanted;
	return Max((double) limit + (double) offset, 1);
}

/* A reader with the columns that the recheck needs, if that is needed. */
static CmzRowReader *
choose_reader(CmzScanState *state, const CmzBinding *binding, EState *estate)
{
	MemoryContext old;

	if (!binding->inexact)
		return state->reader;
	if (state->wide_reader == NULL)
	{
		old = MemoryContextSwitchTo(estate->es_query_cxt);
		state->wide_reader = cmz_row_reader_create(state->table, state->plan->all_columns,
												   state->plan->target == CMZ_TARGET_UPDATE);
		MemoryContextSwitchTo(old);
	}
	return state->wide_reader;
}

void
cmz_scan_apply_policy(CmzScanState *state)
{
	if (!state->policy_applied)
		cmz_guard_whole_table(state->table);
	state->policy_applied = true;
}

/* A few rows of any kind need not take the whole table; next_row sees to it. */
static bool
is_first_page(ForeignScanState *node, double wanted)
{
	CmzScanState *state = node->fdw_state;

	return wanted > 0 && wanted * state->plan->item_bytes < CMZ_PAGE_BYTES &&
		state->binding->arms[0].filter == NULL && !state->binding->inexact &&
		node->ss.ps.qual == NULL;
}

static void
open_rows(ForeignScanState *node, CmzOverlay *overlay, double wanted)
{
	CmzScanState *state = node->fdw_state;
	EState	   *estate = node->ss.ps.state;
	CmzRowReader *reader = choose_reader(state, state->binding, estate);
	MemoryContext old;

	if (cmz_plan_is_scan(state->plan) && !is_first_page(node, wanted))
		cmz_scan_apply_policy(state);
	if (state->client == NULL)
	{
		old = MemoryContextSwitchTo(estate->es_query_cxt);
		state->client = cmz_session_client(state->table->serverid, state->userid);
		MemoryContextSwitchTo(old);
	}
	cmz_pipeline_settle(state->table);
	reader->utc_columns = state->binding->utc_columns;
	state->rows = cmz_rows_open(state->table, state->plan, state->binding, state->client,
								reader, &state->counters, overlay, wanted,
								state->parallel_segment);
}

/* The rows that are here are those of the new binding: take them again. */
static bool
repeat_rows(CmzScanState *state, const CmzBinding *binding)
{
	if (!state->may_repeat || state->rows == NULL ||
		state->binding->inexact != binding->inexact ||
		!cmz_rows_same_reads(state->rows, binding))
		return false;
	cmz_rows_rewind(state->rows);
	return true;
}

/*
 * What the transaction has written is checked against all conditions here, and
 * what it has replaced is not counted by DynamoDB.
 */
static CmzOverlay *
open_overlay(ForeignScanState *node, CmzBinding *binding)
{
	CmzScanState *state = node->fdw_state;
	CmzOverlay *overlay = cmz_overlay_open(state->table, node->ss.ps.state->es_snapshot->curcid,
										   binding);

	if (overlay != NULL)
		binding->inexact = true;
	return overlay;
}

/* Bind and open, if that has not been done for this (re)scan. */
static void
open_scan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	MemoryContext context = state->bind_context;
	MemoryContext old;
	CmzOperandValues values;
	CmzBinding *binding;
	CmzOverlay *overlay;
	double		wanted;

	if (state->binding != NULL && !state->may_repeat)
		return;
	/* what there is must not go before we know that it is of no use */
	if (state->may_repeat)
		context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "cmz_fdw binding",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	evaluate_operands(node, &values);
	binding = palloc(sizeof(CmzBinding));
	cmz_bind_plan(state->table, state->plan, &values, binding);
	overlay = open_overlay(node, binding);
	wanted = bind_limit(state, &values);
	if (repeat_rows(state, binding))
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		state->may_repeat = false;
		return;
	}
	if (state->may_repeat)
		MemoryContextDelete(state->bind_context);
	state->bind_context = context;
	state->may_repeat = false;
	state->binding = binding;
	state->rows = NULL;
	if (!cmz_binding_is_empty(binding))
		open_rows(node, overlay, wanted);
	MemoryContextSwitchTo(old);
}

/*
 * Of the arms of an OR, the first whose condition a row satisfies gives it.  An
 * arm's Query may return more than satisfies it, also rows that another arm
 * gives.
 */
static bool
is_given_by(CmzScanState *state, int arm, ExprContext *econtext)
{
	const CmzBoundArm *arms = state->binding->arms;

	for (int i = 0; i < state->binding->narms; i++)
	{
		const CmzArm *candidate = list_nth(state->plan->arms, i);
		bool		isnull;
		Datum		satisfied = ExecEvalExprSwitchContext(list_nth(state->operands, candidate->clause_no),
														  econtext, &isnull);

		/* one BatchGetItem serves all arms that name items */
		if (!isnull && DatumGetBool(satisfied))
			return i == arm || (arms[i].is_get && arms[arm].is_get);
	}
	return false;
}

/* The item of the row, as a bytea in the current context. */
static Datum
item_datum(const CmzRowReader *reader)
{
	bytea	   *item = palloc(VARHDRSZ + reader->item.len);

	SET_VARSIZE(item, VARHDRSZ + reader->item.len);
	memcpy(VARDATA(item), reader->item.data, reader->item.len);
	return PointerGetDatum(item);
}

static Datum
column_datum(CmzScanState *state, AttrNumber attnum, bool *isnull)
{
	*isnull = false;
	switch (attnum)
	{
		case CMZ_COLUMN_ITEM:
			return item_datum(state->rows->reader);
		case TableOidAttributeNumber:
			return ObjectIdGetDatum(state->table->relid);
		case InvalidAttrNumber:
			return ExecFetchSlotHeapTupleDatum(state->slot);
		case CMZ_COLUMN_COUNT:
			*isnull = true;
			return (Datum) 0;
		default:
			*isnull = state->slot->tts_isnull[attnum - 1];
			return state->slot->tts_values[attnum - 1];
	}
}

/* From the table's columns to those of the node. */
static void
show_columns(CmzScanState *state, TupleTableSlot *slot)
{
	MemoryContext old;

	if (slot == state->slot)
		return;
	slot_getallattrs(state->slot);
	ExecClearTuple(slot);
	old = MemoryContextSwitchTo(state->row_context);
	for (int i = 0; i < state->ncolumns; i++)
		slot->tts_values[i] = column_datum(state, state->columns[i], &slot->tts_isnull[i]);
	MemoryContextSwitchTo(old);
	ExecStoreVirtualTuple(slot);
}

/* The next row that is one, in the node's slot. */
static bool
next_row(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	MemoryContext old;
	CmzRowsResult result;
	int			arm;

	for (;;)
	{
		/* the few rows that were wanted were not among the first */
		if (!state->policy_applied && !state->rows->fetch->lazy && cmz_plan_is_scan(state->plan))
			cmz_scan_apply_policy(state);
		ExecClearTuple(state->slot);
		MemoryContextReset(state->row_context);
		old = MemoryContextSwitchTo(state->row_context);
		result = cmz_rows_next(state->rows, state->slot, &arm, !state->no_wait);
		MemoryContextSwitchTo(old);
		state->not_ready = result == CMZ_ROWS_WAIT;
		if (result != CMZ_ROWS_ROW)
			return false;
		if (!state->binding->inexact && state->binding->narms == 1)
			break;
		show_columns(state, slot);
		ResetExprContext(econtext);
		econtext->ecxt_scantuple = slot;
		if ((state->binding->narms == 1 || arm == CMZ_ARM_OVERLAY ||
			 is_given_by(state, arm, econtext)) &&
			(!state->binding->inexact || ExecQual(state->recheck, econtext)))
			break;
	}
	show_columns(state, slot);
	return true;
}

/* The one row of a count. */
static void
give_count(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	int64		count = 0;

	if (state->rows != NULL && !cmz_binding_needs_rows(state->binding))
		count = cmz_rows_count(state->rows);
	else if (state->rows != NULL)
		while (next_row(node))
			count++;
	ExecClearTuple(slot);
	for (int i = 0; i < state->ncolumns; i++)
	{
		slot->tts_isnull[i] = state->columns[i] != CMZ_COLUMN_COUNT;
		slot->tts_values[i] = slot->tts_isnull[i] ? (Datum) 0 : Int64GetDatum(count);
	}
	ExecStoreVirtualTuple(slot);
	state->counted = true;
}

TupleTableSlot *
cmzIterateForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	state->not_ready = false;
	open_scan(node);
	if (state->plan->count)
	{
		if (!state->counted)
			give_count(node);
		return slot;
	}
	if (state->rows == NULL || state->to_give == 0)
		return slot;
	for (; state->to_skip > 0; state->to_skip--)
		if (!next_row(node))
			return ExecClearTuple(slot);
	if (!next_row(node))
		return ExecClearTuple(slot);
	if (state->to_give > 0)
		state->to_give--;
	return slot;
}

void
cmzReScanForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;

	/* its row may lie in what goes now */
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	ExecClearTuple(state->slot);
	state->counted = false;
	state->may_repeat = state->rows != NULL && cmz_rows_can_rewind(state->rows);
	if (state->may_repeat)
		return;
	/* ends the streams and what is under way for them */
	MemoryContextReset(state->bind_context);
	state->binding = NULL;
	state->rows = NULL;
}

void
cmzEndForeignScan(ForeignScanState *node)
{
	CmzScanState *state = node->fdw_state;

	if (state == NULL)
		return;
	if (state->dsm != NULL)
		cmz_parallel_forget(state);
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	ExecClearTuple(state->slot);
	MemoryContextDelete(state->bind_context);
	MemoryContextDelete(state->row_context);
}
