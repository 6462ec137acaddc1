/*
 * itemequal.c
 *	  Are two items the same to DynamoDB?
 *
 * Asked when a write may or may not have been carried out: is the item that
 * stands there now the one that we sent?  It is rare, so jansson's tree will
 * do.
 */
#include "base/base.h"

#include <jansson.h>

#include "base/attribute.h"
#include "base/itemequal.h"
#include "base/jsonscan.h"
#include "base/number.h"

static bool values_equal(json_t *a, json_t *b);

static bool
numbers_equal(json_t *a, json_t *b)
{
	const char *x = json_string_value(a);
	const char *y = json_string_value(b);

	return x && y && cmz_number_compare(x, strlen(x), y, strlen(y)) == 0;
}

/* Sets have no two equal elements, so one way is enough. */
static bool
sets_equal(json_t *a, json_t *b, bool numbers)
{
	size_t		i,
				j;
	json_t	   *x;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, x)
	{
		for (j = 0; j < json_array_size(b); j++)
			if (numbers ? numbers_equal(x, json_array_get(b, j))
				: json_equal(x, json_array_get(b, j)))
				break;
		if (j == json_array_size(b))
			return false;
	}
	return true;
}

static bool
lists_equal(json_t *a, json_t *b)
{
	size_t		i;
	json_t	   *x;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, x)
		if (!values_equal(x, json_array_get(b, i)))
			return false;
	return true;
}

static bool
maps_equal(json_t *a, json_t *b)
{
	const char *name;
	json_t	   *x;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach(a, name, x)
		if (!values_equal(x, json_object_get(b, name)))
			return false;
	return true;
}

/* {"S": "x"} and the like */
static bool
values_equal(json_t *a, json_t *b)
{
	void	   *iter = json_object_iter(a);
	const char *tag = iter ? json_object_iter_key(iter) : NULL;
	json_t	   *x = iter ? json_object_iter_value(iter) : NULL;
	json_t	   *y = tag ? json_object_get(b, tag) : NULL;

	if (y == NULL || json_object_size(a) != 1 || json_object_size(b) != 1)
		return false;
	switch (cmz_type_parse(tag, strlen(tag)))
	{
		case CMZ_TYPE_N:
			return numbers_equal(x, y);
		case CMZ_TYPE_SS:
		case CMZ_TYPE_BS:
			return sets_equal(x, y, false);
		case CMZ_TYPE_NS:
			return sets_equal(x, y, true);
		case CMZ_TYPE_L:
			return lists_equal(x, y);
		case CMZ_TYPE_M:
			return maps_equal(x, y);
		default:
			return json_equal(x, y);
	}
}

static bool
texts_equal(const char *a, size_t alen, const char *b, size_t blen,
			bool (*equal) (json_t *a, json_t *b))
{
	json_error_t error;
	json_t	   *x = json_loadb(a, alen, JSON_ALLOW_NUL, &error);
	json_t	   *y = json_loadb(b, blen, JSON_ALLOW_NUL, &error);
	bool		same = x != NULL && y != NULL && equal(x, y);

	json_decref(x);
	json_decref(y);
	return same;
}

bool
cmz_items_equal(const char *a, size_t alen, const char *b, size_t blen)
{
	return texts_equal(a, alen, b, blen, maps_equal);
}

bool
cmz_values_equal(const char *a, size_t alen, const char *b, size_t blen)
{
	return texts_equal(a, alen, b, blen, values_equal);
}

const char *
cmz_item_of_answer(const char *answer, size_t len, size_t *item_len)
{
	CmzScanner	scan;
	bool		first = true;

	cmz_scan_init(&scan, answer, len);
	if (!cmz_scan_char(&scan, '{'))
		return NULL;
	while (cmz_scan_next(&scan, '}', &first) > 0)
	{
		CmzSpan		name;
		const char *start;

		if (!cmz_scan_string(&scan, &name) || !cmz_scan_char(&scan, ':'))
			return NULL;
		(void) cmz_scan_peek(&scan);
		start = scan.p;
		if (!cmz_scan_skip(&scan))
			return NULL;
		if (cmz_span_equals(&name, "Item"))
		{
			*item_len = scan.p - start;
			return start;
		}
	}
	return NULL;
}
