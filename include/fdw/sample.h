/*
 * sample.h
 *	  A random sample of rows that come in clusters.
 */
#ifndef CMZ_SAMPLE_H
#define CMZ_SAMPLE_H

#include "access/htup.h"
#include "utils/sampling.h"

typedef struct CmzSample
{
	HeapTuple  *rows;			/* the caller's, room for target */
	int		   *clusters;		/* of each row */
	int			nrows;
	int			target;
	double		seen;			/* rows that were offered */
	double		skip;			/* rows to pass over, below 0: to be drawn */
	ReservoirStateData reservoir;
} CmzSample;

/* A sample of up to target rows; palloc'd, rows is the caller's array. */
extern CmzSample *cmz_sample_create(HeapTuple *rows, int target);

/* Forget the rows. */
extern void cmz_sample_reset(CmzSample *sample);

/*
 * Another row is at hand: where to put it by cmz_sample_put, or -1 if it is not
 * in the sample.  Each row that was offered has the same chance.
 */
extern int	cmz_sample_place(CmzSample *sample);

/* Put a palloc'd row there; the rows of a cluster have the same number. */
extern void cmz_sample_put(CmzSample *sample, int place, HeapTuple row, int cluster);

/*
 * Only this fraction (above 0, up to 1) of all clusters was offered, and whole
 * ones.  Leave out rows until values occur as often as if the rows had been
 * drawn one by one from all clusters; but keep about at_least of them.
 */
extern void cmz_sample_spread(CmzSample *sample, double fraction, int at_least);

#endif							/* CMZ_SAMPLE_H */
