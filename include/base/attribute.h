/*
 * attribute.h
 *	  DynamoDB's attribute types and the span of bytes that carries a value.
 *
 * Source: API reference, data type AttributeValue.
 */
#ifndef CMZ_ATTRIBUTE_H
#define CMZ_ATTRIBUTE_H

#include "base/base.h"

typedef enum CmzType
{
	CMZ_TYPE_NONE,				/* no such type */
	CMZ_TYPE_S,
	CMZ_TYPE_N,
	CMZ_TYPE_B,
	CMZ_TYPE_BOOL,
	CMZ_TYPE_NULL,
	CMZ_TYPE_M,
	CMZ_TYPE_L,
	CMZ_TYPE_SS,
	CMZ_TYPE_NS,
	CMZ_TYPE_BS
} CmzType;

/* Bytes of a JSON string between its quotes, as they stand in the document. */
typedef struct CmzSpan
{
	const char *data;
	int			len;
	bool		escaped;		/* contains a backslash: needs unescaping */
} CmzSpan;

/* DynamoDB's limits on keys, in bytes of UTF-8. */
#define CMZ_MAX_PARTITION_KEY	2048
#define CMZ_MAX_SORT_KEY		1024
#define CMZ_MAX_ITEM			(400 * 1024)

/* The tag of a type ("S", "BOOL", ...); "?" for CMZ_TYPE_NONE. */
extern const char *cmz_type_name(CmzType type);

/* The type of a tag of len bytes, CMZ_TYPE_NONE if there is none. */
extern CmzType cmz_type_parse(const char *tag, int len);

#endif							/* CMZ_ATTRIBUTE_H */
