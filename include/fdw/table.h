/*
 * table.h
 *	  One foreign table: its columns and their attributes, its layout, its
 *	  options.  From the catalogs only, never from the network.
 */
#ifndef CMZ_TABLE_H
#define CMZ_TABLE_H

#include "base/layout.h"
#include "fdw/value.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"

/* What becomes of a query that must read the whole table. */
typedef enum CmzScanPolicy
{
	CMZ_SCAN_ALLOW,
	CMZ_SCAN_WARN,
	CMZ_SCAN_DENY
} CmzScanPolicy;

typedef struct CmzTable
{
	Oid			relid;
	Oid			serverid;
	char	   *name;			/* of the foreign table, for messages */
	char	   *table_name;		/* of the DynamoDB table */
	CmzLayout	layout;			/* names in UTF-8 */

	int			natts;
	CmzColumn  *columns;		/* by attribute number - 1 */
	CmzColumn  *extra;			/* the column of all other attributes, or NULL */

	bool		consistent_read;
	int			ttl_days;
	bool		hide_expired;
	int			concurrency;	/* requests in flight for one scan */
	CmzScanPolicy scan_policy;
	bool		immediate;		/* write_mode: writes are sent as they come */
	bool		must_be_atomic; /* atomic_writes: a commit is one request, or none */
	bool		truncatable;
	double		estimated_items;
	int			estimated_item_bytes;
} CmzTable;

#define CMZ_DEFAULT_ITEMS		1000000
#define CMZ_DEFAULT_ITEM_BYTES	500
#define CMZ_DEFAULT_CONCURRENCY 8
#define CMZ_MAX_CONCURRENCY		64

/*
 * Describe a foreign table; palloc'd in the current context.  Raises
 * FDW_INVALID_DATA_TYPE for a column of a type that no attribute maps to, and
 * FDW_INVALID_ATTRIBUTE_VALUE for options that contradict each other.
 */
extern CmzTable *cmz_table_open(Oid relid);

/*
 * The foreign table that an SQL function is called with, locked to the end of the
 * transaction.  Raises WRONG_OBJECT_TYPE if it is no foreign table of this wrapper,
 * INSUFFICIENT_PRIVILEGE if the current user lacks the privilege (0: none is
 * needed) on it, and what cmz_table_open raises.
 */
extern CmzTable *cmz_table_open_argument(Oid relid, LOCKMODE lockmode, AclMode privilege);

/* Raise INSUFFICIENT_PRIVILEGE unless the current user owns the table. */
extern void cmz_table_check_owner(const CmzTable *table);

/*
 * The DynamoDB table that is meant where none is named: of the environment, or
 * the guide's.  Raises FDW_INVALID_ATTRIBUTE_VALUE for a bad environment.
 */
extern char *cmz_table_default_name(void);

/*
 * The table allows modifications, by its option or its server's.  Looks at
 * nothing else, so that a table that cannot be opened can be described.
 */
extern bool cmz_table_is_updatable(Oid relid);

/* The foreign table stands for the same DynamoDB table. */
extern bool cmz_table_is_same(const CmzTable *table, Oid relid);

/* The attribute numbers of all columns, as a list. */
extern List *cmz_table_columns(const CmzTable *table);

/* The policy of that name; false if there is none. */
extern bool cmz_table_parse_policy(const char *name, CmzScanPolicy *policy);

/* The first column that shows an attribute, NULL if none does. */
extern CmzColumn *cmz_table_column(const CmzTable *table, const char *attribute);

/*
 * Does the index hold every item that has its partition key?  An item without
 * the index's sort key is not in the index, unless no item can lack it.
 */
extern bool cmz_table_index_is_complete(const CmzTable *table, const CmzIndex *index);

/*
 * The type that the layout knows the attribute to have: in the conversation
 * layout all keys are S.  CMZ_TYPE_NONE if it does not know.
 */
extern CmzType cmz_table_key_type(const CmzTable *table, const char *attribute);

#endif							/* CMZ_TABLE_H */
