/*
 * plan.h
 *	  What travels from planner to executor, packed and unpacked in one place.
 */
#ifndef CMZ_PLAN_H
#define CMZ_PLAN_H

#include "fdw/pushdown.h"

/*
 * One way into the table: Queries on an index, one for each value of the keys,
 * or a Scan.  A scan has one arm, or one for each arm of an OR.
 */
typedef struct CmzArm
{
	bool		is_query;		/* else Scan */
	int			index;			/* in the layout, -1: the table itself */
	CmzQual    *partition;		/* Query: the values of the partition key */
	List	   *sort;			/* Query: quals that bound the sort key */
	CmzQual    *session;		/* Query: sessionId, bounds the composite key */
	List	   *times;			/* ... quals on timestamp that go with it */
	List	   *filter;			/* quals for the FilterExpression */
	double		partition_items;	/* of each partition, estimated */
	Expr	   *clause;			/* of an OR: this arm of it; planning only */
	int			clause_no;		/* ... its place in fdw_exprs, -1: none */
} CmzArm;

/* What becomes of the rows. */
typedef enum CmzTarget
{
	CMZ_TARGET_NONE,			/* they are read */
	CMZ_TARGET_DELETE,			/* deleted: their keys are enough */
	CMZ_TARGET_UPDATE			/* updated: whole items are read, so that what was
								 * read can be told from what is changed */
} CmzTarget;

/* How a scan reads the table.  Quals carry operand_no once it is planned. */
typedef struct CmzPlan
{
	List	   *arms;			/* CmzArms; an item is given by the first that has
								 * it */
	bool		count;			/* Select=COUNT: the result is one number */
	bool		complete;		/* the index lacks attributes: it gives keys, and
								 * BatchGetItem the items */
	int			direction;		/* of the sort key: 1 ascending, -1 descending,
								 * 0 no order is promised */
	AttrNumber	order_attnum;	/* column whose order is promised */
	Expr	   *limit;			/* LIMIT and OFFSET; planning only */
	Expr	   *offset;
	int			limit_no;		/* their places in fdw_exprs, -1: none */
	int			offset_no;
	bool		limit_is_ours;	/* the scan applies them; else they only say how
								 * many rows will be asked for */
	int			batch_nos[2];	/* places of the keys that a batched join gives, -1:
								 * none; two are the parts of primary keys */
	double		rows_wanted;	/* the same where no LIMIT says it, 0: all */
	double		yield;			/* rows by item read, estimated */
	double		item_bytes;		/* estimated */
	int			segments;		/* Scan: how many at once in each process */
	CmzTarget	target;			/* rows are to be changed: they carry their item */
	List	   *columns;		/* attribute numbers to read (integers) */
	List	   *all_columns;	/* ... if DynamoDB's answer must be rechecked */
	double		read_units;		/* estimated */
} CmzPlan;

/* Number the operands of all quals and return them, for fdw_exprs. */
extern List *cmz_plan_collect_operands(CmzPlan *plan);

/* For fdw_private, and back; the latter allocates anew. */
extern List *cmz_plan_pack(const CmzPlan *plan);
extern CmzPlan *cmz_plan_unpack(List *packed);

/* The index an arm reads, the table's own keys for a Scan. */
extern const CmzIndex *cmz_arm_index(const CmzArm *arm, const CmzTable *table);

/* Operand i is the condition of an arm, which is true or false of a row. */
extern bool cmz_plan_is_arm_clause(const CmzPlan *plan, int i);

/* Which of a batched join's keys operand i is, 0 or 1; -1: none. */
extern int	cmz_plan_batch_part(const CmzPlan *plan, int i);

/* The plan reads the whole table. */
extern bool cmz_plan_is_scan(const CmzPlan *plan);

#endif							/* CMZ_PLAN_H */
