/*
 * upper.h
 *	  What DynamoDB does beyond scanning: count(*), LIMIT and OFFSET.
 */
#ifndef CMZ_UPPER_H
#define CMZ_UPPER_H

#include "fdw/path.h"

extern void cmzGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage,
									RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra);

/* The plan of one of these paths, for cmzGetForeignPlan. */
extern ForeignScan *cmz_upper_plan(PlannerInfo *root, RelOptInfo *rel, ForeignPath *path,
								   List *tlist);

#endif							/* CMZ_UPPER_H */
