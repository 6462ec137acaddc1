/*
 * metadata.c
 *	  Credentials of the container or the instance that the server runs on.
 *
 * Sources: AWS SDKs and Tools reference guide, "Container credential provider" and
 * "IMDS credential provider"; Amazon EC2 user guide, "Use the Instance Metadata
 * Service".
 */
#include "postgres.h"

#include "client/provider.h"
#include "utils/timestamp.h"

#define CONTAINER_HOST		"http://169.254.170.2"
#define CONTAINER_ATTEMPTS	3
#define CONTAINER_TIMEOUT_MS 5000

#define INSTANCE_ENDPOINT	"http://169.254.169.254"
#define INSTANCE_ENDPOINT_6	"http://[fd00:ec2::254]"
#define INSTANCE_TIMEOUT_MS	1000
#define TOKEN_PATH			"/latest/api/token"
#define TOKEN_TTL_S			"21600"
#define ROLE_PATH			"/latest/meta-data/iam/security-credentials/"
#define ROLE_CHARACTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-"

/* Where there is no metadata service, we do not look again for that long. */
#define NOT_THERE_MS		60000

static const CmzCredentialNames names = {
	"AccessKeyId", "SecretAccessKey", "Token", "Expiration"
};

static TimestampTz not_there_until = 0;

/* Neither through a proxy nor for long. */
static CmzHttpOptions
local_options(const CmzCredentialConfig *config, int timeout_ms)
{
	CmzHttpOptions http = config->http;

	http.no_proxy = true;
	http.connect_timeout_ms = Min(http.connect_timeout_ms, timeout_ms);
	http.request_timeout_ms = Min(http.request_timeout_ms, timeout_ms);
	return http;
}

static CmzProvision
read_document(const char *text, const char *source, CmzCredentials *credentials, CmzProblem *problem)
{
	char	   *error;
	const json_t *document = *text ? cmz_json_parse(text, strlen(text), &error) : NULL;
	const char *code = cmz_json_member_text(document, "Code");
	const char *message = cmz_json_member_text(document, "Message");
	CmzProvision provision = cmz_provision_read(document, &names, source, credentials, problem);

	/* an instance is told in a document like the other why it has none */
	if (provision == CMZ_PROVISION_FAILED && code != NULL && message != NULL)
		problem->detail = psprintf("It says: %s, %s", code, message);
	return provision;
}

/* What goes there is a secret: encrypted, or to this machine or its host only. */
static bool
is_safe(const char *url)
{
	static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
	char	   *host = cmz_sigv4_host(url);
	char	   *port = host[0] == '[' ? strstr(host, "]:") : strchr(host, ':');

	if (pg_strncasecmp(url, "https://", 8) == 0 || cmz_http_is_loopback(url))
		return true;
	if (strchr(host, '@') != NULL)
		return false;
	if (port != NULL)
		port[*port == ']' ? 1 : 0] = '\0';
	for (int i = 0; i < (int) lengthof(hosts); i++)
		if (strcmp(host, hosts[i]) == 0)
			return true;
	return false;
}

/* The value of the Authorization header, *token NULL for none. */
static bool
read_container_token(const char **token, CmzProblem *problem)
{
	const char *path = cmz_provision_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

	*token = cmz_provision_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path != NULL && (*token = cmz_provision_read_text(path, problem)) == NULL)
		return false;
	/* it may be two words: "Bearer ..." */
	if (*token == NULL || strpbrk(*token, "\r\n") == NULL)
		return true;
	(void) cmz_provision_fail(problem, "the authorization token of the container endpoint has a line break",
							  NULL, NULL);
	return false;
}

CmzProvision
cmz_provide_container(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	const char *path = cmz_provision_environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *url = path ? psprintf(CONTAINER_HOST "%s", path)
		: cmz_provision_environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	CmzHttpOptions http = local_options(config, CONTAINER_TIMEOUT_MS);
	CmzHeader	headers[2];
	int			n = 0;
	const char *token;
	CmzFailure	failure;
	CmzExchange *exchange;
	CmzProvision provision;

	if (url == NULL)
		return CMZ_PROVISION_NONE;
	if (path != NULL && *path != '/')
		return cmz_provision_fail(problem, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash",
								  NULL, NULL);
	if (!is_safe(url))
		return cmz_provision_fail(problem, "AWS_CONTAINER_CREDENTIALS_FULL_URI names an endpoint that is not safe",
								  "Without https only this machine and the hosts of ECS and EKS are asked for credentials.",
								  NULL);
	if (!read_container_token(&token, problem))
		return CMZ_PROVISION_FAILED;
	headers[n++] = (CmzHeader) {"Accept", "application/json"};
	if (token != NULL)
		headers[n++] = (CmzHeader) {"Authorization", token};
	exchange = cmz_provision_ask("GET", url, n, headers, NULL, &http, CONTAINER_ATTEMPTS, &failure);
	if (exchange == NULL)
		return cmz_provision_unanswered(problem, "the container endpoint", url, &failure);
	provision = read_document(exchange->body ? exchange->body : "", "container endpoint",
							  credentials, problem);
	cmz_http_release(exchange);
	return provision;
}

static const char *
instance_endpoint(void)
{
	const char *url = cmz_provision_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = cmz_provision_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	size_t		len;

	if (url == NULL)
		return mode && pg_strcasecmp(mode, "IPv6") == 0 ? INSTANCE_ENDPOINT_6 : INSTANCE_ENDPOINT;
	len = strlen(url);
	return pnstrdup(url, url[len - 1] == '/' ? len - 1 : len);
}

/* Time and patience with instance metadata, from the variables of the AWS CLI. */
static int
number_of(const char *variable, int def, int max)
{
	const char *value = cmz_provision_environment(variable);
	int			number = value ? atoi(value) : 0;

	return number > 0 ? Min(number, max) : def;
}

/* An answer as text; NULL with *failure set, whose status may say why. */
static char *
ask_instance(const char *method, const char *path, const CmzHeader *header,
			 const CmzHttpOptions *http, CmzFailure *failure)
{
	CmzExchange *exchange = cmz_provision_ask(method, psprintf("%s%s", instance_endpoint(), path),
											  1, header, "", http,
											  number_of("AWS_METADATA_SERVICE_NUM_ATTEMPTS", 2, 10), failure);
	char	   *text;

	if (exchange == NULL)
		return NULL;
	text = pnstrdup(exchange->body ? exchange->body : "", exchange->body_len);
	cmz_http_release(exchange);
	return text;
}

/* There is no such service, or none of version 2, or it is turned off. */
static bool
is_absent(const CmzFailure *failure)
{
	return failure->retry == CMZ_RETRY_CONNECT || failure->status == 403 ||
		failure->status == 404 || failure->status == 405;
}

static CmzProvision
no_instance(CmzProblem *problem, const CmzFailure *failure)
{
	if (!is_absent(failure))
		return cmz_provision_unanswered(problem, "instance metadata", instance_endpoint(), failure);
	not_there_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), NOT_THERE_MS);
	return CMZ_PROVISION_NONE;
}

CmzProvision
cmz_provide_instance(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	const char *disabled = cmz_provision_environment("AWS_EC2_METADATA_DISABLED");
	CmzHttpOptions http = local_options(config, 1000 * number_of("AWS_METADATA_SERVICE_TIMEOUT",
																 INSTANCE_TIMEOUT_MS / 1000, 60));
	CmzHeader	header = {"X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_S};
	CmzFailure	failure;
	char	   *token;
	char	   *role;
	char	   *document;

	if ((disabled && pg_strcasecmp(disabled, "true") == 0) || GetCurrentTimestamp() < not_there_until)
		return CMZ_PROVISION_NONE;
	token = ask_instance("PUT", TOKEN_PATH, &header, &http, &failure);
	if (token == NULL || !cmz_provision_is_word(token))
		return token == NULL ? no_instance(problem, &failure)
			: cmz_provision_fail(problem, "instance metadata gave no token", NULL, NULL);
	header = (CmzHeader) {"X-aws-ec2-metadata-token", token};
	role = ask_instance("GET", ROLE_PATH, &header, &http, &failure);
	if (role == NULL)
		return no_instance(problem, &failure);
	role[strcspn(role, "\r\n")] = '\0';
	/* Source: AWS IAM user guide, "IAM and AWS STS quotas", names */
	if (*role == '\0' || role[strspn(role, ROLE_CHARACTERS)] != '\0')
		return cmz_provision_fail(problem, "instance metadata gave no name of a role", NULL, NULL);
	document = ask_instance("GET", psprintf(ROLE_PATH "%s", role), &header, &http, &failure);
	if (document == NULL)
		return cmz_provision_unanswered(problem, "instance metadata", instance_endpoint(), &failure);
	return read_document(document, psprintf("instance metadata, role %s", role), credentials, problem);
}
