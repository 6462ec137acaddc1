/*
 * item.h
 *	  Rows to items: what INSERT stores and UPDATE changes, with what the data
 *	  model adds.
 */
#ifndef CMZ_ITEM_H
#define CMZ_ITEM_H

#include "base/image.h"
#include "executor/tuptable.h"
#include "fdw/row.h"
#include "fdw/table.h"
#include "lib/stringinfo.h"

/* Makes the items of one statement. */
typedef struct CmzItemBuilder
{
	const CmzTable *table;
	int64		last_usec;		/* time given to the row before, 0: none */
	int64		expired;		/* rows whose ttl has already passed */
	CmzRowReader *reader;		/* of all columns, once it is needed */
	bool		has_shared;		/* several columns show one attribute */
} CmzItemBuilder;

/*
 * An item about to be written, in UTF-8.  Nothing of it points into the slot that it
 * was made of.
 */
typedef struct CmzItem
{
	CmzOperand	key[2];			/* partition key, sort key */
	CmzImage	image;
	StringInfoData json;		/* the same */
	bool		filled;			/* the slot has more values than its tuple */
} CmzItem;

extern CmzItemBuilder *cmz_item_builder_create(const CmzTable *table);

/*
 * Make the item of a new row.  In a table of conversations timestamp, composite
 * key and ttl are made up if the row leaves them out, and added to the slot's
 * values; cmz_item_show makes them its tuple.  Raises NOT_NULL_VIOLATION for a
 * missing key, CHECK_VIOLATION for a composite key that disagrees,
 * INVALID_PARAMETER_VALUE for an empty key, INVALID_DATETIME_FORMAT for a time that
 * is none, PROGRAM_LIMIT_EXCEEDED for a key that is too long or an item that is too
 * large.
 */
extern void cmz_item_build(CmzItemBuilder *builder, TupleTableSlot *slot, CmzItem *item);

/*
 * Make the item that an item becomes when its row becomes the slot's.  What the
 * row does not change stays as it was stored, byte for byte.  If session or time
 * change in a table of conversations, so does the composite key.  Raises what
 * cmz_item_build raises.
 */
extern void cmz_item_change(CmzItemBuilder *builder, const CmzSpan *before,
							TupleTableSlot *slot, CmzItem *item);

/*
 * The primary key of an item, for operations on it; palloc'd.  Raises
 * PROTOCOL_VIOLATION if it has none.
 */
extern void cmz_item_key(const CmzTable *table, const CmzImage *image, CmzOperand *key);

/*
 * A reader for all columns of items, which lives as long as the builder.
 */
extern CmzRowReader *cmz_item_reader(CmzItemBuilder *builder);

/* Show what was made up in RETURNING and triggers. */
extern void cmz_item_show(const CmzItem *item, TupleTableSlot *slot);

#endif							/* CMZ_ITEM_H */
