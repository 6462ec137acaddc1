/*
 * profile.c
 *	  Credentials from a profile of the shared config and credentials files.
 *
 * Source: AWS SDKs and Tools reference guide, "Assume role credential provider",
 * "IAM Identity Center credential provider", "Process credential provider".
 */
#include "postgres.h"

#include "client/awsconfig.h"

#define MAX_CHAIN	10

/* The names of profiles that lead to each other. */
typedef struct Chain
{
	int			n;
	const char *names[MAX_CHAIN];
} Chain;

static CmzProvision provide(const CmzCredentialConfig *config, const char *profile, Chain *chain,
							CmzCredentials *credentials, CmzProblem *problem);

static CmzProvision
provide_static(const char *profile, CmzCredentials *credentials, CmzProblem *problem)
{
	static const char id_name[] = "aws_access_key_id";
	static const char secret_name[] = "aws_secret_access_key";
	const char *id = cmz_awsconfig_get(profile, id_name);

	if (id == NULL && cmz_awsconfig_get(profile, secret_name) == NULL)
		return CMZ_PROVISION_NONE;
	/* both files may have a key; the parts of two do not fit each other */
	return cmz_provision_keys(id, cmz_awsconfig_get_beside(profile, secret_name, id_name),
							  cmz_awsconfig_get_beside(profile, "aws_session_token", id_name),
							  psprintf("profile %s", profile), credentials, problem);
}

/* credential_source: where the credentials come from that assume a role. */
static CmzProvision
provide_source(const CmzCredentialConfig *config, const char *profile, const char *name,
			   CmzCredentials *credentials, CmzProblem *problem)
{
	static const struct
	{
		const char *name;
		CmzProvider provide;
	}			sources[] = {
		{"Environment", cmz_provide_environment},
		{"EcsContainer", cmz_provide_container},
		{"Ec2InstanceMetadata", cmz_provide_instance},
	};
	CmzProvision provision;

	for (int i = 0; i < (int) lengthof(sources); i++)
	{
		if (strcmp(sources[i].name, name) != 0)
			continue;
		provision = sources[i].provide(config, credentials, problem);
		return provision != CMZ_PROVISION_NONE ? provision
			: cmz_provision_fail(problem, psprintf("credential_source \"%s\" of profile \"%s\" has no credentials",
												   name, profile), NULL, NULL);
	}
	return cmz_provision_fail(problem, psprintf("invalid credential_source in profile \"%s\"", profile), NULL,
							  "Valid values are Environment, EcsContainer and Ec2InstanceMetadata.");
}

/* What the profile's role is assumed with. */
static CmzProvision
provide_base(const CmzCredentialConfig *config, const char *profile, Chain *chain,
			 CmzCredentials *credentials, CmzProblem *problem)
{
	const char *source_profile = cmz_awsconfig_get(profile, "source_profile");
	const char *credential_source = cmz_awsconfig_get(profile, "credential_source");

	if ((source_profile == NULL) == (credential_source == NULL))
		return cmz_provision_fail(problem, psprintf("profile \"%s\" does not say with which credentials its role is assumed",
													profile), NULL,
								  "Set one of source_profile and credential_source.");
	if (credential_source != NULL)
		return provide_source(config, profile, credential_source, credentials, problem);
	/* a profile may assume its role with keys of its own */
	if (strcmp(source_profile, profile) == 0)
	{
		CmzProvision provision = provide_static(profile, credentials, problem);

		return provision != CMZ_PROVISION_NONE ? provision
			: cmz_provision_fail(problem, psprintf("profile \"%s\" is its own source_profile and has no access key",
												   profile), NULL, NULL);
	}
	return provide(config, pstrdup(source_profile), chain, credentials, problem);
}

static CmzProvision
provide_profile_role(const CmzCredentialConfig *config, const char *profile, const char *role_arn,
					 Chain *chain, CmzCredentials *credentials, CmzProblem *problem)
{
	const char *token_file = cmz_awsconfig_get(profile, "web_identity_token_file");
	const char *session_name = cmz_awsconfig_get(profile, "role_session_name");
	CmzCredentials base = {0};
	CmzProvision provision;

	if (cmz_awsconfig_get(profile, "mfa_serial") != NULL)
		return cmz_provision_fail(problem, psprintf("profile \"%s\" wants a code of a multi-factor device", profile),
								  "A server cannot ask for one.",
								  "Use a profile without mfa_serial.");
	if (token_file != NULL)
		return cmz_provide_web_role(config, role_arn, session_name, token_file, credentials, problem);
	base.expires_at = DT_NOEND;
	provision = provide_base(config, profile, chain, &base, problem);
	if (provision != CMZ_PROVISION_FOUND)
		return provision;
	return cmz_provide_role(config, role_arn, cmz_awsconfig_get(profile, "external_id"), session_name,
							cmz_awsconfig_get(profile, "duration_seconds"), &base, credentials, problem);
}

static bool
is_sso(const char *profile)
{
	return cmz_awsconfig_get(profile, "sso_account_id") != NULL ||
		cmz_awsconfig_get(profile, "sso_role_name") != NULL;
}

/* A role comes before keys, keys before what has to be asked for. */
static CmzProvision
provide(const CmzCredentialConfig *config, const char *profile, Chain *chain,
		CmzCredentials *credentials, CmzProblem *problem)
{
	const char *role_arn = cmz_awsconfig_get(profile, "role_arn");
	const char *command = cmz_awsconfig_get(profile, "credential_process");
	CmzProvision provision;

	for (int i = 0; i < chain->n; i++)
		if (strcmp(chain->names[i], profile) == 0)
			return cmz_provision_fail(problem, psprintf("profile \"%s\" is, over source_profile, its own source", profile),
									  NULL, NULL);
	if (chain->n == MAX_CHAIN)
		return cmz_provision_fail(problem, "too many profiles refer to each other with source_profile", NULL, NULL);
	if (!cmz_awsconfig_has_profile(profile))
		return cmz_provision_fail(problem, psprintf("there is no profile \"%s\"", profile),
								  "It is neither in the shared config file nor in the credentials file of the server process.",
								  "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and HOME in the environment of the server process say where they are.");
	chain->names[chain->n++] = profile;
	if (role_arn != NULL)
		return provide_profile_role(config, profile, role_arn, chain, credentials, problem);
	provision = provide_static(profile, credentials, problem);
	if (provision != CMZ_PROVISION_NONE)
		return provision;
	if (is_sso(profile))
		return cmz_provide_sso(config, profile, credentials, problem);
	if (command != NULL)
		return cmz_provide_process(config, command, credentials, problem);
	return CMZ_PROVISION_NONE;
}

CmzProvision
cmz_provide_profile(const CmzCredentialConfig *config, CmzCredentials *credentials, CmzProblem *problem)
{
	const char *profile = cmz_awsconfig_profile(config->profile);
	Chain		chain = {0};
	CmzProvision provision;

	if (!cmz_awsconfig_load(problem))
		return CMZ_PROVISION_FAILED;
	/* one that nobody asked for need not be there */
	if (config->profile == NULL && strcmp(profile, "default") == 0 && !cmz_awsconfig_has_profile(profile))
		return CMZ_PROVISION_NONE;
	/* nothing loads the files again until we are through, so their strings stay */
	provision = provide(config, profile, &chain, credentials, problem);
	if (provision == CMZ_PROVISION_NONE && chain.n > 1)
		return cmz_provision_fail(problem, psprintf("profile \"%s\" has no credentials", chain.names[chain.n - 1]),
								  psprintf("Profile \"%s\" leads to it.", profile), NULL);
	if (provision == CMZ_PROVISION_NONE && config->profile != NULL)
		return cmz_provision_fail(problem, psprintf("profile \"%s\" has no credentials", profile), NULL, NULL);
	return provision;
}
