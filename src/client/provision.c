/*
 * provision.c
 *	  Parts that the providers of credentials are made of.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/isotime.h"
#include "base/retry.h"
#include "client/provider.h"
#include "client/signer.h"
#include "client/wait.h"
#include "common/pg_prng.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

/* Tokens and documents are far smaller. */
#define MAX_FILE	(256 * 1024)

#define UNIX_TO_PG_USECS	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

const char *
cmz_provision_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

CmzProvision
cmz_provision_fail(CmzProblem *problem, const char *message, const char *detail, const char *hint)
{
	problem->sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
	problem->message = message;
	problem->detail = detail;
	problem->hint = hint;
	return CMZ_PROVISION_FAILED;
}

CmzProvision
cmz_provision_unanswered(CmzProblem *problem, const char *source, const char *url,
						 const CmzFailure *failure)
{
	(void) cmz_provision_fail(problem,
							  psprintf("could not get credentials from %s: %s", source, failure->message),
							  failure->code ? psprintf("Endpoint %s, %s.", url, failure->code)
							  : psprintf("Endpoint %s.", url), NULL);
	/* what may pass, or is a matter of privileges, is not for want of credentials */
	if (failure->sqlstate != ERRCODE_PROTOCOL_VIOLATION &&
		(failure->code == NULL || failure->retry != CMZ_RETRY_NEVER ||
		 failure->sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE))
		problem->sqlstate = failure->sqlstate;
	return CMZ_PROVISION_FAILED;
}

const char *
cmz_provision_endpoint(const CmzService *service, const char *region, CmzProblem *problem)
{
	const char *variable;
	const char *url = cmz_service_environment_endpoint(service, &variable);
	size_t		len = url ? strlen(url) : 0;

	/* one from a file has not been checked */
	if (url == NULL && region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
	{
		(void) cmz_provision_fail(problem, psprintf("invalid region of %s: \"%s\"", service->name, region),
								  NULL, NULL);
		return NULL;
	}
	if (url == NULL)
		return cmz_service_regional_endpoint(service, region);
	if (pg_strncasecmp(url, "https://", 8) == 0 || cmz_http_is_loopback(url))
		return pnstrdup(url, url[len - 1] == '/' ? len - 1 : len);
	(void) cmz_provision_fail(problem, psprintf("%s would be asked for credentials without encryption", service->name),
							  psprintf("Environment variable %s is \"%s\".", variable, url),
							  "Use https, or an endpoint on this machine.");
	return NULL;
}

/* What a header can carry as one word. */
bool
cmz_provision_is_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f)
			return false;
	return *text != '\0';
}

CmzProvision
cmz_provision_keys(const char *id, const char *secret, const char *token, const char *source,
				   CmzCredentials *credentials, CmzProblem *problem)
{
	if (id == NULL || secret == NULL)
		return cmz_provision_fail(problem, psprintf("there is only one half of an access key in: %s", source),
								  NULL, "Set the id and the secret of the access key together.");
	if (!cmz_provision_is_word(id) || !cmz_provision_is_word(secret) ||
		(token && !cmz_provision_is_word(token)))
		return cmz_provision_fail(problem, psprintf("invalid character in the access key or session token in: %s",
													source), NULL,
								  "They consist of printable ASCII characters without spaces.");
	credentials->access_key_id = pstrdup(id);
	credentials->secret_access_key = pstrdup(secret);
	credentials->session_token = token ? pstrdup(token) : NULL;
	credentials->source = source;
	return CMZ_PROVISION_FOUND;
}

static bool
read_expiration(const json_t *value, TimestampTz *expires_at)
{
	const char *text = cmz_json_text(value);
	double		milliseconds = cmz_json_number(value, -1);
	int64		usec;
	CmzZone		zone;

	if (text != NULL)
	{
		if (!cmz_isotime_parse(text, (int) strlen(text), &usec, &zone))
			return false;
	}
	else if (milliseconds >= 0 && milliseconds < 1e15)
		usec = (int64) (milliseconds * 1000);
	else
		return false;
	*expires_at = usec - UNIX_TO_PG_USECS;
	return true;
}

CmzProvision
cmz_provision_read(const json_t *document, const CmzCredentialNames *names, const char *source,
				   CmzCredentials *credentials, CmzProblem *problem)
{
	const char *id = cmz_json_member_text(document, names->access_key_id);
	const char *secret = cmz_json_member_text(document, names->secret_access_key);
	const char *token = cmz_json_member_text(document, names->session_token);
	const json_t *expiration = cmz_json_member(document, names->expiration);

	credentials->expires_at = DT_NOEND;
	credentials->asked = true;
	if (id == NULL || secret == NULL ||
		!(expiration ? read_expiration(expiration, &credentials->expires_at) : names->may_last))
		return cmz_provision_fail(problem,
								  psprintf("could not get credentials from %s: the answer has none", source),
								  psprintf("It must have %s, %s and a valid %s.", names->access_key_id,
										   names->secret_access_key, names->expiration), NULL);
	return cmz_provision_keys(id, secret, token && *token ? token : NULL, source, credentials, problem);
}

ssize_t
cmz_provision_read_file(const char *path, char *data, size_t room)
{
	/* a pipe whose other end is silent must not make us wait */
	int			fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	size_t		len = 0;
	ssize_t		n = 1;
	int			error;

	if (fd < 0)
		return -1;
	while (n > 0 && len < room)
	{
		n = read(fd, data + len, room - len);
		len += Max(n, 0);
	}
	error = errno;
	CloseTransientFile(fd);
	errno = error;
	return n < 0 ? -1 : (ssize_t) len;
}

char *
cmz_provision_read_text(const char *path, CmzProblem *problem)
{
	char	   *text = palloc(MAX_FILE + 1);
	ssize_t		len = cmz_provision_read_file(path, text, MAX_FILE + 1);
	const char *reason = len < 0 ? strerror(errno) : len > MAX_FILE ? "it is larger than 256 kB" : NULL;

	while (len > 0 && isspace((unsigned char) text[len - 1]))
		len--;
	if (reason == NULL && len == 0)
		reason = "it is empty";
	if (reason != NULL)
	{
		(void) cmz_provision_fail(problem, psprintf("could not read file \"%s\": %s", path, reason), NULL, NULL);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

CmzExchange *
cmz_provision_ask(const char *method, const char *url, int nheaders, const CmzHeader *headers,
				  const char *payload, const CmzHttpOptions *http, int max_attempts,
				  CmzFailure *failure)
{
	for (int attempts = 1;; attempts++)
	{
		CmzExchange *exchange = cmz_http_start(method, url, nheaders, headers, payload,
											   payload ? strlen(payload) : 0, http);

		cmz_http_wait(exchange);
		cmz_error_judge(exchange, failure);
		if (!failure->failed)
			return exchange;
		failure->clock = failure->clock && cmz_signer_learn_clock(url, exchange);
		if (failure->retry == CMZ_RETRY_NEVER || attempts >= max_attempts)
			return NULL;
		cmz_http_release(exchange);
		cmz_wait_sleep(cmz_retry_delay_ms(attempts, pg_prng_double(&pg_global_prng_state)));
	}
}
