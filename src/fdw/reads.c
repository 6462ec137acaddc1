/*
 * reads.c
 *	  The reads of a binding, one after the other: Queries, BatchGetItems, Scan.
 *
 * Those of an arm are a product, of which each is made when its turn comes.
 * Only the primary keys of several arms of an OR are collected first: an item
 * may be named by two of them, and DynamoDB rejects a repeated key.
 */
#include "postgres.h"

#include "base/key.h"
#include "fdw/reads.h"
#include "miscadmin.h"

/* A primary key; sort NULL: the table has none. */
typedef struct ItemKey
{
	const CmzOperand *partition;
	const CmzOperand *sort;
} ItemKey;

/* How many Queries or keys an arm has. */
static int64
arm_size(const CmzBoundArm *arm)
{
	if (arm->empty || arm->is_paired)
		return arm->empty ? 0 : arm->npartitions;
	return arm->is_query ? (int64) arm->npartitions * arm->nranges : 1;
}

static ItemKey
arm_key(const CmzBoundArm *arm, int64 i)
{
	ItemKey		key = {&arm->partitions[arm->is_paired ? i : i / arm->nranges], NULL};

	if (arm->is_paired)
		key.sort = &arm->sort_values[i];
	else if (arm->sort_values != NULL)
		key.sort = &arm->sort_values[i % arm->nranges];
	return key;
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	const ItemKey *x = lfirst(a);
	const ItemKey *y = lfirst(b);
	int			order;

	CHECK_FOR_INTERRUPTS();
	/* they are of one table, so of one type */
	order = cmz_operand_compare(x->partition, y->partition);
	return order != 0 || x->sort == NULL ? order : cmz_operand_compare(x->sort, y->sort);
}

/* The keys that several arms name, each once. */
static List *
collect_keys(const CmzBinding *binding)
{
	List	   *keys = NIL;
	List	   *distinct = NIL;

	for (int i = 0; i < binding->narms; i++)
	{
		const CmzBoundArm *arm = &binding->arms[i];

		for (int64 k = 0; arm->is_get && k < arm_size(arm); k++)
		{
			ItemKey    *key = palloc(sizeof(ItemKey));

			CHECK_FOR_INTERRUPTS();
			*key = arm_key(arm, k);
			keys = lappend(keys, key);
		}
	}
	list_sort(keys, compare_keys);
	for (int i = 0; i < list_length(keys); i++)
		if (i == 0 || compare_keys(list_nth_cell(keys, i - 1), list_nth_cell(keys, i)) != 0)
			distinct = lappend(distinct, list_nth(keys, i));
	return distinct;
}

void
cmz_reads_begin(CmzReads *reads, const CmzBinding *binding)
{
	memset(reads, 0, sizeof(*reads));
	reads->binding = binding;
	reads->batch = CMZ_MAX_BATCH_GET;
	if (binding->narms > 1)
	{
		reads->keys = collect_keys(binding);
		reads->arm = -1;
	}
}

/* The next BatchGetItem for the keys of one arm, or for those of all. */
static void
next_get(CmzReads *reads, const CmzBoundArm *arm, CmzRead *read)
{
	int64		total = reads->arm < 0 ? list_length(reads->keys) : arm_size(arm);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int n = 0; n < reads->batch && reads->next < total; n++)
	{
		ItemKey		key = reads->arm < 0 ? *(ItemKey *) list_nth(reads->keys, reads->next)
			: arm_key(arm, reads->next);

		if (buf.len > 0)
			appendStringInfoChar(&buf, ',');
		cmz_key_append_json(&buf, arm->index, key.partition, key.sort);
		reads->next++;
	}
	read->keys = buf.data;
}

/* The next Query of an arm: one partition, one range. */
static void
next_query(CmzReads *reads, const CmzBoundArm *arm, CmzRead *read)
{
	const CmzOperand *partition = &arm->partitions[reads->next / arm->nranges];
	const CmzKeyRange *range = &arm->ranges[reads->next % arm->nranges];

	read->key = cmz_condition_join(CMZ_OP_AND,
								   cmz_condition_compare(CMZ_OP_EQ, arm->index->partition_key,
														 *partition),
								   cmz_keyrange_condition(range, arm->index->sort_key));
	reads->next++;
}

/* The first arm whose keys go into BatchGetItems. */
static int
first_get(const CmzBinding *binding)
{
	int			i = 0;

	while (!binding->arms[i].is_get || binding->arms[i].empty)
		i++;
	return i;
}

bool
cmz_reads_next(CmzReads *reads, CmzRead *read)
{
	const CmzBinding *binding = reads->binding;

	memset(read, 0, sizeof(*read));
	if (reads->arm < 0 && reads->next < list_length(reads->keys))
	{
		read->arm = first_get(binding);
		next_get(reads, &binding->arms[read->arm], read);
		return true;
	}
	for (; reads->arm < binding->narms; reads->arm++, reads->next = 0)
	{
		const CmzBoundArm *arm = reads->arm < 0 ? NULL : &binding->arms[reads->arm];

		if (arm == NULL || reads->next >= arm_size(arm) || (arm->is_get && binding->narms > 1))
			continue;
		read->arm = reads->arm;
		if (arm->is_get)
			next_get(reads, arm, read);
		else if (arm->is_query)
			next_query(reads, arm, read);
		else
			reads->next++;		/* the Scan */
		return true;
	}
	return false;
}

double
cmz_reads_total(const CmzBinding *binding)
{
	double		total = 0;

	for (int i = 0; i < binding->narms; i++)
	{
		const CmzBoundArm *arm = &binding->arms[i];

		if (arm->is_get)
			total += arm_size(arm) / CMZ_MAX_BATCH_GET + 1;
		else
			total += arm_size(arm);
	}
	return total;
}
