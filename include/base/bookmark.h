/*
 * bookmark.h
 *	  How far a stream has been read, as a value and as text.
 *
 * The text is JSON: {"v":1,"stream":ARN,"shards":[[id,since,after], ...]}, in
 * which after is a sequence number, "" for a shard that has not been begun, and
 * missing for one that has been read to its end.
 */
#ifndef CMZ_BOOKMARK_H
#define CMZ_BOOKMARK_H

#include "base/base.h"

/* Where reading of one shard stands. */
typedef struct CmzShardPosition
{
	const char *id;
	const char *after;			/* the last sequence number read; NULL: none */
	int64		since;			/* Unix time: nothing that is unread in it, or in
								 * shards that come after it, is older (but for
								 * what was there at the first poll); 0: not known
								 * yet */
	bool		ended;			/* read to the end of a closed shard */
} CmzShardPosition;

typedef struct CmzBookmark
{
	const char *stream;			/* its ARN */
	int			n;
	CmzShardPosition *shards;	/* those to read first come first */
} CmzBookmark;

/*
 * Parse len bytes; what the bookmark refers to is palloc'd.  False with *error
 * set (palloc'd or static) if they are no bookmark.
 */
extern bool cmz_bookmark_parse(CmzBookmark *bookmark, const char *text, size_t len,
							   const char **error);

/* Append the text of a bookmark. */
extern void cmz_bookmark_append(StringInfo buf, const CmzBookmark *bookmark);

#endif							/* CMZ_BOOKMARK_H */
