/*
 * test_frontier.c
 *	  Bookmarks of streams: by example, and at random against a made-up stream of
 *	  which it is known what has been written.
 */
#include "unit.h"

#include "base/frontier.h"

#define HOUR	3600
#define DAY		(24 * HOUR)

/* No limit of a poll. */
#define ALL		PG_INT32_MAX

static void
parses(const char *text, bool expected)
{
	CmzBookmark bookmark;
	const char *error;

	ok(cmz_bookmark_parse(&bookmark, text, strlen(text), &error) == expected, "%s: %s", text,
	   expected ? "a bookmark" : "none");
}

static void
test_text(void)
{
	static const char all[] = "{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",0,\"\"],[\"b\",17,\"0012\"],[\"c\\\"\",1795646520]]}";
	CmzBookmark bookmark;
	const char *error;
	StringInfoData buf;

	ok(cmz_bookmark_parse(&bookmark, all, strlen(all), &error), "a bookmark is parsed");
	ok(bookmark.n == 3 && bookmark.shards[0].after == NULL && !bookmark.shards[0].ended &&
	   bookmark.shards[1].since == 17 && bookmark.shards[2].ended, "... to what it says");
	is(bookmark.shards[1].after, "0012", "... zeros are kept");
	initStringInfo(&buf);
	cmz_bookmark_append(&buf, &bookmark);
	is(buf.data, all, "... and printed as it was");
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[]}", true);
	parses("", false);
	parses("null", false);
	parses("[]", false);
	parses("{}", false);
	parses("{\"v\":2,\"stream\":\"arn:x\",\"shards\":[]}", false);
	parses("{\"v\":1,\"shards\":[]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\"}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[\"a\"]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\"]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"\",0,\"\"]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",-1,\"\"]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",1e300,\"\"]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",0,\"x\"]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",0,null]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",0,\"\",1]]}", false);
	parses("{\"v\":1,\"stream\":\"arn:x\",\"shards\":[[\"a\",0,\"\"],[\"b\",0],[\"a\",1]]}", false);
}

/* "b<a" is shard b of parent a. */
static int
list_of(const char *text, CmzShard *shards)
{
	int			n = 0;

	for (char *word = strtok(pstrdup(text), " "); word != NULL; word = strtok(NULL, " "))
	{
		char	   *parent = strchr(word, '<');

		if (parent)
			*parent++ = '\0';
		shards[n++] = (CmzShard) {word, parent, false};
	}
	return n;
}

/*
 * Read what there is to be read, of which open ones stay open; where names the
 * last shard in the order of reading.  What was read and the bookmark's shards.
 */
static char *
poll_once(const char *shards, const char *list, const char *open, int limit)
{
	CmzShard	listed[16];
	int			n = list_of(list, listed);
	char	   *text = psprintf("{\"v\":1,\"stream\":\"s\",\"shards\":[%s]}", shards ? shards : "");
	CmzBookmark bookmark;
	CmzFrontier *frontier;
	CmzFrontierShard *shard;
	const char *error;
	const char *lost;
	StringInfoData buf;

	initStringInfo(&buf);
	if (!cmz_bookmark_parse(&bookmark, text, strlen(text), &error))
		return "no bookmark";
	frontier = cmz_frontier_create(shards ? &bookmark : NULL, n, listed, 1000000, &lost);
	if (frontier == NULL)
		return psprintf("lost %s", lost);
	while (limit-- > 0 && (shard = cmz_frontier_next(frontier)) != NULL)
	{
		appendStringInfo(&buf, "%s%s%s ", shard->position.id, shard->position.after ? ">" : "",
						 shard->stale ? "!" : "");
		if (strstr(open, shard->position.id))
			cmz_frontier_caught_up(frontier, shard);
		else
			cmz_frontier_end(shard);
	}
	cmz_frontier_mark(frontier, &bookmark);
	for (int i = 0; i < bookmark.n; i++)
		appendStringInfo(&buf, "%s%s%s", i == 0 ? "| " : " ", bookmark.shards[i].id,
						 bookmark.shards[i].ended ? "." : "");
	return buf.data;
}

static void
test_examples(void)
{
	/* from the oldest */
	is(poll_once(NULL, "", "", 9), "", "no shard yet");
	is(poll_once(NULL, "a", "a", 9), "a | a", "an open shard");
	is(poll_once(NULL, "a", "", 9), "a | a.", "a closed one without a child");
	is(poll_once(NULL, "b<a c<b", "c", 9), "b c | c", "the first parent is gone");
	is(poll_once(NULL, "c<b b<a a", "c", 9), "a b c | c", "parents first");
	is(poll_once(NULL, "a b<a c<a", "bc", 9), "a b c | b c", "a split");
	is(poll_once(NULL, "a b<a c<a", "abc", 9), "a | a", "children wait for their parent");
	is(poll_once(NULL, "a b<a c<a", "bc", 1), "a | b c", "... also from one poll to the next");
	is(poll_once(NULL, "a b", "ab", 0), "| a b", "a poll that reads nothing");
	is(poll_once(NULL, "a b c", "abc", 1), "a | b c a", "who has not had a turn is next");
	is(poll_once(NULL, "a a b<a b<a", "b", 9), "a b | b", "pages may overlap");
	is(poll_once(NULL, "a<b b<a c", "c", 9), "c | c", "a circle is left alone");

	/* from a bookmark */
	is(poll_once("[\"a\",999999,\"1\"]", "a", "a", 9), "a> | a", "an open shard again");
	is(poll_once("[\"a\",999999]", "a", "", 9), "| a.", "a shard at its end stays");
	is(poll_once("[\"a\",999999]", "a b<a", "b", 9), "b | b", "... until there is a child");
	is(poll_once("[\"a\",999999]", "a b<a", "b", 0), "| b", "... read or not");
	is(poll_once("[\"a\",999999]", "b<a", "b", 9), "b | b", "... even if it has gone itself");
	is(poll_once("[\"b\",999999,\"1\"]", "a b<a c<a", "bc", 9), "b> c | b c", "a child that came late");
	is(poll_once("[\"d\",999999,\"1\"]", "a b<a c<a d<b", "cd", 9), "d> c | d c", "... later than a grandchild");
	is(poll_once("[\"c\",999999,\"1\"]", "a b<a c<b", "c", 9), "c> | c", "what came before has been read");
	is(poll_once("", "a", "a", 9), "a | a", "the first shard of a stream");

	/* what may have been lost */
	is(poll_once("[\"a\",999999,\"1\"]", "b<a", "b", 9), "lost a", "the shard has gone");
	is(poll_once("[\"a\",999999,\"\"]", "b<a", "b", 9), "lost a", "... and was not begun");
	is(poll_once("[\"a\",999999]", "c<b", "c", 9), "lost a", "the children have gone");
	is(poll_once("[\"a\",999999]", "b<a d<c", "bd", 9), "lost d", "a child has gone");
	is(poll_once("", "b<a", "b", 9), "lost b", "the first one has gone");
	is(poll_once("[\"a\",900000,\"\"]", "a", "a", 9), "a! | a", "not begun for a day");
	is(poll_once("[\"a\",900000,\"1\"]", "a b<a", "b", 9), "a>! b! | b", "its child, too");
	is(poll_once("[\"a\",920000,\"1\"]", "a b<a", "b", 9), "a> b | b", "nearly a day is well");
	is(poll_once("[\"a\",0,\"\"]", "a b<a", "b", 9), "a b | b", "nothing was promised");
}

/*
 * The made-up stream.
 */
#define MAX_SHARDS	2000
#define MAX_RECORDS	40000

typedef struct SimRecord
{
	int			shard;
	int64		time;
	int			delivered;
	bool		excused;		/* trimmed before anything was promised */
} SimRecord;

typedef struct SimShard
{
	char		id[32];
	int			parent;			/* -1: none */
	int64		listed_at;
	int64		closed_at;		/* 0: open */
	int			first;			/* records before it are trimmed */
	int			n;
	int			records[500];
} SimShard;

typedef struct Sim
{
	int64		now;
	int			nshards;
	SimShard   *shards;
	int			nrecords;
	int			promised;		/* those before were there at the first poll */
	SimRecord  *records;
	int			doubles;
	int			disorders;
	int			losses;			/* told */
	int			silent;			/* not told */
} Sim;

static bool
is_open(const SimShard *shard)
{
	return shard->closed_at == 0 && shard->n < 490;
}

static void
add_shard(Sim *sim, int parent)
{
	SimShard   *shard = &sim->shards[sim->nshards];

	memset(shard, 0, sizeof(*shard));
	snprintf(shard->id, sizeof(shard->id), "shard-%05d", sim->nshards++);
	shard->parent = parent;
	/* a list may lag behind a little, and know one child before the other */
	shard->listed_at = sim->now + roll(60);
}

static void
sim_write(Sim *sim)
{
	SimShard   *shard = &sim->shards[roll(sim->nshards)];

	if (!is_open(shard) || sim->nrecords == MAX_RECORDS)
		return;
	sim->records[sim->nrecords] = (SimRecord) {shard - sim->shards, sim->now, 0, false};
	shard->records[shard->n++] = sim->nrecords++;
}

static void
sim_split(Sim *sim)
{
	int			i = roll(sim->nshards);
	int			open = 0;

	for (int j = 0; j < sim->nshards; j++)
		open += sim->shards[j].closed_at == 0;
	if (sim->shards[i].closed_at != 0 || sim->nshards > MAX_SHARDS - 2)
		return;
	sim->shards[i].closed_at = sim->now;
	add_shard(sim, i);
	if (open < 6 && roll(3) == 0)
		add_shard(sim, i);
}

/* Time goes by: much is written, some shards are closed, old changes are trimmed. */
static void
sim_pass(Sim *sim, int64 seconds)
{
	int64		until = sim->now + seconds;

	while (sim->now < until)
	{
		int64		step = Min(until - sim->now, 1 + (int64) roll(1200));

		sim->now += step;
		for (int i = roll(4); i > 0; i--)
			sim_write(sim);
		if (roll(8) == 0)
			sim_split(sim);
	}
	for (int i = 0; i < sim->nshards; i++)
	{
		SimShard   *shard = &sim->shards[i];

		while (shard->first < shard->n &&
			   sim->records[shard->records[shard->first]].time < sim->now - DAY)
			shard->first++;
	}
}

static bool
is_listed(const Sim *sim, const SimShard *shard)
{
	return shard->listed_at <= sim->now &&
		(shard->closed_at == 0 || shard->closed_at >= sim->now - DAY);
}

static int
sim_list(const Sim *sim, CmzShard *listed)
{
	int			n = 0;

	for (int i = 0; i < sim->nshards; i++)
		if (is_listed(sim, &sim->shards[i]))
			listed[n++] = (CmzShard) {sim->shards[i].id,
			sim->shards[i].parent >= 0 ? sim->shards[sim->shards[i].parent].id : NULL, false};
	return n;
}

/* Each change before it, in its shard and in those before, has been delivered. */
static void
deliver(Sim *sim, int shard, int i)
{
	SimRecord  *record = &sim->records[sim->shards[shard].records[i]];

	sim->doubles += record->delivered++ > 0;
	for (; shard >= 0; shard = sim->shards[shard].parent, i = shard >= 0 ? sim->shards[shard].n : 0)
		while (--i >= 0)
		{
			int			before = sim->shards[shard].records[i];
			bool		owed = i >= sim->shards[shard].first || before >= sim->promised;

			sim->disorders += owed && !sim->records[before].delivered;
			if (i < sim->shards[shard].n - 5)
				break;			/* those were looked at before */
		}
}

/* Read one shard as DynamoDB lets it be read; false: trimmed, and that may matter. */
static bool
sim_read(Sim *sim, CmzFrontier *frontier, CmzFrontierShard *at, int *limit)
{
	int			index = atoi(at->position.id + 6);
	SimShard   *shard = &sim->shards[index];
	int			i = shard->first;

	if (cmz_frontier_has_gap(frontier, at, false))
		return false;
	if (at->position.after)
	{
		int			after = atoi(at->position.after);

		if (after < shard->first && cmz_frontier_has_gap(frontier, at, true))
			return false;
		i = Max(i, after + 1);
	}
	for (;;)
	{
		if (*limit == 0)
			return true;
		if (i == shard->n)
			break;
		deliver(sim, index, i);
		cmz_frontier_advance(frontier, at, psprintf("%d", i), strlen(psprintf("%d", i)),
							 sim->records[shard->records[i]].time);
		--*limit;
		i++;
		/* the world does not stand still */
		if (roll(10) == 0)
			sim_write(sim);
		if (roll(100) == 0)
			sim_split(sim);
	}
	if (shard->closed_at != 0)
		cmz_frontier_end(at);
	else
		cmz_frontier_caught_up(frontier, at);
	return true;
}

/* A poll; the new bookmark, or NULL if changes may be lost. */
static char *
sim_poll(Sim *sim, const char *since, int limit)
{
	static CmzShard listed[MAX_SHARDS];
	int			n = sim_list(sim, listed);
	CmzBookmark bookmark = {0};
	CmzFrontier *frontier;
	CmzFrontierShard *shard;
	const char *text;
	StringInfoData buf;

	if (since && !cmz_bookmark_parse(&bookmark, since, strlen(since), &text))
		return NULL;
	frontier = cmz_frontier_create(since ? &bookmark : NULL, n, listed, sim->now, &text);
	if (frontier == NULL)
		return NULL;
	while (limit > 0 && (shard = cmz_frontier_next(frontier)) != NULL)
		if (!sim_read(sim, frontier, shard, &limit))
			return NULL;
	cmz_frontier_mark(frontier, &bookmark);
	bookmark.stream = "s";
	initStringInfo(&buf);
	cmz_bookmark_append(&buf, &bookmark);
	return buf.data;
}

/* Begin anew: nothing is owed but what the stream still has, and then only if it is read in time. */
static char *
sim_begin(Sim *sim, int limit)
{
	char	   *bookmark;

	for (int i = 0; i < sim->nshards; i++)
		for (int j = 0; j < sim->shards[i].n; j++)
		{
			SimRecord  *record = &sim->records[sim->shards[i].records[j]];

			record->delivered = 0;
			record->excused = j < sim->shards[i].first;
		}
	sim->promised = sim->nrecords;
	bookmark = sim_poll(sim, NULL, limit);
	return bookmark;
}

/* Changes that have been trimmed unread, though nobody said so. */
static void
sim_check(Sim *sim, bool all)
{
	for (int i = 0; i < sim->nshards; i++)
		for (int j = 0; j < sim->shards[i].n; j++)
		{
			int			index = sim->shards[i].records[j];
			SimRecord  *record = &sim->records[index];

			if (record->delivered || record->excused)
				continue;
			if (j >= sim->shards[i].first && !all)
				continue;
			/* of what was there at the first poll, which was cut short */
			if (index < sim->promised && j < sim->shards[i].first)
				record->excused = true;
			else
				sim->silent++;
		}
}

static void
simulate(int rounds, int max_gap, bool limited, const char *name)
{
	Sim			sim = {0};
	char	   *bookmark;
	int			total = 0;
	int			delivered = 0;

	sim.now = 1700000000;
	sim.shards = palloc(sizeof(SimShard) * MAX_SHARDS);
	sim.records = palloc(sizeof(SimRecord) * MAX_RECORDS);
	add_shard(&sim, -1);
	if (roll(2))
		add_shard(&sim, -1);
	sim_pass(&sim, roll(3 * DAY));
	bookmark = sim_begin(&sim, limited ? roll(20) : ALL);
	for (int i = 0; i < rounds; i++)
	{
		int			limit = limited && roll(2) ? roll(20) : ALL;

		sim_pass(&sim, 1 + roll(roll(3) == 0 ? max_gap : HOUR));
		bookmark = sim_poll(&sim, bookmark, limit);
		if (bookmark == NULL)
		{
			sim.losses++;
			bookmark = sim_begin(&sim, limited ? roll(20) : ALL);
		}
		else if (limit == ALL)	/* otherwise a later poll may tell */
			sim_check(&sim, false);
	}
	/* no time goes by: at last all is read */
	for (int i = 0; i < 200 && bookmark; i++)
	{
		sim.now += i < 10 ? 60 : 0;	/* all shards are listed */
		bookmark = sim_poll(&sim, bookmark, ALL);
	}
	if (bookmark)
		sim_check(&sim, true);
	for (int i = 0; i < sim.nrecords; i++)
	{
		total++;
		delivered += sim.records[i].delivered;
	}
	if (sim.doubles || sim.disorders || sim.silent || (max_gap < DAY && !limited && sim.losses))
		ok(false, "%s: %d doubles, %d in disorder, %d lost unsaid, %d told", name, sim.doubles,
		   sim.disorders, sim.silent, sim.losses);
	ok(delivered > 0 && delivered <= total, "%s: %d of %d changes in %d shards, %d losses told", name,
	   delivered, total, sim.nshards, sim.losses);
	pfree(sim.shards);
	pfree(sim.records);
}

void
test_frontier(void)
{
	test_text();
	test_examples();
	for (int i = 0; i < 20; i++)
	{
		simulate(300, 20 * HOUR, false, "polled every day");
		simulate(300, 20 * HOUR, true, "polled in small steps");
		simulate(300, 40 * HOUR, true, "polled now and then");
	}
}
