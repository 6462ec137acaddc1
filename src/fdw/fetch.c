/*
 * fetch.c
 *	  The fetcher: drives the streams of one scan, several at once.
 *
 * At most "concurrency" requests are in flight, and at most so many pages lie
 * here unread, so memory is bounded by pages and not by the result.  Only a
 * stream that is followed by itself gets its request when it must.
 */
#include "postgres.h"

#include "fdw/fetch.h"

/* Pages that are kept for a repetition. */
#define MAX_KEPT_BYTES	(256 * 1024)

CmzFetch *
cmz_fetch_create(const CmzClient *client, CmzCounters *counters, int concurrency, bool lazy)
{
	CmzFetch   *fetch = palloc0(sizeof(CmzFetch));

	fetch->context = CurrentMemoryContext;
	fetch->client = client;
	fetch->counters = counters;
	fetch->concurrency = concurrency;
	fetch->lazy = lazy;
	fetch->max_streams = 8;
	fetch->streams = palloc(sizeof(CmzStream *) * fetch->max_streams);
	fetch->active = palloc(sizeof(CmzStream *) * fetch->max_streams);
	return fetch;
}

static void
make_room(CmzFetch *fetch)
{
	if (fetch->nstreams == fetch->max_streams)
	{
		fetch->max_streams *= 2;
		fetch->streams = repalloc(fetch->streams, sizeof(CmzStream *) * fetch->max_streams);
		fetch->active = repalloc(fetch->active, sizeof(CmzStream *) * fetch->max_streams);
	}
}

void
cmz_fetch_add(CmzFetch *fetch, const CmzReadRequest *request, int arm)
{
	MemoryContext old = MemoryContextSwitchTo(fetch->context);
	CmzStream  *stream = cmz_stream_create(fetch->client, request, fetch->counters);

	stream->arm = arm;
	make_room(fetch);
	fetch->streams[fetch->nstreams++] = stream;
	MemoryContextSwitchTo(old);
}

void
cmz_fetch_add_urgent(CmzFetch *fetch, const CmzReadRequest *request, int arm)
{
	CmzStream **place;

	cmz_fetch_add(fetch, request, arm);
	/* in front of those that have not been started */
	place = &fetch->streams[fetch->nstarted + fetch->nurgent++];
	if (place < &fetch->streams[fetch->nstreams - 1])
	{
		CmzStream  *added = fetch->streams[fetch->nstreams - 1];

		memmove(place + 1, place, (char *) &fetch->streams[fetch->nstreams - 1] - (char *) place);
		*place = added;
	}
}

/* Requests under way, and answers that nobody has looked at. */
static int
in_flight(const CmzFetch *fetch)
{
	int			n = 0;

	for (int i = 0; i < fetch->nactive; i++)
		n += fetch->active[i]->next != NULL;
	return n;
}

static void
start_another(CmzFetch *fetch)
{
	CmzStream  *stream = fetch->streams[fetch->nstarted++];

	fetch->active[fetch->nactive++] = stream;
	cmz_stream_start(stream);
}

/*
 * Streams that have begun go on before others begin; but the items of keys that
 * are here come before further keys.
 */
static void
top_up(CmzFetch *fetch)
{
	int			room = (fetch->lazy ? 1 : fetch->concurrency) - in_flight(fetch);

	for (; room > 0 && fetch->nurgent > 0; room--, fetch->nurgent--)
		start_another(fetch);
	for (int i = 0; i < fetch->nactive && room > 0; i++)
		if (fetch->active[i]->next == NULL)
		{
			cmz_stream_start(fetch->active[i]);
			room--;
		}
	for (; room > 0; room--)
	{
		if (fetch->nstarted == fetch->nstreams && fetch->supply != NULL)
			fetch->supply(fetch, fetch->arg);
		if (fetch->nstarted == fetch->nstreams)
			break;
		start_another(fetch);
	}
}

void
cmz_fetch_poll(CmzFetch *fetch)
{
	if (!fetch->lazy)
		top_up(fetch);
	if (in_flight(fetch) > 0)
		cmz_calls_drive(false);
}

/* Few rows were wanted, but they did not suffice: read on in larger pages. */
#define PAGE_GROWTH	4
#define LARGE_LIMIT	5000

static void
grow_pages(const CmzFetch *fetch, CmzStream *stream)
{
	int64	   *limit = &stream->request.limit;

	if (fetch->grows && *limit > 0)
		*limit = *limit > LARGE_LIMIT ? 0 : *limit * PAGE_GROWTH;
}

/* Open the page that has come; a stream at its end needs no driving. */
static void
open_page(CmzFetch *fetch, int i)
{
	CmzStream  *stream = fetch->active[i];

	(void) cmz_stream_next_page(stream);
	grow_pages(fetch, stream);
	if (stream->at_end)
		fetch->active[i] = fetch->active[--fetch->nactive];
}

static int
find_ready(const CmzFetch *fetch)
{
	for (int i = 0; i < fetch->nactive; i++)
		if (cmz_stream_is_ready(fetch->active[i]))
			return i;
	return -1;
}

bool
cmz_fetch_is_ready(CmzFetch *fetch)
{
	/* whoever asks wants a page now, also of a lazy fetcher */
	if (find_ready(fetch) < 0)
	{
		top_up(fetch);
		if (in_flight(fetch) == 0)
			return true;		/* that all is over */
		cmz_calls_drive(false);
	}
	return find_ready(fetch) >= 0;
}

/* Wait for a page of any stream; -1: all are at their end. */
static int
wait_for_page(CmzFetch *fetch)
{
	int			ready;

	while ((ready = find_ready(fetch)) < 0)
	{
		top_up(fetch);
		if (in_flight(fetch) == 0)
			return -1;
		cmz_calls_drive(true);
	}
	return ready;
}

/*
 * The page that was given has been read.  What is small stays, in case that the
 * scan is repeated.
 */
static void
end_current(CmzFetch *fetch)
{
	CmzStream  *stream = fetch->current;

	fetch->current = NULL;
	if (stream == NULL)
		return;
	/* one page did not suffice: more will not be too much */
	fetch->lazy = fetch->lazy && stream->pages < 2;
	if (!stream->at_end)
		return;
	fetch->kept_bytes += stream->call->answer_len;
	if (fetch->kept_bytes <= MAX_KEPT_BYTES)
		return;
	cmz_stream_end(stream);
	if (fetch->complete != NULL && stream->request.keys != NULL)
		pfree((char *) stream->request.keys);
	stream->request.keys = NULL;
}

CmzStream *
cmz_fetch_next_page(CmzFetch *fetch)
{
	end_current(fetch);
	if (fetch->nrewound > 0)
		return fetch->streams[--fetch->nrewound];
	for (;;)
	{
		int			ready = wait_for_page(fetch);
		CmzStream  *stream;

		if (ready < 0)
			return NULL;
		stream = fetch->active[ready];
		open_page(fetch, ready);
		if (fetch->complete != NULL && stream->request.keys == NULL)
		{
			fetch->complete(fetch, stream, fetch->arg);
			continue;
		}
		fetch->current = stream;
		cmz_fetch_poll(fetch);
		return stream;
	}
}

/* Wait for the first page of a stream that has none yet. */
static void
open_another(CmzFetch *fetch, int opened)
{
	int			ready = opened;
	CmzStream  *stream;

	while (!cmz_stream_is_ready(fetch->active[ready]))
		if (++ready == fetch->nactive)
		{
			cmz_calls_drive(true);
			ready = opened;
		}
	stream = fetch->active[ready];
	(void) cmz_stream_next_page(stream);
	grow_pages(fetch, stream);
	/* the open ones stand in front */
	fetch->active[ready] = fetch->active[opened];
	fetch->active[opened] = stream;
}

void
cmz_fetch_open_all(CmzFetch *fetch)
{
	for (int opened = 0; opened < fetch->nstreams; opened++)
	{
		while (fetch->nactive - opened < fetch->concurrency &&
			   fetch->nstarted < fetch->nstreams)
			start_another(fetch);
		open_another(fetch, opened);
	}
}

bool
cmz_fetch_follow(CmzFetch *fetch, CmzStream *stream)
{
	if (!cmz_stream_next_page(stream))
		return false;
	grow_pages(fetch, stream);
	if (!fetch->lazy && in_flight(fetch) < fetch->concurrency)
	{
		cmz_stream_start(stream);
		cmz_calls_drive(false);
	}
	return true;
}

bool
cmz_fetch_can_rewind(const CmzFetch *fetch)
{
	for (int i = 0; i < fetch->nstreams; i++)
		if (fetch->streams[i]->pages != 1 || !fetch->streams[i]->at_end ||
			fetch->streams[i]->call == NULL)
			return false;
	return fetch->complete == NULL && fetch->supply == NULL && fetch->nstreams > 0;
}

void
cmz_fetch_rewind(CmzFetch *fetch)
{
	for (int i = 0; i < fetch->nstreams; i++)
		cmz_stream_rewind(fetch->streams[i]);
	fetch->nrewound = fetch->nstreams;
	fetch->current = NULL;
}
