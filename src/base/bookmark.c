/*
 * bookmark.c
 *	  How far a stream has been read, as a value and as text.
 */
#include "base/base.h"

#include "base/bookmark.h"
#include "base/json.h"

#define VERSION		1

/* Far from the limits of what Unix time is turned into. */
#define MAX_TIME	1e11

/* A sequence number; "" for none. */
static bool
is_sequence_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static bool
parse_shard(CmzShardPosition *shard, const json_t *entry)
{
	int			n = cmz_json_length(entry);
	const char *id = cmz_json_text(cmz_json_element(entry, 0));
	double		since = cmz_json_number(cmz_json_element(entry, 1), -1);
	const char *after = cmz_json_text(cmz_json_element(entry, 2));

	if ((n != 2 && n != 3) || id == NULL || *id == '\0' ||
		!(since >= 0 && since < MAX_TIME) ||
		(n == 3 && (after == NULL || !is_sequence_number(after))))
		return false;
	shard->id = pstrdup(id);
	shard->since = (int64) since;
	shard->ended = (n == 2);
	shard->after = after && *after ? pstrdup(after) : NULL;
	return true;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(((const CmzShardPosition *) a)->id, ((const CmzShardPosition *) b)->id);
}

/* No shard stands there twice. */
static bool
are_distinct(const CmzBookmark *bookmark)
{
	size_t		size = sizeof(CmzShardPosition) * Max(bookmark->n, 1);
	CmzShardPosition *sorted = palloc(size);
	bool		distinct = true;

	memcpy(sorted, bookmark->shards, size);
	qsort(sorted, bookmark->n, sizeof(CmzShardPosition), compare_ids);
	for (int i = 1; i < bookmark->n; i++)
		distinct = distinct && compare_ids(&sorted[i - 1], &sorted[i]) != 0;
	pfree(sorted);
	return distinct;
}

bool
cmz_bookmark_parse(CmzBookmark *bookmark, const char *text, size_t len, const char **error)
{
	char	   *json_error;
	json_t	   *document = cmz_json_parse(text, len, &json_error);
	json_t	   *shards = cmz_json_member(document, "shards");
	const char *stream = cmz_json_member_text(document, "stream");

	*error = document == NULL ? json_error : "it is not one that cmz_changes() made";
	if (stream == NULL || shards == NULL)
		return false;
	if (cmz_json_number(cmz_json_member(document, "v"), 0) != VERSION)
	{
		*error = "it is of another version";
		return false;
	}
	bookmark->stream = pstrdup(stream);
	bookmark->n = cmz_json_length(shards);
	bookmark->shards = palloc0(sizeof(CmzShardPosition) * Max(bookmark->n, 1));
	for (int i = 0; i < bookmark->n; i++)
		if (!parse_shard(&bookmark->shards[i], cmz_json_element(shards, i)))
			return false;
	return are_distinct(bookmark);
}

void
cmz_bookmark_append(StringInfo buf, const CmzBookmark *bookmark)
{
	appendStringInfo(buf, "{\"v\":%d", VERSION);
	cmz_json_append_member(buf, "stream", bookmark->stream);
	cmz_json_append_name(buf, "shards");
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < bookmark->n; i++)
	{
		const CmzShardPosition *shard = &bookmark->shards[i];

		appendStringInfoString(buf, i > 0 ? ",[" : "[");
		cmz_json_append_cstring(buf, shard->id);
		appendStringInfo(buf, "," INT64_FORMAT, shard->since);
		if (!shard->ended)
		{
			appendStringInfoChar(buf, ',');
			cmz_json_append_cstring(buf, shard->after ? shard->after : "");
		}
		appendStringInfoChar(buf, ']');
	}
	appendStringInfoString(buf, "]}");
}
