/*
 * credentials.h
 *	  Finds the credentials that sign a user's requests.
 */
#ifndef CMZ_CREDENTIALS_H
#define CMZ_CREDENTIALS_H

#include "postgres.h"

#include "client/http.h"
#include "datatype/timestamp.h"

/* What a chain may use: the user's own options, and what it is allowed. */
typedef struct CmzCredentialConfig
{
	const char *access_key_id;	/* mapping options, NULL if absent */
	const char *secret_access_key;
	const char *session_token;
	const char *profile;		/* options, NULL if absent */
	const char *role_arn;
	const char *external_id;
	const char *role_session_name;
	bool		may_lend;		/* role_arn may be assumed with the server
								 * process's identity */
	bool		allow_ambient;	/* may use the server process's identity */
	bool		allow_dummy;	/* a local endpoint that wants none */
	const char *region;			/* of STS */
	CmzHttpOptions http;
	const char *user_name;		/* for messages */
	const char *server_name;
} CmzCredentialConfig;

typedef struct CmzCredentials
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;	/* may be NULL */
	const char *source;			/* which provider answered, for people */
	TimestampTz expires_at;		/* DT_NOEND: never */
	bool		asked;			/* somebody had to be asked for them */
	uint64		serial;			/* which ones they are, if they are kept; else 0 */
} CmzCredentials;

/* An error to raise; without a secret in it. */
typedef struct CmzProblem
{
	int			sqlstate;
	const char *message;
	const char *detail;			/* may be NULL */
	const char *hint;			/* may be NULL */
} CmzProblem;

/*
 * Ask the providers in their order; the first that has an answer wins.  What took
 * a request to get is kept for the session or until a shared file changes, and
 * replaced before it expires; it may wait for the network.  The strings live as
 * long as the configuration, or are palloc'd in the current context.
 *
 * False with *problem set: INVALID_AUTHORIZATION_SPECIFICATION (28000) if no
 * provider answers, 08001 or 08006 if one cannot be reached, 58000 or 53400 if it
 * cannot answer for now, CONFIG_FILE_ERROR (F0000) for a shared file that makes no
 * sense, INSUFFICIENT_PRIVILEGE (42501) if a role is denied or the user may not use
 * what the options ask for.  Raises what an interrupt raises.
 */
extern bool cmz_credentials_find(const CmzCredentialConfig *config, CmzCredentials *credentials,
								 CmzProblem *problem);

/* The same; raises the problem. */
extern void cmz_credentials_get(const CmzCredentialConfig *config, CmzCredentials *credentials);

/*
 * The service says that those of that serial have expired: forget them.  True if
 * there may be others now.
 */
extern bool cmz_credentials_refuse(const CmzCredentialConfig *config, uint64 serial);

#endif							/* CMZ_CREDENTIALS_H */
