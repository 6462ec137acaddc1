/*
 * shared.c
 *	  Memory that all sessions share where the server offers it, and that is a
 *	  session's own where it does not.
 */
#include "postgres.h"

#include "client/shared.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#define MAX_PIECES	4

static CmzShared *pieces[MAX_PIECES];	/* that are preloaded */
static int	npieces = 0;

static shmem_request_hook_type next_shmem_request = NULL;
static shmem_startup_hook_type next_shmem_startup = NULL;

static void
init_memory(CmzShared *shared, CmzSharedHeader *memory, Size size)
{
	memset(memory, 0, size);
	memory->size = size;
	if (shared->is_shared)
	{
		memory->tranche = LWLockNewTrancheId();
		LWLockInitialize(&memory->lock, memory->tranche);
	}
	shared->init(memory);
}

static void
request_shmem(void)
{
	if (next_shmem_request)
		next_shmem_request();
	for (int i = 0; i < npieces; i++)
		RequestAddinShmemSpace(pieces[i]->size);
}

static void
startup_shmem(void)
{
	if (next_shmem_startup)
		next_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < npieces; i++)
	{
		CmzShared  *shared = pieces[i];
		bool		found;

		shared->is_shared = true;
		shared->memory = ShmemInitStruct(shared->name, shared->size, &found);
		if (!found)
			init_memory(shared, shared->memory, shared->size);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
cmz_shared_install(CmzShared *shared)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	if (npieces == 0)
	{
		next_shmem_request = shmem_request_hook;
		shmem_request_hook = request_shmem;
		next_shmem_startup = shmem_startup_hook;
		shmem_startup_hook = startup_shmem;
	}
	Assert(npieces < MAX_PIECES);
	pieces[npieces++] = shared;
}

/* For the callback of a named segment, which is told nothing. */
static CmzShared *being_attached = NULL;

static void
init_segment(void *memory)
{
	init_memory(being_attached, memory, being_attached->size);
}

void
cmz_shared_attach(CmzShared *shared)
{
	if (shared->attached)
		return;
	if (shared->memory == NULL)
	{
		being_attached = shared;
		shared->is_shared = true;
		shared->memory = cmz_named_segment(shared->name, shared->size, init_segment);
	}
	if (shared->memory == NULL)
	{
		CmzSharedHeader *memory = MemoryContextAlloc(TopMemoryContext, shared->own_size);

		shared->is_shared = false;
		init_memory(shared, memory, shared->own_size);
		shared->memory = memory;
	}
	if (shared->is_shared)
		LWLockRegisterTranche(shared->memory->tranche, shared->name);
	shared->attached = true;
}

void
cmz_shared_lock(CmzShared *shared, LWLockMode mode)
{
	if (shared->is_shared)
		LWLockAcquire(&shared->memory->lock, mode);
}

void
cmz_shared_unlock(CmzShared *shared)
{
	if (shared->is_shared)
		LWLockRelease(&shared->memory->lock);
}
