/*
 * writerequest.h
 *	  One conditional write: from what stands there and what shall stand there to
 *	  PutItem, UpdateItem or DeleteItem.
 *
 * Source: DynamoDB API reference, PutItem, UpdateItem, DeleteItem,
 * TransactWriteItems.
 */
#ifndef CMZ_WRITEREQUEST_H
#define CMZ_WRITEREQUEST_H

#include "base/image.h"
#include "base/layout.h"

/* What a TransactWriteItems takes. */
#define CMZ_MAX_TRANSACT_ITEMS	100
#define CMZ_MAX_TRANSACT_BYTES	(4 * 1024 * 1024)

typedef enum CmzWriteOp
{
	CMZ_WRITE_NOTHING,			/* nothing has to be sent */
	CMZ_WRITE_PUT,
	CMZ_WRITE_UPDATE,
	CMZ_WRITE_DELETE
} CmzWriteOp;

/* All parts are kept by reference. */
typedef struct CmzWrite
{
	const char *table;
	const CmzIndex *keys;		/* of the table */
	CmzOperand	key[2];
	bool		unconditional;	/* a deletion of whatever stands there */
	const CmzImage *base;		/* what stood there when it was read, NULL: no item.
								 * If it is to be deleted or replaced, the key and
								 * the expected attributes are enough. */
	const CmzImage *image;		/* what shall stand there, NULL: no item */
	bool		fresh;			/* image is an item of its own, not base changed */
	bool		skips_duplicates;	/* an item that is there by now is no duplicate,
									 * but a conflict */
	int			nexpected;		/* attributes that must still be as in base; those
								 * that an UPDATE changes are always */
	const char *const *expected;
} CmzWrite;

extern CmzWriteOp cmz_write_op(const CmzWrite *write);

/* "PutItem", and the name within TransactWriteItems: "Put". */
extern const char *cmz_write_operation(CmzWriteOp op);
extern const char *cmz_write_action(CmzWriteOp op);

/*
 * Append the members of the operation, without braces.  False if an expression
 * would be longer, or have more operators, than DynamoDB takes.
 */
extern bool cmz_write_append(StringInfo body, const CmzWrite *write);

/* The size that counts for a TransactWriteItems, in bytes. */
extern size_t cmz_write_size(const CmzWrite *write);

/* What an item that was read tells about a write whose answer was lost. */
typedef enum CmzWriteTrace
{
	CMZ_TRACE_WRITTEN,			/* what was to stand there stands there */
	CMZ_TRACE_UNTOUCHED,		/* what stood there before still does */
	CMZ_TRACE_OTHER				/* neither: others have written since */
} CmzWriteTrace;

/* found: NULL, no item. */
extern CmzWriteTrace cmz_write_trace(const CmzWrite *write, const CmzImage *found);

#endif							/* CMZ_WRITEREQUEST_H */
