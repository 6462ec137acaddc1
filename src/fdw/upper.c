/*
 * upper.c
 *	  What DynamoDB does beyond scanning: count(*), LIMIT and OFFSET.
 *
 * Both are only pushed down over conditions that DynamoDB decides alone: it
 * counts, and stops, before PostgreSQL could check any.  The path carries the
 * choice of the scan below it.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "fdw/option.h"
#include "fdw/upper.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"

/* The one foreign table of the query, if it is ours to go beyond; else NULL. */
static RelOptInfo *
find_table(PlannerInfo *root)
{
	RelOptInfo *rel;
	CmzRelInfo *info;

	if (!cmz_enable_pushdown || root->parse->commandType != CMD_SELECT ||
		root->parse->rowMarks != NIL || bms_membership(root->all_baserels) != BMS_SINGLETON)
		return NULL;
	rel = find_base_rel(root, bms_next_member(root->all_baserels, -1));
	info = rel->fdw_private;
	if (rel->rtekind != RTE_RELATION || rel->fdwroutine == NULL ||
		rel->fdwroutine->GetForeignUpperPaths != cmzGetForeignUpperPaths || info == NULL ||
		!bms_is_empty(rel->lateral_relids) || info->all_needed || info->system_needed)
		return NULL;
	return rel;
}

/*
 * The cheapest choice over which DynamoDB decides everything, in this order;
 * false if there is none.
 */
static bool
find_choice(PlannerInfo *root, RelOptInfo *rel, List *pathkeys, CmzChoice *choice, CmzWay *way)
{
	CmzRelInfo *info = rel->fdw_private;
	Cost		best = -1;
	ListCell   *lc;

	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);
		CmzChoice	one;
		CmzWay		made;

		if (!IsA(path, ForeignPath) || path->param_info != NULL ||
			!pathkeys_contained_in(pathkeys, path->pathkeys))
			continue;
		cmz_choice_unpack(((ForeignPath *) path)->fdw_private, &one);
		if (!cmz_way_make(root, rel, info->quals, &one, &made) || !made.all_exact ||
			(best >= 0 && path->total_cost >= best))
			continue;
		best = path->total_cost;
		*choice = one;
		*way = made;
	}
	return best >= 0;
}

/* count(*), or count of a column that is declared NOT NULL. */
static bool
is_count(const CmzRelInfo *info, Index relid, const Aggref *agg)
{
	Var		   *var;

	if (agg->aggdistinct != NIL || agg->aggorder != NIL || agg->aggfilter != NULL ||
		agg->aggkind != AGGKIND_NORMAL || agg->aggsplit != AGGSPLIT_SIMPLE || agg->agglevelsup != 0)
		return false;
	if (agg->aggfnoid == F_COUNT_)
		return true;
	if (agg->aggfnoid != F_COUNT_ANY)
		return false;
	var = (Var *) linitial_node(TargetEntry, agg->args)->expr;
	return IsA(var, Var) && var->varno == (int) relid && var->varattno > 0 &&
		info->table->columns[var->varattno - 1].not_null &&
		!info->table->columns[var->varattno - 1].mismatch_is_null;
}

/* Aggregates of the target are counts, and columns are in them only. */
static bool
is_counting(const CmzRelInfo *info, Index relid, PathTarget *target)
{
	List	   *parts = pull_var_clause((Node *) target->exprs,
										PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_PLACEHOLDERS);
	ListCell   *lc;

	foreach(lc, parts)
		if (!IsA(lfirst(lc), Aggref) || !is_count(info, relid, lfirst(lc)))
			return false;
	return parts != NIL;
}

static void
add_count_path(PlannerInfo *root, RelOptInfo *input_rel, RelOptInfo *output_rel)
{
	const Query *parse = root->parse;
	RelOptInfo *rel = find_table(root);
	CmzChoice	choice;
	CmzWay		way;
	Cost		cost;

	if (rel == NULL || input_rel != rel || parse->groupClause || parse->groupingSets ||
		parse->havingQual || parse->hasTargetSRFs ||
		!is_counting(rel->fdw_private, rel->relid, output_rel->reltarget) ||
		!find_choice(root, rel, NIL, &choice, &way))
		return;
	/* a count reads what the scan reads, but nothing is sent */
	cost = cmz_way_cost(rel->fdw_private, &way, 0);
	add_path(output_rel, (Path *)
			 cmz_create_foreign_upper_path(root, output_rel, output_rel->reltarget, 1,
										   cost, cost + cpu_tuple_cost, NIL,
										   cmz_choice_pack(&choice)));
}

static void
add_limit_path(PlannerInfo *root, RelOptInfo *output_rel, FinalPathExtraData *extra)
{
	RelOptInfo *rel = find_table(root);
	CmzRelInfo *info;
	CmzChoice	choice;
	CmzWay		way;
	double		rows;
	double		read;
	Cost		cost;

	if (rel == NULL || extra == NULL || !extra->limit_needed || !cmz_path_takes_limit(root) ||
		!find_choice(root, rel, root->sort_pathkeys, &choice, &way))
		return;
	/* which would see the rows that OFFSET skips, if PostgreSQL skipped them */
	if (contain_volatile_functions((Node *) root->upper_targets[UPPERREL_FINAL]->exprs))
		return;
	info = rel->fdw_private;
	rows = extra->limit_tuples > 0 ? Min(extra->limit_tuples, rel->rows) : clamp_row_est(rel->rows * 0.1);
	read = rows / Max(rel->rows, 1);
	/* units and requests in proportion, but one request at least */
	cost = Max(cmz_way_cost(info, &way, rel->rows) * read, CMZ_COST_REQUEST);
	rows = clamp_row_est(rows);
	add_path(output_rel, (Path *)
			 cmz_create_foreign_upper_path(root, output_rel, root->upper_targets[UPPERREL_FINAL],
										   rows, CMZ_COST_REQUEST, cost, root->sort_pathkeys,
										   cmz_choice_pack(&choice)));
}

void
cmzGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
						RelOptInfo *output_rel, void *extra)
{
	if (stage == UPPERREL_GROUP_AGG)
		add_count_path(root, input_rel, output_rel);
	else if (stage == UPPERREL_FINAL)
		add_limit_path(root, output_rel, (FinalPathExtraData *) extra);
}

/* The columns that the scan gives: counts or columns, and what a recheck needs. */
static List *
scan_tlist(List *tlist, List *exact)
{
	int			flags = PVC_INCLUDE_AGGREGATES | PVC_RECURSE_PLACEHOLDERS;

	return add_to_flat_tlist(add_to_flat_tlist(NIL, pull_var_clause((Node *) tlist, flags)),
							 pull_var_clause((Node *) exact, flags));
}

ForeignScan *
cmz_upper_plan(PlannerInfo *root, RelOptInfo *rel, ForeignPath *path, List *tlist)
{
	RelOptInfo *base = find_base_rel(root, bms_next_member(root->all_baserels, -1));
	CmzRelInfo *info = base->fdw_private;
	CmzChoice	choice;
	CmzWay		way;
	List	   *exact;
	List	   *columns;
	List	   *operands;

	cmz_choice_unpack(path->fdw_private, &choice);
	/* anew: operands are numbered in it */
	if (!cmz_way_make(root, base, cmz_way_quals(root, base, info->table, base->baserestrictinfo, NULL),
					  &choice, &way) || !way.all_exact)
		elog(ERROR, "upper path of foreign table %u cannot be planned", info->table->relid);
	exact = extract_actual_clauses(base->baserestrictinfo, false);
	columns = scan_tlist(tlist, exact);
	way.plan.count = root->parse->hasAggs;
	cmz_way_set_yield(&way, base->rows);
	cmz_path_set_columns(info, base->relid, way.plan.count ? NIL : tlist, exact, &way.plan);
	if (!way.plan.count)
	{
		way.plan.limit = (Expr *) root->parse->limitCount;
		way.plan.offset = (Expr *) root->parse->limitOffset;
		way.plan.limit_is_ours = true;
		if (way.plan.limit != NULL)
			way.plan.segments = 1;
	}
	operands = cmz_plan_collect_operands(&way.plan);
	return make_foreignscan(tlist, NIL, 0, operands, cmz_plan_pack(&way.plan), columns, exact, NULL);
}
