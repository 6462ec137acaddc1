/*
 * service.h
 *	  The services of AWS that we call, and where they are.
 */
#ifndef CMZ_SERVICE_H
#define CMZ_SERVICE_H

#include "postgres.h"

typedef struct CmzService
{
	const char *name;			/* for people: "DynamoDB" */
	const char *signing_name;	/* in the signature's scope: "dynamodb" */
	const char *action_prefix;	/* of actions in IAM policies: "dynamodb" */
	const char *host;			/* before ".REGION.amazonaws.com" */
	const char *endpoint_variable;	/* of the environment: its own endpoint */
	const char *content_type;
	const char *target_prefix;	/* of X-Amz-Target; NULL: the operation is a
								 * parameter of a form (the query protocol) */
} CmzService;

extern const CmzService cmz_service_dynamodb;
extern const CmzService cmz_service_streams;
extern const CmzService cmz_service_sts;
extern const CmzService cmz_service_cloudwatch;
extern const CmzService cmz_service_kms;
extern const CmzService cmz_service_sso;

/* The service's public endpoint in a region, palloc'd. */
extern char *cmz_service_regional_endpoint(const CmzService *service, const char *region);

/*
 * The endpoint that the environment names for the service: its own variable, or
 * AWS_ENDPOINT_URL; NULL if none does.  *variable, if not NULL, is which one.
 * Source: AWS SDKs and Tools reference guide, "Service-specific endpoints".
 */
extern const char *cmz_service_environment_endpoint(const CmzService *service,
													const char **variable);

#endif							/* CMZ_SERVICE_H */
