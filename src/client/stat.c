/*
 * stat.c
 *	  What calls have done and cost: counters by server, table, index and
 *	  operation.
 *
 * A table of fixed size with open addressing.  An entry's identity never changes
 * while the lock is held in any mode, its counters have a spinlock.
 */
#include "postgres.h"

#include "client/stat.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#define MAX_ENTRIES		1024	/* of all sessions */
#define MAX_OWN_ENTRIES	128
#define OTHERS			"(others)"

typedef struct Slot
{
	bool		used;
	uint32		hash;
	slock_t		mutex;			/* for entry.counters */
	CmzStatEntry entry;
} Slot;

typedef struct StatMemory
{
	CmzSharedHeader header;
	int			nslots;
	int			nused;
	Slot		slots[FLEXIBLE_ARRAY_MEMBER];
} StatMemory;

static Size
memory_size(int nslots)
{
	return offsetof(StatMemory, slots) + sizeof(Slot) * nslots;
}

static void
init_slots(StatMemory *memory)
{
	memset(memory->slots, 0, sizeof(Slot) * memory->nslots);
	for (int i = 0; i < memory->nslots; i++)
		SpinLockInit(&memory->slots[i].mutex);
	memory->nused = 0;
}

static void
init(CmzSharedHeader *header)
{
	StatMemory *memory = (StatMemory *) header;

	memory->nslots = (int) ((header->size - offsetof(StatMemory, slots)) / sizeof(Slot));
	init_slots(memory);
}

/* another layout needs another number: sessions of both may be there at one time */
static CmzShared shared = {"cmz_fdw statistics 1", 0, 0, init, NULL, false, false};

void
cmz_stat_install(void)
{
	shared.size = memory_size(MAX_ENTRIES);
	shared.own_size = memory_size(MAX_OWN_ENTRIES);
	cmz_shared_install(&shared);
}

void
cmz_stat_attach(void)
{
	cmz_shared_attach(&shared);
}

static StatMemory *
attach(void)
{
	cmz_stat_attach();
	return (StatMemory *) shared.memory;
}

static void
set_identity(CmzStatEntry *entry, Oid serverid, const char *table, const char *index,
			 const char *operation)
{
	memset(entry, 0, sizeof(*entry));
	entry->database = MyDatabaseId;
	entry->serverid = serverid;
	strlcpy(entry->table, table ? table : "", sizeof(entry->table));
	strlcpy(entry->index, index ? index : "", sizeof(entry->index));
	strlcpy(entry->operation, operation, sizeof(entry->operation));
}

#define IDENTITY_SIZE	offsetof(CmzStatEntry, counters)

static uint32
hash_identity(const CmzStatEntry *entry)
{
	return hash_bytes((const unsigned char *) entry, (int) IDENTITY_SIZE);
}

/* The entry's slot, or the free one where it belongs; NULL: it is full. */
static Slot *
find_slot(StatMemory *memory, const CmzStatEntry *entry, uint32 hash)
{
	for (int i = 0; i < memory->nslots; i++)
	{
		Slot	   *slot = &memory->slots[(hash + i) % memory->nslots];

		if (!slot->used ||
			(slot->hash == hash && memcmp(&slot->entry, entry, IDENTITY_SIZE) == 0))
			return slot;
	}
	return NULL;
}

static void
add_counters(CmzStatCounters *to, const CmzStatCounters *from)
{
	to->requests += from->requests;
	to->pages += from->pages;
	to->items += from->items;
	to->scanned_items += from->scanned_items;
	to->bytes += from->bytes;
	to->read_units += from->read_units;
	to->write_units += from->write_units;
	to->throttled_requests += from->throttled_requests;
	to->system_errors += from->system_errors;
	to->user_errors += from->user_errors;
	to->retries += from->retries;
	to->time_ms += from->time_ms;
}

static void
count_in_slot(Slot *slot, const CmzStatCounters *counters)
{
	SpinLockAcquire(&slot->mutex);
	add_counters(&slot->entry.counters, counters);
	SpinLockRelease(&slot->mutex);
}

/* Make room for the entry; the last slot but one of the table is for all others. */
static Slot *
claim_slot(StatMemory *memory, CmzStatEntry *entry)
{
	uint32		hash = hash_identity(entry);
	Slot	   *slot = find_slot(memory, entry, hash);

	if (slot != NULL && !slot->used && memory->nused >= memory->nslots - 2)
	{
		set_identity(entry, InvalidOid, OTHERS, NULL, OTHERS);
		entry->database = InvalidOid;
		hash = hash_identity(entry);
		slot = find_slot(memory, entry, hash);
	}
	if (slot != NULL && !slot->used)
	{
		slot->entry = *entry;
		if (slot->entry.since == 0)
			slot->entry.since = GetCurrentTimestamp();
		slot->hash = hash;
		slot->used = true;
		memory->nused++;
	}
	return slot;
}

void
cmz_stat_add(Oid serverid, const char *table, const char *index, const char *operation,
			 const CmzStatCounters *counters)
{
	StatMemory *memory = attach();
	CmzStatEntry entry;
	Slot	   *slot;

	set_identity(&entry, serverid, table, index, operation);
	cmz_shared_lock(&shared, LW_SHARED);
	slot = find_slot(memory, &entry, hash_identity(&entry));
	if (slot != NULL && slot->used)
		count_in_slot(slot, counters);
	else
		slot = NULL;
	cmz_shared_unlock(&shared);
	if (slot != NULL)
		return;
	cmz_shared_lock(&shared, LW_EXCLUSIVE);
	slot = claim_slot(memory, &entry);
	if (slot != NULL)
		count_in_slot(slot, counters);
	cmz_shared_unlock(&shared);
}

CmzStatEntry *
cmz_stat_read(int *n)
{
	StatMemory *memory = attach();
	CmzStatEntry *entries = palloc(sizeof(CmzStatEntry) * memory->nslots);

	*n = 0;
	cmz_shared_lock(&shared, LW_SHARED);
	for (int i = 0; i < memory->nslots; i++)
	{
		Slot	   *slot = &memory->slots[i];

		if (!slot->used ||
			(slot->entry.database != MyDatabaseId && slot->entry.database != InvalidOid))
			continue;
		SpinLockAcquire(&slot->mutex);
		entries[*n] = slot->entry;
		SpinLockRelease(&slot->mutex);
		(*n)++;
	}
	cmz_shared_unlock(&shared);
	return entries;
}

static bool
is_among(Oid database, const Oid *databases, int ndatabases)
{
	for (int i = 0; i < ndatabases; i++)
		if (databases[i] == database)
			return true;
	return false;
}

/* What stays is put into place again: there are no gaps to leave. */
void
cmz_stat_reset(const Oid *databases, int ndatabases)
{
	StatMemory *memory = attach();
	Slot	   *others = palloc(sizeof(Slot) * memory->nslots);
	int			n = 0;

	cmz_shared_lock(&shared, LW_EXCLUSIVE);
	for (int i = 0; i < memory->nslots; i++)
		if (memory->slots[i].used && memory->slots[i].entry.database != MyDatabaseId &&
			is_among(memory->slots[i].entry.database, databases, ndatabases))
			others[n++] = memory->slots[i];
	init_slots(memory);
	for (int i = 0; i < n; i++)
		count_in_slot(claim_slot(memory, &others[i].entry), &(CmzStatCounters) {0});
	cmz_shared_unlock(&shared);
	pfree(others);
}

bool
cmz_stat_is_shared(void)
{
	(void) attach();
	return shared.is_shared;
}
