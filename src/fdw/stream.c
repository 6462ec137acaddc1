/*
 * stream.c
 *	  The pages of one Query, Scan segment or BatchGetItem, one after the other.
 *
 * A page may be asked for while the one before it is still being read: its
 * start key is known as soon as that one has been opened.
 */
#include "postgres.h"

#include "base/retry.h"
#include "client/wait.h"
#include "common/pg_prng.h"
#include "fdw/guard.h"
#include "fdw/stream.h"
#include "utils/memutils.h"

CmzStream *
cmz_stream_create(const CmzClient *client, const CmzReadRequest *request, CmzCounters *counters)
{
	CmzStream  *stream = palloc0(sizeof(CmzStream));

	stream->context = CurrentMemoryContext;
	stream->client = client;
	stream->request = *request;
	stream->counters = counters;
	return stream;
}

/* Only now is it known how many items a batch had. */
static void
count_batch(const CmzStream *stream)
{
	CmzStatCounters counters = {0};

	if (stream->call == NULL || !stream->page.is_batch)
		return;
	counters.items = counters.scanned_items = stream->page.read;
	cmz_call_count(stream->call, &counters);
}

static void
end_call(CmzCall **call)
{
	if (*call != NULL)
		cmz_call_free(*call);
	*call = NULL;
}

void
cmz_stream_start(CmzStream *stream)
{
	const CmzReadRequest *request = &stream->request;
	MemoryContext old;
	StringInfoData body;

	if (stream->next != NULL || stream->at_end)
		return;
	cmz_guard_pace();
	old = MemoryContextSwitchTo(stream->context);
	initStringInfo(&body);
	cmz_request_append_read(&body, request);
	stream->next = cmz_call_start(stream->client, cmz_request_operation(request),
								  request->table, &body);
	stream->next->index = request->keys ? NULL : request->index;
	pfree(body.data);
	MemoryContextSwitchTo(old);
}

bool
cmz_stream_is_ready(const CmzStream *stream)
{
	return stream->next != NULL && cmz_call_is_settled(stream->next);
}

/* What is of another table, or goes round in circles, is no answer to us. */
static void
check_page(CmzStream *stream)
{
	CmzPage    *page = &stream->page;
	const CmzSpan *last = &page->last_key;
	const CmzSpan *before = &stream->request.start_key;

	if (page->is_batch && page->table.data != NULL &&
		!cmz_span_equals(&page->table, stream->request.table))
		page->error = "it is of another table";
	else if (last->data != NULL && !page->is_batch &&
			 (last->len <= 2 || (before->data != NULL && before->len == last->len &&
								 memcmp(before->data, last->data, last->len) == 0)))
		page->error = "\"LastEvaluatedKey\" does not go on";
	if (page->error != NULL)
		cmz_stream_raise(stream->request.table, page);
}

/* Take over LastEvaluatedKey: the page that it lies in will go. */
static void
keep_start_key(CmzStream *stream)
{
	const CmzSpan *last = &stream->page.last_key;

	memset(&stream->request.start_key, 0, sizeof(CmzSpan));
	stream->at_end = last->data == NULL;
	if (stream->at_end)
		return;
	if (stream->start_key.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(stream->context);

		initStringInfo(&stream->start_key);
		MemoryContextSwitchTo(old);
	}
	resetStringInfo(&stream->start_key);
	appendBinaryStringInfo(&stream->start_key, last->data, last->len);
	stream->request.start_key.data = stream->start_key.data;
	stream->request.start_key.len = stream->start_key.len;
}

static void
count_page(CmzStream *stream)
{
	CmzCounters *counters = stream->counters;
	const CmzPage *page = &stream->page;

	CmzStatCounters stat = {0};

	counters->pages++;
	stream->pages++;
	stat.pages = 1;
	stat.read_units = page->read_units;
	counters->read_units += page->read_units;
	if (!page->is_batch)
	{
		counters->items += stat.items = page->count;
		counters->scanned_items += stat.scanned_items = page->scanned_count;
	}
	cmz_call_count(stream->call, &stat);
	cmz_guard_charge(page->read_units);
}

void
cmz_stream_raise(const char *table, const CmzPage *page)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("DynamoDB sent a malformed answer: %s", page->error),
			 errdetail("Table \"%s\".", table),
			 errhint("Check endpoint_url of the server.")));
}

/*
 * A batch of which keys were left unprocessed: it was throttled, or there were
 * more than 16 MB.  Back off while nothing comes.
 */
static void
back_off(CmzStream *stream)
{
	CmzScanner	items = stream->page.items;

	if (!stream->page.is_batch || stream->at_end ||
		(stream->page.has_items && cmz_scan_peek(&items) != ']'))
	{
		stream->stalled = 0;
		return;
	}
	if (++stream->stalled > stream->client->max_retries)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("DynamoDB did not process all keys of a batch"),
				 errdetail("BatchGetItem of table \"%s\" was tried %d times.",
						   stream->request.table, stream->stalled),
				 errhint("The table's throughput is exceeded: try again later, or raise its capacity.")));
	stream->counters->retries++;
	cmz_wait_sleep(cmz_retry_delay_ms(stream->stalled, pg_prng_double(&pg_global_prng_state)));
}

bool
cmz_stream_next_page(CmzStream *stream)
{
	CmzCall    *call;
	bool		ok;

	count_batch(stream);
	end_call(&stream->call);
	cmz_stream_start(stream);
	call = stream->next;
	if (call == NULL)
		return false;
	ok = cmz_call_wait(call);
	stream->next = NULL;
	stream->call = call;
	stream->counters->requests += call->attempts;
	stream->counters->retries += call->attempts - 1;
	if (!ok)
		cmz_call_raise(call, NULL);
	if (!cmz_page_open(&stream->page, call->answer, call->answer_len))
		cmz_stream_raise(stream->request.table, &stream->page);
	check_page(stream);
	count_page(stream);
	keep_start_key(stream);
	back_off(stream);
	return true;
}

void
cmz_stream_rewind(CmzStream *stream)
{
	if (!cmz_page_open(&stream->page, stream->call->answer, stream->call->answer_len))
		cmz_stream_raise(stream->request.table, &stream->page);
}

void
cmz_stream_end(CmzStream *stream)
{
	count_batch(stream);
	end_call(&stream->call);
	end_call(&stream->next);
	memset(&stream->page, 0, sizeof(stream->page));
	stream->page.done = true;
	stream->at_end = true;
}

void
cmz_stream_free(CmzStream *stream)
{
	count_batch(stream);
	MemoryContextDelete(stream->context);
}
