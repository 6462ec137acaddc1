/*
 * modify.c
 *	  Executes INSERT, UPDATE, DELETE and COPY on a foreign table.
 *
 * A row that is to be changed brings along the item that it was read from, in a
 * junk column: its key, and what it held, as DynamoDB spells it.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fdw/modify.h"
#include "fdw/scan.h"
#include "fdw/way.h"
#include "fdw/writer.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define ITEM_COLUMN		"cmz_item"	/* the name of the junk column */
#define BATCH_ROWS		100			/* what one BatchGetItem can look for */

/* A modification under way (rinfo->ri_FdwState). */
typedef struct CmzModifyState
{
	CmzTable   *table;
	CmzItemBuilder *builder;
	CmzWriter  *writer;
	bool		batches;		/* INSERT: rows may come in batches */
	AttrNumber	item_attno;		/* UPDATE, DELETE: the junk column */
	bool		returns;		/* DELETE: rows are shown */
	CmzRowReader *reader;		/* ... by this */
	MemoryContext row_context;
} CmzModifyState;

int
cmzIsForeignRelUpdatable(Relation rel)
{
	return cmz_table_is_updatable(RelationGetRelid(rel))
		? (1 << CMD_INSERT) | (1 << CMD_UPDATE) | (1 << CMD_DELETE) : 0;
}

/* A whole row of the target as a row of its columns. */
static Node *
spell_whole_rows(Node *node, void *arg)
{
	Relation	rel = arg;
	RowExpr    *row;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var) || ((Var *) node)->varattno != 0 || ((Var *) node)->varlevelsup != 0 ||
		((Var *) node)->vartype != rel->rd_rel->reltype)
		return expression_tree_mutator(node, spell_whole_rows, arg);
	row = makeNode(RowExpr);
	row->row_typeid = rel->rd_rel->reltype;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->location = -1;
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		row->args = lappend(row->args, att->attisdropped
							? (Node *) makeNullConst(INT4OID, -1, InvalidOid)
							: (Node *) makeVar(((Var *) node)->varno, i + 1, att->atttypid,
											   att->atttypmod, att->attcollation, 0));
		row->colnames = lappend(row->colnames, makeString(pstrdup(NameStr(att->attname))));
	}
	return (Node *) row;
}

/* A whole row that cannot be spelled out. */
static bool
returns_version(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno == 0 && cmz_var_is_of_version((Var *) node);
	return expression_tree_walker(node, returns_version, arg);
}

/*
 * The item is no column, so it stands in the place of one that no item has.
 *
 * Such a scan has columns of its own, in which a whole row could stand just once;
 * but the executor wants that of an UPDATE, and of a row for triggers, as a record, and
 * the user as a row of the table.  So the user's own are spelled out.  For a partition
 * the planner does so itself, as long as it knows no row type of the partition.
 */
void
cmzAddForeignUpdateTargets(PlannerInfo *root, Index rtindex, RangeTblEntry *target_rte,
						   Relation target_relation)
{
	Var		   *var = makeVar(rtindex, CMZ_COLUMN_ITEM, BYTEAOID, -1, InvalidOid, 0);
	Query	   *parse = root->parse;

	if (rtindex == parse->resultRelation)
	{
		root->processed_tlist = (List *) spell_whole_rows((Node *) root->processed_tlist,
														  target_relation);
		parse->jointree = (FromExpr *) spell_whole_rows((Node *) parse->jointree, target_relation);
		target_rte->securityQuals = (List *) spell_whole_rows((Node *) target_rte->securityQuals,
															  target_relation);
	}
	else if (!returns_version((Node *) parse->returningList, NULL))
		root->append_rel_array[rtindex]->child_reltype = InvalidOid;
	add_row_identity_var(root, var, rtindex, ITEM_COLUMN);
}

/*
 * The columns by which the statement decides that, and how, a row is changed; 0
 * among them: the whole row.
 */
static List *
relied_columns(PlannerInfo *root, Index rti)
{
	RelOptInfo *rel = root->simple_rel_array[rti];
	List	   *columns = NIL;
	Bitmapset  *used = NULL;
	ListCell   *lc;
	int			i = -1;

	if (rel == NULL)
		return NIL;
	pull_varattnos((Node *) rel->reltarget->exprs, rti, &used);
	/* that of the target is the executor's: the user's own are rows of columns */
	used = bms_del_member(used, 0 - FirstLowInvalidHeapAttributeNumber);
	pull_varattnos((Node *) extract_actual_clauses(rel->baserestrictinfo, false), rti, &used);
	/* joins that were turned into an order of joining are in the target too */
	foreach(lc, rel->joininfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rti, &used);
	while ((i = bms_next_member(used, i)) >= 0)
		if (i + FirstLowInvalidHeapAttributeNumber >= 0)
			columns = lappend_int(columns, i + FirstLowInvalidHeapAttributeNumber);
	return columns;
}

static bool
is_users_volatile_function(Oid function, void *arg)
{
	return function >= FirstNormalObjectId && func_volatile(function) == PROVOLATILE_VOLATILE;
}

/*
 * Functions of the query may look at the table: they must find the rows before
 * theirs, not only those of earlier batches.
 */
static bool
calls_functions(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_users_volatile_function, NULL))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_functions, NULL, 0);
	return expression_tree_walker(node, calls_functions, NULL);
}

/* Its sub-selects have been planned already, and stand elsewhere. */
static bool
query_calls_functions(PlannerInfo *root)
{
	ListCell   *lc;

	foreach(lc, root->glob->subroots)
		if (calls_functions((Node *) lfirst_node(PlannerInfo, lc)->parse, NULL))
			return true;
	return calls_functions((Node *) root->parse, NULL);
}

List *
cmzPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan)
{
	bool		is_insert = plan->operation == CMD_INSERT;

	return list_make2(is_insert ? NIL : relied_columns(root, rti),
					  makeBoolean(is_insert && !query_calls_functions(root)));
}

/* Other tables of the statement that stand for the same DynamoDB table. */
static bool
reads_itself(EState *estate, ResultRelInfo *rinfo, const CmzTable *table)
{
	ListCell   *lc;

	foreach(lc, estate->es_range_table)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (foreach_current_index(lc) + 1 != rinfo->ri_RangeTableIndex &&
			rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE &&
			rte->relid != InvalidOid && cmz_table_is_same(table, rte->relid))
			return true;
	}
	return false;
}

/* What is written at once would be seen by the rest of the scan. */
static void
check_reads(EState *estate, ResultRelInfo *rinfo, const CmzTable *table)
{
	if (table->immediate && reads_itself(estate, rinfo, table))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read foreign table \"%s\" in a statement that writes to it in write_mode 'immediate'",
						table->name),
				 errhint("Set option write_mode of the foreign table to 'transaction'.")));
}

static CmzModifyState *
begin_modify(ModifyTableState *mtstate, ResultRelInfo *rinfo)
{
	EState	   *estate = mtstate->ps.state;
	CmzModifyState *state = palloc0(sizeof(CmzModifyState));
	const ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;

	state->table = cmz_table_open(RelationGetRelid(rinfo->ri_RelationDesc));
	check_reads(estate, rinfo, state->table);
	state->builder = cmz_item_builder_create(state->table);
	/* COPY has no plan, and its state no command */
	state->writer = cmz_writer_create(state->table, cmz_modify_user(rinfo, estate),
									  plan ? estate->es_output_cid : GetCurrentCommandId(true));
	state->writer->skips_duplicates = plan && plan->onConflictAction == ONCONFLICT_NOTHING;
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw row",
											   ALLOCSET_DEFAULT_SIZES);
	rinfo->ri_FdwState = state;
	return state;
}

/* From columns to the attributes that they show. */
static void
set_expected(CmzModifyState *state, List *columns)
{
	CmzWriter  *writer = state->writer;
	ListCell   *lc;

	writer->expected = palloc(sizeof(char *) * Max(list_length(columns), 1));
	foreach(lc, columns)
	{
		AttrNumber	attnum = lfirst_int(lc);

		/* the column of all other attributes shows what is not known yet */
		if (attnum == 0 || state->table->columns[attnum - 1].is_extra)
			writer->expects_all = true;
		else if (state->table->columns[attnum - 1].attribute != NULL)
			writer->expected[writer->nexpected++] = state->table->columns[attnum - 1].attribute;
	}
}

void
cmzBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo,
					  List *fdw_private, int subplan, int eflags)
{
	CmzModifyState *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state = begin_modify(mtstate, rinfo);
	state->batches = boolVal(lsecond(fdw_private));
	if (mtstate->operation == CMD_INSERT)
		return;
	set_expected(state, linitial(fdw_private));
	state->returns = ((ModifyTable *) mtstate->ps.plan)->returningLists != NIL;
	state->item_attno = ExecFindJunkAttributeInTlist(outerPlanState(mtstate)->plan->targetlist,
													 ITEM_COLUMN);
	if (!AttributeNumberIsValid(state->item_attno))
		elog(ERROR, "could not find junk column \"%s\"", ITEM_COLUMN);
}

/* COPY FROM, and rows routed to a partition. */
void
cmzBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *rinfo)
{
	if (!cmz_table_is_updatable(RelationGetRelid(rinfo->ri_RelationDesc)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign table \"%s\" does not allow inserts",
						RelationGetRelationName(rinfo->ri_RelationDesc))));
	/* a partition whose rows are updated too: one state serves both */
	if (rinfo->ri_FdwState != NULL)
	{
		const CmzModifyState *state = rinfo->ri_FdwState;

		if (state->writer->pipeline != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot route rows into foreign table \"%s\" that the statement updates in write_mode 'immediate'",
							state->table->name),
					 errhint("Set option write_mode of the foreign table to 'transaction'.")));
		return;
	}
	/* COPY sees to its own functions; those of a plan are not known here */
	begin_modify(mtstate, rinfo)->batches = mtstate->ps.plan == NULL;
}

/* Rows that something is to happen to one by one come one by one. */
int
cmzGetForeignModifyBatchSize(ResultRelInfo *rinfo)
{
	const CmzModifyState *state = rinfo->ri_FdwState;	/* NULL: only explained */
	const TriggerDesc *triggers = rinfo->ri_TrigDesc;

	if ((state && !state->batches) || rinfo->ri_projectReturning != NULL || rinfo->ri_WithCheckOptions != NIL ||
		(triggers && (triggers->trig_insert_before_row || triggers->trig_insert_after_row)))
		return 1;
	return BATCH_ROWS;
}

/* Make and insert the rows' items; taken by ON CONFLICT DO NOTHING. */
static void
insert_rows(CmzModifyState *state, TupleTableSlot **slots, int n, bool *taken)
{
	CmzWriter  *writer = state->writer;
	CmzItem   **items = palloc(sizeof(CmzItem *) * n);

	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(cmz_writer_begin(writer, state->row_context));

		items[i] = palloc(sizeof(CmzItem));
		cmz_item_build(state->builder, slots[i], items[i]);
		cmz_item_show(items[i], slots[i]);
		if (writer->pipeline != NULL)
			cmz_writer_insert(writer, 1, &items[i], &taken[i]);
		MemoryContextSwitchTo(old);
	}
	if (writer->pipeline == NULL)
		cmz_writer_insert(writer, n, items, taken);
	else if (writer->skips_duplicates)
		cmz_writer_finish(writer);
}

TupleTableSlot **
cmzExecForeignBatchInsert(EState *estate, ResultRelInfo *rinfo, TupleTableSlot **slots,
						  TupleTableSlot **plan_slots, int *nslots)
{
	CmzModifyState *state = rinfo->ri_FdwState;
	MemoryContext old;
	bool	   *taken;
	int			kept = 0;

	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(state->row_context);
	taken = palloc0(sizeof(bool) * *nslots);
	insert_rows(state, slots, *nslots, taken);
	/* only those that were inserted are counted; the others keep their slots */
	for (int i = 0; i < *nslots; i++)
		if (!taken[i])
		{
			TupleTableSlot *slot = slots[i];

			slots[i] = slots[kept];
			slots[kept++] = slot;
		}
	*nslots = kept;
	MemoryContextSwitchTo(old);
	return slots;
}

TupleTableSlot *
cmzExecForeignInsert(EState *estate, ResultRelInfo *rinfo,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	int			n = 1;

	(void) cmzExecForeignBatchInsert(estate, rinfo, &slot, &plan_slot, &n);
	return n > 0 ? slot : NULL;
}

/* The item that the row was read from, as a copy: a write may outlive the row. */
static CmzSpan
item_before(const CmzModifyState *state, TupleTableSlot *plan_slot)
{
	bool		isnull;
	Datum		datum = ExecGetJunkAttribute(plan_slot, state->item_attno, &isnull);
	bytea	   *item;

	if (isnull)
		elog(ERROR, "junk column \"%s\" is null", ITEM_COLUMN);
	item = DatumGetByteaPP(datum);
	return (CmzSpan) {pnstrdup(VARDATA_ANY(item), VARSIZE_ANY_EXHDR(item)),
		VARSIZE_ANY_EXHDR(item), false};
}

TupleTableSlot *
cmzExecForeignUpdate(EState *estate, ResultRelInfo *rinfo,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	CmzModifyState *state = rinfo->ri_FdwState;
	MemoryContext old;
	CmzSpan		before;
	CmzItem    *item;
	bool		changed;

	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(cmz_writer_begin(state->writer, state->row_context));
	before = item_before(state, plan_slot);
	item = palloc(sizeof(CmzItem));
	cmz_item_change(state->builder, &before, slot, item);
	changed = cmz_writer_change(state->writer, &before, item);
	if (changed)
		cmz_item_show(item, slot);
	MemoryContextSwitchTo(old);
	return changed ? slot : NULL;
}

/* Show what was deleted. */
static void
show_item(CmzModifyState *state, const CmzSpan *item, TupleTableSlot *slot)
{
	CmzPage		page;
	MemoryContext old;

	if (state->reader == NULL)
	{
		old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		state->reader = cmz_row_reader_create(state->table, cmz_table_columns(state->table), false);
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(slot);
	cmz_page_of_item(&page, item->data, item->len);
	old = MemoryContextSwitchTo(state->row_context);
	(void) cmz_row_read(state->reader, &page, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	ExecStoreVirtualTuple(slot);
}

TupleTableSlot *
cmzExecForeignDelete(EState *estate, ResultRelInfo *rinfo,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	CmzModifyState *state = rinfo->ri_FdwState;
	MemoryContext old;
	CmzSpan		before;
	bool		changed;

	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(cmz_writer_begin(state->writer, state->row_context));
	before = item_before(state, plan_slot);
	changed = cmz_writer_change(state->writer, &before, NULL);
	if (changed && state->returns)
		show_item(state, &before, slot);
	MemoryContextSwitchTo(old);
	return changed ? slot : NULL;
}

void
cmzEndForeignModify(EState *estate, ResultRelInfo *rinfo)
{
	CmzModifyState *state = rinfo->ri_FdwState;

	if (state == NULL)
		return;
	/* it may be the target of an UPDATE and of routed rows: both end it */
	rinfo->ri_FdwState = NULL;
	cmz_writer_finish(state->writer);
	if (state->builder->expired > 0)
		ereport(WARNING,
				(errmsg_plural("the ttl of %lld row in foreign table \"%s\" has already passed",
							   "the ttl of %lld rows in foreign table \"%s\" has already passed",
							   (unsigned long) state->builder->expired,
							   (long long) state->builder->expired, state->table->name),
				 errdetail("DynamoDB will delete such items."),
				 errhint("Give a later ttl, or raise option ttl_days.")));
	MemoryContextDelete(state->row_context);
}

void
cmzEndForeignInsert(EState *estate, ResultRelInfo *rinfo)
{
	cmzEndForeignModify(estate, rinfo);
}
