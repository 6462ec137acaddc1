/*
 * way.c
 *	  Ways to read a foreign table, and what each costs.
 *
 * Assumptions: planning never asks DynamoDB anything.  Costs follow the read
 * units that a way consumes, which follow the items it must read; what a
 * filter leaves of them only saves bytes on the wire.
 */
#include "postgres.h"

#include <math.h>

#include "base/conversation.h"
#include "base/request.h"
#include "fdw/row.h"
#include "fdw/way.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"

/* Costs, in the planner's units. */
#define COST_ANOTHER_REQUEST 5.0	/* that goes along with others */
#define COST_READ_UNIT	4.0
#define COST_ITEM		0.1		/* an item on the wire */
#define COST_UNWANTED	1.0e10	/* a Scan that scan_policy does not like */

#define READ_UNIT_BYTES 4096.0

/* What an item takes in an index that has keys only. */
#define KEYS_BYTES		150.0

/* An arm while it is worked out. */
typedef struct ArmWay
{
	CmzArm	   *arm;
	List	   *quals;			/* CmzRelQuals */
	CmzRelQual *partition;		/* of them, the one that selects partitions */
	List	   *used;			/* ... those on the keys */
	List	   *key_clauses;	/* for the estimate of what is read */
	List	   *exact;			/* CmzRelQuals that DynamoDB decides */
	bool		partial;		/* the index lacks attributes */
	double		nkeys;			/* Queries, or keys of a BatchGetItem */
	double		npartitions;
	bool		is_pinned;		/* they name items one by one */
	bool		is_get;
	double		items;
	double		requests;
	double		rounds;
	double		read_units;
} ArmWay;

List *
cmz_way_quals(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table, List *rinfos,
			  Relids outer)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		CmzRelQual *rq = palloc0(sizeof(CmzRelQual));

		rq->rinfo = lfirst(lc);
		rq->clause = (Node *) rq->rinfo;
		if (!rq->rinfo->pseudoconstant)
			rq->qual = cmz_pushdown_qual(root, table, rel, rq->rinfo->clause, outer);
		/* nobody asked for it: what the column cannot read is not passed over */
		if (rq->qual != NULL && rq->rinfo == ((CmzRelInfo *) rel->fdw_private)->hide_expired)
			rq->qual = cmz_pushdown_or_mismatch(table, rq->qual);
		quals = lappend(quals, rq);
	}
	return quals;
}

/* The index carries every attribute that rows need. */
static bool
index_covers(const CmzRelInfo *info, const CmzIndex *index)
{
	const CmzTable *table = info->table;
	int			attnum = -1;

	if (index->projection == CMZ_PROJECT_ALL)
		return true;
	if (info->target == CMZ_TARGET_UPDATE)
		return false;
	/* so many columns are read as ALL_ATTRIBUTES, which it does not have */
	if (bms_num_members(info->needed) > CMZ_MAX_PROJECTION)
		return false;
	while ((attnum = bms_next_member(info->needed, attnum)) >= 0)
	{
		const CmzColumn *column = &table->columns[attnum - 1];

		if (column->is_extra || !cmz_index_projects(&table->layout, index, column->attribute))
			return false;
	}
	return true;
}

/* A leaf may stand in the filter of a Query on the index. */
static bool
leaf_can_filter(const CmzTable *table, const CmzQual *qual, const CmzIndex *index, bool partial)
{
	const char *attribute = table->columns[qual->attnum - 1].attribute;

	return !cmz_index_has_key(index, attribute) &&
		(!partial || cmz_index_projects(&table->layout, index, attribute));
}

/* The qual, or of an AND the arms, that may stand there; NULL if nothing is left. */
static CmzQual *
filter_part(const CmzTable *table, CmzQual *qual, const CmzIndex *index, bool partial)
{
	List	   *kept = NIL;
	CmzQual    *rest;
	ListCell   *lc;

	if (qual->op != CMZ_QUAL_AND && qual->op != CMZ_QUAL_OR)
		return leaf_can_filter(table, qual, index, partial) ? qual : NULL;
	foreach(lc, qual->args)
	{
		CmzQual    *arm = lfirst(lc);
		CmzQual    *part = filter_part(table, arm, index, partial);

		if (qual->op == CMZ_QUAL_OR && part == NULL)
			return NULL;
		if (part != NULL)
			kept = lappend(kept, part);
	}
	if (kept == NIL)
		return NULL;
	if (list_difference_ptr(qual->args, kept) == NIL)
		return qual;
	rest = palloc0(sizeof(CmzQual));
	*rest = *qual;
	rest->exact = false;
	rest->args = kept;
	return rest;
}

/* The qual that gives the attribute its values: one, if any gives one. */
static CmzRelQual *
find_key_set(const CmzTable *table, List *quals, const char *attribute)
{
	CmzRelQual *found = NULL;
	ListCell   *lc;

	foreach(lc, quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual == NULL || !cmz_pushdown_is_key_set(table, rq->qual, attribute))
			continue;
		if (rq->qual->op == CMZ_QUAL_EQ)
			return rq;
		if (found == NULL)
			found = rq;
	}
	return found;
}

static void
use_qual(ArmWay *aw, CmzRelQual *rq)
{
	aw->used = lappend(aw->used, rq);
	aw->key_clauses = lappend(aw->key_clauses, rq->clause);
}

/* All quals on the sort key bound it; of several = ANY or OR one gives ranges. */
static void
use_sort_key(const CmzTable *table, const CmzIndex *index, ArmWay *aw)
{
	bool		has_any = false;
	ListCell   *lc;

	if (index->sort_key == NULL)
		return;
	foreach(lc, aw->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual == NULL || list_member_ptr(aw->used, rq) ||
			!cmz_pushdown_is_sort_key(table, rq->qual, index->sort_key))
			continue;
		if (rq->qual->op == CMZ_QUAL_ANY || rq->qual->op == CMZ_QUAL_OR)
		{
			if (has_any)
				continue;
			has_any = true;
			aw->nkeys *= Max(cmz_pushdown_key_values(rq->qual), 1);
		}
		aw->arm->sort = lappend(aw->arm->sort, rq->qual);
		if (rq->qual->exact && (rq->qual->op == CMZ_QUAL_EQ || rq->qual->op == CMZ_QUAL_ANY))
			aw->exact = lappend(aw->exact, rq);
		use_qual(aw, rq);
	}
}

/*
 * In the conversation layout an equality on sessionId beside the one on userId
 * bounds the composite sort key, and conditions on timestamp bound it further.
 * A session's id may contain the separator, so the filter has it too.
 */
static void
use_composite_key(const CmzTable *table, ArmWay *aw)
{
	CmzRelQual *session;
	ListCell   *lc;

	if (aw->arm->index >= 0 || !table->layout.conversation)
		return;
	session = find_key_set(table, aw->quals, CMZ_SESSION_ID);
	if (session == NULL || session->qual->op == CMZ_QUAL_OR)
		return;
	/* ranges are made of one list of values only */
	foreach(lc, aw->arm->sort)
		if (((CmzQual *) lfirst(lc))->op == CMZ_QUAL_ANY ||
			((CmzQual *) lfirst(lc))->op == CMZ_QUAL_OR)
			return;
	aw->arm->session = session->qual;
	aw->nkeys *= Max(cmz_pushdown_key_values(session->qual), 1);
	/* a session has one user: their selectivities do not multiply */
	linitial(aw->key_clauses) = session->clause;
	foreach(lc, aw->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual && rq->qual->op != CMZ_QUAL_ANY && rq->qual->op != CMZ_QUAL_OR &&
			cmz_pushdown_is_sort_key(table, rq->qual, CMZ_TIMESTAMP) &&
			table->columns[rq->qual->attnum - 1].dynamodb_type == CMZ_TYPE_S)
		{
			aw->arm->times = lappend(aw->arm->times, rq->qual);
			aw->key_clauses = lappend(aw->key_clauses, rq->clause);
			if (!rq->qual->exact)
				aw->used = lappend(aw->used, rq);
		}
	}
}

/* Everything else that may go is filtered on. */
static void
use_filter(const CmzTable *table, const CmzIndex *index, ArmWay *aw)
{
	ListCell   *lc;

	foreach(lc, aw->quals)
	{
		CmzRelQual *rq = lfirst(lc);
		CmzQual    *qual = rq->qual;

		if (qual == NULL || list_member_ptr(aw->used, rq))
			continue;
		if (aw->arm->is_query)
			qual = filter_part(table, qual, index, aw->partial);
		if (qual == NULL)
			continue;
		aw->arm->filter = lappend(aw->arm->filter, qual);
		if (qual->exact)
			aw->exact = lappend(aw->exact, rq);
	}
}

/* Items, pages and read units that the arm takes. */
static void
estimate_arm(PlannerInfo *root, RelOptInfo *rel, const CmzRelInfo *info, ArmWay *aw)
{
	const CmzTable *table = info->table;
	double		bytes = aw->partial ? Min(info->item_bytes, KEYS_BYTES) : info->item_bytes;
	double		item_units = ceil(info->item_bytes / READ_UNIT_BYTES);
	double		per_key;
	double		pages;

	aw->items = clamp_row_est(rel->tuples * clauselist_selectivity(root, aw->key_clauses, rel->relid,
																   JOIN_INNER, NULL));
	if (aw->partition != NULL)
		aw->arm->partition_items = rel->tuples / aw->npartitions *
			clause_selectivity(root, aw->partition->clause, rel->relid, JOIN_INNER, NULL);
	if (aw->is_get)
	{
		aw->items = Min(aw->items, aw->nkeys);
		aw->requests = ceil(aw->nkeys / CMZ_MAX_BATCH_GET);
		aw->rounds = ceil(aw->requests / table->concurrency);
		aw->read_units = aw->nkeys * item_units;
	}
	else
	{
		per_key = aw->items / aw->nkeys * bytes;
		pages = ceil(Max(per_key, 1.0) / CMZ_PAGE_BYTES);
		aw->requests = pages * aw->nkeys;
		aw->rounds = Max(pages, ceil(aw->requests / table->concurrency));
		aw->read_units = aw->nkeys * Max(ceil(per_key / READ_UNIT_BYTES), pages);
	}
	if (aw->partial)
	{
		double		gets = ceil(aw->items / CMZ_MAX_BATCH_GET);

		aw->requests += gets;
		aw->rounds += ceil(gets / table->concurrency);
		aw->read_units += aw->items * item_units;
	}
	/* eventually consistent reads cost half */
	if (!table->consistent_read && (info->target == CMZ_TARGET_NONE || aw->arm->index >= 0))
		aw->read_units /= 2;
}

/* The quals on the keys of the table pin its items one by one. */
static bool
pins_items(const CmzTable *table, const CmzArm *arm)
{
	ListCell   *lc;

	if (arm->index >= 0)
		return false;
	if (table->layout.table.sort_key == NULL)
		return true;
	foreach(lc, arm->sort)
		if (cmz_pushdown_is_key_set(table, lfirst(lc), table->layout.table.sort_key))
			return true;
	return false;
}

/* Work out a Query on an index; false if the quals do not select partitions. */
static bool
make_query_arm(const CmzRelInfo *info, List *quals, int index_no, bool may_be_partial, ArmWay *aw)
{
	const CmzTable *table = info->table;
	const CmzIndex *index;
	CmzRelQual *partition;

	memset(aw, 0, sizeof(*aw));
	aw->arm = palloc0(sizeof(CmzArm));
	aw->arm->is_query = true;
	aw->arm->index = index_no;
	aw->arm->clause_no = -1;
	aw->quals = quals;
	index = cmz_arm_index(aw->arm, table);
	/* GSIs give no strongly consistent reads */
	if (index->name && !index->local && table->consistent_read)
		return false;
	partition = find_key_set(table, quals, index->partition_key);
	if (partition == NULL)
		return false;
	aw->partial = !index_covers(info, index);
	if (aw->partial && !may_be_partial)
		return false;
	aw->arm->partition = partition->qual;
	aw->nkeys = aw->npartitions = Max(cmz_pushdown_key_values(partition->qual), 1);
	aw->partition = partition;
	if (partition->qual->exact)
		aw->exact = lappend(aw->exact, partition);
	use_qual(aw, partition);
	use_sort_key(table, index, aw);
	if (aw->arm->sort == NIL && !cmz_table_index_is_complete(table, index))
		return false;
	use_composite_key(table, aw);
	use_filter(table, index, aw);
	aw->is_pinned = pins_items(table, aw->arm);
	return true;
}

static void
make_scan_arm(const CmzRelInfo *info, List *quals, ArmWay *aw)
{
	memset(aw, 0, sizeof(*aw));
	aw->arm = palloc0(sizeof(CmzArm));
	aw->arm->index = -1;
	aw->arm->clause_no = -1;
	aw->quals = quals;
	aw->nkeys = aw->npartitions = 1;
	use_filter(info->table, &info->table->layout.table, aw);
}

/*
 * Take an arm into the way.  Those that name items go first, together: one
 * BatchGetItem serves them all.
 */
static void
add_arm(CmzWay *way, const ArmWay *aw)
{
	way->plan.arms = list_insert_nth(way->plan.arms,
									 aw->is_pinned ? way->npinned++ : list_length(way->plan.arms),
									 aw->arm);
	way->plan.read_units += aw->read_units;
	way->items_read += aw->items;
	way->requests += aw->requests;
	/* they run side by side */
	way->rounds = Max(way->rounds, aw->rounds);
}

/* A Scan of a large table goes by segments, several at once in each process. */
static void
divide_scan(const CmzRelInfo *info, int processes, CmzWay *way)
{
	int			at_once = (int) Min(way->requests / processes, info->table->concurrency);

	way->plan.segments = Max(at_once, 1) * processes;
	way->rounds = ceil(way->requests / (Max(at_once, 1) * processes));
}

static bool
make_simple_way(PlannerInfo *root, RelOptInfo *rel, List *quals, const CmzChoice *choice,
				CmzWay *way)
{
	const CmzRelInfo *info = rel->fdw_private;
	ArmWay		aw;
	ListCell   *lc;

	if (choice->kind == CMZ_WAY_SCAN)
		make_scan_arm(info, quals, &aw);
	else if (!make_query_arm(info, quals, choice->index, choice->direction == 0, &aw))
		return false;
	aw.is_get = aw.is_pinned && choice->direction == 0 && aw.nkeys > 1;
	estimate_arm(root, rel, info, &aw);
	add_arm(way, &aw);
	if (choice->kind == CMZ_WAY_SCAN)
		divide_scan(info, Max(choice->processes, 1), way);
	way->plan.complete = aw.partial;
	foreach(lc, aw.used)
		way->key_rinfos = lappend(way->key_rinfos, ((CmzRelQual *) lfirst(lc))->rinfo);
	if (aw.partial)
		return true;			/* the item may have changed since the index */
	way->nkeys = aw.nkeys;
	way->is_pinned = aw.is_pinned;
	way->all_exact = true;
	foreach(lc, quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (list_member_ptr(aw.exact, rq))
			way->exact = lappend(way->exact, rq->rinfo);
		else
			way->all_exact = false;
	}
	return true;
}

/* The quals of one arm of an OR, with those beside the OR. */
static List *
arm_quals(List *quals, const CmzRelQual *or_qual, CmzQual *arm, Node *clause)
{
	List	   *result = NIL;
	List	   *own = arm->op == CMZ_QUAL_AND ? arm->args : list_make1(arm);
	ListCell   *lc;

	foreach(lc, own)
	{
		CmzRelQual *rq = palloc0(sizeof(CmzRelQual));

		rq->qual = lfirst(lc);
		rq->clause = rq->qual->clause ? (Node *) rq->qual->clause : clause;
		result = lappend(result, rq);
	}
	foreach(lc, quals)
		if (lfirst(lc) != or_qual)
			result = lappend(result, lfirst(lc));
	return result;
}

/* The cheapest Query for one arm of an OR. */
static bool
choose_arm(PlannerInfo *root, RelOptInfo *rel, List *quals, ArmWay *best)
{
	const CmzRelInfo *info = rel->fdw_private;
	bool		found = false;

	for (int i = -1; i < info->table->layout.nindexes; i++)
	{
		ArmWay		aw;

		if (!make_query_arm(info, quals, i, false, &aw))
			continue;
		aw.is_get = aw.is_pinned;
		estimate_arm(root, rel, info, &aw);
		if (!found || aw.read_units + aw.rounds < best->read_units + best->rounds)
			*best = aw;
		found = true;
	}
	return found;
}

/* An OR all of whose arms select partitions, of one index or of several. */
static bool
make_union_way(PlannerInfo *root, RelOptInfo *rel, List *quals, const CmzChoice *choice,
			   CmzWay *way)
{
	const CmzRelInfo *info = rel->fdw_private;
	const CmzRelQual *or_qual = list_nth(quals, choice->clause);
	BoolExpr   *expr;
	ListCell   *lc;

	if (or_qual->qual == NULL || or_qual->qual->op != CMZ_QUAL_OR)
		return false;
	/* the scan evaluates its arms: once more, and before the quals of policies */
	if (contain_volatile_functions((Node *) or_qual->rinfo->clause) ||
		!restriction_is_securely_promotable(or_qual->rinfo, rel))
		return false;
	expr = castNode(BoolExpr, or_qual->rinfo->clause);
	foreach(lc, or_qual->qual->args)
	{
		Node	   *clause = list_nth(expr->args, foreach_current_index(lc));
		ArmWay		aw = {0};

		if (!choose_arm(root, rel, arm_quals(quals, or_qual, lfirst(lc), clause), &aw))
			return false;
		aw.arm->clause = (Expr *) clause;
		add_arm(way, &aw);
	}
	way->key_rinfos = list_make1(or_qual->rinfo);
	way->rounds = Max(way->rounds, ceil(way->requests / info->table->concurrency));
	return true;
}

bool
cmz_way_make(PlannerInfo *root, RelOptInfo *rel, List *quals, const CmzChoice *choice,
			 CmzWay *way)
{
	const CmzRelInfo *info = rel->fdw_private;

	memset(way, 0, sizeof(*way));
	way->plan.limit_no = way->plan.offset_no = -1;
	way->plan.batch_nos[0] = way->plan.batch_nos[1] = -1;
	way->plan.segments = 1;
	way->plan.yield = 1;
	way->plan.direction = choice->direction;
	way->plan.order_attnum = choice->order_attnum;
	way->plan.item_bytes = info->item_bytes;
	way->plan.target = info->target;
	return choice->kind == CMZ_WAY_UNION
		? make_union_way(root, rel, quals, choice, way)
		: make_simple_way(root, rel, quals, choice, way);
}

double
cmz_way_full_keys(const CmzTable *table, List *quals)
{
	const CmzIndex *keys = &table->layout.table;
	CmzRelQual *partition = find_key_set(table, quals, keys->partition_key);
	CmzRelQual *sort = keys->sort_key ? find_key_set(table, quals, keys->sort_key) : NULL;

	if (partition == NULL || (keys->sort_key && sort == NULL))
		return 0;
	return (double) cmz_pushdown_key_values(partition->qual) *
		(sort ? cmz_pushdown_key_values(sort->qual) : 1);
}

/*
 * Nearly all is all: it is said of conditions that hold anyway, such as IS NOT
 * NULL.  And a first page is not made large for the sake of a guess: pages grow.
 */
#define NEARLY_ALL	0.9
#define MIN_YIELD	0.1

void
cmz_way_set_yield(CmzWay *way, double rows)
{
	double		yield = rows / Max(way->items_read, 1);

	way->plan.yield = yield > NEARLY_ALL ? 1 : Max(yield, MIN_YIELD);
}

Cost
cmz_way_cost(const CmzRelInfo *info, const CmzWay *way, double rows)
{
	Cost		cost = way->rounds * CMZ_COST_REQUEST + way->requests * COST_ANOTHER_REQUEST +
		way->plan.read_units * COST_READ_UNIT + rows * COST_ITEM;

	/* a table that is not to be scanned is, if there is no other way */
	if (cmz_plan_is_scan(&way->plan) && info->table->scan_policy != CMZ_SCAN_ALLOW)
		cost += COST_UNWANTED;
	return cost;
}

/* The integers that a choice is packed into. */
#define PACKED_CHOICE	6

List *
cmz_choice_pack(const CmzChoice *choice)
{
	List	   *packed = list_make5(makeInteger(choice->kind), makeInteger(choice->index),
									makeInteger(choice->clause), makeInteger(choice->direction),
									makeInteger(choice->order_attnum));

	return lappend(packed, makeInteger(choice->processes));
}

void
cmz_choice_unpack(List *packed, CmzChoice *choice)
{
	choice->kind = (CmzWayKind) intVal(list_nth(packed, 0));
	choice->index = intVal(list_nth(packed, 1));
	choice->clause = intVal(list_nth(packed, 2));
	choice->direction = intVal(list_nth(packed, 3));
	choice->order_attnum = intVal(list_nth(packed, 4));
	choice->processes = intVal(list_nth(packed, 5));
}

List *
cmz_choice_add_batch(List *packed, double read_units, List *clauses)
{
	return list_concat(lappend(packed, makeFloat(psprintf("%.17g", read_units))), list_copy(clauses));
}

List *
cmz_choice_batch(List *packed, double *read_units)
{
	*read_units = 0;
	if (list_length(packed) <= PACKED_CHOICE)
		return NIL;
	*read_units = floatVal(list_nth(packed, PACKED_CHOICE));
	return list_copy_tail(packed, PACKED_CHOICE + 1);
}
