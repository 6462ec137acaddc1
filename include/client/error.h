/*
 * error.h
 *	  What went wrong with a call: whether to try again, and how to say it.
 */
#ifndef CMZ_ERROR_H
#define CMZ_ERROR_H

#include "client/compat.h"
#include "client/http.h"
#include "client/service.h"

typedef enum CmzRetry
{
	CMZ_RETRY_NEVER,
	CMZ_RETRY_CONNECT,			/* the endpoint was not reached: a few times */
	CMZ_RETRY_TRANSIENT,		/* lost, late or garbled answer, 5xx */
	CMZ_RETRY_THROTTLED			/* asked to slow down */
} CmzRetry;

/* A failed attempt.  Strings are palloc'd or static. */
typedef struct CmzFailure
{
	bool		failed;
	bool		unsent;			/* there are no credentials to send it with */
	const char *detail;			/* ... more about that; may be NULL */
	CmzRetry	retry;
	bool		ambiguous;		/* the request may have been carried out */
	int			sqlstate;
	long		status;			/* of HTTP, 0: no answer */
	const char *code;			/* the service's exception, or NULL */
	const char *message;		/* its message, or what the transport said */
	const char *hint;			/* may be NULL, see cmz_error_hint() */
	bool		denied;			/* an action is missing, see cmz_error_hint() */
	bool		clock;			/* the signature's date may be to blame */
	bool		stale;			/* the credentials have expired */
	char		request_id[CMZ_REQUEST_ID_SIZE];
} CmzFailure;

/*
 * Judge a finished exchange: failure->failed is false for a sound 200.
 * Allocates in the current memory context.
 */
extern void cmz_error_judge(const CmzExchange *exchange, CmzFailure *failure);

/*
 * Text from outside, supposed to be UTF-8, for people: palloc'd, not long, and with
 * '?' for what may not be in the database's encoding.
 */
extern char *cmz_error_printable(const char *text);

/* It failed with that exception of the service's. */
extern bool cmz_failure_is(const CmzFailure *failure, const char *code);

/*
 * What to do about the failure of an operation of that service; NULL if there is
 * nothing to say.  palloc'd or static.
 */
extern const char *cmz_error_hint(const CmzFailure *failure, const CmzService *service,
								  const char *operation);

/*
 * Raise the failure as an error that names service, operation, table and request id;
 * attempts is how often it was tried.  account, if not NULL, is another sentence
 * for its DETAIL.
 */
pg_noreturn extern void cmz_error_raise(const CmzFailure *failure, const CmzService *service,
										const char *operation, const char *table,
										const char *endpoint, int attempts, const char *account);

#endif							/* CMZ_ERROR_H */
