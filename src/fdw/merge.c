/*
 * merge.c
 *	  Rows in the order of the sort key: the streams of several keys merged.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "fdw/merge.h"
#include "lib/binaryheap.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* A row with its sort key, which may point into it. */
typedef struct MergeRow
{
	HeapTuple	tuple;			/* NULL: none */
	Datum		key;
} MergeRow;

/*
 * One stream: its run is the rows of one second, sorted, or a single row.  The
 * row that ended the run before has been read already.  What the transaction
 * has written is one run, without a stream.
 */
typedef struct MergeInput
{
	CmzStream  *stream;
	int			nrows;
	int			next;			/* of the run */
	int			max_rows;
	MergeRow   *rows;
	MergeRow	ahead;
	bool		has_last;		/* of a composite order: the key before */
	Datum		last;
} MergeInput;

struct CmzMerge
{
	CmzFetch   *fetch;
	CmzRowReader *reader;
	CmzOverlay *overlay;		/* NULL: none */
	TupleDesc	desc;
	AttrNumber	attnum;
	bool		descending;
	bool		by_second;		/* the sort key is a time kept as text */
	bool		composite;		/* the streams are in the order of another key,
								 * with which the column must agree */
	bool		byval;
	int16		len;
	SortSupportData sort;
	MemoryContext context;		/* of the rows that wait here */
	MemoryContext row_context;	/* one row while it is read */
	Datum	   *values;
	bool	   *nulls;
	MergeInput *inputs;
	binaryheap *heap;			/* of inputs, NULL: not opened yet */
	bool		top_is_read;	/* the run of the input on top is at its end */
};

static int
compare_rows(const void *a, const void *b, void *arg)
{
	CmzMerge   *merge = arg;
	int			order = ApplySortComparator(((const MergeRow *) a)->key, false,
											((const MergeRow *) b)->key, false, &merge->sort);

	return merge->descending ? -order : order;
}

/* The heap has its largest element on top: turn the order round. */
static int
compare_inputs(Datum a, Datum b, void *arg)
{
	const MergeInput *x = (const MergeInput *) DatumGetPointer(a);
	const MergeInput *y = (const MergeInput *) DatumGetPointer(b);

	return -compare_rows(&x->rows[x->next], &y->rows[y->next], arg);
}

bool
cmz_merge_by_second(const CmzTable *table, AttrNumber attnum)
{
	const CmzColumn *column = &table->columns[attnum - 1];

	return cmz_value_order(column) == CMZ_ORDER_TIME && column->dynamodb_type == CMZ_TYPE_S;
}

CmzMerge *
cmz_merge_create(CmzFetch *fetch, CmzRowReader *reader, CmzOverlay *overlay, TupleDesc desc,
				 AttrNumber attnum, bool descending, bool composite)
{
	CmzMerge   *merge = palloc0(sizeof(CmzMerge));
	const CmzColumn *column = &reader->table->columns[attnum - 1];
	TypeCacheEntry *type = lookup_type_cache(column->type, TYPECACHE_LT_OPR);

	merge->fetch = fetch;
	merge->reader = reader;
	merge->overlay = overlay;
	merge->desc = desc;
	merge->attnum = attnum;
	merge->descending = descending;
	merge->by_second = cmz_merge_by_second(reader->table, attnum);
	merge->composite = composite;
	get_typlenbyval(column->type, &merge->len, &merge->byval);
	merge->context = CurrentMemoryContext;
	merge->row_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw merge row",
											   ALLOCSET_DEFAULT_SIZES);
	merge->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	merge->nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	merge->sort.ssup_cxt = CurrentMemoryContext;
	/* the planner has seen that its collation compares bytes */
	merge->sort.ssup_collation = OidIsValid(column->collation) ? C_COLLATION_OID : InvalidOid;
	PrepareSortSupportFromOrderingOp(type->lt_opr, &merge->sort);
	return merge;
}

pg_noreturn static void raise_disorder(CmzMerge *merge);

/*
 * The order of times within a session is that of the composite key, which must
 * agree with the attribute that we see.
 */
static void
raise_disorder(CmzMerge *merge)
{
	const CmzColumn *column = &merge->reader->table->columns[merge->attnum - 1];

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("attribute \"%s\" of an item is missing or does not agree with its key",
					cmz_value_server_text(column->attribute, strlen(column->attribute))),
			 errdetail("Item %s of table \"%s\".", cmz_row_describe_key(merge->reader),
					   merge->reader->table->table_name),
			 errhint("Correct the item, or set cmz_fdw.enable_pushdown to off.")));
}

/* The values that have been read as a row; false if it has no sort key. */
static bool
keep_row(CmzMerge *merge, MergeRow *row)
{
	MemoryContext old;
	bool		isnull;

	if (merge->nulls[merge->attnum - 1])
		return false;
	old = MemoryContextSwitchTo(merge->context);
	row->tuple = heap_form_tuple(merge->desc, merge->values, merge->nulls);
	row->key = heap_getattr(row->tuple, merge->attnum, merge->desc, &isnull);
	MemoryContextSwitchTo(old);
	return true;
}

/* Read the stream's next item that is not hidden; false at its end. */
static bool
read_item(CmzMerge *merge, CmzStream *stream)
{
	do
		while (!cmz_row_read(merge->reader, &stream->page, merge->values, merge->nulls))
			if (!cmz_fetch_follow(merge->fetch, stream))
				return false;
	while (merge->overlay && cmz_overlay_hides(merge->overlay, merge->reader));
	return true;
}

/* Read the stream's next row; false at its end. */
static bool
read_row(CmzMerge *merge, CmzStream *stream, MergeRow *row)
{
	MemoryContext old;
	bool		found;

	MemoryContextReset(merge->row_context);
	old = MemoryContextSwitchTo(merge->row_context);
	found = read_item(merge, stream);
	MemoryContextSwitchTo(old);
	if (found && !keep_row(merge, row))
		raise_disorder(merge);
	return found;
}

static bool
in_one_second(const MergeRow *a, const MergeRow *b)
{
	Timestamp	x = DatumGetTimestamp(a->key);
	Timestamp	y = DatumGetTimestamp(b->key);

	/* both have the same sign: DynamoDB's years all lie in one range */
	return (x - MIN_TIMESTAMP) / USECS_PER_SEC == (y - MIN_TIMESTAMP) / USECS_PER_SEC;
}

/* One time lies in an earlier second than another, in the order that is wanted. */
static bool
precedes(const CmzMerge *merge, Datum a, Datum b)
{
	Timestamp	x = DatumGetTimestamp(a);
	Timestamp	y = DatumGetTimestamp(b);

	return merge->descending ? x > y : x < y;
}

static void
add_to_run(CmzMerge *merge, MergeInput *input, const MergeRow *row)
{
	if (input->nrows == input->max_rows)
	{
		MemoryContext old = MemoryContextSwitchTo(merge->context);

		input->max_rows = Max(8, input->max_rows * 2);
		input->rows = input->rows ? repalloc(input->rows, sizeof(MergeRow) * input->max_rows)
			: palloc(sizeof(MergeRow) * input->max_rows);
		MemoryContextSwitchTo(old);
	}
	input->rows[input->nrows++] = *row;
}

/* Check a row against the one before it, which may be gone. */
static void
check_composite(CmzMerge *merge, MergeInput *input, const MergeRow *row)
{
	MemoryContext old;
	MergeRow	last = {NULL, input->last};

	if (input->has_last && compare_rows(&last, row, merge) > 0)
		raise_disorder(merge);
	if (input->has_last && !merge->byval)
		pfree(DatumGetPointer(input->last));
	old = MemoryContextSwitchTo(merge->context);
	input->last = datumCopy(row->key, merge->byval, merge->len);
	input->has_last = true;
	MemoryContextSwitchTo(old);
}

/* Make the next run of a stream; false at its end. */
static bool
load_run(CmzMerge *merge, MergeInput *input)
{
	MergeRow	row = input->ahead;

	input->nrows = input->next = 0;
	if (input->stream == NULL)
		return false;			/* there was but one run */
	input->ahead.tuple = NULL;
	if (row.tuple == NULL && !read_row(merge, input->stream, &row))
		return false;
	add_to_run(merge, input, &row);
	if (!merge->by_second)
	{
		if (merge->composite)
			check_composite(merge, input, &row);
		return true;
	}
	while (read_row(merge, input->stream, &row))
	{
		if (!in_one_second(&input->rows[0], &row))
		{
			if (precedes(merge, row.key, input->rows[0].key))
				raise_disorder(merge);
			input->ahead = row;
			break;
		}
		add_to_run(merge, input, &row);
	}
	if (input->nrows > 1)
		qsort_arg(input->rows, input->nrows, sizeof(MergeRow), compare_rows, merge);
	return true;
}

/*
 * What the transaction has written, sorted.  An item without the sort key is not
 * in the index.
 */
static bool
load_overlay(CmzMerge *merge, MergeInput *input)
{
	MergeRow	row;

	for (;;)
	{
		MemoryContext old;
		bool		found;

		MemoryContextReset(merge->row_context);
		old = MemoryContextSwitchTo(merge->row_context);
		found = cmz_overlay_read(merge->overlay, merge->reader, merge->values, merge->nulls);
		MemoryContextSwitchTo(old);
		if (!found)
			break;
		if (keep_row(merge, &row))
			add_to_run(merge, input, &row);
	}
	if (input->nrows > 1)
		qsort_arg(input->rows, input->nrows, sizeof(MergeRow), compare_rows, merge);
	return input->nrows > 0;
}

static void
open_inputs(CmzMerge *merge)
{
	CmzFetch   *fetch = merge->fetch;
	MemoryContext old = MemoryContextSwitchTo(merge->context);

	cmz_fetch_open_all(fetch);
	merge->inputs = palloc0(sizeof(MergeInput) * (fetch->nstreams + 1));
	merge->heap = binaryheap_allocate(fetch->nstreams + 1, compare_inputs, merge);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < fetch->nstreams; i++)
	{
		MergeInput *input = &merge->inputs[i];

		input->stream = fetch->streams[i];
		if (load_run(merge, input))
			binaryheap_add_unordered(merge->heap, PointerGetDatum(input));
	}
	if (merge->overlay && load_overlay(merge, &merge->inputs[fetch->nstreams]))
		binaryheap_add_unordered(merge->heap, PointerGetDatum(&merge->inputs[fetch->nstreams]));
	binaryheap_build(merge->heap);
}

/* The next run is loaded when it is asked for: it may cost a request. */
static void
advance_top(CmzMerge *merge)
{
	MergeInput *input = (MergeInput *) DatumGetPointer(binaryheap_first(merge->heap));

	merge->top_is_read = false;
	if (load_run(merge, input))
		binaryheap_replace_first(merge->heap, PointerGetDatum(input));
	else
		(void) binaryheap_remove_first(merge->heap);
}

HeapTuple
cmz_merge_next(CmzMerge *merge)
{
	MergeInput *input;
	HeapTuple	tuple;

	if (merge->heap == NULL)
		open_inputs(merge);
	if (merge->top_is_read)
		advance_top(merge);
	if (binaryheap_empty(merge->heap))
		return NULL;
	input = (MergeInput *) DatumGetPointer(binaryheap_first(merge->heap));
	tuple = input->rows[input->next++].tuple;
	if (input->next < input->nrows)
		binaryheap_replace_first(merge->heap, PointerGetDatum(input));
	else
		merge->top_is_read = true;
	return tuple;
}
