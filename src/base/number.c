/*
 * number.c
 *	  DynamoDB's numbers: what fits, and how two compare, as decimal text.
 */
#include "base/base.h"

#include "base/number.h"

/* 0.d1d2d3... times 10^exponent, without leading or trailing zeros. */
typedef struct Decimal
{
	bool		negative;
	int			ndigits;		/* 0 for zero; may exceed what digits[] keeps */
	int			exponent;
	char		digits[CMZ_NUMBER_DIGITS + 2];
} Decimal;

/* Read the exponent behind 'e'; it saturates, far out of DynamoDB's range. */
static bool
parse_exponent(const char *p, const char *end, int *exponent)
{
	bool		negative = false;
	int			value = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = (*p++ == '-');
	if (p == end)
		return false;
	for (; p < end; p++)
	{
		if (*p < '0' || *p > '9')
			return false;
		if (value < 1000000)
			value = value * 10 + (*p - '0');
	}
	*exponent = negative ? -value : value;
	return true;
}

static bool
parse_decimal(const char *s, int len, Decimal *d)
{
	const char *p = s;
	const char *end = s + len;
	int			zeros = 0;		/* zeros not yet known to be inside */
	int			seen = 0;
	int			exponent = 0;
	bool		point = false;

	memset(d, 0, sizeof(*d));
	if (p < end && (*p == '-' || *p == '+'))
		d->negative = (*p++ == '-');
	for (; p < end && *p != 'e' && *p != 'E'; p++)
	{
		if (*p == '.' && !point)
		{
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9')
			return false;
		seen++;
		if (*p == '0' && d->ndigits == 0)
		{
			d->exponent -= point;
			continue;
		}
		d->exponent += !point;
		if (*p == '0')
		{
			zeros++;
			continue;
		}
		for (; zeros > 0; zeros--, d->ndigits++)
			if (d->ndigits < (int) sizeof(d->digits))
				d->digits[d->ndigits] = '0';
		if (d->ndigits < (int) sizeof(d->digits))
			d->digits[d->ndigits] = *p;
		d->ndigits++;
	}
	if (seen == 0 || (p < end && !parse_exponent(p + 1, end, &exponent)))
		return false;
	d->exponent += exponent;
	if (d->ndigits == 0)
	{
		d->negative = false;
		d->exponent = 0;
	}
	return true;
}

CmzNumberFit
cmz_number_fit(const char *s, int len)
{
	Decimal		d;

	if (!parse_decimal(s, len, &d))
		return CMZ_NUMBER_MALFORMED;
	if (d.ndigits == 0)
		return CMZ_NUMBER_FITS;
	if (d.exponent - 1 > CMZ_NUMBER_MAX_EXPONENT)
		return CMZ_NUMBER_TOO_LARGE;
	if (d.exponent - 1 < CMZ_NUMBER_MIN_EXPONENT)
		return CMZ_NUMBER_TOO_SMALL;
	return d.ndigits > CMZ_NUMBER_DIGITS ? CMZ_NUMBER_TOO_PRECISE : CMZ_NUMBER_FITS;
}

int
cmz_number_compare(const char *a, int alen, const char *b, int blen)
{
	Decimal		x,
				y;
	int			sign,
				order;

	if (!parse_decimal(a, alen, &x) || !parse_decimal(b, blen, &y))
		return 0;
	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	sign = x.negative ? -1 : 1;
	if (x.ndigits == 0 || y.ndigits == 0)
		return sign * ((x.ndigits > 0) - (y.ndigits > 0));
	if (x.exponent != y.exponent)
		return sign * (x.exponent < y.exponent ? -1 : 1);
	order = memcmp(x.digits, y.digits, Min(Min(x.ndigits, y.ndigits), (int) sizeof(x.digits)));
	if (order == 0)
		order = x.ndigits - y.ndigits;
	return sign * order;
}

void
cmz_number_append_canonical(StringInfo buf, const char *s, int len)
{
	Decimal		d;

	if (!parse_decimal(s, len, &d))
		return;
	appendStringInfo(buf, "%s%.*se%d", d.negative ? "-" : "",
					 (int) Min(d.ndigits, (int) sizeof(d.digits)), d.digits, d.exponent);
}

bool
cmz_number_is_json(const char *s, int len)
{
	const char *p = s;
	const char *end = s + len;
	Decimal		d;

	if (p < end && *p == '-')
		p++;
	if (p == end || *p < '0' || *p > '9')
		return false;
	if (*p == '0' && p + 1 < end && p[1] >= '0' && p[1] <= '9')
		return false;
	for (const char *dot = p; dot < end; dot++)
		if (*dot == '.' && (dot + 1 == end || dot[1] < '0' || dot[1] > '9'))
			return false;
	return parse_decimal(s, len, &d);
}

bool
cmz_number_to_int64(const char *s, int len, int64 *value)
{
	Decimal		d;
	uint64		magnitude = 0;

	if (!parse_decimal(s, len, &d))
		return false;
	if (d.ndigits == 0)
	{
		*value = 0;
		return true;
	}
	if (d.exponent < d.ndigits || d.exponent > 19)
		return false;
	for (int i = 0; i < d.exponent; i++)
		magnitude = magnitude * 10 + (i < d.ndigits ? d.digits[i] - '0' : 0);
	if (magnitude > (uint64) PG_INT64_MAX + (d.negative ? 1 : 0))
		return false;
	*value = d.negative ? (int64) (0 - magnitude) : (int64) magnitude;
	return true;
}
