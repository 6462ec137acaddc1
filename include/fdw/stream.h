/*
 * stream.h
 *	  The pages of one Query, Scan segment or BatchGetItem, one after the other.
 */
#ifndef CMZ_STREAM_H
#define CMZ_STREAM_H

#include "base/itemreader.h"
#include "base/request.h"
#include "client/call.h"

/* What a scan has cost. */
typedef struct CmzCounters
{
	int64		requests;
	int64		pages;
	int64		scanned_items;	/* read by DynamoDB */
	int64		items;			/* returned by it */
	int64		retries;
	double		read_units;
} CmzCounters;

typedef struct CmzStream
{
	MemoryContext context;		/* of its calls */
	const CmzClient *client;
	CmzReadRequest request;		/* for the next page */
	CmzCounters *counters;
	CmzCall    *call;			/* whose answer the page lies in */
	CmzCall    *next;			/* for the page behind it, NULL: not started */
	CmzPage		page;
	StringInfoData start_key;	/* LastEvaluatedKey of the page before */
	int64		pages;			/* opened so far */
	bool		at_end;			/* no request follows */
	int			stalled;		/* batches in a row that brought nothing */

	/* for those who drive several */
	int			arm;
} CmzStream;

/*
 * A stream of the request (copied, its parts kept by reference), palloc'd in
 * the current context, in which its calls will live.  Sends nothing yet.
 */
extern CmzStream *cmz_stream_create(const CmzClient *client, const CmzReadRequest *request,
									CmzCounters *counters);

/* Ask for the next page, unless that has been done or none follows. */
extern void cmz_stream_start(CmzStream *stream);

/* An answer has come (or failed): cmz_stream_next_page will not wait. */
extern bool cmz_stream_is_ready(const CmzStream *stream);

/*
 * Get the next page into stream->page, which ends the one before; false at
 * the end.  A page may have no items and still not be the last.  Raises what
 * the call raises, PROTOCOL_VIOLATION for a malformed answer, and
 * CONFIGURATION_LIMIT_EXCEEDED if keys of a batch stay unprocessed.
 */
extern bool cmz_stream_next_page(CmzStream *stream);

/* Read the open page again from its first item. */
extern void cmz_stream_rewind(CmzStream *stream);

/* Raise the error of a page as PROTOCOL_VIOLATION. */
pg_noreturn extern void cmz_stream_raise(const char *table, const CmzPage *page);

/* Give back the page, the connection and what is under way. */
extern void cmz_stream_end(CmzStream *stream);

/* End the stream and delete its context. */
extern void cmz_stream_free(CmzStream *stream);

#endif							/* CMZ_STREAM_H */
