/*
 * job.c
 *	  Work on a table that takes several calls, and DynamoDB some time: waits with
 *	  progress messages, and an account of what has been done if it ends early.
 */
#include "postgres.h"

#include "client/wait.h"
#include "fdw/job.h"
#include "fdw/value.h"

/* The time between two looks grows from the one to the other ... */
#define MIN_SLEEP_MS	200
#define MAX_SLEEP_MS	2000

/* ... and so does that between two messages. */
#define MIN_SILENCE_MS	1000
#define MAX_SILENCE_MS	60000

/* A deletion that takes no longer is not worth a word. */
#define DELETION_QUIET_MS	500

/* So long a table that has been made may not be seen. */
#define NOT_SEEN_MS		30000

/* States of a table from which none becomes ACTIVE by itself. */
static const struct
{
	const char *status;
	const char *hint;
}			hopeless[] = {
	{"DELETING", "Wait until it is gone, and create it again."},
	{"INACCESSIBLE_ENCRYPTION_CREDENTIALS", "Enable the KMS key of the table, and let DynamoDB use it."},
	{"ARCHIVING", "Its KMS key was inaccessible for a week: restore it from its backup."},
	{"ARCHIVED", "Its KMS key was inaccessible for a week: restore it from its backup."},
};

/* An interrupt, say, comes while something is half done. */
static void
job_context(void *arg)
{
	const CmzJob *job = arg;

	if (!job->silent && job->account != NULL)
		errcontext("%s", job->account);
}

void
cmz_job_begin(CmzJob *job, const CmzClient *client, const char *table)
{
	memset(job, 0, sizeof(*job));
	job->client = client;
	job->table = table;
	job->callback.callback = job_context;
	job->callback.arg = job;
	job->callback.previous = error_context_stack;
	error_context_stack = &job->callback;
}

void
cmz_job_end(CmzJob *job)
{
	error_context_stack = job->callback.previous;
}

void
cmz_job_say(CmzJob *job, int elevel, int sqlstate, const char *message)
{
	job->silent = true;
	ereport(elevel,
			(sqlstate != 0 ? errcode(sqlstate) : 0,
			 errmsg_internal("%s", message)));
	job->silent = false;
}

void
cmz_job_raise(CmzJob *job, const CmzProbe *probe)
{
	job->silent = true;
	cmz_control_raise(probe, job->account);
}

void
cmz_job_wait_begin(CmzJob *job, long quiet_ms)
{
	job->since = GetCurrentTimestamp();
	job->passed_ms = 0;
	job->say_at_ms = quiet_ms;
	job->sleep_ms = MIN_SLEEP_MS;
}

void
cmz_job_wait(CmzJob *job, const char *what, const char *state)
{
	if (job->passed_ms >= job->say_at_ms)
	{
		cmz_job_say(job, NOTICE, 0,
					psprintf("waiting for %s, %ld s so far%s%s", what, job->passed_ms / 1000,
							 state ? ": " : "", state ? state : ""));
		job->say_at_ms = job->passed_ms + Min(Max(job->passed_ms, MIN_SILENCE_MS), MAX_SILENCE_MS);
	}
	cmz_wait_sleep(job->sleep_ms);
	job->sleep_ms = Min(2 * job->sleep_ms, MAX_SLEEP_MS);
	job->passed_ms = TimestampDifferenceMilliseconds(job->since, GetCurrentTimestamp());
}

/* The table's description, NULL if there is no such table. */
static json_t *
describe(CmzJob *job)
{
	CmzProbe	probe;
	json_t	   *description = cmz_control_probe_description(job->client, job->table, &probe);

	if (probe.failure.failed)
		cmz_job_raise(job, &probe);
	return description;
}

static void
check_hopeless(CmzJob *job, const char *status)
{
	for (int i = 0; i < (int) lengthof(hopeless); i++)
		if (strcmp(hopeless[i].status, status) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("DynamoDB table \"%s\" is %s", job->table, status),
					 errhint("%s", hopeless[i].hint)));
}

static void
append_pending_index(StringInfo state, const json_t *index)
{
	const char *name = cmz_json_member_text(index, "IndexName");
	const char *status = cmz_json_member_text(index, "IndexStatus");
	char	   *backfilling = cmz_json_path_text(index, "Backfilling");

	if (status != NULL && strcmp(status, "ACTIVE") == 0)
		return;
	appendStringInfo(state, "%sindex \"%s\" is %s%s", state->len > 0 ? ", " : "",
					 name ? cmz_value_server_name(name) : "?", status ? status : "?",
					 backfilling && strcmp(backfilling, "true") == 0 ? " (backfilling)" : "");
}

/* Append what is not ACTIVE yet. */
static void
append_pending(CmzJob *job, StringInfo state, const json_t *description, const char *index)
{
	json_t	   *indexes = cmz_json_member(description, "GlobalSecondaryIndexes");
	const char *status = cmz_json_member_text(description, "TableStatus");
	bool		found = index == NULL;

	if (status == NULL || strcmp(status, "ACTIVE") != 0)
		appendStringInfo(state, "the table is %s", status ? status : "?");
	if (status != NULL)
		check_hopeless(job, status);
	for (int i = 0; i < cmz_json_length(indexes); i++)
	{
		json_t	   *element = cmz_json_element(indexes, i);
		const char *name = cmz_json_member_text(element, "IndexName");
		bool		is_it = index != NULL && name != NULL && strcmp(name, index) == 0;

		found = found || is_it;
		if (index == NULL || is_it)
			append_pending_index(state, element);
	}
	if (!found && job->passed_ms > NOT_SEEN_MS)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("DynamoDB table \"%s\" has no index \"%s\"", job->table,
						cmz_value_server_name(index))));
	if (!found)
		appendStringInfo(state, "%sthe index is not seen yet", state->len > 0 ? ", " : "");
}

void
cmz_job_await_active(CmzJob *job, const char *index, bool fresh)
{
	char	   *what = psprintf("DynamoDB table \"%s\" to become ACTIVE", job->table);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw descriptions",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	cmz_job_wait_begin(job, 0);
	for (;;)
	{
		json_t	   *description = describe(job);
		StringInfoData state;

		initStringInfo(&state);
		if (description != NULL)
			append_pending(job, &state, description, index);
		else if (!fresh || job->passed_ms > NOT_SEEN_MS)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("DynamoDB table \"%s\" does not exist", job->table),
					 errhint("Check the name, and region and endpoint_url of the server.")));
		else
			appendStringInfoString(&state, "it is not seen yet");
		if (state.len == 0)
			break;
		cmz_job_wait(job, what, state.data);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	pfree(what);
}

void
cmz_job_await_gone(CmzJob *job, const char *id)
{
	char	   *what = psprintf("DynamoDB table \"%s\" to be deleted", job->table);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw descriptions",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	cmz_job_wait_begin(job, DELETION_QUIET_MS);
	for (;;)
	{
		json_t	   *description = describe(job);
		const char *found = cmz_json_member_text(description, "TableId");

		/* somebody may have made another one meanwhile */
		if (description == NULL || (id != NULL && found != NULL && strcmp(id, found) != 0))
			break;
		cmz_job_wait(job, what, NULL);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	pfree(what);
}
