/*
 * decode.c
 *	  AttributeValue to Datum, type by type.
 *
 * Scalars are read straight from the response bytes; nothing is copied but
 * into the Datum.
 */
#include "postgres.h"

#include <math.h>

#include "base/number.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "fdw/codec.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define UNIX_TO_PG_DAYS		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

/* The string's text in the server's encoding; false if it holds U+0000. */
static bool
span_text(CmzDecoding *d, const CmzSpan *span, const char **s, int *len)
{
	const char *text = span->data;
	int			text_len = span->len;

	if (span->escaped)
	{
		resetStringInfo(d->scratch);
		cmz_span_append(d->scratch, span);
		text = d->scratch->data;
		text_len = d->scratch->len;
		if (memchr(text, '\0', text_len) != NULL)
			return false;
	}
	/* also checks that it is valid */
	*s = pg_any_to_server(text, text_len, PG_UTF8);
	*len = *s == text ? text_len : (int) strlen(*s);
	return true;
}

/* The same as a zero-terminated string in scratch (or palloc'd). */
static const char *
span_cstring(CmzDecoding *d)
{
	const char *s;
	int			len;

	if (!span_text(d, &d->value->span, &s, &len))
		return NULL;
	if (s != d->scratch->data)
	{
		resetStringInfo(d->scratch);
		appendBinaryStringInfo(d->scratch, s, len);
	}
	return d->scratch->data;
}

bool
cmz_decode_text(CmzDecoding *d, Datum *datum)
{
	const char *s;
	int			len;

	if (!span_text(d, &d->value->span, &s, &len))
		return false;
	if (d->column->typmod >= (int32) VARHDRSZ &&
		pg_mbstrlen_with_len(s, len) > d->column->typmod - VARHDRSZ)
		return false;
	*datum = PointerGetDatum(cstring_to_text_with_len(s, len));
	return true;
}

bool
cmz_decode_bpchar(CmzDecoding *d, Datum *datum)
{
	if (!cmz_decode_text(d, datum))
		return false;
	*datum = DirectFunctionCall3(bpchar, *datum, Int32GetDatum(d->column->typmod),
								 BoolGetDatum(false));
	return true;
}

bool
cmz_decode_uuid(CmzDecoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	if (s == NULL || strlen(s) != 36)
		return false;
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-'
			: !((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	*datum = DirectFunctionCall1(uuid_in, CStringGetDatum(s));
	return true;
}

bool
cmz_decode_enum(CmzDecoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	if (s == NULL || strlen(s) >= NAMEDATALEN ||
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(d->column->type),
							   CStringGetDatum(s)))
		return false;
	*datum = DirectFunctionCall2(enum_in, CStringGetDatum(s), ObjectIdGetDatum(d->column->type));
	return true;
}

bool
cmz_decode_date(CmzDecoding *d, Datum *datum)
{
	int			days;

	if (!cmz_isodate_parse(d->value->span.data, d->value->span.len, &days))
		return false;
	*datum = DateADTGetDatum(days - UNIX_TO_PG_DAYS);
	return true;
}

/* A number that DynamoDB can hold: others would overflow what reads them. */
static bool
number_is_sound(const char *s, int len)
{
	return cmz_number_is_json(s, len) && cmz_number_fit(s, len) == CMZ_NUMBER_FITS;
}

/* Microseconds of Unix seconds; more digits are cut off, as in a text. */
static bool
decode_unix_seconds(CmzDecoding *d, int64 *usec)
{
	const CmzSpan *span = &d->value->span;
	int64		seconds;
	Datum		number;

	if (cmz_number_to_int64(span->data, span->len, &seconds))
	{
		if (seconds < CMZ_ISOTIME_MIN / USECS_PER_SEC || seconds > CMZ_ISOTIME_MAX / USECS_PER_SEC)
			return false;
		*usec = seconds * USECS_PER_SEC;
		return true;
	}
	if (!number_is_sound(span->data, span->len) || span_cstring(d) == NULL)
		return false;
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(d->scratch->data),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	number = DirectFunctionCall2(numeric_mul, number,
								 NumericGetDatum(int64_to_numeric(USECS_PER_SEC)));
	number = DirectFunctionCall1(numeric_floor, number);
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, number, NumericGetDatum(int64_to_numeric(CMZ_ISOTIME_MIN)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, NumericGetDatum(int64_to_numeric(CMZ_ISOTIME_MAX)))))
		return false;
	*usec = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
	return true;
}

bool
cmz_decode_time(CmzDecoding *d, Datum *datum)
{
	int64		usec;

	if (d->value->type == CMZ_TYPE_S
		? !cmz_isotime_parse(d->value->span.data, d->value->span.len, &usec, &d->zone)
		: !decode_unix_seconds(d, &usec))
		return false;
	*datum = TimestampGetDatum(cmz_value_timestamp(usec));
	if (d->column->typmod >= 0)
		*datum = DirectFunctionCall2(timestamp_scale, *datum, Int32GetDatum(d->column->typmod));
	return true;
}

bool
cmz_decode_integer(CmzDecoding *d, Datum *datum)
{
	const char *p = d->value->span.data;
	const char *end = p + d->value->span.len;
	bool		negative = p < end && *p == '-';
	int64		value = 0;

	/* up to 18 plain digits, the usual case, then the rest */
	for (p += negative; p < end && *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (*p - '0');
	if (p < end || d->value->span.len > 18 || d->value->span.len == negative)
	{
		if (!cmz_number_to_int64(d->value->span.data, d->value->span.len, &value))
			return false;
	}
	else if (negative)
		value = -value;
	switch (d->column->type)
	{
		case INT2OID:
			*datum = Int16GetDatum((int16) value);
			return value == (int16) value;
		case INT4OID:
			*datum = Int32GetDatum((int32) value);
			return value == (int32) value;
		default:
			*datum = Int64GetDatum(value);
			return true;
	}
}

/* A numeric(p,s) holds the number, once it is rounded to s digits. */
static bool
numeric_fits(Datum number, int32 typmod)
{
	int			precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	int			scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	char	   *limit = psprintf("1e%d", precision - scale);
	Datum		rounded = DirectFunctionCall2(numeric_round, number, Int32GetDatum(scale));
	Datum		bound = DirectFunctionCall3(numeric_in, CStringGetDatum(limit),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DatumGetBool(DirectFunctionCall2(numeric_lt,
											DirectFunctionCall1(numeric_abs, rounded), bound));
}

bool
cmz_decode_numeric(CmzDecoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	/* numeric_in would also take NaN and infinity */
	if (s == NULL || !number_is_sound(s, d->scratch->len))
		return false;
	*datum = DirectFunctionCall3(numeric_in, CStringGetDatum(s), ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	if (d->column->typmod >= (int32) VARHDRSZ)
	{
		if (!numeric_fits(*datum, d->column->typmod))
			return false;
		*datum = DirectFunctionCall2(numeric, *datum, Int32GetDatum(d->column->typmod));
	}
	return true;
}

bool
cmz_decode_float(CmzDecoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	if (s == NULL || !number_is_sound(s, d->scratch->len))
		return false;
	if (d->column->type == FLOAT4OID)
	{
		float		value = strtof(s, NULL);

		*datum = Float4GetDatum(value);
		return !isinf(value);
	}
	*datum = Float8GetDatum(strtod(s, NULL));
	return !isinf(DatumGetFloat8(*datum));
}

bool
cmz_decode_bool(CmzDecoding *d, Datum *datum)
{
	*datum = BoolGetDatum(d->value->boolean);
	return true;
}

bool
cmz_decode_bytea(CmzDecoding *d, Datum *datum)
{
	const CmzSpan *span = &d->value->span;
	const char *source = span->data;
	int			source_len = span->len;
	bytea	   *result;
	int			len;

	if (span->escaped)			/* a slash may be written \/ */
	{
		resetStringInfo(d->scratch);
		cmz_span_append(d->scratch, span);
		source = d->scratch->data;
		source_len = d->scratch->len;
	}
	len = pg_b64_dec_len(source_len);
	result = palloc(len + VARHDRSZ);
	len = pg_b64_decode(source, source_len, (void *) VARDATA(result), len);
	if (len < 0)
		return false;
	SET_VARSIZE(result, len + VARHDRSZ);
	*datum = PointerGetDatum(result);
	return true;
}

bool
cmz_decode_json(CmzDecoding *d, Datum *datum)
{
	char	   *text;

	resetStringInfo(d->scratch);
	if (!cmz_value_append_json(d->scratch, d->value))
		return false;
	text = pg_any_to_server(d->scratch->data, d->scratch->len, PG_UTF8);
	*datum = d->column->type == JSONBOID
		? DirectFunctionCall1(jsonb_in, CStringGetDatum(text))
		: PointerGetDatum(cstring_to_text(text));
	return true;
}

bool
cmz_decode_array(CmzDecoding *d, Datum *datum)
{
	const CmzColumn *element = d->column->element;
	CmzScanner	scan;
	CmzSpan		name;
	CmzValue	value;
	bool		first;
	ArrayBuildState *state = initArrayResult(element->type, CurrentMemoryContext, false);

	cmz_elements_begin(&scan, d->value, &first);
	while (cmz_elements_next(&scan, d->value, &first, &name, &value) > 0)
	{
		Datum		item = 0;
		bool		isnull;

		if (!cmz_value_decode(element, &value, d->scratch, &item, &isnull, &d->zone))
			return false;
		accumArrayResult(state, item, isnull, element->type, CurrentMemoryContext);
	}
	*datum = makeArrayResult(state, CurrentMemoryContext);
	return true;
}
