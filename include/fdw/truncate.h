/*
 * truncate.h
 *	  TRUNCATE: deletes the items of a table one by one.
 */
#ifndef CMZ_TRUNCATE_H
#define CMZ_TRUNCATE_H

#include "foreign/fdwapi.h"

/*
 * Raises OBJECT_NOT_IN_PREREQUISITE_STATE for a table that its option
 * "truncatable" does not allow it for.
 */
extern void cmzExecForeignTruncate(List *rels, DropBehavior behavior, bool restart_seqs);

#endif							/* CMZ_TRUNCATE_H */
