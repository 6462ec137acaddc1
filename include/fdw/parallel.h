/*
 * parallel.h
 *	  Scans with others: parallel workers that share the segments of a table,
 *	  and Append over several servers at once.
 */
#ifndef CMZ_PARALLEL_H
#define CMZ_PARALLEL_H

#include "access/parallel.h"
#include "fdw/compat.h"
#include "foreign/fdwapi.h"

extern bool cmzIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);
extern Size cmzEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt);
extern void cmzInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
										void *coordinate);
extern void cmzReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
										  void *coordinate);
extern void cmzInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc,
										   void *coordinate);
extern void cmzShutdownForeignScan(ForeignScanState *node);

/*
 * Workers do not know what this transaction has written: while that is pending,
 * plans run without them.  Once, when the library is loaded.
 */
extern void cmz_parallel_install_hook(void);

struct CmzScanState;

/* The scan ends before its workers' segment does. */
extern void cmz_parallel_forget(struct CmzScanState *state);

extern bool cmzIsForeignPathAsyncCapable(ForeignPath *path);
extern void cmzForeignAsyncRequest(AsyncRequest *areq);
extern void cmzForeignAsyncConfigureWait(AsyncRequest *areq);
extern void cmzForeignAsyncNotify(AsyncRequest *areq);

#endif							/* CMZ_PARALLEL_H */
