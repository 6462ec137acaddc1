/*
 * batchpath.h
 *	  Paths of the batched join: other tables' rows with a foreign table's, whose
 *	  key they name.
 */
#ifndef CMZ_BATCHPATH_H
#define CMZ_BATCHPATH_H

#include "postgres.h"

/* GUC: offer such paths. */
extern bool cmz_enable_batched_join;

/* To be called from _PG_init. */
extern void cmz_batchpath_install_hook(void);

#endif							/* CMZ_BATCHPATH_H */
