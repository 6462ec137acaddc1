/*
 * batchtable.c
 *	  The keys of a batch of outer rows, and the inner rows that belong to each.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fdw/batchtable.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

void
cmz_batchtable_functions(Oid opno, Oid collation, CmzKeyFunctions *functions)
{
	RegProcedure inner,
				outer;
	Oid			outer_eq;

	if (!get_op_hash_functions(opno, &inner, &outer) ||
		!get_compatible_hash_operators(opno, NULL, &outer_eq))
		elog(ERROR, "operator %u cannot be hashed", opno);
	fmgr_info(inner, &functions->hash_inner);
	fmgr_info(outer, &functions->hash_outer);
	fmgr_info(get_opcode(opno), &functions->equal);
	fmgr_info(get_opcode(outer_eq), &functions->equal_outer);
	functions->collation = collation;
}

CmzBatchTable *
cmz_batchtable_create(CmzKeyFunctions *functions, int max_keys)
{
	CmzBatchTable *table = palloc0(sizeof(CmzBatchTable));

	table->context = CurrentMemoryContext;
	table->functions = functions;
	table->nbuckets = 1;
	while (table->nbuckets < max_keys)
		table->nbuckets *= 2;
	table->buckets = palloc0(sizeof(CmzBatchKey *) * table->nbuckets);
	return table;
}

void
cmz_batchtable_end(CmzBatchTable *table)
{
	if (table->file != NULL)
		BufFileClose(table->file);
	table->file = NULL;
}

static CmzBatchKey *
find(const CmzBatchTable *table, Datum value, FmgrInfo *hash_function, FmgrInfo *equal, uint32 *hash)
{
	Oid			collation = table->functions->collation;
	CmzBatchKey *key;

	*hash = DatumGetUInt32(FunctionCall1Coll(hash_function, collation, value));
	for (key = table->buckets[*hash & (table->nbuckets - 1)]; key != NULL; key = key->next)
		if (key->hash == *hash && DatumGetBool(FunctionCall2Coll(equal, collation, value, key->value)))
			return key;
	return NULL;
}

CmzBatchKey *
cmz_batchtable_add_key(CmzBatchTable *table, Datum value)
{
	uint32		hash;
	CmzBatchKey *key = find(table, value, &table->functions->hash_outer,
							&table->functions->equal_outer, &hash);
	CmzBatchKey **bucket = &table->buckets[hash & (table->nbuckets - 1)];

	if (key != NULL)
		return key;
	key = MemoryContextAllocZero(table->context, sizeof(CmzBatchKey));
	key->hash = hash;
	key->value = value;
	key->next = *bucket;
	*bucket = key;
	table->nkeys++;
	return key;
}

CmzBatchKey *
cmz_batchtable_find(const CmzBatchTable *table, Datum value)
{
	uint32		hash;

	return find(table, value, &table->functions->hash_inner, &table->functions->equal, &hash);
}

static void
write_row(CmzBatchTable *table, CmzInnerRow *row, MinimalTuple tuple)
{
	if (table->file == NULL)
		table->file = BufFileCreateTemp(false);
	BufFileTell(table->file, &row->file_no, &row->offset);
	BufFileWrite(table->file, tuple, tuple->t_len);
}

void
cmz_batchtable_add_row(CmzBatchTable *table, CmzBatchKey *key, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(table->context);
	CmzInnerRow *row = palloc0(sizeof(CmzInnerRow));
	bool		should_free = false;
	MinimalTuple tuple;

	if (table->bytes < (size_t) work_mem * 1024)
	{
		row->tuple = ExecCopySlotMinimalTuple(slot);
		table->bytes += row->tuple->t_len + sizeof(CmzInnerRow);
	}
	else
	{
		tuple = ExecFetchSlotMinimalTuple(slot, &should_free);
		write_row(table, row, tuple);
		if (should_free)
			pfree(tuple);
	}
	if (key->last != NULL)
		key->last->next = row;
	else
		key->first = row;
	key->last = row;
	MemoryContextSwitchTo(old);
}

static void
read_bytes(CmzBatchTable *table, void *data, size_t len)
{
	if (BufFileRead(table->file, data, len) != len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file")));
}

void
cmz_batchtable_fetch(CmzBatchTable *table, const CmzInnerRow *row, TupleTableSlot *slot)
{
	MinimalTuple tuple;
	uint32		len;

	if (row->tuple != NULL)
	{
		ExecStoreMinimalTuple(row->tuple, slot, false);
		return;
	}
	if (BufFileSeek(table->file, row->file_no, row->offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in a temporary file: %m")));
	read_bytes(table, &len, sizeof(len));
	tuple = MemoryContextAlloc(slot->tts_mcxt, len);
	tuple->t_len = len;
	read_bytes(table, (char *) tuple + sizeof(len), len - sizeof(len));
	ExecStoreMinimalTuple(tuple, slot, true);
}
