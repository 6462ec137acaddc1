/*
 * isotime.c
 *	  ISO 8601 times as DynamoDB tables keep them: text to microseconds, back.
 *
 * Only spellings whose first 19 characters are the UTC second (when the zone
 * is UTC) are accepted, since index ranges rely on them.
 */
#include "base/base.h"

#include "base/isotime.h"

#define SECS_PER_DAY	86400
#define MIN_DAY			((int) (CMZ_ISOTIME_MIN / CMZ_USECS_PER_SEC / SECS_PER_DAY))

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int
days_from_civil(int y, int m, int d)
{
	int			era,
				yoe,
				doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_from_days(int days, int *y, int *m, int *d)
{
	int			z = days + 719468;
	int			era = z / 146097;
	int			doe = z - era * 146097;
	int			yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int			doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int			mp = (5 * doy + 2) / 153;

	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

/* n digits at s as a number, or -1. */
static int
digits(const char *s, int n)
{
	int			value = 0;

	for (int i = 0; i < n; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

static int
days_in_month(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[m - 1] + (m == 2 && (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)));
}

bool
cmz_isodate_parse(const char *s, int len, int *days)
{
	int			y,
				m,
				d;

	if (len != 10 || s[4] != '-' || s[7] != '-')
		return false;
	y = digits(s, 4);
	m = digits(s + 5, 2);
	d = digits(s + 8, 2);
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > days_in_month(y, m))
		return false;
	*days = days_from_civil(y, m, d);
	return true;
}

void
cmz_isodate_format(int days, char buf[CMZ_ISOTIME_SIZE])
{
	int			y,
				m,
				d;

	civil_from_days(days, &y, &m, &d);
	snprintf(buf, CMZ_ISOTIME_SIZE, "%04d-%02d-%02d", y, m, d);
}

/* The fraction at *s, if any: up to six digits count. */
static bool
parse_fraction(const char **s, const char *end, int64 *usec)
{
	const char *p = *s;
	int64		unit = CMZ_USECS_PER_SEC;

	*usec = 0;
	if (p == end || *p != '.')
		return true;
	p++;
	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		unit /= 10;
		*usec += unit * (*p - '0');
	}
	*s = p;
	return true;
}

/* The zone: nothing, Z, +HH, +HHMM, +HH:MM; *offset in seconds. */
static bool
parse_zone(const char *p, const char *end, int *offset, CmzZone *zone)
{
	int			len = end - p;
	int			hours,
				minutes = 0;

	*offset = 0;
	*zone = len == 0 ? CMZ_ZONE_NONE : CMZ_ZONE_UTC;
	if (len == 0 || (len == 1 && *p == 'Z'))
		return true;
	if ((*p != '+' && *p != '-') || (len != 3 && len != 5 && len != 6))
		return false;
	if (len == 6 && p[3] != ':')
		return false;
	hours = digits(p + 1, 2);
	if (len > 3)
		minutes = digits(end - 2, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * 60 * (*p == '-' ? -1 : 1);
	if (*offset != 0)
		*zone = CMZ_ZONE_OFFSET;
	return true;
}

bool
cmz_isotime_parse(const char *s, int len, int64 *usec, CmzZone *zone)
{
	const char *p = s + CMZ_SECOND_LENGTH;
	const char *end = s + len;
	int			days,
				hour,
				minute,
				second,
				offset;
	int64		fraction;

	if (len < CMZ_SECOND_LENGTH || !cmz_isodate_parse(s, 10, &days) ||
		s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return false;
	hour = digits(s + 11, 2);
	minute = digits(s + 14, 2);
	second = digits(s + 17, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (!parse_fraction(&p, end, &fraction) || !parse_zone(p, end, &offset, zone))
		return false;
	*usec = ((int64) days * SECS_PER_DAY + hour * 3600 + minute * 60 + second - offset) *
		CMZ_USECS_PER_SEC + fraction;
	return *usec >= CMZ_ISOTIME_MIN && *usec <= CMZ_ISOTIME_MAX;
}

void
cmz_isotime_second(int64 usec, char buf[CMZ_ISOTIME_SIZE])
{
	int64		secs;
	int			days,
				rest;

	Assert(usec >= CMZ_ISOTIME_MIN && usec <= CMZ_ISOTIME_MAX);
	/* count from year 1, so that division rounds down */
	secs = (usec - CMZ_ISOTIME_MIN) / CMZ_USECS_PER_SEC;
	days = (int) (secs / SECS_PER_DAY) + MIN_DAY;
	rest = (int) (secs % SECS_PER_DAY);
	cmz_isodate_format(days, buf);
	snprintf(buf + 10, CMZ_ISOTIME_SIZE - 10, "T%02d:%02d:%02d",
			 rest / 3600, rest / 60 % 60, rest % 60);
}

void
cmz_isotime_format(int64 usec, char buf[CMZ_ISOTIME_SIZE])
{
	int			fraction = (int) ((usec - CMZ_ISOTIME_MIN) % CMZ_USECS_PER_SEC);
	int			len = CMZ_SECOND_LENGTH;

	cmz_isotime_second(usec, buf);
	if (fraction != 0)
	{
		len += snprintf(buf + len, CMZ_ISOTIME_SIZE - len, ".%06d", fraction);
		while (buf[len - 1] == '0')
			len--;
	}
	buf[len++] = 'Z';
	buf[len] = '\0';
}

void
cmz_unixtime_format(int64 usec, char buf[CMZ_UNIXTIME_SIZE])
{
	int64		whole = usec / CMZ_USECS_PER_SEC;
	int			fraction = (int) (usec % CMZ_USECS_PER_SEC);

	/* the sign by hand: minus half a second has a whole part of 0 */
	if (fraction == 0)
		snprintf(buf, CMZ_UNIXTIME_SIZE, INT64_FORMAT, whole);
	else
		snprintf(buf, CMZ_UNIXTIME_SIZE, "%s" INT64_FORMAT ".%06d", usec < 0 ? "-" : "",
				 whole < 0 ? -whole : whole, abs(fraction));
}
