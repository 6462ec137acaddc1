/*
 * item.c
 *	  Rows to items: what INSERT stores, with what the data model adds.
 *
 * First every column's value becomes an attribute; in a table of conversations
 * the attributes that depend on others are then completed: timestamp, the
 * composite key, ttl.  Keys are checked last, whoever made them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/conversation.h"
#include "base/expression.h"
#include "base/json.h"
#include "base/isotime.h"
#include "base/number.h"
#include "fdw/item.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* An attribute of the item under construction. */
typedef struct Attribute
{
	const char *name;
	const CmzColumn *column;	/* NULL: no column shows it */
	bool		scalar;			/* operand holds it, else json */
	CmzOperand	operand;
	StringInfoData json;
} Attribute;

typedef struct Build
{
	CmzItemBuilder *builder;
	const CmzTable *table;
	TupleTableSlot *slot;
	int			n;
	Attribute  *attributes;
	bool		filled;			/* the slot's values have been added to */
} Build;

CmzItemBuilder *
cmz_item_builder_create(const CmzTable *table)
{
	CmzItemBuilder *builder = palloc0(sizeof(CmzItemBuilder));

	builder->table = table;
	return builder;
}

/* How a message names an attribute: by its column, if it has one. */
static char *
column_name(const CmzTable *table, const char *attribute)
{
	const CmzColumn *column = cmz_table_column(table, attribute);

	return column ? pstrdup(column->name) : cmz_value_server_text(attribute, strlen(attribute));
}

static Attribute *
find_attribute(Build *build, const char *name)
{
	for (int i = 0; i < build->n; i++)
		if (strcmp(build->attributes[i].name, name) == 0)
			return &build->attributes[i];
	return NULL;
}

static void
append_value(StringInfo json, const Attribute *attribute)
{
	if (attribute->scalar)
		cmz_operand_append_json(json, &attribute->operand);
	else
		appendBinaryStringInfo(json, attribute->json.data, attribute->json.len);
}

/* Two columns of one attribute must agree. */
static void
check_same(const Attribute *a, const Attribute *b)
{
	StringInfoData x,
				y;

	initStringInfo(&x);
	initStringInfo(&y);
	append_value(&x, a);
	append_value(&y, b);
	if (strcmp(x.data, y.data) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("columns \"%s\" and \"%s\" give attribute \"%s\" different values",
						a->column->name, b->column->name, cmz_value_server_text(a->name, strlen(a->name)))));
}

static void
add_column(Build *build, const CmzColumn *column)
{
	Attribute	attribute = {column->attribute, column, false, {0}, {0}};
	Datum		value = build->slot->tts_values[column->attnum - 1];
	Attribute  *same = find_attribute(build, column->attribute);

	attribute.scalar = cmz_value_operand(column, value, &attribute.operand);
	if (!attribute.scalar)
	{
		initStringInfo(&attribute.json);
		cmz_value_encode(column, value, &attribute.json);
	}
	if (same != NULL)
		check_same(same, &attribute);
	else
		build->attributes[build->n++] = attribute;
}

static Attribute *
add_scalar(Build *build, const char *name, CmzOperand operand)
{
	Attribute  *attribute = &build->attributes[build->n++];

	memset(attribute, 0, sizeof(*attribute));
	attribute->name = name;
	attribute->column = cmz_table_column(build->table, name);
	attribute->scalar = true;
	attribute->operand = operand;
	return attribute;
}

/*
 * Put what the row left out into the slot's values, as a scan would read it:
 * for RETURNING and triggers.
 */
static void
fill_columns(Build *build, const char *attribute, const CmzOperand *operand)
{
	CmzValue	value = {operand->type, false, {operand->data, operand->len, false}};
	StringInfoData scratch;
	CmzZone		zone;

	initStringInfo(&scratch);
	for (const CmzColumn *column = cmz_table_column(build->table, attribute);
		 column != NULL; column = column->same)
	{
		int			i = column->attnum - 1;
		Datum		datum;
		bool		isnull;

		if (!cmz_value_decode(column, &value, &scratch, &datum, &isnull, &zone))
			continue;
		build->slot->tts_values[i] = datum;
		build->slot->tts_isnull[i] = isnull;
		build->filled = true;
	}
}

/* The text of an attribute that must be a string. */
static const CmzOperand *
string_of(Build *build, const Attribute *attribute)
{
	if (!attribute->scalar || attribute->operand.type != CMZ_TYPE_S)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" must be kept as a string in a table of conversations",
						column_name(build->table, attribute->name))));
	return &attribute->operand;
}

static const CmzOperand *
required_string(Build *build, const char *name)
{
	Attribute  *attribute = find_attribute(build, name);

	if (attribute == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"%s\" of foreign table \"%s\"",
						column_name(build->table, name), build->table->name),
				 errdetail("Attribute \"%s\" is part of the key of every item.", name)));
	return string_of(build, attribute);
}

/* Check a stored time as the data model wants it: ISO 8601, UTC. */
static int64
parse_time(Build *build, const CmzOperand *text)
{
	int64		usec;
	CmzZone		zone;

	if (!cmz_isotime_parse(text->data, text->len, &usec, &zone) || zone != CMZ_ZONE_UTC)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				 errmsg("invalid value for column \"%s\": \"%s\"",
						column_name(build->table, CMZ_TIMESTAMP), cmz_value_server_text(text->data, text->len)),
				 errhint("A conversation's time is written in ISO 8601 and UTC, such as \"2025-01-19T12:00:00Z\".")));
	return usec;
}

/* The composite key is "session#time": the time's part, if it is one. */
static bool
time_of_composite(Build *build, const CmzOperand *session, CmzOperand *time)
{
	Attribute  *composite = find_attribute(build, CMZ_SESSION_ID_TIMESTAMP);
	const CmzOperand *text;

	if (composite == NULL)
		return false;
	text = string_of(build, composite);
	if (text->len <= session->len + 1 || memcmp(text->data, session->data, session->len) != 0 ||
		text->data[session->len] != CMZ_COMPOSITE_SEPARATOR)
		return false;
	*time = cmz_operand_string(text->data + session->len + 1, text->len - session->len - 1);
	return true;
}

/* The clock, but later than the row before: rows must not share a key. */
static int64
next_time(CmzItemBuilder *builder)
{
	int64		usec;

	(void) cmz_value_unix_usec(GetCurrentTimestamp(), &usec);
	builder->last_usec = Max(usec, builder->last_usec + 1);
	return builder->last_usec;
}

/* The message's time: given, in the composite key, or now. */
static int64
complete_timestamp(Build *build, const CmzOperand *session, CmzOperand *text)
{
	Attribute  *attribute = find_attribute(build, CMZ_TIMESTAMP);
	int64		usec;

	if (attribute != NULL)
	{
		*text = *string_of(build, attribute);
		return parse_time(build, text);
	}
	if (time_of_composite(build, session, text))
		usec = parse_time(build, text);
	else
	{
		char	   *buf = palloc(CMZ_ISOTIME_SIZE);

		usec = next_time(build->builder);
		cmz_isotime_format(usec, buf);
		*text = cmz_operand_cstring(buf);
	}
	add_scalar(build, CMZ_TIMESTAMP, *text);
	fill_columns(build, CMZ_TIMESTAMP, text);
	return usec;
}

static void
complete_composite(Build *build, const CmzOperand *session, const CmzOperand *time)
{
	Attribute  *attribute = find_attribute(build, CMZ_SESSION_ID_TIMESTAMP);
	StringInfoData buf;
	CmzOperand	key;

	initStringInfo(&buf);
	cmz_conversation_append_key(&buf, session->data, session->len, time->data, time->len);
	key = cmz_operand_string(buf.data, buf.len);
	if (attribute == NULL)
	{
		add_scalar(build, CMZ_SESSION_ID_TIMESTAMP, key);
		fill_columns(build, CMZ_SESSION_ID_TIMESTAMP, &key);
	}
	else if (string_of(build, attribute)->len != key.len ||
			 memcmp(attribute->operand.data, key.data, key.len) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("column \"%s\" disagrees with the session and the time of the message",
						column_name(build->table, CMZ_SESSION_ID_TIMESTAMP)),
				 errdetail("The value is \"%s\", it must be \"%s\".",
						   cmz_value_server_text(attribute->operand.data, attribute->operand.len),
						   cmz_value_server_text(key.data, key.len)),
				 errhint("Leave the column out, and it is made from the two.")));
}

static void
complete_ttl(Build *build, int64 usec)
{
	Attribute  *attribute = find_attribute(build, CMZ_TTL);
	int64		now;
	int64		expiry;
	char	   *digits;

	if (attribute == NULL && build->table->ttl_days == 0)
		return;
	if (attribute == NULL)
	{
		CmzOperand	ttl;

		/* whole seconds: that is what DynamoDB looks at */
		expiry = (usec - CMZ_ISOTIME_MIN) / CMZ_USECS_PER_SEC + CMZ_ISOTIME_MIN / CMZ_USECS_PER_SEC +
			(int64) build->table->ttl_days * SECS_PER_DAY;
		if (expiry > CMZ_ISOTIME_MAX / CMZ_USECS_PER_SEC)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("the ttl of the message would be out of range"),
					 errdetail("DynamoDB's times are kept from year 1 to year 9999."),
					 errhint("Give an earlier time, a ttl, or set option ttl_days to 0.")));
		digits = psprintf(INT64_FORMAT, expiry);
		ttl = cmz_operand_number(digits);
		add_scalar(build, CMZ_TTL, ttl);
		fill_columns(build, CMZ_TTL, &ttl);
	}
	else if (!attribute->scalar || attribute->operand.type != CMZ_TYPE_N)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" must be kept as a number: Unix time in seconds",
						column_name(build->table, CMZ_TTL)),
				 errhint("DynamoDB deletes only items whose ttl is such a number.")));
	else
		digits = pnstrdup(attribute->operand.data, attribute->operand.len);
	(void) cmz_value_unix_usec(GetCurrentTimestamp(), &now);
	if (cmz_number_compare(digits, strlen(digits), "0", 1) > 0)
	{
		char	   *now_digits = psprintf(INT64_FORMAT, now / CMZ_USECS_PER_SEC);

		if (cmz_number_compare(digits, strlen(digits), now_digits, strlen(now_digits)) <= 0)
			build->builder->expired++;
	}
}

/* Keys of the table and of its indexes, as DynamoDB wants them. */
static void
check_key(Build *build, const char *name, bool required, int limit)
{
	Attribute  *attribute = name ? find_attribute(build, name) : NULL;

	if (name == NULL || (attribute == NULL && !required))
		return;
	if (attribute == NULL)
		(void) required_string(build, name);	/* raises the error */
	if (!attribute->scalar || attribute->operand.type == CMZ_TYPE_BOOL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" is a key and must be a string, a number or bytea",
						column_name(build->table, name))));
	if (attribute->operand.type != CMZ_TYPE_N && attribute->operand.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" cannot be empty", column_name(build->table, name)),
				 errdetail("Attribute \"%s\" is a key of the table or of an index.",
						   cmz_value_server_text(name, strlen(name))),
				 required ? 0 : errhint("Use NULL to leave the attribute out.")));
	if (attribute->operand.len > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column \"%s\" is too long for a key", column_name(build->table, name)),
				 errdetail("It has %d bytes, DynamoDB allows %d.", attribute->operand.len, limit)));
}

static void
check_keys(Build *build)
{
	const CmzLayout *layout = &build->table->layout;

	check_key(build, layout->table.partition_key, true, CMZ_MAX_PARTITION_KEY);
	check_key(build, layout->table.sort_key, true, CMZ_MAX_SORT_KEY);
	for (int i = 0; i < layout->nindexes; i++)
	{
		check_key(build, layout->indexes[i].partition_key, false, CMZ_MAX_PARTITION_KEY);
		check_key(build, layout->indexes[i].sort_key, false, CMZ_MAX_SORT_KEY);
	}
}

/* The members of the extra column become attributes of their own. */
static void
append_extra(Build *build, StringInfo json)
{
	const CmzColumn *extra = build->table->extra;
	Jsonb	   *jsonb;
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (extra == NULL || build->slot->tts_isnull[extra->attnum - 1])
		return;
	jsonb = DatumGetJsonbP(build->slot->tts_values[extra->attnum - 1]);
	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" must be a JSON object", extra->name)));
	it = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char	   *name;

		if (token == WJB_KEY)
		{
			name = pg_server_to_any(pnstrdup(value.val.string.val, value.val.string.len),
									value.val.string.len, PG_UTF8);
			if (*name == '\0' || cmz_table_column(build->table, name) || find_attribute(build, name))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("column \"%s\" cannot have a member \"%s\"", extra->name,
								cmz_value_server_text(name, strlen(name))),
						 errdetail(*name == '\0' ? "An attribute's name cannot be empty."
								   : "The attribute has a column of its own, or follows from others.")));
			cmz_json_append_name(json, name);
		}
		else if (token == WJB_VALUE)
			cmz_value_encode_jsonb(extra, JsonbPGetDatum(JsonbValueToJsonb(&value)), json);
	}
}

void
cmz_item_build(CmzItemBuilder *builder, TupleTableSlot *slot, CmzItem *item)
{
	const CmzTable *table = builder->table;
	Build		build = {builder, table, slot, 0, NULL, false};
	const CmzIndex *keys = &table->layout.table;

	build.attributes = palloc0(sizeof(Attribute) * (table->natts + 3));
	slot_getallattrs(slot);
	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].attribute && !slot->tts_isnull[i])
			add_column(&build, &table->columns[i]);
	if (table->layout.conversation)
	{
		const CmzOperand session = *required_string(&build, CMZ_SESSION_ID);
		CmzOperand	time;
		int64		usec = complete_timestamp(&build, &session, &time);

		complete_composite(&build, &session, &time);
		complete_ttl(&build, usec);
		check_key(&build, CMZ_SESSION_ID, true, CMZ_MAX_PARTITION_KEY);
	}
	check_keys(&build);

	memset(item, 0, sizeof(*item));
	item->key[0] = find_attribute(&build, keys->partition_key)->operand;
	if (keys->sort_key)
		item->key[1] = find_attribute(&build, keys->sort_key)->operand;
	initStringInfo(&item->json);
	appendStringInfoChar(&item->json, '{');
	for (int i = 0; i < build.n; i++)
	{
		cmz_json_append_name(&item->json, build.attributes[i].name);
		append_value(&item->json, &build.attributes[i]);
	}
	append_extra(&build, &item->json);
	appendStringInfoChar(&item->json, '}');
	item->filled = build.filled;
}

/* AFTER triggers take the slot's tuple, not its values: make it anew. */
void
cmz_item_show(const CmzItem *item, TupleTableSlot *slot)
{
	MemoryContext old;
	HeapTuple	tuple;

	if (!item->filled)
		return;
	old = MemoryContextSwitchTo(slot->tts_mcxt);
	tuple = heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
	ExecForceStoreHeapTuple(tuple, slot, true);
	MemoryContextSwitchTo(old);
}

char *
cmz_item_describe_key(const CmzTable *table, const CmzItem *item)
{
	const CmzIndex *keys = &table->layout.table;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "(%s%s%s)=(", keys->partition_key, keys->sort_key ? ", " : "",
					 keys->sort_key ? keys->sort_key : "");
	for (int i = 0; i < (keys->sort_key ? 2 : 1); i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		if (item->key[i].type == CMZ_TYPE_B)
			cmz_json_append_base64(&buf, item->key[i].data, item->key[i].len);
		else
			appendBinaryStringInfo(&buf, item->key[i].data, item->key[i].len);
	}
	appendStringInfoChar(&buf, ')');
	return pg_any_to_server(buf.data, buf.len, PG_UTF8);
}
