/*
 * exists.h
 *	  Which of some keys have an item in DynamoDB.
 */
#ifndef CMZ_EXISTS_H
#define CMZ_EXISTS_H

#include "client/call.h"
#include "fdw/table.h"

/* A key that is asked for. */
typedef struct CmzSoughtKey
{
	const CmzOperand *key;
	bool		exists;			/* the answer */
} CmzSoughtKey;

/*
 * Look for up to CMZ_MAX_BATCH_GET keys (some may be the same) by one
 * BatchGetItem with strongly consistent reads.  Raises what a read raises.
 */
extern void cmz_exists_look(const CmzClient *client, const CmzTable *table, int n,
							CmzSoughtKey *keys);

#endif							/* CMZ_EXISTS_H */
