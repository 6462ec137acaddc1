/*
 * sts.c
 *	  Roles: temporary credentials from the Security Token Service.
 *
 * Source: AWS STS API reference, AssumeRole and AssumeRoleWithWebIdentity.
 */
#include "postgres.h"

#include "base/form.h"
#include "base/xml.h"
#include "client/provider.h"
#include "client/signer.h"

#define VERSION			"2011-06-15"
#define MAX_ATTEMPTS	4
#define DEFAULT_SESSION	"cmz_fdw"

/* Send a form, signed unless there are no credentials to sign with. */
static CmzExchange *
send_form(const CmzCredentialConfig *config, const char *url, const char *form,
		  const CmzCredentials *with, CmzFailure *failure)
{
	CmzHeader	headers[1 + CMZ_SIGNER_HEADERS];
	CmzExchange *exchange;
	int			tries = 0;

	do
	{
		int			n = 0;

		headers[n++] = (CmzHeader) {"Content-Type", cmz_service_sts.content_type};
		if (with != NULL)
			n = cmz_signer_sign(headers, n, &cmz_service_sts, url, config->region, with,
								form, strlen(form));
		exchange = cmz_provision_ask("POST", url, n, headers, form, &config->http, MAX_ATTEMPTS,
									 failure);
	} while (exchange == NULL && failure->clock && tries++ == 0);
	return exchange;
}

/* The credentials in the answer to an operation. */
static CmzProvision
read_answer(const CmzExchange *exchange, const char *operation, const char *source,
			CmzCredentials *credentials, CmzProblem *problem)
{
	static const CmzCredentialNames names = {
		"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"
	};
	StringInfoData json;
	const char *error;
	char	   *json_error;
	json_t	   *document = NULL;

	initStringInfo(&json);
	if (exchange->body_len > 0 &&
		cmz_xml_append_json(&json, exchange->body, exchange->body_len, &error))
		document = cmz_json_parse(json.data, json.len, &json_error);
	document = cmz_json_member(document, psprintf("%sResponse", operation));
	document = cmz_json_member(document, psprintf("%sResult", operation));
	return cmz_provision_read(cmz_json_member(document, "Credentials"), &names, source,
							  credentials, problem);
}

static CmzProvision
assume(const CmzCredentialConfig *config, const char *operation, StringInfo form,
	   const CmzCredentials *with, const char *source, CmzCredentials *credentials,
	   CmzProblem *problem)
{
	const char *url = cmz_provision_endpoint(&cmz_service_sts, config->region, problem);
	CmzFailure	failure;
	CmzExchange *exchange;
	CmzProvision provision;

	if (url == NULL)
		return CMZ_PROVISION_FAILED;
	exchange = send_form(config, url, form->data, with, &failure);
	if (exchange == NULL)
	{
		(void) cmz_provision_unanswered(problem, psprintf("%s, %s", cmz_service_sts.name, operation),
										url, &failure);
		if (failure.denied)
			problem->hint = cmz_error_hint(&failure, &cmz_service_sts, operation);
		return CMZ_PROVISION_FAILED;
	}
	provision = read_answer(exchange, operation, source, credentials, problem);
	cmz_http_release(exchange);
	return provision;
}

static void
begin_form(StringInfo form, const char *operation, const char *role_arn, const char *session_name)
{
	initStringInfo(form);
	cmz_form_append(form, "Action", operation);
	cmz_form_append(form, "Version", VERSION);
	cmz_form_append(form, "RoleArn", role_arn);
	cmz_form_append(form, "RoleSessionName", session_name ? session_name : DEFAULT_SESSION);
}

CmzProvision
cmz_provide_role(const CmzCredentialConfig *config, const char *role_arn, const char *external_id,
				 const char *session_name, const char *duration_seconds,
				 const CmzCredentials *with, CmzCredentials *credentials, CmzProblem *problem)
{
	StringInfoData form;

	begin_form(&form, "AssumeRole", role_arn, session_name);
	cmz_form_append(&form, "ExternalId", external_id);
	cmz_form_append(&form, "DurationSeconds", duration_seconds);
	return assume(config, "AssumeRole", &form, with,
				  psprintf("role %s, assumed with: %s", role_arn, with->source),
				  credentials, problem);
}

CmzProvision
cmz_provide_web_role(const CmzCredentialConfig *config, const char *role_arn,
					 const char *session_name, const char *token_file,
					 CmzCredentials *credentials, CmzProblem *problem)
{
	StringInfoData form;
	char	   *token = cmz_provision_read_text(token_file, problem);

	if (token == NULL)
		return CMZ_PROVISION_FAILED;
	begin_form(&form, "AssumeRoleWithWebIdentity", role_arn, session_name);
	cmz_form_append(&form, "WebIdentityToken", token);
	return assume(config, "AssumeRoleWithWebIdentity", &form, NULL,
				  psprintf("web identity, role %s", role_arn), credentials, problem);
}

CmzProvision
cmz_provide_web_identity(const CmzCredentialConfig *config, CmzCredentials *credentials,
						 CmzProblem *problem)
{
	const char *token_file = cmz_provision_environment("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role_arn = cmz_provision_environment("AWS_ROLE_ARN");
	const char *session_name = cmz_provision_environment("AWS_ROLE_SESSION_NAME");

	if (token_file == NULL)
		return CMZ_PROVISION_NONE;
	if (role_arn == NULL)
		return cmz_provision_fail(problem, "environment variable AWS_ROLE_ARN is not set",
								  "AWS_WEB_IDENTITY_TOKEN_FILE needs it.", NULL);
	return cmz_provide_web_role(config, role_arn, session_name, token_file, credentials, problem);
}
