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
#define MIN_MERGED_PAGE	20

#define PAGE_BYTES		(1024.0 * 1024.0)

/* The rows of so many requests may do for a rescan. */
#define MAX_REPEATED_READS 4

/* The request of a read; segments are filled in by who makes them. */
static CmzReadRequest
make_request(const CmzRows *rows, const CmzRead *read)
{
	const CmzArm *arm = list_nth(rows->plan->arms, read->arm);
	const CmzIndex *keys = &rows->table->layout.table;
	CmzReadRequest request = rows->base;

	request.key = read->key;
	request.keys = read->keys;
	request.filter = rows->binding->arms[read->arm].filter;
	if (read->keys == NULL)
		request.index = cmz_arm_index(arm, rows->table)->name;
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
	int			nreads = list_length(rows->binding->reads);
	double		limit = 0;

	if (wanted > 0)
	{
		limit = ceil(wanted / plan->yield);
		/* the second of the last row must be known to be over */
		if (plan->direction != 0 && cmz_merge_by_second(rows->table, plan->order_attnum))
			limit++;
	}
	else if (plan->direction != 0 && nreads * PAGE_BYTES > MERGED_BYTES)
		limit = Max(MERGED_BYTES / nreads / plan->item_bytes, MIN_MERGED_PAGE);
	return limit * plan->item_bytes < PAGE_BYTES ? (int64) limit : 0;
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
	MemoryContext old = MemoryContextSwitchTo(fetch->context);
	CmzReadRequest request = rows->base;
	StringInfoData keys;
	int			n = 0;
	int			more;

	request.limit = 0;
	do
	{
		if (n == 0)
			initStringInfo(&keys);
		more = cmz_page_next_item(&stream->page, rows->keys);
		if (more > 0)
		{
			append_key(&keys, rows);
			n++;
		}
		if (n == CMZ_MAX_BATCH_GET || (more <= 0 && n > 0))
		{
			request.keys = keys.data;
			cmz_fetch_add_urgent(fetch, &request, stream->arm);
			n = 0;
		}
	} while (more > 0);
	if (more < 0)
		cmz_stream_raise(rows->table->table_name, &stream->page);
	if (stream->page.error)
		cmz_stream_raise(rows->table->table_name, &stream->page);
	MemoryContextSwitchTo(old);
}

/* A segment of the table that no parallel worker has taken. */
static void
supply_segment(CmzFetch *fetch, void *arg)
{
	CmzRows    *rows = arg;
	CmzReadRequest request = make_request(rows, linitial(rows->binding->reads));
	uint32		segment = pg_atomic_fetch_add_u32(rows->segment, 1);

	if (segment >= (uint32) rows->plan->segments)
	{
		/* do not let the counter run away */
		(void) pg_atomic_fetch_sub_u32(rows->segment, 1);
		return;
	}
	request.segment = segment;
	request.total_segments = rows->plan->segments;
	cmz_fetch_add(fetch, &request, 0);
}

static void
add_reads(CmzRows *rows)
{
	ListCell   *lc;

	foreach(lc, rows->binding->reads)
	{
		const CmzRead *read = lfirst(lc);
		CmzReadRequest request = make_request(rows, read);
		bool		is_scan = read->key == NULL && read->keys == NULL;

		if (is_scan && rows->segment != NULL)
		{
			rows->fetch->supply = supply_segment;
			break;
		}
		if (is_scan && rows->plan->segments > 1)
		{
			request.total_segments = rows->plan->segments;
			for (; request.segment < request.total_segments; request.segment++)
				cmz_fetch_add(rows->fetch, &request, read->arm);
		}
		else
			cmz_fetch_add(rows->fetch, &request, read->arm);
	}
}

/* What a few reads send, as text: operands may go before the rows do. */
static void
append_reads(StringInfo buf, const CmzRows *rows)
{
	ListCell   *lc;

	foreach(lc, rows->binding->reads)
	{
		CmzReadRequest request = make_request(rows, lfirst(lc));

		appendStringInfo(buf, "%d", ((CmzRead *) lfirst(lc))->arm);
		cmz_request_append_read(buf, &request);
	}
}

static void
note_reads(CmzRows *rows)
{
	if (list_length(rows->binding->reads) > MAX_REPEATED_READS)
		return;
	initStringInfo(&rows->reads);
	append_reads(&rows->reads, rows);
}

CmzRows *
cmz_rows_open(const CmzTable *table, const CmzPlan *plan, const CmzBinding *binding,
			  const CmzClient *client, CmzRowReader *reader, CmzCounters *counters,
			  double wanted, pg_atomic_uint32 *segment)
{
	CmzRows    *rows = palloc0(sizeof(CmzRows));

	rows->table = table;
	rows->plan = plan;
	rows->binding = binding;
	rows->reader = reader;
	rows->segment = segment;
	rows->base.table = table->table_name;
	rows->base.all_attributes = reader->all_attributes;
	rows->base.nprojection = reader->nprojection;
	rows->base.projection = reader->projection;
	rows->base.consistent = table->consistent_read;
	rows->base.backward = plan->direction < 0;
	rows->base.count = plan->count && !cmz_binding_needs_rows(binding);
	rows->base.limit = page_limit(rows, wanted);
	rows->fetch = cmz_fetch_create(client, counters, table->concurrency,
								   wanted > 0 && rows->base.limit > 0);
	rows->fetch->grows = wanted > 0;
	rows->fetch->arg = rows;
	if (plan->complete)
	{
		rows->fetch->complete = add_gets;
		rows->keys = cmz_item_reader_create(table->layout.table.sort_key ? 2 : 1,
											reader->projection, false);
	}
	add_reads(rows);
	note_reads(rows);
	return rows;
}

bool
cmz_rows_next(CmzRows *rows, TupleTableSlot *slot, int *arm)
{
	HeapTuple	tuple;

	if (rows->plan->direction != 0)
	{
		if (rows->merge == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(rows->fetch->context);

			rows->merge = cmz_merge_create(rows->fetch, rows->reader, slot->tts_tupleDescriptor,
										   rows->plan->order_attnum, rows->plan->direction < 0);
			MemoryContextSwitchTo(old);
		}
		tuple = cmz_merge_next(rows->merge);
		if (tuple != NULL)
			ExecStoreHeapTuple(tuple, slot, true);
		*arm = 0;
		return tuple != NULL;
	}
	for (;;)
	{
		if (rows->stream != NULL &&
			cmz_row_read(rows->reader, &rows->stream->page, slot->tts_values, slot->tts_isnull))
			break;
		rows->stream = cmz_fetch_next_page(rows->fetch);
		rows->unpolled = 0;
		if (rows->stream == NULL)
			return false;
	}
	if (rows->stream->page.is_batch)
	{
		/* which DynamoDB does not count */
		rows->fetch->counters->items++;
		rows->fetch->counters->scanned_items++;
	}
	if (++rows->unpolled == POLL_ROWS)
	{
		cmz_fetch_poll(rows->fetch);
		rows->unpolled = 0;
	}
	ExecStoreVirtualTuple(slot);
	*arm = rows->stream->arm;
	return true;
}

int64
cmz_rows_count(CmzRows *rows)
{
	int64		count = 0;

	while ((rows->stream = cmz_fetch_next_page(rows->fetch)) != NULL)
		count += rows->stream->page.count;
	return count;
}

bool
cmz_rows_is_ready(CmzRows *rows)
{
	CmzPage    *page = rows->stream ? &rows->stream->page : NULL;

	if (page != NULL && page->has_items && !page->done)
	{
		CmzScanner	items = page->items;

		/* behind the last item there is nothing but the page's end */
		if (cmz_scan_peek(&items) != ']')
			return true;
	}
	return cmz_fetch_is_ready(rows->fetch);
}

bool
cmz_rows_can_rewind(const CmzRows *rows)
{
	return rows->reads.data != NULL && rows->merge == NULL && !rows->base.count &&
		cmz_fetch_can_rewind(rows->fetch);
}

void
cmz_rows_rewind(CmzRows *rows)
{
	cmz_fetch_rewind(rows->fetch);
	rows->stream = NULL;
}

bool
cmz_rows_same_reads(const CmzRows *rows, const CmzBinding *binding)
{
	CmzRows		other = *rows;
	StringInfoData reads;

	if (list_length(binding->reads) > MAX_REPEATED_READS)
		return false;
	other.binding = binding;
	initStringInfo(&reads);
	append_reads(&reads, &other);
	return reads.len == rows->reads.len && memcmp(reads.data, rows->reads.data, reads.len) == 0;
}
