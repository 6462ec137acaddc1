/*
 * fetch.h
 *	  The fetcher: drives the streams of one scan, several at once.
 *
 * Either the pages are taken as they come (cmz_fetch_next_page), or each
 * stream is followed by itself (cmz_fetch_open_all, cmz_fetch_follow), to merge
 * them in order.  While a page is read the next one is on its way.
 */
#ifndef CMZ_FETCH_H
#define CMZ_FETCH_H

#include "fdw/progress.h"
#include "fdw/stream.h"

typedef struct CmzFetch CmzFetch;

/* Adds one stream by cmz_fetch_add; false if there is none. */
typedef bool (*CmzSupply) (CmzFetch *fetch, void *arg);

/* Adds streams for the keys on a page of an index that lacks attributes. */
typedef void (*CmzComplete) (CmzFetch *fetch, CmzStream *stream, void *arg);

struct CmzFetch
{
	MemoryContext context;		/* of the streams */
	const CmzClient *client;
	CmzCounters *counters;
	CmzProgress *progress;		/* NULL: it is not to be shown */
	int			concurrency;	/* requests in flight at most */
	CmzSupply	supply;
	bool		exhausted;		/* supply has no more */
	CmzComplete complete;		/* NULL: pages have what rows need */
	void	   *arg;			/* of both */
	bool		lazy;			/* few rows are wanted: ask for a page only when
								 * the one before has been read */
	int			lazy_pages;		/* ... that have been read */
	bool		grows;			/* pages grow, while they are limited */
	bool		keeps;			/* streams that have been read stay, for a
								 * repetition */
	int			nstreams;
	int			max_streams;
	CmzStream **streams;
	CmzStream  *current;		/* whose page is being read */
	size_t		kept_bytes;		/* of pages that have been read */
	int			nrewound;		/* streams that are to be read again */
};

/* In the current context, where the streams' pages will live too. */
extern CmzFetch *cmz_fetch_create(const CmzClient *client, CmzCounters *counters,
								  int concurrency, CmzSupply supply, void *arg);

/*
 * Add a stream.  Current must be a context of its own, made by the first
 * function, in which what the request refers to may live too.
 */
extern MemoryContext cmz_fetch_stream_context(CmzFetch *fetch);
extern void cmz_fetch_add(CmzFetch *fetch, const CmzReadRequest *request, int arm);

/* A page has come that nobody has taken. */
extern bool cmz_fetch_has_page(const CmzFetch *fetch);

/*
 * Send what may be in flight and take what has come, without waiting.  To be
 * called now and then while a page is read.
 */
extern void cmz_fetch_poll(CmzFetch *fetch);

/*
 * The stream whose next page has come first, NULL if all are at their end.
 * Ends the page that was given before.  With waiting (may be NULL) it does not
 * wait, but sets *waiting and returns NULL.  Raises what cmz_stream_next_page
 * does.
 */
extern CmzStream *cmz_fetch_next_page(CmzFetch *fetch, bool *waiting);

/* Open the first page of every stream; they are in fetch->streams then. */
extern void cmz_fetch_open_all(CmzFetch *fetch);

/* The next page of this stream; false at its end. */
extern bool cmz_fetch_follow(CmzFetch *fetch, CmzStream *stream);

/* All pages are at hand: reading them again needs no request. */
extern bool cmz_fetch_can_rewind(const CmzFetch *fetch);
extern void cmz_fetch_rewind(CmzFetch *fetch);

#endif							/* CMZ_FETCH_H */
