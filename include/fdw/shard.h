/*
 * shard.h
 *	  Calls of DynamoDB Streams: the shards of a stream, and what is in them.
 *
 * Failures are raised, as are answers that are none (PROTOCOL_VIOLATION), but
 * for those that a reader of shards reckons with.
 * Source: DynamoDB API reference, "Amazon DynamoDB Streams".
 */
#ifndef CMZ_FDW_SHARD_H
#define CMZ_FDW_SHARD_H

#include "base/frontier.h"
#include "base/record.h"
#include "client/call.h"

/* A table's stream, and whom to ask about it. */
typedef struct CmzChangeStream
{
	const CmzClient *client;	/* of cmz_service_streams */
	const char *table;			/* of DynamoDB, for messages */
	const char *arn;
} CmzChangeStream;

typedef enum CmzShardAnswer
{
	CMZ_SHARD_OK,
	CMZ_SHARD_TRIMMED,			/* changes from there on are gone */
	CMZ_SHARD_EXPIRED			/* the iterator is too old */
} CmzShardAnswer;

/* DescribeStream: all shards, palloc'd; returns how many. */
extern int	cmz_shard_list(const CmzChangeStream *stream, CmzShard **shards);

/*
 * GetShardIterator: behind a sequence number, or for NULL at the oldest change.
 * *iterator is palloc'd.
 */
extern CmzShardAnswer cmz_shard_iterator(const CmzChangeStream *stream, const char *shard,
										 const char *after, const char **iterator);

/*
 * GetRecords: at most limit of them.  They live in the current memory context,
 * until *call is freed.
 */
extern CmzShardAnswer cmz_shard_records(const CmzChangeStream *stream, const char *iterator,
										int limit, CmzRecords *records, CmzCall **call);

#endif							/* CMZ_FDW_SHARD_H */
