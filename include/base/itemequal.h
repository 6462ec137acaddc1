/*
 * itemequal.h
 *	  Are two items the same to DynamoDB?
 */
#ifndef CMZ_ITEMEQUAL_H
#define CMZ_ITEMEQUAL_H

#include "base/base.h"

/*
 * Compare two items in their JSON form: numbers by value, sets and maps
 * without order.  False also if either is no JSON.
 */
extern bool cmz_items_equal(const char *a, size_t alen, const char *b, size_t blen);

/* The same for two AttributeValues. */
extern bool cmz_values_equal(const char *a, size_t alen, const char *b, size_t blen);

/* The span of member "Item" of a GetItem answer; NULL if there is none. */
extern const char *cmz_item_of_answer(const char *answer, size_t len, size_t *item_len);

#endif							/* CMZ_ITEMEQUAL_H */
