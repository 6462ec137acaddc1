/*
 * scan.h
 *	  Executes a foreign scan.
 */
#ifndef CMZ_SCAN_H
#define CMZ_SCAN_H

#include "fdw/bind.h"
#include "fdw/row.h"
#include "fdw/stream.h"
#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"

/* A scan under way (node->fdw_state). */
typedef struct CmzScanState
{
	CmzTable   *table;
	CmzPlan    *plan;
	Oid			userid;			/* whose mapping it uses, from the start */
	CmzClient  *client;			/* NULL until rows are asked for */
	List	   *operands;		/* ExprStates of fdw_exprs */
	CmzRowReader *reader;
	CmzBinding	binding;
	bool		is_bound;		/* binding holds for this (re)scan */
	CmzStream  *stream;
	bool		page_is_open;
	CmzCounters counters;		/* over all rescans */
	MemoryContext bind_context; /* binding and stream; reset at a rescan */
	MemoryContext row_context;	/* one row */
} CmzScanState;

extern void cmzBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *cmzIterateForeignScan(ForeignScanState *node);
extern void cmzReScanForeignScan(ForeignScanState *node);
extern void cmzEndForeignScan(ForeignScanState *node);

#endif							/* CMZ_SCAN_H */
