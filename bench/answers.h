/*
 * answers.h
 *	  What the canned server answers: DynamoDB's operations over made-up items.
 *
 * The table (of any name) holds the items 0 to config.items - 1 of items.h.  Keys,
 * segments, Limit, Select, projections and directions are obeyed; conditions on a
 * partition key and equality on a sort key too.  Other conditions are NOT: filters
 * pass everything, and writes succeed and are forgotten.
 */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include "base/base.h"
#include "base/jsonscan.h"

typedef enum Operation
{
	OP_SCAN, OP_QUERY, OP_BATCH_GET_ITEM, OP_GET_ITEM, OP_PUT_ITEM, OP_UPDATE_ITEM, OP_DELETE_ITEM,
	OP_TRANSACT_WRITE_ITEMS, OP_BATCH_WRITE_ITEM, OP_DESCRIBE_TABLE, OP_DESCRIBE_TTL, OP_LIST_TABLES,
	OP_OTHER,
	OP_COUNT
} Operation;

extern const char *const operation_names[OP_COUNT];

typedef struct AnswerConfig
{
	int64		items;
	bool		whole;			/* ignore projections: all attributes always */
} AnswerConfig;

typedef struct AnswerCounters
{
	int64		requests[OP_COUNT];
	int64		items_sent;
	int64		items_read;		/* that a page went over, sent or not */
	int64		items_written;
} AnswerCounters;

extern Operation answer_operation(const char *name, size_t len);

/* Append the answer to a request's body; gives the HTTP status.  Counts it. */
extern int	answer_request(StringInfo out, Operation operation, const char *body, size_t len,
						   const AnswerConfig *config, AnswerCounters *counters);

#endif							/* BENCH_ANSWERS_H */
