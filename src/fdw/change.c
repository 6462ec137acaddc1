/*
 * change.c
 *	  What UPDATE makes of an item.
 *
 * The executor gives whole rows, so what has changed is found by comparing with
 * the item as it was read.  A column that holds the same as before says nothing
 * about its attribute, however that is spelled there.
 */
#include "postgres.h"

#include "fdw/build.h"
#include "fdw/writeset.h"
#include "utils/datum.h"

/* The row as it was. */
typedef struct OldRow
{
	Datum	   *values;
	bool	   *nulls;
} OldRow;

static OldRow
read_before(CmzItemBuilder *builder, const CmzSpan *before)
{
	OldRow		row;
	CmzPage		page;

	row.values = palloc0(sizeof(Datum) * Max(builder->table->natts, 1));
	row.nulls = palloc0(sizeof(bool) * Max(builder->table->natts, 1));
	cmz_page_of_item(&page, before->data, before->len);
	(void) cmz_row_read(cmz_item_reader(builder), &page, row.values, row.nulls);
	return row;
}

static bool
is_changed(CmzBuild *build, const OldRow *old, int i)
{
	Form_pg_attribute att = TupleDescAttr(build->slot->tts_tupleDescriptor, i);
	bool		isnull = build->slot->tts_isnull[i];

	if (isnull || old->nulls[i])
		return isnull != old->nulls[i];
	return !datum_image_eq(build->slot->tts_values[i], old->values[i], att->attbyval, att->attlen);
}

void
cmz_item_change(CmzItemBuilder *builder, const CmzSpan *before, TupleTableSlot *slot, CmzItem *item)
{
	const CmzTable *table = builder->table;
	CmzImage	image;
	CmzBuild	build = {builder, table, slot, &image};
	OldRow		old;

	memset(item, 0, sizeof(*item));
	if (!cmz_image_parse(&image, before->data, before->len) ||
		!cmz_image_parse(&item->image, before->data, before->len))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change an item with an attribute whose name has a character U+0000"),
				 errdetail("Table \"%s\".", table->table_name)));
	old = read_before(builder, before);
	slot_getallattrs(slot);
	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].attribute && is_changed(&build, &old, i))
			cmz_build_add_column(&build, &table->columns[i], slot->tts_isnull[i]);
	if (table->extra && is_changed(&build, &old, table->extra->attnum - 1))
		cmz_build_extra(&build);
	if (table->layout.conversation)
		cmz_model_adjust(&build);
	cmz_model_check_keys(&build);
	cmz_build_apply(&build, &item->image);
	cmz_build_finish(&build, item);
}
