/*
 * pushdown.h
 *	  Which WHERE conditions may go to DynamoDB, as a tree of values.
 *
 * A condition is exact (DynamoDB's answer is PostgreSQL's), a superset
 * (DynamoDB narrows, PostgreSQL checks again) or local (no CmzQual).  The
 * right-hand sides are expressions that are evaluated at execution; bound.c
 * turns them into literals then.
 */
#ifndef CMZ_PUSHDOWN_H
#define CMZ_PUSHDOWN_H

#include "fdw/table.h"
#include "nodes/pathnodes.h"

typedef enum CmzQualOp
{
	CMZ_QUAL_AND,
	CMZ_QUAL_OR,
	CMZ_QUAL_EQ,
	CMZ_QUAL_NE,
	CMZ_QUAL_LT,
	CMZ_QUAL_LE,
	CMZ_QUAL_GT,
	CMZ_QUAL_GE,
	CMZ_QUAL_ANY,				/* = ANY (array) */
	CMZ_QUAL_LIKE,				/* operand: a pattern */
	CMZ_QUAL_PREFIX,			/* ^@, starts_with() */
	CMZ_QUAL_IS_NULL,
	CMZ_QUAL_IS_NOT_NULL,
	CMZ_QUAL_IS_TRUE,
	CMZ_QUAL_IS_FALSE,
	CMZ_QUAL_OF_OTHER_TYPE		/* than the column reads; no clause of SQL's says it */
} CmzQualOp;

typedef struct CmzQual
{
	CmzQualOp	op;
	bool		exact;			/* DynamoDB decides it; see bound.h for what may
								 * still go wrong when it is bound */
	Expr	   *clause;			/* what it was made of; planning only */
	AttrNumber	attnum;			/* of a leaf */
	Expr	   *operand;		/* of a leaf with one; planning only */
	int			operand_no;		/* its place in fdw_exprs, -1: none */
	List	   *args;			/* CmzQuals of AND and OR */
} CmzQual;

/*
 * The condition as DynamoDB may see it, NULL if it must stay local.  Operands
 * may use columns of the relations in outer only, and no volatile function.
 */
extern CmzQual *cmz_pushdown_qual(PlannerInfo *root, const CmzTable *table, RelOptInfo *rel,
								  Expr *clause, Relids outer);

/*
 * The qual gives the attribute one value or a few: =, = ANY, or an OR of such.
 * It can select partitions.
 */
extern bool cmz_pushdown_is_key_set(const CmzTable *table, const CmzQual *qual,
									const char *attribute);

/* The qual, or a value of its first column of a type that the column does not read. */
extern CmzQual *cmz_pushdown_or_mismatch(const CmzTable *table, CmzQual *qual);

/* About how many values; planning only. */
extern int	cmz_pushdown_key_values(const CmzQual *qual);

/* The qual can bound a sort key made of this attribute. */
extern bool cmz_pushdown_is_sort_key(const CmzTable *table, const CmzQual *qual,
									 const char *attribute);

/* DynamoDB's order of the column's values is that of its type and collation. */
extern bool cmz_pushdown_order_agrees(const CmzColumn *column, Oid collation);

#endif							/* CMZ_PUSHDOWN_H */
