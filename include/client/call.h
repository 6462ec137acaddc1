/*
 * call.h
 *	  Calls of AWS services: start an operation, collect its answer.
 *
 * Several calls may be under way at once; waiting for one drives all.  A call
 * lives in a memory context of its own below the one it was started in, so it
 * ends with that at the latest, also after an error.
 */
#ifndef CMZ_CALL_H
#define CMZ_CALL_H

#include "client/credentials.h"
#include "client/error.h"
#include "client/http.h"
#include "client/service.h"
#include "client/stat.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "portability/instr_time.h"

/* Whom we talk to, and as whom.  Made by fdw/session.c; strings are its. */
typedef struct CmzClient
{
	const CmzService *service;
	const char *endpoint_url;
	const char *region;
	CmzHttpOptions http;
	int			max_retries;
	Oid			serverid;		/* under which it is counted */
	CmzCredentialConfig credential_config;
} CmzClient;

typedef struct CmzCall
{
	MemoryContext context;
	dlist_node	node;			/* in the list of unfinished calls */
	bool		listed;
	const CmzClient *client;
	const char *operation;		/* "Query" */
	const char *table;			/* for messages and counters; may be NULL */
	const char *index;			/* for counters; whoever starts the call may set it */
	const char *body;
	size_t		body_len;

	/* attempts */
	int			attempts;
	CmzExchange *exchange;		/* of the attempt under way, or the last */
	instr_time	started;		/* of that attempt */
	TimestampTz retry_at;		/* next attempt, 0: one is under way */
	uint64		serial;			/* of the credentials it is signed with */
	bool		signed_anew;	/* after a refused signature */
	bool		ambiguous;		/* an attempt before the last may have been
								 * carried out */

	/* the end */
	bool		finished;
	CmzFailure	failure;		/* .failed: no answer */
	const char *answer;			/* JSON, zero-terminated */
	size_t		answer_len;
} CmzCall;

/*
 * Start an operation; body is copied, operation is kept by reference.  Under the
 * query protocol the body names the operation too.
 */
extern CmzCall *cmz_call_start(const CmzClient *client, const char *operation,
							   const char *table, const StringInfoData *body);

/* cmz_call_wait will not wait: it has ended, or could not be started again. */
extern bool cmz_call_is_settled(const CmzCall *call);

/*
 * Wait until the call has an answer or has failed for good; true for an
 * answer.  Raises what an interrupt raises, not the failure.
 */
extern bool cmz_call_wait(CmzCall *call);

/*
 * Of a call that has ended: the service has answered, one way or another, each
 * request that was sent, so that none is under way any more.
 */
extern bool cmz_call_was_answered(const CmzCall *call);

/*
 * Take all calls as far as they go; with wait, until something has happened to
 * one of them.  Look at their "finished" afterwards.  Raises what an interrupt
 * raises.
 */
extern void cmz_calls_drive(bool wait);

/* In how many milliseconds, but at most max_ms, a call wants attention. */
extern long cmz_calls_timeout(long max_ms);

/*
 * Raise the failure of a call.  account, if not NULL, is another sentence for its
 * DETAIL.
 */
pg_noreturn extern void cmz_call_raise(const CmzCall *call, const char *account);

/*
 * Count what an answered call has brought or done, which only who reads its answer
 * knows: pages, items and units of *counters.
 */
extern void cmz_call_count(const CmzCall *call, const CmzStatCounters *counters);

/* End the call: its answer and its connection are given back. */
extern void cmz_call_free(CmzCall *call);

#endif							/* CMZ_CALL_H */
