/*
 * test_number.c
 *	  Limits and order of DynamoDB's numbers.
 */
#include "unit.h"

#include "base/number.h"

static void
fit(const char *s, CmzNumberFit expected)
{
	ok(cmz_number_fit(s, strlen(s)) == expected, "fit of %s is %d", s, expected);
}

static void
order(const char *a, const char *b, int expected)
{
	int			got = cmz_number_compare(a, strlen(a), b, strlen(b));

	ok((got > 0) - (got < 0) == expected, "%s against %s is %d", a, b, expected);
	got = cmz_number_compare(b, strlen(b), a, strlen(a));
	ok((got > 0) - (got < 0) == -expected, "%s against %s is %d", b, a, -expected);
}

static void
integer(const char *s, bool valid, int64 expected)
{
	int64		value = 0;
	bool		got = cmz_number_to_int64(s, strlen(s), &value);

	ok(got == valid && (!valid || value == expected), "integer of %s", s);
}

/* Random numbers against long double, which holds 18 digits. */
static void
compare_at_random(void)
{
	int			wrong = 0;

	for (int i = 0; i < 20000; i++)
	{
		char		a[64],
					b[64];
		int			got;
		long double x,
					y;

		snprintf(a, sizeof(a), "%s%u.%0*uE%d", roll(2) ? "-" : "", roll(1000), 1 + roll(5), roll(10), (int) roll(9) - 4);
		snprintf(b, sizeof(b), "%s%u.%0*uE%d", roll(2) ? "-" : "", roll(1000), 1 + roll(5), roll(10), (int) roll(9) - 4);
		x = strtold(a, NULL);
		y = strtold(b, NULL);
		got = cmz_number_compare(a, strlen(a), b, strlen(b));
		if ((got > 0) - (got < 0) != (x > y) - (x < y) && x - y > 1e-15L)
			wrong++;
	}
	ok(wrong == 0, "20000 random comparisons agree with long double");
}

void
test_number(void)
{
	fit("0", CMZ_NUMBER_FITS);
	fit("-0.000", CMZ_NUMBER_FITS);
	fit("12345678901234567890123456789012345678", CMZ_NUMBER_FITS);
	fit("123456789012345678901234567890123456789", CMZ_NUMBER_TOO_PRECISE);
	fit("1234567890123456789012345678901234567800000", CMZ_NUMBER_FITS);
	fit("9.9999999999999999999999999999999999999E+125", CMZ_NUMBER_FITS);
	fit("1E+126", CMZ_NUMBER_TOO_LARGE);
	fit("-1E126", CMZ_NUMBER_TOO_LARGE);
	fit("1E-130", CMZ_NUMBER_FITS);
	fit("1E-131", CMZ_NUMBER_TOO_SMALL);
	fit("1E99999999999", CMZ_NUMBER_TOO_LARGE);
	fit("NaN", CMZ_NUMBER_MALFORMED);
	fit("Infinity", CMZ_NUMBER_MALFORMED);
	fit("", CMZ_NUMBER_MALFORMED);
	fit("1E", CMZ_NUMBER_MALFORMED);
	fit("1.2.3", CMZ_NUMBER_MALFORMED);
	order("1", "2", -1);
	order("-1", "1", -1);
	order("-10", "-9", -1);
	order("10", "9", 1);
	order("1.0", "1", 0);
	order("100", "1E2", 0);
	order("-0", "0", 0);
	order("0.001", "0", 1);
	order("-0.001", "0", -1);
	order("123", "1234E-1", -1);
	compare_at_random();
	integer("45", true, 45);
	integer("45.0", true, 45);
	integer("45.5", false, 0);
	integer("1E3", true, 1000);
	integer("9223372036854775807", true, PG_INT64_MAX);
	integer("9223372036854775808", false, 0);
	integer("-9223372036854775808", true, PG_INT64_MIN);
	integer("1E19", false, 0);
	integer("0.1", false, 0);
	ok(cmz_number_is_json("-0.5e+10", 8), "JSON number");
	ok(!cmz_number_is_json("007", 3), "leading zeros are no JSON");
	ok(!cmz_number_is_json("1.", 2), "bare point is no JSON");
	ok(!cmz_number_is_json("+1", 2), "plus is no JSON");
	ok(!cmz_number_is_json("-", 1), "minus alone is no JSON");
}
