/*
 * build.h
 *	  Inside of item.c and its neighbours: an item under construction.
 *
 * An attribute is one that the row gives or changes; those of the item before
 * that stay as they are stand in its image only.
 */
#ifndef CMZ_BUILD_H
#define CMZ_BUILD_H

#include "fdw/item.h"

typedef struct CmzBuildAttribute
{
	const char *name;
	const CmzColumn *column;	/* NULL: no column shows it */
	bool		removed;		/* UPDATE: the item is not to have it any more */
	bool		scalar;			/* operand holds it, else json */
	CmzOperand	operand;
	StringInfoData json;
} CmzBuildAttribute;

typedef struct CmzBuild
{
	CmzItemBuilder *builder;
	const CmzTable *table;
	TupleTableSlot *slot;
	CmzImage   *before;			/* UPDATE: the item as it was, else NULL */
	int			n;
	int			max;
	CmzBuildAttribute *attributes;
	bool		filled;			/* the slot's values have been added to */
} CmzBuild;

/* item.c */

/* How a message names an attribute: by its column, if it has one, or rest['id']. */
extern char *cmz_build_column_name(const CmzBuild *build, const char *attribute);

/* The attribute if the row gives or changes it, else NULL. */
extern CmzBuildAttribute *cmz_build_find(CmzBuild *build, const char *name);

/* Add one; it is not there yet.  The next one may move it. */
extern CmzBuildAttribute *cmz_build_add(CmzBuild *build, const char *name);

/* Add the attribute of a column; two columns of one attribute must agree. */
extern void cmz_build_add_column(CmzBuild *build, const CmzColumn *column, bool removed);

/* Add or set one that follows from others, and show it in the row. */
extern void cmz_build_set(CmzBuild *build, const char *name, CmzOperand operand);

/* The new value of an attribute of the item (palloc'd), NULL if it has none. */
extern const CmzOperand *cmz_build_string(CmzBuild *build, const char *name);
extern const CmzOperand *cmz_build_required_string(CmzBuild *build, const char *name);

/* The attributes that the row gives or changes, into the image. */
extern void cmz_build_apply(CmzBuild *build, CmzImage *image);

/* The image is complete: its key, its size, its JSON. */
extern void cmz_build_finish(CmzBuild *build, CmzItem *item);

/* extra.c */

/*
 * Add the members of the column of all other attributes; of an UPDATE only those
 * that differ from what was shown before, and those that are missing are removed.
 */
extern void cmz_build_extra(CmzBuild *build);

/* model.c */

/* Complete a new conversation: timestamp, composite key, ttl. */
extern void cmz_model_complete(CmzBuild *build);

/* Adjust the composite key of a conversation that is changed. */
extern void cmz_model_adjust(CmzBuild *build);

/* Keys of the table and of its indexes, as DynamoDB wants them. */
extern void cmz_model_check_keys(CmzBuild *build);

#endif							/* CMZ_BUILD_H */
