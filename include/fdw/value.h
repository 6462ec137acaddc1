/*
 * value.h
 *	  Datum from and to AttributeValue: one row a type in a table.
 *
 * A type's reader accepts just what its writer writes (apart from times, of
 * which several spellings are read), so that a condition on the text or the
 * number in DynamoDB means what it means on the Datum.
 */
#ifndef CMZ_VALUE_H
#define CMZ_VALUE_H

#include "base/condition.h"
#include "base/itemreader.h"
#include "base/isotime.h"
#include "access/attnum.h"
#include "datatype/timestamp.h"

typedef struct CmzColumn CmzColumn;
struct CmzCodec;

/* What a Datum's order or equality is in DynamoDB. */
typedef enum CmzOrder
{
	CMZ_ORDER_NONE,				/* not comparable there */
	CMZ_ORDER_EQUAL,			/* only equality agrees */
	CMZ_ORDER_TEXT,				/* bytes, if the collation is bytes */
	CMZ_ORDER_BYTES,			/* bytes */
	CMZ_ORDER_INTEGER,
	CMZ_ORDER_NUMERIC,
	CMZ_ORDER_FLOAT,
	CMZ_ORDER_TIME
} CmzOrder;

struct CmzColumn
{
	AttrNumber	attnum;
	const char *name;			/* NULL: a dropped column */
	const char *attribute;		/* UTF-8; NULL for extra and dropped ones */
	bool		is_extra;
	Oid			declared_type;	/* may be a domain */
	Oid			type;			/* its base type */
	int32		typmod;
	Oid			collation;
	bool		not_null;
	CmzType		dynamodb_type;	/* written, and read unless any will do */
	bool		mismatch_is_null;
	const struct CmzCodec *codec;
	CmzColumn  *element;		/* of an array: how its elements are mapped */
	struct CmzColumn *same;		/* next column of the same attribute */
};

/*
 * Choose how a column is mapped: sets codec, dynamodb_type (from the option if
 * type is not CMZ_TYPE_NONE) and element.  Raises FDW_INVALID_DATA_TYPE.
 */
extern void cmz_value_map(CmzColumn *column, CmzType type);

/* The column reads values of that type. */
extern bool cmz_value_reads(const CmzColumn *column, CmzType type);

/* How the column's values compare in DynamoDB. */
extern CmzOrder cmz_value_order(const CmzColumn *column);

/*
 * AttributeValue to Datum.  False if the value is not one the column takes;
 * *isnull for the NULL type.  scratch is overwritten.  *zone, if the column is
 * a time kept as text, says how its zone is written.
 */
extern bool cmz_value_decode(const CmzColumn *column, const CmzValue *value, StringInfo scratch,
							 Datum *datum, bool *isnull, CmzZone *zone);

/*
 * Datum (not NULL) to AttributeValue, appended as JSON.  Raises 22003 for
 * numbers that DynamoDB cannot hold, 22008 for times, 22023 for values without
 * a counterpart.
 */
extern void cmz_value_encode(const CmzColumn *column, Datum datum, StringInfo json);

/* The same for S, N, B and BOOL, as an operand (palloc'd); false if composite. */
extern bool cmz_value_operand(const CmzColumn *column, Datum datum, CmzOperand *operand);

/* Append a jsonb Datum as AttributeValue. */
extern void cmz_value_encode_jsonb(const CmzColumn *column, Datum datum, StringInfo json);

/* len bytes of UTF-8 in the server's encoding, palloc'd and zero-terminated. */
extern char *cmz_value_server_text(const char *utf8, int len);

/* The same of a zero-terminated name. */
extern char *cmz_value_server_name(const char *utf8);

/* What the column takes, for a message: "N (integer)". */
extern char *cmz_value_expected(const CmzColumn *column);

/* Microseconds since 1970 of a timestamp; false for infinity or out of range. */
extern bool cmz_value_unix_usec(Timestamp time, int64 *usec);
extern Timestamp cmz_value_timestamp(int64 unix_usec);

#endif							/* CMZ_VALUE_H */
