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

#include "fdw/stream.h"

typedef struct CmzFetch
{
	MemoryContext context;		/* of the streams */
	const CmzClient *client;
	CmzCounters *counters;
	int			concurrency;	/* requests in flight at most */
	bool		lazy;			/* few rows are wanted: ask for a page only when
								 * the one before has been read */
	int			nstreams;
	int			max_streams;
	CmzStream **streams;
	int			nstarted;		/* of them, from the first */
	int			nurgent;		/* those behind, that go first */
	int			nactive;		/* of those, not at their end */
	CmzStream **active;
	CmzStream  *current;		/* whose page is being read */
	size_t		kept_bytes;		/* of pages that are kept */
	int			nrewound;		/* streams that are to be read again */

	bool		grows;			/* pages grow, while they are limited */

	/* what becomes of the keys that a partial index gives, or NULL */
	void		(*complete) (struct CmzFetch *fetch, CmzStream *stream, void *arg);
	/* adds a stream if there is another one to read, or NULL */
	void		(*supply) (struct CmzFetch *fetch, void *arg);
	void	   *arg;
} CmzFetch;

/* In the current context, where the streams' pages will live too. */
extern CmzFetch *cmz_fetch_create(const CmzClient *client, CmzCounters *counters,
								  int concurrency, bool lazy);

/* Add a stream; an urgent one, while pages are taken, comes before others. */
extern void cmz_fetch_add(CmzFetch *fetch, const CmzReadRequest *request, int arm);
extern void cmz_fetch_add_urgent(CmzFetch *fetch, const CmzReadRequest *request, int arm);

/*
 * Send what may be in flight and take what has come, without waiting.  To be
 * called now and then while a page is read.
 */
extern void cmz_fetch_poll(CmzFetch *fetch);

/* cmz_fetch_next_page will not wait. */
extern bool cmz_fetch_is_ready(CmzFetch *fetch);

/*
 * The stream whose next page has come first, NULL if all are at their end.
 * Ends the page that was given before.  Raises what cmz_stream_next_page does.
 */
extern CmzStream *cmz_fetch_next_page(CmzFetch *fetch);

/* Open the first page of every stream. */
extern void cmz_fetch_open_all(CmzFetch *fetch);

/* The next page of this stream; false at its end. */
extern bool cmz_fetch_follow(CmzFetch *fetch, CmzStream *stream);

/* All pages are at hand: reading them again needs no request. */
extern bool cmz_fetch_can_rewind(const CmzFetch *fetch);
extern void cmz_fetch_rewind(CmzFetch *fetch);

#endif							/* CMZ_FETCH_H */
