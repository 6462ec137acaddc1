/*
 * decoder.c
 *	  How fast the item reader walks pages of conversations, beside jansson.
 *
 * usage: decoder [PAGES]
 * Both read the same pages in one run, in turn; the figures are medians.
 */
#include "base/base.h"

#include <jansson.h>
#include <time.h>

#include "base/crc32.h"
#include "base/itemreader.h"
#include "items.h"

#define ROUNDS 15

/* A page of about a megabyte, as DynamoDB sends it. */
static void
make_page(StringInfo buf, int items)
{
	initStringInfo(buf);
	appendStringInfo(buf, "{\"Count\":%d,\"Items\":[", items);
	for (int i = 0; i < items; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ',');
		enlargeStringInfo(buf, ITEM_BYTES + 1);
		buf->len = item_write(buf->data + buf->len, i, ALL_ATTRIBUTES) - buf->data;
	}
	appendStringInfo(buf, "],\"LastEvaluatedKey\":{\"userId\":{\"S\":\"x\"}},\"ScannedCount\":%d}", items);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b);
}

static double
read_with(int wanted, const char *const *names, const StringInfoData *page, int pages)
{
	CmzItemReader *reader = cmz_item_reader_create(wanted, names, false);
	CmzPage		state;
	CmzAttribute attribute;
	double		start = now();
	int64		bytes = 0;

	for (int i = 0; i < pages; i++)
	{
		if (!cmz_page_open(&state, page->data, page->len))
			exit(1);
		while (cmz_page_next_item(&state, reader) > 0)
			while (cmz_item_next_attribute(reader, &attribute) > 0)
				bytes += attribute.value.span.len;
		if (state.error)
			exit(1);
	}
	if (bytes == 0)
		exit(1);
	return (double) page->len * pages / (now() - start) / 1e6;
}

static double
parse_with_jansson(const StringInfoData *page, int pages)
{
	double		start = now();
	json_error_t error;

	for (int i = 0; i < pages; i++)
	{
		json_t	   *tree = json_loadb(page->data, page->len, 0, &error);

		if (tree == NULL)
			exit(1);
		json_decref(tree);
	}
	return (double) page->len * pages / (now() - start) / 1e6;
}

static double
check_crc(const StringInfoData *page, int pages)
{
	uint32		sum = 0;
	double		start = now();

	for (int i = 0; i < pages; i++)
		sum += cmz_crc32(page->data, page->len) | 1;
	if (sum == 0)
		exit(1);
	return (double) page->len * pages / (now() - start) / 1e6;
}

int
main(int argc, char **argv)
{
	int			pages = Max(argc > 1 ? atoi(argv[1]) : 50, 1);
	double		mbs[4][ROUNDS];
	StringInfoData page;

	make_page(&page, 1500);
	for (int round = 0; round < ROUNDS; round++)
	{
		mbs[0][round] = read_with(ITEM_ATTRIBUTES, item_names, &page, pages);
		mbs[1][round] = read_with(2, item_names + ITEM_ANIMAL_ID, &page, pages);
		mbs[2][round] = parse_with_jansson(&page, Max(pages / 10, 1));
		mbs[3][round] = check_crc(&page, pages);
	}
	for (int i = 0; i < 4; i++)
		qsort(mbs[i], ROUNDS, sizeof(double), compare);
	printf("page of %d bytes, 1500 items of 10 attributes; medians of %d rounds\n", page.len, ROUNDS);
	printf("%-28s %8.0f MB/s\n", "item reader, 10 attributes", mbs[0][ROUNDS / 2]);
	printf("%-28s %8.0f MB/s\n", "item reader, 2 attributes", mbs[1][ROUNDS / 2]);
	printf("%-28s %8.0f MB/s\n", "jansson, the tree alone", mbs[2][ROUNDS / 2]);
	printf("%-28s %8.0f MB/s\n", "crc32", mbs[3][ROUNDS / 2]);
	printf("item reader / jansson: %.1f\n", mbs[0][ROUNDS / 2] / mbs[2][ROUNDS / 2]);
	return 0;
}
