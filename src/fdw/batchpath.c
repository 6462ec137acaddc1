/*
 * batchpath.c
 *	  Paths of the batched join: other tables' rows with a foreign table's, whose
 *	  key they name.
 *
 * A nested loop asks DynamoDB once for each outer row, and waits each time.  The
 * batched join takes many outer rows, and asks for all of their keys at once: its
 * inner side is a scan with the condition "key = ANY (batch)", where the batch
 * is given to it by the join.  The join then finds the rows that belong together, so
 * that the condition needs no recheck below.  If the join names both parts of the
 * primary key there are two such conditions, whose batches go together in pairs.
 */
#include "postgres.h"

#include <math.h>

#include "base/request.h"
#include "catalog/pg_type.h"
#include "fdw/batchjoin.h"
#include "fdw/batchpath.h"
#include "fdw/compat.h"
#include "fdw/path.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

bool		cmz_enable_batched_join = true;

static set_join_pathlist_hook_type next_join_pathlist = NULL;

/* An equality of an inner column with an expression of the outer side. */
typedef struct JoinKey
{
	RestrictInfo *rinfo;
	Expr	   *inner;			/* the column, perhaps relabelled */
	Expr	   *outer;
	Oid			opno;			/* inner = outer */
	Oid			collation;
} JoinKey;

/* What is worked out for one pair of relations. */
typedef struct JoinPair
{
	PlannerInfo *root;
	RelOptInfo *joinrel;
	RelOptInfo *outer;
	RelOptInfo *inner;
	JoinType	jointype;
	JoinPathExtraData *extra;
	List	   *outer_paths;
} JoinPair;

/* The inner side is a table of ours that is only read. */
static bool
is_ours(const PlannerInfo *root, const RelOptInfo *rel)
{
	return IS_SIMPLE_REL(rel) && rel->rtekind == RTE_RELATION && rel->fdwroutine != NULL &&
		rel->fdwroutine->GetForeignPaths == cmzGetForeignPaths && rel->fdw_private != NULL &&
		((CmzRelInfo *) rel->fdw_private)->target == CMZ_TARGET_NONE &&
		bms_is_empty(rel->lateral_relids) && !bms_is_member(rel->relid, root->all_result_relids);
}

/* An outer join's rows are those before the conditions that stand above it. */
static bool
is_joinclause(const JoinPair *pair, const RestrictInfo *rinfo)
{
	return !IS_OUTER_JOIN(pair->jointype) || !RINFO_IS_PUSHED_DOWN(rinfo, pair->joinrel->relids);
}

static bool
is_column_of(const RelOptInfo *rel, Expr *expr)
{
	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return IsA(expr, Var) && ((Var *) expr)->varno == (int) rel->relid && ((Var *) expr)->varattno > 0;
}

/* Take the clause as a key, inner side first; false if it is none. */
static bool
take_key(const JoinPair *pair, RestrictInfo *rinfo, JoinKey *key)
{
	OpExpr	   *clause = (OpExpr *) rinfo->clause;
	bool		inner_left;

	if (!rinfo->can_join || !OidIsValid(rinfo->hashjoinoperator) || !IsA(clause, OpExpr) ||
		list_length(clause->args) != 2 || !is_joinclause(pair, rinfo) ||
		!restriction_is_securely_promotable(rinfo, pair->inner) ||
		contain_volatile_functions((Node *) clause))
		return false;
	if (bms_equal(rinfo->left_relids, pair->inner->relids) &&
		bms_is_subset(rinfo->right_relids, pair->outer->relids))
		inner_left = true;
	else if (bms_equal(rinfo->right_relids, pair->inner->relids) &&
			 bms_is_subset(rinfo->left_relids, pair->outer->relids))
		inner_left = false;
	else
		return false;
	key->rinfo = rinfo;
	key->inner = inner_left ? linitial(clause->args) : lsecond(clause->args);
	key->outer = inner_left ? lsecond(clause->args) : linitial(clause->args);
	key->opno = inner_left ? clause->opno : get_commutator(clause->opno);
	key->collation = clause->inputcollid;
	return OidIsValid(key->opno) && !bms_is_empty(inner_left ? rinfo->right_relids : rinfo->left_relids) &&
		is_column_of(pair->inner, key->inner);
}

/* "column = ANY (batch)"; the batch is not known to anybody but the join. */
static RestrictInfo *
make_batch_clause(const JoinPair *pair, const JoinKey *key)
{
	ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
	Oid			array = get_array_type(getBaseType(exprType((Node *) key->outer)));

	if (!OidIsValid(array))
		return NULL;
	any->opno = key->opno;
	any->opfuncid = get_opcode(key->opno);
	any->useOr = true;
	any->inputcollid = key->collation;
	any->args = list_make2(copyObject(key->inner),
						   makeNullConst(array, -1, exprCollation((Node *) key->outer)));
	any->location = -1;
	return make_simple_restrictinfo(pair->root, (Expr *) any);
}

/* Different values that the outer side has for the keys. */
static double
count_keys(const JoinPair *pair, List *keys, const Path *outer)
{
	List	   *exprs = NIL;
	double		n;
	ListCell   *lc;

	foreach(lc, keys)
		exprs = lappend(exprs, ((JoinKey *) lfirst(lc))->outer);
	n = estimate_num_groups(pair->root, exprs, outer->rows, NULL, NULL);
	return Max(Min(n, outer->rows), 1);
}

/* How many batches there are, each larger than the one before. */
static double
count_batches(double rows)
{
	double		size = CMZ_FIRST_BATCH;
	double		batches = 1;

	for (; size < CMZ_MAX_BATCH && rows > size; size *= CMZ_BATCH_GROWTH, batches++)
		rows -= size;
	return batches + floor(rows / CMZ_MAX_BATCH);
}

/* What is offered: an index, and the clauses that name its keys. */
typedef struct Offer
{
	List	   *keys;			/* one JoinKey, or two: a whole primary key */
	List	   *batch;			/* RestrictInfos, one for each */
	CmzChoice	choice;
	CmzWay		way;			/* for one key */
} Offer;

/* From the way for one key to the one for all of them. */
static Cost
inner_cost(const JoinPair *pair, const Offer *offer, double keys, double batches, double rows)
{
	const CmzRelInfo *info = pair->inner->fdw_private;
	CmzWay		way = offer->way;

	way.requests = way.is_pinned ? Max(ceil(keys / CMZ_MAX_BATCH_GET), batches) : way.requests * keys;
	way.rounds = Max(batches * way.rounds, ceil(way.requests / info->table->concurrency));
	way.plan.read_units *= keys;
	return cmz_way_cost(info, &way, rows);
}

/* Rows of the inner side that have one of so many keys. */
static double
inner_rows(const JoinPair *pair, const Offer *offer, double keys)
{
	List	   *clauses = list_copy(pair->inner->baserestrictinfo);
	double		rows;
	ListCell   *lc;

	foreach(lc, offer->keys)
		clauses = lappend(clauses, ((JoinKey *) lfirst(lc))->rinfo);
	rows = pair->inner->tuples * clauselist_selectivity(pair->root, clauses, pair->inner->relid,
														JOIN_INNER, NULL) * keys;
	/* one item at most has a whole primary key */
	return clamp_row_est(Min(rows, offer->way.is_pinned ? keys : pair->inner->tuples));
}

static const CustomPathMethods path_methods;

static void
add_join_path(const JoinPair *pair, const Offer *offer, Path *outer)
{
	CustomPath *path = makeNode(CustomPath);
	const JoinKey *first = linitial(offer->keys);
	double		keys = count_keys(pair, offer->keys, outer);
	double		rows = inner_rows(pair, offer, keys);
	Cost		inner = inner_cost(pair, offer, keys, count_batches(outer->rows), rows);
	ForeignPath *scan;
	List	   *outer_keys = NIL;
	QualCost	quals;
	ListCell   *lc;

	foreach(lc, offer->keys)
		outer_keys = lappend(outer_keys, ((JoinKey *) lfirst(lc))->outer);
	cost_qual_eval(&quals, pair->extra->restrictlist, pair->root);
	scan = cmz_create_foreignscan_path(pair->root, pair->inner, rows, CMZ_COST_REQUEST, inner, NIL, NULL,
									   cmz_choice_add_batch(cmz_choice_pack(&offer->choice),
															offer->way.plan.read_units * keys, offer->batch));
	path->path.pathtype = T_CustomScan;
	path->path.parent = pair->joinrel;
	path->path.pathtarget = pair->joinrel->reltarget;
	path->path.rows = pair->joinrel->rows;
	path->path.pathkeys = build_join_pathkeys(pair->root, pair->joinrel, pair->jointype, outer->pathkeys);
	path->path.startup_cost = outer->startup_cost + CMZ_COST_REQUEST + quals.startup;
	path->path.total_cost = outer->total_cost + inner + quals.startup +
		outer->rows * (cpu_tuple_cost + cpu_operator_cost) + rows * (cpu_operator_cost + quals.per_tuple) +
		pair->joinrel->rows * (cpu_tuple_cost + pair->joinrel->reltarget->cost.per_tuple) +
		pair->joinrel->reltarget->cost.startup;
	cmz_copy_disabled_nodes(&path->path, outer);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make2(outer, scan);
	path->custom_private = list_make3(list_make2(outer_keys, first->inner), pair->extra->restrictlist,
									  list_make4_int(pair->jointype, 0, (int) first->opno, (int) first->collation));
	path->methods = &path_methods;
	add_path(pair->joinrel, (Path *) path);
}

/* The quals on the inner side with these RestrictInfos. */
static List *
quals_with(const JoinPair *pair, List *rinfos, Relids outer)
{
	const CmzRelInfo *info = pair->inner->fdw_private;

	return list_concat_copy(info->quals, cmz_way_quals(pair->root, pair->inner, info->table, rinfos, outer));
}

/* Offer the keys on an index, if they bound what is read there. */
static bool
try_index(const JoinPair *pair, List *keys, List *batch, int index)
{
	Offer		offer = {keys, batch, {CMZ_WAY_QUERY, index}};
	List	   *rinfos = NIL;
	ListCell   *lc;

	if (!cmz_way_make(pair->root, pair->inner, quals_with(pair, batch, NULL), &offer.choice, &offer.way))
		return false;
	foreach(lc, batch)
		if (!list_member_ptr(offer.way.key_rinfos, lfirst(lc)))
			return false;
	foreach(lc, keys)
		rinfos = lappend(rinfos, ((JoinKey *) lfirst(lc))->rinfo);
	if (!cmz_way_make(pair->root, pair->inner, quals_with(pair, rinfos, pair->outer->relids),
					  &offer.choice, &offer.way))
		return false;
	foreach(lc, pair->outer_paths)
		add_join_path(pair, &offer, lfirst(lc));
	return true;
}

/* The quals of the batch clauses are what selects partition and item. */
static bool
names_items(const JoinPair *pair, List *batch)
{
	const CmzTable *table = ((CmzRelInfo *) pair->inner->fdw_private)->table;
	const char *names[2] = {table->layout.table.partition_key, table->layout.table.sort_key};
	List	   *quals = cmz_way_quals(pair->root, pair->inner, table, batch, NULL);

	for (int i = 0; i < 2; i++)
	{
		const CmzQual *qual = ((CmzRelQual *) list_nth(quals, i))->qual;

		if (qual == NULL || names[i] == NULL || !cmz_pushdown_is_key_set(table, qual, names[i]))
			return false;
	}
	return true;
}

/* The key on each index whose partition key it is, alone or with a sort key. */
static void
try_key(const JoinPair *pair, JoinKey *key, RestrictInfo *batch, List *keys, List *batches)
{
	const CmzRelInfo *info = pair->inner->fdw_private;
	ListCell   *lk,
			   *lb;

	for (int i = -1; i < info->table->layout.nindexes; i++)
		(void) try_index(pair, list_make1(key), list_make1(batch), i);
	forboth(lk, keys, lb, batches)
	{
		List	   *both = list_make2(batch, lfirst(lb));

		if (lfirst(lk) != key && names_items(pair, both))
			(void) try_index(pair, list_make2(key, lfirst(lk)), both, -1);
	}
}

static bool
has_placeholders(const RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->reltarget->exprs)
		if (IsA(lfirst(lc), PlaceHolderVar))
			return true;
	return false;
}

static bool
may_batch(const JoinPair *pair)
{
	const Query *parse = pair->root->parse;
	ListCell   *lc;

	if (!cmz_enable_batched_join || !is_ours(pair->root, pair->inner) ||
		!bms_is_empty(pair->joinrel->lateral_relids) ||
		(pair->jointype != JOIN_INNER && pair->jointype != JOIN_LEFT &&
		 pair->jointype != JOIN_SEMI && pair->jointype != JOIN_ANTI &&
		 pair->jointype != JOIN_UNIQUE_OUTER))
		return false;
	/* rows that are locked or changed may have to be joined again, one by one */
	if (pair->root->rowMarks != NIL || (parse->commandType != CMD_SELECT && parse->commandType != CMD_INSERT))
		return false;
	if (pair->jointype != JOIN_INNER && has_placeholders(pair->inner))
		return false;
	foreach(lc, pair->extra->restrictlist)
		if (lfirst_node(RestrictInfo, lc)->pseudoconstant)
			return false;
	return true;
}

/*
 * The paths of the outer side that a batch can be made of.  Of a semi-join the inner
 * side of which comes first here, each row but once: then it is an inner join.
 */
static List *
outer_paths(JoinPair *pair)
{
	List	   *paths = NIL;
	ListCell   *lc;

	if (pair->jointype == JOIN_UNIQUE_OUTER)
	{
		Path	   *unique = pair->outer->cheapest_total_path->param_info != NULL ? NULL
			: (Path *) create_unique_path(pair->root, pair->outer, pair->outer->cheapest_total_path,
										  pair->extra->sjinfo);

		pair->jointype = JOIN_INNER;
		return unique ? list_make1(unique) : NIL;
	}
	foreach(lc, pair->outer->pathlist)
		if (((Path *) lfirst(lc))->param_info == NULL)
			paths = lappend(paths, lfirst(lc));
	return paths;
}

static void
offer_batched_joins(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outer, RelOptInfo *inner,
					JoinType jointype, JoinPathExtraData *extra)
{
	JoinPair	pair = {root, joinrel, outer, inner, jointype, extra};
	List	   *keys = NIL;
	List	   *batches = NIL;
	ListCell   *lc,
			   *lb;

	if (next_join_pathlist)
		next_join_pathlist(root, joinrel, outer, inner, jointype, extra);
	if (!may_batch(&pair))
		return;
	pair.outer_paths = outer_paths(&pair);
	foreach(lc, extra->restrictlist)
	{
		JoinKey    *key = palloc0(sizeof(JoinKey));
		RestrictInfo *batch = take_key(&pair, lfirst(lc), key) ? make_batch_clause(&pair, key) : NULL;

		if (batch == NULL)
			continue;
		keys = lappend(keys, key);
		batches = lappend(batches, batch);
	}
	forboth(lc, keys, lb, batches)
		try_key(&pair, lfirst(lc), lfirst(lb), keys, batches);
}

void
cmz_batchpath_install_hook(void)
{
	next_join_pathlist = set_join_pathlist_hook;
	set_join_pathlist_hook = offer_batched_joins;
	RegisterCustomScanMethods(&cmz_batchjoin_methods);
}

/*
 * The plan.
 */

/* The columns of both sides, one after the other, as the join's scan tuple. */
static List *
make_scan_tlist(List *plans)
{
	List	   *tlist = NIL;
	ListCell   *lp,
			   *lc;

	foreach(lp, plans)
		foreach(lc, ((Plan *) lfirst(lp))->targetlist)
		{
			TargetEntry *entry = lfirst(lc);

			tlist = lappend(tlist, makeTargetEntry(copyObject(entry->expr), list_length(tlist) + 1,
												   NULL, false));
		}
	return tlist;
}

static Var *
find_var(List *tlist, const Var *var)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		Var		   *other = (Var *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(other, Var) && other->varno == var->varno && other->varattno == var->varattno)
			return other;
	}
	return NULL;
}

static bool
has_placeholder(List *tlist, const PlaceHolderVar *phv)
{
	ListCell   *lc;

	foreach(lc, tlist)
	{
		PlaceHolderVar *other = (PlaceHolderVar *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(other, PlaceHolderVar) && other->phid == phv->phid)
			return true;
	}
	return false;
}

/* A column that the outer join may make NULL is marked so above it: mark it below too. */
static bool
learn_nulling(Node *node, List *tlist)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *own = find_var(tlist, (Var *) node);

		if (own != NULL)
			cmz_copy_nulling(own, (Var *) node);
		return false;
	}
	if (IsA(node, PlaceHolderVar) && has_placeholder(tlist, (PlaceHolderVar *) node))
		return false;
	return expression_tree_walker(node, learn_nulling, tlist);
}

static bool
apply_nulling(Node *node, List *tlist)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *own = find_var(tlist, (Var *) node);

		if (own != NULL)
			cmz_copy_nulling((Var *) node, own);
		return false;
	}
	if (IsA(node, PlaceHolderVar) && has_placeholder(tlist, (PlaceHolderVar *) node))
		return false;
	return expression_tree_walker(node, apply_nulling, tlist);
}

/* What is secret decides first, then what is cheap; of equals, as they were written. */
static int
compare_rinfos(PlannerInfo *root, const RestrictInfo *a, const RestrictInfo *b)
{
	QualCost	x,
				y;

	if (a->security_level != b->security_level)
		return a->security_level < b->security_level ? -1 : 1;
	cost_qual_eval_node(&x, (Node *) a, root);
	cost_qual_eval_node(&y, (Node *) b, root);
	return x.per_tuple < y.per_tuple ? -1 : x.per_tuple > y.per_tuple;
}

static List *
order_rinfos(PlannerInfo *root, List *rinfos)
{
	List	   *ordered = NIL;
	ListCell   *lc;

	foreach(lc, rinfos)
	{
		int			i = list_length(ordered);

		while (i > 0 && compare_rinfos(root, lfirst(lc), list_nth(ordered, i - 1)) < 0)
			i--;
		ordered = list_insert_nth(ordered, i, lfirst(lc));
	}
	return ordered;
}

static Plan *
plan_batched_join(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist, List *clauses,
				  List *plans)
{
	CustomScan *scan = makeNode(CustomScan);
	List	   *keys = copyObject(linitial(path->custom_private));
	List	   *rinfos = order_rinfos(root, lsecond(path->custom_private));
	List	   *numbers = list_copy(lthird(path->custom_private));
	List	   *join_quals;
	List	   *other_quals = NIL;

	if (IS_OUTER_JOIN((JoinType) linitial_int(numbers)))
		extract_actual_join_clauses(rinfos, rel->relids, &join_quals, &other_quals);
	else
		join_quals = extract_actual_clauses(rinfos, false);
	join_quals = copyObject(join_quals);
	list_nth_cell(numbers, CMZ_BATCH_OUTER_COLUMNS)->int_value =
		list_length(((Plan *) linitial(plans))->targetlist);
	scan->custom_scan_tlist = make_scan_tlist(plans);
	/* not from tlist: the planner may put another one in its place */
	(void) learn_nulling((Node *) rel->reltarget->exprs, scan->custom_scan_tlist);
	(void) learn_nulling((Node *) other_quals, scan->custom_scan_tlist);
	scan->custom_exprs = list_make3(linitial(keys), lsecond(keys), join_quals);
	(void) apply_nulling((Node *) scan->custom_exprs, scan->custom_scan_tlist);
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = other_quals;
	scan->scan.scanrelid = 0;
	scan->flags = path->flags;
	scan->custom_plans = plans;
	scan->custom_private = numbers;
	scan->methods = &cmz_batchjoin_methods;
	return (Plan *) scan;
}

static const CustomPathMethods path_methods = {
	.CustomName = "CmzBatchedJoin",
	.PlanCustomPath = plan_batched_join,
};
