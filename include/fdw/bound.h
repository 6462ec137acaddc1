/*
 * bound.h
 *	  Binds one qual to the values of its operands.
 *
 * A bound qual is a condition, or known to be false for every item, or of no
 * use: then whoever reads the rows must check it, also one that is exact.
 */
#ifndef CMZ_BOUND_H
#define CMZ_BOUND_H

#include "base/condition.h"
#include "fdw/pushdown.h"

/* The values of fdw_exprs. */
typedef struct CmzOperandValues
{
	Datum	   *values;
	bool	   *nulls;
	Oid		   *types;
} CmzOperandValues;

typedef enum CmzBoundKind
{
	BOUND_FALSE,				/* no item satisfies it */
	BOUND_ANY,					/* cannot be said: every item may */
	BOUND_CONDITION
} CmzBoundKind;

typedef struct CmzBound
{
	CmzBoundKind kind;
	CmzCondition *condition;
} CmzBound;

/* What binding needs, and notes. */
typedef struct CmzBinder
{
	const CmzTable *table;
	const CmzOperandValues *values;
	const char *const *symbols; /* by operand; NULL: its value is known */
	bool		in_filter;		/* binding a filter, not a key */
	Bitmapset  *utc_columns;	/* times whose byte order was relied on */
	bool		widened;		/* an arm of an AND was left out */
} CmzBinder;

/* The comparison that an operator of a qual is, CMZ_QUAL_EQ to CMZ_QUAL_GE. */
extern const CmzOp cmz_bound_ops[];

/* Allocates in the current context; text may be kept by reference. */
extern CmzBound cmz_bound_qual(CmzBinder *binder, const CmzQual *qual);

/*
 * The values of a key set (cmz_pushdown_is_key_set, or = ANY of times): a list
 * of CmzConditions, each an equality or, of a time, a range.  Those that no
 * item can have are left out; others may stand there several times.
 */
extern List *cmz_bound_values(CmzBinder *binder, const CmzQual *qual);

/*
 * The same for = ANY, one for each element of the array in its order; NULL for
 * those that no item can have.
 */
extern List *cmz_bound_elements(CmzBinder *binder, const CmzQual *qual);

#endif							/* CMZ_BOUND_H */
