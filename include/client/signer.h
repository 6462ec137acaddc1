/*
 * signer.h
 *	  Signs requests for now, by the clock of the service.
 */
#ifndef CMZ_SIGNER_H
#define CMZ_SIGNER_H

#include "client/credentials.h"
#include "client/http.h"
#include "client/service.h"

/* Room for what cmz_signer_sign() adds. */
#define CMZ_SIGNER_HEADERS	4

/*
 * Add Host, X-Amz-Date, the session token and Authorization to the n headers of
 * a POST; returns how many there are then.  What they refer to is palloc'd in the
 * current context.
 */
extern int	cmz_signer_sign(CmzHeader *headers, int n, const CmzService *service,
							const char *url, const char *region,
							const CmzCredentials *credentials,
							const char *payload, size_t payload_len);

/*
 * A service did not take a signature for its date: learn its clock from its
 * answer.  True if that was news, so that another try makes sense.
 */
extern bool cmz_signer_learn_clock(const char *url, const CmzExchange *exchange);

#endif							/* CMZ_SIGNER_H */
