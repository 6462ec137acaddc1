/*
 * progress.c
 *	  How far long work is: scans of many pages, and many writes.
 *
 * A slot belongs to the process that has claimed it.  It is given back when the
 * memory context of the work goes, which it does after an error too, and when the
 * process ends in an orderly way.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "client/shared.h"
#include "fdw/compat.h"
#include "fdw/progress.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define MAX_SLOTS		512		/* of all sessions */
#define MAX_OWN_SLOTS	32
#define NCOLUMNS		9

typedef struct ProgressSlot
{
	slock_t		mutex;
	int			pid;			/* 0: free */
	Oid			database;
	Oid			userid;
	TimestampTz started_at;
	CmzProgress progress;		/* its operation is the copy below */
	char		operation[CMZ_PROGRESS_OPERATION_SIZE];
} ProgressSlot;

typedef struct ProgressMemory
{
	CmzSharedHeader header;
	int			nslots;
	ProgressSlot slots[FLEXIBLE_ARRAY_MEMBER];
} ProgressMemory;

static void
init(CmzSharedHeader *header)
{
	ProgressMemory *memory = (ProgressMemory *) header;

	memory->nslots = (int) ((header->size - offsetof(ProgressMemory, slots)) / sizeof(ProgressSlot));
	for (int i = 0; i < memory->nslots; i++)
		SpinLockInit(&memory->slots[i].mutex);
}

/* another layout needs another number: sessions of both may be there at one time */
static CmzShared shared = {"cmz_fdw progress 1", 0, 0, init, NULL, false, false};

void
cmz_progress_install(void)
{
	shared.size = offsetof(ProgressMemory, slots) + sizeof(ProgressSlot) * MAX_SLOTS;
	shared.own_size = offsetof(ProgressMemory, slots) + sizeof(ProgressSlot) * MAX_OWN_SLOTS;
	cmz_shared_install(&shared);
}

static ProgressMemory *
attach(void)
{
	cmz_shared_attach(&shared);
	return (ProgressMemory *) shared.memory;
}

static void
release(void *arg)
{
	CmzProgress *progress = arg;
	ProgressSlot *slot;

	if (progress->slot < 0)
		return;
	slot = &attach()->slots[progress->slot];
	progress->slot = -1;
	SpinLockAcquire(&slot->mutex);
	slot->pid = 0;
	SpinLockRelease(&slot->mutex);
}

CmzProgress *
cmz_progress_create(Oid relid, const char *operation)
{
	CmzProgress *progress = palloc0(sizeof(CmzProgress));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	progress->relid = relid;
	progress->operation = operation;
	progress->slot = -1;
	callback->func = release;
	callback->arg = progress;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return progress;
}

/* Find a free slot; the lock keeps others from taking it too. */
static void
claim(CmzProgress *progress)
{
	ProgressMemory *memory = attach();
	Oid			userid = GetUserId();
	TimestampTz now = GetCurrentTimestamp();

	cmz_shared_lock(&shared, LW_EXCLUSIVE);
	for (int i = 0; i < memory->nslots && progress->slot < 0; i++)
	{
		ProgressSlot *slot = &memory->slots[i];

		/* only who holds the lock takes a free one */
		if (slot->pid != 0)
			continue;
		SpinLockAcquire(&slot->mutex);
		slot->database = MyDatabaseId;
		slot->userid = userid;
		slot->started_at = now;
		slot->progress = *progress;
		strlcpy(slot->operation, progress->operation, sizeof(slot->operation));
		slot->pid = MyProcPid;
		SpinLockRelease(&slot->mutex);
		progress->slot = i;
	}
	cmz_shared_unlock(&shared);
}

void
cmz_progress_report(CmzProgress *progress)
{
	ProgressSlot *slot;

	if (progress->slot < 0)
		claim(progress);
	if (progress->slot < 0)
		return;
	slot = &attach()->slots[progress->slot];
	SpinLockAcquire(&slot->mutex);
	slot->progress = *progress;
	SpinLockRelease(&slot->mutex);
}

/* Others' work is for those who may see their activity. */
static bool
may_see(const ProgressSlot *slot)
{
	return slot->pid != 0 && slot->database == MyDatabaseId &&
		(has_privs_of_role(GetUserId(), slot->userid) ||
		 has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS));
}

static void
put_slot(ReturnSetInfo *result, const ProgressSlot *slot)
{
	const CmzProgress *progress = &slot->progress;
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};

	values[0] = Int32GetDatum(slot->pid);
	values[1] = ObjectIdGetDatum(progress->relid);
	nulls[1] = !OidIsValid(progress->relid);
	values[2] = CStringGetTextDatum(slot->operation);
	values[3] = Int64GetDatum(progress->pages);
	values[4] = Int64GetDatum(progress->items);
	values[5] = Float8GetDatum(progress->units);
	values[6] = Int64GetDatum(progress->segments_done);
	values[7] = Int64GetDatum(progress->segments_total);
	nulls[7] = progress->segments_total == 0;
	values[8] = TimestampTzGetDatum(slot->started_at);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(cmz_progress_entries);

Datum
cmz_progress_entries(PG_FUNCTION_ARGS)
{
	ProgressMemory *memory = attach();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < memory->nslots; i++)
	{
		ProgressSlot *slot = &memory->slots[i];
		ProgressSlot copy;

		SpinLockAcquire(&slot->mutex);
		copy = *slot;
		SpinLockRelease(&slot->mutex);
		if (may_see(&copy))
			put_slot((ReturnSetInfo *) fcinfo->resultinfo, &copy);
	}
	return (Datum) 0;
}
