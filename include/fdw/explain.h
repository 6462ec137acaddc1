/*
 * explain.h
 *	  What EXPLAIN says of a foreign scan or modification.
 */
#ifndef CMZ_EXPLAIN_H
#define CMZ_EXPLAIN_H

#include "fdw/compat.h"
#include "foreign/fdwapi.h"

extern void cmzExplainForeignScan(ForeignScanState *node, struct ExplainState *es);

extern void cmzExplainForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo,
									List *fdw_private, int subplan, struct ExplainState *es);

#endif							/* CMZ_EXPLAIN_H */
