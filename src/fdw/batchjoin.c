/*
 * batchjoin.c
 *	  Executes the batched join.
 *
 * Take a batch of outer rows and their distinct keys; let the inner scan read all
 * of these at once; then give for each outer row, in its order, what it is joined
 * with.  Memory is bounded by the rows of a batch, and by work_mem for the inner
 * ones.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fdw/batchjoin.h"
#include "fdw/batchtable.h"
#include "fdw/compat.h"
#include "fdw/scan.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

typedef struct OuterRow
{
	MinimalTuple tuple;
	CmzBatchKey *key;			/* NULL: a key is null */
	Datum		sort;			/* the sort key, of whole primary keys */
} OuterRow;

/* The type of a key of the outer side. */
typedef struct KeyType
{
	Oid			type;
	int16		len;
	bool		byval;
	char		align;
} KeyType;

typedef struct BatchJoin
{
	CustomScanState css;
	PlanState  *outer;
	PlanState  *inner;
	CmzScanState *scan;			/* of the inner side */
	JoinType	jointype;
	int			nouter;			/* columns of the scan tuple that are the outer side's */
	int			ninner;
	int			nkeys;			/* parts of the key: 1, or 2 for whole primary keys */
	ExprState  *outer_keys[2];
	KeyType		key_types[2];
	ExprState  *inner_key;
	ExprState  *join_qual;
	bool		first_decides;	/* of the inner rows of a key: SEMI and ANTI by the key alone */
	CmzKeyFunctions functions;
	TupleTableSlot *outer_slot; /* the outer row that is being joined */
	TupleTableSlot *inner_slot;

	/* this batch */
	MemoryContext context;
	int			size;			/* outer rows at most */
	OuterRow   *rows;
	int			nrows;
	int			row;			/* the one being joined, -1: none */
	const CmzInnerRow *next;	/* its next candidate */
	bool		matched;
	CmzBatchTable *table;
	bool		outer_done;

	/* for EXPLAIN */
	int64		nbatches;
	int64		total_keys;
} BatchJoin;

static Node *create_state(CustomScan *plan);
static void begin(CustomScanState *css, EState *estate, int eflags);
static TupleTableSlot *exec(CustomScanState *css);
static void end(CustomScanState *css);
static void rescan(CustomScanState *css);
static void explain(CustomScanState *css, List *ancestors, ExplainState *es);

const CustomScanMethods cmz_batchjoin_methods = {
	.CustomName = "CmzBatchedJoin",
	.CreateCustomScanState = create_state,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "CmzBatchedJoin",
	.BeginCustomScan = begin,
	.ExecCustomScan = exec,
	.EndCustomScan = end,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

static Node *
create_state(CustomScan *plan)
{
	BatchJoin  *join = palloc0(sizeof(BatchJoin));

	(void) plan;
	NodeSetTag(join, T_CustomScanState);
	join->css.methods = &exec_methods;
	return (Node *) join;
}

/* A node that checks conditions without columns may stand above the scan. */
static CmzScanState *
scan_below(PlanState *state)
{
	while (!IsA(state, ForeignScanState))
		state = outerPlanState(state);
	return castNode(ForeignScanState, state)->fdw_state;
}

static void
begin(CustomScanState *css, EState *estate, int eflags)
{
	BatchJoin  *join = (BatchJoin *) css;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	ListCell   *lc;

	join->outer = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	join->inner = ExecInitNode(lsecond(plan->custom_plans), estate, eflags | EXEC_FLAG_REWIND);
	css->custom_ps = list_make2(join->outer, join->inner);
	join->scan = scan_below(join->inner);
	join->scan->is_batched = true;
	join->jointype = (JoinType) list_nth_int(plan->custom_private, CMZ_BATCH_JOIN_TYPE);
	join->nouter = list_nth_int(plan->custom_private, CMZ_BATCH_OUTER_COLUMNS);
	join->ninner = list_length(plan->custom_scan_tlist) - join->nouter;
	foreach(lc, (List *) list_nth(plan->custom_exprs, CMZ_BATCH_OUTER_KEYS))
	{
		KeyType    *type = &join->key_types[join->nkeys];

		join->outer_keys[join->nkeys++] = ExecInitExpr(lfirst(lc), &css->ss.ps);
		type->type = getBaseType(exprType(lfirst(lc)));
		get_typlenbyvalalign(type->type, &type->len, &type->byval, &type->align);
	}
	join->inner_key = ExecInitExpr(list_nth(plan->custom_exprs, CMZ_BATCH_INNER_KEY), &css->ss.ps);
	join->join_qual = ExecInitQual(list_nth(plan->custom_exprs, CMZ_BATCH_JOIN_QUAL), &css->ss.ps);
	join->first_decides = (join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI) && join->nkeys == 1 &&
		list_length(list_nth(plan->custom_exprs, CMZ_BATCH_JOIN_QUAL)) == 1;
	cmz_batchtable_functions((Oid) list_nth_int(plan->custom_private, CMZ_BATCH_OPERATOR),
							 (Oid) list_nth_int(plan->custom_private, CMZ_BATCH_COLLATION),
							 &join->functions);
	join->outer_slot = ExecInitExtraTupleSlot(estate, ExecGetResultType(join->outer), &TTSOpsMinimalTuple);
	join->inner_slot = ExecInitExtraTupleSlot(estate, ExecGetResultType(join->inner), &TTSOpsMinimalTuple);
	join->context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw batch", ALLOCSET_DEFAULT_SIZES);
	join->size = CMZ_FIRST_BATCH;
}

/* Columns of the scan tuple: those of a slot, or nulls. */
static void
fill_columns(TupleTableSlot *to, int first, int n, TupleTableSlot *from)
{
	if (from == NULL)
	{
		memset(&to->tts_isnull[first], true, sizeof(bool) * n);
		return;
	}
	slot_getallattrs(from);
	memcpy(&to->tts_values[first], from->tts_values, sizeof(Datum) * n);
	memcpy(&to->tts_isnull[first], from->tts_isnull, sizeof(bool) * n);
}

/* Make the scan tuple of an outer and an inner row, either may be missing. */
static void
show_pair(BatchJoin *join, TupleTableSlot *outer, TupleTableSlot *inner)
{
	TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	fill_columns(slot, 0, join->nouter, outer);
	fill_columns(slot, join->nouter, join->ninner, inner);
	ExecStoreVirtualTuple(slot);
	join->css.ss.ps.ps_ExprContext->ecxt_scantuple = slot;
}

/* Take one outer row; false if there is no more. */
static bool
take_outer_row(BatchJoin *join, size_t *bytes)
{
	ExprContext *econtext = join->css.ss.ps.ps_ExprContext;
	TupleTableSlot *slot = ExecProcNode(join->outer);
	OuterRow   *row = &join->rows[join->nrows];
	MemoryContext old;
	Datum		keys[2] = {0};
	bool		has_key = true;

	if (TupIsNull(slot))
		return false;
	ResetExprContext(econtext);
	show_pair(join, slot, NULL);
	for (int i = 0; i < join->nkeys; i++)
	{
		bool		isnull;

		keys[i] = ExecEvalExprSwitchContext(join->outer_keys[i], econtext, &isnull);
		has_key &= !isnull;
	}
	old = MemoryContextSwitchTo(join->context);
	row->tuple = ExecCopySlotMinimalTuple(slot);
	row->key = NULL;
	if (has_key)
	{
		for (int i = 0; i < join->nkeys; i++)
			keys[i] = datumCopy(keys[i], join->key_types[i].byval, join->key_types[i].len);
		row->key = cmz_batchtable_add_key(join->table, keys[0]);
		row->sort = keys[1];
	}
	MemoryContextSwitchTo(old);
	*bytes += row->tuple->t_len;
	join->nrows++;
	return true;
}

static Datum
make_array(Datum *values, int n, const KeyType *type)
{
	return PointerGetDatum(construct_array(values, n, type->type, type->len, type->byval, type->align));
}

/*
 * The keys as arrays, for the inner scan: each once, but primary keys as they come,
 * since it takes no key twice anyway.
 */
static void
give_keys(BatchJoin *join)
{
	const CmzBatchTable *table = join->table;
	Datum	   *values = palloc(sizeof(Datum) * Max(join->nrows, 1));
	Datum	   *sorts = palloc(sizeof(Datum) * Max(join->nrows, 1));
	int			n = 0;

	if (join->nkeys == 1)
		for (int i = 0; i < table->nbuckets; i++)
			for (const CmzBatchKey *key = table->buckets[i]; key != NULL; key = key->next)
				values[n++] = key->value;
	for (int i = 0; join->nkeys > 1 && i < join->nrows; i++)
	{
		if (join->rows[i].key == NULL)
			continue;
		values[n] = join->rows[i].key->value;
		sorts[n++] = join->rows[i].sort;
	}
	join->total_keys += n;
	join->scan->batch[0] = make_array(values, n, &join->key_types[0]);
	if (join->nkeys > 1)
		join->scan->batch[1] = make_array(sorts, n, &join->key_types[1]);
}

/* Read the inner rows of all keys. */
static void
read_inner_rows(BatchJoin *join)
{
	ExprContext *econtext = join->css.ss.ps.ps_ExprContext;
	MemoryContext old = MemoryContextSwitchTo(join->context);

	give_keys(join);
	MemoryContextSwitchTo(old);
	ExecReScan(join->inner);
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(join->inner);
		CmzBatchKey *key = NULL;
		bool		isnull;
		Datum		value;

		if (TupIsNull(slot))
			break;
		ResetExprContext(econtext);
		show_pair(join, NULL, slot);
		value = ExecEvalExprSwitchContext(join->inner_key, econtext, &isnull);
		old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		if (!isnull)
			key = cmz_batchtable_find(join->table, value);
		MemoryContextSwitchTo(old);
		/* one is as good as many for EXISTS */
		if (key != NULL && !(join->first_decides && key->first != NULL))
			cmz_batchtable_add_row(join->table, key, slot);
	}
}

static void
forget_batch(BatchJoin *join)
{
	ExecClearTuple(join->css.ss.ss_ScanTupleSlot);
	ExecClearTuple(join->outer_slot);
	ExecClearTuple(join->inner_slot);
	if (join->table != NULL)
		cmz_batchtable_end(join->table);
	join->table = NULL;
	MemoryContextReset(join->context);
	join->rows = NULL;
	join->nrows = 0;
	join->row = -1;
}

/* The next batch of outer rows with their inner rows; false if there is none. */
static bool
next_batch(BatchJoin *join)
{
	size_t		bytes = 0;
	MemoryContext old;

	/* a batch whose rows did not fit was too large */
	if (join->table != NULL && join->table->file != NULL)
		join->size = Max(join->size / 2, 1);
	else if (join->table != NULL)
		join->size = Min(join->size * CMZ_BATCH_GROWTH, CMZ_MAX_BATCH);
	forget_batch(join);
	if (join->outer_done)
		return false;
	old = MemoryContextSwitchTo(join->context);
	join->rows = palloc(sizeof(OuterRow) * join->size);
	join->table = cmz_batchtable_create(&join->functions, join->size);
	MemoryContextSwitchTo(old);
	while (join->nrows < join->size && bytes < (size_t) work_mem * 1024)
		if (!take_outer_row(join, &bytes))
		{
			join->outer_done = true;
			break;
		}
	if (join->nrows == 0)
		return false;
	join->nbatches++;
	if (join->table->nkeys > 0)
		read_inner_rows(join);
	return true;
}

/* Go on to the next outer row; false if there is none. */
static bool
next_outer_row(BatchJoin *join)
{
	if (join->row + 1 >= join->nrows && !next_batch(join))
		return false;
	join->row++;
	ExecStoreMinimalTuple(join->rows[join->row].tuple, join->outer_slot, false);
	join->next = join->rows[join->row].key ? join->rows[join->row].key->first : NULL;
	join->matched = false;
	return true;
}

/* The next inner row that the outer row is joined with; false if there is none. */
static bool
next_match(BatchJoin *join)
{
	ExprContext *econtext = join->css.ss.ps.ps_ExprContext;

	while (join->next != NULL)
	{
		const CmzInnerRow *candidate = join->next;

		CHECK_FOR_INTERRUPTS();
		join->next = candidate->next;
		cmz_batchtable_fetch(join->table, candidate, join->inner_slot);
		show_pair(join, join->outer_slot, join->inner_slot);
		ResetExprContext(econtext);
		if (ExecQual(join->join_qual, econtext))
			return true;
	}
	return false;
}

/* The next row of the join, before the conditions above it. */
static TupleTableSlot *
next_joined(ScanState *ss)
{
	BatchJoin  *join = (BatchJoin *) ss;

	for (;;)
	{
		if (join->row < 0 || join->row >= join->nrows)
		{
			if (!next_outer_row(join))
				return ExecClearTuple(ss->ss_ScanTupleSlot);
		}
		if (next_match(join))
		{
			join->matched = true;
			if (join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI)
				join->next = NULL;
			if (join->jointype != JOIN_ANTI)
				return ss->ss_ScanTupleSlot;
		}
		else if (!join->matched && (join->jointype == JOIN_LEFT || join->jointype == JOIN_ANTI))
		{
			join->matched = true;
			show_pair(join, join->outer_slot, NULL);
			return ss->ss_ScanTupleSlot;
		}
		else if (!next_outer_row(join))
			return ExecClearTuple(ss->ss_ScanTupleSlot);
	}
}

static bool
recheck(ScanState *ss, TupleTableSlot *slot)
{
	/* such joins are not offered where rows are locked */
	(void) ss;
	(void) slot;
	return true;
}

static TupleTableSlot *
exec(CustomScanState *css)
{
	return ExecScan(&css->ss, next_joined, recheck);
}

static void
end(CustomScanState *css)
{
	BatchJoin  *join = (BatchJoin *) css;

	forget_batch(join);
	ExecEndNode(join->outer);
	ExecEndNode(join->inner);
}

static void
rescan(CustomScanState *css)
{
	BatchJoin  *join = (BatchJoin *) css;

	forget_batch(join);
	join->outer_done = false;
	join->size = CMZ_FIRST_BATCH;
	if (css->ss.ps.chgParam != NULL)
	{
		UpdateChangedParamSet(join->outer, css->ss.ps.chgParam);
		UpdateChangedParamSet(join->inner, css->ss.ps.chgParam);
	}
	/* the inner side is scanned anew for each batch */
	if (join->outer->chgParam == NULL)
		ExecReScan(join->outer);
}

static void
explain_expr(const char *label, Node *expr, CustomScanState *css, List *ancestors, ExplainState *es)
{
	List	   *context = set_deparse_context_plan(es->deparse_cxt, css->ss.ps.plan, ancestors);

	ExplainPropertyText(label, deparse_expression(expr, context, list_length(es->rtable) > 1 || es->verbose, false), es);
}

static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	BatchJoin  *join = (BatchJoin *) css;
	List	   *exprs = castNode(CustomScan, css->ss.ps.plan)->custom_exprs;
	List	   *join_quals = list_nth(exprs, CMZ_BATCH_JOIN_QUAL);
	const char *type = join->jointype == JOIN_LEFT ? "Left" : join->jointype == JOIN_SEMI ? "Semi"
		: join->jointype == JOIN_ANTI ? "Anti" : "Inner";

	ExplainPropertyText("Join Type", type, es);
	explain_expr("Batch Key", list_nth(exprs, CMZ_BATCH_OUTER_KEYS), css, ancestors, es);
	if (join_quals != NIL)
		explain_expr("Join Cond", (Node *) make_ands_explicit(join_quals), css, ancestors, es);
	if (!es->analyze)
		return;
	ExplainPropertyInteger("Batches", NULL, join->nbatches, es);
	ExplainPropertyInteger("Keys", NULL, join->total_keys, es);
}
