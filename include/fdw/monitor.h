/*
 * monitor.h
 *	  What the views cmz_stat and cmz_cost are made of.
 */
#ifndef CMZ_MONITOR_H
#define CMZ_MONITOR_H

/* Define the settings that hold the prices; to be called from _PG_init. */
extern void cmz_monitor_define_gucs(void);

#endif							/* CMZ_MONITOR_H */
