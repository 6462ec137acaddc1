/*
 * overlay.h
 *	  What a scan sees of its own transaction's writes.
 *
 * Items of DynamoDB that the transaction has written are hidden, and what it
 * has made of them is given instead.  Whether those rows satisfy the query is
 * not decided here: whoever has an overlay checks all conditions.
 */
#ifndef CMZ_OVERLAY_H
#define CMZ_OVERLAY_H

#include "fdw/bind.h"
#include "fdw/row.h"
#include "fdw/writeset.h"

typedef struct CmzOverlay
{
	const CmzPendingTable *table;
	CommandId	curcid;			/* of the scan's snapshot */
	int			nversions;		/* items that the scan may have to give */
	int			next;
	const CmzVersion **versions;
	CmzPage		page;			/* of the one that was read last */
} CmzOverlay;

/*
 * The overlay for a scan of the table by a snapshot, palloc'd in the current
 * context; NULL if there is nothing that it sees.
 */
extern CmzOverlay *cmz_overlay_open(const CmzTable *table, CommandId curcid,
									const CmzBinding *binding);

/* The item that was read last from DynamoDB is to be passed over. */
extern bool cmz_overlay_hides(const CmzOverlay *overlay, const CmzRowReader *reader);

/* Read the next written item, as cmz_row_read does; false behind the last. */
extern bool cmz_overlay_read(CmzOverlay *overlay, CmzRowReader *reader,
							 Datum *values, bool *nulls);

/* From the first one again. */
extern void cmz_overlay_rewind(CmzOverlay *overlay);

#endif							/* CMZ_OVERLAY_H */
