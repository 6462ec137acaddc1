/*
 * path.h
 *	  Scan paths of a foreign table, and the plan of the one that is chosen.
 */
#ifndef CMZ_PATH_H
#define CMZ_PATH_H

#include "fdw/way.h"
#include "foreign/fdwapi.h"

extern void cmzGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern void cmzGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern ForeignScan *cmzGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid,
									  ForeignPath *path, List *tlist, List *clauses,
									  Plan *outer_plan);

/* The columns (attribute numbers) that two lists of expressions use. */
extern List *cmz_path_columns(const CmzRelInfo *info, Index relid, List *exprs, List *more);

/*
 * The query's LIMIT and OFFSET count the rows of its one table, and can be
 * evaluated before the scan.
 */
extern bool cmz_path_takes_limit(PlannerInfo *root);

#endif							/* CMZ_PATH_H */
