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

/*
 * Set the columns that a plan reads: those of the expressions and of its order,
 * and with them those of the conditions that DynamoDB decides.
 */
extern void cmz_path_set_columns(const CmzRelInfo *info, Index relid, List *exprs, List *exact,
								 CmzPlan *plan);

/*
 * The query's LIMIT and OFFSET count the rows of its one table, and can be
 * evaluated before the scan.
 */
extern bool cmz_path_takes_limit(PlannerInfo *root);

#endif							/* CMZ_PATH_H */
