/*
 * request.h
 *	  Operations as values, and the JSON bodies that DynamoDB takes for them.
 *
 * Source: DynamoDB API reference, Query, Scan, BatchGetItem, CreateTable,
 * UpdateTable.
 */
#ifndef CMZ_REQUEST_H
#define CMZ_REQUEST_H

#include "base/condition.h"
#include "base/layout.h"

/* How much a page of Query or Scan holds at most. */
#define CMZ_PAGE_BYTES		(1024.0 * 1024.0)

/* How many keys a BatchGetItem takes. */
#define CMZ_MAX_BATCH_GET	100

/*
 * A BatchGetItem (with keys), a Query (with a key condition), or a Scan.
 */
typedef struct CmzReadRequest
{
	const char *table;
	const char *index;			/* NULL: the table */
	const CmzCondition *key;	/* Query: KeyConditionExpression */
	const CmzCondition *filter; /* Query, Scan; may be NULL */
	const char *keys;			/* BatchGetItem: keys as JSON, comma between */
	bool		all_attributes;
	int			nprojection;
	const char **projection;	/* attributes, unless all_attributes */
	bool		count;			/* Select=COUNT: no items are sent */
	bool		consistent;
	bool		backward;		/* Query: descending order */
	int64		limit;			/* items to read, before the filter; 0: a page */
	int			segment;		/* Scan: which of total_segments */
	int			total_segments; /* 0: all in one */
	CmzSpan		start_key;		/* ExclusiveStartKey as JSON, or what is left of
								 * keys; data NULL: none */
} CmzReadRequest;

/* The operation's name: "Query", "Scan" or "BatchGetItem". */
extern const char *cmz_request_operation(const CmzReadRequest *request);

/* Append the body of the operation. */
extern void cmz_request_append_read(StringInfo body, const CmzReadRequest *request);

/* Append the body of CreateTable for the conversation table of that name. */
extern void cmz_request_append_create(StringInfo body, const char *table, const CmzLayout *layout);

/* An index that is to be added to a table. */
typedef struct CmzNewIndex
{
	const CmzIndex *index;
	CmzType		types[2];		/* of its partition key and sort key */
	double		read_units;		/* provisioned capacity; 0: on demand */
	double		write_units;
} CmzNewIndex;

/* Append the body of UpdateTable that adds an index to the table of that name. */
extern void cmz_request_append_add_index(StringInfo body, const char *table,
										 const CmzNewIndex *added);

#endif							/* CMZ_REQUEST_H */
