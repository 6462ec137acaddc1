/*
 * sso.c
 *	  Credentials for a role of IAM Identity Center, by the token that "aws sso
 *	  login" has left behind.
 *
 * The token is used while it is valid; getting a new one takes a browser.
 * Source: AWS SDKs and Tools reference guide, "IAM Identity Center credential
 * provider"; SSO Portal API reference, GetRoleCredentials.
 */
#include "postgres.h"

#include <time.h>

#include "base/form.h"
#include "base/isotime.h"
#include "client/awsconfig.h"
#include "common/cryptohash.h"
#include "common/sha1.h"

#define MAX_ATTEMPTS	3
#define TOKEN_FOLDER	".aws/sso/cache"
#define HINT_LOGIN		"Run \"aws sso login\" as the user that the server process runs as."

/* A setting of the profile's sso-session, or of itself in the older form. */
static const char *
sso_setting(const char *profile, const char *name)
{
	const char *session = cmz_awsconfig_get(profile, "sso_session");

	return session ? cmz_awsconfig_get_sso(session, name) : cmz_awsconfig_get(profile, name);
}

/* The name of the file is the SHA-1 of the session's name or the start URL. */
static char *
token_path(const char *profile)
{
	const char *session = cmz_awsconfig_get(profile, "sso_session");
	const char *name = session ? session : cmz_awsconfig_get(profile, "sso_start_url");
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA1);
	uint8		digest[SHA1_DIGEST_LENGTH];
	StringInfoData path;

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) name, strlen(name)) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute SHA-1");
	pg_cryptohash_free(context);
	initStringInfo(&path);
	appendStringInfoString(&path, TOKEN_FOLDER "/");
	for (int i = 0; i < SHA1_DIGEST_LENGTH; i++)
		appendStringInfo(&path, "%02x", digest[i]);
	appendStringInfoString(&path, ".json");
	return cmz_awsconfig_home_path(path.data);
}

static bool
is_valid(const json_t *document)
{
	const char *expires = cmz_json_member_text(document, "expiresAt");
	CmzZone		zone;
	int64		usec;

	/* older versions of the CLI wrote "UTC" for "Z" */
	return expires != NULL && cmz_isotime_parse(expires, Min(CMZ_SECOND_LENGTH, (int) strlen(expires)), &usec, &zone) &&
		usec / CMZ_USECS_PER_SEC > (int64) time(NULL);
}

/* The token as a header's value, NULL with *problem set if there is no good one. */
static char *
read_token(const char *profile, CmzProblem *problem)
{
	char	   *path = token_path(profile);
	char	   *error;
	char	   *text;
	json_t	   *document;
	const char *token;

	if (path == NULL || (text = cmz_provision_read_text(path, problem)) == NULL)
	{
		(void) cmz_provision_fail(problem, psprintf("profile \"%s\" is not logged in to IAM Identity Center", profile),
								  NULL, HINT_LOGIN);
		return NULL;
	}
	document = *text ? cmz_json_parse(text, strlen(text), &error) : NULL;
	token = cmz_json_member_text(document, "accessToken");
	if (token != NULL && strpbrk(token, "\r\n") == NULL && is_valid(document))
		return pstrdup(token);
	(void) cmz_provision_fail(problem, psprintf("the login of profile \"%s\" to IAM Identity Center has expired", profile),
							  NULL, HINT_LOGIN);
	return NULL;
}

static char *
credentials_url(const char *profile, const char *region, CmzProblem *problem)
{
	const char *endpoint = cmz_provision_endpoint(&cmz_service_sso, region, problem);
	StringInfoData url;

	if (endpoint == NULL)
		return NULL;
	initStringInfo(&url);
	appendStringInfo(&url, "%s/federation/credentials?role_name=", endpoint);
	cmz_form_append_encoded(&url, cmz_awsconfig_get(profile, "sso_role_name"));
	appendStringInfoString(&url, "&account_id=");
	cmz_form_append_encoded(&url, cmz_awsconfig_get(profile, "sso_account_id"));
	return url.data;
}

CmzProvision
cmz_provide_sso(const CmzCredentialConfig *config, const char *profile,
				CmzCredentials *credentials, CmzProblem *problem)
{
	static const CmzCredentialNames names = {
		"accessKeyId", "secretAccessKey", "sessionToken", "expiration"
	};
	const char *region = sso_setting(profile, "sso_region");
	CmzHeader	header = {"x-amz-sso_bearer_token", NULL};
	CmzFailure	failure;
	CmzExchange *exchange;
	json_t	   *document;
	char	   *url;
	char	   *error;
	CmzProvision provision;

	if (region == NULL || sso_setting(profile, "sso_start_url") == NULL ||
		cmz_awsconfig_get(profile, "sso_role_name") == NULL ||
		cmz_awsconfig_get(profile, "sso_account_id") == NULL)
		return cmz_provision_fail(problem, psprintf("profile \"%s\" does not say all of its login", profile), NULL,
								  "It needs sso_account_id and sso_role_name, and sso_session or sso_start_url and sso_region.");
	header.value = read_token(profile, problem);
	url = credentials_url(profile, region, problem);
	if (header.value == NULL || url == NULL)
		return CMZ_PROVISION_FAILED;
	exchange = cmz_provision_ask("GET", url, 1, &header, NULL, &config->http, MAX_ATTEMPTS, &failure);
	if (exchange == NULL)
	{
		provision = cmz_provision_unanswered(problem, cmz_service_sso.name, url, &failure);
		if (failure.status == 401)
			problem->hint = HINT_LOGIN;
		return provision;
	}
	document = exchange->body_len > 0 ? cmz_json_parse(exchange->body, exchange->body_len, &error) : NULL;
	provision = cmz_provision_read(cmz_json_member(document, "roleCredentials"), &names,
								   psprintf("IAM Identity Center, profile %s", profile), credentials, problem);
	cmz_http_release(exchange);
	return provision;
}
