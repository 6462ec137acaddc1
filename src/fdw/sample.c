/*
 * sample.c
 *	  A random sample of rows that come in clusters.
 *
 * ANALYZE estimates the number of distinct values from how often the values of
 * a sample repeat, and takes the sample for rows drawn one by one.  Rows that
 * were read by the cluster (all items of a partition key, say) repeat too much:
 * 300 rows of 6 users look like a table of 6 users.
 *
 * So rows are left out again.  Drawn one by one with a chance of p, a cluster of
 * s rows would have been hit with a chance of h = 1 - (1-p)^s, and then with at
 * least one row.  Of all clusters the fraction f was read.  Keeping a cluster
 * with a chance of h/f, and of its rows as many as if each had a chance of p
 * and one was hit at least, gives what a draw from all clusters gives.  The
 * largest p with h <= f for nearly all clusters is the best: more rows than
 * clusters tell nothing new about clusters.  An outsized cluster is likely to be
 * a frequent value: of it, the right share of rows is kept.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "common/pg_prng.h"
#include "fdw/sample.h"

/* Nearly all clusters are at most as large as that percentile. */
#define USUAL_PERCENTILE	90

/* Outsized: the chance to be hit is so many times what can be given. */
#define OUTSIZED			2

/* A row of the sample while it is put in the order of clusters. */
typedef struct ClusterRow
{
	int			cluster;
	HeapTuple	row;
} ClusterRow;

CmzSample *
cmz_sample_create(HeapTuple *rows, int target)
{
	CmzSample  *sample = palloc0(sizeof(CmzSample));

	sample->rows = rows;
	sample->target = target;
	sample->clusters = palloc(sizeof(int) * Max(target, 1));
	sample->skip = -1;
	reservoir_init_selection_state(&sample->reservoir, target);
	return sample;
}

void
cmz_sample_reset(CmzSample *sample)
{
	for (int i = 0; i < sample->nrows; i++)
		heap_freetuple(sample->rows[i]);
	sample->nrows = 0;
	sample->seen = 0;
	sample->skip = -1;
	reservoir_init_selection_state(&sample->reservoir, sample->target);
}

/* Vitter's algorithm, as in the server's own acquire_sample_rows(). */
int
cmz_sample_place(CmzSample *sample)
{
	int			place = -1;

	if (sample->nrows < sample->target)
		place = sample->nrows;
	else
	{
		if (sample->skip < 0)
			sample->skip = reservoir_get_next_S(&sample->reservoir, sample->seen, sample->target);
		if (sample->skip <= 0)
			place = (int) (sample->target * sampler_random_fract(&sample->reservoir.randstate));
		sample->skip -= 1;
	}
	sample->seen += 1;
	return place;
}

void
cmz_sample_put(CmzSample *sample, int place, HeapTuple row, int cluster)
{
	if (place < sample->nrows)
		heap_freetuple(sample->rows[place]);
	else
		sample->nrows++;
	sample->rows[place] = row;
	sample->clusters[place] = cluster;
}

static int
compare_clusters(const void *a, const void *b)
{
	int			left = ((const ClusterRow *) a)->cluster;
	int			right = ((const ClusterRow *) b)->cluster;

	return left < right ? -1 : left > right;
}

/* 1 - (1-p)^n, also where p is tiny. */
static double
chance_of_any(double p, int n)
{
	return p >= 1 ? 1 : -expm1(n * log1p(-p));
}

/*
 * Keep rows of one cluster, of size n: append them to the sample, and free the
 * others.
 */
static void
keep_of_cluster(CmzSample *sample, ClusterRow *rows, int n, double p, double fraction)
{
	pg_prng_state *random = &sample->reservoir.randstate;
	double		hit = chance_of_any(p, n);
	bool		is_outsized = hit >= OUTSIZED * fraction;
	bool		is_out = sampler_random_fract(random) >= hit / fraction;
	bool		any = is_outsized;

	for (int i = 0; i < n; i++)
	{
		double		chance = is_outsized ? p / fraction : p;

		/* the first row that is kept must come before the last has passed */
		if (!any)
			chance /= chance_of_any(p, n - i);
		if (!is_out && sampler_random_fract(random) < chance)
		{
			any = true;
			sample->clusters[sample->nrows] = rows[i].cluster;
			sample->rows[sample->nrows++] = rows[i].row;
		}
		else
			heap_freetuple(rows[i].row);
	}
}

static int
compare_ints(const void *a, const void *b)
{
	int			left = *(const int *) a;
	int			right = *(const int *) b;

	return left < right ? -1 : left > right;
}

/* The size that nearly all clusters have at most; the rows are in order. */
static int
usual_size(const ClusterRow *rows, int n)
{
	int		   *sizes = palloc(sizeof(int) * n);
	int			nclusters = 0;
	int			size;

	for (int i = 0; i < n; i++)
	{
		if (i == 0 || rows[i].cluster != rows[i - 1].cluster)
			sizes[nclusters++] = 0;
		sizes[nclusters - 1]++;
	}
	qsort(sizes, nclusters, sizeof(int), compare_ints);
	size = sizes[(int) ((nclusters - 1) * (USUAL_PERCENTILE / 100.0))];
	pfree(sizes);
	return size;
}

void
cmz_sample_spread(CmzSample *sample, double fraction, int at_least)
{
	int			n = sample->nrows;
	ClusterRow *rows;
	double		p;

	if (n == 0 || fraction >= 1)
		return;
	rows = palloc(sizeof(ClusterRow) * n);
	for (int i = 0; i < n; i++)
		rows[i] = (ClusterRow) {sample->clusters[i], sample->rows[i]};
	qsort(rows, n, sizeof(ClusterRow), compare_clusters);
	p = -expm1(log1p(-fraction) / usual_size(rows, n));
	p = Max(p, fraction * Min((double) at_least / n, 1));

	sample->nrows = 0;
	for (int i = 0, end; i < n; i = end)
	{
		for (end = i + 1; end < n && rows[end].cluster == rows[i].cluster;)
			end++;
		keep_of_cluster(sample, &rows[i], end - i, p, fraction);
	}
	pfree(rows);
}
