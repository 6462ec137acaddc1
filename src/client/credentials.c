/*
 * credentials.c
 *	  Finds the credentials that sign a user's requests: a chain of providers.
 *
 * To add a provider, write a function of type Provider and put it in its place
 * in the table.
 */
#include "postgres.h"

#include "client/credentials.h"

/* Answers with true and *credentials filled, or false: ask the next one. */
typedef bool (*Provider) (const CmzCredentialConfig *config, CmzCredentials *credentials);

static bool
provide_mapping(const CmzCredentialConfig *config, CmzCredentials *credentials)
{
	if (config->access_key_id == NULL || config->secret_access_key == NULL)
		return false;
	credentials->access_key_id = config->access_key_id;
	credentials->secret_access_key = config->secret_access_key;
	credentials->session_token = config->session_token;
	credentials->source = "user mapping";
	return true;
}

static bool
provide_environment(const CmzCredentialConfig *config, CmzCredentials *credentials)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");

	(void) config;
	if (id == NULL || *id == '\0' || secret == NULL || *secret == '\0')
		return false;
	credentials->access_key_id = id;
	credentials->secret_access_key = secret;
	credentials->session_token = token && *token ? token : NULL;
	credentials->source = "environment";
	return true;
}

static bool
provide_dummy(const CmzCredentialConfig *config, CmzCredentials *credentials)
{
	if (!config->allow_dummy)
		return false;
	credentials->access_key_id = "local";
	credentials->secret_access_key = "local";
	credentials->source = "none needed";
	return true;
}

/* The chain, in order. */
static const struct
{
	Provider	provide;
	bool		ambient;		/* speaks for the server process, not the user */
}			providers[] = {
	{provide_mapping, false},
	{provide_environment, true},
	{provide_dummy, false},
};

void
cmz_credentials_get(const CmzCredentialConfig *config, CmzCredentials *credentials)
{
	for (int i = 0; i < (int) lengthof(providers); i++)
	{
		if (providers[i].ambient && !config->allow_ambient)
			continue;
		memset(credentials, 0, sizeof(*credentials));
		credentials->expires_at = DT_NOEND;
		if (providers[i].provide(config, credentials))
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no AWS credentials for user \"%s\" on server \"%s\"",
					config->user_name, config->server_name),
			 config->allow_ambient
			 ? errdetail("Neither the user mapping nor the environment of the server process has any.")
			 : errdetail("The user mapping has none, and only a superuser's requests use the identity of the server process."),
			 errhint("Set access_key_id and secret_access_key with CREATE USER MAPPING or ALTER USER MAPPING.")));
}
