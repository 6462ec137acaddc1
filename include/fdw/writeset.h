/*
 * writeset.h
 *	  What this transaction has written and not sent yet.
 *
 * For each item (of a server and table, by primary key) the set knows what
 * stood in DynamoDB when the transaction first touched it, and a chain of
 * versions: what it became, by which command and in which subtransaction.  So a
 * scan sees what its snapshot sees, a savepoint takes back what came after it,
 * and at commit only the last version of an item is written.
 *
 * The set lives in the top transaction's memory context and is forgotten with it.
 */
#ifndef CMZ_WRITESET_H
#define CMZ_WRITESET_H

#include "base/writerequest.h"
#include "client/call.h"
#include "fdw/table.h"
#include "lib/ilist.h"

/* GUC: versions kept at most. */
extern int	cmz_max_pending_writes;

typedef struct CmzPendingItem CmzPendingItem;

/*
 * On whose behalf writes are sent: one server, one user.  What their options say is
 * looked up at commit: a savepoint may take back what it is now.
 */
typedef struct CmzWriteGroup
{
	dlist_node	node;			/* in the set's list */
	Oid			serverid;
	Oid			userid;
	int			concurrency;	/* requests in flight */
} CmzWriteGroup;

typedef struct CmzVersion
{
	dlist_node	node;			/* in the set's list, in the order of writing */
	CmzPendingItem *item;
	struct CmzVersion *older;
	CommandId	cid;			/* of the command that wrote it */
	int			level;			/* nesting level of its subtransaction */
	char	   *image;			/* the item's JSON, NULL: deleted */
	int			len;
	bool		fresh;			/* an item of its own, not the one before changed */
	bool		skips_duplicates;	/* by ON CONFLICT DO NOTHING */
	bool		unconditional;	/* a deletion of whatever stands there */
	bool		must_be_atomic; /* option atomic_writes */
	CmzPendingItem *moved_from; /* an UPDATE of the key: where the item was */
	const struct CmzExpected *expected;
	CmzWriteGroup *group;
} CmzVersion;

/* One DynamoDB table. */
typedef struct CmzPendingTable
{
	dlist_node	node;
	Oid			serverid;
	const char *name;
	CmzIndex	keys;
	struct HTAB *hash;			/* canonical key -> CmzPendingItem */
	dlist_head	items;			/* in the order in which they were touched */
} CmzPendingTable;

struct CmzPendingItem
{
	const char *id;				/* cmz_key_id(), must be first: the hash table's key */
	dlist_node	node;
	CmzPendingTable *table;
	CmzOperand	key[2];
	char	   *base;			/* what stood in DynamoDB, as far as it was read;
								 * NULL: nothing, or that was assumed */
	int			base_len;
	bool		looked_for;		/* base is known, not assumed */
	CmzVersion *newest;

	/* at commit: items that moved, one to the place of another, go together */
	CmzPendingItem *leader;		/* of those that do, in the end itself */
	struct CmzWriteUnit *unit;	/* of a leader: what is to be sent */
};

/* Attributes that a statement has relied on. */
typedef struct CmzExpected
{
	int			n;
	const char **names;
	struct CmzExpected *next;
} CmzExpected;

/* The set, for those who walk through it. */
typedef struct CmzWriteSet
{
	MemoryContext context;
	dlist_head	tables;
	dlist_head	groups;
	dlist_head	versions;		/* oldest first */
	int			nversions;
	CmzExpected *expected;		/* each once */
} CmzWriteSet;

/* NULL if nothing is pending. */
extern CmzWriteSet *cmz_writeset_current(void);

/* Its transaction is over. */
extern void cmz_writeset_forget(void);

/*
 * The pending items of a foreign table's DynamoDB table; NULL if there are
 * none.
 */
extern CmzPendingTable *cmz_writeset_table(const CmzTable *table);

/* The item of that key, NULL if the transaction has not touched it. */
extern CmzPendingItem *cmz_writeset_find(const CmzPendingTable *table, const CmzOperand *key);

/* What a snapshot sees of an item; NULL: what stands in DynamoDB. */
extern const CmzVersion *cmz_pending_visible(const CmzPendingItem *item, CommandId curcid);

/* A write to be added; everything is copied. */
typedef struct CmzPendingWrite
{
	const CmzTable *table;
	Oid			userid;
	CommandId	cid;
	const CmzOperand *key;
	const CmzSpan *base;		/* what stands in DynamoDB if this is the first write
								 * to the item; NULL: nothing */
	const CmzSpan *image;		/* NULL: the item is deleted */
	bool		looked_for;		/* base is known, not assumed */
	bool		fresh;
	bool		skips_duplicates;
	bool		unconditional;
	int			nexpected;
	const char *const *expected;
} CmzPendingWrite;

/*
 * Add a version.  Raises CONFIGURATION_LIMIT_EXCEEDED (53400) if there are
 * cmz_fdw.max_pending_writes already, and FEATURE_NOT_SUPPORTED in a parallel
 * worker.
 */
extern void cmz_writeset_add(const CmzPendingWrite *write);

/* A subtransaction (of this nesting level) ends. */
extern void cmz_writeset_commit_level(int level);
extern void cmz_writeset_abort_level(int level);

/*
 * The item's key for a message, in the server's encoding.  It must not fail: it is
 * about errors, and what has been stored is said with it.
 */
extern char *cmz_key_text(const CmzIndex *keys, const CmzOperand *key);

#endif							/* CMZ_WRITESET_H */
