/*
 * pipeline.h
 *	  Many writes, several under way at once.
 *
 * For each write: cmz_pipeline_room gives a context to make it in, then
 * cmz_pipeline_send.  At the end cmz_pipeline_finish.  After a failure nothing
 * more should be sent; what is under way is waited for, so that the account of
 * what was stored is exact.
 */
#ifndef CMZ_PIPELINE_H
#define CMZ_PIPELINE_H

#include "fdw/progress.h"
#include "fdw/table.h"
#include "fdw/write.h"

typedef struct CmzPipeline
{
	dlist_node	node;			/* among those of this backend */
	MemoryContext context;
	Oid			serverid;
	const char *table_name;		/* whose items are written; NULL: several tables' */
	const CmzClient *client;
	int			concurrency;
	CmzProgress *progress;
	MemoryContext room;			/* given and not taken by a write, or NULL */
	dlist_head	sendings;
	int			nsendings;
	int64		stored;			/* writes that are known to be */
	int64		unknown;		/* of which it cannot be found out */
	CmzSending *failed;			/* the first one that was not, NULL: none */
	CmzOutcome	outcome;		/* of that */
} CmzPipeline;

/* In the current context, with which it ends. */
extern CmzPipeline *cmz_pipeline_create(const CmzClient *client, int concurrency,
										Oid serverid, const char *table_name);

/*
 * Wait until another write may be sent; gives a context for it.  Look at failed
 * afterwards.  Raises what an interrupt raises.
 */
extern MemoryContext cmz_pipeline_room(CmzPipeline *pipeline);

/*
 * Send a write, or several as one; they and what they refer to live in the context
 * that room gave, which is the current one.  Waits first if a write to one of the
 * items is under way.
 */
extern CmzSending *cmz_pipeline_send(CmzPipeline *pipeline, int n, const CmzWrite *writes);

/* Wait for all that is under way.  Look at failed afterwards. */
extern void cmz_pipeline_finish(CmzPipeline *pipeline);

/* Raise the failure, if there was one. */
extern void cmz_pipeline_check(CmzPipeline *pipeline);

/*
 * Writes of this backend to the table that are under way: wait for them, so that
 * they can be read.  Raises what they raise.
 */
extern void cmz_pipeline_settle(const CmzTable *table);

#endif							/* CMZ_PIPELINE_H */
