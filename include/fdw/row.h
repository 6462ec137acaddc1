/*
 * row.h
 *	  Items to rows: which attributes to ask for, and one item into one slot.
 */
#ifndef CMZ_ROW_H
#define CMZ_ROW_H

#include "fdw/table.h"
#include "nodes/bitmapset.h"

/* How many attributes fit a ProjectionExpression of 4 KB. */
#define CMZ_MAX_PROJECTION	700

typedef struct CmzRowReader
{
	const CmzTable *table;
	CmzItemReader *items;
	CmzColumn **slot_column;	/* by slot: the first column that shows it */
	bool	   *read_column;	/* by attribute number - 1: it is asked for */
	int			key_slot[2];	/* of the table's keys; -1: no sort key */
	bool		want_extra;
	Bitmapset  *utc_columns;	/* times whose zone must be UTC */

	/* what to ask DynamoDB for */
	bool		all_attributes;
	int			nprojection;
	const char **projection;

	/* the current item */
	CmzSpan		item;			/* its JSON, as it stands in the page */
	CmzValue	key[2];
	bool		has_key[2];
	const CmzColumn *column;	/* being read, for an error's context */
	StringInfoData scratch;
	StringInfoData extra;
} CmzRowReader;

/*
 * A reader for the columns of this list (attribute numbers).  The keys of the
 * table are asked for always: messages and writes name items by them.  whole:
 * all attributes are asked for.
 */
extern CmzRowReader *cmz_row_reader_create(const CmzTable *table, List *columns, bool whole);

/*
 * Read the next item of the page into values and nulls (natts each), in the
 * current context.  False at the end of the page.  Raises
 * FDW_INVALID_DATA_TYPE for a value that its column does not take,
 * INVALID_DATETIME_FORMAT for a time that is not in UTC where its order was
 * relied on, and PROTOCOL_VIOLATION for a malformed answer.
 */
extern bool cmz_row_read(CmzRowReader *reader, CmzPage *page, Datum *values, bool *nulls);

/*
 * The key of the item that was read last, as two operands (palloc'd).  Raises
 * PROTOCOL_VIOLATION if it has none.
 */
extern void cmz_row_key(const CmzRowReader *reader, CmzOperand *key);

/* The key of the item that was read last, for a message; palloc'd. */
extern char *cmz_row_describe_key(CmzRowReader *reader);

#endif							/* CMZ_ROW_H */
