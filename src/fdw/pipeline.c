/*
 * pipeline.c
 *	  Many writes, several under way at once.
 */
#include "postgres.h"

#include "base/key.h"
#include "fdw/pipeline.h"
#include "utils/memutils.h"

/* What has sent so much is shown as work in progress. */
#define LONG_REQUESTS	100

static dlist_head pipelines = DLIST_STATIC_INIT(pipelines); /* that have not ended */

static void
forget_pipeline(void *arg)
{
	dlist_delete(&((CmzPipeline *) arg)->node);
}

CmzPipeline *
cmz_pipeline_create(const CmzClient *client, int concurrency, Oid serverid, const char *table_name)
{
	CmzPipeline *pipeline = palloc0(sizeof(CmzPipeline));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	pipeline->context = CurrentMemoryContext;
	pipeline->client = client;
	pipeline->concurrency = concurrency;
	pipeline->serverid = serverid;
	pipeline->table_name = table_name;
	pipeline->progress = cmz_progress_create(InvalidOid, "Write");
	dlist_init(&pipeline->sendings);
	callback->func = forget_pipeline;
	callback->arg = pipeline;
	dlist_push_tail(&pipelines, &pipeline->node);
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return pipeline;
}

static void
report_writes(CmzPipeline *pipeline, const CmzSending *sending)
{
	CmzProgress *progress = pipeline->progress;

	progress->pages++;
	progress->items = pipeline->stored;
	progress->units += sending->write_units;
	if (progress->pages >= LONG_REQUESTS)
		cmz_progress_report(progress);
}

static void
finish_sending(CmzPipeline *pipeline, CmzSending *sending)
{
	CmzOutcome	outcome = cmz_sending_finish(sending);

	dlist_delete(&sending->node);
	pipeline->nsendings--;
	if (outcome == CMZ_OUTCOME_UNKNOWN)
		pipeline->unknown += sending->n;
	if (outcome == CMZ_OUTCOME_REFUSED && sending->refused != NULL)
		*sending->refused = true;
	else if (outcome == CMZ_OUTCOME_STORED)
	{
		pipeline->stored += sending->n;
		report_writes(pipeline, sending);
	}
	else if (pipeline->failed == NULL)
	{
		pipeline->failed = sending;
		pipeline->outcome = outcome;
		return;					/* it is kept for the message */
	}
	cmz_sending_free(sending);
}

/* Finish those that are ready; false if there were none. */
static bool
finish_ready(CmzPipeline *pipeline)
{
	bool		any = false;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &pipeline->sendings)
	{
		CmzSending *sending = dlist_container(CmzSending, node, iter.cur);

		if (!cmz_sending_is_ready(sending))
			continue;
		finish_sending(pipeline, sending);
		any = true;
	}
	return any;
}

static void
wait_for_one(CmzPipeline *pipeline)
{
	while (!finish_ready(pipeline))
		cmz_calls_drive(true);
}

MemoryContext
cmz_pipeline_room(CmzPipeline *pipeline)
{
	cmz_calls_drive(false);
	(void) finish_ready(pipeline);
	while (pipeline->nsendings >= pipeline->concurrency)
		wait_for_one(pipeline);
	if (pipeline->room == NULL)
		pipeline->room = AllocSetContextCreate(pipeline->context, "cmz_fdw write",
											   ALLOCSET_SMALL_SIZES);
	MemoryContextReset(pipeline->room);
	return pipeline->room;
}

static bool
same_item(const CmzWrite *a, const CmzWrite *b)
{
	return strcmp(a->table, b->table) == 0 && strcmp(cmz_key_id(a->key), cmz_key_id(b->key)) == 0;
}

/* A write under way to an item of these; DynamoDB might change their order. */
static CmzSending *
find_conflict(CmzPipeline *pipeline, int n, const CmzWrite *writes)
{
	dlist_iter	iter;

	dlist_foreach(iter, &pipeline->sendings)
	{
		CmzSending *sending = dlist_container(CmzSending, node, iter.cur);

		for (int i = 0; i < n; i++)
			for (int j = 0; j < sending->n; j++)
				if (same_item(&writes[i], &sending->writes[j]))
					return sending;
	}
	return NULL;
}

CmzSending *
cmz_pipeline_send(CmzPipeline *pipeline, int n, const CmzWrite *writes)
{
	CmzSending *sending;

	while ((sending = find_conflict(pipeline, n, writes)) != NULL)
		finish_sending(pipeline, sending);
	Assert(CurrentMemoryContext == pipeline->room);
	sending = cmz_sending_start(pipeline->client, n, writes, false);
	pipeline->room = NULL;
	dlist_push_tail(&pipeline->sendings, &sending->node);
	pipeline->nsendings++;
	return sending;
}

void
cmz_pipeline_finish(CmzPipeline *pipeline)
{
	while (pipeline->nsendings > 0)
		wait_for_one(pipeline);
}

void
cmz_pipeline_check(CmzPipeline *pipeline)
{
	if (pipeline->failed == NULL)
		return;
	cmz_pipeline_finish(pipeline);
	cmz_sending_raise(pipeline->failed, pipeline->outcome, NULL);
}

void
cmz_pipeline_settle(const CmzTable *table)
{
	dlist_iter	iter;

	dlist_foreach(iter, &pipelines)
	{
		CmzPipeline *pipeline = dlist_container(CmzPipeline, node, iter.cur);

		if (pipeline->serverid != table->serverid || pipeline->table_name == NULL ||
			strcmp(pipeline->table_name, table->table_name) != 0)
			continue;
		cmz_pipeline_finish(pipeline);
		cmz_pipeline_check(pipeline);
	}
}
