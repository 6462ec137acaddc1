/*
 * merge.h
 *	  Rows in the order of the sort key: the streams of several keys merged.
 *
 * Times kept as text are in order only to the second, so the rows of one second
 * of a stream are sorted before they leave it.
 */
#ifndef CMZ_MERGE_H
#define CMZ_MERGE_H

#include "access/htup.h"
#include "fdw/fetch.h"
#include "fdw/overlay.h"

typedef struct CmzMerge CmzMerge;

/* The column is a time kept as text: its order is known to the second only. */
extern bool cmz_merge_by_second(const CmzTable *table, AttrNumber attnum);

/*
 * Merge all streams of fetch, and what the transaction has written (overlay, may
 * be NULL), by a column, descending or not; composite if the streams are in the
 * order of another key, which ends with it.  Opens nothing yet;
 * palloc'd in the current context.
 */
extern CmzMerge *cmz_merge_create(CmzFetch *fetch, CmzRowReader *reader, CmzOverlay *overlay,
								  TupleDesc desc, AttrNumber attnum, bool descending, bool composite);

/*
 * The next row, NULL at the end.  It lives where the merge does, and is the
 * caller's to free.  Raises what cmz_fetch_follow and cmz_row_read raise, and DATA_EXCEPTION for an item
 * that breaks the order.
 */
extern HeapTuple cmz_merge_next(CmzMerge *merge);

#endif							/* CMZ_MERGE_H */
