/*
 * modify.c
 *	  Executes INSERT and COPY into a foreign table.
 */
#include "postgres.h"

#include "fdw/compat.h"
#include "fdw/modify.h"
#include "fdw/write.h"
#include "nodes/value.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* A modification under way (rinfo->ri_FdwState). */
typedef struct CmzModifyState
{
	CmzTable   *table;
	CmzItemBuilder *builder;
	CmzWriter  *writer;
	bool		skip_duplicates;	/* ON CONFLICT DO NOTHING */
	MemoryContext row_context;
} CmzModifyState;

int
cmzIsForeignRelUpdatable(Relation rel)
{
	return cmz_table_is_updatable(RelationGetRelid(rel)) ? (1 << CMD_INSERT) : 0;
}

List *
cmzPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan)
{
	return list_make1(makeBoolean(plan->onConflictAction == ONCONFLICT_NOTHING));
}

static void
begin_modify(ModifyTableState *mtstate, ResultRelInfo *rinfo, bool skip_duplicates)
{
	EState	   *estate = mtstate->ps.state;
	CmzModifyState *state = palloc0(sizeof(CmzModifyState));

	state->table = cmz_table_open(RelationGetRelid(rinfo->ri_RelationDesc));
	state->builder = cmz_item_builder_create(state->table);
	state->writer = cmz_writer_create(state->table, cmz_modify_user(rinfo, estate));
	state->skip_duplicates = skip_duplicates;
	state->row_context = AllocSetContextCreate(estate->es_query_cxt, "cmz_fdw row",
											   ALLOCSET_DEFAULT_SIZES);
	rinfo->ri_FdwState = state;
}

void
cmzBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo,
					  List *fdw_private, int subplan, int eflags)
{
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		begin_modify(mtstate, rinfo, boolVal(linitial(fdw_private)));
}

/* COPY FROM, and rows routed to a partition. */
void
cmzBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *rinfo)
{
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;

	if (!cmz_table_is_updatable(RelationGetRelid(rinfo->ri_RelationDesc)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign table \"%s\" does not allow inserts",
						RelationGetRelationName(rinfo->ri_RelationDesc))));
	begin_modify(mtstate, rinfo, plan && plan->onConflictAction == ONCONFLICT_NOTHING);
}

pg_noreturn static void raise_duplicate(const CmzTable *table, const CmzItem *item);

static void
raise_duplicate(const CmzTable *table, const CmzItem *item)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("duplicate key value in foreign table \"%s\"", table->name),
			 errdetail("Key %s already exists in table \"%s\".",
					   cmz_item_describe_key(table, item), table->table_name)));
}

TupleTableSlot *
cmzExecForeignInsert(EState *estate, ResultRelInfo *rinfo,
					 TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	CmzModifyState *state = rinfo->ri_FdwState;
	MemoryContext old;
	CmzItem		item;
	bool		stored;

	MemoryContextReset(state->row_context);
	old = MemoryContextSwitchTo(state->row_context);
	cmz_item_build(state->builder, slot, &item);
	stored = cmz_writer_insert(state->writer, &item);
	if (!stored && !state->skip_duplicates)
		raise_duplicate(state->table, &item);
	if (stored)
		cmz_item_show(&item, slot);
	MemoryContextSwitchTo(old);
	return stored ? slot : NULL;
}

void
cmzEndForeignModify(EState *estate, ResultRelInfo *rinfo)
{
	CmzModifyState *state = rinfo->ri_FdwState;

	if (state == NULL)
		return;
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
