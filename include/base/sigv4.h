/*
 * sigv4.h
 *	  AWS Signature Version 4, in the stages that AWS names.
 *
 * Source: IAM user guide, "Create a signed AWS API request".
 */
#ifndef CMZ_SIGV4_H
#define CMZ_SIGV4_H

#include "base/base.h"

/* "20250119T120000Z" and the zero */
#define CMZ_AMZ_DATE_SIZE	17
#define CMZ_SHA256_SIZE		32

typedef struct CmzHeader
{
	const char *name;
	const char *value;
} CmzHeader;

/* A request to be signed; all strings are zero-terminated. */
typedef struct CmzSigningRequest
{
	const char *method;			/* "POST" */
	const char *path;			/* as it stands in the URL; "" is "/" */
	const char *region;
	const char *service;		/* "dynamodb" */
	const char *amz_date;		/* YYYYMMDDTHHMMSSZ, UTC */
	const char *access_key_id;
	const char *secret_access_key;
	int			nheaders;
	const CmzHeader *headers;	/* all are signed: host and x-amz-date among them */
	const char *payload;
	size_t		payload_len;
} CmzSigningRequest;

/* The stages; each result is palloc'd. */
extern char *cmz_sigv4_canonical_request(const CmzSigningRequest *request);
extern char *cmz_sigv4_string_to_sign(const CmzSigningRequest *request, const char *canonical);
extern char *cmz_sigv4_authorization(const CmzSigningRequest *request);

/* The host header of a URL: lower case, without a default port. */
extern char *cmz_sigv4_host(const char *url);

/* The path of a URL, as it stands there; "/" if there is none. */
extern char *cmz_sigv4_path(const char *url);

#endif							/* CMZ_SIGV4_H */
