/*
 * commit.c
 *	  The end of a transaction: its write set becomes requests.
 *
 * They are sent before the local commit, after deferred constraints and triggers.
 * What one server and user has to write goes as one operation (one item), as one
 * TransactWriteItems (up to 100 items and 4 MB), or as many conditional writes
 * side by side; then an error says how many of them were stored.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fdw/commit.h"
#include "fdw/pipeline.h"
#include "fdw/session.h"
#include "fdw/writeset.h"
#include "foreign/foreign.h"
#include "storage/predicate.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* Writes that must all be stored, or none: one, or those of items that moved. */
typedef struct CmzWriteUnit
{
	List	   *items;			/* CmzPendingItems */
	size_t		bytes;
	struct Batch *batch;
} CmzWriteUnit;

/* What one group has to send. */
typedef struct Batch
{
	CmzWriteGroup *group;
	CmzClient  *client;
	List	   *units;
	int			nitems;
	size_t		bytes;
	bool		must_be_atomic; /* with all other batches */
} Batch;

/* The commit under way, for its error context. */
typedef struct Commit
{
	List	   *batches;
	int64		total;			/* writes in all */
	int64		stored;			/* by batches that are done */
	int			at_once;		/* writes under way as one request */
	CmzPipeline *pipeline;		/* of the batch under way, NULL: none */
	bool		raising;		/* an error that tells all by itself */
} Commit;

bool
cmz_commit_is_far(void)
{
	return IsTransactionBlock() || IsSubTransaction();
}

static CmzImage *
parse_image(const char *json, int len)
{
	CmzImage   *image;

	if (json == NULL)
		return NULL;
	image = palloc(sizeof(CmzImage));
	if (!cmz_image_parse(image, json, len))
		elog(ERROR, "pending item of a foreign table cannot be parsed");
	return image;
}

/*
 * The names that must be as they were in base: of all statements that saw base,
 * that is those older than any version that stands by itself.
 */
static void
collect_expected(const CmzVersion *newest, CmzWrite *write, const char **names)
{
	for (const CmzVersion *version = newest; version != NULL; version = version->older)
		if (version->fresh)
		{
			write->fresh = true;
			write->nexpected = 0;
		}
		else
		{
			memcpy(names + write->nexpected, version->expected->names,
				   sizeof(char *) * version->expected->n);
			write->nexpected += version->expected->n;
		}
}

/* From all versions of an item to the one write; palloc'd in the current context. */
static CmzWrite *
make_write(const CmzPendingItem *item)
{
	const CmzVersion *newest = item->newest;
	CmzWrite   *write = palloc0(sizeof(CmzWrite));
	const char **names;
	int			n = 0;

	for (const CmzVersion *version = newest; version != NULL; version = version->older)
	{
		n += version->expected->n;
		write->skips_duplicates |= version->skips_duplicates;
	}
	write->table = item->table->name;
	write->keys = &item->table->keys;
	memcpy(write->key, item->key, sizeof(write->key));
	write->unconditional = newest->unconditional;
	write->base = parse_image(item->base, item->base_len);
	write->image = parse_image(newest->image, newest->len);
	names = palloc(sizeof(char *) * Max(n, 1));
	write->expected = names;
	collect_expected(newest, write, names);
	return write;
}

/* As its options are now; but a server that is gone has none. */
static CmzClient *
open_client(const CmzWriteGroup *group)
{
	if (GetForeignServerExtended(group->serverid, FSV_MISSING_OK) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("cannot send the writes of the transaction to a server that it has dropped"),
				 errdetail("Nothing was sent.")));
	return cmz_session_client(group->serverid, group->userid);
}

static Batch *
find_batch(Commit *commit, CmzWriteGroup *group)
{
	Batch	   *batch;
	ListCell   *lc;

	foreach(lc, commit->batches)
		if (((Batch *) lfirst(lc))->group == group)
			return lfirst(lc);
	batch = palloc0(sizeof(Batch));
	batch->group = group;
	batch->client = open_client(group);
	commit->batches = lappend(commit->batches, batch);
	return batch;
}

static CmzPendingItem *
find_leader(CmzPendingItem *item)
{
	while (item->leader != item)
		item = item->leader = item->leader->leader;
	return item;
}

/* Items whose place others have taken, or that have taken others', have one leader. */
static void
join_moves(CmzWriteSet *set)
{
	dlist_iter	iter;

	dlist_foreach(iter, &set->versions)
	{
		CmzPendingItem *item = dlist_container(CmzVersion, node, iter.cur)->item;

		item->leader = item;
		item->unit = NULL;
	}
	dlist_foreach(iter, &set->versions)
	{
		CmzVersion *version = dlist_container(CmzVersion, node, iter.cur);

		if (version->moved_from != NULL)
			find_leader(version->item)->leader = find_leader(version->moved_from);
	}
}

/* The item's write is to be sent, and has that size. */
static void
add_item(Commit *commit, CmzPendingItem *item, size_t size)
{
	CmzPendingItem *leader = find_leader(item);
	Batch	   *batch = leader->unit ? leader->unit->batch : find_batch(commit, item->newest->group);

	if (leader->unit == NULL)
	{
		leader->unit = palloc0(sizeof(CmzWriteUnit));
		leader->unit->batch = batch;
		batch->units = lappend(batch->units, leader->unit);
	}
	leader->unit->items = lappend(leader->unit->items, item);
	leader->unit->bytes += size;
	batch->nitems++;
	batch->bytes += size;
	batch->must_be_atomic |= item->newest->must_be_atomic;
	commit->total++;
}

/* Sort the items by group; those of which nothing is to be sent are left out. */
static void
collect_batches(Commit *commit, CmzWriteSet *set)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw write",
												  ALLOCSET_DEFAULT_SIZES);
	dlist_iter	t,
				i;

	join_moves(set);
	dlist_foreach(t, &set->tables)
		dlist_foreach(i, &dlist_container(CmzPendingTable, node, t.cur)->items)
		{
			CmzPendingItem *item = dlist_container(CmzPendingItem, node, i.cur);
			MemoryContext old = MemoryContextSwitchTo(scratch);
			CmzWrite   *write = make_write(item);
			bool		sends = cmz_write_op(write) != CMZ_WRITE_NOTHING;
			size_t		size = sends ? cmz_write_size(write) : 0;

			/* before anything is sent */
			if (sends)
				cmz_write_check(write);
			MemoryContextSwitchTo(old);
			MemoryContextReset(scratch);
			if (sends)
				add_item(commit, item, size);
		}
	MemoryContextDelete(scratch);
}

/* One TransactWriteItems takes it. */
static bool
fits_transaction(int nitems, size_t bytes)
{
	return nitems <= CMZ_MAX_TRANSACT_ITEMS && bytes <= CMZ_MAX_TRANSACT_BYTES;
}

/* An item that moves must not get lost on the way. */
static void
check_units(const Batch *batch)
{
	ListCell   *lc;

	foreach(lc, batch->units)
	{
		const CmzWriteUnit *unit = lfirst(lc);
		int			n = list_length(unit->items);

		if (n > 1 && !fits_transaction(n, unit->bytes))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many items of one transaction have moved to each other's keys"),
					 errdetail("They can only be written together, %d items with %zu bytes; DynamoDB takes %d items and %d bytes at once.",
							   n, unit->bytes, CMZ_MAX_TRANSACT_ITEMS, CMZ_MAX_TRANSACT_BYTES),
					 errhint("Nothing was sent. Commit in between, so that fewer of them move at once.")));
	}
}

/* Option atomic_writes: one request, or none. */
static void
check_atomicity(const Commit *commit)
{
	bool		required = false;
	bool		possible = list_length(commit->batches) <= 1;
	ListCell   *lc;

	foreach(lc, commit->batches)
	{
		const Batch *batch = lfirst(lc);

		check_units(batch);
		required |= batch->must_be_atomic;
		possible &= fits_transaction(batch->nitems, batch->bytes);
	}
	if (required && !possible)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("transaction is too large to be written atomically"),
				 list_length(commit->batches) > 1
				 ? errdetail("Its writes go to several servers, or are those of several users.")
				 : errdetail("It writes %d items with %zu bytes, DynamoDB takes %d items and %d bytes at once.",
							 ((Batch *) linitial(commit->batches))->nitems,
							 ((Batch *) linitial(commit->batches))->bytes,
							 CMZ_MAX_TRANSACT_ITEMS, CMZ_MAX_TRANSACT_BYTES),
				 errhint("Nothing was sent. Write less in one transaction, or set option atomic_writes of the foreign table to 'auto'.")));
}

/* How many of how many were stored, if that is worth telling; else NULL. */
static char *
account(Commit *commit)
{
	int64		stored = commit->stored + (commit->pipeline ? commit->pipeline->stored : 0);

	commit->raising = true;
	if (stored == 0 && list_length(commit->batches) == 1 && commit->pipeline == NULL)
		return NULL;
	if (commit->pipeline && commit->pipeline->unknown > 0)
		return psprintf("%lld of %lld writes of the transaction were stored, of %lld more it is not known.",
						(long long) stored, (long long) commit->total,
						(long long) commit->pipeline->unknown);
	return psprintf("%lld of %lld writes of the transaction were stored.",
					(long long) stored, (long long) commit->total);
}

/* The writes of items, palloc'd in the current context. */
static CmzWrite *
make_writes(List *items)
{
	CmzWrite   *writes = palloc(sizeof(CmzWrite) * list_length(items));
	ListCell   *lc;

	foreach(lc, items)
		writes[foreach_current_index(lc)] = *make_write(lfirst(lc));
	return writes;
}

/* The items of all units, in the order of their writes. */
static List *
all_items(const Batch *batch)
{
	List	   *items = NIL;
	ListCell   *lc;

	foreach(lc, batch->units)
		items = list_concat(items, ((CmzWriteUnit *) lfirst(lc))->items);
	return items;
}

/* The write of the single item, or all as one. */
static void
send_at_once(Commit *commit, const Batch *batch)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cmz_fdw write",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CmzSending *sending = cmz_sending_start(batch->client, batch->nitems,
											make_writes(all_items(batch)),
											batch->must_be_atomic);
	CmzOutcome	outcome;

	commit->at_once = batch->nitems;
	outcome = cmz_sending_finish(sending);
	commit->at_once = 0;
	if (outcome != CMZ_OUTCOME_STORED)
		cmz_sending_raise(sending, outcome, account(commit));
	MemoryContextSwitchTo(old);
	cmz_sending_free(sending);
	commit->stored += batch->nitems;
}

static void
send_one_by_one(Commit *commit, const Batch *batch)
{
	CmzPipeline *pipeline = cmz_pipeline_create(batch->client, batch->group->concurrency,
												InvalidOid, NULL);
	ListCell   *lc;

	commit->pipeline = pipeline;
	pipeline->progress->operation = "Commit";
	foreach(lc, batch->units)
	{
		const CmzWriteUnit *unit = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(cmz_pipeline_room(pipeline));

		if (pipeline->failed == NULL)
			(void) cmz_pipeline_send(pipeline, list_length(unit->items), make_writes(unit->items));
		MemoryContextSwitchTo(old);
		if (pipeline->failed != NULL)
			break;
	}
	cmz_pipeline_finish(pipeline);
	if (pipeline->failed != NULL)
		cmz_sending_raise(pipeline->failed, pipeline->outcome, account(commit));
	commit->stored += pipeline->stored;
	commit->pipeline = NULL;
}

/* An interrupt, say, comes while writes are under way. */
static void
commit_context(void *arg)
{
	const Commit *commit = arg;
	int			under_way = commit->pipeline ? commit->pipeline->nsendings : commit->at_once;
	int64		stored = commit->stored + (commit->pipeline ? commit->pipeline->stored : 0);

	if (commit->raising || stored + under_way == 0)
		return;
	errcontext("sending the writes of the transaction: %lld of %lld were stored, %d more were under way",
			   (long long) stored, (long long) commit->total, under_way);
}

static void
send_batches(Commit *commit)
{
	ErrorContextCallback callback;
	ListCell   *lc;

	callback.callback = commit_context;
	callback.arg = commit;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	foreach(lc, commit->batches)
	{
		const Batch *batch = lfirst(lc);

		if (batch->nitems == 1 || fits_transaction(batch->nitems, batch->bytes))
			send_at_once(commit, batch);
		else
			send_one_by_one(commit, batch);
	}
	error_context_stack = callback.previous;
}

/*
 * PostgreSQL has stopped the clock of statement_timeout by now, since its own
 * commits do not wait.  Ours do.
 */
static bool
arm_timeout(void)
{
	long		passed_ms;

	if (StatementTimeout <= 0 || get_timeout_active(STATEMENT_TIMEOUT))
		return false;
	passed_ms = TimestampDifferenceMilliseconds(GetCurrentStatementStartTimestamp(),
												GetCurrentTimestamp());
	enable_timeout_after(STATEMENT_TIMEOUT, Max(StatementTimeout - passed_ms, 1));
	return true;
}

static void
commit_set(CmzWriteSet *set)
{
	MemoryContext context = AllocSetContextCreate(set->context, "cmz_fdw commit",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Commit		commit = {0};
	bool		armed;

	collect_batches(&commit, set);
	check_atomicity(&commit);
	/* after an error, all timeouts are disabled anyway */
	armed = arm_timeout();
	send_batches(&commit);
	if (armed)
		disable_timeout(STATEMENT_TIMEOUT, false);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	CmzWriteSet *set = cmz_writeset_current();

	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			/*
			 * After that others wait for us, or fail, so that PostgreSQL will not
			 * refuse to commit what has been sent.
			 */
			if (set != NULL && set->nversions > 0)
			{
				PreCommit_CheckForSerializationFailure();
				commit_set(set);
			}
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (set != NULL && set->nversions > 0)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has written to foreign tables of cmz_fdw"),
						 errdetail("DynamoDB has no prepared transactions.")));
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			cmz_writeset_forget();
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		cmz_writeset_commit_level(GetCurrentTransactionNestLevel());
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		cmz_writeset_abort_level(GetCurrentTransactionNestLevel());
}

void
cmz_commit_register(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	registered = true;
}
