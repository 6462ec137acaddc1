/*
 * credentials.c
 *	  Finds the credentials that sign a user's requests: a chain of providers,
 *	  and a cache before it.
 *
 * To add a provider, write a function of type CmzProvider and put it in its place
 * in the table.
 *
 * Kept is what somebody had to be asked for; what is found without that is found
 * again each time.  New ones are got some time before the old ones expire; while
 * that fails, the old ones do.
 */
#include "postgres.h"

#include "client/awsconfig.h"
#include "client/provider.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* New ones are wanted that long before the old ones expire ... */
#define REFRESH_MS		(5 * 60 * 1000)

/* ... but not before this part of their life is over, and not all the time. */
#define REFRESH_PART	5
#define RETRY_MS		10000

#define MAX_KEPT		32

static CmzProvision
provide_mapping(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	(void) problem;
	if (config->access_key_id == NULL || config->secret_access_key == NULL)
		return CMZ_PROVISION_NONE;
	credentials->access_key_id = config->access_key_id;
	credentials->secret_access_key = config->secret_access_key;
	credentials->session_token = config->session_token;
	credentials->source = "user mapping";
	return CMZ_PROVISION_FOUND;
}

CmzProvision
cmz_provide_environment(const CmzCredentialConfig *config, CmzCredentials *credentials,
						CmzProblem *problem)
{
	const char *id = cmz_provision_environment("AWS_ACCESS_KEY_ID");
	const char *secret = cmz_provision_environment("AWS_SECRET_ACCESS_KEY");

	(void) config;
	if (id == NULL && secret == NULL)
		return CMZ_PROVISION_NONE;
	return cmz_provision_keys(id, secret, cmz_provision_environment("AWS_SESSION_TOKEN"), "environment",
							  credentials, problem);
}

static CmzProvision
provide_dummy(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	(void) problem;
	/* STS would not know them */
	if (!config->allow_dummy || config->role_arn != NULL)
		return CMZ_PROVISION_NONE;
	credentials->access_key_id = "local";
	credentials->secret_access_key = "local";
	credentials->source = "none needed";
	return CMZ_PROVISION_FOUND;
}

/* Beside a local endpoint there is no instance, unless somebody says where. */
static CmzProvision
provide_instance(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	if (config->allow_dummy && cmz_provision_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT") == NULL)
		return CMZ_PROVISION_NONE;
	return cmz_provide_instance(config, credentials, problem);
}

/* The chain, in order. */
static const struct
{
	CmzProvider provide;
	bool		ambient;		/* speaks for the server process, not the user */
	bool		of_profile;		/* is asked if an option names a profile */
}			providers[] = {
	{provide_mapping, false, false},
	{cmz_provide_environment, true, false},
	{cmz_provide_web_identity, true, false},
	{cmz_provide_profile, true, true},
	{cmz_provide_container, true, false},
	{provide_instance, true, false},
	{provide_dummy, false, false},
};

/* *ambient: they are the server process's. */
static CmzProvision
ask_providers(const CmzCredentialConfig *config, CmzCredentials *credentials, bool *ambient,
			  CmzProblem *problem)
{
	bool		has_keys = config->access_key_id != NULL;

	for (int i = 0; i < (int) lengthof(providers); i++)
	{
		CmzProvision provision;

		/* an option that names a profile comes before what the environment says */
		if ((providers[i].ambient && !config->allow_ambient) ||
			(config->profile && !has_keys && !providers[i].of_profile))
			continue;
		memset(credentials, 0, sizeof(*credentials));
		credentials->expires_at = DT_NOEND;
		*ambient = providers[i].ambient;
		provision = providers[i].provide(config, credentials, problem);
		if (provision != CMZ_PROVISION_NONE)
			return provision;
	}
	(void) cmz_provision_fail(problem,
							  psprintf("no AWS credentials for user \"%s\" on server \"%s\"",
									   config->user_name, config->server_name),
							  config->allow_ambient
							  ? "Neither the user mapping nor the environment of the server process has any: variables, web identity, profiles, container and instance metadata were asked."
							  : "The user mapping has none, and only a superuser's requests, at servers that belong to a superuser, use the identity of the server process.",
							  "Set access_key_id and secret_access_key with CREATE USER MAPPING or ALTER USER MAPPING.");
	return CMZ_PROVISION_FAILED;
}

/* The whole chain: base credentials, and the role that they assume. */
static CmzProvision
find_credentials(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	CmzCredentials base;
	bool		ambient;
	CmzProvision provision = ask_providers(config, credentials, &ambient, problem);

	if (provision != CMZ_PROVISION_FOUND || config->role_arn == NULL)
		return provision;
	if (ambient && !config->may_lend)
	{
		(void) cmz_provision_fail(problem, psprintf("permission denied to assume role \"%s\"", config->role_arn),
								  psprintf("Server \"%s\" does not belong to a superuser, so its role_arn cannot be assumed with the identity of the server process.",
										   config->server_name),
								  "Set access_key_id and secret_access_key of the user mapping, or let a superuser own the server.");
		problem->sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		return CMZ_PROVISION_FAILED;
	}
	base = *credentials;
	return cmz_provide_role(config, config->role_arn, config->external_id, config->role_session_name,
							NULL, &base, credentials, problem);
}

/*
 * What is kept for the session.
 */
typedef struct Kept
{
	char	   *key;			/* what they were found with; NULL: empty */
	CmzCredentials credentials; /* in TopMemoryContext */
	TimestampTz refresh_at;
} Kept;

static Kept kept[MAX_KEPT];
static int	next_kept = 0;
static uint64 last_serial = 0;
static uint64 version_seen = 0; /* of the shared files */

static const char *
part(const char *text)
{
	return text ? text : "";
}

/*
 * All that the answer depends on; the environment does not change, and for the
 * shared files see forget_if_changed().
 */
static char *
make_key(const CmzCredentialConfig *config)
{
	return psprintf("%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%d%d%d",
					part(config->access_key_id), part(config->secret_access_key),
					part(config->session_token), part(config->profile), part(config->role_arn),
					part(config->external_id), part(config->role_session_name), config->region,
					part(config->http.ca_file), config->may_lend, config->allow_ambient,
					config->allow_dummy);
}

static void
destroy(const char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(unconstify(char *, secret), strlen(secret));
	pfree(unconstify(char *, secret));
}

static void
forget(Kept *entry)
{
	if (entry->key == NULL)
		return;
	destroy(entry->key);
	destroy(entry->credentials.access_key_id);
	destroy(entry->credentials.secret_access_key);
	destroy(entry->credentials.session_token);
	destroy(entry->credentials.source);
	memset(entry, 0, sizeof(*entry));
}

/* The shared files may now have another answer to everything. */
static void
forget_if_changed(const CmzCredentialConfig *config)
{
	uint64		version = config->allow_ambient ? cmz_awsconfig_version() : version_seen;

	for (int i = 0; i < MAX_KEPT && version != version_seen; i++)
		forget(&kept[i]);
	version_seen = version;
}

static Kept *
find_kept(const char *key)
{
	for (int i = 0; i < MAX_KEPT; i++)
		if (kept[i].key != NULL && strcmp(kept[i].key, key) == 0)
			return &kept[i];
	return NULL;
}

/* An empty entry, or, if there is none, each in its turn. */
static Kept *
free_entry(void)
{
	for (int i = 0; i < MAX_KEPT; i++)
		if (kept[i].key == NULL)
			return &kept[i];
	return &kept[next_kept++ % MAX_KEPT];
}

static char *
copy(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static CmzCredentials
copy_credentials(const CmzCredentials *credentials)
{
	CmzCredentials result = *credentials;

	result.access_key_id = copy(credentials->access_key_id);
	result.secret_access_key = copy(credentials->secret_access_key);
	result.session_token = copy(credentials->session_token);
	result.source = copy(credentials->source);
	return result;
}

static void
keep(Kept *entry, const char *key, CmzCredentials *credentials)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		life_ms = (credentials->expires_at - now) / 1000;
	int64		before_ms = Min(REFRESH_MS, life_ms - life_ms / REFRESH_PART);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	char	   *key_copy = pstrdup(key);
	CmzCredentials copies;

	credentials->serial = ++last_serial;
	copies = copy_credentials(credentials);
	if (entry == NULL)
		entry = free_entry();
	forget(entry);
	entry->credentials = copies;
	entry->refresh_at = credentials->expires_at - Max(before_ms, 0) * 1000;
	entry->key = key_copy;
	MemoryContextSwitchTo(old);
}

/* New ones could not be had: those at hand may still do. */
static bool
use_old(Kept *entry, CmzCredentials *credentials, const CmzProblem *problem)
{
	TimestampTz now = GetCurrentTimestamp();

	if (entry == NULL || entry->credentials.expires_at <= now)
		return false;
	ereport(LOG,
			(errmsg("could not renew AWS credentials, those at hand are used until they expire"),
			 errdetail_internal("%s", problem->message)));
	entry->refresh_at = Min(TimestampTzPlusMilliseconds(now, RETRY_MS), entry->credentials.expires_at);
	*credentials = copy_credentials(&entry->credentials);
	return true;
}

/* Get new ones, and keep them if that took asking. */
static bool
renew(const CmzCredentialConfig *config, const char *key, CmzCredentials *credentials, CmzProblem *problem)
{
	bool		found = find_credentials(config, credentials, problem) == CMZ_PROVISION_FOUND;
	/* meanwhile others may have been kept in its place */
	Kept	   *entry = find_kept(key);

	if (!found)
	{
		/* names may be from files or answers, which are in no particular encoding */
		problem->message = cmz_error_printable(problem->message);
		problem->detail = problem->detail ? cmz_error_printable(problem->detail) : NULL;
		return use_old(entry, credentials, problem);
	}
	if (credentials->asked)
		keep(entry, key, credentials);
	else if (entry != NULL)
		forget(entry);
	return true;
}

bool
cmz_credentials_find(const CmzCredentialConfig *config, CmzCredentials *credentials,
					 CmzProblem *problem)
{
	char	   *key = make_key(config);
	Kept	   *entry;
	bool		found = true;

	memset(problem, 0, sizeof(*problem));
	forget_if_changed(config);
	entry = find_kept(key);
	if (entry == NULL || GetCurrentTimestamp() >= entry->refresh_at)
		found = renew(config, key, credentials, problem);
	else
		*credentials = copy_credentials(&entry->credentials);
	destroy(key);
	return found;
}

void
cmz_credentials_get(const CmzCredentialConfig *config, CmzCredentials *credentials)
{
	CmzProblem	problem;

	if (!cmz_credentials_find(config, credentials, &problem))
		ereport(ERROR,
				(errcode(problem.sqlstate),
				 errmsg("%s", problem.message),
				 problem.detail ? errdetail_internal("%s", problem.detail) : 0,
				 problem.hint ? errhint("%s", problem.hint) : 0));
}

bool
cmz_credentials_refuse(const CmzCredentialConfig *config, uint64 serial)
{
	char	   *key = make_key(config);
	Kept	   *entry = find_kept(key);

	destroy(key);
	/* they may have been replaced since a request was signed with them */
	if (entry != NULL && entry->credentials.serial == serial)
		forget(entry);
	return serial != 0;
}
