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

/*
 * Something that others can wait for: a descriptor that becomes readable when
 * cmz_wait_round has something to do.
 */
typedef struct CmzPollable CmzPollable;

/* This platform has it. */
extern bool cmz_wait_is_pollable(void);

/* In the current memory context, with which it is closed. */
extern CmzPollable *cmz_wait_pollable_create(void);

/*
 * The descriptor, brought up to date: it will also become readable after
 * timeout_ms.  Valid until the next call.  Raises the operating system's error.
 */
extern int	cmz_wait_pollable_fd(CmzPollable *pollable, long timeout_ms);

/* For CURLOPT_CLOSESOCKETFUNCTION of every easy handle. */
extern int	cmz_wait_close_socket(void *arg, curl_socket_t fd);

#endif							/* CMZ_WAIT_H */
