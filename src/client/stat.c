/*
 * stat.c
 *	  What calls have done and cost: counters by server, table, index and
 *	  operation.
 *
 * A table of fixed size with open addressing.  An entry's identity never changes
 * while the lock is held in any mode, its counters have a spinlock.  When there is
 * no room, entries that have not been used for long are counted together.
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
	slock_t		mutex;			/* for entry.counters and used_at */
	TimestampTz used_at;
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
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&slot->mutex);
	add_counters(&slot->entry.counters, counters);
	slot->used_at = now;
	SpinLockRelease(&slot->mutex);
}

/* Put an entry into a free slot; NULL: there is none. */
static Slot *
insert(StatMemory *memory, const CmzStatEntry *entry, TimestampTz used_at)
{
	uint32		hash = hash_identity(entry);
	Slot	   *slot = find_slot(memory, entry, hash);

	if (slot == NULL || slot->used)
		return slot;
	slot->entry = *entry;
	slot->hash = hash;
	slot->used = true;
	slot->used_at = used_at;
	memory->nused++;
	return slot;
}

/* Where a database's entries are counted together that had to make room. */
static Slot *
others_of(StatMemory *memory, const CmzStatEntry *entry)
{
	CmzStatEntry others;

	set_identity(&others, InvalidOid, OTHERS, NULL, OTHERS);
	others.database = entry->database;
	others.since = entry->since;
	return insert(memory, &others, entry->since);
}

static int
compare_use(const void *a, const void *b)
{
	TimestampTz x = ((const Slot *) a)->used_at;
	TimestampTz y = ((const Slot *) b)->used_at;

	return x > y ? -1 : x < y;
}

static bool
is_others(const CmzStatEntry *entry)
{
	return strcmp(entry->operation, OTHERS) == 0;
}

/*
 * Keep of all entries those that are wanted, and of these the ones that were used
 * last; the rest is counted together, by database.
 */
static void
rebuild(StatMemory *memory, bool (*is_wanted) (const CmzStatEntry *entry), int max_kept)
{
	Slot	   *old = palloc_extended(sizeof(Slot) * memory->nslots, MCXT_ALLOC_NO_OOM);
	int			n = 0;

	if (old == NULL)
		return;
	for (int i = 0; i < memory->nslots; i++)
		if (memory->slots[i].used && is_wanted(&memory->slots[i].entry))
			old[n++] = memory->slots[i];
	init_slots(memory);
	qsort(old, n, sizeof(Slot), compare_use);
	for (int i = 0; i < n; i++)
	{
		Slot	   *others;

		if (i < max_kept || is_others(&old[i].entry))
		{
			(void) insert(memory, &old[i].entry, old[i].used_at);
			continue;
		}
		others = others_of(memory, &old[i].entry);
		if (others != NULL)
			add_counters(&others->entry.counters, &old[i].entry.counters);
	}
	pfree(old);
}

static bool
any_entry(const CmzStatEntry *entry)
{
	(void) entry;
	return true;
}

/* A slot for a new entry; a quarter of the others make room if there is none. */
static Slot *
claim_slot(StatMemory *memory, CmzStatEntry *entry)
{
	if (memory->nused >= memory->nslots - memory->nslots / 8)
		rebuild(memory, any_entry, memory->nslots * 5 / 8);
	entry->since = GetCurrentTimestamp();
	return insert(memory, entry, entry->since);
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

		if (!slot->used || slot->entry.database != MyDatabaseId)
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
of_another_database(const CmzStatEntry *entry)
{
	return entry->database != MyDatabaseId;
}

void
cmz_stat_reset(void)
{
	StatMemory *memory = attach();

	cmz_shared_lock(&shared, LW_EXCLUSIVE);
	rebuild(memory, of_another_database, memory->nslots);
	cmz_shared_unlock(&shared);
}

bool
cmz_stat_is_shared(void)
{
	(void) attach();
	return shared.is_shared;
}
