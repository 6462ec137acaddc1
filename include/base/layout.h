/*
 * layout.h
 *	  A table's keys and indexes, as the options "key" and "indexes" say them.
 *
 * key:      partition [, sort]
 * indexes:  none | Name (partition [, sort]) [local] [keys_only]
 *           [include (a, b)] [complete] [, ...]
 * An attribute's name with other characters than letters, digits, _ - and .
 * stands in double quotes, a quote in it doubled.  An index's name has no others,
 * and 3 to 255 of them: statistics keep it in as much room, as it is.
 */
#ifndef CMZ_LAYOUT_H
#define CMZ_LAYOUT_H

#include "base/base.h"

typedef enum CmzProjection
{
	CMZ_PROJECT_ALL,
	CMZ_PROJECT_KEYS_ONLY,
	CMZ_PROJECT_INCLUDE
} CmzProjection;

/* The table itself, or one of its indexes. */
typedef struct CmzIndex
{
	char	   *name;			/* NULL: the table */
	char	   *partition_key;
	char	   *sort_key;		/* NULL: none */
	bool		local;			/* a local secondary index */
	bool		complete;		/* the user vouches that it holds every item */
	CmzProjection projection;
	int			ninclude;
	char	  **include;		/* attributes projected besides the keys */
} CmzIndex;

typedef struct CmzLayout
{
	CmzIndex	table;
	int			nindexes;
	CmzIndex   *indexes;
	bool		conversation;	/* keyed as the conversation data model is */
} CmzLayout;

/*
 * Parse both options; a NULL key is the conversation layout's, a NULL list of
 * indexes is the three of the guide there and none elsewhere.  Everything is
 * palloc'd.  false with *error (palloc'd, a sentence for errdetail).
 */
extern bool cmz_layout_parse(const char *key, const char *indexes, CmzLayout *layout, char **error);

/* Print the options again, so that they parse to the same. */
extern void cmz_layout_print_key(StringInfo buf, const CmzIndex *index);
extern void cmz_layout_print_indexes(StringInfo buf, const CmzLayout *layout);

/* The index of that name, NULL if there is none. */
extern const CmzIndex *cmz_layout_index(const CmzLayout *layout, const char *name);

/* These are the keys of the conversation data model's table. */
extern bool cmz_index_is_conversation(const CmzIndex *table);

/* The attribute is a key of the index. */
extern bool cmz_index_has_key(const CmzIndex *index, const char *attribute);

/* The index (of this layout) carries the attribute. */
extern bool cmz_index_projects(const CmzLayout *layout, const CmzIndex *index,
							   const char *attribute);

#endif							/* CMZ_LAYOUT_H */
