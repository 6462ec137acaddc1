/*
 * key.h
 *	  The primary key of an item: partition key and, in most tables, sort key.
 *
 * A key is an array of two operands; the second has type CMZ_TYPE_NONE where
 * the table has no sort key.
 */
#ifndef CMZ_KEY_H
#define CMZ_KEY_H

#include "base/condition.h"
#include "base/layout.h"

/*
 * Append text that is the same for two keys if and only if DynamoDB takes them for
 * one: numbers by value.  It has no zero bytes.
 */
extern void cmz_key_append_canonical(StringInfo buf, const CmzOperand *key);

/* The same, palloc'd. */
extern char *cmz_key_id(const CmzOperand *key);

/* Append {"userId": {"S": "u"}, ...}; sort may be NULL. */
extern void cmz_key_append_json(StringInfo buf, const CmzIndex *keys,
								const CmzOperand *partition, const CmzOperand *sort);

/*
 * Append (userId, sessionIdTimestamp)=(u, s#t), in UTF-8, for a message.  Control
 * characters and bytes that are no UTF-8 are escaped (\u0000), with ascii all but
 * ASCII.
 */
extern void cmz_key_describe(StringInfo buf, const CmzIndex *keys, const CmzOperand *key,
							 bool ascii);

#endif							/* CMZ_KEY_H */
