/*
 * value.c
 *	  Datum from and to AttributeValue: one row a type in a table.
 *
 * Scalars are read straight from the response bytes; nothing is copied but
 * into the Datum.  To add a type, add a row to the table.
 */
#include "postgres.h"

#include <math.h>

#include "base/expression.h"
#include "base/json.h"
#include "base/number.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "common/shortest_dec.h"
#include "fdw/compat.h"
#include "fdw/value.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define UNIX_TO_PG_DAYS		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define UNIX_TO_PG_USECS	(UNIX_TO_PG_DAYS * USECS_PER_DAY)

#define TYPE_BIT(type)		(1 << (type))

/* A value that is being read. */
typedef struct Decoding
{
	const CmzColumn *column;
	const CmzValue *value;
	StringInfo	scratch;
	CmzZone		zone;
} Decoding;

typedef struct CmzCodec
{
	Oid			type;
	CmzType		default_type;	/* what is written, if no option says */
	int			types;			/* TYPE_BITs that are read; 0: all */
	CmzOrder	order;
	bool		(*decode) (Decoding *d, Datum *datum);
	/* one of the two: */
	void		(*encode) (const CmzColumn *column, Datum datum, CmzOperand *operand);
	void		(*encode_composite) (const CmzColumn *column, Datum datum, StringInfo json);
} CmzCodec;

/* ---- reading ---- */

/* The string's text in the server's encoding; false if it holds U+0000. */
static bool
span_text(Decoding *d, const CmzSpan *span, const char **s, int *len)
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
span_cstring(Decoding *d)
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

static bool
decode_text(Decoding *d, Datum *datum)
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

static bool
decode_bpchar(Decoding *d, Datum *datum)
{
	if (!decode_text(d, datum))
		return false;
	*datum = DirectFunctionCall3(bpchar, *datum, Int32GetDatum(d->column->typmod),
								 BoolGetDatum(false));
	return true;
}

static bool
decode_uuid(Decoding *d, Datum *datum)
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

static bool
decode_enum(Decoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	if (s == NULL || strlen(s) >= NAMEDATALEN ||
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(d->column->type),
							   CStringGetDatum(s)))
		return false;
	*datum = DirectFunctionCall2(enum_in, CStringGetDatum(s), ObjectIdGetDatum(d->column->type));
	return true;
}

static bool
decode_date(Decoding *d, Datum *datum)
{
	int			days;

	if (!cmz_isodate_parse(d->value->span.data, d->value->span.len, &days))
		return false;
	*datum = DateADTGetDatum(days - UNIX_TO_PG_DAYS);
	return true;
}

/* Microseconds of Unix seconds; more digits are cut off, as in a text. */
static bool
decode_unix_seconds(Decoding *d, int64 *usec)
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
	if (!cmz_number_is_json(span->data, span->len) || span_cstring(d) == NULL)
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

static bool
decode_time(Decoding *d, Datum *datum)
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

static bool
decode_integer(Decoding *d, Datum *datum)
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

static bool
decode_numeric(Decoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	/* numeric_in would also take NaN and infinity */
	if (s == NULL || !cmz_number_is_json(s, d->scratch->len))
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

static bool
decode_float(Decoding *d, Datum *datum)
{
	const char *s = span_cstring(d);

	if (s == NULL || !cmz_number_is_json(s, d->scratch->len))
		return false;
	if (d->column->type == FLOAT4OID)
	{
		float		value = strtof(s, NULL);

		*datum = Float4GetDatum(value);
		return !isinf(value);
	}
	*datum = Float8GetDatum(strtod(s, NULL));
	return true;
}

static bool
decode_bool(Decoding *d, Datum *datum)
{
	*datum = BoolGetDatum(d->value->boolean);
	return true;
}

static bool
decode_bytea(Decoding *d, Datum *datum)
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

static bool
decode_json(Decoding *d, Datum *datum)
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

static bool
decode_array(Decoding *d, Datum *datum)
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

/* ---- writing ---- */

/* A copy of text in UTF-8. */
static void
set_string(CmzOperand *operand, const char *s, int len)
{
	char	   *utf8 = pg_server_to_any(s, len, PG_UTF8);

	*operand = cmz_operand_string(utf8, utf8 == s ? len : (int) strlen(utf8));
}

static void
encode_text(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	text	   *t = DatumGetTextPP(datum);
	int			len = VARSIZE_ANY_EXHDR(t);

	if (column->type == BPCHAROID)
		len = bpchartruelen(VARDATA_ANY(t), len);
	set_string(operand, VARDATA_ANY(t), len);
}

/* Types whose output function writes what their reader above takes. */
static void
encode_by_output(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	Oid			output;
	bool		varlena;
	char	   *s;

	getTypeOutputInfo(column->type, &output, &varlena);
	s = OidOutputFunctionCall(output, datum);
	set_string(operand, s, strlen(s));
}

pg_noreturn static void out_of_range(const CmzColumn *column);

static void
out_of_range(const CmzColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 column->name ? errmsg("time of column \"%s\" is out of range", column->name)
			 : errmsg("time is out of range"),
			 errdetail("DynamoDB's times are kept from year 1 to year 9999.")));
}

static void
encode_date(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	DateADT		date = DatumGetDateADT(datum);
	char	   *buf = palloc(CMZ_ISOTIME_SIZE);
	int64		usec;

	if (DATE_NOT_FINITE(date) || !cmz_value_unix_usec((Timestamp) date * USECS_PER_DAY, &usec))
		out_of_range(column);
	cmz_isodate_format(date + UNIX_TO_PG_DAYS, buf);
	*operand = cmz_operand_cstring(buf);
}

static void
encode_time(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	int64		usec;
	char	   *buf;

	if (!cmz_value_unix_usec(DatumGetTimestamp(datum), &usec))
		out_of_range(column);
	if (column->dynamodb_type == CMZ_TYPE_S)
	{
		buf = palloc(CMZ_ISOTIME_SIZE);
		cmz_isotime_format(usec, buf);
		*operand = cmz_operand_cstring(buf);
		return;
	}
	buf = palloc(CMZ_UNIXTIME_SIZE);
	cmz_unixtime_format(usec, buf);
	*operand = cmz_operand_number(buf);
}

static void
set_number(const CmzColumn *column, const char *digits, CmzOperand *operand)
{
	CmzNumberFit fit = cmz_number_fit(digits, strlen(digits));

	if (fit != CMZ_NUMBER_FITS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 column->name
				 ? errmsg("number of column \"%s\" cannot be stored in DynamoDB", column->name)
				 : errmsg("number cannot be stored in DynamoDB"),
				 errdetail("The value is %.100s; a DynamoDB number has up to 38 digits and a magnitude from 1E-130 to 9.99E+125.",
						   digits)));
	*operand = cmz_operand_number(digits);
}

static void
encode_number(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(column->type, &output, &varlena);
	set_number(column, OidOutputFunctionCall(output, datum), operand);
}

/* The shortest digits that read back the same, whatever extra_float_digits. */
static void
encode_float(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	char	   *buf = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (column->type == FLOAT4OID)
		float_to_shortest_decimal_buf(DatumGetFloat4(datum), buf);
	else
		double_to_shortest_decimal_buf(DatumGetFloat8(datum), buf);
	set_number(column, buf, operand);
}

static void
encode_bool(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	memset(operand, 0, sizeof(*operand));
	operand->type = CMZ_TYPE_BOOL;
	operand->boolean = DatumGetBool(datum);
}

static void
encode_bytea(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	bytea	   *bytes = DatumGetByteaPP(datum);

	operand->type = CMZ_TYPE_B;
	operand->data = VARDATA_ANY(bytes);
	operand->len = VARSIZE_ANY_EXHDR(bytes);
}

static void
append_string(StringInfo json, const char *s, int len)
{
	CmzOperand	operand;

	set_string(&operand, s, len);
	cmz_json_append_string(json, operand.data, operand.len);
}

static void
append_jsonb_scalar(StringInfo json, const JsonbValue *value)
{
	static const CmzColumn no_column = {0};
	CmzOperand	operand;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(json, "{\"NULL\":true}");
			return;
		case jbvBool:
			appendStringInfo(json, "{\"BOOL\":%s}", value->val.boolean ? "true" : "false");
			return;
		case jbvNumeric:
			set_number(&no_column,
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))),
					   &operand);
			cmz_operand_append_json(json, &operand);
			return;
		case jbvString:
			appendStringInfoString(json, "{\"S\":");
			append_string(json, value->val.string.val, value->val.string.len);
			appendStringInfoChar(json, '}');
			return;
		default:
			elog(ERROR, "unexpected jsonb value type %d", (int) value->type);
	}
}

static void
append_jsonb(StringInfo json, JsonbContainer *container)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		raw_scalar = false;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				raw_scalar = value.val.array.rawScalar;
				cmz_json_separate(json);
				if (!raw_scalar)
					appendStringInfoString(json, "{\"L\":[");
				break;
			case WJB_END_ARRAY:
				if (!raw_scalar)
					appendStringInfoString(json, "]}");
				break;
			case WJB_BEGIN_OBJECT:
				cmz_json_separate(json);
				appendStringInfoString(json, "{\"M\":{");
				break;
			case WJB_END_OBJECT:
				appendStringInfoString(json, "}}");
				break;
			case WJB_KEY:
				cmz_json_separate(json);
				append_string(json, value.val.string.val, value.val.string.len);
				appendStringInfoChar(json, ':');
				break;
			default:
				cmz_json_separate(json);
				append_jsonb_scalar(json, &value);
				break;
		}
}

void
cmz_value_encode_jsonb(const CmzColumn *column, Datum datum, StringInfo json)
{
	append_jsonb(json, &DatumGetJsonbP(datum)->root);
}

static void
encode_json(const CmzColumn *column, Datum datum, StringInfo json)
{
	char	   *s = TextDatumGetCString(datum);

	cmz_value_encode_jsonb(column, DirectFunctionCall1(jsonb_in, CStringGetDatum(s)), json);
}

pg_noreturn static void bad_array(const CmzColumn *column, const char *problem);

static void
bad_array(const CmzColumn *column, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("array of column \"%s\" cannot be stored as %s", column->name,
					cmz_type_name(column->dynamodb_type)),
			 errdetail_internal("%s", problem),
			 column->dynamodb_type == CMZ_TYPE_L ? 0
			 : errhint("Column option dynamodb_type 'L' stores any one-dimensional array.")));
}

/* The bare string of an element, as sets have them. */
static void
append_set_element(const CmzColumn *column, StringInfo json, const CmzOperand *operand)
{
	cmz_json_separate(json);
	if (operand->len == 0)
		bad_array(column, "A set has no empty elements.");
	if (operand->type == CMZ_TYPE_B)
	{
		appendStringInfoChar(json, '"');
		cmz_json_append_base64(json, operand->data, operand->len);
		appendStringInfoChar(json, '"');
	}
	else
		cmz_json_append_string(json, operand->data, operand->len);
}

static void
check_no_duplicates(const CmzColumn *column, const CmzOperand *operands, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (cmz_operand_compare(&operands[i], &operands[j]) == 0)
				bad_array(column, "A set has no two equal elements.");
}

static void
encode_array(const CmzColumn *column, Datum datum, StringInfo json)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	const CmzColumn *element = column->element;
	bool		is_set = column->dynamodb_type != CMZ_TYPE_L;
	CmzOperand *operands;
	Datum	   *items;
	bool	   *nulls;
	int			n;
	int16		len;
	bool		byval;
	char		align;

	if (ARR_NDIM(array) > 1)
		bad_array(column, "It has more than one dimension.");
	get_typlenbyvalalign(element->type, &len, &byval, &align);
	deconstruct_array(array, element->type, len, byval, align, &items, &nulls, &n);
	if (is_set && n == 0)
		bad_array(column, "A set cannot be empty.");
	operands = palloc(sizeof(CmzOperand) * Max(n, 1));
	appendStringInfo(json, "{\"%s\":[", cmz_type_name(column->dynamodb_type));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] && is_set)
			bad_array(column, "A set has no null elements.");
		if (nulls[i])
		{
			cmz_json_separate(json);
			appendStringInfoString(json, "{\"NULL\":true}");
			continue;
		}
		element->codec->encode(element, items[i], &operands[i]);
		if (is_set)
			append_set_element(column, json, &operands[i]);
		else
		{
			cmz_json_separate(json);
			cmz_operand_append_json(json, &operands[i]);
		}
	}
	if (is_set)
		check_no_duplicates(column, operands, n);
	appendStringInfoString(json, "]}");
}

/* ---- the table ---- */

#define S TYPE_BIT(CMZ_TYPE_S)
#define N TYPE_BIT(CMZ_TYPE_N)
#define B TYPE_BIT(CMZ_TYPE_B)
#define L TYPE_BIT(CMZ_TYPE_L)

static const CmzCodec codecs[] = {
	{TEXTOID, CMZ_TYPE_S, S, CMZ_ORDER_TEXT, decode_text, encode_text, NULL},
	{VARCHAROID, CMZ_TYPE_S, S, CMZ_ORDER_TEXT, decode_text, encode_text, NULL},
	{BPCHAROID, CMZ_TYPE_S, S, CMZ_ORDER_NONE, decode_bpchar, encode_text, NULL},
	{UUIDOID, CMZ_TYPE_S, S, CMZ_ORDER_BYTES, decode_uuid, encode_by_output, NULL},
	{DATEOID, CMZ_TYPE_S, S, CMZ_ORDER_BYTES, decode_date, encode_date, NULL},
	{TIMESTAMPTZOID, CMZ_TYPE_S, S | N, CMZ_ORDER_TIME, decode_time, encode_time, NULL},
	{TIMESTAMPOID, CMZ_TYPE_S, S | N, CMZ_ORDER_TIME, decode_time, encode_time, NULL},
	{INT2OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, decode_integer, encode_number, NULL},
	{INT4OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, decode_integer, encode_number, NULL},
	{INT8OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, decode_integer, encode_number, NULL},
	{NUMERICOID, CMZ_TYPE_N, N, CMZ_ORDER_NUMERIC, decode_numeric, encode_number, NULL},
	{FLOAT4OID, CMZ_TYPE_N, N, CMZ_ORDER_FLOAT, decode_float, encode_float, NULL},
	{FLOAT8OID, CMZ_TYPE_N, N, CMZ_ORDER_FLOAT, decode_float, encode_float, NULL},
	{BOOLOID, CMZ_TYPE_BOOL, TYPE_BIT(CMZ_TYPE_BOOL), CMZ_ORDER_EQUAL, decode_bool, encode_bool, NULL},
	{BYTEAOID, CMZ_TYPE_B, B, CMZ_ORDER_BYTES, decode_bytea, encode_bytea, NULL},
	{JSONBOID, CMZ_TYPE_M, 0, CMZ_ORDER_NONE, decode_json, NULL, cmz_value_encode_jsonb},
	{JSONOID, CMZ_TYPE_M, 0, CMZ_ORDER_NONE, decode_json, NULL, encode_json},
	/* any enum type; arrays of the scalars above, by their element's type */
	{ANYENUMOID, CMZ_TYPE_S, S, CMZ_ORDER_EQUAL, decode_enum, encode_by_output, NULL},
	{ANYARRAYOID, CMZ_TYPE_L, L, CMZ_ORDER_NONE, decode_array, NULL, encode_array},
};

#undef S
#undef N
#undef B
#undef L

static const CmzCodec *
find_codec(Oid type)
{
	for (int i = 0; i < (int) lengthof(codecs); i++)
		if (codecs[i].type == type)
			return &codecs[i];
	return NULL;
}

/* The type of a set of these elements, CMZ_TYPE_NONE if there is none. */
static CmzType
set_of(CmzType element)
{
	switch (element)
	{
		case CMZ_TYPE_S:
			return CMZ_TYPE_SS;
		case CMZ_TYPE_N:
			return CMZ_TYPE_NS;
		case CMZ_TYPE_B:
			return CMZ_TYPE_BS;
		default:
			return CMZ_TYPE_NONE;
	}
}

/* Which DynamoDB types the column reads, and may be told to write. */
static int
column_types(const CmzColumn *column)
{
	int			types = column->codec->types;

	if (column->element != NULL)
		types |= TYPE_BIT(set_of(column->element->dynamodb_type));
	return types;
}

static void
map_element(CmzColumn *column)
{
	CmzColumn  *element;
	Oid			type = get_element_type(column->type);

	if (!OidIsValid(type))
		return;
	element = palloc0(sizeof(CmzColumn));
	element->name = column->name;
	element->type = element->declared_type = type;
	element->typmod = column->typmod;
	element->collation = column->collation;
	element->codec = find_codec(type);
	if (element->codec == NULL || set_of(element->codec->default_type) == CMZ_TYPE_NONE ||
		element->codec->order == CMZ_ORDER_TIME)
		return;
	element->dynamodb_type = element->codec->default_type;
	column->element = element;
	column->codec = find_codec(ANYARRAYOID);
}

void
cmz_value_map(CmzColumn *column, CmzType type)
{
	column->codec = find_codec(column->type);
	if (column->codec == NULL && type_is_enum(column->type))
		column->codec = find_codec(ANYENUMOID);
	if (column->codec == NULL)
		map_element(column);
	if (column->codec == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" has type %s, which no DynamoDB attribute maps to",
						column->name, format_type_be(column->declared_type)),
				 errhint("Declare it as text, a number, boolean, bytea, a date or time, uuid, an enum, jsonb, or an array of text, numbers or bytea.")));
	column->dynamodb_type = column->codec->default_type;
	if (type == CMZ_TYPE_NONE)
		return;
	if (!(column_types(column) & TYPE_BIT(type)))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of type %s cannot be kept as DynamoDB type %s",
						column->name, format_type_be(column->declared_type), cmz_type_name(type)),
				 errhint("Change its option dynamodb_type, or its type.")));
	column->dynamodb_type = type;
}

CmzOrder
cmz_value_order(const CmzColumn *column)
{
	CmzOrder	order = column->codec->order;

	/* a typmod rounds what is read, so that it is not what is stored */
	if (column->typmod >= 0 && (order == CMZ_ORDER_NUMERIC || order == CMZ_ORDER_TIME))
		return CMZ_ORDER_NONE;
	return order;
}

/*
 * The value has a type that the column reads.  Times are read in the one form
 * that they are written in: conditions are pushed down in that form.
 */
static bool
type_is_read(const CmzColumn *column, CmzType type)
{
	if (column->codec->types == 0)
		return true;
	if (column->element != NULL)
		return (column_types(column) & TYPE_BIT(type)) != 0;
	return type == column->dynamodb_type;
}

bool
cmz_value_decode(const CmzColumn *column, const CmzValue *value, StringInfo scratch,
				 Datum *datum, bool *isnull, CmzZone *zone)
{
	Decoding	d = {column, value, scratch, CMZ_ZONE_UTC};

	*isnull = value->type == CMZ_TYPE_NULL;
	if (*isnull)
	{
		*datum = (Datum) 0;
		return true;
	}
	if (!type_is_read(column, value->type) || !column->codec->decode(&d, datum))
		return false;
	*zone = d.zone;
	return true;
}

void
cmz_value_encode(const CmzColumn *column, Datum datum, StringInfo json)
{
	CmzOperand	operand;

	if (cmz_value_operand(column, datum, &operand))
		cmz_operand_append_json(json, &operand);
	else
		column->codec->encode_composite(column, datum, json);
}

bool
cmz_value_operand(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	if (column->codec->encode == NULL)
		return false;
	column->codec->encode(column, datum, operand);
	return true;
}

char *
cmz_value_server_text(const char *utf8, int len)
{
	return pg_any_to_server(pnstrdup(utf8, len), len, PG_UTF8);
}

char *
cmz_value_expected(const CmzColumn *column)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int type = CMZ_TYPE_S; type <= CMZ_TYPE_BS; type++)
		if (type_is_read(column, (CmzType) type) && column->codec->types != 0)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? " or " : "", cmz_type_name((CmzType) type));
	if (buf.len == 0)
		appendStringInfoString(&buf, "any type");
	appendStringInfo(&buf, " (%s)", format_type_with_typemod(column->type, column->typmod));
	return buf.data;
}

bool
cmz_value_unix_usec(Timestamp time, int64 *usec)
{
	if (TIMESTAMP_NOT_FINITE(time) || pg_add_s64_overflow(time, UNIX_TO_PG_USECS, usec))
		return false;
	return *usec >= CMZ_ISOTIME_MIN && *usec <= CMZ_ISOTIME_MAX;
}

Timestamp
cmz_value_timestamp(int64 unix_usec)
{
	return unix_usec - UNIX_TO_PG_USECS;
}
