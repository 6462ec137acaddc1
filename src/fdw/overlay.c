/*
 * overlay.c
 *	  What a scan sees of its own transaction's writes.
 *
 * A transaction may write many items of one table and read them one by one, so
 * those that a Query by primary key cannot give are passed over by their keys,
 * without looking into them.
 */
#include "postgres.h"

#include "fdw/overlay.h"

/* Of an array sorted by operand, is this one in it? */
static bool
is_among(const CmzOperand *operand, int n, const CmzOperand *sorted)
{
	int			low = 0;
	int			high = n - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = cmz_operand_compare(operand, &sorted[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return false;
}

/* The arm could give an item of that key. */
static bool
arm_may_give(const CmzBoundArm *arm, const CmzOperand *key)
{
	if (arm->empty)
		return false;
	/* the keys of other indexes are found in the item */
	if (!arm->is_query || arm->index->name != NULL)
		return true;
	/* of pairs, only the first parts are sorted by themselves */
	return is_among(&key[0], arm->npartitions, arm->partitions) &&
		(arm->sort_values == NULL || arm->is_paired || is_among(&key[1], arm->nranges, arm->sort_values));
}

static bool
may_give(const CmzBinding *binding, const CmzOperand *key)
{
	for (int i = 0; i < binding->narms; i++)
		if (arm_may_give(&binding->arms[i], key))
			return true;
	return false;
}

/* The one key of a Query for a single item: no need to look at all. */
static bool
names_one_item(const CmzBinding *binding, CmzOperand *key)
{
	const CmzBoundArm *arm = &binding->arms[0];

	if (binding->narms != 1 || arm->empty || !arm->is_query || arm->index->name != NULL ||
		arm->npartitions != 1 || (arm->index->sort_key && (arm->sort_values == NULL || arm->nranges != 1)))
		return false;
	memset(key, 0, sizeof(CmzOperand) * 2);
	key[0] = arm->partitions[0];
	if (arm->index->sort_key)
		key[1] = arm->sort_values[0];
	return true;
}

static void
consider(CmzOverlay *overlay, const CmzPendingItem *item, bool *sees)
{
	const CmzVersion *version = cmz_pending_visible(item, overlay->curcid);

	if (version == NULL)
		return;
	*sees = true;
	if (version->image == NULL)
		return;
	/* the room grows by doubling */
	if ((overlay->nversions & (overlay->nversions - 1)) == 0)
	{
		Size		size = sizeof(CmzVersion *) * Max(overlay->nversions * 2, 1);

		overlay->versions = overlay->versions ? repalloc_huge(overlay->versions, size)
			: palloc(size);
	}
	overlay->versions[overlay->nversions++] = version;
}

CmzOverlay *
cmz_overlay_open(const CmzTable *table, CommandId curcid, const CmzBinding *binding)
{
	CmzPendingTable *pending = cmz_writeset_table(table);
	CmzOverlay *overlay;
	CmzOperand	key[2];
	bool		sees = false;
	dlist_iter	iter;

	if (pending == NULL)
		return NULL;
	overlay = palloc0(sizeof(CmzOverlay));
	overlay->table = pending;
	overlay->curcid = curcid;
	if (names_one_item(binding, key))
	{
		const CmzPendingItem *item = cmz_writeset_find(pending, key);

		if (item != NULL)
			consider(overlay, item, &sees);
	}
	else
		dlist_foreach(iter, &pending->items)
		{
			const CmzPendingItem *item = dlist_container(CmzPendingItem, node, iter.cur);

			if (may_give(binding, item->key))
				consider(overlay, item, &sees);
		}
	return sees ? overlay : NULL;
}

bool
cmz_overlay_hides(const CmzOverlay *overlay, const CmzRowReader *reader)
{
	CmzOperand	key[2];
	const CmzPendingItem *item;

	cmz_row_key(reader, key);
	item = cmz_writeset_find(overlay->table, key);
	return item != NULL && cmz_pending_visible(item, overlay->curcid) != NULL;
}

bool
cmz_overlay_read(CmzOverlay *overlay, CmzRowReader *reader, Datum *values, bool *nulls)
{
	const CmzVersion *version;

	if (overlay->next == overlay->nversions)
		return false;
	version = overlay->versions[overlay->next++];
	cmz_page_of_item(&overlay->page, version->image, version->len);
	return cmz_row_read(reader, &overlay->page, values, nulls);
}

void
cmz_overlay_rewind(CmzOverlay *overlay)
{
	overlay->next = 0;
}
