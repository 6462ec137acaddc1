/*
 * compat.h
 *	  What differs between PostgreSQL majors in the client layer.
 *
 * fdw/compat.h has the rest and includes this one; no other file tests
 * PG_VERSION_NUM.
 */
#ifndef CMZ_CLIENT_COMPAT_H
#define CMZ_CLIENT_COMPAT_H

#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "cmz_fdw needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif

/*
 * A wait event set that lives until the backend ends.  PG 17 replaced the
 * memory context by a resource owner, where NULL means the same.
 */
static inline WaitEventSet *
cmz_create_session_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* PG 17 lets an extension name its wait events. */
static inline uint32
cmz_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/*
 * Memory of that name that all sessions share, which the first one initializes;
 * NULL before PG 17.
 */
static inline void *
cmz_named_segment(const char *name, Size size, void (*init) (void *memory))
{
#if PG_VERSION_NUM >= 170000
	bool		found;

	return GetNamedDSMSegment(name, size, init, &found);
#else
	(void) name;
	(void) size;
	(void) init;
	return NULL;
#endif
}

/* PG 18 moved the mark to the front of the declaration. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

#endif							/* CMZ_CLIENT_COMPAT_H */
