/*
 * path.c
 *	  Scan paths of a foreign table, and the plan of the one that is chosen.
 *
 * Paths are offered for a Scan, for a Query on each index that fits, for the
 * union of Queries that an OR asks for, in the order of a sort key where that
 * is of use, and with keys that come from other tables of a join.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "base/conversation.h"
#include "fdw/expired.h"
#include "fdw/path.h"
#include "fdw/upper.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/typcache.h"

/* So many streams are merged, each of which keeps a page. */
#define MAX_MERGED	1000

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
		else
			info->system_needed = true;
	}
	for (i = 0; info->all_needed && i < info->table->natts; i++)
		if (info->table->columns[i].name != NULL)
			info->needed = bms_add_member(info->needed, i + 1);
}

/* An item's size by what ANALYZE found, else by the options. */
static double
item_bytes(const RelOptInfo *rel, const CmzTable *table)
{
	if (rel->tuples > 0 && rel->pages > 0)
		return Max((double) rel->pages * BLCKSZ / rel->tuples, 1.0);
	return table->estimated_item_bytes;
}

/*
 * What the data model knows and statistics do not: full primary keys give one
 * item each, and a session has one user.
 */
static void
refine_rows(PlannerInfo *root, RelOptInfo *rel, const CmzRelInfo *info)
{
	const CmzTable *table = info->table;
	double		full_keys = cmz_way_full_keys(table, info->quals);
	CmzRelQual *user = NULL;
	bool		has_session = false;
	ListCell   *lc;

	if (full_keys > 0)
		rel->rows = Min(rel->rows, full_keys);
	foreach(lc, info->quals)
	{
		CmzRelQual *rq = lfirst(lc);

		if (!table->layout.conversation || rq->qual == NULL)
			continue;
		if (cmz_pushdown_is_key_set(table, rq->qual, CMZ_USER_ID))
			user = rq;
		has_session |= cmz_pushdown_is_key_set(table, rq->qual, CMZ_SESSION_ID);
	}
	if (user != NULL && has_session)
	{
		List	   *others = list_delete_ptr(list_copy(rel->baserestrictinfo), user->rinfo);

		rel->rows = clamp_row_est(rel->tuples * clauselist_selectivity(root, others, 0, JOIN_INNER,
																	   NULL));
	}
}

void
cmzGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	CmzRelInfo *info = palloc0(sizeof(CmzRelInfo));

	info->table = cmz_table_open(relid);
	rel->fdw_private = info;
	if (info->table->hide_expired)
		info->hide_expired = cmz_expired_hide(root, rel, info->table);
	if (bms_is_member(rel->relid, root->all_result_relids))
	{
		info->target = root->parse->commandType == CMD_DELETE ? CMZ_TARGET_DELETE : CMZ_TARGET_UPDATE;
		/* RETURNING shows the item that was read */
		info->all_needed = root->parse->returningList != NIL;
	}
	info->quals = cmz_way_quals(root, rel, info->table, rel->baserestrictinfo, NULL);
	find_needed_columns(rel, info);
	info->item_bytes = item_bytes(rel, info->table);
	/* reltuples is negative until the table has been analyzed */
	if (rel->tuples < 0)
		rel->tuples = info->table->estimated_items;
	set_baserel_size_estimates(root, rel);
	refine_rows(root, rel, info);
}

static void
add_way(PlannerInfo *root, RelOptInfo *rel, const CmzChoice *choice, const CmzWay *way,
		ParamPathInfo *param, List *pathkeys)
{
	const CmzRelInfo *info = rel->fdw_private;
	double		rows = param ? param->ppi_rows : rel->rows;
	QualCost	local = rel->baserestrictcost;
	Cost		total = cmz_way_cost(info, way, rows) + local.startup +
		local.per_tuple * rows;

	/* of equals, prefer the table: its reads are the more recent ones */
	if (choice->kind == CMZ_WAY_QUERY && choice->index >= 0)
		total += cpu_tuple_cost;
	if (choice->direction != 0)
		total += cpu_tuple_cost * rows;
	add_path(rel, (Path *)
			 cmz_create_foreignscan_path(root, rel, rows, CMZ_COST_REQUEST, total, pathkeys,
										 param ? param->ppi_req_outer : rel->lateral_relids,
										 cmz_choice_pack(choice)));
}

/* The column, if the first thing that the query sorts by is it. */
static bool
is_sorted_by(PlannerInfo *root, RelOptInfo *rel, const CmzColumn *column, CmzChoice *choice)
{
	PathKey    *pathkey = linitial(root->query_pathkeys);
	Var		   *var = makeVar(rel->relid, column->attnum, column->declared_type,
							  column->typmod, column->collation, 0);
	TypeCacheEntry *type = lookup_type_cache(column->type, TYPECACHE_BTREE_OPFAMILY);

	if (column->declared_type != column->type || column->typmod >= 0 ||
		pathkey->pk_opfamily != type->btree_opf ||
		!cmz_pushdown_order_agrees(column, pathkey->pk_eclass->ec_collation) ||
		find_ec_member_matching_expr(pathkey->pk_eclass, (Expr *) var, rel->relids) == NULL)
		return false;
	/* no item of an index lacks its sort key: NULLS FIRST and LAST are one */
	choice->direction = cmz_pathkey_is_descending(pathkey) ? -1 : 1;
	choice->order_attnum = column->attnum;
	return true;
}

/* Does the way's index give the order that the query wants? */
static bool
find_order(PlannerInfo *root, RelOptInfo *rel, const CmzWay *way, CmzChoice *choice)
{
	const CmzRelInfo *info = rel->fdw_private;
	const CmzArm *arm = linitial(way->plan.arms);
	const char *names[2] = {cmz_arm_index(arm, info->table)->sort_key, NULL};

	if (root->query_pathkeys == NIL || info->target != CMZ_TARGET_NONE || choice->kind != CMZ_WAY_QUERY || way->plan.complete ||
		way->nkeys > MAX_MERGED)
		return false;
	/* within a session, the composite key has the order of its times */
	if (arm->session != NULL && arm->session->op == CMZ_QUAL_EQ)
		names[1] = CMZ_TIMESTAMP;
	for (int i = 0; i < 2; i++)
	{
		CmzColumn  *column = names[i] ? cmz_table_column(info->table, names[i]) : NULL;

		for (; column != NULL; column = column->same)
			if (column->dynamodb_type == CMZ_TYPE_S || strcmp(names[i], CMZ_TIMESTAMP) != 0)
				if (is_sorted_by(root, rel, column, choice))
					return true;
	}
	return false;
}

/* Offer a choice if it is a way, also in the order that the query wants. */
static void
try_choice(PlannerInfo *root, RelOptInfo *rel, List *quals, CmzChoice choice,
		   ParamPathInfo *param)
{
	CmzWay		way;
	ListCell   *lc;
	bool		is_new = param == NULL;

	if (!cmz_way_make(root, rel, quals, &choice, &way))
		return;
	/* a path for a join is one only if the join tells the keys */
	foreach(lc, way.key_rinfos)
		if (!is_new && list_member_ptr(param->ppi_clauses, lfirst(lc)))
			is_new = true;
	if (!is_new)
		return;
	add_way(root, rel, &choice, &way, param, NIL);
	if (find_order(root, rel, &way, &choice) && cmz_way_make(root, rel, quals, &choice, &way))
		add_way(root, rel, &choice, &way, param, list_make1(linitial(root->query_pathkeys)));
}

static void
try_choices(PlannerInfo *root, RelOptInfo *rel, List *quals, ParamPathInfo *param)
{
	const CmzRelInfo *info = rel->fdw_private;
	CmzChoice	choice = {CMZ_WAY_QUERY};

	for (choice.index = -1; choice.index < info->table->layout.nindexes; choice.index++)
		try_choice(root, rel, quals, choice, param);
	choice.kind = CMZ_WAY_UNION;
	for (choice.clause = 0; choice.clause < list_length(quals); choice.clause++)
		try_choice(root, rel, quals, choice, param);
}

/* The parameterisation, unless it has been tried. */
static void
try_outer(PlannerInfo *root, RelOptInfo *rel, Relids clause_relids, List **tried)
{
	const CmzRelInfo *info = rel->fdw_private;
	Relids		outer = bms_union(clause_relids, rel->lateral_relids);
	ParamPathInfo *param;

	outer = bms_del_member(outer, rel->relid);
	if (bms_is_empty(outer))
		return;
	param = get_baserel_parampathinfo(root, rel, outer);
	if (list_member_ptr(*tried, param))
		return;
	*tried = lappend(*tried, param);
	try_choices(root, rel,
				list_concat_copy(info->quals,
								 cmz_way_quals(root, rel, info->table, param->ppi_clauses, outer)),
				param);
}

/* For generate_implied_equalities_for_column: the member is this column. */
static bool
is_column(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
		  void *arg)
{
	Expr	   *expr = em->em_expr;

	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return IsA(expr, Var) && ((Var *) expr)->varno == (int) rel->relid &&
		((Var *) expr)->varattno == *(AttrNumber *) arg;
}

/* Equalities with this attribute that follow from the query. */
static void
try_equivalences(PlannerInfo *root, RelOptInfo *rel, const char *attribute, List **tried)
{
	const CmzRelInfo *info = rel->fdw_private;
	CmzColumn  *column = cmz_table_column(info->table, attribute);
	ListCell   *lc;

	for (; column != NULL; column = column->same)
		foreach(lc, generate_implied_equalities_for_column(root, rel, is_column, &column->attnum,
														   rel->lateral_referencers))
		{
			RestrictInfo *rinfo = lfirst(lc);

			if (join_clause_is_movable_to(rinfo, rel))
				try_outer(root, rel, rinfo->clause_relids, tried);
		}
}

static void
try_joins(PlannerInfo *root, RelOptInfo *rel)
{
	const CmzLayout *layout = &((CmzRelInfo *) rel->fdw_private)->table->layout;
	List	   *tried = NIL;
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst(lc);

		if (join_clause_is_movable_to(rinfo, rel))
			try_outer(root, rel, rinfo->clause_relids, &tried);
	}
	if (!rel->has_eclass_joins)
		return;
	try_equivalences(root, rel, layout->table.partition_key, &tried);
	for (int i = 0; i < layout->nindexes; i++)
		try_equivalences(root, rel, layout->indexes[i].partition_key, &tried);
}

/* Parallel workers share the segments of a Scan. */
static void
add_parallel_scan(PlannerInfo *root, RelOptInfo *rel)
{
	const CmzRelInfo *info = rel->fdw_private;
	CmzChoice	choice = {CMZ_WAY_SCAN, -1};
	double		bytes = rel->tuples * info->item_bytes;
	int			workers;
	CmzWay		way;
	ForeignPath *path;
	Cost		total;

	if (!rel->consider_parallel || !bms_is_empty(rel->lateral_relids))
		return;
	workers = compute_parallel_worker(rel, ceil(bytes / BLCKSZ), -1,
									  max_parallel_workers_per_gather);
	if (workers <= 0)
		return;
	choice.processes = workers + 1;
	(void) cmz_way_make(root, rel, info->quals, &choice, &way);
	total = cmz_way_cost(info, &way, rel->rows / choice.processes) +
		rel->baserestrictcost.startup +
		rel->baserestrictcost.per_tuple * rel->rows / choice.processes;
	path = cmz_create_foreignscan_path(root, rel, clamp_row_est(rel->rows / choice.processes),
									   CMZ_COST_REQUEST, total, NIL, NULL,
									   cmz_choice_pack(&choice));
	path->path.parallel_aware = true;
	path->path.parallel_safe = true;
	path->path.parallel_workers = workers;
	add_partial_path(rel, (Path *) path);
}

void
cmzGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	const CmzRelInfo *info = rel->fdw_private;
	CmzChoice	scan = {CMZ_WAY_SCAN, -1};
	ParamPathInfo *lateral = NULL;
	List	   *quals = info->quals;
	CmzWay		way;

	if (!bms_is_empty(rel->lateral_relids))
	{
		lateral = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
		quals = list_concat_copy(quals, cmz_way_quals(root, rel, info->table, lateral->ppi_clauses,
													  rel->lateral_relids));
	}
	if (cmz_way_make(root, rel, quals, &scan, &way))
		add_way(root, rel, &scan, &way, lateral, NIL);
	try_choices(root, rel, quals, NULL);
	try_joins(root, rel);
	add_parallel_scan(root, rel);
}

/* The columns (attribute numbers) in used, all of them for a whole row. */
static List *
list_columns(const CmzRelInfo *info, const Bitmapset *used)
{
	List	   *columns = NIL;

	for (int i = 0; i < info->table->natts; i++)
		if (info->table->columns[i].name != NULL &&
			(bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used) ||
			 bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, used)))
			columns = lappend_int(columns, i + 1);
	return columns;
}

void
cmz_path_set_columns(const CmzRelInfo *info, Index relid, List *exprs, List *exact, CmzPlan *plan)
{
	Bitmapset  *used = NULL;

	pull_varattnos((Node *) exprs, relid, &used);
	if (info->target != CMZ_TARGET_NONE && info->all_needed)
		used = bms_add_member(used, 0 - FirstLowInvalidHeapAttributeNumber);
	if (plan->order_attnum != 0)
		used = bms_add_member(used, plan->order_attnum - FirstLowInvalidHeapAttributeNumber);
	plan->columns = list_columns(info, used);
	pull_varattnos((Node *) exact, relid, &used);
	plan->all_columns = list_columns(info, used);
	/* what decided that a row is changed must still be so when it is */
	if (info->target != CMZ_TARGET_NONE)
		plan->columns = plan->all_columns;
}

/* A LIMIT or OFFSET that can be evaluated before the scan. */
static bool
is_limit_operand(Node *expr)
{
	return expr == NULL || (!contain_volatile_functions(expr) && !contain_subplans(expr));
}

bool
cmz_path_takes_limit(PlannerInfo *root)
{
	const Query *parse = root->parse;

	return parse->commandType == CMD_SELECT && parse->limitCount != NULL &&
		parse->limitOption == LIMIT_OPTION_COUNT &&
		bms_membership(root->all_baserels) == BMS_SINGLETON &&
		!parse->hasAggs && !parse->groupClause && !parse->groupingSets &&
		!parse->distinctClause && !parse->hasDistinctOn && !parse->hasWindowFuncs &&
		!parse->hasTargetSRFs && !parse->setOperations && !parse->havingQual &&
		parse->rowMarks == NIL &&
		is_limit_operand(parse->limitCount) && is_limit_operand(parse->limitOffset);
}

/* Of a LIMIT that stands above, the scan learns how much will be asked for. */
static void
hint_limit(PlannerInfo *root, RelOptInfo *rel, Path *path, CmzPlan *plan)
{
	const Query *parse = root->parse;

	if (path->parallel_aware || path->param_info != NULL ||
		bms_membership(root->all_baserels) != BMS_SINGLETON ||
		!pathkeys_contained_in(root->query_pathkeys, path->pathkeys))
		return;
	if (cmz_path_takes_limit(root))
	{
		plan->limit = (Expr *) parse->limitCount;
		plan->offset = (Expr *) parse->limitOffset;
	}
	else if (parse->limitCount == NULL && root->tuple_fraction >= 1 && !parse->hasAggs &&
			 !parse->groupClause && !parse->distinctClause && !parse->hasWindowFuncs)
		plan->rows_wanted = root->tuple_fraction;	/* EXISTS */
	/* for a few rows, one segment will do */
	if (plan->limit != NULL || plan->rows_wanted > 0)
		plan->segments = 1;
}

/*
 * The columns of the rows that are to be changed; NIL: those of the table.
 * Beside them stands the item, which is no column of the table.
 */
static List *
target_tlist(RelOptInfo *rel, List *clauses)
{
	const CmzRelInfo *info = rel->fdw_private;
	int			flags = PVC_RECURSE_PLACEHOLDERS;

	if (info->target == CMZ_TARGET_NONE)
		return NIL;
	return add_to_flat_tlist(add_to_flat_tlist(NIL, pull_var_clause((Node *) rel->reltarget->exprs, flags)),
							 pull_var_clause((Node *) extract_actual_clauses(clauses, false), flags));
}

ForeignScan *
cmzGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
				  List *tlist, List *clauses, Plan *outer_plan)
{
	CmzRelInfo *info = rel->fdw_private;
	ParamPathInfo *param = path->path.param_info;
	List	   *rinfos = rel->baserestrictinfo;
	CmzChoice	choice;
	CmzWay		way;
	List	   *batch;
	double		batch_units;
	List	   *quals;
	List	   *exact;
	List	   *local;
	List	   *operands;

	if (IS_UPPER_REL(rel))
		return cmz_upper_plan(root, rel, path, tlist);
	cmz_choice_unpack(path->fdw_private, &choice);
	/* anew: clauses of a join may have been adjusted to a partition */
	if (param != NULL)
		rinfos = list_concat_copy(rinfos, param->ppi_clauses);
	quals = cmz_way_quals(root, rel, info->table, rinfos, PATH_REQ_OUTER(&path->path));
	batch = cmz_way_quals(root, rel, info->table, cmz_choice_batch(path->fdw_private, &batch_units), NULL);
	quals = list_concat(quals, batch);
	if (!cmz_way_make(root, rel, quals, &choice, &way))
		elog(ERROR, "path of foreign table %u cannot be planned", relid);
	local = list_difference_ptr(clauses, way.exact);
	exact = extract_actual_clauses(list_difference_ptr(clauses, local), false);
	local = extract_actual_clauses(local, false);
	cmz_path_set_columns(info, rel->relid, list_concat_copy(rel->reltarget->exprs, local), exact,
						 &way.plan);
	cmz_way_set_yield(&way, path->path.rows);
	hint_limit(root, rel, &path->path, &way.plan);
	operands = cmz_plan_collect_operands(&way.plan);
	for (int i = 0; i < list_length(batch); i++)
		way.plan.batch_nos[i] = ((CmzRelQual *) list_nth(batch, i))->qual->operand_no;
	if (batch != NIL)
		way.plan.read_units = batch_units;
	return make_foreignscan(tlist, local, rel->relid, operands, cmz_plan_pack(&way.plan),
							target_tlist(rel, clauses), exact, outer_plan);
}
