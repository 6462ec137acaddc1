/*
 * session.c
 *	  From a foreign server and a user to a client of DynamoDB.
 *
 * A client is a handful of strings, made anew for each statement, so there is
 * nothing to invalidate when options change.  What is worth keeping,
 * connections, belongs to the client layer.
 */
#include "postgres.h"

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

static const char *
server_region(List *options)
{
	const char *region = cmz_option_find(options, "region");

	if (region != NULL)
		return region;
	region = cmz_option_environment(region_variables);
	if (region == NULL)
		return DEFAULT_REGION;
	cmz_option_check("region", region, "the environment");
	return pstrdup(region);
}

/* Source: AWS General Reference, "Amazon DynamoDB endpoints". */
static const char *
regional_endpoint(const char *region)
{
	return psprintf("https://dynamodb.%s.amazonaws.com%s", region,
					strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
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
			return regional_endpoint(region);
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

CmzClient *
cmz_session_client(Oid serverid, Oid userid)
{
	ForeignServer *server = GetForeignServer(serverid);
	List	   *mapping = mapping_options(serverid, userid);
	CmzClient  *client = palloc0(sizeof(CmzClient));
	CmzCredentialConfig *config = &client->credential_config;
	bool		is_local;

	client->region = server_region(server->options);
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

	config->access_key_id = cmz_option_find(mapping, "access_key_id");
	config->secret_access_key = cmz_option_find(mapping, "secret_access_key");
	config->session_token = cmz_option_find(mapping, "session_token");
	config->allow_ambient = superuser_arg(userid) ||
		cmz_option_bool(cmz_option_find(mapping, "ambient_credentials"), false);
	config->allow_dummy = is_local;
	config->user_name = GetUserNameFromId(userid, false);
	config->server_name = server->servername;
	return client;
}

void
cmz_session_check_server(Oid serverid)
{
	if (GetFdwRoutineByServerId(serverid)->IterateForeignScan != cmzIterateForeignScan)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not one of cmz_fdw", GetForeignServer(serverid)->servername)));
}
