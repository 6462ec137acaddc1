/*
 * bound.c
 *	  Binds one qual to the values of its operands.
 *
 * DynamoDB rejects operands that no item could match, so those must be decided
 * here.
 */
#include "postgres.h"

#include <math.h>

#include "access/tupmacs.h"
#include "base/expression.h"
#include "base/number.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fdw/bound.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Days beyond which a date does not fit a timestamp's arithmetic safely. */
#define MAX_DATE	(10000 * 366)

/* Longer operands than any item's attribute match nothing by equality. */
#define MAX_OPERAND	CMZ_MAX_ITEM

static const CmzBound bound_false = {BOUND_FALSE, NULL};
static const CmzBound bound_any = {BOUND_ANY, NULL};

static CmzBound
bound_to(CmzCondition *condition)
{
	CmzBound	bound = {BOUND_CONDITION, condition};

	return bound;
}

const CmzOp cmz_bound_ops[] = {
	[CMZ_QUAL_EQ] = CMZ_OP_EQ,
	[CMZ_QUAL_NE] = CMZ_OP_NE,
	[CMZ_QUAL_LT] = CMZ_OP_LT,
	[CMZ_QUAL_LE] = CMZ_OP_LE,
	[CMZ_QUAL_GT] = CMZ_OP_GT,
	[CMZ_QUAL_GE] = CMZ_OP_GE,
};

static CmzBound
compare(CmzQualOp op, const CmzColumn *column, CmzOperand operand)
{
	return bound_to(cmz_condition_compare(cmz_bound_ops[op], column->attribute, operand));
}

/* The operand is beyond all stored values: above them, or below. */
static CmzBound
compare_beyond(CmzQualOp op, bool above)
{
	switch (op)
	{
		case CMZ_QUAL_LT:
		case CMZ_QUAL_LE:
			return above ? bound_any : bound_false;
		case CMZ_QUAL_GT:
		case CMZ_QUAL_GE:
			return above ? bound_false : bound_any;
		case CMZ_QUAL_NE:
			return bound_any;
		default:
			return bound_false;
	}
}

/* A string, or bytes: as long as an item could hold. */
static CmzBound
compare_bytes(CmzQualOp op, const CmzColumn *column, CmzOperand operand)
{
	if (operand.len > MAX_OPERAND)
		return op == CMZ_QUAL_EQ ? bound_false : bound_any;
	return compare(op, column, operand);
}

static CmzBound
compare_number(CmzQualOp op, const CmzColumn *column, const char *digits)
{
	switch (cmz_number_fit(digits, strlen(digits)))
	{
		case CMZ_NUMBER_FITS:
			return compare(op, column, cmz_operand_number(digits));
		case CMZ_NUMBER_TOO_LARGE:
			return compare_beyond(op, digits[0] != '-');
		case CMZ_NUMBER_MALFORMED:
			/* NaN is above all numbers, -Infinity below */
			return compare_beyond(op, digits[0] != '-');
		default:
			/* between two numbers that DynamoDB can tell apart */
			return op == CMZ_QUAL_EQ ? bound_false : bound_any;
	}
}

static CmzBound
compare_integer(CmzQualOp op, const CmzColumn *column, Datum datum, Oid type)
{
	int64		value;

	switch (type)
	{
		case INT2OID:
			value = DatumGetInt16(datum);
			break;
		case INT4OID:
			value = DatumGetInt32(datum);
			break;
		default:
			value = DatumGetInt64(datum);
			break;
	}
	/* an equal number would be none of the column's */
	if ((column->type == INT2OID && (value < PG_INT16_MIN || value > PG_INT16_MAX)) ||
		(column->type == INT4OID && (value < PG_INT32_MIN || value > PG_INT32_MAX)))
		return compare_beyond(op, value > 0);
	return compare(op, column, cmz_operand_number(psprintf(INT64_FORMAT, value)));
}

/*
 * Stored decimals are rounded when they are read as floats, so a bound is
 * widened by one step, and rechecked.
 */
static CmzBound
compare_float(CmzQualOp op, const CmzColumn *column, Datum datum, Oid type)
{
	double		value = type == FLOAT4OID ? DatumGetFloat4(datum) : DatumGetFloat8(datum);
	bool		upper = op == CMZ_QUAL_LT || op == CMZ_QUAL_LE;
	char	   *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	if (isnan(value) || isinf(value))
		return compare_beyond(op, !(value < 0));
	if (column->type == FLOAT4OID)
	{
		/* a double between two floats: step from the nearest, outwards */
		float		nearest = (float) value;

		if (isinf(nearest))
			return compare_beyond(op, nearest > 0);
		value = nextafterf(nearest, upper ? INFINITY : -INFINITY);
	}
	else
		value = nextafter(value, upper ? INFINITY : -INFINITY);
	if (isinf(value))
		return bound_any;
	double_to_shortest_decimal_buf(value, digits);
	return compare_number(upper ? CMZ_QUAL_LE : CMZ_QUAL_GE, column, digits);
}

static CmzOperand
second_operand(int64 usec, bool end)
{
	char	   *buf = palloc(CMZ_ISOTIME_SIZE);

	usec = Min(Max(usec, CMZ_ISOTIME_MIN), CMZ_ISOTIME_MAX);

	cmz_isotime_second(usec, buf);
	/* of all UTC spellings of a second, ...Z sorts last */
	if (end)
		strcat(buf, "Z");
	return cmz_operand_cstring(buf);
}

/*
 * Times kept as text: by the second, in which all UTC spellings of a time lie
 * between its bare 19 characters and those with a Z.  Spellings with another
 * offset lie up to slack away.
 */
static CmzBound
compare_time_text(CmzQualOp op, const CmzColumn *column, int64 usec, int64 slack)
{
	if (op == CMZ_QUAL_LT && usec-- == CMZ_ISOTIME_MIN)
		return bound_false;
	switch (op)
	{
		case CMZ_QUAL_EQ:
			return bound_to(cmz_condition_between(column->attribute,
												  second_operand(usec - slack, false),
												  second_operand(usec + slack, true)));
		case CMZ_QUAL_GE:
		case CMZ_QUAL_GT:
			return bound_to(cmz_condition_compare(CMZ_OP_GE, column->attribute,
												  second_operand(usec - slack, false)));
		default:
			return bound_to(cmz_condition_compare(CMZ_OP_LE, column->attribute,
												  second_operand(usec + slack, true)));
	}
}

static CmzOperand
unix_operand(int64 usec)
{
	char	   *buf = palloc(CMZ_UNIXTIME_SIZE);

	cmz_unixtime_format(usec, buf);
	return cmz_operand_number(buf);
}

/* Times kept as Unix seconds, of which digits past the sixth are cut off. */
static CmzBound
compare_time_number(CmzQualOp op, const CmzColumn *column, int64 usec)
{
	CmzOperand	here = unix_operand(usec);
	CmzOperand	next = unix_operand(usec + 1);

	if (op == CMZ_QUAL_EQ)
		return bound_to(cmz_condition_between(column->attribute, here, next));
	return compare(op, column, op == CMZ_QUAL_LE ? next : here);
}

static CmzBound
compare_time(CmzBinder *binder, CmzQualOp op, const CmzColumn *column, Datum datum)
{
	Timestamp	time = DatumGetTimestamp(datum);
	int64		usec;

	if (!cmz_value_unix_usec(time, &usec))
		return compare_beyond(op, time > 0);
	if (column->dynamodb_type == CMZ_TYPE_N)
		return compare_time_number(op, column, usec);
	/*
	 * A filter costs no read units, so it can leave room for any offset.  In a
	 * key that would read a day more at either end: there the time must be in
	 * UTC, as the data model wants it, and what is read is checked to be.
	 */
	if (binder->in_filter)
		return compare_time_text(op, column, usec, USECS_PER_DAY);
	binder->utc_columns = bms_add_member(binder->utc_columns, column->attnum);
	return compare_time_text(op, column, usec, 0);
}

/* Dates beyond DynamoDB's years would not be written. */
static bool
date_is_beyond(const CmzColumn *column, Datum datum, bool *above)
{
	DateADT		date;
	int64		usec;

	if (column->type != DATEOID)
		return false;
	date = DatumGetDateADT(datum);
	*above = date > 0;
	return DATE_NOT_FINITE(date) || date > MAX_DATE || date < -MAX_DATE ||
		!cmz_value_unix_usec((Timestamp) date * USECS_PER_DAY, &usec);
}

/* column op value; value is not NULL */
static CmzBound
bind_comparison(CmzBinder *binder, CmzQualOp op, const CmzColumn *column, Datum datum, Oid type)
{
	CmzOperand	operand;
	bool		above;

	switch (cmz_value_order(column))
	{
		case CMZ_ORDER_INTEGER:
			return compare_integer(op, column, datum, type);
		case CMZ_ORDER_FLOAT:
			return compare_float(op, column, datum, type);
		case CMZ_ORDER_TIME:
			return compare_time(binder, op, column, datum);
		case CMZ_ORDER_NUMERIC:
			return compare_number(op, column,
								  DatumGetCString(DirectFunctionCall1(numeric_out, datum)));
		default:
			if (date_is_beyond(column, datum, &above))
				return compare_beyond(op, above);
			(void) cmz_value_operand(column, datum, &operand);
			return operand.type == CMZ_TYPE_BOOL
				? compare(op, column, operand) : compare_bytes(op, column, operand);
	}
}

/* Each element of an array as an equality, NULL for none. */
static List *
array_elements(CmzBinder *binder, const CmzColumn *column, Datum datum)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	Oid			type = getBaseType(ARR_ELEMTYPE(array));
	List	   *conditions = NIL;
	Datum	   *items;
	bool	   *nulls;
	int			n;
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &len, &byval, &align);
	deconstruct_array(array, type, len, byval, align, &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		CmzBound	bound = bound_false;

		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			bound = bind_comparison(binder, CMZ_QUAL_EQ, column, items[i], type);
		conditions = lappend(conditions, bound.kind == BOUND_CONDITION ? bound.condition : NULL);
	}
	return conditions;
}

static List *
array_values(CmzBinder *binder, const CmzColumn *column, Datum datum)
{
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, array_elements(binder, column, datum))
		if (lfirst(lc) != NULL)
			conditions = lappend(conditions, lfirst(lc));
	return conditions;
}

List *
cmz_bound_elements(CmzBinder *binder, const CmzQual *qual)
{
	return array_elements(binder, &binder->table->columns[qual->attnum - 1],
						  binder->values->values[qual->operand_no]);
}

List *
cmz_bound_values(CmzBinder *binder, const CmzQual *qual)
{
	List	   *conditions = NIL;
	ListCell   *lc;
	CmzBound	bound;

	if (qual->op == CMZ_QUAL_OR)
	{
		foreach(lc, qual->args)
			conditions = list_concat(conditions, cmz_bound_values(binder, lfirst(lc)));
		return conditions;
	}
	if (qual->op == CMZ_QUAL_ANY)
		return binder->values->nulls[qual->operand_no] ? NIL
			: array_values(binder, &binder->table->columns[qual->attnum - 1],
						   binder->values->values[qual->operand_no]);
	bound = cmz_bound_qual(binder, qual);
	return bound.kind == BOUND_CONDITION ? list_make1(bound.condition) : NIL;
}

/* column = ANY (array), in a filter */
static CmzBound
bind_any(CmzBinder *binder, const CmzColumn *column, Datum datum)
{
	List	   *conditions = array_values(binder, column, datum);
	CmzOperand *operands = palloc(sizeof(CmzOperand) * Max(list_length(conditions), 1));
	int			noperands = 0;
	CmzCondition *any = NULL;
	ListCell   *lc;

	/* more than an expression takes */
	if (list_length(conditions) > CMZ_MAX_IN_OPERANDS)
		return bound_any;
	foreach(lc, conditions)
	{
		CmzCondition *condition = lfirst(lc);

		if (condition->op == CMZ_OP_EQ)
			operands[noperands++] = condition->operands[0];
		else
			any = cmz_condition_join(CMZ_OP_OR, any, condition);
	}
	if (noperands > 0)
		any = cmz_condition_join(CMZ_OP_OR, any,
								 cmz_condition_leaf(CMZ_OP_IN, column->attribute,
													noperands, operands));
	return any ? bound_to(any) : bound_false;
}

/*
 * What a LIKE pattern says: the text before its first wildcard, and the
 * longest text between wildcards.
 */
typedef struct LikePattern
{
	StringInfoData prefix;
	StringInfoData longest;
	bool		literal;		/* no wildcard at all */
	bool		broken;			/* ends with its escape */
} LikePattern;

static void
parse_like(const char *s, int len, LikePattern *pattern)
{
	StringInfoData run;
	bool		in_prefix = true;

	initStringInfo(&run);
	initStringInfo(&pattern->prefix);
	initStringInfo(&pattern->longest);
	pattern->broken = false;
	for (const char *p = s; p <= s + len; p++)
	{
		bool		end = p == s + len;

		if (end || *p == '%' || *p == '_')
		{
			if (in_prefix)
				appendBinaryStringInfo(&pattern->prefix, run.data, run.len);
			if (run.len > pattern->longest.len)
			{
				resetStringInfo(&pattern->longest);
				appendBinaryStringInfo(&pattern->longest, run.data, run.len);
			}
			resetStringInfo(&run);
			pattern->literal = end && in_prefix;
			in_prefix = false;
			continue;
		}
		if (*p == '\\' && ++p == s + len)
		{
			pattern->broken = true;
			return;
		}
		appendStringInfoChar(&run, *p);
	}
}

static CmzBound
bind_match(const CmzColumn *column, CmzQualOp op, Datum datum)
{
	text	   *t = DatumGetTextPP(datum);
	int			len = VARSIZE_ANY_EXHDR(t);
	char	   *s = pg_server_to_any(VARDATA_ANY(t), len, PG_UTF8);
	LikePattern pattern;

	if (s != VARDATA_ANY(t))
		len = strlen(s);
	if (len > MAX_OPERAND)
		return bound_any;
	if (op == CMZ_QUAL_PREFIX)
		return len == 0 ? bound_any
			: bound_to(cmz_condition_compare(CMZ_OP_BEGINS_WITH, column->attribute,
											 cmz_operand_string(s, len)));
	parse_like(s, len, &pattern);
	if (pattern.broken)
		return bound_any;
	if (pattern.literal)
		return compare(CMZ_QUAL_EQ, column,
					   cmz_operand_string(pattern.prefix.data, pattern.prefix.len));
	if (pattern.prefix.len > 0)
		return bound_to(cmz_condition_compare(CMZ_OP_BEGINS_WITH, column->attribute,
											  cmz_operand_string(pattern.prefix.data, pattern.prefix.len)));
	if (pattern.longest.len > 0)
		return bound_to(cmz_condition_compare(CMZ_OP_CONTAINS, column->attribute,
											  cmz_operand_string(pattern.longest.data, pattern.longest.len)));
	return bound_any;
}

/* The attribute has a value that the column does not read. */
static CmzCondition *
of_other_type(const CmzColumn *column)
{
	CmzCondition *any = NULL;

	for (CmzType type = CMZ_TYPE_S; type <= CMZ_TYPE_BS; type++)
		if (type != column->dynamodb_type)
			any = cmz_condition_join(CMZ_OP_OR, any,
									 cmz_condition_compare(CMZ_OP_HAS_TYPE, column->attribute,
														   cmz_operand_cstring(cmz_type_name(type))));
	return any;
}

/* Conditions without an operand. */
static CmzBound
bind_test(const CmzColumn *column, CmzQualOp op)
{
	CmzOperand	operand = {CMZ_TYPE_BOOL, NULL, 0, op == CMZ_QUAL_IS_TRUE};
	CmzCondition *missing;

	switch (op)
	{
		case CMZ_QUAL_IS_NULL:
			missing = cmz_condition_leaf(CMZ_OP_NOT_EXISTS, column->attribute, 0, NULL);
			return bound_to(cmz_condition_join(CMZ_OP_OR, missing,
											   cmz_condition_compare(CMZ_OP_HAS_TYPE, column->attribute,
																	 cmz_operand_cstring("NULL"))));
		case CMZ_QUAL_OF_OTHER_TYPE:
			return bound_to(of_other_type(column));
		case CMZ_QUAL_IS_NOT_NULL:
			return bound_to(cmz_condition_leaf(CMZ_OP_EXISTS, column->attribute, 0, NULL));
		default:
			return compare(CMZ_QUAL_EQ, column, operand);
	}
}

/* A leaf whose operand is only known as text. */
static CmzBound
bind_symbol(const CmzColumn *column, CmzQualOp op, const char *text)
{
	CmzOperand	symbol = {CMZ_TYPE_NONE, text, (int) strlen(text), false};

	switch (op)
	{
		case CMZ_QUAL_ANY:
			return bound_to(cmz_condition_leaf(CMZ_OP_IN, column->attribute, 1, &symbol));
		case CMZ_QUAL_LIKE:
			symbol.data = psprintf("prefix of %s", text);
			symbol.len = strlen(symbol.data);
			/* FALLTHROUGH */
		case CMZ_QUAL_PREFIX:
			return bound_to(cmz_condition_compare(CMZ_OP_BEGINS_WITH, column->attribute, symbol));
		default:
			return compare(op, column, symbol);
	}
}

static CmzBound
bind_leaf(CmzBinder *binder, const CmzQual *qual)
{
	const CmzColumn *column = &binder->table->columns[qual->attnum - 1];
	int			no = qual->operand_no;
	Datum		value;

	if (no < 0)
		return bind_test(column, qual->op);
	if (binder->symbols != NULL && binder->symbols[no] != NULL)
		return bind_symbol(column, qual->op, binder->symbols[no]);
	/* all our operators are strict */
	if (binder->values->nulls[no])
		return bound_false;
	value = binder->values->values[no];
	switch (qual->op)
	{
		case CMZ_QUAL_ANY:
			return bind_any(binder, column, value);
		case CMZ_QUAL_LIKE:
		case CMZ_QUAL_PREFIX:
			return bind_match(column, qual->op, value);
		default:
			return bind_comparison(binder, qual->op, column, value, binder->values->types[no]);
	}
}

static CmzBound
bind_list(CmzBinder *binder, const CmzQual *qual)
{
	bool		is_or = qual->op == CMZ_QUAL_OR;
	CmzCondition *joined = NULL;
	ListCell   *lc;

	foreach(lc, qual->args)
	{
		CmzBound	bound = cmz_bound_qual(binder, lfirst(lc));

		/* the arm that decides alone */
		if (bound.kind == (is_or ? BOUND_ANY : BOUND_FALSE))
			return bound;
		/* of an AND this drops an arm, of an OR all is lost */
		if (bound.kind == BOUND_ANY || (joined != NULL && joined->nargs > CMZ_MAX_OPERATORS))
			binder->widened = true;
		if (joined != NULL && joined->nargs > CMZ_MAX_OPERATORS)
			return is_or ? bound_any : bound_to(joined);
		if (bound.kind == BOUND_CONDITION)
			joined = cmz_condition_join(is_or ? CMZ_OP_OR : CMZ_OP_AND, joined, bound.condition);
	}
	if (joined != NULL)
		return bound_to(joined);
	return is_or ? bound_false : bound_any;
}

CmzBound
cmz_bound_qual(CmzBinder *binder, const CmzQual *qual)
{
	if (qual->op == CMZ_QUAL_AND || qual->op == CMZ_QUAL_OR)
		return bind_list(binder, qual);
	return bind_leaf(binder, qual);
}

