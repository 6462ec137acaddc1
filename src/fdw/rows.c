/*
 * rows.c
 *	  From a bound plan to rows: its requests, its streams, its order.
 */
#include "postgres.h"

#include <math.h>

#include "base/expression.h"
#include "base/json.h"
#include "fdw/rows.h"

/* After so many rows the network is looked after again. */
#define POLL_ROWS		64

/* While many streams are merged, a page of each lies here. */
#define MERGED_BYTES	(16.0 * 1024 * 1024)
#define MIN_MERGED_PAGE	4

/* The rows of so many requests may do for a rescan. */
#define MAX_REPEATED_READS 4

/* The request of a read; segments are filled in by who makes them. */
static CmzReadRequest
make_request(const CmzRows *rows, const CmzBinding *binding, const CmzRead *read)
{
	const CmzIndex *keys = &rows->table->layout.table;
	CmzReadRequest request = rows->base;

	request.key = read->key;
	/* what is to be changed is read as it is now; global indexes lag behind */
	if (rows->plan->target != CMZ_TARGET_NONE && (read->keys || binding->arms[read->arm].index->name == NULL))
		request.consistent = true;
	request.keys = read->keys;
	request.filter = binding->arms[read->arm].filter;
	if (read->keys == NULL)
		request.index = binding->arms[read->arm].index->name;
	else
		request.limit = 0;
	if (rows->plan->complete)
	{
		/* the keys of the table, which stand first; the rest comes by them */
		request.all_attributes = false;
		request.nprojection = keys->sort_key ? 2 : 1;
	}
	return request;
}

/*
 * How many items to ask for, so that one page has the rows that are wanted;
 * 0: as many as DynamoDB gives.
 */
static int64
page_limit(const CmzRows *rows, double wanted)
{
	const CmzPlan *plan = rows->plan;
	double		nreads = cmz_reads_total(rows->binding);
	double		limit = 0;

	if (wanted > 0)
	{
		limit = ceil(wanted / plan->yield);
		/* the second of the last row must be known to be over */
		if (plan->direction != 0 && cmz_merge_by_second(rows->table, plan->order_attnum))
			limit++;
	}
	else if (plan->direction != 0 && nreads * CMZ_PAGE_BYTES > MERGED_BYTES)
		limit = Max(MERGED_BYTES / nreads / plan->item_bytes, MIN_MERGED_PAGE);
	return limit * plan->item_bytes < CMZ_PAGE_BYTES ? (int64) limit : 0;
}

/* BatchGetItem for the keys on a page of a partial index. */
static void
append_key(StringInfo buf, CmzRows *rows)
{
	const CmzIndex *keys = &rows->table->layout.table;
	const char *names[2] = {keys->partition_key, keys->sort_key};
	CmzAttribute attribute;
	int			more;

	appendStringInfoString(buf, buf->len > 0 ? ",{" : "{");
	while ((more = cmz_item_next_attribute(rows->keys, &attribute)) > 0)
	{
		const CmzValue *value = &attribute.value;

		/* others are no keys of DynamoDB's */
		if (value->type > CMZ_TYPE_B)
			continue;
		cmz_json_append_name(buf, names[attribute.slot]);
		appendStringInfo(buf, "{\"%s\":\"", cmz_type_name(value->type));
		appendBinaryStringInfo(buf, value->span.data, value->span.len);
		appendStringInfoString(buf, "\"}");
	}
	appendStringInfoChar(buf, '}');
}

static void
add_gets(CmzFetch *fetch, CmzStream *stream, void *arg)
{
	CmzRows    *rows = arg;
	MemoryContext old = CurrentMemoryContext;
	CmzReadRequest request = rows->base;
	StringInfoData keys;
	int			n = 0;

	request.limit = 0;
	request.consistent |= rows->plan->target != CMZ_TARGET_NONE;
	while (cmz_page_next_item(&stream->page, rows->keys) > 0)
	{
		if (n == 0)
		{
			MemoryContextSwitchTo(cmz_fetch_stream_context(fetch));
			initStringInfo(&keys);
		}
		append_key(&keys, rows);
		if (++n < CMZ_MAX_BATCH_GET)
			continue;
		request.keys = keys.data;
		cmz_fetch_add(fetch, &request, stream->arm);
		n = 0;
	}
	if (n > 0)
	{
		request.keys = keys.data;
		cmz_fetch_add(fetch, &request, stream->arm);
	}
	MemoryContextSwitchTo(old);
	if (stream->page.error)
		cmz_stream_raise(rows->table->table_name, &stream->page);
}

/* A segment of the table that nobody has taken. */
static bool
supply_segment(CmzRows *rows)
{
	CmzRead		scan = {0};
	CmzReadRequest request = make_request(rows, rows->binding, &scan);
	uint32		total = rows->plan->segments;
	uint32		segment = pg_atomic_read_u32(rows->segment);

	if (segment < total)
		segment = pg_atomic_fetch_add_u32(rows->segment, 1);
	if (segment >= total)
		return false;
	if (total > 1)
	{
		request.segment = segment;
		request.total_segments = total;
	}
	cmz_fetch_add(rows->fetch, &request, 0);
	return true;
}

static bool
supply_stream(CmzFetch *fetch, void *arg)
{
	CmzRows    *rows = arg;
	MemoryContext context;
	MemoryContext old;
	CmzReadRequest request;
	CmzRead		read;
	bool		found;

	/* of the few rows that are wanted, no more keys than that */
	rows->reads.batch = fetch->lazy ? Min(rows->base.limit, CMZ_MAX_BATCH_GET) : CMZ_MAX_BATCH_GET;
	context = cmz_fetch_stream_context(fetch);
	old = MemoryContextSwitchTo(context);
	if (!rows->binding->arms[0].is_query)
		found = !rows->binding->arms[0].empty && supply_segment(rows);
	else if ((found = cmz_reads_next(&rows->reads, &read)))
	{
		request = make_request(rows, rows->binding, &read);
		cmz_fetch_add(fetch, &request, read.arm);
	}
	MemoryContextSwitchTo(old);
	if (!found)
		MemoryContextDelete(context);
	return found;
}

/* What a few reads send, as text: operands may go before the rows do. */
static void
append_reads(StringInfo buf, const CmzRows *rows, const CmzBinding *binding)
{
	CmzReads	reads;
	CmzRead		read;

	cmz_reads_begin(&reads, binding);
	while (cmz_reads_next(&reads, &read))
	{
		CmzReadRequest request = make_request(rows, binding, &read);

		appendStringInfo(buf, "%d", read.arm);
		cmz_request_append_read(buf, &request);
	}
}

CmzRows *
cmz_rows_open(const CmzTable *table, const CmzPlan *plan, const CmzBinding *binding,
			  const CmzClient *client, CmzRowReader *reader, CmzCounters *counters,
			  CmzOverlay *overlay, double wanted, pg_atomic_uint32 *segment)
{
	CmzRows    *rows = palloc0(sizeof(CmzRows));

	rows->table = table;
	rows->plan = plan;
	rows->binding = binding;
	rows->reader = reader;
	rows->overlay = overlay;
	rows->segment = segment ? segment : &rows->own_segment;
	pg_atomic_init_u32(&rows->own_segment, 0);
	rows->base.table = table->table_name;
	rows->base.all_attributes = reader->all_attributes;
	rows->base.nprojection = reader->nprojection;
	rows->base.projection = reader->projection;
	rows->base.consistent = table->consistent_read;
	rows->base.backward = plan->direction < 0;
	rows->base.count = plan->count && !cmz_binding_needs_rows(binding);
	rows->base.limit = page_limit(rows, wanted);
	cmz_reads_begin(&rows->reads, binding);
	rows->fetch = cmz_fetch_create(client, counters, table->concurrency, supply_stream, rows);
	rows->fetch->lazy = wanted > 0 && rows->base.limit > 0;
	rows->fetch->grows = wanted > 0;
	rows->fetch->progress = cmz_progress_create(table->relid, binding->arms[0].is_query ? "Query" : "Scan");
	rows->fetch->progress->segments_total = binding->arms[0].is_query
		? (int64) cmz_reads_total(binding) : plan->segments;
	if (plan->complete)
	{
		rows->fetch->complete = add_gets;
		rows->keys = cmz_item_reader_create(table->layout.table.sort_key ? 2 : 1,
											reader->projection, false);
	}
	else if (plan->segments == 1 && cmz_reads_total(binding) <= MAX_REPEATED_READS)
	{
		rows->fetch->keeps = true;
		initStringInfo(&rows->sent);
		append_reads(&rows->sent, rows, binding);
	}
	return rows;
}

static CmzRowsResult
next_merged(CmzRows *rows, TupleTableSlot *slot)
{
	HeapTuple	tuple;

	if (rows->merge == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(rows->fetch->context);
		const CmzPlan *plan = rows->plan;
		const char *attribute = rows->table->columns[plan->order_attnum - 1].attribute;

		rows->merge = cmz_merge_create(rows->fetch, rows->reader, rows->overlay, slot->tts_tupleDescriptor,
									   plan->order_attnum, plan->direction < 0,
									   strcmp(attribute, rows->binding->arms[0].index->sort_key) != 0);
		MemoryContextSwitchTo(old);
	}
	tuple = cmz_merge_next(rows->merge);
	if (tuple == NULL)
		return CMZ_ROWS_END;
	ExecStoreHeapTuple(tuple, slot, true);
	return CMZ_ROWS_ROW;
}

/* DynamoDB does not count the items of a BatchGetItem. */
static void
count_row(CmzRows *rows)
{
	if (rows->stream->page.is_batch && !rows->repeated)
	{
		rows->fetch->counters->items++;
		rows->fetch->counters->scanned_items++;
	}
	if (++rows->unpolled == POLL_ROWS)
	{
		cmz_fetch_poll(rows->fetch);
		rows->unpolled = 0;
	}
}

/* The next item of DynamoDB's, into the slot's values. */
static CmzRowsResult
next_item(CmzRows *rows, TupleTableSlot *slot, bool may_wait)
{
	bool		waiting = false;

	while (rows->stream == NULL ||
		   !cmz_row_read(rows->reader, &rows->stream->page, slot->tts_values, slot->tts_isnull))
	{
		rows->stream = cmz_fetch_next_page(rows->fetch, may_wait ? NULL : &waiting);
		rows->unpolled = 0;
		if (rows->stream == NULL)
			return waiting ? CMZ_ROWS_WAIT : CMZ_ROWS_END;
	}
	count_row(rows);
	return CMZ_ROWS_ROW;
}

CmzRowsResult
cmz_rows_next(CmzRows *rows, TupleTableSlot *slot, int *arm, bool may_wait)
{
	CmzRowsResult result;

	*arm = 0;
	if (rows->plan->direction != 0)
		return next_merged(rows, slot);
	do
		result = next_item(rows, slot, may_wait);
	while (result == CMZ_ROWS_ROW && rows->overlay && cmz_overlay_hides(rows->overlay, rows->reader));
	if (result == CMZ_ROWS_ROW)
		*arm = rows->stream->arm;
	else if (result == CMZ_ROWS_END && rows->overlay &&
			 cmz_overlay_read(rows->overlay, rows->reader, slot->tts_values, slot->tts_isnull))
	{
		*arm = CMZ_ARM_OVERLAY;
		result = CMZ_ROWS_ROW;
	}
	if (result == CMZ_ROWS_ROW)
		ExecStoreVirtualTuple(slot);
	return result;
}

int64
cmz_rows_count(CmzRows *rows)
{
	int64		count = 0;

	while ((rows->stream = cmz_fetch_next_page(rows->fetch, NULL)) != NULL)
		count += rows->stream->page.count;
	return count;
}

bool
cmz_rows_can_rewind(const CmzRows *rows)
{
	return rows->merge == NULL && !rows->base.count && cmz_fetch_can_rewind(rows->fetch);
}

void
cmz_rows_rewind(CmzRows *rows)
{
	cmz_fetch_rewind(rows->fetch);
	rows->stream = NULL;
	rows->repeated = true;
	if (rows->overlay)
		cmz_overlay_rewind(rows->overlay);
}

bool
cmz_rows_same_reads(const CmzRows *rows, const CmzBinding *binding)
{
	StringInfoData sent;

	if (cmz_reads_total(binding) > MAX_REPEATED_READS)
		return false;
	initStringInfo(&sent);
	append_reads(&sent, rows, binding);
	return sent.len == rows->sent.len && memcmp(sent.data, rows->sent.data, sent.len) == 0;
}
