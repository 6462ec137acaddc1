/*
 * path.c
 *	  Ways to read a foreign table: a Query on each index that fits, a Scan.
 *
 * Assumptions: planning never asks DynamoDB anything.  Costs follow the read
 * units that a way consumes, which follow the items it must read; what a
 * filter leaves of them only saves bytes on the wire.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "base/conversation.h"
#include "fdw/path.h"
#include "fdw/plan.h"
#include "fdw/row.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

/* Costs, in the planner's units. */
#define COST_REQUEST	100.0	/* a round trip */
#define COST_READ_UNIT	4.0
#define COST_ITEM		0.1		/* an item on the wire */

#define PAGE_BYTES		(1024.0 * 1024.0)
#define READ_UNIT_BYTES 4096.0

/* A WHERE condition and what may go of it. */
typedef struct CmzRelQual
{
	RestrictInfo *rinfo;
	CmzQual    *qual;			/* NULL: local */
} CmzRelQual;

/* The foreign table while it is planned (rel->fdw_private). */
typedef struct CmzRelInfo
{
	CmzTable   *table;
	List	   *quals;			/* CmzRelQuals */
	Bitmapset  *needed;			/* columns that rows must have, by attnum */
	bool		all_needed;		/* a whole row is wanted */
} CmzRelInfo;

/* One way to read it (path->fdw_private, in a list of one Integer: index). */
typedef struct CmzWay
{
	CmzPlan		plan;
	List	   *key_clauses;	/* RestrictInfos that bound what is read */
	RestrictInfo *exact;		/* of these, the one that needs no recheck */
	double		items_read;
	double		read_units;
	double		pages;
} CmzWay;

/* Which columns do the target list and the conditions use? */
static void
find_needed_columns(RelOptInfo *rel, CmzRelInfo *info)
{
	Bitmapset  *used = NULL;
	ListCell   *lc;
	int			i = -1;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	foreach(lc, rel->baserestrictinfo)
		pull_varattnos((Node *) ((RestrictInfo *) lfirst(lc))->clause, rel->relid, &used);
	while ((i = bms_next_member(used, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum == 0)
			info->all_needed = true;
		else if (attnum > 0)
			info->needed = bms_add_member(info->needed, attnum);
	}
	for (i = 0; info->all_needed && i < info->table->natts; i++)
		if (info->table->columns[i].name != NULL)
			info->needed = bms_add_member(info->needed, i + 1);
}

void
cmzGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	CmzRelInfo *info = palloc0(sizeof(CmzRelInfo));
	ListCell   *lc;

	info->table = cmz_table_open(relid);
	rel->fdw_private = info;
	foreach(lc, rel->baserestrictinfo)
	{
		CmzRelQual *qual = palloc0(sizeof(CmzRelQual));

		qual->rinfo = lfirst(lc);
		if (!qual->rinfo->pseudoconstant)
			qual->qual = cmz_pushdown_qual(info->table, rel, qual->rinfo->clause);
		info->quals = lappend(info->quals, qual);
	}
	find_needed_columns(rel, info);
	/* reltuples is negative until the table has been analyzed */
	if (rel->tuples < 0)
		rel->tuples = info->table->estimated_items;
	set_baserel_size_estimates(root, rel);
}

/* The index carries every attribute that rows need. */
static bool
index_covers(const CmzRelInfo *info, const CmzIndex *index)
{
	const CmzTable *table = info->table;
	int			attnum = -1;

	if (index->projection == CMZ_PROJECT_ALL)
		return true;
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

/*
 * Does the index hold every item that satisfies the partition equality?  An
 * item without the index's sort key is not in the index.  It is missed unless
 * no item can lack the attribute, or the conditions rule out those that do.
 */
static bool
index_is_complete(const CmzTable *table, const CmzIndex *index, bool sort_key_bounded)
{
	const CmzColumn *column;

	if (index->name == NULL || index->complete || index->sort_key == NULL || sort_key_bounded)
		return true;
	if (cmz_index_has_key(&table->layout.table, index->sort_key))
		return true;
	/* part of the composite key: no conversation item lacks them */
	if (table->layout.conversation &&
		(strcmp(index->sort_key, CMZ_TIMESTAMP) == 0 || strcmp(index->sort_key, CMZ_SESSION_ID) == 0))
		return true;
	column = cmz_table_column(table, index->sort_key);
	return column != NULL && column->not_null;
}

/* A qual on the keys of the index cannot stand in its filter. */
static bool
qual_is_on_key(const CmzTable *table, const CmzQual *qual, const CmzIndex *index)
{
	ListCell   *lc;

	if (qual->op != CMZ_QUAL_AND && qual->op != CMZ_QUAL_OR)
		return cmz_index_has_key(index, table->columns[qual->attnum - 1].attribute);
	foreach(lc, qual->args)
		if (qual_is_on_key(table, lfirst(lc), index))
			return true;
	return false;
}

/* Of an AND keep the arms that do not name keys; NULL if nothing is left. */
static CmzQual *
without_keys(const CmzTable *table, CmzQual *qual, const CmzIndex *index)
{
	CmzQual    *rest;
	ListCell   *lc;

	if (!qual_is_on_key(table, qual, index))
		return qual;
	if (qual->op != CMZ_QUAL_AND)
		return NULL;
	rest = palloc0(sizeof(CmzQual));
	*rest = *qual;
	rest->args = NIL;
	foreach(lc, qual->args)
	{
		CmzQual    *arm = without_keys(table, lfirst(lc), index);

		if (arm != NULL)
			rest->args = lappend(rest->args, arm);
	}
	return rest->args != NIL ? rest : NULL;
}

/*
 * In the conversation layout an equality on sessionId beside the one on userId
 * bounds the composite sort key, and conditions on timestamp bound it further.
 */
static void
use_composite_key(const CmzRelInfo *info, CmzWay *way)
{
	const CmzTable *table = info->table;
	ListCell   *lc;

	if (way->plan.index >= 0 || !table->layout.conversation)
		return;
	foreach(lc, info->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual && way->plan.session == NULL &&
			cmz_pushdown_is_partition_key(table, rq->qual, CMZ_SESSION_ID))
		{
			way->plan.session = rq->qual;
			way->key_clauses = lappend(way->key_clauses, rq->rinfo);
		}
	}
	if (way->plan.session == NULL)
		return;
	foreach(lc, info->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual && cmz_pushdown_is_sort_key(table, rq->qual, CMZ_TIMESTAMP) &&
			table->columns[rq->qual->attnum - 1].dynamodb_type == CMZ_TYPE_S)
		{
			way->plan.times = lappend(way->plan.times, rq->qual);
			way->key_clauses = lappend(way->key_clauses, rq->rinfo);
		}
	}
}

/*
 * Equality in DynamoDB is all there is to it: unless the column might read the
 * value as NULL, or refuse it.
 */
static bool
equality_is_exact(const CmzColumn *column)
{
	return !column->mismatch_is_null && column->typmod < 0 &&
		column->declared_type == column->type;
}

/* Quals on the index's keys, as one Query takes them; false: no way. */
static bool
use_keys(const CmzRelInfo *info, const CmzIndex *index, CmzWay *way)
{
	ListCell   *lc;

	foreach(lc, info->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (rq->qual == NULL)
			continue;
		if (way->plan.partition == NULL &&
			cmz_pushdown_is_partition_key(info->table, rq->qual, index->partition_key))
		{
			way->plan.partition = rq->qual;
			if (equality_is_exact(&info->table->columns[rq->qual->attnum - 1]))
				way->exact = rq->rinfo;
			way->key_clauses = lappend(way->key_clauses, rq->rinfo);
		}
		else if (index->sort_key &&
				 cmz_pushdown_is_sort_key(info->table, rq->qual, index->sort_key))
		{
			way->plan.sort = lappend(way->plan.sort, rq->qual);
			way->key_clauses = lappend(way->key_clauses, rq->rinfo);
		}
	}
	return way->plan.partition != NULL;
}

/* Everything else that may go is filtered on. */
static void
use_filter(const CmzRelInfo *info, const CmzIndex *index, CmzWay *way)
{
	ListCell   *lc;

	foreach(lc, info->quals)
	{
		CmzRelQual *rq = lfirst(lc);
		CmzQual    *qual = rq->qual;

		if (qual == NULL || list_member_ptr(way->key_clauses, rq->rinfo))
			continue;
		if (way->plan.is_query)
			qual = without_keys(info->table, qual, index);
		if (qual != NULL)
			way->plan.filter = lappend(way->plan.filter, qual);
	}
}

/* How many items, pages and read units does the way take? */
static void
estimate_way(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table, CmzWay *way)
{
	Selectivity sel = clauselist_selectivity(root, way->key_clauses, rel->relid, JOIN_INNER, NULL);
	double		bytes;

	way->items_read = clamp_row_est(rel->tuples * sel);
	bytes = way->items_read * table->estimated_item_bytes;
	way->pages = ceil(Max(bytes, 1.0) / PAGE_BYTES);
	way->read_units = Max(ceil(bytes / READ_UNIT_BYTES), way->pages);
	/* eventually consistent reads cost half */
	if (!table->consistent_read)
		way->read_units /= 2;
	way->plan.read_units = way->read_units;
}

/* Work out one way: index -1 is the table itself; false if it is none. */
static bool
make_way(PlannerInfo *root, RelOptInfo *rel, bool is_query, int index_no, CmzWay *way)
{
	const CmzRelInfo *info = rel->fdw_private;
	const CmzTable *table = info->table;
	const CmzIndex *index;

	memset(way, 0, sizeof(*way));
	way->plan.is_query = is_query;
	way->plan.index = index_no;
	index = cmz_plan_index(&way->plan, table);
	if (is_query)
	{
		/* GSIs give no strongly consistent reads */
		if (index->name && !index->local && table->consistent_read)
			return false;
		if (!use_keys(info, index, way) || !index_covers(info, index) ||
			!index_is_complete(table, index, way->plan.sort != NIL))
			return false;
		use_composite_key(info, way);
	}
	use_filter(info, index, way);
	estimate_way(root, rel, table, way);
	return true;
}

static void
add_way(PlannerInfo *root, RelOptInfo *rel, bool is_query, int index_no)
{
	CmzWay		way;
	Cost		total;

	if (!make_way(root, rel, is_query, index_no, &way))
		return;
	total = way.pages * COST_REQUEST + way.read_units * COST_READ_UNIT +
		rel->rows * COST_ITEM +
		rel->baserestrictcost.startup + rel->baserestrictcost.per_tuple * rel->rows;
	/* of equals, prefer the table: its reads are the more recent ones */
	if (index_no >= 0)
		total += cpu_tuple_cost;
	add_path(rel, (Path *)
			 cmz_create_foreignscan_path(root, rel, rel->rows, COST_REQUEST, total,
										 NIL, rel->lateral_relids,
										 list_make2(makeBoolean(is_query), makeInteger(index_no))));
}

void
cmzGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	const CmzRelInfo *info = rel->fdw_private;

	add_way(root, rel, false, -1);
	for (int i = -1; i < info->table->layout.nindexes; i++)
		add_way(root, rel, true, i);
}

/* The columns to read: those of the target list and of what is rechecked. */
static List *
columns_to_read(RelOptInfo *rel, const CmzRelInfo *info, List *local_exprs)
{
	Bitmapset  *used = NULL;
	List	   *columns = NIL;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	pull_varattnos((Node *) local_exprs, rel->relid, &used);
	for (int i = 0; i < info->table->natts; i++)
		if (info->table->columns[i].name != NULL &&
			(info->all_needed || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, used)))
			columns = lappend_int(columns, i + 1);
	return columns;
}

ForeignScan *
cmzGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
				  List *tlist, List *clauses, Plan *outer_plan)
{
	const CmzRelInfo *info = rel->fdw_private;
	CmzWay		way;
	List	   *exact = NIL;
	List	   *local;
	List	   *operands;

	if (!make_way(root, rel, boolVal(linitial(path->fdw_private)),
				  intVal(lsecond(path->fdw_private)), &way))
		elog(ERROR, "path of foreign table %u cannot be planned", relid);
	if (way.exact != NULL && list_member_ptr(clauses, way.exact))
	{
		exact = list_make1(way.exact->clause);
		clauses = list_delete_ptr(list_copy(clauses), way.exact);
	}
	local = extract_actual_clauses(clauses, false);
	way.plan.columns = columns_to_read(rel, info, local);
	operands = cmz_plan_collect_operands(&way.plan);
	return make_foreignscan(tlist, local, rel->relid, operands,
							cmz_plan_pack(&way.plan), NIL, exact, outer_plan);
}
