/*
 * write.h
 *	  Sends what INSERT makes.
 *
 * Today each item is written at once by a conditional PutItem; a write set
 * that gathers them until commit will stand behind the same functions.
 */
#ifndef CMZ_WRITE_H
#define CMZ_WRITE_H

#include "client/dynamodb.h"
#include "fdw/item.h"

typedef struct CmzWriter
{
	const CmzTable *table;
	CmzClient  *client;
} CmzWriter;

extern CmzWriter *cmz_writer_create(const CmzTable *table, Oid userid);

/*
 * Store an item that is not there yet; false if there is one of its key.
 * Raises what the call raises.
 */
extern bool cmz_writer_insert(CmzWriter *writer, const CmzItem *item);

#endif							/* CMZ_WRITE_H */
