/*
 * stat.h
 *	  What calls have done and cost: counters by server, table, index and
 *	  operation, over all sessions where memory can be shared.
 */
#ifndef CMZ_STAT_H
#define CMZ_STAT_H

#include "client/shared.h"
#include "datatype/timestamp.h"

/* Numbers that are added up. */
typedef struct CmzStatCounters
{
	int64		requests;		/* attempts, each by itself */
	int64		pages;
	int64		items;			/* returned, or written */
	int64		scanned_items;
	int64		bytes;			/* of answers */
	double		read_units;
	double		write_units;
	int64		throttled_requests;
	int64		system_errors;	/* status 5xx, and no answer */
	int64		user_errors;	/* status 4xx, but for throttling */
	int64		retries;
	double		time_ms;		/* of all attempts together */
} CmzStatCounters;

#define CMZ_STAT_NAME_SIZE		256
#define CMZ_STAT_OPERATION_SIZE	32

typedef struct CmzStatEntry
{
	Oid			database;
	Oid			serverid;
	char		table[CMZ_STAT_NAME_SIZE];	/* "": none */
	char		index[CMZ_STAT_NAME_SIZE];	/* "": the table */
	char		operation[CMZ_STAT_OPERATION_SIZE];
	CmzStatCounters counters;
	TimestampTz since;			/* when counting began */
} CmzStatEntry;

/* To be called from _PG_init. */
extern void cmz_stat_install(void);

/*
 * Make the counters available; to be called before they are wanted.  Raises what
 * shared memory raises that cannot be had.
 */
extern void cmz_stat_attach(void);

/*
 * Add to the counters of an operation; table and index may be NULL.  When there
 * is no room, entries that have not been used for long make it: they are counted
 * together, by database, under the name "(others)".
 */
extern void cmz_stat_add(Oid serverid, const char *table, const char *index,
						 const char *operation, const CmzStatCounters *counters);

/* A copy of all entries of this database, palloc'd. */
extern CmzStatEntry *cmz_stat_read(int *n);

/* Forget all entries of this database. */
extern void cmz_stat_reset(void);

/* They are those of all sessions; else this one's. */
extern bool cmz_stat_is_shared(void);

#endif							/* CMZ_STAT_H */
