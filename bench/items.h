/*
 * items.h
 *	  Made-up conversations as DynamoDB's JSON, the same every time: of ITEM_BYTES
 *	  bytes with all ten attributes.
 *
 * Item i is of user i / ITEMS_PER_USER, session i / ITEMS_PER_SESSION, and of animal
 * (i / ITEMS_PER_SESSION) % ANIMALS; a second later than item i - 1.  So its number
 * can be told from its time.  Plain C, for all programs of the benchmarks.
 */
#ifndef BENCH_ITEMS_H
#define BENCH_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#define ITEM_BYTES			599
#define ITEM_ATTRIBUTES		10
#define ITEMS_PER_SESSION	10
#define ITEMS_PER_USER		50
#define ITEMS_PER_PARENT	100
#define ANIMALS				100
#define MAX_ITEMS			100000000L
#define ALL_ATTRIBUTES		((1 << ITEM_ATTRIBUTES) - 1)

/* What DynamoDB counts of an item: names and values, without JSON's punctuation. */
#define ITEM_COUNTED_BYTES	472

/* In the order in which they stand in an item. */
typedef enum ItemAttribute
{
	ITEM_TOKENS_USED,
	ITEM_SESSION_ID_TIMESTAMP,
	ITEM_MESSAGE_TYPE,
	ITEM_TTL,
	ITEM_PARENT_USER_ID,
	ITEM_SESSION_ID,
	ITEM_CONTENT,
	ITEM_ANIMAL_ID,
	ITEM_USER_ID,
	ITEM_TIMESTAMP
} ItemAttribute;

extern const char *const item_names[ITEM_ATTRIBUTES];

/* The time of item 0, as Unix seconds: a midnight.  2025-01-19 unless set. */
extern long item_epoch;

/*
 * Write item i as JSON with the attributes of the mask (1 << ItemAttribute); gives
 * its end.  Writes at most ITEM_BYTES bytes and no zero.
 */
extern char *item_write(char *out, long i, unsigned mask);

/* The same as a row of COPY FROM: its attributes but the two that derive from others. */
extern char *item_write_row(char *out, long i);

/* The number of the item with such a "timestamp" (or what ends in one), -1: none. */
extern long item_of_time(const char *text, size_t len);

/* The attribute of that name, -1: none. */
extern int	item_attribute(const char *name, size_t len);

#endif							/* BENCH_ITEMS_H */
