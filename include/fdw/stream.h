/*
 * stream.h
 *	  The fetcher: the pages of one Query or Scan, one after the other.
 */
#ifndef CMZ_STREAM_H
#define CMZ_STREAM_H

#include "base/itemreader.h"
#include "base/request.h"
#include "client/dynamodb.h"

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
	const CmzClient *client;
	CmzReadRequest request;
	CmzCounters *counters;
	CmzCall    *call;			/* whose answer the page lies in */
	CmzPage		page;
	StringInfoData start_key;	/* LastEvaluatedKey of the page before */
	bool		at_end;			/* no page follows */
} CmzStream;

/*
 * A stream of the request (copied, its parts kept by reference), palloc'd in
 * the current context, in which its calls will live.  Sends nothing yet.
 */
extern CmzStream *cmz_stream_create(const CmzClient *client, const CmzReadRequest *request,
									CmzCounters *counters);

/*
 * Fetch the next page into stream->page, which ends the one before; false at
 * the end.  A page may have no items and still not be the last.  Raises what
 * the call raises, and PROTOCOL_VIOLATION for a malformed answer.
 */
extern bool cmz_stream_next_page(CmzStream *stream);

/* Raise the error of a page as PROTOCOL_VIOLATION. */
pg_noreturn extern void cmz_stream_raise(const char *table, const CmzPage *page);

/* Give back the page and its connection; the stream starts anew when asked. */
extern void cmz_stream_reset(CmzStream *stream);

#endif							/* CMZ_STREAM_H */
