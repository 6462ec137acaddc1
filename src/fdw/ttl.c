/*
 * ttl.c
 *	  What values the items of a live table have for their time to live.
 *
 * An item whose value is no number of seconds, text or milliseconds say, never
 * expires, and nothing tells; so a Scan looks at a few items.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "base/isotime.h"
#include "base/request.h"
#include "client/stat.h"
#include "fdw/ttl.h"

/* How many items are looked at. */
#define SAMPLE			25

/* Times in Unix seconds are between these: September 2001 and year 9999. */
#define MIN_SECONDS		1e9
#define MAX_SECONDS		((double) (CMZ_ISOTIME_MAX / CMZ_USECS_PER_SEC))

typedef enum TtlKind
{
	TTL_SECONDS,
	TTL_LATE,
	TTL_EARLY,
	TTL_TEXT,
	TTL_OTHER,
	TTL_NONE
} TtlKind;

#define TTL_SOLUTION " Write ttl as a number, Unix time in seconds, as INSERT into the foreign table does."

static const struct
{
	const char *what;
	const char *hint;			/* NULL: nothing is wrong */
}			ttl_kinds[] = {
	[TTL_SECONDS] = {"in Unix seconds", NULL},
	[TTL_LATE] = {"too large for seconds", "Such items never expire; are these milliseconds?" TTL_SOLUTION},
	[TTL_EARLY] = {"too small for Unix seconds", "TTL ignores times more than five years ago; are these durations?" TTL_SOLUTION},
	[TTL_TEXT] = {"of type S", "TTL ignores text." TTL_SOLUTION},
	[TTL_OTHER] = {"of another type than N", "TTL ignores all but numbers." TTL_SOLUTION},
	[TTL_NONE] = {"without", NULL},
};

static TtlKind
ttl_kind(const json_t *item)
{
	const json_t *value = cmz_json_member(item, CMZ_TTL);
	const char *number = cmz_json_member_text(value, "N");
	double		seconds;

	if (value == NULL)
		return TTL_NONE;
	if (number == NULL)
		return cmz_json_member(value, "S") ? TTL_TEXT : TTL_OTHER;
	seconds = strtod(number, NULL);
	if (seconds > MAX_SECONDS)
		return TTL_LATE;
	return seconds < MIN_SECONDS ? TTL_EARLY : TTL_SECONDS;
}

/* Judge how many items there are of each kind. */
static void
judge(const int counts[], CmzTtlFinding *found)
{
	const char *problem = NULL;
	StringInfoData actual;

	found->known = false;
	initStringInfo(&actual);
	for (int kind = 0; kind < (int) lengthof(ttl_kinds); kind++)
	{
		if (counts[kind] == 0)
			continue;
		appendStringInfo(&actual, "%s%d %s", actual.len > 0 ? ", " : "", counts[kind], ttl_kinds[kind].what);
		found->known = found->known || kind != TTL_NONE;
		if (problem == NULL)
			problem = ttl_kinds[kind].hint;
	}
	found->actual = actual.len > 0 ? actual.data : "no items";
	if (found->known)
		found->hint = problem;
	else
		found->hint = actual.len == 0 ? "There are no items to look at yet."
			: "None of the items looked at has a ttl, so that none of them will expire. INSERT writes it unless option ttl_days is 0.";
}

/* Count what the Scan has cost, as every page is. */
static void
count_scan(const CmzProbe *probe)
{
	CmzStatCounters counters = {0};

	counters.pages = 1;
	counters.items = cmz_json_length(cmz_json_member(probe->answer, "Items"));
	counters.scanned_items = (int64) cmz_json_number(cmz_json_member(probe->answer, "ScannedCount"), 0);
	counters.read_units = cmz_json_number(cmz_json_member(cmz_json_member(probe->answer, "ConsumedCapacity"), "CapacityUnits"), 0);
	cmz_stat_add(probe->client->serverid, probe->table, NULL, probe->operation, &counters);
}

bool
cmz_ttl_look(const CmzClient *client, const char *table, CmzTtlFinding *found)
{
	const char *projection[] = {CMZ_TTL};
	CmzReadRequest request = {0};
	int			counts[lengthof(ttl_kinds)] = {0};
	StringInfoData body;
	json_t	   *items;

	request.table = table;
	request.projection = projection;
	request.nprojection = 1;
	request.limit = SAMPLE;
	initStringInfo(&body);
	cmz_request_append_read(&body, &request);
	items = cmz_json_member(cmz_control_probe(client, "Scan", table, &body, &found->probe), "Items");
	if (found->probe.answer == NULL)
		return false;
	count_scan(&found->probe);
	for (int i = 0; i < cmz_json_length(items); i++)
		counts[ttl_kind(cmz_json_element(items, i))]++;
	judge(counts, found);
	return true;
}
