/*
 * jsonscan.c
 *	  A cursor over JSON text: the tokens that itemreader.c is made of.
 *
 * Strings are most of a page's bytes, so the search for a string's end looks
 * at sixteen bytes at a time, or eight.  Whatever is skipped is still checked to be JSON.
 */
#include "base/base.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/jsonscan.h"
#include "mb/pg_wchar.h"

/* Deeper than any item (DynamoDB nests 32 levels, two brackets each). */
#define MAX_DEPTH 128

#define ONES		UINT64CONST(0x0101010101010101)
#define HIGHS		UINT64CONST(0x8080808080808080)

void
cmz_scan_init(CmzScanner *scan, const char *data, size_t len)
{
	scan->p = data;
	scan->end = data + len;
	scan->error = NULL;
}

bool
cmz_scan_fail(CmzScanner *scan, const char *error)
{
	if (scan->error == NULL)
		scan->error = error;
	return false;
}

/*
 * The first quote, backslash or control character at or behind p.
 *
 * The borrow of the subtraction can only mark bytes above a true hit, so the
 * lowest mark is right.
 */
static inline const char *
find_special(const char *p, const char *end)
{
#ifdef __SSE2__
	while (end - p >= 16)
	{
		__m128i		v = _mm_loadu_si128((const __m128i *) p);
		/* of two the lesser is itself: up to 0x1F */
		__m128i		control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
		__m128i		quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
		__m128i		slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
		int			hits = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, slash)));

		if (hits != 0)
			return p + __builtin_ctz(hits);
		p += 16;
	}
#endif
#ifndef WORDS_BIGENDIAN
	while (end - p >= 8)
	{
		uint64		w,
					quote,
					slash,
					hits;

		memcpy(&w, p, 8);
		quote = w ^ (ONES * '"');
		slash = w ^ (ONES * '\\');
		hits = (((quote - ONES) & ~quote) |
				((slash - ONES) & ~slash) |
				((w - ONES * 0x20) & ~w)) & HIGHS;
		if (hits != 0)
			return p + (__builtin_ctzll(hits) >> 3);
		p += 8;
	}
#endif
	for (; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c == '"' || c == '\\' || c < 0x20)
			break;
	}
	return p;
}

/* Four hex digits at p as a number, or -1. */
static int
hex4(const char *p, const char *end)
{
	int			value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		c = p[i];
		int			digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/*
 * The code point of the \u escape whose first digit is at p; *used is how
 * many bytes from p it takes.  -1 for bad digits or half a surrogate pair.
 */
static int
unicode_escape(const char *p, const char *end, int *used)
{
	int			high = hex4(p, end);
	int			low;

	*used = 4;
	if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF))
		return -1;
	if (high < 0xD800 || high > 0xDBFF)
		return high;
	if (end - p < 10 || p[4] != '\\' || p[5] != 'u')
		return -1;
	low = hex4(p + 6, end);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	*used = 10;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* The byte that \c stands for, 0 if it is no simple escape. */
static char
simple_escape(char c)
{
	switch (c)
	{
		case '"':
		case '\\':
		case '/':
			return c;
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return 0;
	}
}

bool
cmz_scan_string(CmzScanner *scan, CmzSpan *span)
{
	const char *p;

	if (!cmz_scan_char(scan, '"'))
		return cmz_scan_fail(scan, "expected a string");
	span->data = p = scan->p;
	span->escaped = false;
	for (;;)
	{
		int			used = 1;

		p = find_special(p, scan->end);
		if (unlikely(p >= scan->end))
			return cmz_scan_fail(scan, "string without an end");
		if (likely(*p == '"'))
			break;
		if (*p != '\\')
			return cmz_scan_fail(scan, "control character in a string");
		span->escaped = true;
		p++;
		if (p >= scan->end)
			return cmz_scan_fail(scan, "string without an end");
		if (*p == 'u')
		{
			if (unicode_escape(p + 1, scan->end, &used) < 0)
				return cmz_scan_fail(scan, "invalid \\u escape");
			used++;
		}
		else if (simple_escape(*p) == 0)
			return cmz_scan_fail(scan, "invalid escape");
		p += used;
	}
	span->len = p - span->data;
	scan->p = p + 1;
	return true;
}

/* The end of a number, true or false by JSON's grammar. */
static bool
scan_number(CmzScanner *scan, const char **start, const char **stop)
{
	const char *p;

	(void) cmz_scan_peek(scan);
	*start = p = scan->p;
#define DIGIT() (p < scan->end && *p >= '0' && *p <= '9')
	if (p < scan->end && *p == '-')
		p++;
	if (!DIGIT())
		return cmz_scan_fail(scan, "expected a number");
	if (*p == '0')
		p++;
	else
		while (DIGIT())
			p++;
	if (p < scan->end && *p == '.')
	{
		p++;
		if (!DIGIT())
			return cmz_scan_fail(scan, "invalid number");
		while (DIGIT())
			p++;
	}
	if (p < scan->end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < scan->end && (*p == '+' || *p == '-'))
			p++;
		if (!DIGIT())
			return cmz_scan_fail(scan, "invalid number");
		while (DIGIT())
			p++;
	}
#undef DIGIT
	*stop = scan->p = p;
	return true;
}

bool
cmz_scan_double(CmzScanner *scan, double *value)
{
	const char *start,
			   *stop;
	char		copy[64];

	if (!scan_number(scan, &start, &stop))
		return false;
	if (stop - start >= (int) sizeof(copy))
		return cmz_scan_fail(scan, "number too long");
	memcpy(copy, start, stop - start);
	copy[stop - start] = '\0';
	*value = strtod(copy, NULL);
	return true;
}

bool
cmz_scan_integer(CmzScanner *scan, int64 *value)
{
	const char *start,
			   *stop;
	int64		result = 0;

	if (!scan_number(scan, &start, &stop))
		return false;
	if (stop - start > 18)
		return cmz_scan_fail(scan, "number too long");
	for (const char *p = start + (*start == '-'); p < stop; p++)
	{
		if (*p < '0' || *p > '9')
			return cmz_scan_fail(scan, "expected an integer");
		result = result * 10 + (*p - '0');
	}
	*value = *start == '-' ? -result : result;
	return true;
}

static bool
scan_word(CmzScanner *scan, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (scan->end - scan->p) < len || memcmp(scan->p, word, len) != 0)
		return cmz_scan_fail(scan, "unexpected character");
	scan->p += len;
	return true;
}

int
cmz_scan_next(CmzScanner *scan, char close, bool *first)
{
	int			c = cmz_scan_peek(scan);

	if (c == (unsigned char) close)
	{
		scan->p++;
		return 0;
	}
	if (*first)
		*first = false;
	else if (!cmz_scan_char(scan, ','))
		return -1;
	return 1;
}

static bool
skip_value(CmzScanner *scan, int depth)
{
	CmzSpan		span;
	const char *start,
			   *stop;
	bool		first = true;
	int			more;
	int			c = cmz_scan_peek(scan);

	if (depth > MAX_DEPTH)
		return cmz_scan_fail(scan, "nested too deeply");
	switch (c)
	{
		case '"':
			return cmz_scan_string(scan, &span);
		case '{':
			scan->p++;
			while ((more = cmz_scan_next(scan, '}', &first)) > 0)
				if (!cmz_scan_string(scan, &span) ||
					!cmz_scan_char(scan, ':') ||
					!skip_value(scan, depth + 1))
					return false;
			return more == 0;
		case '[':
			scan->p++;
			while ((more = cmz_scan_next(scan, ']', &first)) > 0)
				if (!skip_value(scan, depth + 1))
					return false;
			return more == 0;
		case 't':
			return scan_word(scan, "true");
		case 'f':
			return scan_word(scan, "false");
		case 'n':
			return scan_word(scan, "null");
		default:
			return scan_number(scan, &start, &stop);
	}
}

bool
cmz_scan_skip(CmzScanner *scan)
{
	return skip_value(scan, 0);
}

bool
cmz_json_is_object(const char *data, size_t len)
{
	CmzScanner	scan;

	cmz_scan_init(&scan, data, len);
	return cmz_scan_peek(&scan) == '{' && cmz_scan_skip(&scan) && cmz_scan_end(&scan);
}

bool
cmz_scan_end(CmzScanner *scan)
{
	if (cmz_scan_peek(scan) >= 0)
		return cmz_scan_fail(scan, "text behind the document");
	return true;
}

int
cmz_utf8_encode(uint32 c, char *utf8)
{
	unicode_to_utf8((pg_wchar) c, (unsigned char *) utf8);
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

void
cmz_span_append(StringInfo buf, const CmzSpan *span)
{
	const char *p = span->data;
	const char *end = p + span->len;

	while (span->escaped && p < end)
	{
		const char *slash = memchr(p, '\\', end - p);
		int			used = 1;

		if (slash == NULL)
			break;
		appendBinaryStringInfo(buf, p, slash - p);
		p = slash + 1;
		if (*p == 'u')
		{
			char		utf8[4];
			int			len = cmz_utf8_encode(unicode_escape(p + 1, end, &used), utf8);

			appendBinaryStringInfo(buf, utf8, len);
			used++;
		}
		else
			appendStringInfoChar(buf, simple_escape(*p));
		p += used;
	}
	appendBinaryStringInfo(buf, p, end - p);
}

bool
cmz_span_equals(const CmzSpan *span, const char *s)
{
	StringInfoData buf;
	bool		equal;

	if (!span->escaped)
		return span->len == (int) strlen(s) && memcmp(span->data, s, span->len) == 0;
	initStringInfo(&buf);
	cmz_span_append(&buf, span);
	equal = buf.len == (int) strlen(s) && memcmp(buf.data, s, buf.len) == 0;
	pfree(buf.data);
	return equal;
}
