/*
 * monitor.h
 *	  What the views cmz_stat and cmz_cost are made of.
 */
#ifndef CMZ_MONITOR_H
#define CMZ_MONITOR_H

#include "postgres.h"

/*
 * The current user may use the server, or see all statistics; the server may be
 * gone by now.
 */
extern bool cmz_monitor_may_see(Oid serverid);

/* Whose statistics they are, for people. */
extern const char *cmz_monitor_scope(void);

/* Define the settings that hold the prices; to be called from _PG_init. */
extern void cmz_cost_define_gucs(void);

#endif							/* CMZ_MONITOR_H */
