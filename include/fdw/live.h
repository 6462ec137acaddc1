/*
 * live.h
 *	  The table as DescribeTable tells of it.
 *
 * Source: DynamoDB API reference, TableDescription.
 */
#ifndef CMZ_LIVE_H
#define CMZ_LIVE_H

#include "base/attribute.h"
#include "base/layout.h"
#include "fdw/control.h"

/*
 * DescribeTable: its member "Table".  Raises what the call raises, UNDEFINED_TABLE
 * if there is no such table, and PROTOCOL_VIOLATION if the answer has none.
 */
extern json_t *cmz_live_describe(const CmzClient *client, const char *table);

/*
 * The keys and the indexes (by name: DynamoDB lists them in no order) of a
 * description; everything is palloc'd.  Raises PROTOCOL_VIOLATION for a description
 * without keys or with an index without a name; table is its name.
 */
extern void cmz_live_layout(const json_t *description, const char *table, CmzLayout *layout);

/* The description of a global index, NULL if there is none of that name. */
extern json_t *cmz_live_global_index(const json_t *description, const char *name);

/* The type of a key attribute; CMZ_TYPE_NONE if it is none of the table's. */
extern CmzType cmz_live_key_type(const json_t *description, const char *attribute);

#endif							/* CMZ_LIVE_H */
