/*
 * image.h
 *	  An item as a list of its attributes, to be changed and written.
 *
 * Values stay as they stood in the JSON, so that what nobody changes goes back
 * byte for byte.
 */
#ifndef CMZ_IMAGE_H
#define CMZ_IMAGE_H

#include "base/condition.h"
#include "base/itemreader.h"

typedef struct CmzImageAttribute
{
	const char *name;			/* UTF-8, escapes undone */
	const char *value;			/* an AttributeValue as JSON */
	int			len;
} CmzImageAttribute;

typedef struct CmzImage
{
	int			n;
	int			max;
	CmzImageAttribute *attributes;
} CmzImage;

/*
 * Take an item's JSON apart.  Names are palloc'd, values point into json.
 * False if it is no item, or has a name with U+0000.
 */
extern bool cmz_image_parse(CmzImage *image, const char *json, size_t len);

/* NULL if the item (or image, which may be NULL) has no such attribute. */
extern const CmzImageAttribute *cmz_image_find(const CmzImage *image, const char *name);

/* Set or add an attribute; name and value are kept by reference. */
extern void cmz_image_set(CmzImage *image, const char *name, const char *value, int len);
extern void cmz_image_remove(CmzImage *image, const char *name);

/* Both have the attribute with equal values, or neither has it. */
extern bool cmz_image_same(const CmzImage *a, const CmzImage *b, const char *name);

/* A value as an operand (palloc'd); false if it is neither S, N nor B. */
extern bool cmz_value_to_operand(const CmzValue *value, CmzOperand *operand);

/*
 * The attribute as an operand (palloc'd); false if there is none, or it is
 * neither S, N nor B.
 */
extern bool cmz_image_operand(const CmzImage *image, const char *name, CmzOperand *operand);

/*
 * The item's size in bytes as DynamoDB counts it, and which attribute is the
 * largest.  Source: developer guide, "DynamoDB item sizes and formats".
 */
extern size_t cmz_image_size(const CmzImage *image, const char **largest);

extern void cmz_image_append_json(StringInfo buf, const CmzImage *image);

#endif							/* CMZ_IMAGE_H */
