/*
 * frontier.c
 *	  Which shards of a stream to read next, and from where.
 */
#include "base/base.h"

#include "base/frontier.h"

/* To find shards by name: their indexes, ordered by it. */
typedef struct Names
{
	int			n;
	CmzFrontierShard **sorted;
} Names;

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(CmzFrontierShard *const *) a)->position.id,
				  (*(CmzFrontierShard *const *) b)->position.id);
}

static void
sort_names(Names *names, CmzFrontier *frontier)
{
	names->n = frontier->n;
	names->sorted = palloc(sizeof(CmzFrontierShard *) * Max(names->n, 1));
	for (int i = 0; i < names->n; i++)
		names->sorted[i] = &frontier->shards[i];
	qsort(names->sorted, names->n, sizeof(CmzFrontierShard *), compare_names);
}

static CmzFrontierShard *
find_name(const Names *names, const char *id)
{
	CmzFrontierShard key;
	CmzFrontierShard *pointer = &key;
	CmzFrontierShard **found;

	key.position.id = id;
	found = bsearch(&pointer, names->sorted, names->n, sizeof(CmzFrontierShard *), compare_names);
	return found ? *found : NULL;
}

static bool
is_old(const CmzFrontier *frontier, const CmzFrontierShard *shard)
{
	return shard->position.since != 0 &&
		frontier->now - shard->position.since >= CMZ_STREAM_KEPT_SECONDS;
}

static void
take_bookmark(CmzFrontier *frontier, const CmzBookmark *bookmark)
{
	for (int i = 0; i < bookmark->n; i++)
	{
		CmzFrontierShard *shard = &frontier->shards[frontier->n++];

		shard->position = bookmark->shards[i];
		shard->marked = shard->settled = true;
		shard->done = shard->position.ended;
		shard->stale = is_old(frontier, shard);
	}
}

static int
compare_listed(const void *a, const void *b)
{
	return strcmp((*(const CmzShard *const *) a)->id, (*(const CmzShard *const *) b)->id);
}

/* Add what is listed, each shard once (pages may overlap), the oldest first. */
static void
add_listed(CmzFrontier *frontier, int n, const CmzShard *shards)
{
	const CmzShard **sorted = palloc(sizeof(CmzShard *) * Max(n, 1));
	Names		marked;

	for (int i = 0; i < n; i++)
		sorted[i] = &shards[i];
	qsort(sorted, n, sizeof(CmzShard *), compare_listed);
	sort_names(&marked, frontier);
	for (int i = 0; i < n; i++)
	{
		CmzFrontierShard *shard = find_name(&marked, sorted[i]->id);

		if (i > 0 && compare_listed(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		if (shard == NULL)
		{
			shard = &frontier->shards[frontier->n++];
			shard->position.id = sorted[i]->id;
		}
		shard->listed = true;
		shard->parent_id = sorted[i]->parent;
		shard->closed = sorted[i]->closed;
	}
}

static void
link_parents(CmzFrontier *frontier)
{
	Names		all;

	sort_names(&all, frontier);
	for (int i = 0; i < frontier->n; i++)
	{
		CmzFrontierShard *shard = &frontier->shards[i];
		CmzFrontierShard *parent = shard->parent_id ? find_name(&all, shard->parent_id) : NULL;

		shard->parent = parent ? parent - frontier->shards : -1;
		if (parent && shard->listed)
			parent->has_child = true;
	}
}

static CmzFrontierShard *
parent_of(CmzFrontier *frontier, CmzFrontierShard *shard)
{
	return shard->parent >= 0 ? &frontier->shards[shard->parent] : NULL;
}

/* What came before a shard of the bookmark has been read. */
static void
finish_ancestors(CmzFrontier *frontier)
{
	for (int i = 0; i < frontier->n; i++)
	{
		CmzFrontierShard *shard = &frontier->shards[i];

		if (!shard->marked)
			continue;
		while ((shard = parent_of(frontier, shard)) != NULL && !shard->marked && !shard->done)
			shard->done = true;
	}
}

/* A shard of which changes may have been trimmed unread; NULL: none. */
static const char *
find_loss(const CmzFrontier *frontier)
{
	for (int i = 0; i < frontier->n; i++)
	{
		const CmzFrontierShard *shard = &frontier->shards[i];

		if (shard->marked
			? !shard->listed && !(shard->done && shard->has_child)
			: !shard->done && shard->parent_id != NULL && shard->parent < 0)
			return shard->position.id;
	}
	return NULL;
}

CmzFrontier *
cmz_frontier_create(const CmzBookmark *bookmark, int n, const CmzShard *shards, int64 now,
					const char **lost)
{
	CmzFrontier *frontier = palloc0(sizeof(CmzFrontier));
	int			room = n + (bookmark ? bookmark->n : 0);

	frontier->now = now;
	frontier->resumed = bookmark != NULL;
	frontier->shards = palloc0(sizeof(CmzFrontierShard) * Max(room, 1));
	if (bookmark)
		take_bookmark(frontier, bookmark);
	add_listed(frontier, n, shards);
	link_parents(frontier);
	finish_ancestors(frontier);
	*lost = bookmark ? find_loss(frontier) : NULL;
	return *lost ? NULL : frontier;
}

/*
 * It may be read: it is not done, and what came before it is.  A new shard then
 * takes over what is known of the time of its changes.
 */
static bool
is_at_frontier(CmzFrontier *frontier, CmzFrontierShard *shard)
{
	CmzFrontierShard *parent = parent_of(frontier, shard);

	if (shard->done || (parent != NULL && !parent->done))
		return false;
	if (!shard->settled && parent != NULL)
	{
		shard->position.since = parent->position.since;
		shard->stale = parent->stale;
	}
	shard->settled = true;
	return true;
}

CmzFrontierShard *
cmz_frontier_next(CmzFrontier *frontier)
{
	for (int i = 0; i < frontier->n; i++)
	{
		CmzFrontierShard *shard = &frontier->shards[i];

		if (shard->visited || !is_at_frontier(frontier, shard))
			continue;
		shard->visited = true;
		return shard;
	}
	return NULL;
}

bool
cmz_frontier_has_gap(const CmzFrontier *frontier, const CmzFrontierShard *shard, bool trimmed)
{
	if (trimmed)
		return shard->stale || (frontier->resumed && is_old(frontier, shard));
	return shard->stale && shard->position.after == NULL;
}

void
cmz_frontier_advance(CmzFrontier *frontier, CmzFrontierShard *shard, const char *sequence,
					 int sequence_len, int64 time)
{
	shard->position.after = pnstrdup(sequence, sequence_len);
	if (time > 0)
		shard->position.since = Min(time, frontier->now);
	/* it was still there, so is what comes after it */
	shard->stale = false;
}

void
cmz_frontier_caught_up(CmzFrontier *frontier, CmzFrontierShard *shard)
{
	shard->position.since = frontier->now;
}

void
cmz_frontier_end(CmzFrontierShard *shard)
{
	shard->position.ended = shard->done = true;
}

static void
mark(CmzBookmark *bookmark, const CmzFrontierShard *shard)
{
	bookmark->shards[bookmark->n++] = shard->position;
}

/*
 * Those whose turn has not come go first the next time.  What nothing is known of
 * is owed from the first poll on.  When the list was taken, a shard at its end
 * had no child, so that what comes after it is newer.
 */
void
cmz_frontier_mark(CmzFrontier *frontier, CmzBookmark *bookmark)
{
	for (int i = 0; i < frontier->n; i++)
		if (is_at_frontier(frontier, &frontier->shards[i]) && frontier->shards[i].position.since == 0)
			frontier->shards[i].position.since = frontier->now;
	bookmark->n = 0;
	bookmark->shards = palloc(sizeof(CmzShardPosition) * Max(frontier->n, 1));
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < frontier->n; i++)
			if (frontier->shards[i].visited == turn && is_at_frontier(frontier, &frontier->shards[i]))
				mark(bookmark, &frontier->shards[i]);
	for (int i = 0; i < frontier->n; i++)
	{
		CmzFrontierShard *shard = &frontier->shards[i];

		if (!shard->position.ended || !shard->listed || shard->has_child)
			continue;
		shard->position.since = Max(shard->position.since, frontier->now);
		mark(bookmark, shard);
	}
}
