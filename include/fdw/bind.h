/*
 * bind.h
 *	  Binds a plan to the values of its operands: the requests of a scan.
 */
#ifndef CMZ_BIND_H
#define CMZ_BIND_H

#include "base/keyrange.h"
#include "fdw/bound.h"
#include "fdw/plan.h"

/* What an arm became, for EXPLAIN too. */
typedef struct CmzBoundArm
{
	bool		empty;			/* no item can match: nothing is sent */
	bool		is_query;
	bool		is_get;			/* BatchGetItem for primary keys */
	bool		is_paired;		/* partitions[i] goes with sort_values[i] only */
	const CmzIndex *index;
	int			npartitions;
	CmzOperand *partitions;		/* sorted, each once */
	int			nranges;
	CmzKeyRange *ranges;		/* of the sort key, sorted, without overlaps */
	CmzOperand *sort_values;	/* where the ranges are single values, else NULL */
	const CmzCondition *key;	/* all its keys as one condition */
	CmzCondition *filter;		/* FilterExpression, NULL: none */
} CmzBoundArm;

typedef struct CmzBinding
{
	int			narms;
	CmzBoundArm *arms;
	Bitmapset  *utc_columns;	/* columns whose byte order was taken for time */
	bool		inexact;		/* an exact qual could not be sent: recheck */
} CmzBinding;

/*
 * Work out what is read.  Allocates in the current context; text may be kept by
 * reference.
 */
extern void cmz_bind_plan(const CmzTable *table, const CmzPlan *plan,
						  const CmzOperandValues *values, CmzBinding *binding);

/* How many items there are cannot be told without looking at them. */
extern bool cmz_binding_needs_rows(const CmzBinding *binding);

/* No item can match: nothing is sent. */
extern bool cmz_binding_is_empty(const CmzBinding *binding);

/*
 * The same for EXPLAIN where not all values are known, without reads: text[i]
 * is operand i as the user wrote it, symbols[i] the same if its value is not
 * known, else NULL.
 */
extern void cmz_bind_symbolic(const CmzTable *table, const CmzPlan *plan,
							  const CmzOperandValues *values, const char *const *symbols,
							  const char *const *text, CmzBinding *binding);

#endif							/* CMZ_BIND_H */
