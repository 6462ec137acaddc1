/*
 * expired.c
 *	  Option hide_expired: items whose time to live has passed are left out.
 *
 * DynamoDB deletes them some time later.  Until then a scan has one more
 * condition, "ttl IS NULL OR ttl > now", which is rechecked and held against the
 * transaction's own writes like all others.  The present time takes the form of the
 * column, never the column that of a time: so the comparison is one that
 * pushdown.c takes, and no number is too large to be compared.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "base/conversation.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fdw/expired.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static Expr *
call(Oid function, Oid result, List *arguments, CoercionForm form)
{
	return (Expr *) makeFuncExpr(function, result, arguments, InvalidOid, DEFAULT_COLLATION_OID, form);
}

/* function(text, now()) */
static Expr *
of_now(Oid function, Oid result, const char *text, CoercionForm form)
{
	return call(function, result,
				list_make2(makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
									 CStringGetTextDatum(text), false, false),
						   call(F_NOW, TIMESTAMPTZOID, NIL, COERCE_EXPLICIT_CALL)),
				form);
}

/*
 * The present time as a column of that type has it; NULL if it shows no time.
 * A whole number of seconds is later than the present if it is later than the
 * present's whole seconds.
 */
static Expr *
present(Oid type)
{
	Expr	   *seconds;

	switch (type)
	{
		case TIMESTAMPTZOID:
			return call(F_NOW, TIMESTAMPTZOID, NIL, COERCE_EXPLICIT_CALL);
		case TIMESTAMPOID:
			return of_now(F_TIMEZONE_TEXT_TIMESTAMPTZ, TIMESTAMPOID, "UTC", COERCE_SQL_SYNTAX);
		case INT2OID:
		case INT4OID:
		case INT8OID:
			seconds = call(F_FLOOR_NUMERIC, NUMERICOID, list_make1(present(NUMERICOID)), COERCE_EXPLICIT_CALL);
			return call(F_INT8_NUMERIC, INT8OID, list_make1(seconds), COERCE_EXPLICIT_CAST);
		case NUMERICOID:
			return of_now(F_EXTRACT_TEXT_TIMESTAMPTZ, NUMERICOID, "epoch", COERCE_SQL_SYNTAX);
		case FLOAT4OID:
		case FLOAT8OID:
			return of_now(F_DATE_PART_TEXT_TIMESTAMPTZ, FLOAT8OID, "epoch", COERCE_EXPLICIT_CALL);
		default:
			return NULL;
	}
}

/* ttl IS NULL OR ttl > now; type is the column's without its domain */
static Expr *
make_condition(Var *var, Oid type, Expr *now)
{
	Oid			family = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	Oid			later = get_opfamily_member(family, type, exprType((Node *) now), BTGreaterStrategyNumber);
	NullTest   *is_null = makeNode(NullTest);
	Expr	   *ttl = (Expr *) var;

	if (var->vartype != type)
		ttl = (Expr *) makeRelabelType(ttl, type, -1, InvalidOid, COERCE_IMPLICIT_CAST);
	is_null->arg = (Expr *) var;
	is_null->nulltesttype = IS_NULL;
	is_null->location = -1;
	return makeBoolExpr(OR_EXPR,
						list_make2(is_null, make_opclause(later, BOOLOID, false, ttl, now,
														  InvalidOid, InvalidOid)), -1);
}

RestrictInfo *
cmz_expired_hide(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table)
{
	const CmzColumn *column = cmz_table_column(table, CMZ_TTL);
	Expr	   *now = NULL;
	RestrictInfo *rinfo;
	QualCost	cost;
	Var		   *var;

	for (; column != NULL && (now = present(column->type)) == NULL; column = column->same)
		;
	if (now == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
				 errmsg("option \"hide_expired\" needs a column of foreign table \"%s\" that shows attribute \"%s\" as a time",
						table->name, CMZ_TTL),
				 errhint("Add a column such as \"ttl timestamptz\", or set option hide_expired of the foreign table to 'false'.")));
	var = makeVar(rel->relid, column->attnum, column->declared_type, column->typmod, column->collation, 0);
	rinfo = make_simple_restrictinfo(root, make_condition(var, column->type, now));
	cost_qual_eval_node(&cost, (Node *) rinfo->clause, root);
	rel->baserestrictinfo = lappend(rel->baserestrictinfo, rinfo);
	rel->baserestrictcost.startup += cost.startup;
	rel->baserestrictcost.per_tuple += cost.per_tuple;
	return rinfo;
}
