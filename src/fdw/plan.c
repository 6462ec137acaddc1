/*
 * plan.c
 *	  What travels from planner to executor, packed and unpacked in one place.
 *
 * fdw_private must consist of nodes that can be copied and printed, so each
 * struct is packed as a list of its fields, in their order.
 */
#include "postgres.h"

#include "fdw/plan.h"
#include "nodes/value.h"

static int
add_operand(Expr *operand, List **operands)
{
	if (operand == NULL)
		return -1;
	*operands = lappend(*operands, operand);
	return list_length(*operands) - 1;
}

static void
collect_from_qual(CmzQual *qual, List **operands)
{
	ListCell   *lc;

	/* a qual may stand in the key and in the filter */
	if (qual == NULL || qual->operand_no >= 0)
		return;
	qual->operand_no = add_operand(qual->operand, operands);
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
	ListCell   *lc;

	foreach(lc, plan->arms)
	{
		CmzArm	   *arm = lfirst(lc);

		collect_from_qual(arm->partition, &operands);
		collect_from_list(arm->sort, &operands);
		collect_from_qual(arm->session, &operands);
		collect_from_list(arm->times, &operands);
		collect_from_list(arm->filter, &operands);
		arm->clause_no = add_operand(arm->clause, &operands);
	}
	plan->limit_no = add_operand(plan->limit, &operands);
	plan->offset_no = add_operand(plan->offset, &operands);
	return operands;
}

/* Writes and reads the fields of one struct. */
static List *
pack_int(List *packed, int value)
{
	return lappend(packed, makeInteger(value));
}

/* As a string: a Float that looks like an integer becomes one in a worker. */
static List *
pack_double(List *packed, double value)
{
	return lappend(packed, makeString(psprintf("%.17g", value)));
}

typedef struct Unpacking
{
	List	   *packed;
	int			i;
} Unpacking;

static void *
unpack_node(Unpacking *u)
{
	return list_nth(u->packed, u->i++);
}

static int
unpack_int(Unpacking *u)
{
	return intVal(unpack_node(u));
}

static double
unpack_double(Unpacking *u)
{
	return atof(strVal(unpack_node(u)));
}

static List *pack_quals(List *quals);

static List *
pack_qual(const CmzQual *qual)
{
	List	   *packed = NIL;

	if (qual == NULL)
		return NIL;
	packed = pack_int(packed, qual->op);
	packed = pack_int(packed, qual->exact);
	packed = pack_int(packed, qual->attnum);
	packed = pack_int(packed, qual->operand_no);
	return lappend(packed, pack_quals(qual->args));
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
	Unpacking	u = {packed, 0};
	CmzQual    *qual;

	if (packed == NIL)
		return NULL;
	qual = palloc0(sizeof(CmzQual));
	qual->op = (CmzQualOp) unpack_int(&u);
	qual->exact = unpack_int(&u);
	qual->attnum = unpack_int(&u);
	qual->operand_no = unpack_int(&u);
	qual->args = unpack_quals(unpack_node(&u));
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

static List *
pack_arm(const CmzArm *arm)
{
	List	   *packed = NIL;

	packed = pack_int(packed, arm->is_query);
	packed = pack_int(packed, arm->index);
	packed = lappend(packed, pack_qual(arm->partition));
	packed = lappend(packed, pack_quals(arm->sort));
	packed = lappend(packed, pack_qual(arm->session));
	packed = lappend(packed, pack_quals(arm->times));
	packed = lappend(packed, pack_quals(arm->filter));
	packed = pack_double(packed, arm->partition_items);
	return pack_int(packed, arm->clause_no);
}

static CmzArm *
unpack_arm(List *packed)
{
	Unpacking	u = {packed, 0};
	CmzArm	   *arm = palloc0(sizeof(CmzArm));

	arm->is_query = unpack_int(&u);
	arm->index = unpack_int(&u);
	arm->partition = unpack_qual(unpack_node(&u));
	arm->sort = unpack_quals(unpack_node(&u));
	arm->session = unpack_qual(unpack_node(&u));
	arm->times = unpack_quals(unpack_node(&u));
	arm->filter = unpack_quals(unpack_node(&u));
	arm->partition_items = unpack_double(&u);
	arm->clause_no = unpack_int(&u);
	return arm;
}

List *
cmz_plan_pack(const CmzPlan *plan)
{
	List	   *packed = NIL;
	List	   *arms = NIL;
	ListCell   *lc;

	foreach(lc, plan->arms)
		arms = lappend(arms, pack_arm(lfirst(lc)));
	packed = lappend(packed, arms);
	packed = pack_int(packed, plan->count);
	packed = pack_int(packed, plan->complete);
	packed = pack_int(packed, plan->direction);
	packed = pack_int(packed, plan->order_attnum);
	packed = pack_int(packed, plan->limit_no);
	packed = pack_int(packed, plan->offset_no);
	packed = pack_int(packed, plan->limit_is_ours);
	packed = pack_int(packed, plan->batch_nos[0]);
	packed = pack_int(packed, plan->batch_nos[1]);
	packed = pack_double(packed, plan->rows_wanted);
	packed = pack_double(packed, plan->yield);
	packed = pack_double(packed, plan->item_bytes);
	packed = pack_int(packed, plan->segments);
	packed = pack_int(packed, plan->target);
	packed = lappend(packed, plan->columns);
	packed = lappend(packed, plan->all_columns);
	return pack_double(packed, plan->read_units);
}

CmzPlan *
cmz_plan_unpack(List *packed)
{
	Unpacking	u = {packed, 0};
	CmzPlan    *plan = palloc0(sizeof(CmzPlan));
	ListCell   *lc;

	foreach(lc, (List *) unpack_node(&u))
		plan->arms = lappend(plan->arms, unpack_arm(lfirst(lc)));
	plan->count = unpack_int(&u);
	plan->complete = unpack_int(&u);
	plan->direction = unpack_int(&u);
	plan->order_attnum = unpack_int(&u);
	plan->limit_no = unpack_int(&u);
	plan->offset_no = unpack_int(&u);
	plan->limit_is_ours = unpack_int(&u);
	plan->batch_nos[0] = unpack_int(&u);
	plan->batch_nos[1] = unpack_int(&u);
	plan->rows_wanted = unpack_double(&u);
	plan->yield = unpack_double(&u);
	plan->item_bytes = unpack_double(&u);
	plan->segments = unpack_int(&u);
	plan->target = (CmzTarget) unpack_int(&u);
	plan->columns = unpack_node(&u);
	plan->all_columns = unpack_node(&u);
	plan->read_units = unpack_double(&u);
	return plan;
}

const CmzIndex *
cmz_arm_index(const CmzArm *arm, const CmzTable *table)
{
	return arm->index < 0 ? &table->layout.table : &table->layout.indexes[arm->index];
}

bool
cmz_plan_is_arm_clause(const CmzPlan *plan, int i)
{
	ListCell   *lc;

	foreach(lc, plan->arms)
		if (((CmzArm *) lfirst(lc))->clause_no == i)
			return true;
	return false;
}

int
cmz_plan_batch_part(const CmzPlan *plan, int i)
{
	for (int k = 0; k < (int) lengthof(plan->batch_nos); k++)
		if (i >= 0 && plan->batch_nos[k] == i)
			return k;
	return -1;
}

bool
cmz_plan_is_scan(const CmzPlan *plan)
{
	return !((CmzArm *) linitial(plan->arms))->is_query;
}
