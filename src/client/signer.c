/*
 * signer.c
 *	  Signs requests for now, by the clock of the service.
 *
 * A signature is good for some minutes.  Where this machine's clock is wrong the
 * service's answer says what time it is there; the difference is kept for each
 * endpoint by itself, so that one cannot put another out of step.
 */
#include "postgres.h"

#include <time.h>

#include "client/signer.h"
#include "utils/memutils.h"

/* Smaller differences are not what a signature is refused for. */
#define MIN_SKEW_S		60
#define MAX_ENDPOINTS	16

typedef struct EndpointClock
{
	char	   *host;
	long		skew_s;			/* what to add to our clock */
} EndpointClock;

static EndpointClock clocks[MAX_ENDPOINTS];
static int	nclocks = 0;

static EndpointClock *
find_clock(const char *host)
{
	for (int i = 0; i < nclocks; i++)
		if (strcmp(clocks[i].host, host) == 0)
			return &clocks[i];
	return NULL;
}

static void
format_amz_date(char date[CMZ_AMZ_DATE_SIZE], const char *host)
{
	const EndpointClock *clock = find_clock(host);
	time_t		now = time(NULL) + (clock ? clock->skew_s : 0);
	struct tm	utc;

	gmtime_r(&now, &utc);
	strftime(date, CMZ_AMZ_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

int
cmz_signer_sign(CmzHeader *headers, int n, const CmzService *service, const char *url,
				const char *region, const CmzCredentials *credentials,
				const char *payload, size_t payload_len)
{
	char	   *host = cmz_sigv4_host(url);
	char	   *date = palloc(CMZ_AMZ_DATE_SIZE);
	CmzSigningRequest request = {0};

	format_amz_date(date, host);
	headers[n++] = (CmzHeader) {"Host", host};
	headers[n++] = (CmzHeader) {"X-Amz-Date", date};
	if (credentials->session_token)
		headers[n++] = (CmzHeader) {"X-Amz-Security-Token", credentials->session_token};
	request.method = "POST";
	request.path = cmz_sigv4_path(url);
	request.region = region;
	request.service = service->signing_name;
	request.amz_date = date;
	request.access_key_id = credentials->access_key_id;
	request.secret_access_key = credentials->secret_access_key;
	request.nheaders = n;
	request.headers = headers;
	request.payload = payload;
	request.payload_len = payload_len;
	headers[n++] = (CmzHeader) {"Authorization", cmz_sigv4_authorization(&request)};
	return n;
}

bool
cmz_signer_learn_clock(const char *url, const CmzExchange *exchange)
{
	char	   *host = cmz_sigv4_host(url);
	EndpointClock *clock = find_clock(host);
	time_t		theirs = curl_getdate(exchange->date, NULL);
	long		skew_s = (long) (theirs - time(NULL));

	if (theirs <= 0 || labs(skew_s - (clock ? clock->skew_s : 0)) < MIN_SKEW_S)
		return false;
	if (clock == NULL)
	{
		if (nclocks == MAX_ENDPOINTS)
			return false;
		clock = &clocks[nclocks];
		clock->host = MemoryContextStrdup(TopMemoryContext, host);
		nclocks++;
	}
	clock->skew_s = skew_s;
	ereport(DEBUG1,
			(errmsg_internal("the clock of %s differs by %ld s from this machine's", host, skew_s)));
	return true;
}
