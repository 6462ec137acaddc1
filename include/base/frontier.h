/*
 * frontier.h
 *	  Which shards of a stream to read next, and from where, so that each change
 *	  is read once and changes of one item in their order.
 *
 * A stream is a forest of shards: one is closed, and its children go on.  What
 * has been read is all of some shards, with all that came before them, and part of
 * others: the frontier.  A bookmark holds the frontier, and the shards that have been
 * read to their end as long as no child of theirs is listed.  So a listed shard that
 * is not in the bookmark has been read if a descendant of it is there, and is new
 * otherwise.
 *
 * Changes that were trimmed before they were read must not go unnoticed:
 *	 - a shard in the bookmark that is not listed any more, unless it was read to
 *	   its end and a child of it is listed;
 *	 - a new shard whose parent is neither listed nor in the bookmark;
 *	 - one that was to be read from its beginning, too long after the time (since)
 *	   when all that is in it was unwritten.
 * A position behind a sequence number is checked by DynamoDB itself, which
 * also refuses one that is merely old: then the last rule decides.
 *
 * Order of calls: create with a list of the shards taken at the time now; next
 * until NULL, and for each shard has_gap, advance for what is read of it, then one
 * of caught_up, end or (with part of it left) nothing; at last mark.
 *
 * Source: DynamoDB developer guide, "Change data capture for DynamoDB Streams".
 */
#ifndef CMZ_FRONTIER_H
#define CMZ_FRONTIER_H

#include "base/bookmark.h"

/* A stream keeps its changes for a day; clocks and delays may differ a little. */
#define CMZ_STREAM_KEPT_SECONDS	(24 * 60 * 60 - 15 * 60)

/* A shard as DescribeStream lists it. */
typedef struct CmzShard
{
	const char *id;
	const char *parent;			/* NULL: none */
	bool		closed;			/* it has an end */
} CmzShard;

typedef struct CmzFrontierShard
{
	CmzShardPosition position;
	int			parent;			/* its index, -1: neither listed nor in the
								 * bookmark */
	const char *parent_id;
	bool		listed;
	bool		closed;
	bool		marked;			/* was in the bookmark */
	bool		done;			/* all of it has been read */
	bool		visited;		/* its turn in this round has come */
	bool		stale;			/* unread changes may have been trimmed */
	bool		settled;		/* has what follows from its parent */
	bool		has_child;		/* that is listed */
} CmzFrontierShard;

typedef struct CmzFrontier
{
	int			n;
	CmzFrontierShard *shards;	/* in the order in which they are read */
	int64		now;
	bool		resumed;		/* from a bookmark */
} CmzFrontier;

/*
 * The frontier of a stream with n listed shards (kept by reference, as is the
 * bookmark; NULL: from the oldest change), palloc'd.  NULL with *lost set to a
 * shard if changes have been trimmed before they were read.
 */
extern CmzFrontier *cmz_frontier_create(const CmzBookmark *bookmark, int n, const CmzShard *shards,
										int64 now, const char **lost);

/* The next shard to read, NULL: none. */
extern CmzFrontierShard *cmz_frontier_next(CmzFrontier *frontier);

/*
 * Changes of it may be lost; trimmed: DynamoDB has nothing any more where reading
 * of it stands.  If not, it is to be read from the oldest change it has.
 */
extern bool cmz_frontier_has_gap(const CmzFrontier *frontier, const CmzFrontierShard *shard,
								 bool trimmed);

/* It has been read up to a change of that Unix time (0: unknown); sequence is copied. */
extern void cmz_frontier_advance(CmzFrontier *frontier, CmzFrontierShard *shard,
								 const char *sequence, int sequence_len, int64 time);

/* There is nothing more in it for now. */
extern void cmz_frontier_caught_up(CmzFrontier *frontier, CmzFrontierShard *shard);

/* There will never be anything more in it. */
extern void cmz_frontier_end(CmzFrontierShard *shard);

/* Where reading stands now; the rest is the caller's to fill in. */
extern void cmz_frontier_mark(CmzFrontier *frontier, CmzBookmark *bookmark);

#endif							/* CMZ_FRONTIER_H */
