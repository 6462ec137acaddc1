/*
 * itemreader.h
 *	  Walks the bytes of a DynamoDB answer: pages, items, attributes, values.
 *
 * Order of calls: cmz_page_open on a whole body; then for each item
 * cmz_page_next_item, and for each of its attributes cmz_item_next_attribute.
 * Nothing is copied: names and values are spans of the body, valid as long as
 * it is.  Attributes that nobody asked for are checked and skipped.
 */
#ifndef CMZ_ITEMREADER_H
#define CMZ_ITEMREADER_H

#include "base/attribute.h"
#include "base/jsonscan.h"

/* An AttributeValue. */
typedef struct CmzValue
{
	CmzType		type;
	bool		boolean;		/* BOOL: its value */
	CmzSpan		span;			/* S, N, B: the string; M, L and sets: the JSON
								 * from bracket to bracket; else empty */
} CmzValue;

/* The answer of Query, Scan or BatchGetItem (of one table). */
typedef struct CmzPage
{
	CmzScanner	items;			/* stands inside the array of items */
	bool		has_items;		/* false for Select=COUNT */
	bool		is_batch;		/* of BatchGetItem: not counted by DynamoDB */
	bool		first;			/* no item has been read yet */
	bool		single;			/* an item by itself, not in an array */
	bool		done;			/* behind the last item */
	int64		count;			/* how many items there are; -1: not said */
	int64		read;			/* how many have been read */
	int64		scanned_count;
	double		read_units;		/* ConsumedCapacity.CapacityUnits */
	CmzSpan		last_key;		/* LastEvaluatedKey as JSON, or of a batch the
								 * elements of its UnprocessedKeys' array; data
								 * NULL if absent */
	CmzSpan		table;			/* of a batch: whose items these are */
	const char *error;			/* static; set when a call failed */
} CmzPage;

/* One attribute of an item. */
typedef struct CmzAttribute
{
	CmzSpan		name;
	int			slot;			/* index among the wanted names, or CMZ_SLOT_OTHER */
	CmzValue	value;
} CmzAttribute;

#define CMZ_SLOT_OTHER	(-1)

/*
 * How many attributes of an item are remembered by position.  Items of one
 * table share their shape, so the name at a position is mostly the one that
 * stood there in the item before, and needs no search.
 */
#define CMZ_SHAPE_LENGTH 64

typedef struct CmzItemReader
{
	int			nwanted;
	CmzSpan    *wanted;			/* names to hand out */
	bool		want_others;	/* hand out all others too */

	/* state of the current item */
	CmzPage    *page;
	bool		first;
	int			position;

	/* what stood at each position of the item before, in the same page */
	int			nshape;
	CmzSpan		shape[CMZ_SHAPE_LENGTH];
	int			shape_slot[CMZ_SHAPE_LENGTH];
} CmzItemReader;

/* A reader for n names (kept by reference), palloc'd. */
extern CmzItemReader *cmz_item_reader_create(int n, const char *const *names, bool want_others);

/*
 * Read a page's frame and check it: all members but the items, which are only
 * skipped here.  false with page->error when the body is not such an answer.
 */
extern bool cmz_page_open(CmzPage *page, const char *body, size_t len);

/*
 * The capacity units that an answer of any operation says it has consumed, 0 if it
 * does not say.
 */
extern double cmz_answer_units(const char *body, size_t len);

/* A page of one item, given as its JSON. */
extern void cmz_page_of_item(CmzPage *page, const char *item, size_t len);

/*
 * 1: the reader stands in the next item; 0: no more; -1: page->error, also when
 * there are not as many items as the page's Count says.
 */
extern int	cmz_page_next_item(CmzPage *page, CmzItemReader *reader);

/* 1: *attribute is set; 0: the item ends; -1: page->error. */
extern int	cmz_item_next_attribute(CmzItemReader *reader, CmzAttribute *attribute);

/* Read one AttributeValue and check it to its depth. */
extern bool cmz_value_read(CmzScanner *scan, CmzValue *value);

/* Read an item, {name: AttributeValue, ...}, as a value of type M. */
extern bool cmz_item_read(CmzScanner *scan, CmzValue *value);

/*
 * Walk an L, M or set value: begin on its span, then next until 0 (or -1).
 * The members of a set come as values of type S, N or B.
 */
extern void cmz_elements_begin(CmzScanner *scan, const CmzValue *value, bool *first);
extern int	cmz_elements_next(CmzScanner *scan, const CmzValue *parent, bool *first,
							  CmzSpan *name, CmzValue *value);

/*
 * Append a value as plain JSON: sets become arrays, B base64, numbers as they
 * are.  false if a string holds U+0000 or a number is none of DynamoDB's, either
 * of which JSON in PostgreSQL might not hold.
 */
extern bool cmz_value_append_json(StringInfo buf, const CmzValue *value);

/* A span as a quoted JSON string; false if it holds U+0000. */
extern bool cmz_span_append_json(StringInfo buf, const CmzSpan *span);

#endif							/* CMZ_ITEMREADER_H */
