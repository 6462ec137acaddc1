/*
 * way.h
 *	  Ways to read a foreign table, and what each costs.
 *
 * A way is chosen when paths are made and made again when one is planned: what
 * a path carries is the choice, a list of integers.
 */
#ifndef CMZ_WAY_H
#define CMZ_WAY_H

#include "fdw/compat.h"
#include "fdw/plan.h"

/* A WHERE condition and what may go of it. */
typedef struct CmzRelQual
{
	RestrictInfo *rinfo;		/* NULL: part of an arm of an OR */
	Node	   *clause;			/* for estimates */
	CmzQual    *qual;			/* NULL: local */
} CmzRelQual;

/* The foreign table while it is planned (rel->fdw_private). */
typedef struct CmzRelInfo
{
	CmzTable   *table;
	List	   *quals;			/* CmzRelQuals of baserestrictinfo */
	RestrictInfo *hide_expired; /* of them, the one that the option asks for */
	Bitmapset  *needed;			/* columns that rows must have, by attnum */
	bool		all_needed;		/* a whole row is wanted */
	bool		system_needed;	/* a system column is wanted */
	CmzTarget	target;
	double		item_bytes;
} CmzRelInfo;

typedef enum CmzWayKind
{
	CMZ_WAY_SCAN,
	CMZ_WAY_QUERY,				/* on one index */
	CMZ_WAY_UNION				/* an index for each arm of an OR */
} CmzWayKind;

typedef struct CmzChoice
{
	CmzWayKind	kind;
	int			index;			/* QUERY: in the layout, -1: the table itself */
	int			clause;			/* UNION: which of the quals is the OR */
	int			direction;		/* of the order that is promised, 0: none */
	AttrNumber	order_attnum;
	int			processes;		/* SCAN: how many share it */
} CmzChoice;

typedef struct CmzWay
{
	CmzPlan		plan;
	List	   *key_rinfos;		/* RestrictInfos that bound what is read */
	List	   *exact;			/* RestrictInfos that need no recheck */
	bool		all_exact;		/* ... and they are all there are */
	bool		is_pinned;		/* the one arm names items one by one */
	int			npinned;		/* arms that name items, they stand first */
	double		nkeys;			/* Queries of the one arm */
	double		items_read;
	double		requests;
	double		rounds;			/* of requests, one after the other */
} CmzWay;

/*
 * The quals of these RestrictInfos, in their order; operands may use columns of
 * the relations in outer.
 */
extern List *cmz_way_quals(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table,
						   List *rinfos, Relids outer);

/* Work out a way; false if the choice is none for these quals. */
extern bool cmz_way_make(PlannerInfo *root, RelOptInfo *rel, List *quals,
						 const CmzChoice *choice, CmzWay *way);

/* The quals give full primary keys: how many, 0 if they do not. */
extern double cmz_way_full_keys(const CmzTable *table, List *quals);

/* Note in the plan what part of the items read becomes rows. */
extern void cmz_way_set_yield(CmzWay *way, double rows);

/* Total cost of a way that gives so many rows. */
extern Cost cmz_way_cost(const CmzRelInfo *info, const CmzWay *way, double rows);
#define CMZ_COST_REQUEST	100.0	/* a round trip, in the planner's units */

/* A choice as a path carries it. */
extern List *cmz_choice_pack(const CmzChoice *choice);
extern void cmz_choice_unpack(List *packed, CmzChoice *choice);

/*
 * What a batched join adds to a packed choice: the estimated read units of all its
 * keys, and clauses (RestrictInfos).  NIL and 0 without.
 */
extern List *cmz_choice_add_batch(List *packed, double read_units, List *clauses);
extern List *cmz_choice_batch(List *packed, double *read_units);

#endif							/* CMZ_WAY_H */
