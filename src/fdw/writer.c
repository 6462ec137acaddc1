/*
 * writer.c
 *	  Where the writes of one statement go: into the write set, or out at once.
 */
#include "postgres.h"

#include "base/key.h"
#include "base/request.h"
#include "common/hashfn.h"
#include "fdw/commit.h"
#include "fdw/exists.h"
#include "fdw/session.h"
#include "fdw/writer.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MAX_ID_HASH_BYTES	16	/* of an item's key, see written_before */

CmzWriter *
cmz_writer_create(const CmzTable *table, Oid userid, CommandId cid)
{
	CmzWriter  *writer = palloc0(sizeof(CmzWriter));

	writer->table = table;
	writer->userid = userid;
	writer->cid = cid;
	writer->context = CurrentMemoryContext;
	writer->client = cmz_session_client(table->serverid, userid);
	if (table->immediate && cmz_writeset_table(table) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to foreign table \"%s\" in write_mode 'immediate' while the transaction has other writes to table \"%s\" pending",
						table->name, table->table_name),
				 errhint("Commit them before, or use one write_mode for both.")));
	if (table->immediate)
	{
		writer->pipeline = cmz_pipeline_create(writer->client, table->concurrency,
											   table->serverid, table->table_name);
		writer->pipeline->progress->relid = table->relid;
	}
	return writer;
}

MemoryContext
cmz_writer_begin(CmzWriter *writer, MemoryContext row_context)
{
	MemoryContext context;

	if (writer->pipeline == NULL)
		return row_context;
	context = cmz_pipeline_room(writer->pipeline);
	cmz_pipeline_check(writer->pipeline);
	return context;
}

pg_noreturn static void raise_duplicate(const CmzWriter *writer, const CmzOperand *key);

static void
raise_duplicate(const CmzWriter *writer, const CmzOperand *key)
{
	const CmzTable *table = writer->table;

	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("duplicate key value in table \"%s\"", table->table_name),
			 errdetail("Key %s already exists.", cmz_key_text(&table->layout.table, key))));
}

static CmzPendingItem *
find_pending(const CmzWriter *writer, const CmzOperand *key)
{
	CmzPendingTable *pending = cmz_writeset_table(writer->table);

	return pending ? cmz_writeset_find(pending, key) : NULL;
}

/* Whether a key is taken is found out at once, and not at commit. */
static bool
looks_for_duplicates(const CmzWriter *writer)
{
	return writer->skips_duplicates || cmz_commit_is_far();
}

/* Look into DynamoDB for the keys that the transaction has not written. */
static void
find_stored(CmzWriter *writer, int n, CmzItem *const *items, bool *taken)
{
	CmzSoughtKey *keys = palloc(sizeof(CmzSoughtKey) * Max(n, 1));
	int		   *places = palloc(sizeof(int) * Max(n, 1));
	int			nkeys = 0;

	for (int i = 0; i < n; i++)
	{
		taken[i] = false;
		if (find_pending(writer, items[i]->key) != NULL)
			continue;
		keys[nkeys].key = items[i]->key;
		places[nkeys++] = i;
	}
	if (nkeys == 0 || !looks_for_duplicates(writer))
		return;
	cmz_exists_look(writer->client, writer->table, nkeys, keys);
	for (int i = 0; i < nkeys; i++)
		taken[places[i]] = keys[i].exists;
}

/*
 * What must not have changed of an item that was read: what the statement looked
 * at, or everything, so far as names are known: the attributes that it had, and
 * those that columns show.
 */
static int
expected_names(const CmzWriter *writer, const CmzImage *before, bool all, const char *const **names)
{
	const CmzTable *table = writer->table;
	const char **list;
	int			n = 0;

	*names = writer->expected;
	if (!all && !writer->expects_all)
		return writer->nexpected;
	list = palloc(sizeof(char *) * Max(before->n + table->natts, 1));
	for (int i = 0; i < before->n; i++)
		list[n++] = before->attributes[i].name;
	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].attribute && !cmz_image_find(before, table->columns[i].attribute))
			list[n++] = table->columns[i].attribute;
	*names = list;
	return n;
}

/* image: before, taken apart; moves: it is to go to another key. */
static void
add_version(const CmzWriter *writer, const CmzOperand *key, const CmzSpan *before,
			const CmzImage *image_before, const CmzItem *item, bool fresh, bool moves)
{
	CmzSpan		image = {0};
	CmzPendingWrite write = {writer->table, writer->userid, writer->cid, key};

	if (item != NULL)
		image = (CmzSpan) {item->json.data, item->json.len, false};
	write.base = before;
	write.image = item ? &image : NULL;
	write.looked_for = fresh && looks_for_duplicates(writer);
	write.fresh = fresh;
	write.skips_duplicates = fresh && writer->skips_duplicates;
	if (before != NULL)
		write.nexpected = expected_names(writer, image_before, moves, &write.expected);
	cmz_writeset_add(&write);
}

static void
insert_pending(CmzWriter *writer, int n, CmzItem *const *items, bool *taken)
{
	find_stored(writer, n, items, taken);
	for (int i = 0; i < n; i++)
	{
		const CmzPendingItem *pending = find_pending(writer, items[i]->key);

		if (pending != NULL)
			taken[i] = pending->newest->image != NULL;
		if (!taken[i])
			add_version(writer, items[i]->key, NULL, NULL, items[i], true, false);
		else if (!writer->skips_duplicates)
			raise_duplicate(writer, items[i]->key);
	}
}

static CmzWrite *
make_write(const CmzWriter *writer, const CmzOperand *key, const CmzImage *before,
		   const CmzImage *after, bool moves)
{
	CmzWrite   *write = palloc0(sizeof(CmzWrite));

	write->table = writer->table->table_name;
	write->keys = &writer->table->layout.table;
	memcpy(write->key, key, sizeof(write->key));
	write->base = before;
	write->image = after;
	if (before != NULL)
		write->nexpected = expected_names(writer, before, moves, &write->expected);
	return write;
}

void
cmz_writer_insert(CmzWriter *writer, int n, CmzItem *const *items, bool *taken)
{
	if (writer->pipeline == NULL)
	{
		insert_pending(writer, n, items, taken);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		CmzSending *sending;

		taken[i] = false;
		sending = cmz_pipeline_send(writer->pipeline, 1,
									make_write(writer, items[i]->key, NULL, &items[i]->image, false));
		if (writer->skips_duplicates)
			sending->refused = &taken[i];
	}
	cmz_pipeline_check(writer->pipeline);
}

/* An item of the transaction that the statement's snapshot does not see. */
static bool
changed_before(const CmzWriter *writer, const CmzPendingItem *item)
{
	const CmzVersion *newest = item ? item->newest : NULL;

	if (newest == NULL || newest->cid < writer->cid)
		return false;
	if (newest->cid > writer->cid)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("tuple to be updated or deleted was already modified by an operation triggered by the current command"),
				 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")));
	return true;
}

static bool
same_key(const CmzOperand *a, const CmzOperand *b)
{
	return cmz_operand_compare(&a[0], &b[0]) == 0 &&
		(a[1].type == CMZ_TYPE_NONE || cmz_operand_compare(&a[1], &b[1]) == 0);
}

/*
 * An item of this transaction is to go again: then nothing is left that would find
 * out at commit whether its key was taken all the time.
 */
static void
verify_new(CmzWriter *writer, CmzPendingItem *item)
{
	CmzSoughtKey key = {item->key, false};

	if (item->looked_for)
		return;
	cmz_exists_look(writer->client, writer->table, 1, &key);
	if (key.exists)
		raise_duplicate(writer, item->key);
	item->looked_for = true;
}

static bool
change_pending(CmzWriter *writer, const CmzOperand *key, const CmzSpan *before,
			   const CmzImage *image, const CmzItem *item, bool moves)
{
	CmzItem    *moved = unconstify(CmzItem *, item);
	CmzPendingItem *pending = find_pending(writer, key);
	bool		taken;

	if (changed_before(writer, pending))
		return false;
	if (pending != NULL && (moves || item == NULL))
		verify_new(writer, pending);
	if (!moves)
	{
		add_version(writer, key, before, image, item, false, false);
		return true;
	}
	/* first the old place: the new one may be the same item's, spelled otherwise */
	add_version(writer, key, before, image, NULL, false, true);
	insert_pending(writer, 1, &moved, &taken);
	find_pending(writer, item->key)->newest->moved_from = find_pending(writer, key);
	return true;
}

/*
 * Without a write set, a scan may meet what the statement has changed: remember
 * that, by a hash of the key that is as good as the key.
 */
static bool
written_before(CmzWriter *writer, const CmzOperand *key)
{
	char	   *text = cmz_key_id(key);
	uint64		id[2];
	HASHCTL		ctl = {0};
	bool		found;

	if (writer->written == NULL)
	{
		ctl.keysize = MAX_ID_HASH_BYTES;
		ctl.entrysize = MAX_ID_HASH_BYTES;
		ctl.hcxt = writer->context;
		writer->written = hash_create("cmz_fdw written items", 1024, &ctl,
									  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	id[0] = hash_bytes_extended((unsigned char *) text, strlen(text), 1);
	id[1] = hash_bytes_extended((unsigned char *) text, strlen(text), 2);
	pfree(text);
	(void) hash_search(writer->written, id, HASH_ENTER, &found);
	return found;
}

static bool
change_at_once(CmzWriter *writer, const CmzOperand *key, const CmzImage *before,
			   const CmzItem *item, bool moves)
{
	CmzWrite   *writes = palloc0(sizeof(CmzWrite) * 2);

	if (written_before(writer, key))
		return false;
	writes[0] = *make_write(writer, key, before, item && !moves ? &item->image : NULL, moves);
	if (moves)
	{
		writes[1] = *make_write(writer, item->key, NULL, &item->image, false);
		(void) written_before(writer, item->key);
	}
	if (cmz_write_op(&writes[0]) != CMZ_WRITE_NOTHING)
		(void) cmz_pipeline_send(writer->pipeline, moves ? 2 : 1, writes);
	cmz_pipeline_check(writer->pipeline);
	return true;
}

bool
cmz_writer_change(CmzWriter *writer, const CmzSpan *before, const CmzItem *item)
{
	CmzImage   *image = palloc(sizeof(CmzImage));
	CmzOperand	key[2];
	bool		moves;

	if (!cmz_image_parse(image, before->data, before->len))
		elog(ERROR, "item of foreign table \"%s\" cannot be parsed", writer->table->name);
	cmz_item_key(writer->table, image, key);
	moves = item != NULL && !same_key(key, item->key);
	return writer->pipeline ? change_at_once(writer, key, image, item, moves)
		: change_pending(writer, key, before, image, item, moves);
}

void
cmz_writer_delete_key(CmzWriter *writer, const CmzOperand *key, const CmzSpan *json)
{
	CmzPendingWrite pending = {writer->table, writer->userid, writer->cid, key};
	CmzWrite   *write;

	if (writer->pipeline == NULL)
	{
		const CmzPendingItem *item = find_pending(writer, key);

		if (item != NULL && item->newest->image == NULL)
			return;				/* it is deleted already */
		pending.base = json;
		pending.unconditional = true;
		cmz_writeset_add(&pending);
		return;
	}
	write = make_write(writer, key, NULL, NULL, false);
	write->unconditional = true;
	(void) cmz_pipeline_send(writer->pipeline, 1, write);
	cmz_pipeline_check(writer->pipeline);
}

void
cmz_writer_forget_key(CmzWriter *writer, const CmzOperand *key)
{
	verify_new(writer, find_pending(writer, key));
	add_version(writer, key, NULL, NULL, NULL, false, false);
}

void
cmz_writer_finish(CmzWriter *writer)
{
	if (writer->pipeline == NULL)
		return;
	cmz_pipeline_finish(writer->pipeline);
	cmz_pipeline_check(writer->pipeline);
}
