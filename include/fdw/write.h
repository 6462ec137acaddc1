/*
 * write.h
 *	  Writes under way: one conditional write, or several as one
 *	  TransactWriteItems, and what became of them.
 *
 * Order of calls: cmz_sending_start, then cmz_sending_finish, which waits for the
 * answer and, if that was lost, finds out what happened; then, if it was not
 * stored, cmz_sending_raise.
 */
#ifndef CMZ_WRITE_H
#define CMZ_WRITE_H

#include "base/writerequest.h"
#include "client/call.h"
#include "lib/ilist.h"

typedef enum CmzOutcome
{
	CMZ_OUTCOME_STORED,
	CMZ_OUTCOME_REFUSED,		/* what a write relied on is no longer so */
	CMZ_OUTCOME_FAILED,			/* nothing was stored */
	CMZ_OUTCOME_UNKNOWN			/* cannot be found out */
} CmzOutcome;

typedef struct CmzSending
{
	dlist_node	node;			/* in a pipeline */
	MemoryContext context;		/* of this, and of what it refers to */
	const CmzClient *client;
	int			n;
	const CmzWrite *writes;
	bool	   *refused;		/* not NULL: set if refused, which is no error then */
	CmzCall    *call;
	double		write_units;	/* consumed, once it is stored */
	int			failed;			/* which of the writes was refused or has failed */
} CmzSending;

/*
 * Raise PROGRAM_LIMIT_EXCEEDED if a write changes, or relies on, more attributes
 * than an expression takes.
 */
extern void cmz_write_check(const CmzWrite *write);

/*
 * Send writes, none of which does nothing, to different items: one alone as an
 * operation of its own, unless it must be atomic; else as a TransactWriteItems
 * with a client token.  Current must be a context of their own, which ends with
 * cmz_sending_free.  Raises PROGRAM_LIMIT_EXCEEDED if one changes too many
 * attributes at once, and then nothing is sent.
 */
extern CmzSending *cmz_sending_start(const CmzClient *client, int n, const CmzWrite *writes,
									 bool atomic);

/* There is an answer, or none will come: finishing will not wait for it. */
extern bool cmz_sending_is_ready(const CmzSending *sending);

/* Raises what an interrupt raises. */
extern CmzOutcome cmz_sending_finish(CmzSending *sending);

/*
 * Raise the outcome as an error: UNIQUE_VIOLATION (23505) or
 * T_R_SERIALIZATION_FAILURE (40001) with the key, TRANSACTION_RESOLUTION_UNKNOWN
 * (08007), or what the call says.  account, if not NULL, is a sentence about other
 * writes.
 */
pg_noreturn extern void cmz_sending_raise(const CmzSending *sending, CmzOutcome outcome,
										  const char *account);

extern void cmz_sending_free(CmzSending *sending);

#endif							/* CMZ_WRITE_H */
