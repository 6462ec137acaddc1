/*
 * wait.h
 *	  The only place that waits: drives libcurl's multi handle on a latch.
 */
#ifndef CMZ_WAIT_H
#define CMZ_WAIT_H

#include <curl/curl.h>

#include "postgres.h"

/*
 * This backend's multi handle with its kept-alive connections; made at the
 * first call.  Raises FDW_ERROR if libcurl cannot be set up.
 */
extern CURLM *cmz_wait_multi(void);

/*
 * Let transfers go on: wait until a socket or a timer of libcurl wants
 * attention, but at most timeout_ms (-1: no limit), and serve it.  Raises what
 * CHECK_FOR_INTERRUPTS raises (query cancel, termination).
 */
extern void cmz_wait_round(long timeout_ms);

/* Let that much time pass; transfers go on.  Raises what an interrupt raises. */
extern void cmz_wait_sleep(long ms);

/* For CURLOPT_CLOSESOCKETFUNCTION of every easy handle. */
extern int	cmz_wait_close_socket(void *arg, curl_socket_t fd);

#endif							/* CMZ_WAIT_H */
