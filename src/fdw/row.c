/*
 * row.c
 *	  Items to rows: which attributes to ask for, and one item into one slot.
 */
#include "postgres.h"

#include "base/expression.h"
#include "base/image.h"
#include "fdw/compat.h"
#include "fdw/row.h"
#include "fdw/stream.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/typcache.h"

/* The slot of an attribute, added if it is new. */
static int
add_slot(CmzRowReader *reader, const char **names, int *n, const char *attribute)
{
	for (int i = 0; i < *n; i++)
		if (strcmp(names[i], attribute) == 0)
			return i;
	names[*n] = attribute;
	reader->slot_column[*n] = cmz_table_column(reader->table, attribute);
	return (*n)++;
}

CmzRowReader *
cmz_row_reader_create(const CmzTable *table, List *columns, bool whole)
{
	CmzRowReader *reader = palloc0(sizeof(CmzRowReader));
	int			room = table->natts + 2;
	const char **names = palloc0(sizeof(char *) * room);
	const char *keys[2] = {table->layout.table.partition_key, table->layout.table.sort_key};
	int			n = 0;
	ListCell   *lc;

	reader->table = table;
	reader->slot_column = palloc0(sizeof(CmzColumn *) * room);
	reader->read_column = palloc0(sizeof(bool) * Max(table->natts, 1));
	initStringInfo(&reader->scratch);
	initStringInfo(&reader->extra);
	for (int i = 0; i < 2; i++)
		reader->key_slot[i] = keys[i] ? add_slot(reader, names, &n, keys[i]) : -1;
	foreach(lc, columns)
	{
		const CmzColumn *column = &table->columns[lfirst_int(lc) - 1];

		reader->read_column[column->attnum - 1] = true;
		if (column->is_extra)
			reader->want_extra = true;
		else
			(void) add_slot(reader, names, &n, column->attribute);
	}
	reader->projection = names;
	reader->nprojection = n;
	/* a placeholder and a comma for each; past that the expression is too long */
	reader->all_attributes = whole || reader->want_extra || n > CMZ_MAX_PROJECTION;
	/* to tell the other attributes, all mapped ones must be known */
	for (int i = 0; reader->want_extra && i < table->natts; i++)
		if (table->columns[i].attribute)
			(void) add_slot(reader, names, &n, table->columns[i].attribute);
	reader->items = cmz_item_reader_create(n, names, reader->want_extra);
	return reader;
}

/* The item's key, for a message: userId = 'x', sessionIdTimestamp = 'y'. */
char *
cmz_row_describe_key(CmzRowReader *reader)
{
	const CmzIndex *keys = &reader->table->layout.table;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < 2; i++)
	{
		StringInfoData text;
		CmzOperand	operand;

		/* others are no keys of DynamoDB's */
		if (!reader->has_key[i] || reader->key[i].type > CMZ_TYPE_B)
			continue;
		initStringInfo(&text);
		cmz_span_append(&text, &reader->key[i].span);
		operand = (CmzOperand) {reader->key[i].type == CMZ_TYPE_N ? CMZ_TYPE_N : CMZ_TYPE_S,
		text.data, (int) strlen(text.data), false};
		if (buf.len > 0)
			appendStringInfoString(&buf, ", ");
		cmz_condition_explain(&buf, cmz_condition_compare(CMZ_OP_EQ, i == 0 ? keys->partition_key
														  : keys->sort_key, operand));
	}
	if (buf.len == 0)
		appendStringInfoString(&buf, "(key not read yet)");
	return pg_any_to_server(buf.data, buf.len, PG_UTF8);
}

void
cmz_row_key(const CmzRowReader *reader, CmzOperand *key)
{
	memset(key, 0, sizeof(CmzOperand) * 2);
	for (int i = 0; i < 2; i++)
		if (reader->key_slot[i] >= 0 &&
			(!reader->has_key[i] || !cmz_value_to_operand(&reader->key[i], &key[i])))
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("DynamoDB sent an item without its key"),
					 errdetail("Table \"%s\".", reader->table->table_name),
					 errhint("Check option \"key\" of the foreign table.")));
}

/*
 * The keys of the item may stand behind the attribute in trouble: read on to
 * find them for the message.
 */
static char *
find_and_describe_key(CmzRowReader *reader)
{
	CmzAttribute attribute;

	while (!(reader->has_key[0] && (reader->has_key[1] || reader->key_slot[1] < 0)) &&
		   cmz_item_next_attribute(reader->items, &attribute) > 0)
		for (int i = 0; i < 2; i++)
			if (attribute.slot >= 0 && attribute.slot == reader->key_slot[i])
			{
				reader->key[i] = attribute.value;
				reader->has_key[i] = true;
			}
	return cmz_row_describe_key(reader);
}

pg_noreturn static void raise_mismatch(CmzRowReader *reader, const CmzColumn *column,
									   const CmzAttribute *attribute);

static void
raise_mismatch(CmzRowReader *reader, const CmzColumn *column, const CmzAttribute *attribute)
{
	const char *type = cmz_type_name(attribute->value.type);
	StringInfoData found;

	/* the value too, where it is short: "N 45.5" explains itself */
	initStringInfo(&found);
	if (attribute->value.type == CMZ_TYPE_S || attribute->value.type == CMZ_TYPE_N)
	{
		cmz_span_append(&found, &attribute->value.span);
		found.len = pg_encoding_mbcliplen(PG_UTF8, found.data, strlen(found.data), 64);
		found.data[found.len] = '\0';
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("attribute \"%s\" has a value that column \"%s\" does not take",
					cmz_value_server_text(column->attribute, strlen(column->attribute)), column->name),
			 errdetail("Item %s of table \"%s\": found %s%s%s, expected %s.",
					   find_and_describe_key(reader), reader->table->table_name,
					   type, found.len > 0 ? " " : "", cmz_value_server_text(found.data, found.len),
					   cmz_value_expected(column)),
			 errhint("Set option on_type_mismatch to 'null' to read such values as NULL, or declare the column as jsonb.")));
}

pg_noreturn static void raise_not_utc(CmzRowReader *reader, const CmzColumn *column);

static void
raise_not_utc(CmzRowReader *reader, const CmzColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
			 errmsg("attribute \"%s\" has a time that is not in UTC, so that its range cannot be relied on",
					cmz_value_server_text(column->attribute, strlen(column->attribute))),
			 errdetail("Item %s of table \"%s\".",
					   find_and_describe_key(reader), reader->table->table_name),
			 errhint("Declare column \"%s\" as text, store the time in UTC, or keep it as Unix seconds with column option dynamodb_type 'N'.",
					 column->name)));
}

static void
read_column(CmzRowReader *reader, const CmzColumn *column, const CmzAttribute *attribute,
			Datum *values, bool *nulls)
{
	int			i = column->attnum - 1;
	CmzZone		zone = CMZ_ZONE_UTC;

	reader->column = column;
	if (!cmz_value_decode(column, &attribute->value, &reader->scratch, &values[i], &nulls[i], &zone))
	{
		if (!column->mismatch_is_null)
			raise_mismatch(reader, column, attribute);
		nulls[i] = true;
	}
	if (zone == CMZ_ZONE_OFFSET && bms_is_member(column->attnum, reader->utc_columns))
		raise_not_utc(reader, column);
	if (column->declared_type != column->type && !nulls[i])
		domain_check(values[i], false, column->declared_type, NULL, NULL);
}

static void
read_other(CmzRowReader *reader, const CmzAttribute *attribute)
{
	StringInfo	extra = &reader->extra;
	int			before = extra->len;
	bool		ok;

	appendStringInfoChar(extra, extra->len > 0 ? ',' : '{');
	ok = cmz_span_append_json(extra, &attribute->name);
	appendStringInfoChar(extra, ':');
	if (ok && cmz_value_append_json(extra, &attribute->value))
		return;
	if (!reader->table->extra->mismatch_is_null)
	{
		CmzColumn	column = *reader->table->extra;
		StringInfoData name;

		initStringInfo(&name);
		cmz_span_append(&name, &attribute->name);
		column.attribute = name.data;
		raise_mismatch(reader, &column, attribute);
	}
	/* leave it out */
	extra->len = before;
	extra->data[before] = '\0';
}

static void
finish_extra(CmzRowReader *reader, Datum *values, bool *nulls)
{
	int			i = reader->table->extra->attnum - 1;
	char	   *text;

	if (reader->extra.len == 0)
		return;					/* no other attribute: NULL */
	appendStringInfoChar(&reader->extra, '}');
	text = pg_any_to_server(reader->extra.data, reader->extra.len, PG_UTF8);
	values[i] = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
	nulls[i] = false;
}

/* For errors of conversions that know no attribute. */
static void
reading_context(void *arg)
{
	CmzRowReader *reader = arg;

	if (reader->column != NULL)
		errcontext("column \"%s\" of foreign table \"%s\"", reader->column->name,
				   reader->table->name);
}

static bool
read_item(CmzRowReader *reader, CmzPage *page, Datum *values, bool *nulls)
{
	CmzAttribute attribute;
	int			more = cmz_page_next_item(page, reader->items);

	if (more == 0)
		return false;
	memset(nulls, true, sizeof(bool) * reader->table->natts);
	reader->item.data = page->items.p - 1;	/* the brace has been read */
	reader->has_key[0] = reader->has_key[1] = false;
	resetStringInfo(&reader->extra);
	while (more > 0 && (more = cmz_item_next_attribute(reader->items, &attribute)) > 0)
	{
		CmzColumn  *column;

		if (attribute.slot < 0)
		{
			read_other(reader, &attribute);
			continue;
		}
		for (int i = 0; i < 2; i++)
			if (attribute.slot == reader->key_slot[i])
			{
				reader->key[i] = attribute.value;
				reader->has_key[i] = true;
			}
		column = reader->slot_column[attribute.slot];
		if (column == NULL && reader->want_extra)
			read_other(reader, &attribute);
		for (; column != NULL; column = column->same)
			if (reader->read_column[column->attnum - 1])
				read_column(reader, column, &attribute, values, nulls);
	}
	if (page->error != NULL)
		cmz_stream_raise(reader->table->table_name, page);
	reader->item.len = page->items.p - reader->item.data;
	if (reader->want_extra)
	{
		reader->column = reader->table->extra;
		finish_extra(reader, values, nulls);
	}
	return true;
}

bool
cmz_row_read(CmzRowReader *reader, CmzPage *page, Datum *values, bool *nulls)
{
	ErrorContextCallback callback;
	bool		found;

	reader->column = NULL;
	callback.callback = reading_context;
	callback.arg = reader;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	found = read_item(reader, page, values, nulls);
	error_context_stack = callback.previous;
	return found;
}
