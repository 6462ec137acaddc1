/*
 * fetch.c
 *	  The fetcher: drives the streams of one scan, several at once.
 *
 * At most "concurrency" requests are in flight, and at most so many pages lie
 * here unread, so memory is bounded by pages and not by the result.  Streams
 * are asked for when there is room for their requests, and go when they have
 * been read, unless they are so few that they may do for a repetition.
 */
#include "postgres.h"

#include "fdw/fetch.h"

/* A scan that has come so far is shown as one in progress. */
#define LONG_PAGES		2

/* Pages that are kept for a repetition. */
#define MAX_KEPT_BYTES	(256 * 1024)

/* Few rows were wanted, but they did not suffice: read on in larger pages. */
#define PAGE_GROWTH		4
#define LARGE_LIMIT		5000

CmzFetch *
cmz_fetch_create(const CmzClient *client, CmzCounters *counters, int concurrency,
				 CmzSupply supply, void *arg)
{
	CmzFetch   *fetch = palloc0(sizeof(CmzFetch));

	fetch->context = CurrentMemoryContext;
	fetch->client = client;
	fetch->counters = counters;
	fetch->concurrency = concurrency;
	fetch->supply = supply;
	fetch->arg = arg;
	fetch->max_streams = 8;
	fetch->streams = palloc(sizeof(CmzStream *) * fetch->max_streams);
	return fetch;
}

void
cmz_fetch_add(CmzFetch *fetch, const CmzReadRequest *request, int arm)
{
	CmzStream  *stream = cmz_stream_create(fetch->client, request, fetch->counters);

	stream->arm = arm;
	if (fetch->nstreams == fetch->max_streams)
	{
		fetch->max_streams *= 2;
		fetch->streams = repalloc_huge(fetch->streams, sizeof(CmzStream *) * fetch->max_streams);
	}
	fetch->streams[fetch->nstreams++] = stream;
}

MemoryContext
cmz_fetch_stream_context(CmzFetch *fetch)
{
	return AllocSetContextCreate(fetch->context, "cmz_fdw stream", ALLOCSET_SMALL_SIZES);
}

/* Requests under way, and answers that nobody has looked at. */
static int
in_flight(const CmzFetch *fetch)
{
	int			n = 0;

	for (int i = 0; i < fetch->nstreams; i++)
		n += fetch->streams[i]->next != NULL;
	return n;
}

static CmzStream *
find_ready(const CmzFetch *fetch)
{
	for (int i = 0; i < fetch->nstreams; i++)
		if (cmz_stream_is_ready(fetch->streams[i]))
			return fetch->streams[i];
	return NULL;
}

bool
cmz_fetch_has_page(const CmzFetch *fetch)
{
	return find_ready(fetch) != NULL;
}

/* Get another stream; false if there is none. */
static bool
ask_supply(CmzFetch *fetch)
{
	if (!fetch->exhausted)
		fetch->exhausted = !fetch->supply(fetch, fetch->arg);
	return !fetch->exhausted;
}

/*
 * Fill the room for requests.  Streams of keys that a page gave come first,
 * then streams that have begun, then others.
 */
static void
top_up(CmzFetch *fetch)
{
	int			room = (fetch->lazy ? 1 : fetch->concurrency) - in_flight(fetch);

	for (int urgent = 1; urgent >= 0; urgent--)
		for (int i = 0; i < fetch->nstreams && room > 0; i++)
		{
			CmzStream  *stream = fetch->streams[i];

			if (stream->next != NULL || stream->at_end ||
				(urgent && stream->request.keys == NULL))
				continue;
			cmz_stream_start(stream);
			room--;
		}
	for (; room > 0 && ask_supply(fetch); room--)
		cmz_stream_start(fetch->streams[fetch->nstreams - 1]);
}

void
cmz_fetch_poll(CmzFetch *fetch)
{
	if (!fetch->lazy)
		top_up(fetch);
	if (in_flight(fetch) > 0)
		cmz_calls_drive(false);
}

static void
grow_pages(const CmzFetch *fetch, CmzStream *stream)
{
	int64	   *limit = &stream->request.limit;

	if (fetch->grows && *limit > 0)
		*limit = *limit > LARGE_LIMIT ? 0 : *limit * PAGE_GROWTH;
}

static void
report_page(const CmzFetch *fetch, const CmzStream *stream)
{
	CmzProgress *progress = fetch->progress;

	if (progress == NULL)
		return;
	progress->pages++;
	progress->items += Max(stream->page.count, 0);
	progress->units += stream->page.read_units;
	progress->segments_done += stream->at_end;
	if (progress->pages >= LONG_PAGES)
		cmz_progress_report(progress);
}

/* The next page of a stream; false at its end. */
static bool
open_page(const CmzFetch *fetch, CmzStream *stream)
{
	if (!cmz_stream_next_page(stream))
		return false;
	grow_pages(fetch, stream);
	report_page(fetch, stream);
	return true;
}

/* The page that was given has been read. */
static void
end_current(CmzFetch *fetch)
{
	CmzStream  *stream = fetch->current;
	int			i = 0;

	fetch->current = NULL;
	if (stream == NULL)
		return;
	/* two pages did not suffice: more will not be too much */
	fetch->lazy = fetch->lazy && ++fetch->lazy_pages < 2;
	if (!stream->at_end)
		return;
	fetch->kept_bytes += stream->call->answer_len;
	fetch->keeps = fetch->keeps && fetch->kept_bytes <= MAX_KEPT_BYTES;
	if (fetch->keeps)
		return;
	while (fetch->streams[i] != stream)
		i++;
	fetch->streams[i] = fetch->streams[--fetch->nstreams];
	cmz_stream_free(stream);
}

/*
 * A stream with a page that has come; NULL: all are at their end, or *waiting
 * is set, since the caller does not want to wait.
 */
static CmzStream *
wait_for_page(CmzFetch *fetch, bool *waiting)
{
	CmzStream  *ready;
	bool		driven = false;

	while ((ready = find_ready(fetch)) == NULL)
	{
		top_up(fetch);
		if (in_flight(fetch) == 0)
			return NULL;
		if (waiting != NULL && driven)
		{
			*waiting = true;
			return NULL;
		}
		cmz_calls_drive(waiting == NULL);
		driven = true;
	}
	return ready;
}

CmzStream *
cmz_fetch_next_page(CmzFetch *fetch, bool *waiting)
{
	CmzStream  *stream;

	end_current(fetch);
	if (fetch->nrewound > 0)
		return fetch->streams[--fetch->nrewound];
	while ((stream = wait_for_page(fetch, waiting)) != NULL)
	{
		(void) open_page(fetch, stream);
		fetch->current = stream;
		if (fetch->complete == NULL || stream->request.keys != NULL)
		{
			cmz_fetch_poll(fetch);
			break;
		}
		fetch->complete(fetch, stream, fetch->arg);
		end_current(fetch);
	}
	return stream;
}

/* Wait for the first page of a stream that has none yet; those stand behind. */
static void
open_another(CmzFetch *fetch, int opened)
{
	int			ready = opened;
	CmzStream  *stream;

	while (!cmz_stream_is_ready(fetch->streams[ready]))
		if (++ready == fetch->nstreams)
		{
			cmz_calls_drive(true);
			ready = opened;
		}
	stream = fetch->streams[ready];
	(void) open_page(fetch, stream);
	fetch->streams[ready] = fetch->streams[opened];
	fetch->streams[opened] = stream;
}

void
cmz_fetch_open_all(CmzFetch *fetch)
{
	int			opened = 0;

	for (;;)
	{
		while (fetch->nstreams - opened < fetch->concurrency && ask_supply(fetch))
			cmz_stream_start(fetch->streams[fetch->nstreams - 1]);
		if (opened == fetch->nstreams)
			break;
		open_another(fetch, opened++);
	}
}

bool
cmz_fetch_follow(CmzFetch *fetch, CmzStream *stream)
{
	if (!open_page(fetch, stream))
		return false;
	/* with many streams, each is asked for its pages when it must be */
	if (!fetch->lazy && fetch->nstreams <= fetch->concurrency)
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
		if (fetch->streams[i]->pages != 1 || !fetch->streams[i]->at_end)
			return false;
	return fetch->keeps && fetch->exhausted && fetch->nstreams > 0;
}

void
cmz_fetch_rewind(CmzFetch *fetch)
{
	for (int i = 0; i < fetch->nstreams; i++)
		cmz_stream_rewind(fetch->streams[i]);
	fetch->nrewound = fetch->nstreams;
	fetch->current = NULL;
}
