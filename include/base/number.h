/*
 * number.h
 *	  DynamoDB's numbers: what fits, and how two compare, as decimal text.
 *
 * Source: developer guide, "Data types": up to 38 digits of precision;
 * magnitudes from 1E-130 to 9.99...E+125, and zero.
 */
#ifndef CMZ_NUMBER_H
#define CMZ_NUMBER_H

#include "base/base.h"

#define CMZ_NUMBER_DIGITS		38
#define CMZ_NUMBER_MAX_EXPONENT	125
#define CMZ_NUMBER_MIN_EXPONENT	(-130)

typedef enum CmzNumberFit
{
	CMZ_NUMBER_FITS,
	CMZ_NUMBER_MALFORMED,		/* not a decimal number: NaN, infinity, ... */
	CMZ_NUMBER_TOO_PRECISE,		/* more than 38 significant digits */
	CMZ_NUMBER_TOO_LARGE,		/* magnitude of 1E+126 and more */
	CMZ_NUMBER_TOO_SMALL		/* magnitude below 1E-130, but not zero */
} CmzNumberFit;

/* Would DynamoDB store this number unchanged? */
extern CmzNumberFit cmz_number_fit(const char *s, int len);

/* Negative, zero or positive as a <, =, > b; both must fit. */
extern int	cmz_number_compare(const char *a, int alen, const char *b, int blen);

/* Append digits that are the same for equal numbers; the number must fit. */
extern void cmz_number_append_canonical(StringInfo buf, const char *s, int len);

/* It is a number by JSON's grammar. */
extern bool cmz_number_is_json(const char *s, int len);

/*
 * Parse an integer that may carry a zero fraction or an exponent ("45.0",
 * "1E3"); false if it is none or does not fit 64 bits.
 */
extern bool cmz_number_to_int64(const char *s, int len, int64 *value);

#endif							/* CMZ_NUMBER_H */
