/*
 * option.c
 *	  The options of servers, user mappings, foreign tables and columns.
 *
 * To add an option, add a row to the table; a new kind of value also needs a
 * function that checks it.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/attribute.h"
#include "base/layout.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "client/http.h"
#include "commands/defrem.h"
#include "fdw/batchpath.h"
#include "fdw/compat.h"
#include "fdw/guard.h"
#include "fdw/monitor.h"
#include "fdw/option.h"
#include "fdw/writeset.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define MAX_TIMEOUT_MS	(24 * 3600 * 1000)
#define MAX_READ_UNITS	1e12

/* Where an option may stand. */
#define AT_SERVER	0x01
#define AT_MAPPING	0x02
#define AT_TABLE	0x04
#define AT_COLUMN	0x08

/* NULL if the value is right, else what is right, for a hint. */
typedef const char *(*Check) (const char *value);

bool		cmz_enable_pushdown = true;

static const char *
check_bool(const char *value)
{
	bool		result;

	return parse_bool(value, &result) ? NULL : "Valid values are true and false.";
}

static const char *
check_int_range(const char *value, int min, int max, const char *hint)
{
	int			result;

	return parse_int(value, &result, 0, NULL) && result >= min && result <= max ? NULL : hint;
}

static const char *
check_retries(const char *value)
{
	return check_int_range(value, 0, 100, "Valid values are integers from 0 to 100.");
}

static const char *
check_concurrency(const char *value)
{
	return check_int_range(value, 1, CMZ_MAX_CONCURRENCY, "Valid values are integers from 1 to 64.");
}

static const char *
check_days(const char *value)
{
	return check_int_range(value, 0, 36500, "Valid values are integers from 0 (write no ttl) to 36500.");
}

static const char *
check_item_bytes(const char *value)
{
	return check_int_range(value, 1, CMZ_MAX_ITEM, "Valid values are integers from 1 to 409600.");
}

static const char *
check_items(const char *value)
{
	char	   *end;
	double		result = strtod(value, &end);

	return end != value && *end == '\0' && result >= 0 && result <= 1e15
		? NULL : "Valid values are numbers from 0 to 1e15.";
}

static const char *
check_timeout(const char *value)
{
	int			result;

	return parse_int(value, &result, GUC_UNIT_MS, NULL) && result > 0 && result <= MAX_TIMEOUT_MS
		? NULL : "Valid values are times from 1ms to 1d, such as \"500ms\" or \"3s\"; a bare number is milliseconds.";
}

static const char *
check_region(const char *value)
{
	size_t		len = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return *value && value[len] == '\0' && len < 64
		? NULL : "A region is made of lower-case letters, digits and hyphens, such as \"us-west-2\".";
}

static const char *
check_endpoint(const char *value)
{
	static const char hint[] = "An endpoint is http://host[:port][/path] or https://host[:port][/path].";
	const char *host;

	if (pg_strncasecmp(value, "http://", 7) == 0)
		host = value + 7;
	else if (pg_strncasecmp(value, "https://", 8) == 0)
		host = value + 8;
	else
		return hint;
	if (*host == '\0' || *host == '/' || *host == ':')
		return hint;
	for (; *host; host++)
		if ((unsigned char) *host <= ' ' || (unsigned char) *host >= 0x7f ||
			strchr("@?#\\\"<>{}|^`", *host) != NULL)
			return hint;
	return NULL;
}

static const char *
check_not_empty(const char *value)
{
	return *value ? NULL : "The value cannot be empty.";
}

/* What goes into an HTTP header as it is. */
static const char *
check_token(const char *value)
{
	for (const char *p = value; *p; p++)
		if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f)
			return "The value must consist of printable ASCII characters without spaces.";
	return check_not_empty(value);
}

/* Source: AWS STS API reference, AssumeRole. */
static const char *
check_role(const char *value)
{
	return strncmp(value, "arn:", 4) == 0 && strlen(value) >= 20 && strlen(value) <= 2048 &&
		check_token(value) == NULL
		? NULL : "The value is the ARN of a role, such as \"arn:aws:iam::123456789012:role/reports\".";
}

static const char *
check_role_word(const char *value)
{
	size_t		len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@:/-");

	return value[len] == '\0' && len >= 2 && len <= 1224
		? NULL : "The value has 2 to 1224 letters, digits and characters of _+=,.@:/-.";
}

static const char *
check_session_name(const char *value)
{
	return check_role_word(value) == NULL && strpbrk(value, ":/") == NULL && strlen(value) <= 64
		? NULL : "The value has 2 to 64 letters, digits and characters of _+=,.@-.";
}

static const char *
check_table_name(const char *value)
{
	size_t		len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return value[len] == '\0' && len >= 3 && len <= 255
		? NULL : "A table name has 3 to 255 letters, digits, underscores, hyphens and periods.";
}

static const char *
check_mismatch(const char *value)
{
	return strcmp(value, "error") == 0 || strcmp(value, "null") == 0
		? NULL : "Valid values are error and null.";
}

static const char *
check_write_mode(const char *value)
{
	return strcmp(value, "transaction") == 0 || strcmp(value, "immediate") == 0
		? NULL : "Valid values are transaction and immediate.";
}

static const char *
check_atomic(const char *value)
{
	return strcmp(value, "auto") == 0 || strcmp(value, "require") == 0
		? NULL : "Valid values are auto and require.";
}

static const char *
check_policy(const char *value)
{
	CmzScanPolicy policy;

	return cmz_table_parse_policy(value, &policy) ? NULL : "Valid values are allow, warn and deny.";
}

static const char *
check_type(const char *value)
{
	CmzType		type = cmz_type_parse(value, strlen(value));

	return type != CMZ_TYPE_NONE && type != CMZ_TYPE_NULL
		? NULL : "Valid values are S, N, B, BOOL, M, L, SS, NS and BS.";
}

static const char *
check_key(const char *value)
{
	CmzLayout	layout;
	char	   *error;

	return cmz_layout_parse(value, "none", &layout, &error) ? NULL
		: "The value is the partition key and, if the table has one, the sort key: \"userId, sessionIdTimestamp\".";
}

static const struct
{
	const char *name;
	int			where;
	Check		check;
	bool		superuser_only;
}			option_table[] = {
	{"region", AT_SERVER, check_region, false},
	{"endpoint_url", AT_SERVER, check_endpoint, false},
	{"allow_http", AT_SERVER, check_bool, false},
	{"ca_file", AT_SERVER, check_not_empty, false},
	{"connect_timeout", AT_SERVER, check_timeout, false},
	{"request_timeout", AT_SERVER, check_timeout, false},
	{"max_retries", AT_SERVER, check_retries, false},
	{"profile", AT_SERVER | AT_MAPPING, check_not_empty, true},
	{"role_arn", AT_SERVER | AT_MAPPING, check_role, false},
	{"external_id", AT_SERVER | AT_MAPPING, check_role_word, false},
	{"role_session_name", AT_SERVER | AT_MAPPING, check_session_name, false},
	{"access_key_id", AT_MAPPING, check_token, false},
	{"secret_access_key", AT_MAPPING, check_token, false},
	{"session_token", AT_MAPPING, check_token, false},
	{"ambient_credentials", AT_MAPPING, check_bool, true},
	{"table_name", AT_TABLE, check_table_name, false},
	{"estimated_items", AT_TABLE, check_items, false},
	{"estimated_item_bytes", AT_TABLE, check_item_bytes, false},
	{"key", AT_TABLE, check_key, false},
	{"indexes", AT_TABLE, NULL, false}, /* checked together with "key" */
	{"consistent_read", AT_SERVER | AT_TABLE, check_bool, false},
	{"ttl_days", AT_SERVER | AT_TABLE, check_days, false},
	{"hide_expired", AT_SERVER | AT_TABLE, check_bool, false},
	{"concurrency", AT_SERVER | AT_TABLE, check_concurrency, false},
	{"scan_policy", AT_SERVER | AT_TABLE, check_policy, false},
	{"write_mode", AT_SERVER | AT_TABLE, check_write_mode, false},
	{"atomic_writes", AT_SERVER | AT_TABLE, check_atomic, false},
	{"truncatable", AT_SERVER | AT_TABLE, check_bool, false},
	{"updatable", AT_SERVER | AT_TABLE, check_bool, false},
	{"on_type_mismatch", AT_SERVER | AT_TABLE | AT_COLUMN, check_mismatch, false},
	{"attribute", AT_COLUMN, check_not_empty, false},
	{"dynamodb_type", AT_COLUMN, check_type, false},
};

static int
where_of_catalog(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return AT_SERVER;
		case UserMappingRelationId:
			return AT_MAPPING;
		case ForeignTableRelationId:
			return AT_TABLE;
		case AttributeRelationId:
			return AT_COLUMN;
		default:
			return 0;
	}
}

/* The row of an option, -1 if there is none of that name. */
static int
find_option(const char *name)
{
	for (int i = 0; i < (int) lengthof(option_table); i++)
		if (strcmp(option_table[i].name, name) == 0)
			return i;
	return -1;
}

/* The names that may stand there, for a hint. */
static char *
valid_names(int where)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < (int) lengthof(option_table); i++)
		if (option_table[i].where & where)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", option_table[i].name);
	return buf.data;
}

static void
check_value(int row, const char *value, const char *source)
{
	const char *hint = option_table[row].check ? option_table[row].check(value) : NULL;

	if (hint != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 source
				 ? errmsg("invalid value for option \"%s\" in %s", option_table[row].name, source)
				 : errmsg("invalid value for option \"%s\"", option_table[row].name),
				 /* never print what may be a secret */
				 option_table[row].where & AT_MAPPING ? 0 : errdetail("The value is \"%s\".", value),
				 errhint("%s", hint)));
}

static void
check_option(DefElem *def, int where)
{
	int			row = find_option(def->defname);

	if (row < 0 || !(option_table[row].where & where))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"", def->defname),
				 where ? errhint("Valid options in this context are: %s.", valid_names(where))
				 : errhint("There are no valid options in this context.")));
	if (option_table[row].superuser_only && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", def->defname),
				 errhint("Only a superuser can choose an AWS identity of the server process, or let another role use it.")));
	check_value(row, defGetString(def), NULL);
}

/* Options that must fit each other. */
static void
check_together(List *options, int where)
{
	const char *endpoint = cmz_option_find(options, "endpoint_url");
	const char *indexes = cmz_option_find(options, "indexes");
	CmzLayout	layout;
	char	   *error;

	if (where == AT_SERVER && endpoint)
		cmz_option_check_endpoint(endpoint,
								  cmz_option_bool(cmz_option_find(options, "allow_http"), false),
								  NULL);
	if (where == AT_MAPPING && (cmz_option_find(options, "access_key_id") == NULL) !=
		(cmz_option_find(options, "secret_access_key") == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("options \"access_key_id\" and \"secret_access_key\" must be set together")));
	if (where == AT_MAPPING && cmz_option_find(options, "session_token") != NULL &&
		cmz_option_find(options, "access_key_id") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"session_token\" needs \"access_key_id\" and \"secret_access_key\"")));
	if (where == AT_TABLE && indexes &&
		!cmz_layout_parse(cmz_option_find(options, "key"), indexes, &layout, &error))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", "indexes"),
				 errdetail_internal("%s", error),
				 errhint("The value is none, or a list such as \"SessionIndex (sessionId, timestamp), ByDay (day) keys_only\".")));
}

PG_FUNCTION_INFO_V1(cmz_fdw_validator);

Datum
cmz_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	int			where = where_of_catalog(PG_GETARG_OID(1));
	ListCell   *lc;

	foreach(lc, options)
		check_option(lfirst(lc), where);
	check_together(options, where);
	PG_RETURN_VOID();
}

const char *
cmz_option_find(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst(lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

bool
cmz_option_bool(const char *value, bool def)
{
	if (value != NULL)
		(void) parse_bool(value, &def);
	return def;
}

int
cmz_option_int(const char *value, int def)
{
	if (value != NULL)
		(void) parse_int(value, &def, 0, NULL);
	return def;
}

double
cmz_option_double(const char *value, double def)
{
	return value != NULL ? strtod(value, NULL) : def;
}

int
cmz_option_milliseconds(const char *value, int def)
{
	if (value != NULL)
		(void) parse_int(value, &def, GUC_UNIT_MS, NULL);
	return def;
}

const char *
cmz_option_environment(const char *const *variables)
{
	for (; *variables; variables++)
	{
		const char *value = getenv(*variables);

		if (value != NULL && *value != '\0')
			return value;
	}
	return NULL;
}

bool
cmz_option_is_valid(const char *name, const char *value)
{
	int			row = find_option(name);

	Assert(row >= 0);
	return option_table[row].check == NULL || option_table[row].check(value) == NULL;
}

void
cmz_option_check(const char *name, const char *value, const char *source)
{
	int			row = find_option(name);

	Assert(row >= 0);
	check_value(row, value, source);
}

void
cmz_option_check_endpoint(const char *url, bool allow_http, const char *source)
{
	if (pg_strncasecmp(url, "https:", 6) == 0 || allow_http || cmz_http_is_loopback(url))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 source
			 ? errmsg("endpoint \"%s\" from %s would be used without encryption", url, source)
			 : errmsg("endpoint \"%s\" would be used without encryption", url),
			 errhint("Use https, or set option allow_http to 'true' on the server.")));
}

void
cmz_option_define_gucs(void)
{
	DefineCustomBoolVariable("cmz_fdw.enable_pushdown",
							 "Sends conditions to DynamoDB.",
							 "Off: every condition is evaluated locally; for testing.",
							 &cmz_enable_pushdown,
							 true,
							 PGC_USERSET, GUC_EXPLAIN,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("cmz_fdw.enable_batched_join",
							 "Enables the planner's use of batched joins.",
							 "They ask DynamoDB for the keys of many rows of another table at once.",
							 &cmz_enable_batched_join,
							 true,
							 PGC_USERSET, GUC_EXPLAIN,
							 NULL, NULL, NULL);
	DefineCustomRealVariable("cmz_fdw.max_read_units",
							 "Cancels a statement that has consumed more read units of DynamoDB.",
							 "0 means no limit.",
							 &cmz_max_read_units,
							 0, 0, MAX_READ_UNITS,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomRealVariable("cmz_fdw.read_units_per_second",
							 "Slows reading down to that many read units a second.",
							 "0 means as fast as it goes.",
							 &cmz_read_units_per_second,
							 0, 0, MAX_READ_UNITS,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("cmz_fdw.max_pending_writes",
							"How many writes a transaction may gather until it commits.",
							"Each is kept in memory.",
							&cmz_max_pending_writes,
							100000, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
	cmz_cost_define_gucs();
	MarkGUCPrefixReserved("cmz_fdw");
}
