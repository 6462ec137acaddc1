/*
 * scan.h
 *	  Executes a foreign scan.
 */
#ifndef CMZ_SCAN_H
#define CMZ_SCAN_H

#include "access/sysattr.h"
#include "client/wait.h"
#include "fdw/rows.h"
#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"
#include "storage/dsm.h"

typedef struct CmzParallelScan CmzParallelScan;

/* Columns of a scan that are none of the table. */
#define CMZ_COLUMN_COUNT	(-100)	/* how many rows there are */
#define CMZ_COLUMN_ITEM		SelfItemPointerAttributeNumber	/* a bytea: the row's
															 * item as JSON */

typedef struct CmzOperandType
{
	Oid			type;			/* its base type */
	int16		len;
	bool		byval;
} CmzOperandType;

/* A scan under way (node->fdw_state). */
typedef struct CmzScanState
{
	CmzTable   *table;
	CmzPlan    *plan;
	Oid			userid;			/* whose mapping it uses, from the start */
	CmzClient  *client;			/* NULL until rows are asked for */
	List	   *operands;		/* ExprStates of fdw_exprs */
	CmzOperandType *operand_types;	/* by operand */
	ExprState  *recheck;		/* the conditions that DynamoDB decides */
	CmzRowReader *reader;
	CmzRowReader *wide_reader;	/* with the columns of recheck; NULL: not needed
								 * so far */

	/* below a batched join, which sets the keys before each rescan */
	bool		is_batched;
	Datum		batch[2];		/* arrays, see CmzPlan.batch_nos */

	/* scans with others, see parallel.c */
	CmzParallelScan *parallel;	/* NULL: not parallel, or not any more */
	pg_atomic_uint32 *parallel_segment;
	dsm_segment *dsm;
	CmzPollable *pollable;
	bool		no_wait;		/* give up rather than wait for the network */
	bool		not_ready;		/* ... has been done */

	/* this (re)scan */
	CmzBinding *binding;		/* NULL: not bound yet */
	CmzRows    *rows;			/* NULL: nothing to read */
	int64		to_skip;		/* OFFSET */
	int64		to_give;		/* LIMIT, -1: all */
	bool		counted;		/* the one row of a count has been given */
	bool		may_repeat;		/* rows may do for the next (re)scan */
	bool		policy_applied;

	/*
	 * A scan of a foreign table gives its rows in the node's slot.  One that
	 * stands for an upper relation, or whose rows are to be changed, has other
	 * columns: it reads into slot, and column i of the node's slot is attribute
	 * columns[i] of the table (0: the whole row), or one of those below.
	 */
	TupleTableSlot *slot;
	int			ncolumns;
	AttrNumber *columns;

	CmzCounters counters;		/* over all rescans */
	MemoryContext bind_context; /* binding and rows; reset at a rescan */
	MemoryContext row_context;	/* one row */
} CmzScanState;

extern void cmzBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *cmzIterateForeignScan(ForeignScanState *node);
extern void cmzReScanForeignScan(ForeignScanState *node);
extern void cmzEndForeignScan(ForeignScanState *node);

/* Follow scan_policy, once; see guard.h. */
extern void cmz_scan_apply_policy(CmzScanState *state);

#endif							/* CMZ_SCAN_H */
