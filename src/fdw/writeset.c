/*
 * writeset.c
 *	  What this transaction has written and not sent yet.
 *
 * Versions are never taken out but by the end of their subtransaction: a cursor
 * or a function's snapshot may still see an older one.  Since subtransactions
 * nest, those of the innermost are always the last in the list of all versions.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/key.h"
#include "common/hashfn.h"
#include "fdw/commit.h"
#include "fdw/writeset.h"
#include "mb/pg_wchar.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

int			cmz_max_pending_writes = 100000;

static CmzWriteSet *current = NULL;

CmzWriteSet *
cmz_writeset_current(void)
{
	return current;
}

void
cmz_writeset_forget(void)
{
	/* its memory goes with the transaction's */
	current = NULL;
}

static CmzWriteSet *
open_set(void)
{
	MemoryContext context;

	if (current != NULL)
		return current;
	cmz_commit_register();
	context = AllocSetContextCreate(TopTransactionContext, "cmz_fdw write set",
									ALLOCSET_DEFAULT_SIZES);
	current = MemoryContextAllocZero(context, sizeof(CmzWriteSet));
	current->context = context;
	dlist_init(&current->tables);
	dlist_init(&current->groups);
	dlist_init(&current->versions);
	return current;
}

static uint32
hash_id(const void *key, Size size)
{
	const char *id = *(const char *const *) key;

	return hash_bytes((const unsigned char *) id, strlen(id));
}

static int
compare_ids(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static CmzPendingTable *
find_table(const CmzTable *table)
{
	dlist_iter	iter;

	if (current == NULL)
		return NULL;
	dlist_foreach(iter, &current->tables)
	{
		CmzPendingTable *pending = dlist_container(CmzPendingTable, node, iter.cur);

		if (pending->serverid == table->serverid && strcmp(pending->name, table->table_name) == 0)
			return pending;
	}
	return NULL;
}

CmzPendingTable *
cmz_writeset_table(const CmzTable *table)
{
	CmzPendingTable *pending = find_table(table);

	return pending == NULL || dlist_is_empty(&pending->items) ? NULL : pending;
}

/* In the set's context. */
static CmzPendingTable *
open_table(CmzWriteSet *set, const CmzTable *table)
{
	CmzPendingTable *pending = find_table(table);
	HASHCTL		ctl = {0};

	if (pending != NULL)
		return pending;
	pending = palloc0(sizeof(CmzPendingTable));
	pending->serverid = table->serverid;
	pending->name = pstrdup(table->table_name);
	pending->keys.partition_key = pstrdup(table->layout.table.partition_key);
	if (table->layout.table.sort_key)
		pending->keys.sort_key = pstrdup(table->layout.table.sort_key);
	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(CmzPendingItem);
	ctl.hash = hash_id;
	ctl.match = compare_ids;
	ctl.hcxt = set->context;
	pending->hash = hash_create("cmz_fdw pending items", 256, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	dlist_init(&pending->items);
	dlist_push_tail(&set->tables, &pending->node);
	return pending;
}

/* In the set's context. */
static CmzWriteGroup *
open_group(CmzWriteSet *set, const CmzTable *table, Oid userid)
{
	CmzWriteGroup *group = NULL;
	dlist_iter	iter;

	dlist_foreach(iter, &set->groups)
	{
		CmzWriteGroup *other = dlist_container(CmzWriteGroup, node, iter.cur);

		if (other->serverid == table->serverid && other->userid == userid)
			group = other;
	}
	if (group == NULL)
	{
		group = palloc0(sizeof(CmzWriteGroup));
		group->serverid = table->serverid;
		group->userid = userid;
		dlist_push_tail(&set->groups, &group->node);
	}
	group->concurrency = table->concurrency;
	return group;
}

CmzPendingItem *
cmz_writeset_find(const CmzPendingTable *table, const CmzOperand *key)
{
	char	   *id = cmz_key_id(key);
	CmzPendingItem *item = hash_search(table->hash, &id, HASH_FIND, NULL);

	pfree(id);
	return item;
}

const CmzVersion *
cmz_pending_visible(const CmzPendingItem *item, CommandId curcid)
{
	const CmzVersion *version = item->newest;

	while (version != NULL && version->cid >= curcid)
		version = version->older;
	return version;
}

static char *
copy_span(const CmzSpan *span)
{
	return span ? pnstrdup(span->data, span->len) : NULL;
}

/*
 * In the set's context.  Memory may run out on the way, and somebody catch that: the
 * item is known once it is complete.
 */
static CmzPendingItem *
open_item(CmzWriteSet *set, CmzPendingTable *table, const CmzPendingWrite *write)
{
	CmzPendingItem *item = cmz_writeset_find(table, write->key);
	CmzOperand	key[2] = {0};
	char	   *base;
	char	   *text;
	const char *id;

	if (item != NULL)
		return item;
	for (int i = 0; i < 2 && write->key[i].type != CMZ_TYPE_NONE; i++)
	{
		key[i] = write->key[i];
		key[i].data = memcpy(palloc(key[i].len + 1), write->key[i].data, key[i].len);
	}
	base = copy_span(write->base);
	text = cmz_key_id(write->key);
	id = pstrdup(text);			/* without the room that it was made in */
	pfree(text);
	item = hash_search(table->hash, &id, HASH_ENTER, NULL);
	item->table = table;
	memcpy(item->key, key, sizeof(key));
	item->base = base;
	item->base_len = write->base ? write->base->len : 0;
	item->looked_for = write->base != NULL || write->looked_for;
	item->newest = NULL;
	dlist_push_tail(&table->items, &item->node);
	return item;
}

static bool
same_names(const CmzExpected *expected, int n, const char *const *names)
{
	if (expected->n != n)
		return false;
	for (int i = 0; i < n; i++)
		if (strcmp(expected->names[i], names[i]) != 0)
			return false;
	return true;
}

/* The statements of a transaction rely on few sets of attributes: keep each once. */
static const CmzExpected *
keep_expected(CmzWriteSet *set, int n, const char *const *names)
{
	CmzExpected *expected;

	for (expected = set->expected; expected != NULL; expected = expected->next)
		if (same_names(expected, n, names))
			return expected;
	expected = palloc0(sizeof(CmzExpected));
	expected->n = n;
	expected->names = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		expected->names[i] = pstrdup(names[i]);
	expected->next = set->expected;
	set->expected = expected;
	return expected;
}

static void
check_room(void)
{
	if (IsInParallelMode())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to a foreign table during a parallel operation")));
	if (current != NULL && current->nversions >= cmz_max_pending_writes)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many writes in one transaction"),
				 errdetail("They are kept in memory until the transaction commits; cmz_fdw.max_pending_writes is %d.",
						   cmz_max_pending_writes),
				 errhint("Commit in between, set option write_mode of the foreign table to 'immediate', or raise cmz_fdw.max_pending_writes.")));
}

void
cmz_writeset_add(const CmzPendingWrite *write)
{
	CmzWriteSet *set;
	CmzVersion *version;
	CmzPendingItem *item;
	MemoryContext old;

	check_room();
	set = open_set();
	old = MemoryContextSwitchTo(set->context);
	version = palloc0(sizeof(CmzVersion));
	version->cid = write->cid;
	version->level = GetCurrentTransactionNestLevel();
	version->image = copy_span(write->image);
	version->len = write->image ? write->image->len : 0;
	version->fresh = write->fresh;
	version->skips_duplicates = write->skips_duplicates;
	version->unconditional = write->unconditional;
	version->must_be_atomic = write->table->must_be_atomic;
	version->expected = keep_expected(set, write->nexpected, write->expected);
	version->group = open_group(set, write->table, write->userid);
	item = open_item(set, open_table(set, write->table), write);
	/* from here on nothing fails */
	version->item = item;
	version->older = item->newest;
	item->newest = version;
	dlist_push_tail(&set->versions, &version->node);
	set->nversions++;
	MemoryContextSwitchTo(old);
}

void
cmz_writeset_commit_level(int level)
{
	dlist_iter	iter;

	if (current == NULL)
		return;
	dlist_reverse_foreach(iter, &current->versions)
	{
		CmzVersion *version = dlist_container(CmzVersion, node, iter.cur);

		if (version->level < level)
			break;
		version->level = level - 1;
	}
}

/* The transaction has not touched the item, after all. */
static void
drop_item(CmzPendingItem *item)
{
	char	   *id = unconstify(char *, item->id);

	dlist_delete(&item->node);
	for (int i = 0; i < 2 && item->key[i].type != CMZ_TYPE_NONE; i++)
		pfree(unconstify(char *, item->key[i].data));
	if (item->base)
		pfree(item->base);
	(void) hash_search(item->table->hash, &item->id, HASH_REMOVE, NULL);
	pfree(id);
}

/* Tables without items: their keys may be what the catalogs no longer say. */
static void
drop_empty_tables(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &current->tables)
	{
		CmzPendingTable *table = dlist_container(CmzPendingTable, node, iter.cur);

		if (!dlist_is_empty(&table->items))
			continue;
		dlist_delete(&table->node);
		hash_destroy(table->hash);
		pfree(table);
	}
}

void
cmz_writeset_abort_level(int level)
{
	if (current == NULL)
		return;
	while (!dlist_is_empty(&current->versions))
	{
		CmzVersion *version = dlist_tail_element(CmzVersion, node, &current->versions);

		if (version->level < level)
			break;
		version->item->newest = version->older;
		if (version->item->newest == NULL)
			drop_item(version->item);
		dlist_delete(&version->node);
		if (version->image)
			pfree(version->image);
		pfree(version);
		current->nversions--;
	}
	drop_empty_tables();
}

char *
cmz_key_text(const CmzIndex *keys, const CmzOperand *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_key_describe(&buf, keys, key, GetDatabaseEncoding() != PG_UTF8);
	return buf.data;
}
