/*
 * plan.c
 *	  What travels from planner to executor, packed and unpacked in one place.
 *
 * fdw_private must consist of nodes that can be copied and printed, so a qual
 * is packed as a list: operator, attribute number, operand number, arms.
 */
#include "postgres.h"

#include "fdw/plan.h"
#include "nodes/value.h"

/* The places in fdw_private. */
enum PackedPlan
{
	PackedIsQuery,
	PackedIndex,
	PackedPartition,
	PackedSort,
	PackedSession,
	PackedTimes,
	PackedFilter,
	PackedColumns,
	PackedReadUnits
};

static void
collect_from_qual(CmzQual *qual, List **operands)
{
	ListCell   *lc;

	if (qual == NULL)
		return;
	if (qual->operand != NULL)
	{
		qual->operand_no = list_length(*operands);
		*operands = lappend(*operands, qual->operand);
	}
	foreach(lc, qual->args)
		collect_from_qual(lfirst(lc), operands);
}

static void
collect_from_list(List *quals, List **operands)
{
	ListCell   *lc;

	foreach(lc, quals)
		collect_from_qual(lfirst(lc), operands);
}

List *
cmz_plan_collect_operands(CmzPlan *plan)
{
	List	   *operands = NIL;

	collect_from_qual(plan->partition, &operands);
	collect_from_list(plan->sort, &operands);
	collect_from_qual(plan->session, &operands);
	collect_from_list(plan->times, &operands);
	collect_from_list(plan->filter, &operands);
	return operands;
}

static List *pack_quals(List *quals);

static List *
pack_qual(const CmzQual *qual)
{
	if (qual == NULL)
		return NIL;
	return list_make4(makeInteger(qual->op), makeInteger(qual->attnum),
					  makeInteger(qual->operand_no), pack_quals(qual->args));
}

static List *
pack_quals(List *quals)
{
	List	   *packed = NIL;
	ListCell   *lc;

	foreach(lc, quals)
		packed = lappend(packed, pack_qual(lfirst(lc)));
	return packed;
}

static List *unpack_quals(List *packed);

static CmzQual *
unpack_qual(List *packed)
{
	CmzQual    *qual;

	if (packed == NIL)
		return NULL;
	qual = palloc0(sizeof(CmzQual));
	qual->op = (CmzQualOp) intVal(linitial(packed));
	qual->attnum = intVal(lsecond(packed));
	qual->operand_no = intVal(lthird(packed));
	qual->args = unpack_quals(lfourth(packed));
	return qual;
}

static List *
unpack_quals(List *packed)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, packed)
		quals = lappend(quals, unpack_qual(lfirst(lc)));
	return quals;
}

List *
cmz_plan_pack(const CmzPlan *plan)
{
	List	   *packed = list_make5(makeBoolean(plan->is_query), makeInteger(plan->index),
									pack_qual(plan->partition), pack_quals(plan->sort),
									pack_qual(plan->session));

	packed = lappend(packed, pack_quals(plan->times));
	packed = lappend(packed, pack_quals(plan->filter));
	packed = lappend(packed, plan->columns);
	return lappend(packed, makeFloat(psprintf("%.17g", plan->read_units)));
}

CmzPlan *
cmz_plan_unpack(List *packed)
{
	CmzPlan    *plan = palloc0(sizeof(CmzPlan));

	plan->is_query = boolVal(list_nth(packed, PackedIsQuery));
	plan->index = intVal(list_nth(packed, PackedIndex));
	plan->partition = unpack_qual(list_nth(packed, PackedPartition));
	plan->sort = unpack_quals(list_nth(packed, PackedSort));
	plan->session = unpack_qual(list_nth(packed, PackedSession));
	plan->times = unpack_quals(list_nth(packed, PackedTimes));
	plan->filter = unpack_quals(list_nth(packed, PackedFilter));
	plan->columns = list_nth(packed, PackedColumns);
	plan->read_units = floatVal(list_nth(packed, PackedReadUnits));
	return plan;
}

const CmzIndex *
cmz_plan_index(const CmzPlan *plan, const CmzTable *table)
{
	return plan->index < 0 ? &table->layout.table : &table->layout.indexes[plan->index];
}
