/*
 * live.c
 *	  The table as DescribeTable tells of it.
 */
#include "postgres.h"

#include "fdw/live.h"

pg_noreturn static void raise_malformed(const char *table, const char *what);

static void
raise_malformed(const char *table, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("DynamoDB sent a malformed answer: %s", what),
			 errdetail("Table \"%s\", operation DescribeTable.", table)));
}

json_t *
cmz_live_describe(const CmzClient *client, const char *table)
{
	CmzProbe	probe;
	json_t	   *answer = cmz_control_probe_table(client, "DescribeTable", table, &probe);
	json_t	   *description = cmz_json_member(answer, "Table");

	if (answer == NULL)
		cmz_control_raise(&probe, NULL);
	if (description == NULL)
		raise_malformed(table, "no description of the table");
	return description;
}

static void
read_key_schema(const json_t *owner, const char *table, CmzIndex *index)
{
	json_t	   *schema = cmz_json_member(owner, "KeySchema");

	for (int i = 0; i < cmz_json_length(schema); i++)
	{
		json_t	   *key = cmz_json_element(schema, i);
		const char *name = cmz_json_member_text(key, "AttributeName");
		const char *type = cmz_json_member_text(key, "KeyType");

		if (name == NULL || type == NULL)
			raise_malformed(table, "a description without keys");
		if (strcmp(type, "HASH") == 0)
			index->partition_key = pstrdup(name);
		else
			index->sort_key = pstrdup(name);
	}
	if (index->partition_key == NULL)
		raise_malformed(table, "a description without keys");
}

static void
read_projection(const json_t *description, CmzIndex *index)
{
	json_t	   *projection = cmz_json_member(description, "Projection");
	json_t	   *included = cmz_json_member(projection, "NonKeyAttributes");
	const char *type = cmz_json_member_text(projection, "ProjectionType");

	if (type && strcmp(type, "KEYS_ONLY") == 0)
		index->projection = CMZ_PROJECT_KEYS_ONLY;
	if (type == NULL || strcmp(type, "INCLUDE") != 0)
		return;
	index->projection = CMZ_PROJECT_INCLUDE;
	index->include = palloc0(sizeof(char *) * Max(cmz_json_length(included), 1));
	for (int i = 0; i < cmz_json_length(included); i++)
		if (cmz_json_text(cmz_json_element(included, i)) != NULL)
			index->include[index->ninclude++] = pstrdup(cmz_json_text(cmz_json_element(included, i)));
}

static void
read_indexes(const json_t *description, const char *table, const char *member, bool local,
			 CmzLayout *layout)
{
	json_t	   *indexes = cmz_json_member(description, member);
	int			n = cmz_json_length(indexes);
	size_t		size = sizeof(CmzIndex) * (layout->nindexes + n);

	if (n == 0)
		return;
	layout->indexes = layout->indexes ? repalloc(layout->indexes, size) : palloc(size);
	for (int i = 0; i < n; i++)
	{
		json_t	   *element = cmz_json_element(indexes, i);
		const char *name = cmz_json_member_text(element, "IndexName");
		CmzIndex   *index = &layout->indexes[layout->nindexes++];

		if (name == NULL)
			raise_malformed(table, "an index without a name");
		memset(index, 0, sizeof(*index));
		index->name = pstrdup(name);
		index->local = local;
		read_key_schema(element, table, index);
		read_projection(element, index);
	}
}

static int
compare_indexes(const void *a, const void *b)
{
	return strcmp(((const CmzIndex *) a)->name, ((const CmzIndex *) b)->name);
}

void
cmz_live_layout(const json_t *description, const char *table, CmzLayout *layout)
{
	memset(layout, 0, sizeof(*layout));
	read_key_schema(description, table, &layout->table);
	layout->conversation = cmz_index_is_conversation(&layout->table);
	read_indexes(description, table, "GlobalSecondaryIndexes", false, layout);
	read_indexes(description, table, "LocalSecondaryIndexes", true, layout);
	if (layout->nindexes > 0)
		qsort(layout->indexes, layout->nindexes, sizeof(CmzIndex), compare_indexes);
}

json_t *
cmz_live_global_index(const json_t *description, const char *name)
{
	json_t	   *indexes = cmz_json_member(description, "GlobalSecondaryIndexes");

	for (int i = 0; i < cmz_json_length(indexes); i++)
	{
		json_t	   *index = cmz_json_element(indexes, i);
		const char *found = cmz_json_member_text(index, "IndexName");

		if (found != NULL && strcmp(found, name) == 0)
			return index;
	}
	return NULL;
}

CmzType
cmz_live_key_type(const json_t *description, const char *attribute)
{
	json_t	   *definitions = cmz_json_member(description, "AttributeDefinitions");

	for (int i = 0; i < cmz_json_length(definitions); i++)
	{
		json_t	   *definition = cmz_json_element(definitions, i);
		const char *name = cmz_json_member_text(definition, "AttributeName");
		const char *type = cmz_json_member_text(definition, "AttributeType");

		if (name != NULL && type != NULL && strcmp(name, attribute) == 0)
			return cmz_type_parse(type, strlen(type));
	}
	return CMZ_TYPE_NONE;
}
