/*
 * encode.c
 *	  Datum to AttributeValue, type by type.
 */
#include "postgres.h"

#include "base/expression.h"
#include "base/json.h"
#include "base/number.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fdw/codec.h"
#include "fdw/compat.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define UNIX_TO_PG_DAYS		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)

/* A copy of text in UTF-8. */
static void
set_string(CmzOperand *operand, const char *s, int len)
{
	char	   *utf8 = pg_server_to_any(s, len, PG_UTF8);

	*operand = cmz_operand_string(utf8, utf8 == s ? len : (int) strlen(utf8));
}

void
cmz_encode_text(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	text	   *t = DatumGetTextPP(datum);
	int			len = VARSIZE_ANY_EXHDR(t);

	if (column->type == BPCHAROID)
		len = bpchartruelen(VARDATA_ANY(t), len);
	set_string(operand, VARDATA_ANY(t), len);
}

/* Types whose output function writes what their reader above takes. */
void
cmz_encode_by_output(const CmzColumn *column, Datum datum, CmzOperand *operand)
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

void
cmz_encode_date(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	DateADT		date = DatumGetDateADT(datum);
	char	   *buf = palloc(CMZ_ISOTIME_SIZE);
	int64		usec;

	if (DATE_NOT_FINITE(date) || !cmz_value_unix_usec((Timestamp) date * USECS_PER_DAY, &usec))
		out_of_range(column);
	cmz_isodate_format(date + UNIX_TO_PG_DAYS, buf);
	*operand = cmz_operand_cstring(buf);
}

void
cmz_encode_time(const CmzColumn *column, Datum datum, CmzOperand *operand)
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

void
cmz_encode_number(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(column->type, &output, &varlena);
	set_number(column, OidOutputFunctionCall(output, datum), operand);
}

/* The shortest digits that read back the same, whatever extra_float_digits. */
void
cmz_encode_float(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	char	   *buf = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (column->type == FLOAT4OID)
		float_to_shortest_decimal_buf(DatumGetFloat4(datum), buf);
	else
		double_to_shortest_decimal_buf(DatumGetFloat8(datum), buf);
	set_number(column, buf, operand);
}

void
cmz_encode_bool(const CmzColumn *column, Datum datum, CmzOperand *operand)
{
	memset(operand, 0, sizeof(*operand));
	operand->type = CMZ_TYPE_BOOL;
	operand->boolean = DatumGetBool(datum);
}

void
cmz_encode_bytea(const CmzColumn *column, Datum datum, CmzOperand *operand)
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

void
cmz_encode_json(const CmzColumn *column, Datum datum, StringInfo json)
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

void
cmz_encode_array(const CmzColumn *column, Datum datum, StringInfo json)
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
