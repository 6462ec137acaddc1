/*
 * ttl.h
 *	  What values the items of a live table have for their time to live.
 *
 * Source: DynamoDB developer guide, "Using time to live (TTL) in DynamoDB".
 */
#ifndef CMZ_TTL_H
#define CMZ_TTL_H

#include "fdw/control.h"

/* The strings are palloc'd or static. */
typedef struct CmzTtlFinding
{
	const char *actual;			/* how many of which kind, or "no items" */
	const char *hint;			/* what is wrong, or why it is not known; NULL:
								 * nothing is wrong */
	bool		known;			/* there are values to judge */
	CmzProbe	probe;			/* of the Scan */
} CmzTtlFinding;

/*
 * Look at a few items, which costs a read of them.  False if the Scan failed: then
 * only the probe is set.  Raises what cmz_control_probe() raises.
 */
extern bool cmz_ttl_look(const CmzClient *client, const char *table, CmzTtlFinding *found);

#endif							/* CMZ_TTL_H */
