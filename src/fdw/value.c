/*
 * value.c
 *	  Datum from and to AttributeValue: one row a type in a table.
 *
 * To add a type, add a row, and its reader and writer to decode.c and encode.c.
 */
#include "postgres.h"

#include "base/expression.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "fdw/codec.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define UNIX_TO_PG_USECS	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define S CMZ_TYPE_BIT(CMZ_TYPE_S)
#define N CMZ_TYPE_BIT(CMZ_TYPE_N)
#define B CMZ_TYPE_BIT(CMZ_TYPE_B)
#define L CMZ_TYPE_BIT(CMZ_TYPE_L)

static const CmzCodec codecs[] = {
	{TEXTOID, CMZ_TYPE_S, S, CMZ_ORDER_TEXT, cmz_decode_text, cmz_encode_text, NULL},
	{VARCHAROID, CMZ_TYPE_S, S, CMZ_ORDER_TEXT, cmz_decode_text, cmz_encode_text, NULL},
	{BPCHAROID, CMZ_TYPE_S, S, CMZ_ORDER_NONE, cmz_decode_bpchar, cmz_encode_text, NULL},
	{UUIDOID, CMZ_TYPE_S, S, CMZ_ORDER_BYTES, cmz_decode_uuid, cmz_encode_by_output, NULL},
	{DATEOID, CMZ_TYPE_S, S, CMZ_ORDER_BYTES, cmz_decode_date, cmz_encode_date, NULL},
	{TIMESTAMPTZOID, CMZ_TYPE_S, S | N, CMZ_ORDER_TIME, cmz_decode_time, cmz_encode_time, NULL},
	{TIMESTAMPOID, CMZ_TYPE_S, S | N, CMZ_ORDER_TIME, cmz_decode_time, cmz_encode_time, NULL},
	{INT2OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, cmz_decode_integer, cmz_encode_number, NULL},
	{INT4OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, cmz_decode_integer, cmz_encode_number, NULL},
	{INT8OID, CMZ_TYPE_N, N, CMZ_ORDER_INTEGER, cmz_decode_integer, cmz_encode_number, NULL},
	{NUMERICOID, CMZ_TYPE_N, N, CMZ_ORDER_NUMERIC, cmz_decode_numeric, cmz_encode_number, NULL},
	{FLOAT4OID, CMZ_TYPE_N, N, CMZ_ORDER_FLOAT, cmz_decode_float, cmz_encode_float, NULL},
	{FLOAT8OID, CMZ_TYPE_N, N, CMZ_ORDER_FLOAT, cmz_decode_float, cmz_encode_float, NULL},
	{BOOLOID, CMZ_TYPE_BOOL, CMZ_TYPE_BIT(CMZ_TYPE_BOOL), CMZ_ORDER_EQUAL, cmz_decode_bool, cmz_encode_bool, NULL},
	{BYTEAOID, CMZ_TYPE_B, B, CMZ_ORDER_BYTES, cmz_decode_bytea, cmz_encode_bytea, NULL},
	{JSONBOID, CMZ_TYPE_M, 0, CMZ_ORDER_NONE, cmz_decode_json, NULL, cmz_value_encode_jsonb},
	{JSONOID, CMZ_TYPE_M, 0, CMZ_ORDER_NONE, cmz_decode_json, NULL, cmz_encode_json},
	/* any enum type; arrays of the scalars above, by their element's type */
	{ANYENUMOID, CMZ_TYPE_S, S, CMZ_ORDER_EQUAL, cmz_decode_enum, cmz_encode_by_output, NULL},
	{ANYARRAYOID, CMZ_TYPE_L, L, CMZ_ORDER_NONE, cmz_decode_array, NULL, cmz_encode_array},
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
		types |= CMZ_TYPE_BIT(set_of(column->element->dynamodb_type));
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
	if (!(column_types(column) & CMZ_TYPE_BIT(type)))
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
bool
cmz_value_reads(const CmzColumn *column, CmzType type)
{
	if (column->codec->types == 0)
		return true;
	if (column->element != NULL)
		return (column_types(column) & CMZ_TYPE_BIT(type)) != 0;
	return type == column->dynamodb_type;
}

bool
cmz_value_decode(const CmzColumn *column, const CmzValue *value, StringInfo scratch,
				 Datum *datum, bool *isnull, CmzZone *zone)
{
	CmzDecoding d = {column, value, scratch, CMZ_ZONE_UTC};

	*isnull = value->type == CMZ_TYPE_NULL;
	if (*isnull)
	{
		*datum = (Datum) 0;
		return true;
	}
	if (!cmz_value_reads(column, value->type) || !column->codec->decode(&d, datum))
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
cmz_value_server_name(const char *utf8)
{
	return cmz_value_server_text(utf8, strlen(utf8));
}

char *
cmz_value_expected(const CmzColumn *column)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int type = CMZ_TYPE_S; type <= CMZ_TYPE_BS; type++)
		if (cmz_value_reads(column, (CmzType) type) && column->codec->types != 0)
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
