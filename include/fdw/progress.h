/*
 * progress.h
 *	  How far long work is: scans of many pages, and many writes.
 */
#ifndef CMZ_PROGRESS_H
#define CMZ_PROGRESS_H

#include "postgres.h"

#define CMZ_PROGRESS_OPERATION_SIZE	32

/* Work under way, made by who does it. */
typedef struct CmzProgress
{
	Oid			relid;			/* the foreign table, InvalidOid: several */
	const char *operation;
	int64		pages;			/* of writes: requests */
	int64		items;
	double		units;
	int64		segments_done;
	int64		segments_total; /* 0: not known */
	int			slot;			/* -1: not shown yet */
} CmzProgress;

/* To be called from _PG_init. */
extern void cmz_progress_install(void);

/*
 * Work that begins, palloc'd in the current context; when that goes, it has ended.
 * Nobody sees it until the first report.
 */
extern CmzProgress *cmz_progress_create(Oid relid, const char *operation);

/* Show it as it is now.  Nothing happens if too much other work is shown. */
extern void cmz_progress_report(CmzProgress *progress);

#endif							/* CMZ_PROGRESS_H */
