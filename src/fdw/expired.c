/*
 * expired.c
 *	  Option hide_expired: items whose time to live has passed are left out.
 *
 * DynamoDB deletes them some time later.  Until then a scan has one more
 * condition, "ttl IS NULL OR ttl > now()", which is pushed down, rechecked and held
 * against the transaction's own writes like all others.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fdw/expired.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/restrictinfo.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/typcache.h"

static Expr *
call(Oid function, Oid result, List *arguments)
{
	return (Expr *) makeFuncExpr(function, result, arguments, InvalidOid, DEFAULT_COLLATION_OID,
								 COERCE_EXPLICIT_CALL);
}

/* The column as a timestamptz, NULL if it shows no time. */
static Expr *
time_of(Var *var, Oid base_type)
{
	bool		is_time = base_type == TIMESTAMPTZOID || base_type == TIMESTAMPOID;
	Node	   *value = coerce_to_target_type(NULL, (Node *) var, var->vartype, is_time ? base_type : FLOAT8OID,
											  -1, COERCION_ASSIGNMENT, COERCE_EXPLICIT_CAST, -1);

	if (value == NULL || base_type == TIMESTAMPTZOID)
		return (Expr *) value;
	if (!is_time)
		return call(F_TO_TIMESTAMP_FLOAT8, TIMESTAMPTZOID, list_make1(value));
	return call(F_TIMEZONE_TEXT_TIMESTAMP, TIMESTAMPTZOID,
				list_make2(makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
									 CStringGetTextDatum("UTC"), false, false), value));
}

/* ttl IS NULL OR ttl > now() */
static Expr *
make_condition(Var *var, Expr *time)
{
	NullTest   *is_null = makeNode(NullTest);
	Expr	   *now = call(F_NOW, TIMESTAMPTZOID, NIL);
	Oid			later = lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_GT_OPR)->gt_opr;

	is_null->arg = (Expr *) var;
	is_null->nulltesttype = IS_NULL;
	is_null->location = -1;
	return makeBoolExpr(OR_EXPR,
						list_make2(is_null, make_opclause(later, BOOLOID, false, time, now,
														  InvalidOid, InvalidOid)), -1);
}

void
cmz_expired_hide(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table)
{
	const CmzColumn *column = cmz_table_column(table, CMZ_TTL);
	Var		   *var = column == NULL ? NULL
		: makeVar(rel->relid, column->attnum, column->declared_type, column->typmod, column->collation, 0);
	Expr	   *time = var ? time_of(var, column->type) : NULL;
	RestrictInfo *rinfo;
	QualCost	cost;

	if (time == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
				 errmsg("option \"hide_expired\" needs a column of foreign table \"%s\" that shows attribute \"%s\" as a time",
						table->name, CMZ_TTL),
				 errhint("Add a column such as \"ttl timestamptz\", or set option hide_expired of the foreign table to 'false'.")));
	rinfo = make_simple_restrictinfo(root, make_condition(var, time));
	cost_qual_eval_node(&cost, (Node *) rinfo->clause, root);
	rel->baserestrictinfo = lappend(rel->baserestrictinfo, rinfo);
	rel->baserestrictcost.startup += cost.startup;
	rel->baserestrictcost.per_tuple += cost.per_tuple;
}
