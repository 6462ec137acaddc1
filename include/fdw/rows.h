/*
 * rows.h
 *	  From a bound plan to rows: its requests, its streams, its order.
 */
#ifndef CMZ_ROWS_H
#define CMZ_ROWS_H

#include "executor/tuptable.h"
#include "fdw/fetch.h"
#include "fdw/merge.h"
#include "fdw/overlay.h"
#include "fdw/reads.h"
#include "fdw/row.h"
#include "port/atomics.h"

/* What the rows of one (re)scan are read with. */
typedef struct CmzRows
{
	const CmzTable *table;
	const CmzPlan *plan;
	const CmzBinding *binding;
	CmzRowReader *reader;
	CmzOverlay *overlay;		/* NULL: the transaction has written nothing here */
	CmzReads	reads;			/* those that have not been made yet */
	CmzReadRequest base;		/* what all requests have in common */
	CmzItemReader *keys;		/* of a partial index */
	CmzFetch   *fetch;
	CmzMerge   *merge;			/* NULL: rows come in no order */
	CmzStream  *stream;			/* whose page is open */
	int			unpolled;		/* rows since the network was looked after */
	bool		repeated;		/* these rows have been given before */
	StringInfoData sent;		/* what a few reads send, to compare */
	pg_atomic_uint32 *segment;	/* next one, shared by parallel workers */
	pg_atomic_uint32 own_segment;
} CmzRows;

/*
 * Make the streams of a binding; sends nothing yet.  Palloc'd in the current
 * context, to which binding and reader must belong too, or live longer.
 * wanted: how many rows will be asked for, 0 if all.  segment: see above.
 * overlay may be NULL.
 */
extern CmzRows *cmz_rows_open(const CmzTable *table, const CmzPlan *plan,
							  const CmzBinding *binding, const CmzClient *client,
							  CmzRowReader *reader, CmzCounters *counters,
							  CmzOverlay *overlay, double wanted, pg_atomic_uint32 *segment);

typedef enum CmzRowsResult
{
	CMZ_ROWS_ROW,
	CMZ_ROWS_WAIT,				/* the network has to be waited for */
	CMZ_ROWS_END
} CmzRowsResult;

#define CMZ_ARM_OVERLAY		(-1)

/*
 * The next row, in slot (with the columns of the table), and the arm that it is
 * from; CMZ_ARM_OVERLAY if this transaction has written it.  Its values live until the next call, or in the current context.  Rows
 * in order are waited for in any case.
 */
extern CmzRowsResult cmz_rows_next(CmzRows *rows, TupleTableSlot *slot, int *arm, bool may_wait);

/* How many items there are, by Select=COUNT; only if the binding is exact. */
extern int64 cmz_rows_count(CmzRows *rows);

/* The first rows again, without a request; false if they are gone. */
extern bool cmz_rows_can_rewind(const CmzRows *rows);
extern void cmz_rows_rewind(CmzRows *rows);

/* The binding would send what was sent for these rows. */
extern bool cmz_rows_same_reads(const CmzRows *rows, const CmzBinding *binding);

#endif							/* CMZ_ROWS_H */
