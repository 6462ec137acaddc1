/*
 * provision.c
 *	  cmz_create_table(), cmz_configure_table(), cmz_drop_table(): the table as
 *	  the conversation guide configures it.
 *
 * TTL and point-in-time recovery can only be enabled once the table is ACTIVE.
 * Whoever does not wait for that, or is cancelled or refused half-way, has
 * cmz_configure_table() do what is left; it may be called any number of times.
 *
 * None of it is for a read-only transaction or a standby, although PostgreSQL would
 * not notice.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "base/request.h"
#include "fdw/compat.h"
#include "fdw/job.h"
#include "fdw/option.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

/* Continuous backups of a table that is new can take a while to offer. */
#define BACKUPS_TIMEOUT_MS	60000

/* What cmz_create_table() or cmz_configure_table() is about. */
typedef struct Provision
{
	CmzJob		job;
	const char *server_name;
	bool		created;		/* here, just now */
	bool		ttl_enabled;
} Provision;

/* The call that does what is left. */
static char *
configure_call(const Provision *p)
{
	return psprintf("SELECT cmz_configure_table(%s, %s)", quote_literal_cstr(p->server_name),
					quote_literal_cstr(p->job.table));
}

/* Keep the account of what has been done up to date. */
static void
update_account(Provision *p)
{
	const char *created = p->created ? "The table has been created. " : "";

	if (p->ttl_enabled)
		p->job.account = psprintf("%sTTL is enabled, point-in-time recovery is not; %s enables it.",
								  created, configure_call(p));
	else
		p->job.account = psprintf("%sTTL and point-in-time recovery have not been enabled; %s does that.",
								  created, configure_call(p));
}

static void
create_table(Provision *p)
{
	static const char *const too_many =
		"Only so many tables with indexes can be created at a time, and an account can have only so many: try again later, or ask AWS for a higher quota.";
	CmzLayout	layout;
	StringInfoData body;
	CmzProbe	probe;
	char	   *error;

	if (!cmz_layout_parse(NULL, NULL, &layout, &error))
		elog(ERROR, "the default layout cannot be parsed: %s", error);
	initStringInfo(&body);
	cmz_request_append_create(&body, p->job.table, &layout);
	if (cmz_control_probe(p->job.client, "CreateTable", p->job.table, &body, &probe) != NULL)
	{
		p->created = true;
		update_account(p);
		return;
	}
	if (cmz_failure_is(&probe.failure, "ResourceInUseException"))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("DynamoDB table \"%s\" already exists", p->job.table),
				 probe.ambiguous
				 ? errdetail("Perhaps it was created just now: the answer to an earlier attempt was lost. If so, %s does what is left.",
							 configure_call(p))
				 : 0,
				 errhint("Delete the existing table, or use another name or environment suffix.")));
	if (cmz_failure_is(&probe.failure, "LimitExceededException"))
		probe.failure.hint = too_many;
	cmz_control_raise(&probe, probe.ambiguous
					  ? psprintf("The table may have been created nevertheless; if so, %s does what is left.",
								 configure_call(p))
					  : "The table has not been created.");
}

/* The failure is not that the service lacks the operation; a warning if it is. */
static bool
is_refused(CmzJob *job, const CmzProbe *probe, const char *without)
{
	if (!cmz_failure_is(&probe->failure, "UnknownOperationException"))
		return true;
	cmz_job_say(job, WARNING, ERRCODE_FEATURE_NOT_SUPPORTED,
				psprintf("the service does not have operation %s: %s", probe->operation, without));
	return false;
}

/* TTL is enabled already.  Whoever may not ask just enables it. */
static bool
has_ttl(CmzJob *job)
{
	CmzProbe	probe;
	json_t	   *answer = cmz_control_probe_table(job->client, "DescribeTimeToLive", job->table, &probe);
	json_t	   *description = cmz_json_member(answer, "TimeToLiveDescription");
	const char *status = cmz_json_member_text(description, "TimeToLiveStatus");
	const char *attribute = cmz_json_member_text(description, "AttributeName");

	if (status == NULL || attribute == NULL || strncmp(status, "ENABL", 5) != 0)
		return false;
	if (strcmp(attribute, CMZ_TTL) != 0)
	{
		job->silent = true;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("TTL of DynamoDB table \"%s\" is enabled on another attribute than \"%s\"",
						job->table, CMZ_TTL),
				 errdetail_internal("%s", job->account),
				 errhint("Disable it with UpdateTimeToLive, wait an hour, and try again.")));
	}
	return true;
}

static void
enable_ttl(Provision *p)
{
	StringInfoData body;
	CmzProbe	probe;

	if (!p->created && has_ttl(&p->job))
		cmz_job_say(&p->job, NOTICE, 0, "TTL is enabled already");
	else
	{
		cmz_control_begin_body(&body, p->job.table);
		appendStringInfoString(&body, ",\"TimeToLiveSpecification\":"
							   "{\"AttributeName\":\"" CMZ_TTL "\",\"Enabled\":true}}");
		/* an attempt whose answer was lost may have done it */
		if (cmz_control_probe(p->job.client, "UpdateTimeToLive", p->job.table, &body, &probe) != NULL ||
			(probe.ambiguous && has_ttl(&p->job)))
			cmz_job_say(&p->job, NOTICE, 0, "TTL enabled on attribute \"" CMZ_TTL "\"");
		else if (is_refused(&p->job, &probe, "expired items will not be deleted"))
			cmz_job_raise(&p->job, &probe);
	}
	p->ttl_enabled = true;
	update_account(p);
}

/* Not all services know the number of days; without it, it is as many. */
static void
make_backups_body(StringInfo body, const char *table, bool with_days)
{
	cmz_control_begin_body(body, table);
	cmz_json_append_name(body, "PointInTimeRecoverySpecification");
	appendStringInfoString(body, "{\"PointInTimeRecoveryEnabled\":true");
	if (with_days)
		appendStringInfo(body, ",\"RecoveryPeriodInDays\":%d", CMZ_RECOVERY_DAYS);
	appendStringInfoString(body, "}}");
}

static bool
is_refusal_of_days(const CmzFailure *failure)
{
	return cmz_failure_is(failure, "ValidationException") &&
		strstr(failure->message, "ecoveryPeriodInDays") != NULL;
}

static void
enable_backups(Provision *p)
{
	CmzJob	   *job = &p->job;
	bool		with_days = true;

	cmz_job_wait_begin(job, 0);
	for (;;)
	{
		StringInfoData body;
		CmzProbe	probe;

		make_backups_body(&body, job->table, with_days);
		if (cmz_control_probe(job->client, "UpdateContinuousBackups", job->table, &body, &probe) != NULL)
			break;
		if (!is_refused(job, &probe, "the table has no point-in-time recovery"))
			return;
		if (with_days && is_refusal_of_days(&probe.failure))
			with_days = false;
		else if (cmz_failure_is(&probe.failure, "ContinuousBackupsUnavailableException") &&
				 job->passed_ms < BACKUPS_TIMEOUT_MS)
			cmz_job_wait(job, "continuous backups to become available", NULL);
		else
			cmz_job_raise(job, &probe);
	}
	cmz_job_say(job, NOTICE, 0, "point-in-time recovery enabled");
}

/* What can be done once the table is ACTIVE. */
static void
configure(Provision *p)
{
	cmz_job_await_active(&p->job, NULL, p->created);
	cmz_job_say(&p->job, NOTICE, 0, psprintf("DynamoDB table \"%s\" is ACTIVE", p->job.table));
	update_account(p);
	enable_ttl(p);
	enable_backups(p);
}

/* The arguments server and table_name. */
static void
begin(Provision *p, FunctionCallInfo fcinfo)
{
	const char *server_name;
	char	   *table;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("server cannot be null")));
	server_name = NameStr(*PG_GETARG_NAME(0));
	table = PG_ARGISNULL(1) ? cmz_table_default_name() : text_to_cstring(PG_GETARG_TEXT_PP(1));
	memset(p, 0, sizeof(*p));
	cmz_job_begin(&p->job, cmz_session_client(cmz_session_usable_server(server_name), GetUserId()), table);
	cmz_option_check("table_name", table, "the arguments");
	p->server_name = server_name;
}

PG_FUNCTION_INFO_V1(cmz_create_table);

Datum
cmz_create_table(PG_FUNCTION_ARGS)
{
	Provision	p;

	PreventCommandIfReadOnly("cmz_create_table()");
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("wait cannot be null")));
	begin(&p, fcinfo);
	create_table(&p);
	if (PG_GETARG_BOOL(2))
		configure(&p);
	cmz_job_end(&p.job);
	if (!PG_GETARG_BOOL(2))
		ereport(NOTICE,
				(errmsg("DynamoDB table \"%s\" is being created", p.job.table),
				 errdetail("TTL and point-in-time recovery can be enabled when it is ACTIVE, and are not."),
				 errhint("%s waits for that and enables them; cmz_check_table() tells what is missing.",
						 configure_call(&p))));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(cmz_configure_table);

Datum
cmz_configure_table(PG_FUNCTION_ARGS)
{
	Provision	p;

	PreventCommandIfReadOnly("cmz_configure_table()");
	begin(&p, fcinfo);
	configure(&p);
	cmz_job_end(&p.job);
	PG_RETURN_VOID();
}

/* Raise why DeleteTable failed. */
static void
raise_undeleted(CmzJob *job, CmzProbe *probe)
{
	char	   *protected = NULL;

	/* the exception is that of any bad request */
	if (cmz_failure_is(&probe->failure, "ValidationException"))
		protected = cmz_json_path_text(cmz_control_describe(job->client, job->table),
									   "DeletionProtectionEnabled");
	if (protected != NULL && strcmp(protected, "true") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("DynamoDB table \"%s\" has deletion protection", job->table),
				 errdetail("DynamoDB says: %s", probe->failure.message),
				 errhint("Turn it off with \"aws dynamodb update-table --table-name %s --no-deletion-protection-enabled\", and try again.",
						 job->table)));
	if (cmz_failure_is(&probe->failure, "ResourceInUseException"))
	{
		probe->failure.sqlstate = ERRCODE_OBJECT_IN_USE;
		probe->failure.hint = "The table or one of its indexes is being created or changed: wait until it is ACTIVE, and try again.";
	}
	cmz_job_raise(job, probe);
}

PG_FUNCTION_INFO_V1(cmz_drop_table);

Datum
cmz_drop_table(PG_FUNCTION_ARGS)
{
	char	   *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
	CmzClient  *client;
	CmzProbe	probe;
	CmzJob		job;

	PreventCommandIfReadOnly("cmz_drop_table()");
	client = cmz_session_client(cmz_session_usable_server(NameStr(*PG_GETARG_NAME(0))), GetUserId());
	cmz_option_check("table_name", table, "the arguments");
	cmz_job_begin(&job, client, table);
	/* an attempt whose answer was lost may have deleted it */
	if (cmz_control_probe_table(client, "DeleteTable", table, &probe) == NULL &&
		!(probe.ambiguous && cmz_failure_is(&probe.failure, "ResourceNotFoundException")))
		raise_undeleted(&job, &probe);
	job.account = "DynamoDB is deleting the table, whether it is waited for or not.";
	cmz_job_await_gone(&job, cmz_json_path_text(probe.answer, "TableDescription.TableId"));
	cmz_job_end(&job);
	PG_RETURN_VOID();
}
