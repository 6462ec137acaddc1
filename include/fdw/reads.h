/*
 * reads.h
 *	  The reads of a binding, one after the other: Queries, BatchGetItems, Scan.
 */
#ifndef CMZ_READS_H
#define CMZ_READS_H

#include "base/request.h"
#include "fdw/bind.h"

/* One stream of pages. */
typedef struct CmzRead
{
	int			arm;
	const CmzCondition *key;	/* Query; NULL: Scan or BatchGetItem */
	const char *keys;			/* BatchGetItem: the keys as JSON */
} CmzRead;

/* Where we stand in a binding's reads. */
typedef struct CmzReads
{
	const CmzBinding *binding;
	List	   *keys;			/* of several arms: their ItemKeys, each once */
	int			arm;			/* -1: keys come first */
	int64		next;			/* in keys, or of the arm's product */
	int			batch;			/* keys for a BatchGetItem */
} CmzReads;

/* Begin; allocates in the current context.  Raises what an interrupt raises. */
extern void cmz_reads_begin(CmzReads *reads, const CmzBinding *binding);

/* The next read, palloc'd in the current context; false if there is none. */
extern bool cmz_reads_next(CmzReads *reads, CmzRead *read);

/* How many there are. */
extern double cmz_reads_total(const CmzBinding *binding);

#endif							/* CMZ_READS_H */
