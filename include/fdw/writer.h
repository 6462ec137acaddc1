/*
 * writer.h
 *	  Where the writes of one statement go: into the write set, or out at once.
 *
 * Both say the same of the same rows; they differ in when, and in what ROLLBACK
 * can do.
 */
#ifndef CMZ_WRITER_H
#define CMZ_WRITER_H

#include "fdw/item.h"
#include "fdw/pipeline.h"
#include "fdw/writeset.h"

typedef struct CmzWriter
{
	const CmzTable *table;
	Oid			userid;
	CommandId	cid;			/* of the statement */
	bool		skips_duplicates;	/* ON CONFLICT DO NOTHING */
	int			nexpected;		/* attributes that the statement relies on */
	const char **expected;
	bool		expects_all;	/* ... on the whole item */
	CmzClient  *client;
	CmzPipeline *pipeline;		/* write_mode 'immediate', else NULL */
	struct HTAB *written;		/* ... items that the statement has changed */
	MemoryContext context;		/* of what lives as long as the statement */
} CmzWriter;

/*
 * A writer for one statement, palloc'd in the current context, in which its
 * requests will live too.
 */
extern CmzWriter *cmz_writer_create(const CmzTable *table, Oid userid, CommandId cid);

/*
 * Before a row's item is made: the context to make it in.  Raises what earlier
 * writes raise.
 */
extern MemoryContext cmz_writer_begin(CmzWriter *writer, MemoryContext row_context);

/*
 * Insert items; taken[i] is set where there is one of its key already.  That is an
 * error (UNIQUE_VIOLATION) unless the writer skips duplicates.  In immediate mode
 * one item at a time, in its own context, and both come later: at
 * cmz_writer_finish at the latest.
 */
extern void cmz_writer_insert(CmzWriter *writer, int n, CmzItem *const *items, bool *taken);

/*
 * Change or (item NULL) delete the item that was read as before.  False: this
 * statement has done so already, the row is to be passed over.  Raises
 * TRIGGERED_DATA_CHANGE_VIOLATION if a statement within this one has, and
 * UNIQUE_VIOLATION if the item is to move to a key that is taken.
 */
extern bool cmz_writer_change(CmzWriter *writer, const CmzSpan *before, const CmzItem *item);

/* Delete the item of a key (with what identifies it as JSON), whatever it holds. */
extern void cmz_writer_delete_key(CmzWriter *writer, const CmzOperand *key, const CmzSpan *json);

/*
 * Take back an item that only this transaction knows; not in immediate mode.
 */
extern void cmz_writer_forget_key(CmzWriter *writer, const CmzOperand *key);

/* The statement ends.  Raises what its writes raise. */
extern void cmz_writer_finish(CmzWriter *writer);

#endif							/* CMZ_WRITER_H */
