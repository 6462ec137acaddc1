/*
 * layout.c
 *	  A table's keys and indexes, as the options "key" and "indexes" say them.
 */
#include "base/base.h"

#include "base/conversation.h"
#include "base/layout.h"

static const char default_key[] = CMZ_USER_ID ", " CMZ_SESSION_ID_TIMESTAMP;
static const char default_indexes[] =
	"SessionIndex (" CMZ_SESSION_ID ", " CMZ_TIMESTAMP "), "
	"AnimalIndex (" CMZ_ANIMAL_ID ", " CMZ_TIMESTAMP "), "
	"ParentUserIndex (" CMZ_PARENT_USER_ID ", " CMZ_TIMESTAMP ")";

typedef struct Parser
{
	const char *p;
	char	  **error;
} Parser;

static bool
fail(Parser *parser, const char *expected)
{
	if (*parser->error == NULL)
	{
		if (*parser->p == '\0')
			*parser->error = psprintf("Expected %s at the end.", expected);
		else
			*parser->error = psprintf("Expected %s at \"%s\".", expected, parser->p);
	}
	return false;
}

static void
skip_space(Parser *parser)
{
	while (*parser->p == ' ' || *parser->p == '\t' || *parser->p == '\n' || *parser->p == '\r')
		parser->p++;
}

static bool
accept(Parser *parser, char c)
{
	skip_space(parser);
	if (*parser->p != c)
		return false;
	parser->p++;
	return true;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-' || c == '.';
}

/* DynamoDB's rule.  (Attributes may have any name.) */
static bool
is_index_name(const char *name)
{
	size_t		len = 0;

	while (is_name_char(name[len]))
		len++;
	return name[len] == '\0' && len >= 3 && len <= 255;
}

static bool
parse_quoted(Parser *parser, StringInfo buf)
{
	for (parser->p++;; parser->p++)
	{
		if (*parser->p == '\0')
			return fail(parser, "a closing quote");
		if (*parser->p == '"')
		{
			if (parser->p[1] != '"')
				break;
			parser->p++;
		}
		appendStringInfoChar(buf, *parser->p);
	}
	parser->p++;
	return true;
}

static bool
parse_name(Parser *parser, const char *what, char **name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	skip_space(parser);
	if (*parser->p == '"')
	{
		if (!parse_quoted(parser, &buf))
			return false;
	}
	else
		for (; is_name_char(*parser->p); parser->p++)
			appendStringInfoChar(&buf, *parser->p);
	if (buf.len == 0)
		return fail(parser, what);
	*name = buf.data;
	return true;
}

/* The keys, without their parentheses. */
static bool
parse_keys(Parser *parser, CmzIndex *index)
{
	if (!parse_name(parser, "the name of a partition key", &index->partition_key))
		return false;
	if (!accept(parser, ','))
		return true;
	if (!parse_name(parser, "the name of a sort key", &index->sort_key))
		return false;
	if (strcmp(index->partition_key, index->sort_key) == 0)
	{
		*parser->error = psprintf("\"%s\" cannot be both partition key and sort key.",
								  index->sort_key);
		return false;
	}
	return true;
}

static bool
parse_include(Parser *parser, CmzIndex *index)
{
	index->projection = CMZ_PROJECT_INCLUDE;
	if (!accept(parser, '('))
		return fail(parser, "\"(\"");
	do
	{
		int			n = index->ninclude++;
		size_t		size = sizeof(char *) * index->ninclude;

		index->include = index->include ? repalloc(index->include, size) : palloc(size);
		if (!parse_name(parser, "the name of an attribute", &index->include[n]))
			return false;
	} while (accept(parser, ','));
	return accept(parser, ')') || fail(parser, "\",\" or \")\"");
}

/* The words behind an index's keys. */
static bool
parse_words(Parser *parser, CmzIndex *index)
{
	for (;;)
	{
		const char *start;
		char	   *word;

		skip_space(parser);
		start = parser->p;
		if (*start == '\0' || *start == ',')
			return true;
		if (!parse_name(parser, "\",\"", &word))
			return false;
		if (strcmp(word, "local") == 0)
			index->local = true;
		else if (strcmp(word, "complete") == 0)
			index->complete = true;
		else if (strcmp(word, "keys_only") == 0 && index->projection == CMZ_PROJECT_ALL)
			index->projection = CMZ_PROJECT_KEYS_ONLY;
		else if (strcmp(word, "include") == 0 && index->projection == CMZ_PROJECT_ALL)
		{
			if (!parse_include(parser, index))
				return false;
		}
		else
		{
			parser->p = start;
			return fail(parser, "\"local\", \"keys_only\", \"include (...)\", \"complete\" or \",\"");
		}
	}
}

static bool
parse_index(Parser *parser, CmzLayout *layout)
{
	CmzIndex	index = {0};
	size_t		size = sizeof(CmzIndex) * (layout->nindexes + 1);

	if (!parse_name(parser, "the name of an index", &index.name))
		return false;
	if (!is_index_name(index.name))
	{
		*parser->error = psprintf("\"%s\" cannot be the name of an index: it has 3 to 255 letters, digits, underscores, hyphens and periods.",
								  index.name);
		return false;
	}
	if (!accept(parser, '('))
		return fail(parser, "\"(\"");
	if (!parse_keys(parser, &index))
		return false;
	if (!accept(parser, ')'))
		return fail(parser, "\")\"");
	if (!parse_words(parser, &index))
		return false;
	for (int i = 0; i < layout->nindexes; i++)
		if (strcmp(layout->indexes[i].name, index.name) == 0)
		{
			*parser->error = psprintf("Index \"%s\" is named twice.", index.name);
			return false;
		}
	if (index.local && strcmp(index.partition_key, layout->table.partition_key) != 0)
	{
		*parser->error = psprintf("The partition key of local index \"%s\" must be the table's, \"%s\".",
								  index.name, layout->table.partition_key);
		return false;
	}
	layout->indexes = layout->indexes ? repalloc(layout->indexes, size) : palloc(size);
	layout->indexes[layout->nindexes++] = index;
	return true;
}

bool
cmz_layout_parse(const char *key, const char *indexes, CmzLayout *layout, char **error)
{
	Parser		parser = {key ? key : default_key, error};

	*error = NULL;
	memset(layout, 0, sizeof(*layout));
	if (!parse_keys(&parser, &layout->table))
		return false;
	skip_space(&parser);
	if (*parser.p != '\0')
		return fail(&parser, "at most two names");
	layout->conversation = cmz_index_is_conversation(&layout->table);

	parser.p = indexes ? indexes : layout->conversation ? default_indexes : "none";
	skip_space(&parser);
	if (strncmp(parser.p, "none", 4) == 0)
	{
		const char *start = parser.p;

		parser.p += 4;
		skip_space(&parser);
		if (*parser.p == '\0')
			return true;
		parser.p = start;		/* an index of that name */
	}
	do
	{
		if (!parse_index(&parser, layout))
			return false;
	} while (accept(&parser, ','));
	return true;
}

static void
print_name(StringInfo buf, const char *name)
{
	bool		plain = *name != '\0';

	for (const char *p = name; *p; p++)
		plain = plain && is_name_char(*p);
	if (plain)
	{
		appendStringInfoString(buf, name);
		return;
	}
	appendStringInfoChar(buf, '"');
	for (const char *p = name; *p; p++)
	{
		if (*p == '"')
			appendStringInfoChar(buf, '"');
		appendStringInfoChar(buf, *p);
	}
	appendStringInfoChar(buf, '"');
}

void
cmz_layout_print_key(StringInfo buf, const CmzIndex *index)
{
	print_name(buf, index->partition_key);
	if (index->sort_key)
	{
		appendStringInfoString(buf, ", ");
		print_name(buf, index->sort_key);
	}
}

static void
print_index(StringInfo buf, const CmzIndex *index)
{
	print_name(buf, index->name);
	appendStringInfoString(buf, " (");
	cmz_layout_print_key(buf, index);
	appendStringInfoChar(buf, ')');
	if (index->local)
		appendStringInfoString(buf, " local");
	if (index->projection == CMZ_PROJECT_KEYS_ONLY)
		appendStringInfoString(buf, " keys_only");
	if (index->projection == CMZ_PROJECT_INCLUDE)
	{
		for (int i = 0; i < index->ninclude; i++)
		{
			appendStringInfoString(buf, i == 0 ? " include (" : ", ");
			print_name(buf, index->include[i]);
		}
		appendStringInfoChar(buf, ')');
	}
	if (index->complete)
		appendStringInfoString(buf, " complete");
}

void
cmz_layout_print_indexes(StringInfo buf, const CmzLayout *layout)
{
	if (layout->nindexes == 0)
		appendStringInfoString(buf, "none");
	for (int i = 0; i < layout->nindexes; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		print_index(buf, &layout->indexes[i]);
	}
}

const CmzIndex *
cmz_layout_index(const CmzLayout *layout, const char *name)
{
	for (int i = 0; i < layout->nindexes; i++)
		if (strcmp(layout->indexes[i].name, name) == 0)
			return &layout->indexes[i];
	return NULL;
}

bool
cmz_index_is_conversation(const CmzIndex *table)
{
	return table->sort_key != NULL && strcmp(table->partition_key, CMZ_USER_ID) == 0 &&
		strcmp(table->sort_key, CMZ_SESSION_ID_TIMESTAMP) == 0;
}

bool
cmz_index_has_key(const CmzIndex *index, const char *attribute)
{
	return strcmp(index->partition_key, attribute) == 0 ||
		(index->sort_key != NULL && strcmp(index->sort_key, attribute) == 0);
}

bool
cmz_index_projects(const CmzLayout *layout, const CmzIndex *index, const char *attribute)
{
	if (index->name == NULL || index->projection == CMZ_PROJECT_ALL ||
		cmz_index_has_key(index, attribute) || cmz_index_has_key(&layout->table, attribute))
		return true;
	for (int i = 0; i < index->ninclude; i++)
		if (strcmp(index->include[i], attribute) == 0)
			return true;
	return false;
}
