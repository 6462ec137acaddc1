/*
 * pushdown.c
 *	  Which WHERE conditions may go to DynamoDB, as a tree of values.
 *
 * The safe answer is always "no": a condition that does not go is evaluated
 * here.  One that goes must be true in DynamoDB for every item for which it is
 * true in PostgreSQL.  Which comparisons agree depends on the column's type
 * (cmz_value_order) and, for text, on the collation.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "fdw/compat.h"
#include "fdw/option.h"
#include "fdw/pushdown.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define OID_TEXT_STARTS_WITH_OP 3877

/* What the walk over a condition needs. */
typedef struct Pushdown
{
	PlannerInfo *root;
	const CmzTable *table;
	RelOptInfo *rel;
	Relids		outer;			/* whose columns operands may use */
} Pushdown;

static CmzQual *push_clause(Pushdown *push, Expr *clause);

static CmzQual *
make_leaf(CmzQualOp op, const CmzColumn *column, Expr *operand)
{
	CmzQual    *qual = palloc0(sizeof(CmzQual));

	qual->op = op;
	qual->attnum = column->attnum;
	qual->operand = operand;
	qual->operand_no = -1;
	return qual;
}

/* The column that an expression is, NULL if it is none that conditions may name. */
static CmzColumn *
column_of(Pushdown *push, Expr *expr)
{
	Var		   *var;
	CmzColumn  *column;

	/* varchar = text, and the like */
	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	if (!IsA(expr, Var))
		return NULL;
	var = (Var *) expr;
	if (var->varno != (int) push->rel->relid || var->varlevelsup != 0 || var->varattno <= 0)
		return NULL;
	column = &push->table->columns[var->varattno - 1];
	return column->attribute != NULL ? column : NULL;
}

/* It can be evaluated once, before the scan. */
static bool
is_operand(Pushdown *push, Expr *expr)
{
	return bms_is_subset(pull_varnos(push->root, (Node *) expr), push->outer) &&
		!contain_volatile_functions((Node *) expr) &&
		!contain_subplans((Node *) expr);
}

/*
 * A locale that compares bytes: C itself; C.UTF-8 of the C library, which goes
 * by code points, as UTF-8 does; and all of the builtin provider (PG 17).
 */
static bool
locale_is_bytes(char provider, const char *name)
{
	static const char *const names[] = {"C", "POSIX", "C.UTF-8", "C.UTF8"};

	if (provider == 'b')
		return true;
	for (int i = 0; provider == COLLPROVIDER_LIBC && i < (int) lengthof(names); i++)
		if (pg_strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
default_collation_is_bytes(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Form_pg_database database;
	Datum		name;
	bool		isnull;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	database = (Form_pg_database) GETSTRUCT(tuple);
	name = SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datcollate, &isnull);
	result = locale_is_bytes(database->datlocprovider, isnull ? "" : TextDatumGetCString(name));
	ReleaseSysCache(tuple);
	return result;
}

/* Text under this collation compares as its UTF-8 bytes do. */
static bool
collation_is_bytes(Oid collation)
{
	HeapTuple	tuple;
	Datum		name;
	bool		isnull;
	bool		result;

	if (!OidIsValid(collation) || GetDatabaseEncoding() != PG_UTF8)
		return false;
	if (collation == DEFAULT_COLLATION_OID)
		return default_collation_is_bytes();
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		return false;
	name = SysCacheGetAttr(COLLOID, tuple, Anum_pg_collation_collcollate, &isnull);
	result = locale_is_bytes(((Form_pg_collation) GETSTRUCT(tuple))->collprovider,
							 isnull ? "" : TextDatumGetCString(name));
	ReleaseSysCache(tuple);
	return result;
}

/* Equal text is equal bytes. */
static bool
collation_is_deterministic(Oid collation)
{
	return OidIsValid(collation) && get_collation_isdeterministic(collation);
}

/*
 * Which comparison an operator is for the column's type: by its place in the
 * type's default btree family, so that only the operators whose meaning we
 * know are taken.
 */
static bool
comparison_of(Oid opno, const CmzColumn *column, CmzQualOp *op)
{
	TypeCacheEntry *type = lookup_type_cache(column->type, TYPECACHE_BTREE_OPFAMILY);
	Oid			negator;

	if (!OidIsValid(type->btree_opf))
		return false;
	switch (get_op_opfamily_strategy(opno, type->btree_opf))
	{
		case BTLessStrategyNumber:
			*op = CMZ_QUAL_LT;
			return true;
		case BTLessEqualStrategyNumber:
			*op = CMZ_QUAL_LE;
			return true;
		case BTEqualStrategyNumber:
			*op = CMZ_QUAL_EQ;
			return true;
		case BTGreaterEqualStrategyNumber:
			*op = CMZ_QUAL_GE;
			return true;
		case BTGreaterStrategyNumber:
			*op = CMZ_QUAL_GT;
			return true;
		default:
			break;
	}
	negator = get_negator(opno);
	*op = CMZ_QUAL_NE;
	return OidIsValid(negator) &&
		get_op_opfamily_strategy(negator, type->btree_opf) == BTEqualStrategyNumber;
}

/* The operand has a type whose values bind.c knows to turn into the column's. */
static bool
operand_type_fits(const CmzColumn *column, Oid type)
{
	type = getBaseType(type);
	if (type == column->type)
		return true;
	switch (cmz_value_order(column))
	{
		case CMZ_ORDER_TEXT:
			return type == TEXTOID || type == VARCHAROID;
		case CMZ_ORDER_INTEGER:
			return type == INT2OID || type == INT4OID || type == INT8OID;
		case CMZ_ORDER_FLOAT:
			return type == FLOAT8OID;
		default:
			return false;
	}
}

/*
 * Is every item for which DynamoDB says yes one for which we do?  Equality is
 * one of bytes or numbers, and what equals a value of the column's type can be
 * read as one; but a length or a domain may refuse it.  A range may also hold
 * values that are none of the type (45.5 of an integer, text with U+0000),
 * except where every number or every string of bytes is one.
 */
static bool
comparison_is_exact(const CmzColumn *column, CmzQualOp op)
{
	if (column->typmod >= 0 || column->declared_type != column->type)
		return false;
	switch (cmz_value_order(column))
	{
		case CMZ_ORDER_TEXT:
		case CMZ_ORDER_EQUAL:
		case CMZ_ORDER_INTEGER:
			return op == CMZ_QUAL_EQ || op == CMZ_QUAL_ANY;
		case CMZ_ORDER_NUMERIC:
			return op != CMZ_QUAL_NE;
		case CMZ_ORDER_BYTES:
			return op == CMZ_QUAL_EQ || op == CMZ_QUAL_ANY ||
				(column->type == BYTEAOID && op != CMZ_QUAL_NE);
		default:
			return false;
	}
}

/* A comparison, or = ANY, with an operand. */
static CmzQual *
make_comparison(CmzQualOp op, const CmzColumn *column, Expr *operand)
{
	CmzQual    *qual = make_leaf(op, column, operand);

	qual->exact = comparison_is_exact(column, op);
	return qual;
}

/* Do this comparison and DynamoDB's agree? */
static bool
comparison_agrees(const CmzColumn *column, CmzQualOp op, Oid collation)
{
	bool		equality = op == CMZ_QUAL_EQ || op == CMZ_QUAL_NE;

	switch (cmz_value_order(column))
	{
		case CMZ_ORDER_NONE:
			return false;
		case CMZ_ORDER_EQUAL:
			return equality;
		case CMZ_ORDER_TEXT:
			return equality ? collation_is_deterministic(collation) : collation_is_bytes(collation);
		case CMZ_ORDER_FLOAT:
			/* several decimal numbers read as one float */
			return !equality;
		case CMZ_ORDER_TIME:
			/* several spellings are one time */
			return op != CMZ_QUAL_NE;
		default:
			return true;
	}
}

static CmzQual *
push_comparison(Pushdown *push, Oid opno, Oid collation, Expr *left, Expr *right)
{
	CmzColumn  *column = column_of(push, left);
	CmzQualOp	op;

	if (column == NULL)
	{
		Expr	   *swap = left;

		left = right;
		right = swap;
		opno = get_commutator(opno);
		column = column_of(push, left);
	}
	if (column == NULL || !OidIsValid(opno) || !is_operand(push, right) ||
		!operand_type_fits(column, exprType((Node *) right)) ||
		!comparison_of(opno, column, &op) || !comparison_agrees(column, op, collation))
		return NULL;
	return make_comparison(op, column, right);
}

/* column LIKE pattern, column ^@ prefix: of text, where bytes decide. */
static CmzQual *
push_match(Pushdown *push, CmzQualOp op, Oid collation, Expr *left, Expr *right)
{
	CmzColumn  *column = column_of(push, left);

	if (column == NULL || cmz_value_order(column) != CMZ_ORDER_TEXT ||
		!collation_is_deterministic(collation) || !is_operand(push, right) ||
		exprType((Node *) right) != TEXTOID)
		return NULL;
	return make_leaf(op, column, right);
}

static CmzQual *
push_operator(Pushdown *push, OpExpr *expr)
{
	Expr	   *left,
			   *right;

	if (list_length(expr->args) != 2)
		return NULL;
	left = linitial(expr->args);
	right = lsecond(expr->args);
	if (expr->opno == OID_TEXT_LIKE_OP)
		return push_match(push, CMZ_QUAL_LIKE, expr->inputcollid, left, right);
	if (expr->opno == OID_TEXT_STARTS_WITH_OP)
		return push_match(push, CMZ_QUAL_PREFIX, expr->inputcollid, left, right);
	return push_comparison(push, expr->opno, expr->inputcollid, left, right);
}

static CmzQual *
push_function(Pushdown *push, FuncExpr *expr)
{
	if (expr->funcid == F_STARTS_WITH)
		return push_match(push, CMZ_QUAL_PREFIX, expr->inputcollid,
						  linitial(expr->args), lsecond(expr->args));
	return NULL;
}

static CmzQual *
push_any(Pushdown *push, ScalarArrayOpExpr *expr)
{
	CmzColumn  *column = column_of(push, linitial(expr->args));
	Expr	   *array = lsecond(expr->args);
	Oid			element = get_base_element_type(exprType((Node *) array));
	CmzQualOp	op;

	if (column == NULL || !expr->useOr || !OidIsValid(element) || !is_operand(push, array) ||
		!operand_type_fits(column, element) || !comparison_of(expr->opno, column, &op) ||
		op != CMZ_QUAL_EQ || !comparison_agrees(column, op, expr->inputcollid))
		return NULL;
	return make_comparison(CMZ_QUAL_ANY, column, array);
}

static CmzQual *
push_null_test(Pushdown *push, NullTest *expr)
{
	CmzColumn  *column = column_of(push, expr->arg);

	if (column == NULL || expr->argisrow)
		return NULL;
	if (expr->nulltesttype == IS_NOT_NULL)
		return make_leaf(CMZ_QUAL_IS_NOT_NULL, column, NULL);
	/* a value that reads as NULL is there for DynamoDB */
	return column->mismatch_is_null ? NULL : make_leaf(CMZ_QUAL_IS_NULL, column, NULL);
}

static CmzQual *
push_boolean(Pushdown *push, Expr *arg, CmzQualOp op)
{
	CmzColumn  *column = column_of(push, arg);
	CmzQual    *qual;

	if (column == NULL || column->type != BOOLOID)
		return NULL;
	qual = make_leaf(op, column, NULL);
	qual->exact = comparison_is_exact(column, CMZ_QUAL_EQ);
	return qual;
}

static CmzQual *
push_boolean_test(Pushdown *push, BooleanTest *expr)
{
	switch (expr->booltesttype)
	{
		case IS_TRUE:
			return push_boolean(push, expr->arg, CMZ_QUAL_IS_TRUE);
		case IS_FALSE:
			return push_boolean(push, expr->arg, CMZ_QUAL_IS_FALSE);
		default:
			return NULL;
	}
}

/* AND keeps the arms that go; OR goes only if all its arms do. */
static CmzQual *
push_bool_expr(Pushdown *push, BoolExpr *expr)
{
	CmzQual    *qual;
	ListCell   *lc;

	if (expr->boolop == NOT_EXPR)
		return push_boolean(push, linitial(expr->args), CMZ_QUAL_IS_FALSE);
	qual = palloc0(sizeof(CmzQual));
	qual->op = expr->boolop == AND_EXPR ? CMZ_QUAL_AND : CMZ_QUAL_OR;
	qual->operand_no = -1;
	qual->exact = true;
	foreach(lc, expr->args)
	{
		CmzQual    *arm = push_clause(push, lfirst(lc));

		if (arm == NULL || !arm->exact)
			qual->exact = false;
		if (arm != NULL)
			qual->args = lappend(qual->args, arm);
		else if (qual->op == CMZ_QUAL_OR)
			return NULL;
	}
	return qual->args != NIL ? qual : NULL;
}

static CmzQual *
push_node(Pushdown *push, Expr *clause)
{
	switch (nodeTag(clause))
	{
		case T_OpExpr:
			return push_operator(push, (OpExpr *) clause);
		case T_FuncExpr:
			return push_function(push, (FuncExpr *) clause);
		case T_ScalarArrayOpExpr:
			return push_any(push, (ScalarArrayOpExpr *) clause);
		case T_NullTest:
			return push_null_test(push, (NullTest *) clause);
		case T_BooleanTest:
			return push_boolean_test(push, (BooleanTest *) clause);
		case T_BoolExpr:
			return push_bool_expr(push, (BoolExpr *) clause);
		default:
			return push_boolean(push, clause, CMZ_QUAL_IS_TRUE);
	}
}

static CmzQual *
push_clause(Pushdown *push, Expr *clause)
{
	CmzQual    *qual = push_node(push, clause);

	if (qual != NULL)
		qual->clause = clause;
	return qual;
}

CmzQual *
cmz_pushdown_qual(PlannerInfo *root, const CmzTable *table, RelOptInfo *rel, Expr *clause,
				  Relids outer)
{
	Pushdown	push = {root, table, rel, outer};

	return cmz_enable_pushdown ? push_clause(&push, clause) : NULL;
}

/* The column of a leaf shows this attribute. */
static bool
is_on_attribute(const CmzTable *table, const CmzQual *qual, const char *attribute)
{
	return qual->op != CMZ_QUAL_AND && qual->op != CMZ_QUAL_OR &&
		strcmp(table->columns[qual->attnum - 1].attribute, attribute) == 0;
}

bool
cmz_pushdown_is_key_set(const CmzTable *table, const CmzQual *qual, const char *attribute)
{
	ListCell   *lc;

	if (qual->op == CMZ_QUAL_OR)
	{
		foreach(lc, qual->args)
			if (!cmz_pushdown_is_key_set(table, lfirst(lc), attribute))
				return false;
		return true;
	}
	/* an equality that is a range in DynamoDB selects no partition */
	return (qual->op == CMZ_QUAL_EQ || qual->op == CMZ_QUAL_ANY) &&
		is_on_attribute(table, qual, attribute) &&
		cmz_value_order(&table->columns[qual->attnum - 1]) != CMZ_ORDER_TIME;
}

CmzQual *
cmz_pushdown_or_mismatch(const CmzTable *table, CmzQual *qual)
{
	CmzQual    *leaf = qual;
	CmzQual    *either = palloc0(sizeof(CmzQual));

	while (leaf->op == CMZ_QUAL_AND || leaf->op == CMZ_QUAL_OR)
		leaf = linitial(leaf->args);
	either->op = CMZ_QUAL_OR;
	either->operand_no = -1;
	either->args = list_make2(qual, make_leaf(CMZ_QUAL_OF_OTHER_TYPE, &table->columns[leaf->attnum - 1], NULL));
	return either;
}

/* As PostgreSQL guesses the length of an array that it does not know. */
#define DEFAULT_ARRAY_LENGTH 10

int
cmz_pushdown_key_values(const CmzQual *qual)
{
	int			n = 0;
	ListCell   *lc;

	if (qual->op == CMZ_QUAL_ANY)
	{
		if (IsA(qual->operand, Const))
		{
			Const	   *array = (Const *) qual->operand;

			if (array->constisnull)
				return 0;
			return ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(array->constvalue)),
								  ARR_DIMS(DatumGetArrayTypeP(array->constvalue)));
		}
		return IsA(qual->operand, ArrayExpr)
			? list_length(((ArrayExpr *) qual->operand)->elements) : DEFAULT_ARRAY_LENGTH;
	}
	if (qual->op != CMZ_QUAL_OR)
		return 1;
	foreach(lc, qual->args)
		n += cmz_pushdown_key_values(lfirst(lc));
	return n;
}

bool
cmz_pushdown_order_agrees(const CmzColumn *column, Oid collation)
{
	/* a value that reads as NULL would stand in the middle */
	if (column->mismatch_is_null)
		return false;
	switch (cmz_value_order(column))
	{
		case CMZ_ORDER_NONE:
		case CMZ_ORDER_EQUAL:
			return false;
		case CMZ_ORDER_TEXT:
			return collation_is_bytes(collation);
		default:
			return true;
	}
}

/* The type of all leaves' attribute, CMZ_TYPE_NONE if they take it for several. */
static CmzType
type_of_leaves(const CmzTable *table, const CmzQual *qual)
{
	CmzType		type = CMZ_TYPE_NONE;
	ListCell   *lc;

	if (qual->op != CMZ_QUAL_OR && qual->op != CMZ_QUAL_AND)
		return table->columns[qual->attnum - 1].dynamodb_type;
	foreach(lc, qual->args)
	{
		CmzType		one = type_of_leaves(table, lfirst(lc));

		if (one == CMZ_TYPE_NONE || (type != CMZ_TYPE_NONE && one != type))
			return CMZ_TYPE_NONE;
		type = one;
	}
	return type;
}

bool
cmz_pushdown_is_sort_key(const CmzTable *table, const CmzQual *qual, const char *attribute)
{
	ListCell   *lc;

	/* an OR of ranges, each one condition or several, of a key of one type */
	if (qual->op == CMZ_QUAL_OR || qual->op == CMZ_QUAL_AND)
	{
		if (type_of_leaves(table, qual) == CMZ_TYPE_NONE)
			return false;
		foreach(lc, qual->args)
		{
			const CmzQual *arg = lfirst(lc);

			if (arg->op == CMZ_QUAL_ANY || arg->op == CMZ_QUAL_OR ||
				(qual->op == CMZ_QUAL_AND && arg->op == CMZ_QUAL_AND) ||
				!cmz_pushdown_is_sort_key(table, arg, attribute))
				return false;
		}
		return true;
	}
	if (!is_on_attribute(table, qual, attribute))
		return false;
	switch (qual->op)
	{
		case CMZ_QUAL_EQ:
		case CMZ_QUAL_ANY:
		case CMZ_QUAL_LT:
		case CMZ_QUAL_LE:
		case CMZ_QUAL_GT:
		case CMZ_QUAL_GE:
		case CMZ_QUAL_LIKE:
		case CMZ_QUAL_PREFIX:
			return true;
		default:
			return false;
	}
}
