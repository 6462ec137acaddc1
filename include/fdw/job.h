/*
 * job.h
 *	  Work on a table that takes several calls, and DynamoDB some time: waits with
 *	  progress messages, and an account of what has been done if it ends early.
 *
 * Order of calls: begin, then calls and waits in any order, then end.  All waiting
 * ends with what an interrupt raises.
 */
#ifndef CMZ_JOB_H
#define CMZ_JOB_H

#include "fdw/control.h"
#include "utils/timestamp.h"

typedef struct CmzJob
{
	const CmzClient *client;
	const char *table;
	const char *account;		/* what has been done, what not, what to do:
								 * DETAIL of a failure, CONTEXT of other
								 * errors; NULL: nothing has been done */
	bool		silent;			/* no CONTEXT: the job itself reports */
	ErrorContextCallback callback;

	/* the wait under way */
	TimestampTz since;
	long		passed_ms;
	long		say_at_ms;		/* when the next message is due */
	long		sleep_ms;
} CmzJob;

/* Begin work on a table; job is the caller's, the strings stay its too. */
extern void cmz_job_begin(CmzJob *job, const CmzClient *client, const char *table);
extern void cmz_job_end(CmzJob *job);

/* Report in the job's course; sqlstate 0: that of the level. */
extern void cmz_job_say(CmzJob *job, int elevel, int sqlstate, const char *message);

/* Raise the failure of a call with the account. */
pg_noreturn extern void cmz_job_raise(CmzJob *job, const CmzProbe *probe);

/* Begin to wait; the first message is due after quiet_ms. */
extern void cmz_job_wait_begin(CmzJob *job, long quiet_ms);

/*
 * Let a little time pass before the next look.  "waiting for ..., so far so many
 * seconds: state" is said at growing intervals; state may be NULL.
 */
extern void cmz_job_wait(CmzJob *job, const char *what, const char *state);

/*
 * Wait until the table and its indexes are ACTIVE, or, if index is not NULL, the
 * table and that one.  fresh: it may not be seen yet.  Raises UNDEFINED_TABLE if
 * it is not there, UNDEFINED_OBJECT if the index is not, and
 * OBJECT_NOT_IN_PREREQUISITE_STATE if the table's state never leads to ACTIVE.
 */
extern void cmz_job_await_active(CmzJob *job, const char *index, bool fresh);

/*
 * Wait until there is no table of that name any more, or only one with another
 * TableId than id (which may be NULL).
 */
extern void cmz_job_await_gone(CmzJob *job, const char *id);

#endif							/* CMZ_JOB_H */
