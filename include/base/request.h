/*
 * request.h
 *	  Operations as values, and the JSON bodies that DynamoDB takes for them.
 *
 * Source: DynamoDB API reference, Query, Scan, PutItem.
 */
#ifndef CMZ_REQUEST_H
#define CMZ_REQUEST_H

#include "base/condition.h"
#include "base/layout.h"

/* A Query (with a key condition) or a Scan (without). */
typedef struct CmzReadRequest
{
	const char *table;
	const char *index;			/* NULL: the table */
	const CmzCondition *key;	/* NULL: Scan */
	const CmzCondition *filter; /* may be NULL */
	bool		all_attributes;
	int			nprojection;
	const char **projection;	/* attributes, unless all_attributes */
	bool		consistent;
	CmzSpan		start_key;		/* ExclusiveStartKey as JSON; data NULL: none */
} CmzReadRequest;

/* Append the body of a Query or Scan. */
extern void cmz_request_append_read(StringInfo body, const CmzReadRequest *request);

/*
 * Append the body of a PutItem on the condition that no item of this key
 * exists.  item is the item's JSON; partition_key names the key attribute.
 */
extern void cmz_request_append_put(StringInfo body, const char *table, const char *item,
								   const char *partition_key);

/* Append the body of CreateTable for the conversation table of that name. */
extern void cmz_request_append_create(StringInfo body, const char *table, const CmzLayout *layout);

#endif							/* CMZ_REQUEST_H */
