/*
 * bind.h
 *	  Binds a plan's quals to the values of their operands: what a scan sends.
 */
#ifndef CMZ_BIND_H
#define CMZ_BIND_H

#include "base/condition.h"
#include "fdw/plan.h"

/* The values of fdw_exprs. */
typedef struct CmzOperandValues
{
	Datum	   *values;
	bool	   *nulls;
	Oid		   *types;
} CmzOperandValues;

typedef struct CmzBinding
{
	bool		empty;			/* no row can match: send nothing */
	CmzCondition *key;			/* Query: KeyConditionExpression */
	CmzCondition *filter;		/* FilterExpression, NULL: none */
	Bitmapset  *utc_columns;	/* columns whose byte order was taken for time */
} CmzBinding;

/* Allocates in the current context; text may be kept by reference. */
extern void cmz_bind_plan(const CmzTable *table, const CmzPlan *plan,
						  const CmzOperandValues *values, CmzBinding *binding);

/*
 * The same for EXPLAIN where not all values are known: text[i] is operand i as
 * the user wrote it, symbols[i] the same if its value is not known, else NULL.
 */
extern void cmz_bind_symbolic(const CmzTable *table, const CmzPlan *plan,
							  const CmzOperandValues *values, const char *const *symbols,
							  const char *const *text, CmzBinding *binding);

#endif							/* CMZ_BIND_H */
