/*
 * credentials.h
 *	  Finds the credentials that sign a user's requests.
 */
#ifndef CMZ_CREDENTIALS_H
#define CMZ_CREDENTIALS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* What a chain may use: the user's own options, and what it is allowed. */
typedef struct CmzCredentialConfig
{
	const char *access_key_id;	/* mapping options, NULL if absent */
	const char *secret_access_key;
	const char *session_token;
	bool		allow_ambient;	/* may use the server process's identity */
	bool		allow_dummy;	/* a local endpoint that wants none */
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
} CmzCredentials;

/*
 * Ask the providers in their order; the first that has an answer wins.  The
 * strings live as long as the configuration or the process.  Raises
 * INVALID_AUTHORIZATION_SPECIFICATION (28000) if no provider answers.
 */
extern void cmz_credentials_get(const CmzCredentialConfig *config, CmzCredentials *credentials);

#endif							/* CMZ_CREDENTIALS_H */
