/*
 * analyze.c
 *	  ANALYZE: a random sample of the items, and how large the table is.
 *
 * A table may be of any size, so it is not read as a whole unless it is small.
 * A Scan can be told to read one of many segments, that is a range of the
 * partition keys' hash values; random segments hold random partition keys with
 * all their items.  The segments are made so small that a few of them are worth
 * reading, by what DescribeTable says of the table, else by its options; if
 * that was wrong, as the segments show, they are made smaller or larger.  The
 * pages that are read are limited in any case.
 *
 * Statistics are to describe what is there: values that a query would fail on
 * count as NULL, and constraints of domains are not looked at.
 */
#include "postgres.h"

#include <math.h>

#include "fdw/analyze.h"
#include "fdw/compat.h"
#include "fdw/control.h"
#include "fdw/progress.h"
#include "fdw/row.h"
#include "fdw/sample.h"
#include "fdw/session.h"
#include "fdw/stream.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* How many segments are read, if the table is not read as a whole. */
#define SEGMENTS			30
#define MAX_TOTAL_SEGMENTS	1000000 /* DynamoDB's limit */

/* Items to read for each row of the sample: of many keys we need few rows. */
#define ITEMS_PER_ROW		10

/* Pages of up to 1 MB: 128 read units at most.  A segment should have half. */
#define PAGE_BYTES			(1024.0 * 1024.0)
#define SEGMENT_PAGES		10
#define MAX_PAGES			(SEGMENTS * SEGMENT_PAGES)

/* Bytes of eventually consistent reads for a read unit. */
#define READ_UNIT_BYTES		8192.0

/* By how much a guess of the table's size is changed at most, and how often. */
#define GUESS_STEP			16
#define MAX_GUESSES			6

/* Segments that hold so many times fewer items than expected are too small. */
#define TOO_FEW				4

/* Of the sample, keep so many rows even if they are of few partition keys. */
#define MIN_SHARE			100

typedef struct CmzTableSize
{
	double		items;
	double		bytes;
	bool		is_known;		/* by DynamoDB, else from the options */
} CmzTableSize;

typedef struct CmzSampling
{
	Relation	rel;
	CmzTable   *table;
	CmzClient  *client;
	CmzRowReader *reader;
	CmzSample  *sample;
	CmzCounters counters;
	CmzProgress *progress;
	Datum	   *values;
	bool	   *nulls;
	MemoryContext row_context;
	MemoryContext segment_context;

	/* what the table is taken for */
	double		items;
	double		item_bytes;
	bool		grown;
	bool		shrunk;

	/* this round */
	double		segment_items;	/* as expected */
	int			total_segments;
	int			nsegments;		/* that have been read */
	int			nonempty;
	int			cut;			/* given up at the limit of pages */
	double		items_read;
	double		units_before;
	int			nkeys;			/* partition keys so far */
	CmzType		key_type;
	StringInfoData key;			/* the last one */
} CmzSampling;

/* Ask DynamoDB; it counts every six hours, so 0 says nothing. */
static void
describe_size(const CmzClient *client, const CmzTable *table, CmzTableSize *size)
{
	StringInfoData body;
	json_t	   *description;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	cmz_json_append_member(&body, "TableName", table->table_name);
	appendStringInfoChar(&body, '}');
	description = cmz_json_member(cmz_control_call(client, "DescribeTable", table->table_name,
												   &body, "AccessDeniedException"), "Table");
	size->items = cmz_json_number(cmz_json_member(description, "ItemCount"), 0);
	size->bytes = cmz_json_number(cmz_json_member(description, "TableSizeBytes"), 0);
	size->is_known = size->items >= 1 && size->bytes >= 1;
	if (size->is_known)
		return;
	size->items = Max(table->estimated_items, 1);
	size->bytes = size->items * table->estimated_item_bytes;
}

/*
 * The client of the table's owner, whoever started ANALYZE, and of whatever
 * parent.
 */
static CmzClient *
owner_client(Relation rel, const CmzTable *table)
{
	return cmz_session_client(table->serverid, rel->rd_rel->relowner);
}

/* All columns; what they do not take is NULL. */
static CmzRowReader *
create_reader(CmzTable *table)
{
	List	   *columns = NIL;

	for (int i = 0; i < table->natts; i++)
	{
		CmzColumn  *column = &table->columns[i];

		if (column->name == NULL)
			continue;
		column->mismatch_is_null = true;
		column->declared_type = column->type;
		columns = lappend_int(columns, column->attnum);
	}
	return cmz_row_reader_create(table, columns, false);
}

/* Into how many segments to divide the table; few enough: read it as a whole. */
static void
choose_segments(CmzSampling *s)
{
	double		items = (double) s->sample->target * ITEMS_PER_ROW / SEGMENTS;
	double		total;

	items = Min(items, SEGMENT_PAGES / 2 * PAGE_BYTES / s->item_bytes);
	s->segment_items = Max(items, 1);
	total = Min(ceil(s->items / s->segment_items), MAX_TOTAL_SEGMENTS);
	s->total_segments = total <= SEGMENTS ? 1 : (int) total;
}

/* Draw distinct segments. */
static int
draw_segments(const CmzSampling *s, int *segments)
{
	int			n = Min(SEGMENTS, s->total_segments);

	for (int i = 0; i < n;)
	{
		double		fract = sampler_random_fract(&s->sample->reservoir.randstate);
		int			segment = Min((int) (fract * s->total_segments), s->total_segments - 1);
		int			j = 0;

		while (j < i && segments[j] != segment)
			j++;
		if (j == i)
			segments[i++] = segment;
	}
	return n;
}

/* The item's partition key is another than that of the item before. */
static bool
is_new_key(CmzSampling *s)
{
	const CmzValue *key = &s->reader->key[0];

	if (!s->reader->has_key[0])
		return true;
	if (s->nkeys > 0 && key->type == s->key_type && key->span.len == s->key.len &&
		memcmp(key->span.data, s->key.data, s->key.len) == 0)
		return false;
	s->key_type = key->type;
	resetStringInfo(&s->key);
	appendBinaryStringInfo(&s->key, key->span.data, key->span.len);
	return true;
}

static void
read_page(CmzSampling *s, CmzPage *page)
{
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(s->row_context);
		bool		found;
		int			place;

		cmz_analyze_delay_point();
		MemoryContextReset(s->row_context);
		found = cmz_row_read(s->reader, page, s->values, s->nulls);
		MemoryContextSwitchTo(old);
		if (!found)
			break;
		s->items_read++;
		if (is_new_key(s))
			s->nkeys++;
		place = cmz_sample_place(s->sample);
		if (place >= 0)
			cmz_sample_put(s->sample, place,
						   heap_form_tuple(RelationGetDescr(s->rel), s->values, s->nulls),
						   s->nkeys);
	}
}

/* How many pages may be read of a segment. */
static int
page_limit(const CmzSampling *s)
{
	double		pages = s->items * s->item_bytes / PAGE_BYTES;

	if (s->total_segments > 1)
		return SEGMENT_PAGES;
	return (int) Min(SEGMENT_PAGES + 2 * pages, MAX_PAGES);
}

static void
read_segment(CmzSampling *s, int segment)
{
	MemoryContext old = MemoryContextSwitchTo(s->segment_context);
	CmzReadRequest request = {0};
	CmzStream  *stream;
	double		before = s->items_read;
	int			limit = page_limit(s);
	int			pages = 0;

	request.table = s->table->table_name;
	request.all_attributes = s->reader->all_attributes;
	request.nprojection = s->reader->nprojection;
	request.projection = s->reader->projection;
	if (s->total_segments > 1)
	{
		request.segment = segment;
		request.total_segments = s->total_segments;
	}
	stream = cmz_stream_create(s->client, &request, &s->counters);
	MemoryContextSwitchTo(old);
	while (pages < limit && cmz_stream_next_page(stream))
	{
		read_page(s, &stream->page);
		pages++;
	}
	s->nsegments++;
	s->progress->pages = s->counters.pages;
	s->progress->items = s->counters.items;
	s->progress->units = s->counters.read_units;
	s->progress->segments_done = s->nsegments;
	cmz_progress_report(s->progress);
	if (!stream->at_end)
		s->cut++;
	if (s->items_read > before)
		s->nonempty++;
	MemoryContextReset(s->segment_context);
}

/* Most of the segments were too large to be read. */
static bool
may_grow(const CmzSampling *s, int guesses)
{
	return s->cut * 2 > s->nonempty && !s->shrunk && guesses < MAX_GUESSES &&
		s->total_segments < MAX_TOTAL_SEGMENTS;
}

static void
read_segments(CmzSampling *s, int guesses)
{
	int			segments[SEGMENTS];
	int			n = draw_segments(s, segments);

	cmz_sample_reset(s->sample);
	s->nsegments = s->nonempty = s->cut = s->nkeys = 0;
	s->items_read = 0;
	s->units_before = s->counters.read_units;
	s->progress->segments_total = n;
	for (int i = 0; i < n; i++)
	{
		read_segment(s, segments[i]);
		/* it will not get better */
		if (s->cut > SEGMENTS / 4 && may_grow(s, guesses))
			break;
	}
}

/* The table was taken for smaller or larger than it is: change the guess. */
static bool
guess_again(CmzSampling *s, int guesses)
{
	int			total_segments = s->total_segments;
	double		units = s->counters.read_units - s->units_before;
	double		seen = s->items_read / s->nsegments * s->total_segments;

	if (may_grow(s, guesses))
	{
		s->items = Max(s->items, seen) * GUESS_STEP;
		s->item_bytes = Max(units * READ_UNIT_BYTES / Max(s->items_read, 1), 1);
		s->grown = true;
	}
	else if (s->total_segments > 1 && !s->grown && guesses < MAX_GUESSES &&
			 s->items_read * TOO_FEW < s->segment_items * s->nsegments)
	{
		s->items = Max(s->items / GUESS_STEP, Min(seen, s->items / TOO_FEW));
		s->shrunk = true;
	}
	else
		return false;
	choose_segments(s);
	return s->total_segments != total_segments;
}

/*
 * DynamoDB's own count is up to six hours old.  What the segments say is
 * newer, but partition keys with many items make it vary.
 */
static double
count_items(const CmzSampling *s, const CmzTableSize *size)
{
	double		seen = s->items_read / s->nsegments * s->total_segments;

	if (!size->is_known || (s->total_segments == 1 && s->cut == 0))
		return seen;
	return s->cut == 0 && seen > 2 * size->items ? seen : Max(size->items, s->items_read);
}

static CmzSampling *
begin_sampling(Relation rel, HeapTuple *rows, int target)
{
	CmzSampling *s = palloc0(sizeof(CmzSampling));

	s->rel = rel;
	s->table = cmz_table_open(RelationGetRelid(rel));
	s->client = owner_client(rel, s->table);
	s->reader = create_reader(s->table);
	s->sample = cmz_sample_create(rows, target);
	s->values = palloc0(sizeof(Datum) * Max(s->table->natts, 1));
	s->nulls = palloc0(sizeof(bool) * Max(s->table->natts, 1));
	initStringInfo(&s->key);
	s->row_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw sampled row",
										   ALLOCSET_DEFAULT_SIZES);
	s->progress = cmz_progress_create(RelationGetRelid(s->rel), "ANALYZE");
	s->segment_context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw sampled segment",
											   ALLOCSET_SMALL_SIZES);
	return s;
}

/*
 * The rows come in no order of the table's: it has none, so that correlations
 * computed from it mean nothing.
 */
static int
acquire_sample_rows(Relation rel, int elevel, HeapTuple *rows, int targrows,
					double *totalrows, double *totaldeadrows)
{
	CmzSampling *s = begin_sampling(rel, rows, targrows);
	CmzTableSize size;
	int			guesses = 0;

	describe_size(s->client, s->table, &size);
	s->items = size.items;
	s->item_bytes = Max(size.bytes / size.items, 1);
	choose_segments(s);
	do
		read_segments(s, guesses);
	while (guess_again(s, guesses++));
	*totalrows = count_items(s, &size);
	*totaldeadrows = 0;
	cmz_sample_spread(s->sample, (double) s->nsegments / s->total_segments, targrows / MIN_SHARE);

	ereport(elevel,
			(errmsg("\"%s\": read %d of %d segments with %.0f items; %lld requests, %.1f read units",
					RelationGetRelationName(rel), s->nsegments, s->total_segments, s->items_read,
					(long long) s->counters.requests, s->counters.read_units)));
	ereport(elevel,
			(errmsg("\"%s\": table contains %.0f rows; %d rows in sample",
					RelationGetRelationName(rel), *totalrows, s->sample->nrows)));
	MemoryContextDelete(s->row_context);
	MemoryContextDelete(s->segment_context);
	return s->sample->nrows;
}

bool
cmzAnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	CmzTable   *table = cmz_table_open(RelationGetRelid(rel));
	CmzTableSize size;

	describe_size(owner_client(rel, table), table, &size);
	/* at least one: a parent gives its children rows by their pages */
	*totalpages = (BlockNumber) Min(Max(ceil(size.bytes / BLCKSZ), 1), MaxBlockNumber);
	*func = acquire_sample_rows;
	return true;
}
