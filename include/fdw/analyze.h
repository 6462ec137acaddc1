/*
 * analyze.h
 *	  ANALYZE: a random sample of the items, and how large the table is.
 */
#ifndef CMZ_ANALYZE_H
#define CMZ_ANALYZE_H

#include "foreign/fdwapi.h"

/*
 * Sets *totalpages so that relpages * BLCKSZ is about the table's size in bytes
 * as DynamoDB counts it: relpages * BLCKSZ / reltuples is the size of an item.
 * Raises what DescribeTable raises, but for a lack of permission.
 */
extern bool cmzAnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func,
								   BlockNumber *totalpages);

#endif							/* CMZ_ANALYZE_H */
