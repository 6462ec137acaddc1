/*
 * pushdown.h
 *	  Which WHERE conditions may go to DynamoDB, as a tree of values.
 *
 * A condition that goes narrows what DynamoDB returns; PostgreSQL checks it
 * again, unless it is exact.  The right-hand sides are expressions that are
 * evaluated at execution; bind.c turns them into literals then.
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
	CMZ_QUAL_IS_FALSE
} CmzQualOp;

typedef struct CmzQual
{
	CmzQualOp	op;
	AttrNumber	attnum;			/* of a leaf */
	Expr	   *operand;		/* of a leaf with one; planning only */
	int			operand_no;		/* its place in fdw_exprs, -1: none */
	List	   *args;			/* CmzQuals of AND and OR */
} CmzQual;

/*
 * The condition as DynamoDB may see it, NULL if it must stay local.  Operands
 * may use no column of rel and no volatile function.
 */
extern CmzQual *cmz_pushdown_qual(const CmzTable *table, RelOptInfo *rel, Expr *clause);

/* The qual is an equality that can select a partition. */
extern bool cmz_pushdown_is_partition_key(const CmzTable *table, const CmzQual *qual,
										  const char *attribute);

/* The qual can bound a sort key made of this attribute. */
extern bool cmz_pushdown_is_sort_key(const CmzTable *table, const CmzQual *qual,
									 const char *attribute);

#endif							/* CMZ_PUSHDOWN_H */
