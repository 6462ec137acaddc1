/*
 * commit.h
 *	  The end of a transaction: its write set becomes requests.
 */
#ifndef CMZ_COMMIT_H
#define CMZ_COMMIT_H

#include "postgres.h"

/* Have the ends of transactions and subtransactions told to us; once a session. */
extern void cmz_commit_register(void);

/*
 * A duplicate key is worth finding before the commit: somebody could catch the
 * error, or go on after a savepoint.
 */
extern bool cmz_commit_is_far(void);

#endif							/* CMZ_COMMIT_H */
