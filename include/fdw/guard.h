/*
 * guard.h
 *	  Keeps what reading costs in bounds: a limit and a pace of read units, and
 *	  a policy for reading a whole table.
 *
 * Each statement has an account of the read units that it has consumed.  A
 * statement is what a client sends at once: the functions that it calls are
 * part of it, each FETCH from a cursor is one of its own.
 *
 * Order of calls for each read request: cmz_guard_pace() before it is sent,
 * cmz_guard_charge() when it has been answered.
 */
#ifndef CMZ_GUARD_H
#define CMZ_GUARD_H

#include "fdw/table.h"
#include "port/atomics.h"
#include "storage/dsm.h"

/* GUCs; 0 turns them off. */
extern double cmz_max_read_units;
extern double cmz_read_units_per_second;

/*
 * Wait until what this process has consumed fits the pace (it may be one second
 * ahead); transfers under way go on meanwhile.  Raises
 * CONFIGURATION_LIMIT_EXCEEDED (53400) if the statement is over its limit
 * already, so that catching that error buys nothing, and what an interrupt
 * raises.
 */
extern void cmz_guard_pace(void);

/*
 * Add read units to the statement's account.  Raises
 * CONFIGURATION_LIMIT_EXCEEDED if it is over its limit then.
 */
extern void cmz_guard_charge(double read_units);

/*
 * Parallel scans: the processes of one keep their account in a counter in
 * shared memory (in thousandths of a read unit), and each takes its part of the
 * pace.
 *
 * The leader calls share where it sets up the segment that the counter lies in
 * (InitializeDSMForeignScan, with pcxt->seg; nothing happens for NULL: there
 * will be no workers then).  It initializes the counter and puts in what the
 * statement has consumed so far.  When the segment is detached, be it after an
 * error, what the counter holds becomes the leader's own account: there is
 * nothing to end and nothing to forget.  nprocesses counts the leader too.
 *
 * A worker calls join (InitializeWorkerForeignScan); it holds until it exits.
 */
extern void cmz_guard_share(pg_atomic_uint64 *milli_units, int nprocesses, dsm_segment *segment);
extern void cmz_guard_join(pg_atomic_uint64 *milli_units, int nprocesses);

/*
 * A scan without a key condition is about to start: follow the table's
 * scan_policy.  To be called once for a scan, not at a rescan, and never for
 * EXPLAIN.  Gives a WARNING (in a parallel worker nothing: the leader does), or
 * raises CONFIGURATION_LIMIT_EXCEEDED: it is a setting that forbids it, to
 * anybody, and not a privilege that is missing.
 */
extern void cmz_guard_whole_table(const CmzTable *table);

#endif							/* CMZ_GUARD_H */
