/*
 * wait.c
 *	  The only place that waits: drives libcurl's multi handle on a latch.
 *
 * libcurl says through callbacks which sockets it watches and when its next
 * timer is due; we keep one WaitEventSet over them for the whole session and
 * build it anew only when they have changed.  The set belongs to no
 * transaction, so an error in the middle of a wait leaks nothing.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timerfd.h>
#endif

#include "client/compat.h"
#include "client/wait.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#define MAX_SOCKETS		256
#define MAX_EVENTS		32

/* Kept alive: as many as the option concurrency can ask for, of two servers. */
#define MAX_CONNECTIONS	128L

typedef struct WatchedSocket
{
	curl_socket_t fd;
	uint32		events;			/* WL_SOCKET_* */
} WatchedSocket;

static CURLM *multi = NULL;
static TimestampTz timer_at = 0;	/* libcurl's next timer, 0: none */
static uint32 wait_event_info = 0;

/* What libcurl wants watched. */
static WatchedSocket wanted[MAX_SOCKETS];
static int	nwanted = 0;

/* What the set watches.  After a close a descriptor's number means nothing. */
static WaitEventSet *set = NULL;
static WatchedSocket watched[MAX_SOCKETS];
static int	nwatched = 0;
static bool set_is_stale = true;

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	int			i;

	(void) easy;
	(void) arg;
	(void) socket_arg;
	for (i = 0; i < nwanted; i++)
		if (wanted[i].fd == fd)
			break;
	if (what == CURL_POLL_REMOVE)
	{
		if (i < nwanted)
			wanted[i] = wanted[--nwanted];
		return 0;
	}
	if (i == MAX_SOCKETS)
		return -1;
	if (i == nwanted)
		nwanted++;
	wanted[i].fd = fd;
	wanted[i].events = ((what & CURL_POLL_IN) ? WL_SOCKET_READABLE : 0) |
		((what & CURL_POLL_OUT) ? WL_SOCKET_WRITEABLE : 0);
	return 0;
}

static int
on_timer(CURLM *handle, long timeout_ms, void *arg)
{
	(void) handle;
	(void) arg;
	timer_at = timeout_ms < 0 ? 0 : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	return 0;
}

int
cmz_wait_close_socket(void *arg, curl_socket_t fd)
{
	(void) arg;
	set_is_stale = true;
	return close(fd);
}

static void
check_multi(CURLMcode code)
{
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not set up or drive a transfer: %s", curl_multi_strerror(code))));
}

CURLM *
cmz_wait_multi(void)
{
	CURLM	   *made;

	if (multi != NULL)
		return multi;
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || (made = curl_multi_init()) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OUT_OF_MEMORY),
				 errmsg("could not initialize libcurl")));
	check_multi(curl_multi_setopt(made, CURLMOPT_SOCKETFUNCTION, on_socket));
	check_multi(curl_multi_setopt(made, CURLMOPT_TIMERFUNCTION, on_timer));
	check_multi(curl_multi_setopt(made, CURLMOPT_MAXCONNECTS, MAX_CONNECTIONS));
	wait_event_info = cmz_wait_event("CmzRequest");
	multi = made;
	return multi;
}

/* Threads that libcurl starts (its resolver's) must not run our handlers. */
static void
drive(curl_socket_t fd, int events)
{
	sigset_t	all,
				saved;
	CURLMcode	code;
	int			running;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	code = curl_multi_socket_action(multi, fd, events, &running);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	check_multi(code);
}

/* The set watches what libcurl wants, in the same order. */
static bool
set_is_current(void)
{
	return !set_is_stale && nwanted == nwatched &&
		memcmp(wanted, watched, sizeof(WatchedSocket) * nwanted) == 0;
}

static void
rebuild_set(void)
{
	if (set != NULL)
	{
		WaitEventSet *old = set;

		set = NULL;
		FreeWaitEventSet(old);
	}
	set_is_stale = true;		/* until it is complete */
	set = cmz_create_session_wait_event_set(nwanted + 2);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < nwanted; i++)
		AddWaitEventToSet(set, wanted[i].events, wanted[i].fd, NULL, NULL);
	memcpy(watched, wanted, sizeof(WatchedSocket) * nwanted);
	nwatched = nwanted;
	set_is_stale = false;
}

/* Milliseconds until libcurl's timer, rounded up; -1: it has none. */
static long
time_to_timer(void)
{
	return timer_at == 0 ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), timer_at);
}

void
cmz_wait_round(long timeout_ms)
{
	WaitEvent	events[MAX_EVENTS];
	long		timer_ms = time_to_timer();
	int			n;

	CHECK_FOR_INTERRUPTS();
	if (timer_ms == 0)
	{
		timer_at = 0;			/* libcurl sets the next one itself */
		drive(CURL_SOCKET_TIMEOUT, 0);
		return;
	}
	if (timer_ms > 0)
		timeout_ms = timeout_ms < 0 ? timer_ms : Min(timeout_ms, timer_ms);
	if (!set_is_current())
		rebuild_set();
	n = WaitEventSetWait(set, timeout_ms, events, MAX_EVENTS, wait_event_info);
	for (int i = 0; i < n; i++)
	{
		if (events[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		else
			drive(events[i].fd,
				  ((events[i].events & WL_SOCKET_READABLE) ? CURL_CSELECT_IN : 0) |
				  ((events[i].events & WL_SOCKET_WRITEABLE) ? CURL_CSELECT_OUT : 0));
	}
}

void
cmz_wait_sleep(long ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	(void) cmz_wait_multi();
	while ((ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) > 0)
		cmz_wait_round(ms);
}

#ifdef __linux__

struct CmzPollable
{
	int			epoll_fd;		/* -1: none */
	int			timer_fd;
};

static void
close_pollable(void *arg)
{
	CmzPollable *pollable = arg;

	if (pollable->epoll_fd >= 0)
		close(pollable->epoll_fd);
	if (pollable->timer_fd >= 0)
		close(pollable->timer_fd);
	pollable->epoll_fd = pollable->timer_fd = -1;
}

bool
cmz_wait_is_pollable(void)
{
	return true;
}

CmzPollable *
cmz_wait_pollable_create(void)
{
	CmzPollable *pollable = palloc(sizeof(CmzPollable));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	pollable->epoll_fd = pollable->timer_fd = -1;
	callback->func = close_pollable;
	callback->arg = pollable;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return pollable;
}

static void
poll_for(CmzPollable *pollable, int fd, uint32 events)
{
	struct epoll_event event = {0};

	event.events = events;
	if (epoll_ctl(pollable->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not watch a connection: %m")));
}

int
cmz_wait_pollable_fd(CmzPollable *pollable, long timeout_ms)
{
	struct itimerspec at = {0};
	long		timer_ms = time_to_timer();

	close_pollable(pollable);
	pollable->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pollable->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (pollable->epoll_fd < 0 || pollable->timer_fd < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not watch connections: %m")));
	if (timer_ms >= 0)
		timeout_ms = Min(timeout_ms, timer_ms);
	at.it_value.tv_sec = timeout_ms / 1000;
	/* zero would turn it off */
	at.it_value.tv_nsec = timeout_ms % 1000 * 1000000 + 1;
	(void) timerfd_settime(pollable->timer_fd, 0, &at, NULL);
	poll_for(pollable, pollable->timer_fd, EPOLLIN);
	for (int i = 0; i < nwanted; i++)
		poll_for(pollable, wanted[i].fd,
				 ((wanted[i].events & WL_SOCKET_READABLE) ? EPOLLIN : 0) |
				 ((wanted[i].events & WL_SOCKET_WRITEABLE) ? EPOLLOUT : 0));
	return pollable->epoll_fd;
}

#else

bool
cmz_wait_is_pollable(void)
{
	return false;
}

CmzPollable *
cmz_wait_pollable_create(void)
{
	return NULL;
}

int
cmz_wait_pollable_fd(CmzPollable *pollable, long timeout_ms)
{
	elog(ERROR, "connections cannot be watched on this platform");
}

#endif
