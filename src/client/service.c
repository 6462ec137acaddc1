/*
 * service.c
 *	  The services of AWS that we call, and where they are.
 *
 * Sources: AWS General Reference, "Service endpoints and quotas"; the protocol
 * sections of the services' API references; Service Authorization Reference.
 */
#include "postgres.h"

#include "client/service.h"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

const CmzService cmz_service_dynamodb = {
	"DynamoDB", "dynamodb", "dynamodb", "dynamodb", "AWS_ENDPOINT_URL_DYNAMODB",
	"application/x-amz-json-1.0", "DynamoDB_20120810."
};

const CmzService cmz_service_streams = {
	"DynamoDB Streams", "dynamodb", "dynamodb", "streams.dynamodb", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
	"application/x-amz-json-1.0", "DynamoDBStreams_20120810."
};

const CmzService cmz_service_sts = {
	"AWS STS", "sts", "sts", "sts", "AWS_ENDPOINT_URL_STS", FORM, NULL
};

const CmzService cmz_service_cloudwatch = {
	"CloudWatch", "monitoring", "cloudwatch", "monitoring", "AWS_ENDPOINT_URL_CLOUDWATCH", FORM, NULL
};

const CmzService cmz_service_kms = {
	"AWS KMS", "kms", "kms", "kms", "AWS_ENDPOINT_URL_KMS",
	"application/x-amz-json-1.1", "TrentService."
};

/* Only GETs, without a signature. */
const CmzService cmz_service_sso = {
	"IAM Identity Center", NULL, "sso", "portal.sso", "AWS_ENDPOINT_URL_SSO", NULL, NULL
};

char *
cmz_service_regional_endpoint(const CmzService *service, const char *region)
{
	return psprintf("https://%s.%s.amazonaws.com%s", service->host, region,
					strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

const char *
cmz_service_environment_endpoint(const CmzService *service, const char **variable)
{
	const char *const variables[] = {service->endpoint_variable, "AWS_ENDPOINT_URL"};

	for (int i = 0; i < (int) lengthof(variables); i++)
	{
		const char *url = getenv(variables[i]);

		if (url == NULL || *url == '\0')
			continue;
		if (variable != NULL)
			*variable = variables[i];
		return url;
	}
	return NULL;
}
