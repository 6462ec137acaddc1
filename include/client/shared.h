/*
 * shared.h
 *	  Memory that all sessions share where the server offers it, and that is a
 *	  session's own where it does not.
 *
 * Offered are shared memory when the library is in shared_preload_libraries, and
 * from PostgreSQL 17 on named segments without that.
 */
#ifndef CMZ_SHARED_H
#define CMZ_SHARED_H

#include "client/compat.h"
#include "storage/lwlock.h"

/* What every such piece of memory begins with. */
typedef struct CmzSharedHeader
{
	LWLock		lock;			/* not for a session's own */
	int			tranche;
	Size		size;			/* of the whole */
} CmzSharedHeader;

typedef struct CmzShared
{
	const char *name;
	Size		size;			/* if it is shared */
	Size		own_size;		/* if it is not */
	void		(*init) (CmzSharedHeader *memory);	/* of zeros, but for the header */
	CmzSharedHeader *memory;
	bool		is_shared;
	bool		attached;		/* in this process */
} CmzShared;

/* Reserve it, if the library is being preloaded; to be called from _PG_init. */
extern void cmz_shared_install(CmzShared *shared);

/* Make it available; at most one of the sessions initializes it. */
extern void cmz_shared_attach(CmzShared *shared);

/* Lock and unlock it; nothing happens for a session's own. */
extern void cmz_shared_lock(CmzShared *shared, LWLockMode mode);
extern void cmz_shared_unlock(CmzShared *shared);

#endif							/* CMZ_SHARED_H */
