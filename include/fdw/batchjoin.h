/*
 * batchjoin.h
 *	  Executes the batched join.
 */
#ifndef CMZ_BATCHJOIN_H
#define CMZ_BATCHJOIN_H

#include "nodes/extensible.h"

/* Rows of the first batch; each is larger than the one before, up to a limit. */
#define CMZ_FIRST_BATCH		32
#define CMZ_BATCH_GROWTH	4
#define CMZ_MAX_BATCH		2048

/* The places of what the join evaluates, in custom_exprs. */
enum
{
	CMZ_BATCH_OUTER_KEYS,		/* a list: of the partition key, perhaps of the sort
								 * key */
	CMZ_BATCH_INNER_KEY,		/* the partition key */
	CMZ_BATCH_JOIN_QUAL			/* a list */
};

/* ... and of what it must know, integers in custom_private. */
enum
{
	CMZ_BATCH_JOIN_TYPE,
	CMZ_BATCH_OUTER_COLUMNS,	/* so many columns of the scan tuple stand first */
	CMZ_BATCH_OPERATOR,			/* inner key = outer key */
	CMZ_BATCH_COLLATION
};

extern const CustomScanMethods cmz_batchjoin_methods;

#endif							/* CMZ_BATCHJOIN_H */
