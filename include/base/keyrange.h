/*
 * keyrange.h
 *	  Intersects several conditions on one sort key into the one condition
 *	  that a KeyConditionExpression takes.
 *
 * The result may admit more keys than asked for (strict bounds of a two-sided
 * range become BETWEEN), never fewer: whoever uses it rechecks.
 */
#ifndef CMZ_KEYRANGE_H
#define CMZ_KEYRANGE_H

#include "base/condition.h"

typedef struct CmzKeyBound
{
	bool		set;
	bool		inclusive;
	CmzOperand	value;
} CmzKeyBound;

typedef struct CmzKeyRange
{
	bool		empty;			/* no key can satisfy the conditions */
	CmzKeyBound lo;
	CmzKeyBound hi;
	bool		has_prefix;		/* a begins_with took part */
	CmzOperand	prefix;			/* the longest one */
} CmzKeyRange;

extern void cmz_keyrange_init(CmzKeyRange *range);

/* Narrow the range by one comparison or begins_with. */
extern void cmz_keyrange_restrict(CmzKeyRange *range, CmzOp op, const CmzOperand *operand);

/* Narrow the range by a condition tree, as far as it is an AND of such. */
extern void cmz_keyrange_apply(CmzKeyRange *range, const CmzCondition *condition);

/* The one condition; NULL if the range is not bounded at all (or empty). */
extern CmzCondition *cmz_keyrange_condition(const CmzKeyRange *range, const char *attribute);

#endif							/* CMZ_KEYRANGE_H */
