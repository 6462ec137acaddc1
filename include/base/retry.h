/*
 * retry.h
 *	  How long to wait before a request is tried again.
 */
#ifndef CMZ_RETRY_H
#define CMZ_RETRY_H

#include "base/base.h"

#define CMZ_RETRY_BASE_MS	50
#define CMZ_RETRY_CAP_MS	20000

/*
 * The delay in milliseconds before attempt n + 1, after n (>= 1) failed ones:
 * exponential back-off with full jitter.  random is uniform in [0, 1).
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
extern int	cmz_retry_delay_ms(int failed_attempts, double random);

#endif							/* CMZ_RETRY_H */
