/*
 * item.c
 *	  Rows to items: what INSERT stores.
 *
 * First every column's value becomes an attribute; in a table of conversations
 * the attributes that depend on others are then completed (model.c).
 * change.c does the same for UPDATE.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/expression.h"
#include "base/json.h"
#include "fdw/build.h"
#include "fdw/writeset.h"

CmzItemBuilder *
cmz_item_builder_create(const CmzTable *table)
{
	CmzItemBuilder *builder = palloc0(sizeof(CmzItemBuilder));

	builder->table = table;
	for (int i = 0; i < table->natts; i++)
		builder->has_shared |= table->columns[i].same != NULL;
	return builder;
}

CmzRowReader *
cmz_item_reader(CmzItemBuilder *builder)
{
	MemoryContext old;

	if (builder->reader == NULL)
	{
		old = MemoryContextSwitchTo(GetMemoryChunkContext(builder));
		builder->reader = cmz_row_reader_create(builder->table, cmz_table_columns(builder->table),
												true);
		MemoryContextSwitchTo(old);
	}
	return builder->reader;
}

char *
cmz_build_column_name(const CmzBuild *build, const char *attribute)
{
	const CmzColumn *column = cmz_table_column(build->table, attribute);
	char	   *name;

	if (column != NULL)
		return pstrdup(column->name);
	name = cmz_value_server_text(attribute, strlen(attribute));
	return build->table->extra ? psprintf("%s['%s']", build->table->extra->name, name) : name;
}

CmzBuildAttribute *
cmz_build_find(CmzBuild *build, const char *name)
{
	for (int i = 0; i < build->n; i++)
		if (strcmp(build->attributes[i].name, name) == 0)
			return &build->attributes[i];
	return NULL;
}

CmzBuildAttribute *
cmz_build_add(CmzBuild *build, const char *name)
{
	CmzBuildAttribute *attribute;

	if (build->n == build->max)
	{
		build->max = Max(16, build->max * 2);
		build->attributes = build->attributes
			? repalloc(build->attributes, sizeof(CmzBuildAttribute) * build->max)
			: palloc(sizeof(CmzBuildAttribute) * build->max);
	}
	attribute = &build->attributes[build->n++];
	memset(attribute, 0, sizeof(*attribute));
	attribute->name = name;
	attribute->column = cmz_table_column(build->table, name);
	return attribute;
}

static void
append_value(StringInfo json, const CmzBuildAttribute *attribute)
{
	if (attribute->removed)
		return;
	if (attribute->scalar)
		cmz_operand_append_json(json, &attribute->operand);
	else
		appendBinaryStringInfo(json, attribute->json.data, attribute->json.len);
}

/* Two columns of one attribute must agree. */
static void
check_same(const CmzBuildAttribute *a, const CmzBuildAttribute *b)
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

void
cmz_build_add_column(CmzBuild *build, const CmzColumn *column, bool removed)
{
	CmzBuildAttribute attribute = {column->attribute, column, removed, false, {0}, {0}};
	Datum		value = build->slot->tts_values[column->attnum - 1];
	CmzBuildAttribute *same = cmz_build_find(build, column->attribute);

	attribute.scalar = !removed && cmz_value_operand(column, value, &attribute.operand);
	if (!attribute.scalar && !removed)
	{
		initStringInfo(&attribute.json);
		cmz_value_encode(column, value, &attribute.json);
	}
	if (same != NULL)
		check_same(same, &attribute);
	else
		*cmz_build_add(build, column->attribute) = attribute;
}

/*
 * Put what the row left out into the slot's values, as a scan would read it:
 * for RETURNING and triggers.
 */
static void
fill_columns(CmzBuild *build, const char *attribute, const CmzOperand *operand)
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

void
cmz_build_set(CmzBuild *build, const char *name, CmzOperand operand)
{
	CmzBuildAttribute *attribute = cmz_build_find(build, name);

	if (attribute == NULL)
		attribute = cmz_build_add(build, name);
	attribute->removed = false;
	attribute->scalar = true;
	attribute->operand = operand;
	fill_columns(build, name, &operand);
}

const CmzOperand *
cmz_build_string(CmzBuild *build, const char *name)
{
	CmzBuildAttribute *attribute = cmz_build_find(build, name);
	CmzOperand *string;

	if (attribute != NULL && attribute->removed)
		return NULL;
	string = palloc(sizeof(CmzOperand));
	if (attribute == NULL)
		return cmz_image_operand(build->before, name, string) && string->type == CMZ_TYPE_S
			? string : NULL;
	if (!attribute->scalar || attribute->operand.type != CMZ_TYPE_S)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" must be kept as a string in a table of conversations",
						cmz_build_column_name(build, name))));
	*string = attribute->operand;
	return string;
}

const CmzOperand *
cmz_build_required_string(CmzBuild *build, const char *name)
{
	const CmzOperand *string = cmz_build_string(build, name);

	if (string == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"%s\" of foreign table \"%s\"",
						cmz_build_column_name(build, name), build->table->name),
				 errdetail("Attribute \"%s\" is part of the key of every item.",
						   cmz_value_server_text(name, strlen(name)))));
	return string;
}

void
cmz_build_apply(CmzBuild *build, CmzImage *image)
{
	for (int i = 0; i < build->n; i++)
	{
		const CmzBuildAttribute *attribute = &build->attributes[i];
		StringInfoData json;

		if (attribute->removed)
		{
			cmz_image_remove(image, attribute->name);
			continue;
		}
		initStringInfo(&json);
		append_value(&json, attribute);
		cmz_image_set(image, attribute->name, json.data, json.len);
	}
}

void
cmz_build_finish(CmzBuild *build, CmzItem *item)
{
	const char *largest;
	CmzPage		page;
	size_t		size = cmz_image_size(&item->image, &largest);

	cmz_item_key(build->table, &item->image, item->key);
	if (size > CMZ_MAX_ITEM)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row is too large for DynamoDB"),
				 errdetail("Item %s of table \"%s\" would have %zu bytes, DynamoDB allows %d; the largest column is \"%s\".",
						   cmz_key_text(&build->table->layout.table, item->key), build->table->table_name,
						   size, CMZ_MAX_ITEM, cmz_build_column_name(build, largest))));
	initStringInfo(&item->json);
	cmz_image_append_json(&item->json, &item->image);
	item->filled = build->filled;
	if (build->builder->has_shared)
	{
		/* each column shows its attribute, whichever gave it */
		cmz_page_of_item(&page, item->json.data, item->json.len);
		(void) cmz_row_read(cmz_item_reader(build->builder), &page, build->slot->tts_values,
							build->slot->tts_isnull);
		item->filled = true;
	}
}

void
cmz_item_build(CmzItemBuilder *builder, TupleTableSlot *slot, CmzItem *item)
{
	const CmzTable *table = builder->table;
	CmzBuild	build = {builder, table, slot};

	memset(item, 0, sizeof(*item));
	slot_getallattrs(slot);
	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].attribute && !slot->tts_isnull[i])
			cmz_build_add_column(&build, &table->columns[i], false);
	if (table->extra && !slot->tts_isnull[table->extra->attnum - 1])
		cmz_build_extra(&build);
	if (table->layout.conversation)
		cmz_model_complete(&build);
	cmz_model_check_keys(&build);
	cmz_build_apply(&build, &item->image);
	cmz_build_finish(&build, item);
}

void
cmz_item_key(const CmzTable *table, const CmzImage *image, CmzOperand *key)
{
	const CmzIndex *keys = &table->layout.table;

	memset(key, 0, sizeof(CmzOperand) * 2);
	if (!cmz_image_operand(image, keys->partition_key, &key[0]) ||
		(keys->sort_key && !cmz_image_operand(image, keys->sort_key, &key[1])))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("DynamoDB sent an item without its key"),
				 errdetail("Table \"%s\".", table->table_name),
				 errhint("Check option \"key\" of the foreign table.")));
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
