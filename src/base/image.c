/*
 * image.c
 *	  An item as a list of its attributes, to be changed and written.
 *
 * Items have few attributes, so names are looked for one by one.
 */
#include "base/base.h"

#include "base/image.h"
#include "base/itemequal.h"
#include "base/json.h"
#include "common/base64.h"

static CmzImageAttribute *
add_attribute(CmzImage *image)
{
	if (image->n == image->max)
	{
		image->max = Max(16, image->max * 2);
		image->attributes = image->attributes
			? repalloc(image->attributes, sizeof(CmzImageAttribute) * image->max)
			: palloc(sizeof(CmzImageAttribute) * image->max);
	}
	return &image->attributes[image->n++];
}

bool
cmz_image_parse(CmzImage *image, const char *json, size_t len)
{
	CmzScanner	scan;
	bool		first = true;
	int			more;

	memset(image, 0, sizeof(*image));
	cmz_scan_init(&scan, json, len);
	if (!cmz_scan_char(&scan, '{'))
		return false;
	while ((more = cmz_scan_next(&scan, '}', &first)) > 0)
	{
		CmzImageAttribute *attribute = add_attribute(image);
		CmzSpan		name;
		CmzValue	value;
		StringInfoData buf;

		if (!cmz_scan_string(&scan, &name) || !cmz_scan_char(&scan, ':'))
			return false;
		initStringInfo(&buf);
		cmz_span_append(&buf, &name);
		if (strlen(buf.data) != buf.len)
			return false;
		attribute->name = buf.data;
		(void) cmz_scan_peek(&scan);
		attribute->value = scan.p;
		if (!cmz_value_read(&scan, &value))
			return false;
		attribute->len = scan.p - attribute->value;
	}
	return more == 0 && cmz_scan_end(&scan);
}

const CmzImageAttribute *
cmz_image_find(const CmzImage *image, const char *name)
{
	for (int i = 0; image != NULL && i < image->n; i++)
		if (strcmp(image->attributes[i].name, name) == 0)
			return &image->attributes[i];
	return NULL;
}

void
cmz_image_set(CmzImage *image, const char *name, const char *value, int len)
{
	CmzImageAttribute *attribute = unconstify(CmzImageAttribute *, cmz_image_find(image, name));

	if (attribute == NULL)
	{
		attribute = add_attribute(image);
		attribute->name = name;
	}
	attribute->value = value;
	attribute->len = len;
}

void
cmz_image_remove(CmzImage *image, const char *name)
{
	CmzImageAttribute *attribute = unconstify(CmzImageAttribute *, cmz_image_find(image, name));

	if (attribute == NULL)
		return;
	image->n--;
	memmove(attribute, attribute + 1,
			sizeof(CmzImageAttribute) * (&image->attributes[image->n] - attribute));
}

bool
cmz_image_same(const CmzImage *a, const CmzImage *b, const char *name)
{
	const CmzImageAttribute *x = cmz_image_find(a, name);
	const CmzImageAttribute *y = cmz_image_find(b, name);

	if (x == NULL || y == NULL)
		return x == y;
	return (x->len == y->len && memcmp(x->value, y->value, x->len) == 0) ||
		cmz_values_equal(x->value, x->len, y->value, y->len);
}

/* The bytes of a B. */
static void
append_bytes(StringInfo buf, const CmzSpan *span)
{
	StringInfoData text;
	int			n;

	initStringInfo(&text);
	cmz_span_append(&text, span);
	enlargeStringInfo(buf, pg_b64_dec_len(text.len));
	n = pg_b64_decode(text.data, text.len, (void *) (buf->data + buf->len),
					  pg_b64_dec_len(text.len));
	buf->len += Max(n, 0);
	buf->data[buf->len] = '\0';
	pfree(text.data);
}

bool
cmz_value_to_operand(const CmzValue *value, CmzOperand *operand)
{
	StringInfoData buf;

	if (value->type < CMZ_TYPE_S || value->type > CMZ_TYPE_B)
		return false;
	initStringInfo(&buf);
	if (value->type == CMZ_TYPE_B)
		append_bytes(&buf, &value->span);
	else
		cmz_span_append(&buf, &value->span);
	*operand = (CmzOperand) {value->type, buf.data, buf.len, false};
	return true;
}

bool
cmz_image_operand(const CmzImage *image, const char *name, CmzOperand *operand)
{
	const CmzImageAttribute *attribute = cmz_image_find(image, name);
	CmzScanner	scan;
	CmzValue	value;

	if (attribute == NULL)
		return false;
	cmz_scan_init(&scan, attribute->value, attribute->len);
	return cmz_value_read(&scan, &value) && cmz_value_to_operand(&value, operand);
}

static int
span_size(const CmzSpan *span)
{
	StringInfoData buf;
	int			len = span->len;

	if (!span->escaped)
		return len;
	initStringInfo(&buf);
	cmz_span_append(&buf, span);
	len = buf.len;
	pfree(buf.data);
	return len;
}

/* Two digits a byte, one byte more, and another for a minus sign. */
static int
number_size(const CmzSpan *span)
{
	int			first = -1;
	int			last = -1;
	int			n = 0;

	for (int i = 0; i < span->len && span->data[i] != 'e' && span->data[i] != 'E'; i++)
	{
		if (span->data[i] < '0' || span->data[i] > '9')
			continue;
		n++;
		if (span->data[i] == '0')
			continue;
		if (first < 0)
			first = n;
		last = n;
	}
	if (first < 0)
		return 1;
	return (last - first + 2) / 2 + 1 + (span->data[0] == '-');
}

/* Depth is bounded: cmz_value_read has seen the value. */
static size_t
value_size(const CmzValue *value)
{
	bool		document = value->type == CMZ_TYPE_M || value->type == CMZ_TYPE_L;
	size_t		size = document ? 3 : 0;
	CmzScanner	scan;
	CmzSpan		name = {0};
	CmzValue	element;
	bool		first = true;

	switch (value->type)
	{
		case CMZ_TYPE_S:
			return span_size(&value->span);
		case CMZ_TYPE_N:
			return number_size(&value->span);
		case CMZ_TYPE_B:
			/* padding makes it two bytes less at most */
			return value->span.len / 4 * 3 -
				(value->span.len > 0 && value->span.data[value->span.len - 1] == '=') -
				(value->span.len > 1 && value->span.data[value->span.len - 2] == '=');
		case CMZ_TYPE_BOOL:
		case CMZ_TYPE_NULL:
			return 1;
		default:
			break;
	}
	cmz_elements_begin(&scan, value, &first);
	while (cmz_elements_next(&scan, value, &first, &name, &element) > 0)
		size += value_size(&element) + document +
			(value->type == CMZ_TYPE_M ? span_size(&name) : 0);
	return size;
}

size_t
cmz_image_size(const CmzImage *image, const char **largest)
{
	size_t		total = 0;
	size_t		most = 0;

	*largest = NULL;
	for (int i = 0; i < image->n; i++)
	{
		const CmzImageAttribute *attribute = &image->attributes[i];
		CmzScanner	scan;
		CmzValue	value;
		size_t		size = strlen(attribute->name);

		cmz_scan_init(&scan, attribute->value, attribute->len);
		if (cmz_value_read(&scan, &value))
			size += value_size(&value);
		if (size > most)
		{
			most = size;
			*largest = attribute->name;
		}
		total += size;
	}
	return total;
}

void
cmz_image_append_json(StringInfo buf, const CmzImage *image)
{
	appendStringInfoChar(buf, '{');
	for (int i = 0; i < image->n; i++)
	{
		cmz_json_append_name(buf, image->attributes[i].name);
		appendBinaryStringInfo(buf, image->attributes[i].value, image->attributes[i].len);
	}
	appendStringInfoChar(buf, '}');
}
