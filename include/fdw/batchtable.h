/*
 * batchtable.h
 *	  The keys of a batch of outer rows, and the inner rows that belong to each.
 *
 * Inner rows are kept in memory up to work_mem; what comes after that goes to a
 * temporary file.
 */
#ifndef CMZ_BATCHTABLE_H
#define CMZ_BATCHTABLE_H

#include "access/htup.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "storage/buffile.h"

typedef struct CmzInnerRow
{
	struct CmzInnerRow *next;
	MinimalTuple tuple;			/* NULL: it is in the file */
	int			file_no;
	off_t		offset;
} CmzInnerRow;

typedef struct CmzBatchKey
{
	struct CmzBatchKey *next;	/* of the same bucket */
	uint32		hash;
	Datum		value;			/* of the outer side */
	CmzInnerRow *first;
	CmzInnerRow *last;
} CmzBatchKey;

/* How keys are compared; for the whole join. */
typedef struct CmzKeyFunctions
{
	FmgrInfo	hash_inner;
	FmgrInfo	hash_outer;
	FmgrInfo	equal;			/* inner, outer */
	FmgrInfo	equal_outer;	/* outer, outer */
	Oid			collation;
} CmzKeyFunctions;

typedef struct CmzBatchTable
{
	MemoryContext context;		/* all of it, but for the file */
	CmzKeyFunctions *functions;
	int			nkeys;
	int			nbuckets;
	CmzBatchKey **buckets;
	size_t		bytes;			/* of inner rows in memory */
	BufFile    *file;
} CmzBatchTable;

/* Look up the functions of an operator that can be hashed; raises if it cannot. */
extern void cmz_batchtable_functions(Oid opno, Oid collation, CmzKeyFunctions *functions);

/* For so many keys at most; in the current context, which functions must outlive. */
extern CmzBatchTable *cmz_batchtable_create(CmzKeyFunctions *functions, int max_keys);

/* Close the file; the rest goes with the context. */
extern void cmz_batchtable_end(CmzBatchTable *table);

/* The key of an outer row, added (by reference) unless it is there. */
extern CmzBatchKey *cmz_batchtable_add_key(CmzBatchTable *table, Datum value);

/* The key that an inner row's value belongs to, NULL if there is none. */
extern CmzBatchKey *cmz_batchtable_find(const CmzBatchTable *table, Datum value);

/* Keep a copy of the row with the key. */
extern void cmz_batchtable_add_row(CmzBatchTable *table, CmzBatchKey *key, TupleTableSlot *slot);

/* Put the row into a slot for minimal tuples. */
extern void cmz_batchtable_fetch(CmzBatchTable *table, const CmzInnerRow *row, TupleTableSlot *slot);

#endif							/* CMZ_BATCHTABLE_H */
