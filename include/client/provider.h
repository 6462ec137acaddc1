/*
 * provider.h
 *	  The sources of credentials, one function each; credentials.c asks them.
 *
 * A provider never raises what is wrong with its source: it reports a problem, so
 * that credentials that are still good can go on being used.  (It does raise what
 * an interrupt raises.)  What it gives is palloc'd in the current context.
 */
#ifndef CMZ_PROVIDER_H
#define CMZ_PROVIDER_H

#include "base/json.h"
#include "client/credentials.h"
#include "client/error.h"
#include "client/service.h"

typedef enum CmzProvision
{
	CMZ_PROVISION_NONE,			/* not set up: ask the next one */
	CMZ_PROVISION_FOUND,
	CMZ_PROVISION_FAILED		/* set up, but it has none: *problem says why */
} CmzProvision;

typedef CmzProvision (*CmzProvider) (const CmzCredentialConfig *config,
									 CmzCredentials *credentials, CmzProblem *problem);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
extern CmzProvision cmz_provide_environment(const CmzCredentialConfig *config,
											CmzCredentials *credentials, CmzProblem *problem);

/* AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME: STS. */
extern CmzProvision cmz_provide_web_identity(const CmzCredentialConfig *config,
											 CmzCredentials *credentials, CmzProblem *problem);

/* The shared config and credentials files. */
extern CmzProvision cmz_provide_profile(const CmzCredentialConfig *config,
										CmzCredentials *credentials, CmzProblem *problem);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI: ECS, EKS. */
extern CmzProvision cmz_provide_container(const CmzCredentialConfig *config,
										  CmzCredentials *credentials, CmzProblem *problem);

/* Instance metadata, version 2 only. */
extern CmzProvision cmz_provide_instance(const CmzCredentialConfig *config,
										 CmzCredentials *credentials, CmzProblem *problem);

/*
 * Parts that the providers are made of.
 */

/* A variable of the server process's environment; an empty one is like none: NULL. */
extern const char *cmz_provision_environment(const char *name);

/* Report a problem of SQLSTATE 28000; always gives FAILED.  detail may be NULL. */
extern CmzProvision cmz_provision_fail(CmzProblem *problem, const char *message,
									   const char *detail, const char *hint);

/* The same for a failed request to url. */
extern CmzProvision cmz_provision_unanswered(CmzProblem *problem, const char *source,
											 const char *url, const CmzFailure *failure);

/*
 * The endpoint of a service that gives credentials: the environment's, or the
 * region's.  NULL with *problem set if they would travel without encryption.
 */
extern const char *cmz_provision_endpoint(const CmzService *service, const char *region,
										  CmzProblem *problem);

/* What a JSON document calls its parts. */
typedef struct CmzCredentialNames
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *expiration;
	bool		may_last;		/* without expiration they last */
} CmzCredentialNames;

/* It consists of printable ASCII characters, at least one, without spaces. */
extern bool cmz_provision_is_word(const char *text);

/*
 * Fill in credentials from texts, which are copied.  A problem if there is but one
 * half of the key, or what no header can carry.
 */
extern CmzProvision cmz_provision_keys(const char *id, const char *secret, const char *token,
									   const char *source, CmzCredentials *credentials,
									   CmzProblem *problem);

/*
 * Fill in credentials from a document; its expiration is a time in ISO 8601, or a
 * number of milliseconds since 1970.
 */
extern CmzProvision cmz_provision_read(const json_t *document, const CmzCredentialNames *names,
									   const char *source, CmzCredentials *credentials,
									   CmzProblem *problem);

/*
 * The first room bytes of a file; returns how many there are, -1 with errno set if
 * it cannot be read.  Never waits for somebody to write.
 */
extern ssize_t cmz_provision_read_file(const char *path, char *data, size_t room);

/*
 * A small file as text without white space at its end; NULL with *problem set,
 * also if it is empty.
 */
extern char *cmz_provision_read_text(const char *path, CmzProblem *problem);

/*
 * A GET, PUT or POST that is waited for.  NULL with *failure set if there was no
 * answer of status 200, after max_attempts at most if that may pass.
 * failure->clock then says that signing it again is worth a try.
 */
extern CmzExchange *cmz_provision_ask(const char *method, const char *url,
									  int nheaders, const CmzHeader *headers, const char *payload,
									  const CmzHttpOptions *http, int max_attempts,
									  CmzFailure *failure);

/* AssumeRole of role_arn (STS), with other credentials. */
extern CmzProvision cmz_provide_role(const CmzCredentialConfig *config, const char *role_arn,
									 const char *external_id, const char *session_name,
									 const char *duration_seconds, const CmzCredentials *with,
									 CmzCredentials *credentials, CmzProblem *problem);

/* AssumeRoleWithWebIdentity (STS), with the token in a file. */
extern CmzProvision cmz_provide_web_role(const CmzCredentialConfig *config, const char *role_arn,
										 const char *session_name, const char *token_file,
										 CmzCredentials *credentials, CmzProblem *problem);

/* The cached token of "aws sso login", for a profile's account and role. */
extern CmzProvision cmz_provide_sso(const CmzCredentialConfig *config, const char *profile,
									CmzCredentials *credentials, CmzProblem *problem);

/* What a command prints; only if the environment allows commands. */
extern CmzProvision cmz_provide_process(const CmzCredentialConfig *config, const char *command,
										CmzCredentials *credentials, CmzProblem *problem);

#endif							/* CMZ_PROVIDER_H */
