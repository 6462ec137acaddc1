/*
 * import.c
 *	  IMPORT FOREIGN SCHEMA: foreign tables from the account's tables.
 *
 * Every name of the remote side goes through quote_identifier() or
 * quote_literal_cstr(): the statements made here are run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/attribute.h"
#include "base/conversation.h"
#include "base/itemreader.h"
#include "base/request.h"
#include "commands/defrem.h"
#include "fdw/compat.h"
#include "fdw/import.h"
#include "fdw/live.h"
#include "fdw/session.h"
#include "fdw/stream.h"
#include "fdw/value.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"

#define MAX_SAMPLE	1000000

/* One is for the column of all other attributes. */
#define MAX_COLUMNS (MaxHeapAttributeNumber - 1)

/* How remote names become SQL names. */
typedef enum NameStyle
{
	NAMES_SNAKE,				/* userId: user_id */
	NAMES_FOLD,					/* userid */
	NAMES_EXACT
} NameStyle;

typedef struct ImportOptions
{
	NameStyle	names;
	int			sample;			/* items to look at, 0: none */
} ImportOptions;

/* A column to be: an attribute and the type that suits it. */
typedef struct ImportColumn
{
	char	   *attribute;		/* UTF-8 */
	const char *sql_type;
	bool		not_null;
	int			types;			/* bits of the CmzTypes seen */
} ImportColumn;

typedef struct ImportTable
{
	const CmzClient *client;
	const ImportOptions *options;
	const char *remote_name;
	json_t	   *description;
	CmzLayout	layout;
	int			ncolumns;
	ImportColumn *columns;
} ImportTable;

static void
parse_options(List *list, ImportOptions *options)
{
	ListCell   *lc;

	memset(options, 0, sizeof(*options));
	foreach(lc, list)
	{
		DefElem    *def = lfirst(lc);
		char	   *value = defGetString(def);

		if (strcmp(def->defname, "names") == 0)
		{
			if (strcmp(value, "fold") == 0)
				options->names = NAMES_FOLD;
			else if (strcmp(value, "exact") == 0)
				options->names = NAMES_EXACT;
			else if (strcmp(value, "snake") != 0)
				ereport(ERROR,
						(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, value),
						 errhint("Valid values are snake, fold and exact.")));
		}
		else if (strcmp(def->defname, "sample") == 0)
		{
			char	   *end;
			long		n = strtol(value, &end, 10);

			if (*value == '\0' || *end != '\0' || n < 0 || n > MAX_SAMPLE)
				ereport(ERROR,
						(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, value),
						 errhint("Valid values are integers from 0 to %d.", MAX_SAMPLE)));
			options->sample = (int) n;
		}
		else
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", def->defname),
					 errhint("Valid options in this context are: names, sample.")));
	}
}

/*
 * cmz-conversations: cmz_conversations; userId: user_id; HTTPCode: http_code.
 * Other characters than letters and digits become underscores.
 */
static char *
snake_name(const char *name)
{
	StringInfoData buf;
	char		before = '_';

	initStringInfo(&buf);
	for (const char *p = name; *p; p++)
	{
		bool		upper = *p >= 'A' && *p <= 'Z';
		bool		lower_follows = p[1] >= 'a' && p[1] <= 'z';
		bool		upper_before = before >= 'A' && before <= 'Z';

		if (upper && before != '_' && (!upper_before || lower_follows) && buf.len > 0)
			appendStringInfoChar(&buf, '_');
		if (IS_HIGHBIT_SET(*p) || upper || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'))
			appendStringInfoChar(&buf, upper ? *p - 'A' + 'a' : *p);
		else
			appendStringInfoChar(&buf, '_');
		before = buf.data[buf.len - 1] == '_' ? '_' : *p;
	}
	return buf.data;
}

/* A remote name (UTF-8) as an SQL name in the server's encoding. */
static char *
sql_name(const ImportOptions *options, const char *remote)
{
	char	   *name = cmz_value_server_text(remote, strlen(remote));

	switch (options->names)
	{
		case NAMES_SNAKE:
			name = snake_name(name);
			break;
		case NAMES_FOLD:
			for (char *p = name; *p; p++)
				*p = pg_ascii_tolower((unsigned char) *p);
			break;
		case NAMES_EXACT:
			break;
	}
	truncate_identifier(name, strlen(name), false);
	return name;
}

static bool
has_column(const ImportTable *table, const char *attribute)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i].attribute, attribute) == 0)
			return true;
	return false;
}

static ImportColumn *
add_column(ImportTable *table, const char *attribute, const char *sql_type, bool not_null)
{
	ImportColumn *column;
	size_t		size = sizeof(ImportColumn) * (table->ncolumns + 1);

	table->columns = table->columns ? repalloc(table->columns, size) : palloc(size);
	column = &table->columns[table->ncolumns++];
	memset(column, 0, sizeof(*column));
	column->attribute = pstrdup(attribute);
	column->sql_type = sql_type;
	column->not_null = not_null;
	return column;
}

/* The SQL type of a key attribute. */
static const char *
key_sql_type(const ImportTable *table, const char *attribute)
{
	switch (cmz_live_key_type(table->description, attribute))
	{
		case CMZ_TYPE_N:
			return "numeric";
		case CMZ_TYPE_B:
			return "bytea";
		default:
			return "text COLLATE \"C\"";
	}
}

/* The items of a sample tell which other attributes there are. */
static void
sample_item(ImportTable *table, CmzPage *page, CmzItemReader *reader)
{
	CmzAttribute attribute;
	StringInfoData name;

	initStringInfo(&name);
	CHECK_FOR_INTERRUPTS();
	while (cmz_item_next_attribute(reader, &attribute) > 0)
	{
		int			i;

		resetStringInfo(&name);
		cmz_span_append(&name, &attribute.name);
		if (strlen(name.data) != (size_t) name.len || attribute.value.type == CMZ_TYPE_NULL)
			continue;
		for (i = 0; i < table->ncolumns; i++)
			if (strcmp(table->columns[i].attribute, name.data) == 0)
				break;
		if (i == MAX_COLUMNS)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_COLUMNS),
					 errmsg("the sampled items of table \"%s\" have more attributes than a table has columns",
							table->remote_name),
					 errhint("Import without option \"sample\": column \"extra\" shows them all.")));
		if (i == table->ncolumns)
			(void) add_column(table, name.data, NULL, false);
		table->columns[i].types |= 1 << attribute.value.type;
	}
	pfree(name.data);
}

static const char *
sampled_sql_type(int types)
{
	switch (types)
	{
		case 1 << CMZ_TYPE_S:
			return "text COLLATE \"C\"";
		case 1 << CMZ_TYPE_N:
			return "numeric";
		case 1 << CMZ_TYPE_B:
			return "bytea";
		case 1 << CMZ_TYPE_BOOL:
			return "boolean";
		case 1 << CMZ_TYPE_SS:
			return "text[]";
		case 1 << CMZ_TYPE_NS:
			return "numeric[]";
		case 1 << CMZ_TYPE_BS:
			return "bytea[]";
		default:
			return "jsonb";		/* documents, and attributes of mixed types */
	}
}

/* Scan until enough items have been seen, and make columns of what they have. */
static void
sample_columns(ImportTable *table)
{
	CmzCounters counters = {0};
	CmzReadRequest request = {0};
	CmzItemReader *reader = cmz_item_reader_create(0, NULL, true);
	CmzStream  *stream;
	int			seen = 0;

	request.table = table->remote_name;
	request.all_attributes = true;
	stream = cmz_stream_create(table->client, &request, &counters);
	while (seen < table->options->sample && cmz_stream_next_page(stream))
	{
		while (seen < table->options->sample && cmz_page_next_item(&stream->page, reader) > 0)
		{
			sample_item(table, &stream->page, reader);
			seen++;
		}
		if (stream->page.error)
			cmz_stream_raise(table->remote_name, &stream->page);
	}
	cmz_stream_end(stream);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i].sql_type == NULL)
			table->columns[i].sql_type = sampled_sql_type(table->columns[i].types);
}

static void
choose_columns(ImportTable *table)
{
	if (table->layout.conversation)
		for (int i = 0; i < CMZ_MODEL_COLUMNS; i++)
			(void) add_column(table, cmz_conversation_columns[i].attribute,
							  cmz_conversation_columns[i].sql_type,
							  cmz_conversation_columns[i].not_null);
	for (int i = -1; i < table->layout.nindexes; i++)
	{
		const CmzIndex *index = i < 0 ? &table->layout.table : &table->layout.indexes[i];
		const char *keys[2] = {index->partition_key, index->sort_key};

		for (int k = 0; k < 2; k++)
			if (keys[k] && !has_column(table, keys[k]))
				(void) add_column(table, keys[k], key_sql_type(table, keys[k]), i < 0);
	}
	if (table->options->sample > 0)
		sample_columns(table);
}

static void
append_column(StringInfo sql, const ImportTable *table, const ImportColumn *column)
{
	char	   *name = sql_name(table->options, column->attribute);
	const char *implied = cmz_conversation_attribute(name);
	/* OPTIONS stand between a type and its collation */
	const char *collate = strstr(column->sql_type, " COLLATE");
	int			type_len = collate ? (int) (collate - column->sql_type)
		: (int) strlen(column->sql_type);

	appendStringInfo(sql, "\n  %s %.*s", quote_identifier(name), type_len, column->sql_type);
	if (strcmp(implied ? implied : name, column->attribute) != 0)
		appendStringInfo(sql, " OPTIONS (attribute %s)",
						 quote_literal_cstr(cmz_value_server_text(column->attribute,
																  strlen(column->attribute))));
	if (collate)
		appendStringInfoString(sql, collate);
	if (column->not_null)
		appendStringInfoString(sql, " NOT NULL");
	appendStringInfoChar(sql, ',');
}

/* Two attributes must not fall on one column name. */
static void
check_names(const ImportTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		char	   *name = sql_name(table->options, table->columns[i].attribute);
		char	   *other = "extra";

		for (int j = -1; j < i; j++)
		{
			if (j >= 0)
				other = sql_name(table->options, table->columns[j].attribute);
			if (strcmp(name, other) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("attribute \"%s\" of table \"%s\" cannot be imported",
								cmz_value_server_text(table->columns[i].attribute,
													  strlen(table->columns[i].attribute)),
								table->remote_name),
						 errdetail("Another column is already named \"%s\".", name),
						 errhint("Use OPTIONS (names 'exact'), or CREATE FOREIGN TABLE.")));
		}
	}
}

static void
append_options(StringInfo sql, const ImportTable *table)
{
	StringInfoData key,
				indexes;
	double		items = cmz_json_number(cmz_json_member(table->description, "ItemCount"), 0);
	double		bytes = cmz_json_number(cmz_json_member(table->description, "TableSizeBytes"), 0);

	initStringInfo(&key);
	initStringInfo(&indexes);
	cmz_layout_print_key(&key, &table->layout.table);
	cmz_layout_print_indexes(&indexes, &table->layout);
	appendStringInfo(sql, " OPTIONS (table_name %s, key %s, indexes %s",
					 quote_literal_cstr(table->remote_name),
					 quote_literal_cstr(cmz_value_server_text(key.data, key.len)),
					 quote_literal_cstr(cmz_value_server_text(indexes.data, indexes.len)));
	/* DynamoDB counts every six hours: 0 says nothing of a new table */
	if (items >= 1)
		appendStringInfo(sql, ", estimated_items '%.0f', estimated_item_bytes '%.0f'",
						 items, Min(Max(bytes / items, 1), CMZ_MAX_ITEM));
	appendStringInfoString(sql, ")");
}

static char *
make_statement(ImportTable *table, const char *server_name)
{
	StringInfoData sql;

	cmz_live_layout(table->description, table->remote_name, &table->layout);
	choose_columns(table);
	check_names(table);

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (",
					 quote_identifier(sql_name(table->options, table->remote_name)));
	for (int i = 0; i < table->ncolumns; i++)
		append_column(&sql, table, &table->columns[i]);
	appendStringInfo(&sql, "\n  extra jsonb OPTIONS (attribute '*')\n) SERVER %s",
					 quote_identifier(server_name));
	append_options(&sql, table);
	return sql.data;
}

/* The names of all tables, page by page. */
static List *
list_tables(const CmzClient *client)
{
	List	   *names = NIL;
	const char *start = NULL;

	do
	{
		StringInfoData body;
		json_t	   *answer;
		json_t	   *page;

		initStringInfo(&body);
		appendStringInfoChar(&body, '{');
		cmz_json_append_member(&body, "ExclusiveStartTableName", start);
		appendStringInfoChar(&body, '}');
		answer = cmz_control_call(client, "ListTables", NULL, &body, NULL);
		page = cmz_json_member(answer, "TableNames");
		for (int i = 0; i < cmz_json_length(page); i++)
			if (cmz_json_text(cmz_json_element(page, i)) != NULL)
				names = lappend(names, pstrdup(cmz_json_text(cmz_json_element(page, i))));
		start = cmz_json_member_text(answer, "LastEvaluatedTableName");
		CHECK_FOR_INTERRUPTS();
	} while (start != NULL);
	return names;
}

/* LIMIT TO and EXCEPT name foreign tables, that is SQL names. */
static bool
is_wanted(const ImportForeignSchemaStmt *stmt, const char *name)
{
	bool		listed = false;
	ListCell   *lc;

	foreach(lc, stmt->table_list)
		if (strcmp(((RangeVar *) lfirst(lc))->relname, name) == 0)
			listed = true;
	switch (stmt->list_type)
	{
		case FDW_IMPORT_SCHEMA_LIMIT_TO:
			return listed;
		case FDW_IMPORT_SCHEMA_EXCEPT:
			return !listed;
		default:
			return true;
	}
}

List *
cmzImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	CmzClient  *client = cmz_session_client(serverid, GetUserId());
	ImportOptions options;
	List	   *statements = NIL;
	ListCell   *lc;

	parse_options(stmt->options, &options);
	foreach(lc, list_tables(client))
	{
		ImportTable table = {client, &options, lfirst(lc)};

		if (!is_wanted(stmt, sql_name(&options, table.remote_name)))
			continue;
		table.description = cmz_control_describe(client, table.remote_name);
		/* it may have been dropped meanwhile */
		if (table.description != NULL)
			statements = lappend(statements, make_statement(&table, stmt->server_name));
	}
	return statements;
}
