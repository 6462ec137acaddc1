/*
 * plan.h
 *	  What travels from planner to executor, packed and unpacked in one place.
 */
#ifndef CMZ_PLAN_H
#define CMZ_PLAN_H

#include "fdw/pushdown.h"

/* How a scan reads the table.  Quals carry operand_no once it is planned. */
typedef struct CmzPlan
{
	bool		is_query;		/* else Scan */
	int			index;			/* in the layout, -1: the table itself */
	CmzQual    *partition;		/* Query: the equality on the partition key */
	List	   *sort;			/* Query: quals that bound the sort key */
	CmzQual    *session;		/* Query: sessionId, bounds the composite key */
	List	   *times;			/* ... quals on timestamp that go with it */
	List	   *filter;			/* quals for the FilterExpression */
	List	   *columns;		/* attribute numbers to read (integers) */
	double		read_units;		/* estimated */
} CmzPlan;

/* Number the operands of all quals and return them, for fdw_exprs. */
extern List *cmz_plan_collect_operands(CmzPlan *plan);

/* For fdw_private, and back; the latter allocates anew. */
extern List *cmz_plan_pack(const CmzPlan *plan);
extern CmzPlan *cmz_plan_unpack(List *packed);

/* The index a plan reads, the table's own keys for a Scan. */
extern const CmzIndex *cmz_plan_index(const CmzPlan *plan, const CmzTable *table);

#endif							/* CMZ_PLAN_H */
