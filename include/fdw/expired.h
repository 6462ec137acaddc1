/*
 * expired.h
 *	  Option hide_expired: items whose time to live has passed are left out.
 */
#ifndef CMZ_EXPIRED_H
#define CMZ_EXPIRED_H

#include "fdw/table.h"
#include "nodes/pathnodes.h"

/*
 * Add the condition to those of the relation, as if the query had it.  Raises
 * FDW_INVALID_COLUMN_NAME if the foreign table has no column for it.
 */
extern RestrictInfo *cmz_expired_hide(PlannerInfo *root, RelOptInfo *rel, const CmzTable *table);

#endif							/* CMZ_EXPIRED_H */
