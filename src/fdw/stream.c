/*
 * stream.c
 *	  The fetcher: the pages of one Query or Scan, one after the other.
 */
#include "postgres.h"

#include "fdw/stream.h"
#include "utils/memutils.h"

CmzStream *
cmz_stream_create(const CmzClient *client, const CmzReadRequest *request, CmzCounters *counters)
{
	CmzStream  *stream = palloc0(sizeof(CmzStream));

	stream->client = client;
	stream->request = *request;
	stream->counters = counters;
	initStringInfo(&stream->start_key);
	return stream;
}

static void
end_call(CmzStream *stream)
{
	if (stream->call != NULL)
		cmz_call_free(stream->call);
	stream->call = NULL;
}

/* Send the request for the page behind start_key. */
static void
start_call(CmzStream *stream)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(stream));
	const CmzReadRequest *request = &stream->request;
	StringInfoData body;

	initStringInfo(&body);
	cmz_request_append_read(&body, request);
	stream->call = cmz_call_start(stream->client, request->key ? "Query" : "Scan",
								  request->table, &body);
	pfree(body.data);
	MemoryContextSwitchTo(old);
}

/* Take over LastEvaluatedKey: the page that it lies in will go. */
static void
keep_start_key(CmzStream *stream)
{
	const CmzSpan *last = &stream->page.last_key;

	resetStringInfo(&stream->start_key);
	memset(&stream->request.start_key, 0, sizeof(CmzSpan));
	stream->at_end = last->data == NULL;
	if (stream->at_end)
		return;
	appendBinaryStringInfo(&stream->start_key, last->data, last->len);
	stream->request.start_key.data = stream->start_key.data;
	stream->request.start_key.len = stream->start_key.len;
}

static void
count_page(CmzStream *stream)
{
	CmzCounters *counters = stream->counters;

	counters->pages++;
	counters->items += stream->page.count;
	counters->scanned_items += stream->page.scanned_count;
	counters->read_units += stream->page.read_units;
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

bool
cmz_stream_next_page(CmzStream *stream)
{
	bool		ok;

	end_call(stream);
	if (stream->at_end)
		return false;
	start_call(stream);
	ok = cmz_call_wait(stream->call);
	stream->counters->requests += stream->call->attempts;
	stream->counters->retries += stream->call->attempts - 1;
	if (!ok)
		cmz_call_raise(stream->call, NULL);
	if (!cmz_page_open(&stream->page, stream->call->answer, stream->call->answer_len))
		cmz_stream_raise(stream->request.table, &stream->page);
	count_page(stream);
	keep_start_key(stream);
	return true;
}

void
cmz_stream_reset(CmzStream *stream)
{
	end_call(stream);
	memset(&stream->page, 0, sizeof(stream->page));
	stream->page.done = true;
	memset(&stream->request.start_key, 0, sizeof(CmzSpan));
	stream->at_end = false;
}
