/*
 * call.c
 *	  Calls of AWS services: start an operation, collect its answer.
 *
 * A call goes through attempts: sign, send, judge, perhaps wait and try again.
 * The calls under way are in one list, so that waiting for any of them takes
 * all of them forward.
 */
#include "postgres.h"

#include "base/retry.h"
#include "client/call.h"
#include "client/signer.h"
#include "client/wait.h"
#include "common/pg_prng.h"
#include "utils/timestamp.h"

/* An endpoint that is not there is not worth many attempts. */
#define MAX_CONNECT_RETRIES 3

static dlist_head calls = DLIST_STATIC_INIT(calls); /* unfinished ones */
static bool some_finished = false;	/* one has since this was cleared */

static void
forget_call(void *arg)
{
	CmzCall    *call = arg;

	if (call->listed)
		dlist_delete(&call->node);
	call->listed = false;
}

static void
finish_call(CmzCall *call)
{
	call->finished = some_finished = true;
	forget_call(call);
	call->answer = "";
	call->answer_len = 0;
}

/*
 * There are no credentials for another attempt.  That must not be raised here: what
 * became of an earlier attempt is for whoever waits for the call.
 */
static void
give_up(CmzCall *call, const CmzProblem *problem)
{
	CmzFailure *failure = &call->failure;

	memset(failure, 0, sizeof(*failure));
	failure->failed = failure->unsent = true;
	failure->retry = CMZ_RETRY_NEVER;
	failure->sqlstate = problem->sqlstate;
	failure->message = problem->message;
	failure->detail = problem->detail;
	failure->hint = problem->hint;
	call->retry_at = 0;
	finish_call(call);
}

/* Sign the body for now, and send it. */
static void
start_attempt(CmzCall *call)
{
	const CmzClient *client = call->client;
	MemoryContext old = MemoryContextSwitchTo(call->context);
	const CmzService *service = client->service;
	CmzCredentials credentials;
	CmzProblem	problem;
	CmzHeader	headers[2 + CMZ_SIGNER_HEADERS];
	int			n = 0;

	/* if an interrupt ends what follows, it is still to be done */
	call->exchange = NULL;
	call->retry_at = GetCurrentTimestamp();
	if (!cmz_credentials_find(&client->credential_config, &credentials, &problem))
	{
		give_up(call, &problem);
		MemoryContextSwitchTo(old);
		return;
	}
	call->retry_at = 0;
	call->serial = credentials.serial;
	headers[n++] = (CmzHeader) {"Content-Type", service->content_type};
	if (service->target_prefix)
		headers[n++] = (CmzHeader) {"X-Amz-Target", psprintf("%s%s", service->target_prefix, call->operation)};
	n = cmz_signer_sign(headers, n, service, client->endpoint_url, client->region, &credentials,
						call->body, call->body_len);

	call->attempts++;
	INSTR_TIME_SET_CURRENT(call->started);
	call->exchange = cmz_http_start("POST", client->endpoint_url, n, headers,
									call->body, call->body_len, &client->http);
	MemoryContextSwitchTo(old);
}

CmzCall *
cmz_call_start(const CmzClient *client, const char *operation, const char *table,
			   const StringInfoData *body)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw call",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CmzCall    *call = palloc0(sizeof(CmzCall));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	call->context = context;
	call->client = client;
	call->operation = operation;
	call->table = table;
	call->body = pnstrdup(body->data, body->len);
	call->body_len = body->len;
	/* what is counted later must not fail then */
	cmz_stat_attach();

	callback->func = forget_call;
	callback->arg = call;
	MemoryContextRegisterResetCallback(context, callback);
	dlist_push_tail(&calls, &call->node);
	call->listed = true;
	start_attempt(call);
	MemoryContextSwitchTo(old);
	return call;
}

static bool
may_retry(const CmzCall *call)
{
	int			failed = call->attempts;
	int			limit = call->client->max_retries;

	if (call->failure.retry == CMZ_RETRY_CONNECT)
		limit = Min(limit, MAX_CONNECT_RETRIES);
	return call->failure.retry != CMZ_RETRY_NEVER && failed <= limit;
}

void
cmz_call_count(const CmzCall *call, const CmzStatCounters *counters)
{
	cmz_stat_add(call->client->serverid, call->table, call->index, call->operation, counters);
}

static void
count_attempt(const CmzCall *call, bool again)
{
	const CmzExchange *exchange = call->exchange;
	const CmzFailure *failure = &call->failure;
	CmzStatCounters counters = {0};
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, call->started);
	counters.requests = Max(exchange->sends, 1);
	counters.bytes = exchange->body_len;
	counters.time_ms = INSTR_TIME_GET_MILLISEC(now);
	counters.retries = again ? 1 : 0;
	if (failure->failed && failure->retry == CMZ_RETRY_THROTTLED)
		counters.throttled_requests = 1;
	else if (failure->failed && failure->status >= 400 && failure->status < 500)
		counters.user_errors = 1;
	else if (failure->failed)
		counters.system_errors = 1;
	cmz_call_count(call, &counters);
}

/* The signature was refused for what can be mended, for the first time. */
static bool
may_sign_anew(CmzCall *call)
{
	const CmzClient *client = call->client;

	if (call->signed_anew ||
		!((call->failure.clock && cmz_signer_learn_clock(client->endpoint_url, call->exchange)) ||
		  (call->failure.stale && cmz_credentials_refuse(&client->credential_config, call->serial))))
		return false;
	call->signed_anew = true;
	return true;
}

/* An attempt has ended: keep its answer, plan another, or give up. */
static void
finish_attempt(CmzCall *call)
{
	CmzExchange *exchange = call->exchange;
	MemoryContext old = MemoryContextSwitchTo(call->context);
	bool		again;

	/* libcurl repeated it itself on a new connection */
	if (exchange->sends > 1)
		call->ambiguous = true;
	cmz_error_judge(exchange, &call->failure);
	again = call->failure.failed && (may_retry(call) || may_sign_anew(call));
	count_attempt(call, again);
	if (again)
	{
		int			delay = call->failure.retry == CMZ_RETRY_NEVER ? 0
			: cmz_retry_delay_ms(call->attempts, pg_prng_double(&pg_global_prng_state));

		call->ambiguous = call->ambiguous || call->failure.ambiguous;
		call->retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay);
		cmz_http_release(exchange);
	}
	else
	{
		finish_call(call);
		if (exchange->body)
			call->answer = exchange->body;
		call->answer_len = exchange->body_len;
	}
	MemoryContextSwitchTo(old);
}

/*
 * Take every call as far as it goes without waiting; returns how many
 * milliseconds may pass until the next attempt of any is due, -1: no limit.
 */
static long
advance_calls(void)
{
	long		timeout_ms = -1;
	dlist_mutable_iter iter;

	cmz_http_collect();
	dlist_foreach_modify(iter, &calls)
	{
		CmzCall    *call = dlist_container(CmzCall, node, iter.cur);

		if (call->retry_at == 0 && call->exchange && call->exchange->done)
			finish_attempt(call);
		if (!call->finished && call->retry_at != 0)
		{
			long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), call->retry_at);

			if (ms > 0)
				timeout_ms = timeout_ms < 0 ? ms : Min(timeout_ms, ms);
			else
				start_attempt(call);
		}
	}
	return timeout_ms;
}

bool
cmz_call_is_settled(const CmzCall *call)
{
	return call->finished || (call->exchange == NULL && call->retry_at == 0);
}

bool
cmz_call_wait(CmzCall *call)
{
	for (;;)
	{
		long		timeout_ms = advance_calls();

		if (call->finished)
			return !call->failure.failed;
		if (call->exchange == NULL && call->retry_at == 0)
			elog(ERROR, "call of %s could not be started", call->operation);
		cmz_wait_round(timeout_ms);
	}
}

bool
cmz_call_was_answered(const CmzCall *call)
{
	return !call->failure.failed ||
		(!call->ambiguous && (call->failure.unsent || call->failure.status > 0));
}

void
cmz_calls_drive(bool wait)
{
	long		timeout_ms = advance_calls();

	/* perhaps when it was started: that is not to be waited for */
	if (!wait || !some_finished)
	{
		cmz_wait_round(wait ? timeout_ms : 0);
		(void) advance_calls();
	}
	some_finished = false;
}

long
cmz_calls_timeout(long max_ms)
{
	long		timeout_ms = advance_calls();

	return timeout_ms < 0 ? max_ms : Min(timeout_ms, max_ms);
}

void
cmz_call_raise(const CmzCall *call, const char *account)
{
	cmz_error_raise(&call->failure, call->client->service, call->operation, call->table,
					call->client->endpoint_url, call->attempts, account);
}

void
cmz_call_free(CmzCall *call)
{
	MemoryContextDelete(call->context);
}
