/*
 * truncate.c
 *	  TRUNCATE: deletes the items of a table one by one.
 *
 * DynamoDB can only delete items, or the table.  The keys are read in segments,
 * and the deletions go where the table's writes go.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fdw/fetch.h"
#include "fdw/row.h"
#include "fdw/truncate.h"
#include "fdw/writer.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Truncation
{
	const CmzTable *table;
	CmzWriter  *writer;
	CmzRowReader *reader;		/* of keys */
	int			next_segment;
	MemoryContext row_context;
} Truncation;

static bool
supply_segment(CmzFetch *fetch, void *arg)
{
	Truncation *t = arg;
	CmzReadRequest request = {0};
	MemoryContext old;

	if (t->next_segment == t->table->concurrency)
		return false;
	request.table = t->table->table_name;
	request.nprojection = t->reader->nprojection;
	request.projection = t->reader->projection;
	request.consistent = true;
	request.segment = t->next_segment++;
	request.total_segments = t->table->concurrency;
	old = MemoryContextSwitchTo(cmz_fetch_stream_context(fetch));
	cmz_fetch_add(fetch, &request, 0);
	MemoryContextSwitchTo(old);
	return true;
}

/* An item that the transaction has written: what it has made of it goes. */
static void
delete_pending(Truncation *t, const CmzPendingItem *item)
{
	CmzSpan		base = {item->base, item->base_len, false};

	if (item->newest->image == NULL)
		return;
	if (item->base == NULL)
		cmz_writer_forget_key(t->writer, item->key);
	else
		cmz_writer_delete_key(t->writer, item->key, &base);
}

static void
delete_row(Truncation *t)
{
	MemoryContext old;
	CmzOperand	key[2];

	old = MemoryContextSwitchTo(cmz_writer_begin(t->writer, t->row_context));
	cmz_row_key(t->reader, key);
	cmz_writer_delete_key(t->writer, key, &t->reader->item);
	MemoryContextSwitchTo(old);
}

static void
delete_stored(Truncation *t)
{
	CmzCounters counters = {0};
	CmzFetch   *fetch = cmz_fetch_create(t->writer->client, &counters, t->table->concurrency,
										 supply_segment, t);
	Datum	   *values = palloc(sizeof(Datum) * Max(t->table->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(t->table->natts, 1));
	CmzStream  *stream;

	while ((stream = cmz_fetch_next_page(fetch, NULL)) != NULL)
		for (;;)
		{
			MemoryContext old;
			bool		found;

			MemoryContextReset(t->row_context);
			old = MemoryContextSwitchTo(t->row_context);
			found = cmz_row_read(t->reader, &stream->page, values, nulls);
			MemoryContextSwitchTo(old);
			if (!found)
				break;
			delete_row(t);
		}
}

static void
delete_items(Truncation *t)
{
	CmzPendingTable *pending = cmz_writeset_table(t->table);
	dlist_mutable_iter iter;

	cmz_pipeline_settle(t->table);
	if (t->writer->pipeline == NULL && pending != NULL)
		dlist_foreach_modify(iter, &pending->items)
			delete_pending(t, dlist_container(CmzPendingItem, node, iter.cur));
	delete_stored(t);
	cmz_writer_finish(t->writer);
}

static void
truncate_table(Relation rel)
{
	Truncation	t = {cmz_table_open(RelationGetRelid(rel))};

	if (!t.table->truncatable)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign table \"%s\" does not allow truncates",
						RelationGetRelationName(rel)),
				 errhint("TRUNCATE reads all keys and deletes the items one by one. Set option truncatable of the foreign table to 'true' to allow it.")));
	t.writer = cmz_writer_create(t.table, GetUserId(), GetCurrentCommandId(true));
	t.reader = cmz_row_reader_create(t.table, NIL, false);
	t.row_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw row",
										  ALLOCSET_DEFAULT_SIZES);
	delete_items(&t);
}

void
cmzExecForeignTruncate(List *rels, DropBehavior behavior, bool restart_seqs)
{
	ListCell   *lc;

	foreach(lc, rels)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw truncate",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		truncate_table(lfirst(lc));
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
}
