/*
 * jsonscan.h
 *	  A cursor over JSON text: the tokens that itemreader.c is made of.
 *
 * All functions move the cursor and return false with scan->error set (a
 * static string) when the text is not what was asked for; nothing is allocated
 * unless the function says so.
 */
#ifndef CMZ_JSONSCAN_H
#define CMZ_JSONSCAN_H

#include "base/attribute.h"

typedef struct CmzScanner
{
	const char *p;				/* the next byte */
	const char *end;			/* behind the last one */
	const char *error;			/* NULL while all is well */
} CmzScanner;

extern void cmz_scan_init(CmzScanner *scan, const char *data, size_t len);

/* Record an error (the first one stays) and return false. */
extern bool cmz_scan_fail(CmzScanner *scan, const char *error);

/* A string's bytes between the quotes; its escapes are checked, not undone. */
extern bool cmz_scan_string(CmzScanner *scan, CmzSpan *span);

/* Skip one value of any kind, strings checked, nesting limited. */
extern bool cmz_scan_skip(CmzScanner *scan);

/* A JSON number, as an integer (a fraction or overflow is an error). */
extern bool cmz_scan_integer(CmzScanner *scan, int64 *value);

/* A JSON number, as a double. */
extern bool cmz_scan_double(CmzScanner *scan, double *value);

/* All of the text is one JSON object. */
extern bool cmz_json_is_object(const char *data, size_t len);

/* Nothing but white space is left. */
extern bool cmz_scan_end(CmzScanner *scan);

/*
 * Step into the next member or element: called first with *first true behind
 * the opening bracket.  Returns 1 with the cursor on the member, 0 behind the
 * closing bracket, -1 on error.
 */
extern int	cmz_scan_next(CmzScanner *scan, char close, bool *first);

/* Append the span's text with its escapes undone. */
extern void cmz_span_append(StringInfo buf, const CmzSpan *span);

/*
 * Write a code point as UTF-8, 1 to 4 bytes; returns how many.  (The server's
 * own function for the length has changed its name over its versions.)
 */
extern int	cmz_utf8_encode(uint32 c, char *utf8);

/* The span is the given zero-terminated string (escapes undone). */
extern bool cmz_span_equals(const CmzSpan *span, const char *s);

/* Skip white space; the next byte, or -1 at the end. */
static inline int
cmz_scan_peek(CmzScanner *scan)
{
	while (scan->p < scan->end)
	{
		unsigned char c = (unsigned char) *scan->p;

		if (likely(c > ' '))
			return c;
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c;
		scan->p++;
	}
	return -1;
}

/* Expect c, after white space. */
static inline bool
cmz_scan_char(CmzScanner *scan, char c)
{
	if (likely(scan->p < scan->end && *scan->p == c))
	{
		scan->p++;
		return true;
	}
	if (cmz_scan_peek(scan) != (unsigned char) c)
		return cmz_scan_fail(scan, "unexpected character");
	scan->p++;
	return true;
}

#endif							/* CMZ_JSONSCAN_H */
