/*
 * exists.c
 *	  Which of some keys have an item in DynamoDB.
 */
#include "postgres.h"

#include "base/image.h"
#include "base/key.h"
#include "fdw/exists.h"
#include "fdw/stream.h"
#include "utils/memutils.h"

/* DynamoDB rejects a key that is there twice. */
static char *
distinct_keys(const CmzTable *table, int n, const CmzSoughtKey *keys, char *const *ids)
{
	const CmzIndex *index = &table->layout.table;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		int			j = 0;

		while (strcmp(ids[j], ids[i]) != 0)
			j++;
		if (j < i)
			continue;
		if (buf.len > 0)
			appendStringInfoChar(&buf, ',');
		cmz_key_append_json(&buf, index, &keys[i].key[0], index->sort_key ? &keys[i].key[1] : NULL);
	}
	return buf.data;
}

static void
read_key(CmzItemReader *reader, CmzOperand *key)
{
	CmzAttribute attribute;

	memset(key, 0, sizeof(CmzOperand) * 2);
	while (cmz_item_next_attribute(reader, &attribute) > 0)
		(void) cmz_value_to_operand(&attribute.value, &key[attribute.slot]);
}

static void
read_page(CmzStream *stream, CmzItemReader *reader, int n, CmzSoughtKey *keys, char *const *ids)
{
	while (cmz_page_next_item(&stream->page, reader) > 0)
	{
		CmzOperand	key[2];
		char	   *id;

		read_key(reader, key);
		id = cmz_key_id(key);
		for (int i = 0; i < n; i++)
			keys[i].exists |= strcmp(ids[i], id) == 0;
	}
	if (stream->page.error)
		cmz_stream_raise(stream->request.table, &stream->page);
}

void
cmz_exists_look(const CmzClient *client, const CmzTable *table, int n, CmzSoughtKey *keys)
{
	const CmzIndex *index = &table->layout.table;
	const char *names[2] = {index->partition_key, index->sort_key};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw keys",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	char	  **ids = palloc(sizeof(char *) * Max(n, 1));
	CmzReadRequest request = {0};
	CmzCounters counters = {0};
	CmzStream  *stream;
	CmzItemReader *reader;

	for (int i = 0; i < n; i++)
	{
		keys[i].exists = false;
		ids[i] = cmz_key_id(keys[i].key);
	}
	request.table = table->table_name;
	request.keys = distinct_keys(table, n, keys, ids);
	request.nprojection = index->sort_key ? 2 : 1;
	request.projection = names;
	request.consistent = true;
	reader = cmz_item_reader_create(request.nprojection, names, false);
	stream = cmz_stream_create(client, &request, &counters);
	while (n > 0 && cmz_stream_next_page(stream))
		read_page(stream, reader, n, keys, ids);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
