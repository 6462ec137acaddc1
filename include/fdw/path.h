/*
 * path.h
 *	  Ways to read a foreign table: a Query on each index that fits, a Scan.
 */
#ifndef CMZ_PATH_H
#define CMZ_PATH_H

#include "fdw/compat.h"
#include "foreign/fdwapi.h"

extern void cmzGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern void cmzGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern ForeignScan *cmzGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid,
									  ForeignPath *path, List *tlist, List *clauses,
									  Plan *outer_plan);

#endif							/* CMZ_PATH_H */
