/*
 * item.h
 *	  Rows to items: what INSERT stores, with what the data model adds.
 */
#ifndef CMZ_ITEM_H
#define CMZ_ITEM_H

#include "executor/tuptable.h"
#include "fdw/table.h"
#include "lib/stringinfo.h"

/* Makes the items of one statement. */
typedef struct CmzItemBuilder
{
	const CmzTable *table;
	int64		last_usec;		/* time given to the row before, 0: none */
	int64		expired;		/* rows whose ttl has already passed */
} CmzItemBuilder;

/* An item about to be written, in UTF-8. */
typedef struct CmzItem
{
	CmzOperand	key[2];			/* partition key, sort key; they may point into the
								 * slot */
	StringInfoData json;
	bool		filled;			/* the slot has more values than its tuple */
} CmzItem;

extern CmzItemBuilder *cmz_item_builder_create(const CmzTable *table);

/*
 * Make the item of a row.  In a table of conversations timestamp, composite
 * key and ttl are made up if the row leaves them out, and added to the slot's
 * values; cmz_item_show makes them its tuple, when the item is not needed any
 * more.  Raises NOT_NULL_VIOLATION for a missing key, CHECK_VIOLATION for
 * a composite key that disagrees, INVALID_PARAMETER_VALUE for an empty key,
 * INVALID_DATETIME_FORMAT for a time that is none, PROGRAM_LIMIT_EXCEEDED for
 * a key that is too long.
 */
extern void cmz_item_build(CmzItemBuilder *builder, TupleTableSlot *slot, CmzItem *item);

/* Show what was made up in RETURNING and triggers. */
extern void cmz_item_show(const CmzItem *item, TupleTableSlot *slot);

/* The item's key for a message: (userId, sessionIdTimestamp)=(u, s#t). */
extern char *cmz_item_describe_key(const CmzTable *table, const CmzItem *item);

#endif							/* CMZ_ITEM_H */
