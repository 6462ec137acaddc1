/*
 * codec.h
 *	  Inside of value.c: how one SQL type is read and written.
 */
#ifndef CMZ_CODEC_H
#define CMZ_CODEC_H

#include "fdw/value.h"

/* A value that is being read. */
typedef struct CmzDecoding
{
	const CmzColumn *column;
	const CmzValue *value;
	StringInfo	scratch;
	CmzZone		zone;			/* of a time kept as text */
} CmzDecoding;

/* False: the column does not take the value.  Allocates the Datum. */
typedef bool (*CmzDecode) (CmzDecoding *d, Datum *datum);

/* To S, N, B or BOOL; the operand is palloc'd or points into the Datum. */
typedef void (*CmzEncode) (const CmzColumn *column, Datum datum, CmzOperand *operand);

/* To any other type, appended as JSON. */
typedef void (*CmzEncodeComposite) (const CmzColumn *column, Datum datum, StringInfo json);

#define CMZ_TYPE_BIT(type)	(1 << (type))

typedef struct CmzCodec
{
	Oid			type;
	CmzType		default_type;	/* what is written, if no option says */
	int			types;			/* CMZ_TYPE_BITs that are read; 0: all */
	CmzOrder	order;
	CmzDecode	decode;
	CmzEncode	encode;			/* one of the two */
	CmzEncodeComposite encode_composite;
} CmzCodec;

/* decode.c */
extern bool cmz_decode_text(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_bpchar(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_uuid(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_enum(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_date(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_time(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_integer(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_numeric(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_float(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_bool(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_bytea(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_json(CmzDecoding *d, Datum *datum);
extern bool cmz_decode_array(CmzDecoding *d, Datum *datum);

/* encode.c */
extern void cmz_encode_text(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_by_output(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_date(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_time(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_number(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_float(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_bool(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_bytea(const CmzColumn *column, Datum datum, CmzOperand *operand);
extern void cmz_encode_json(const CmzColumn *column, Datum datum, StringInfo json);
extern void cmz_encode_array(const CmzColumn *column, Datum datum, StringInfo json);

#endif							/* CMZ_CODEC_H */
