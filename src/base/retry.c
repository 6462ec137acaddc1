/*
 * retry.c
 *	  How long to wait before a request is tried again.
 */
#include "base/base.h"

#include "base/retry.h"

int
cmz_retry_delay_ms(int failed_attempts, double random)
{
	int			shift = Min(failed_attempts - 1, 20);
	int64		ceiling = Min((int64) CMZ_RETRY_BASE_MS << shift, CMZ_RETRY_CAP_MS);

	return (int) (random * ceiling);
}
