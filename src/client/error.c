/*
 * error.c
 *	  What went wrong with a call: whether to try again, and how to say it.
 *
 * Two tables decide: one for the services' exceptions, one for libcurl's codes.
 * Sources: DynamoDB API reference, "Common Errors", and developer guide,
 * "Error handling with DynamoDB"; STS and CloudWatch API reference, "Common
 * Errors".
 */
#include "postgres.h"

#include "base/json.h"
#include "base/xml.h"
#include "client/error.h"
#include "mb/pg_wchar.h"

#define HINT_TABLE \
	"Check the options table_name of the foreign table, and region and endpoint_url of the server; cmz_create_table() creates the table."
#define HINT_IDENTITY \
	"Check access_key_id, secret_access_key and session_token of the user mapping, region of the server, and the clock of this machine."
#define HINT_THROTTLED \
	"On-demand capacity adapts by itself; with provisioned capacity, raise it, or raise max_retries of the server."
#define HINT_IN_USE \
	"Delete the existing table, or use another table name."
#define HINT_BACKUPS \
	"Continuous backups of a new table take a while to become available: try again later."
#define HINT_LAYOUT \
	"Compare the options \"key\" and \"indexes\" of the foreign table and the types of its columns with the live table; IMPORT FOREIGN SCHEMA writes them as they are."
#define HINT_ENDPOINT \
	"Check endpoint_url and region of the server."
#define HINT_TLS \
	"Check endpoint_url of the server, and ca_file if the endpoint has a private certificate."

#define TRANSACTION_CANCELED	"TransactionCanceledException"

static const struct
{
	const char *code;
	CmzRetry	retry;
	int			sqlstate;
	const char *hint;
}			exceptions[] = {
	{"ConditionalCheckFailedException", CMZ_RETRY_NEVER, ERRCODE_UNIQUE_VIOLATION, NULL},
	{TRANSACTION_CANCELED, CMZ_RETRY_NEVER, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{"TransactionInProgressException", CMZ_RETRY_TRANSIENT, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{"TransactionConflictException", CMZ_RETRY_TRANSIENT, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{"ValidationException", CMZ_RETRY_NEVER, ERRCODE_FDW_ERROR, HINT_LAYOUT},
	{"SerializationException", CMZ_RETRY_NEVER, ERRCODE_FDW_ERROR, NULL},
	{"ResourceNotFoundException", CMZ_RETRY_NEVER, ERRCODE_UNDEFINED_TABLE, HINT_TABLE},
	{"TableNotFoundException", CMZ_RETRY_NEVER, ERRCODE_UNDEFINED_TABLE, HINT_TABLE},
	{"ContinuousBackupsUnavailableException", CMZ_RETRY_NEVER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_BACKUPS},
	{"ResourceInUseException", CMZ_RETRY_NEVER, ERRCODE_DUPLICATE_TABLE, HINT_IN_USE},
	{"ItemCollectionSizeLimitExceededException", CMZ_RETRY_NEVER, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
	{"LimitExceededException", CMZ_RETRY_NEVER, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, NULL},
	{"AccessDeniedException", CMZ_RETRY_NEVER, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},
	{"UnrecognizedClientException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"InvalidClientTokenId", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"InvalidSignatureException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"IncompleteSignatureException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"IncompleteSignature", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"MissingAuthenticationTokenException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"MissingAuthenticationToken", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"ExpiredTokenException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"ExpiredToken", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"InvalidClientTokenIdException", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"SignatureDoesNotMatch", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"RequestTimeTooSkewed", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"RequestExpired", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"RequestInTheFuture", CMZ_RETRY_NEVER, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, HINT_IDENTITY},
	{"AccessDenied", CMZ_RETRY_NEVER, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},
	{"OptInRequired", CMZ_RETRY_NEVER, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},
	{"ProvisionedThroughputExceededException", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, HINT_THROTTLED},
	{"Throttling", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, NULL},
	{"ThrottlingException", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, HINT_THROTTLED},
	{"RequestLimitExceeded", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, HINT_THROTTLED},
	{"InternalServerError", CMZ_RETRY_TRANSIENT, ERRCODE_SYSTEM_ERROR, NULL},
	{"InternalFailure", CMZ_RETRY_TRANSIENT, ERRCODE_SYSTEM_ERROR, NULL},
	{"ServiceUnavailable", CMZ_RETRY_TRANSIENT, ERRCODE_SYSTEM_ERROR, NULL},
	{"ServiceUnavailableException", CMZ_RETRY_TRANSIENT, ERRCODE_SYSTEM_ERROR, NULL},
	{"UnknownOperationException", CMZ_RETRY_NEVER, ERRCODE_FEATURE_NOT_SUPPORTED, NULL},
};

/* Why DynamoDB cancels a transaction.  Source: API reference, TransactWriteItems. */
static const struct
{
	const char *code;
	CmzRetry	retry;
	int			sqlstate;
	const char *hint;
}			reasons[] = {
	{"ConditionalCheckFailed", CMZ_RETRY_NEVER, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{"ItemCollectionSizeLimitExceeded", CMZ_RETRY_NEVER, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
	{"ValidationError", CMZ_RETRY_NEVER, ERRCODE_FDW_ERROR, HINT_LAYOUT},
	{"TransactionConflict", CMZ_RETRY_TRANSIENT, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{"ThrottlingError", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, HINT_THROTTLED},
	{"ProvisionedThroughputExceeded", CMZ_RETRY_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, HINT_THROTTLED},
};

/* Codes of libcurl that are not listed mean: lost on the way, try again. */
static const struct
{
	CURLcode	code;
	CmzRetry	retry;
	int			sqlstate;
	const char *hint;
}			transports[] = {
	{CURLE_COULDNT_RESOLVE_HOST, CMZ_RETRY_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_ENDPOINT},
	{CURLE_COULDNT_RESOLVE_PROXY, CMZ_RETRY_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_ENDPOINT},
	{CURLE_COULDNT_CONNECT, CMZ_RETRY_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_ENDPOINT},
	{CURLE_URL_MALFORMAT, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_ENDPOINT},
	{CURLE_UNSUPPORTED_PROTOCOL, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_ENDPOINT},
	{CURLE_WEIRD_SERVER_REPLY, CMZ_RETRY_TRANSIENT, ERRCODE_PROTOCOL_VIOLATION, HINT_ENDPOINT},
	{CURLE_SSL_CONNECT_ERROR, CMZ_RETRY_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_TLS},
	{CURLE_SSL_CERTPROBLEM, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_TLS},
	{CURLE_SSL_CACERT_BADFILE, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_TLS},
	{CURLE_SSL_ISSUER_ERROR, CMZ_RETRY_NEVER, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, HINT_TLS},
	{CURLE_OUT_OF_MEMORY, CMZ_RETRY_NEVER, ERRCODE_FDW_OUT_OF_MEMORY, NULL},
};

/*
 * Operations whose actions are not their own, or that need more than an action.
 * Sources: DynamoDB developer guide, "Using IAM with DynamoDB transactions"; IAM
 * user guide, "Methods to assume a role".
 */
static const struct
{
	const char *operation;
	const char *actions;		/* NULL: the operation's own */
	const char *whom;
}			grants[] = {
	{"CreateTable", NULL, "the IAM user or role, or deploy the table with CloudFormation"},
	/* of what our transactions are made */
	{"TransactWriteItems", "dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:DeleteItem", NULL},
	{"TransactGetItems", "dynamodb:GetItem", NULL},
	{"AssumeRole", NULL, "the IAM user or role, in its own policy and in the trust policy of the role to assume"},
	{"AssumeRoleWithWebIdentity", NULL, "the web identity in the trust policy of the role"},
};

/* Codes of an identity that is known, but lacks an action. */
static const char *const denied_codes[] = {
	"AccessDeniedException", "AccessDenied", NULL
};

/* Codes that a wrong clock can bring. */
static const char *const clock_codes[] = {
	"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture",
	"InvalidSignatureException", "SignatureDoesNotMatch", NULL
};

/* Codes of temporary credentials that are over. */
static const char *const stale_codes[] = {
	"ExpiredTokenException", "ExpiredToken", NULL
};

static bool
is_one_of(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (strcmp(code, *codes) == 0)
			return true;
	return false;
}

static void
fail(CmzFailure *failure, CmzRetry retry, int sqlstate, const char *message, const char *hint)
{
	failure->failed = true;
	failure->retry = retry;
	failure->sqlstate = sqlstate;
	failure->message = message;
	failure->hint = hint;
}

static void
judge_transport(const CmzExchange *exchange, CmzFailure *failure)
{
	const char *message = exchange->error[0]
		? pstrdup(exchange->error) : curl_easy_strerror(exchange->result);

	if (exchange->too_large)
	{
		fail(failure, CMZ_RETRY_NEVER, ERRCODE_PROTOCOL_VIOLATION,
			 "the answer is larger than any of the service's", HINT_ENDPOINT);
		failure->ambiguous = true;
		return;
	}
	failure->ambiguous = exchange->sends > 0;
	for (int i = 0; i < (int) lengthof(transports); i++)
		if (transports[i].code == exchange->result)
		{
			fail(failure, transports[i].retry, transports[i].sqlstate, message, transports[i].hint);
			return;
		}
	/* a timeout before anything was sent is one of connecting */
	if (exchange->sends == 0)
		fail(failure, CMZ_RETRY_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
			 message, HINT_ENDPOINT);
	else
		fail(failure, CMZ_RETRY_TRANSIENT, ERRCODE_CONNECTION_FAILURE, message, NULL);
}

char *
cmz_error_printable(const char *text)
{
	char	   *copy = pnstrdup(text, Min(strlen(text), 1000));

	if (GetDatabaseEncoding() != PG_UTF8 || !pg_verify_mbstr(PG_UTF8, copy, strlen(copy), true))
		for (char *p = copy; *p; p++)
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
	return copy;
}

/* An error's body as a document, whichever protocol it is in; NULL for none. */
static json_t *
parse_body(const CmzExchange *exchange)
{
	StringInfoData json;
	const char *xml_error;
	char	   *error;

	if (exchange->body_len == 0 || exchange->body_len >= 64 * 1024)
		return NULL;
	if (exchange->body[0] != '<')
		return cmz_json_parse(exchange->body, exchange->body_len, &error);
	initStringInfo(&json);
	if (!cmz_xml_append_json(&json, exchange->body, exchange->body_len, &xml_error))
		return NULL;
	return cmz_json_member(cmz_json_member(cmz_json_parse(json.data, json.len, &error),
										   "ErrorResponse"), "Error");
}

/*
 * A message up to its first line break.  Where a signature is wrong, AWS goes on with
 * all that was signed, and that has the session token in it.
 */
static char *
first_sentences(const char *text)
{
	const char *signed_text = strstr(text, "The Canonical String");
	size_t		len = strcspn(text, "\r\n");

	if (signed_text != NULL)
		len = Min(len, (size_t) (signed_text - text));
	return pnstrdup(text, len);
}

/* The exception in an error's body: code behind '#', and its message. */
static bool
parse_exception(const CmzExchange *exchange, const char **code, const char **message)
{
	json_t	   *body = parse_body(exchange);
	const char *type = cmz_json_member_text(body, "__type");
	const char *text;

	if (type == NULL)
		type = cmz_json_member_text(body, "Code");
	if (type == NULL)
		return false;
	text = cmz_json_member_text(body, "message");
	if (text == NULL)
		text = cmz_json_member_text(body, "Message");
	*code = cmz_error_printable(strrchr(type, '#') ? strrchr(type, '#') + 1 : type);
	*message = cmz_error_printable(text ? first_sentences(text) : "no message");
	return true;
}

/* Which of the reasons it is, -1 for an unknown one. */
static int
find_reason(const char *code)
{
	for (int i = 0; i < (int) lengthof(reasons); i++)
		if (strcmp(reasons[i].code, code) == 0)
			return i;
	return -1;
}

/* If nothing but passing reasons cancelled the transaction, it is tried again. */
static void
judge_cancellation(const CmzExchange *exchange, CmzFailure *failure)
{
	char	   *error;
	json_t	   *body = cmz_json_parse(exchange->body, exchange->body_len, &error);
	json_t	   *list = cmz_json_member(body, "CancellationReasons");
	int			found = -1;

	for (int i = 0; i < cmz_json_length(list); i++)
	{
		json_t	   *reason = cmz_json_element(list, i);
		const char *code = cmz_json_member_text(reason, "Code");
		const char *message = cmz_json_member_text(reason, "Message");

		if (code == NULL || strcmp(code, "None") == 0)
			continue;
		found = find_reason(code);
		/* that of the transaction only lists the codes */
		if (message != NULL)
			failure->message = cmz_error_printable(message);
		if (found < 0)
			return;
		if (reasons[found].retry == CMZ_RETRY_NEVER)
			break;
	}
	if (found < 0)
		return;
	failure->retry = reasons[found].retry;
	failure->sqlstate = reasons[found].sqlstate;
	failure->hint = reasons[found].hint;
}

static void
judge_status(const CmzExchange *exchange, CmzFailure *failure)
{
	bool		server_error = exchange->status >= 500;
	const char *message;

	failure->ambiguous = server_error;
	if (!parse_exception(exchange, &failure->code, &message))
	{
		fail(failure, server_error ? CMZ_RETRY_TRANSIENT : CMZ_RETRY_NEVER,
			 server_error ? ERRCODE_SYSTEM_ERROR : ERRCODE_PROTOCOL_VIOLATION,
			 psprintf("HTTP status %ld without an error that the service knows", exchange->status),
			 HINT_ENDPOINT);
		return;
	}
	failure->denied = is_one_of(failure->code, denied_codes);
	failure->clock = is_one_of(failure->code, clock_codes);
	failure->stale = is_one_of(failure->code, stale_codes);
	for (int i = 0; i < (int) lengthof(exceptions); i++)
		if (strcmp(exceptions[i].code, failure->code) == 0)
		{
			fail(failure, exceptions[i].retry, exceptions[i].sqlstate, message, exceptions[i].hint);
			if (strcmp(failure->code, TRANSACTION_CANCELED) == 0)
				judge_cancellation(exchange, failure);
			return;
		}
	fail(failure, server_error ? CMZ_RETRY_TRANSIENT : CMZ_RETRY_NEVER,
		 server_error ? ERRCODE_SYSTEM_ERROR : ERRCODE_FDW_ERROR, message, NULL);
}

void
cmz_error_judge(const CmzExchange *exchange, CmzFailure *failure)
{
	memset(failure, 0, sizeof(*failure));
	failure->status = exchange->status;
	strlcpy(failure->request_id, exchange->request_id, sizeof(failure->request_id));
	if (exchange->result != CURLE_OK)
		judge_transport(exchange, failure);
	else if (exchange->encoded)
	{
		fail(failure, CMZ_RETRY_NEVER, ERRCODE_PROTOCOL_VIOLATION,
			 "the answer has a Content-Encoding that was not asked for", HINT_ENDPOINT);
		failure->ambiguous = true;
	}
	else if (exchange->has_crc32 && exchange->body_crc32 != exchange->crc32)
	{
		fail(failure, CMZ_RETRY_TRANSIENT, ERRCODE_PROTOCOL_VIOLATION,
			 "the answer does not match its checksum (x-amz-crc32)", NULL);
		failure->ambiguous = true;
	}
	else if (exchange->status != 200)
		judge_status(exchange, failure);
}

bool
cmz_failure_is(const CmzFailure *failure, const char *code)
{
	return failure->failed && failure->code != NULL && strcmp(failure->code, code) == 0;
}

/*
 * The action that the service itself says is missing, NULL if it does not: it may be
 * one of another service, or of a part of the request.  Source: IAM user guide,
 * "Troubleshoot access denied error messages".
 */
static char *
named_action(const char *message)
{
	static const char phrase[] = "authorized to perform";
	const char *action = strstr(message, phrase);
	size_t		prefix_len;
	size_t		name_len;

	if (action == NULL)
		return NULL;
	action += strlen(phrase);
	action += strspn(action, ": ");
	prefix_len = strspn(action, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (prefix_len == 0 || action[prefix_len] != ':')
		return NULL;
	name_len = strspn(action + prefix_len + 1,
					  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	return name_len > 0 ? pnstrdup(action, prefix_len + 1 + name_len) : NULL;
}

const char *
cmz_error_hint(const CmzFailure *failure, const CmzService *service, const char *operation)
{
	const char *actions;
	const char *whom = NULL;

	if (!failure->denied)
		return failure->hint;
	actions = named_action(failure->message);
	for (int i = 0; i < (int) lengthof(grants); i++)
		if (strcmp(grants[i].operation, operation) == 0)
		{
			actions = actions ? actions : grants[i].actions;
			whom = grants[i].whom;
		}
	return psprintf("Let an administrator grant %s to %s.",
					actions ? actions : psprintf("%s:%s", service->action_prefix, operation),
					whom ? whom : "the IAM user or role");
}

void
cmz_error_raise(const CmzFailure *failure, const CmzService *service, const char *operation,
				const char *table, const char *endpoint, int attempts, const char *account)
{
	const char *hint = failure->unsent ? failure->hint : cmz_error_hint(failure, service, operation);
	StringInfoData detail;

	initStringInfo(&detail);
	if (failure->unsent)
	{
		appendStringInfo(&detail, "%s%s%s", failure->detail ? failure->detail : "",
						 failure->detail && account ? " " : "", account ? account : "");
		ereport(ERROR,
				(errcode(failure->sqlstate),
				 errmsg("%s", failure->message),
				 detail.len > 0 ? errdetail_internal("%s", detail.data) : 0,
				 hint ? errhint("%s", hint) : 0));
	}
	if (table)
		appendStringInfo(&detail, "Table \"%s\", operation %s", table, operation);
	else
		appendStringInfo(&detail, "Operation %s", operation);
	if (failure->code)
		appendStringInfo(&detail, ", %s", failure->code);
	else
		appendStringInfo(&detail, ", endpoint %s", endpoint);
	if (attempts > 1)
		appendStringInfo(&detail, ", after %d attempts", attempts);
	if (failure->request_id[0])
		appendStringInfo(&detail, ", request id %s", failure->request_id);
	appendStringInfo(&detail, ".%s%s", account ? " " : "", account ? account : "");
	ereport(ERROR,
			(errcode(failure->sqlstate),
			 failure->code
			 ? errmsg("%s: %s", service->name, failure->message)
			 : errmsg("could not get an answer from %s: %s", service->name, failure->message),
			 errdetail_internal("%s", detail.data),
			 hint ? errhint("%s", hint) : 0));
}
