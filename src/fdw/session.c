/*
 * session.c
 *	  From a foreign server and a user to a client of DynamoDB.
 *
 * A client is a handful of strings, made anew for each statement, so there is
 * nothing to invalidate when options change.  What is worth keeping,
 * connections, belongs to the client layer.
 */
#include "postgres.h"

#include "client/awsconfig.h"
#include "fdw/compat.h"
#include "fdw/option.h"
#include "fdw/scan.h"
#include "fdw/session.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#define DEFAULT_REGION				"us-west-2"
#define DEFAULT_CONNECT_TIMEOUT_MS	3000
#define DEFAULT_REQUEST_TIMEOUT_MS	30000
#define DEFAULT_MAX_RETRIES			8

static const char *const region_variables[] = {
	"CONVERSATION_TABLE_REGION", "AWS_REGION", "AWS_DEFAULT_REGION", NULL
};
static const char *const endpoint_variables[] = {
	"DYNAMODB_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", NULL
};
static const char *const local_endpoint_variables[] = {
	"DYNAMODB_ENDPOINT_URL", NULL
};

/* The option's, the environment's, the profile's or the default one. */
static const char *
server_region(List *options, const char *profile)
{
	const char *region = cmz_option_find(options, "region");
	const char *source = "the environment";
	CmzProblem	problem;

	if (region != NULL)
		return region;
	region = cmz_option_environment(region_variables);
	/* what is wrong with the files is said when credentials are wanted of them */
	if (region == NULL && cmz_awsconfig_load(&problem))
	{
		region = cmz_awsconfig_get(cmz_awsconfig_profile(profile), "region");
		source = "the AWS configuration file";
	}
	if (region == NULL)
		return DEFAULT_REGION;
	cmz_option_check("region", region, source);
	return pstrdup(region);
}

/* *is_local: its user says that it is a local stand-in. */
static const char *
server_endpoint(List *options, const char *region, bool *is_local)
{
	const char *url = cmz_option_find(options, "endpoint_url");
	bool		allow_http = cmz_option_bool(cmz_option_find(options, "allow_http"), false);

	*is_local = false;
	if (url == NULL)
	{
		url = cmz_option_environment(endpoint_variables);
		if (url == NULL)
			return cmz_service_regional_endpoint(&cmz_service_dynamodb, region);
		*is_local = cmz_option_environment(local_endpoint_variables) != NULL;
		cmz_option_check("endpoint_url", url, "the environment");
		cmz_option_check_endpoint(url, allow_http, "the environment");
		url = pstrdup(url);
	}
	if (pg_strncasecmp(url, "http:", 5) == 0 && cmz_http_is_loopback(url))
		*is_local = true;
	return url;
}

/* The options of the mapping for the user or for PUBLIC; NIL without one. */
static List *
mapping_options(Oid serverid, Oid userid)
{
	if (!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid),
							   ObjectIdGetDatum(serverid)) &&
		!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							   ObjectIdGetDatum(serverid)))
		return NIL;
	return GetUserMapping(userid, serverid)->options;
}

/* An option of the mapping, else of the server. */
static const char *
either(List *mapping, List *server, const char *name)
{
	const char *value = cmz_option_find(mapping, name);

	return value ? value : cmz_option_find(server, name);
}

static void
fill_credential_config(CmzCredentialConfig *config, ForeignServer *server, List *mapping, Oid userid)
{
	config->access_key_id = cmz_option_find(mapping, "access_key_id");
	config->secret_access_key = cmz_option_find(mapping, "secret_access_key");
	config->session_token = cmz_option_find(mapping, "session_token");
	config->profile = either(mapping, server->options, "profile");
	config->role_arn = either(mapping, server->options, "role_arn");
	config->external_id = either(mapping, server->options, "external_id");
	config->role_session_name = either(mapping, server->options, "role_session_name");
	/* whoever owns the server chooses where requests are sent */
	config->allow_ambient = (superuser_arg(userid) && superuser_arg(server->owner)) ||
		cmz_option_bool(cmz_option_find(mapping, "ambient_credentials"), false);
	/* the owner can write mappings, a superuser's too, but for one with ambient_credentials */
	config->may_lend = superuser_arg(server->owner) ||
		(cmz_option_find(mapping, "role_arn") != NULL &&
		 cmz_option_bool(cmz_option_find(mapping, "ambient_credentials"), false));
	config->user_name = GetUserNameFromId(userid, false);
	config->server_name = server->servername;
}

CmzClient *
cmz_session_client(Oid serverid, Oid userid)
{
	ForeignServer *server = GetForeignServer(serverid);
	List	   *mapping = mapping_options(serverid, userid);
	CmzClient  *client = palloc0(sizeof(CmzClient));
	CmzCredentialConfig *config = &client->credential_config;
	bool		is_local;

	fill_credential_config(config, server, mapping, userid);
	client->serverid = serverid;
	client->service = &cmz_service_dynamodb;
	client->region = server_region(server->options, config->profile);
	client->endpoint_url = server_endpoint(server->options, client->region, &is_local);
	client->http.ca_file = cmz_option_find(server->options, "ca_file");
	client->http.connect_timeout_ms =
		cmz_option_milliseconds(cmz_option_find(server->options, "connect_timeout"),
								DEFAULT_CONNECT_TIMEOUT_MS);
	client->http.request_timeout_ms =
		cmz_option_milliseconds(cmz_option_find(server->options, "request_timeout"),
								DEFAULT_REQUEST_TIMEOUT_MS);
	client->max_retries = cmz_option_int(cmz_option_find(server->options, "max_retries"),
										 DEFAULT_MAX_RETRIES);

	config->allow_dummy = is_local;
	config->region = client->region;
	config->http = client->http;
	return client;
}

/* The endpoint is AWS's own. */
static bool
is_aws(const char *url)
{
	char	   *host = cmz_sigv4_host(url);
	size_t		len;

	host[strcspn(host, ":")] = '\0';
	len = strlen(host);
	return (len > 14 && strcmp(host + len - 14, ".amazonaws.com") == 0) ||
		(len > 17 && strcmp(host + len - 17, ".amazonaws.com.cn") == 0);
}

/* DynamoDB Streams, of which DynamoDB's stand-ins have their own. */
static bool
is_beside(const CmzClient *client, const CmzService *service)
{
	return service == &cmz_service_streams && !is_aws(client->endpoint_url);
}

bool
cmz_session_has_service(const CmzClient *client, const CmzService *service)
{
	return is_beside(client, service) || !client->credential_config.allow_dummy ||
		cmz_service_environment_endpoint(service, NULL) != NULL;
}

CmzClient *
cmz_session_service(const CmzClient *client, const CmzService *service)
{
	CmzClient  *other = palloc(sizeof(CmzClient));
	const char *variable = NULL;
	const char *url = cmz_service_environment_endpoint(service, &variable);
	bool		beside = is_beside(client, service);

	*other = *client;
	other->service = service;
	/* AWS_ENDPOINT_URL has been looked at for DynamoDB itself */
	if (beside && (url == NULL || strcmp(variable, service->endpoint_variable) != 0))
		return other;
	if (!cmz_session_has_service(client, service))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("endpoint \"%s\" has no %s", client->endpoint_url, service->name),
				 errhint("If there is one elsewhere, name it in the environment of the server process with %s.",
						 service->endpoint_variable)));
	if (url == NULL)
		other->endpoint_url = cmz_service_regional_endpoint(service, client->region);
	else
	{
		cmz_option_check("endpoint_url", url, "the environment");
		cmz_option_check_endpoint(url, false, "the environment");
		other->endpoint_url = pstrdup(url);
	}
	return other;
}

void
cmz_session_check_server(Oid serverid)
{
	if (GetFdwRoutineByServerId(serverid)->IterateForeignScan != cmzIterateForeignScan)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not one of cmz_fdw", GetForeignServer(serverid)->servername)));
}

Oid
cmz_session_usable_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult	result = cmz_server_aclcheck(server->serverid, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_SERVER, server->servername);
	cmz_session_check_server(server->serverid);
	return server->serverid;
}
