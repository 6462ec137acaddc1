/*
 * test_isotime.c
 *	  Times: spellings that are read, those that are not, and round trips.
 */
#include "unit.h"

#include <time.h>

#include "base/isotime.h"

#define T0 INT64CONST(1737288000)	/* 2025-01-19T12:00:00Z */

static void
reads(const char *s, int64 usec, CmzZone zone)
{
	int64		got = 0;
	CmzZone		got_zone = CMZ_ZONE_NONE;

	ok(cmz_isotime_parse(s, strlen(s), &got, &got_zone) && got == usec && got_zone == zone,
	   "%s is read", s);
}

static void
rejects(const char *s)
{
	int64		usec;
	CmzZone		zone;

	ok(!cmz_isotime_parse(s, strlen(s), &usec, &zone), "%s is rejected", s);
}

static void
prints(int64 usec, const char *expected)
{
	char		buf[CMZ_ISOTIME_SIZE];

	cmz_isotime_format(usec, buf);
	is(buf, expected, expected);
}

static void
round_trips(void)
{
	int			wrong = 0;

	for (int i = 0; i < 50000; i++)
	{
		int64		span = CMZ_ISOTIME_MAX - CMZ_ISOTIME_MIN;
		int64		usec = CMZ_ISOTIME_MIN + (int64) (((double) roll(1 << 30) / (1 << 30)) * span) + roll(1000000);
		char		buf[CMZ_ISOTIME_SIZE],
					libc[32];
		int64		back;
		CmzZone		zone;
		time_t		secs = (time_t) (usec / 1000000 - (usec % 1000000 < 0));
		struct tm	tm;

		usec = Min(usec, CMZ_ISOTIME_MAX);
		cmz_isotime_format(usec, buf);
		gmtime_r(&secs, &tm);
		snprintf(libc, sizeof(libc), "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
				 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		if (!cmz_isotime_parse(buf, strlen(buf), &back, &zone) || back != usec ||
			zone != CMZ_ZONE_UTC || strncmp(buf, libc, CMZ_SECOND_LENGTH) != 0)
			wrong++;
	}
	ok(wrong == 0, "50000 random times print as the C library does and read back");
}

void
test_isotime(void)
{
	char		buf[CMZ_UNIXTIME_SIZE];
	int			days;

	reads("2025-01-19T12:00:00Z", T0 * 1000000, CMZ_ZONE_UTC);
	reads("2025-01-19T12:00:00", T0 * 1000000, CMZ_ZONE_NONE);
	reads("2025-01-19T12:00:00.5Z", T0 * 1000000 + 500000, CMZ_ZONE_UTC);
	reads("2025-01-19T12:00:00.123456789Z", T0 * 1000000 + 123456, CMZ_ZONE_UTC);
	reads("2025-01-19T12:00:59.9999999Z", (T0 + 59) * 1000000 + 999999, CMZ_ZONE_UTC);
	reads("2025-01-19T12:00:00+00:00", T0 * 1000000, CMZ_ZONE_UTC);
	reads("2025-01-19T12:00:00-00:00", T0 * 1000000, CMZ_ZONE_UTC);
	reads("2025-01-19T14:30:00+02:30", T0 * 1000000, CMZ_ZONE_OFFSET);
	reads("2025-01-19T14:30:00+0230", T0 * 1000000, CMZ_ZONE_OFFSET);
	reads("2025-01-19T10:00:00-02", T0 * 1000000, CMZ_ZONE_OFFSET);
	reads("0001-01-01T00:00:00Z", CMZ_ISOTIME_MIN, CMZ_ZONE_UTC);
	reads("9999-12-31T23:59:59.999999Z", CMZ_ISOTIME_MAX, CMZ_ZONE_UTC);
	reads("2024-02-29T00:00:00Z", INT64CONST(1709164800000000), CMZ_ZONE_UTC);
	rejects("");
	rejects("2025-01-19");
	rejects("2025-01-19T12:00Z");
	rejects("2025-01-19 12:00:00Z");
	rejects("2025-01-19t12:00:00z");
	rejects("2025-01-19T12:00:60Z");
	rejects("2025-01-19T24:00:00Z");
	rejects("2025-02-29T00:00:00Z");
	rejects("2025-13-01T00:00:00Z");
	rejects("0000-01-01T00:00:00Z");
	rejects("2025-01-19T12:00:00.Z");
	rejects("2025-01-19T12:00:00Zx");
	rejects("2025-01-19T12:00:00+2");
	rejects("2025-01-19T12:00:00+24:00");
	rejects("0001-01-01T00:00:00+01:00");
	rejects("+025-01-19T12:00:00Z");
	prints(T0 * 1000000, "2025-01-19T12:00:00Z");
	prints(T0 * 1000000 + 500000, "2025-01-19T12:00:00.5Z");
	prints(T0 * 1000000 + 1, "2025-01-19T12:00:00.000001Z");
	prints(-1, "1969-12-31T23:59:59.999999Z");
	round_trips();
	cmz_unixtime_format(-500000, buf);
	is(buf, "-0.500000", "half a second before 1970");
	cmz_unixtime_format(INT64CONST(1747699200000000), buf);
	is(buf, "1747699200", "whole seconds");
	ok(cmz_isodate_parse("2025-01-19", 10, &days) && days == 20107, "date");
	ok(!cmz_isodate_parse("2025-1-19", 9, &days), "short date");
}
