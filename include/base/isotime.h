/*
 * isotime.h
 *	  ISO 8601 times as DynamoDB tables keep them: text to microseconds, back.
 *
 * A stored time is YYYY-MM-DDTHH:MM:SS, an optional fraction, and Z or an
 * offset (none is read as UTC).  Years 0001 to 9999.  Times are microseconds
 * since 1970-01-01 UTC.
 */
#ifndef CMZ_ISOTIME_H
#define CMZ_ISOTIME_H

#include "base/base.h"

/* YYYY-MM-DDTHH:MM:SS */
#define CMZ_SECOND_LENGTH	19
/* ... .ffffffZ and the terminating zero */
#define CMZ_ISOTIME_SIZE	28

#define CMZ_ISOTIME_MIN		INT64CONST(-62135596800000000)	/* 0001-01-01 */
#define CMZ_ISOTIME_MAX		INT64CONST(253402300799999999)	/* 9999-12-31 */

#define CMZ_USECS_PER_SEC	INT64CONST(1000000)

typedef enum CmzZone
{
	CMZ_ZONE_NONE,				/* no zone: read as UTC */
	CMZ_ZONE_UTC,				/* Z, or an offset of zero */
	CMZ_ZONE_OFFSET				/* another offset: byte order is not time order */
} CmzZone;

/*
 * Parse len bytes; false if they are no such time.  Digits of the fraction
 * past the sixth are cut off, never rounded: rounding could carry into the
 * next second and leave the order of the text.
 */
extern bool cmz_isotime_parse(const char *s, int len, int64 *usec, CmzZone *zone);

/* Print as ...Z, with a fraction only if there is one; usec in range. */
extern void cmz_isotime_format(int64 usec, char buf[CMZ_ISOTIME_SIZE]);

/* Print the 19 characters of the second that usec falls into. */
extern void cmz_isotime_second(int64 usec, char buf[CMZ_ISOTIME_SIZE]);

/* Print as Unix seconds in decimal, with a fraction only if there is one. */
#define CMZ_UNIXTIME_SIZE	32
extern void cmz_unixtime_format(int64 usec, char buf[CMZ_UNIXTIME_SIZE]);

/* A strict calendar date, YYYY-MM-DD, as days since 1970-01-01. */
extern bool cmz_isodate_parse(const char *s, int len, int *days);
extern void cmz_isodate_format(int days, char buf[CMZ_ISOTIME_SIZE]);

#endif							/* CMZ_ISOTIME_H */
