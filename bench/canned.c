/*
 * canned.c
 *	  The canned server: answers DynamoDB's requests from nothing, as fast as the
 *	  socket takes them; with a delay and a bandwidth it is the far server.
 *
 * usage: canned [--port N] [--items N] [--delay-ms X] [--bandwidth BYTES]
 *				 [--crc32] [--whole] [--seconds N]
 *
 * --port 0 (the default) takes a free one; it listens on 127.0.0.1 alone, prints
 * "listening on PORT" and goes on until SIGTERM, or for N seconds at most.
 * --delay-ms holds each answer back so long; requests on several connections wait
 * side by side.  --bandwidth lets so many bytes a second through on each connection.
 * --crc32 sends x-amz-crc32, as DynamoDB does.  --whole sends whole items,
 * whatever projection is asked for.
 *
 * SIGUSR1 prints what has been asked and sent so far, GET /__stats answers it.
 *
 * One thread: each connection is a machine of three states (reading a request,
 * holding its answer back, sending it), driven by epoll and one timer.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "base/crc32.h"
#include "items.h"

#define MAX_CONNECTIONS	1024
#define MAX_HEAD		(64 * 1024)
#define MAX_REQUEST		(20 * 1024 * 1024)	/* DynamoDB takes 16 MB */
#define READ_ROOM		(64 * 1024)
#define HEAD_ROOM		512	/* before the body in a buffer to send */
#define PACE_NS			1000000L	/* how often a slow connection gets its share */
#define SECOND_NS		1000000000L

typedef enum State
{
	READING, HOLDING, SENDING
} State;

typedef struct Connection
{
	int			fd;
	int			slot;			/* in connections */
	State		state;
	bool		closing;		/* when the answer has been sent */
	bool		waits_for_room; /* epoll tells when the socket takes more */
	StringInfoData in;
	StringInfoData out;			/* head and body */
	int			sent;			/* of out */
	int64		due;			/* HOLDING: when to send; SENDING: when to go on */
	int64		began;			/* when sending began */
} Connection;

static Connection *connections[MAX_CONNECTIONS];
static int	nconnections;
static int	epoll_fd,
			timer_fd,
			signal_fd,
			listen_fd;
static AnswerConfig config = {89000, false};
static AnswerCounters counters;
static int64 delay_ns,
			bandwidth;
static bool with_crc32;
static int64 bytes_in,
			bytes_out,
			accepted;

static int64
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void
fail(const char *what)
{
	fprintf(stderr, "canned: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
append_stats(StringInfo out)
{
	appendStringInfo(out, "{\"connections\":" INT64_FORMAT ",\"open\":%d,\"bytes_in\":" INT64_FORMAT
					 ",\"bytes_out\":" INT64_FORMAT ",\"items_sent\":" INT64_FORMAT
					 ",\"items_read\":" INT64_FORMAT ",\"items_written\":" INT64_FORMAT ",\"requests\":{",
					 accepted, nconnections, bytes_in, bytes_out, counters.items_sent, counters.items_read,
					 counters.items_written);
	for (int i = 0, n = 0; i < OP_COUNT; i++)
		if (counters.requests[i] > 0)
			appendStringInfo(out, "%s\"%s\":" INT64_FORMAT, n++ > 0 ? "," : "", operation_names[i],
							 counters.requests[i]);
	appendStringInfoString(out, "}}\n");
}

static void
watch(Connection *c, bool for_room)
{
	struct epoll_event event = {0};

	if (c->waits_for_room == for_room)
		return;
	event.events = for_room ? EPOLLOUT : EPOLLIN;
	event.data.ptr = c;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
	c->waits_for_room = for_room;
}

static void
drop(Connection *c)
{
	close(c->fd);
	connections[c->slot] = connections[--nconnections];
	connections[c->slot]->slot = c->slot;
	free(c->in.data);
	free(c->out.data);
	free(c);
}

/* The head goes before the body, whose length and checksum it tells. */
static void
put_head(Connection *c, int status)
{
	char		head[HEAD_ROOM];
	int			body_len = c->out.len - HEAD_ROOM;
	int			len;

	len = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\nContent-Type: application/x-amz-json-1.0\r\n"
				   "x-amzn-RequestId: CANNED\r\nContent-Length: %d\r\n",
				   status, status == 200 ? "OK" : "Bad Request", body_len);
	if (with_crc32)
		len += snprintf(head + len, sizeof(head) - len, "x-amz-crc32: %u\r\n",
						cmz_crc32(c->out.data + HEAD_ROOM, body_len));
	len += snprintf(head + len, sizeof(head) - len, "%s\r\n", c->closing ? "Connection: close\r\n" : "");
	c->sent = HEAD_ROOM - len;
	memcpy(c->out.data + c->sent, head, len);
	bytes_out += body_len + len;
}

/* Send what the socket and the bandwidth take; false if the connection is gone. */
static bool
send_some(Connection *c)
{
	while (c->sent < c->out.len)
	{
		int64		n = c->out.len - c->sent;
		ssize_t		done;

		if (bandwidth > 0)
		{
			double		seconds = (double) (now_ns() - c->began) / SECOND_NS;
			int64		allowed = (int64) (seconds * bandwidth) + HEAD_ROOM - c->sent;

			if (allowed <= 0 || (allowed < n && allowed < bandwidth * PACE_NS / SECOND_NS))
			{
				watch(c, false);
				c->due = now_ns() + PACE_NS;
				return true;
			}
			n = Min(n, allowed);
		}
		done = send(c->fd, c->out.data + c->sent, n, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
		{
			c->due = 0;
			watch(c, true);
			return true;
		}
		if (done <= 0)
			return false;
		c->sent += done;
	}
	c->due = 0;
	c->state = READING;
	watch(c, false);
	return !c->closing;
}

static bool
start_sending(Connection *c)
{
	c->state = SENDING;
	c->began = now_ns();
	return send_some(c);
}

/* The value of a header of the head, NULL if it is missing. */
static const char *
find_header(const char *head, const char *end, const char *name, size_t *len)
{
	size_t		name_len = strlen(name);

	for (const char *line = memchr(head, '\n', end - head); line != NULL;
		 line = memchr(line, '\n', end - line))
	{
		const char *value = ++line + name_len + 1;
		const char *line_end = memchr(line, '\r', end - line);

		if (line_end == NULL || value > line_end || line[name_len] != ':' ||
			pg_strncasecmp(line, name, name_len) != 0)
			continue;
		while (value < line_end && *value == ' ')
			value++;
		*len = line_end - value;
		return value;
	}
	return NULL;
}

/* Make the answer to a whole request. */
static void
answer(Connection *c, const char *head, const char *head_end, const char *body, size_t body_len)
{
	static const char prefix[] = "DynamoDB_20120810.";
	static const char room[HEAD_ROOM];
	size_t		len;
	const char *value = find_header(head, head_end, "Connection", &len);
	int			status = 200;

	c->closing = value && len == 5 && pg_strncasecmp(value, "close", 5) == 0;
	resetStringInfo(&c->out);
	appendBinaryStringInfo(&c->out, room, HEAD_ROOM);
	if (strncmp(head, "GET /__stats ", strlen("GET /__stats ")) == 0)
	{
		append_stats(&c->out);
	}
	else
	{
		const char *target = find_header(head, head_end, "X-Amz-Target", &len);
		Operation	operation = OP_OTHER;

		if (target && len > strlen(prefix) && memcmp(target, prefix, strlen(prefix)) == 0)
			operation = answer_operation(target + strlen(prefix), len - strlen(prefix));
		status = answer_request(&c->out, operation, body, body_len, &config, &counters);
	}
	put_head(c, status);
}

/*
 * Take a whole request out of what has been read and begin to answer it; false if
 * the connection is to be dropped.  Without a whole one nothing happens.
 */
static bool
take_request(Connection *c)
{
	static const char going_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *head_end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
	const char *value;
	size_t		len;
	long		body_len = 0;
	int			total;

	if (head_end == NULL)
		return c->in.len <= MAX_HEAD;
	head_end += 4;
	if (find_header(c->in.data, head_end, "Transfer-Encoding", &len) != NULL)
		return false;
	if ((value = find_header(c->in.data, head_end, "Content-Length", &len)) != NULL)
		body_len = strtol(value, NULL, 10);
	if (body_len < 0 || body_len > MAX_REQUEST)
		return false;
	total = head_end - c->in.data + body_len;
	if (c->in.len < total)
	{
		/* once: the head is then all that has come */
		if (c->in.data + c->in.len == head_end && find_header(c->in.data, head_end, "Expect", &len) != NULL)
			return send(c->fd, going_on, strlen(going_on), MSG_NOSIGNAL) > 0;
		return true;
	}
	answer(c, c->in.data, head_end, head_end, body_len);
	memmove(c->in.data, c->in.data + total, c->in.len - total);
	c->in.len -= total;
	c->in.data[c->in.len] = '\0';
	if (delay_ns == 0)
		return start_sending(c);
	c->state = HOLDING;
	c->due = now_ns() + delay_ns;
	return true;
}

/* Requests one after the other, as long as they are whole and can be answered at once. */
static bool
take_requests(Connection *c)
{
	int			before;

	do
	{
		before = c->in.len;
		if (!take_request(c))
			return false;
	} while (c->state == READING && c->in.len > 0 && c->in.len < before);
	return true;
}

static bool
read_some(Connection *c)
{
	ssize_t		n;

	enlargeStringInfo(&c->in, READ_ROOM);
	n = recv(c->fd, c->in.data + c->in.len, READ_ROOM, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0 || c->in.len > MAX_HEAD + MAX_REQUEST)
		return false;
	bytes_in += n;
	c->in.len += n;
	c->in.data[c->in.len] = '\0';
	return c->state != READING || take_requests(c);
}

static void
accept_all(void)
{
	int			fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		struct epoll_event event = {0};
		Connection *c;
		int			on = 1;

		if (nconnections == MAX_CONNECTIONS || (c = calloc(1, sizeof(Connection))) == NULL)
		{
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		c->slot = nconnections;
		connections[nconnections++] = c;
		initStringInfo(&c->in);
		initStringInfo(&c->out);
		event.events = EPOLLIN;
		event.data.ptr = c;
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
		accepted++;
	}
}

/* Go on with the connections whose time has come. */
static void
serve_due(void)
{
	int64		now = now_ns();

	for (int i = 0; i < nconnections;)
	{
		Connection *c = connections[i];
		bool		alive = true;

		if (c->due != 0 && c->due <= now)
		{
			c->due = 0;
			alive = c->state == HOLDING ? start_sending(c) : send_some(c);
			if (alive && c->state == READING && c->in.len > 0)
				alive = take_requests(c);
		}
		if (alive)
			i++;
		else
			drop(c);
	}
}

static void
arm_timer(void)
{
	struct itimerspec next = {0};
	int64		first = 0;

	for (int i = 0; i < nconnections; i++)
		if (connections[i]->due != 0 && (first == 0 || connections[i]->due < first))
			first = connections[i]->due;
	next.it_value.tv_sec = first / SECOND_NS;
	next.it_value.tv_nsec = first % SECOND_NS;
	timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &next, NULL);
}

/* SIGUSR1 prints; any other of our signals ends. */
static void
take_signal(void)
{
	struct signalfd_siginfo info;
	StringInfoData text;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGUSR1)
		exit(0);
	initStringInfo(&text);
	append_stats(&text);
	fputs(text.data, stdout);
	fflush(stdout);
	free(text.data);
}

static void
serve(void)
{
	struct epoll_event events[64];

	for (;;)
	{
		int			n;

		arm_timer();
		n = epoll_wait(epoll_fd, events, lengthof(events), -1);
		for (int i = 0; i < n; i++)
		{
			Connection *c = events[i].data.ptr;
			uint64		ignored;
			bool		alive = true;

			if (events[i].data.ptr == &listen_fd)
				accept_all();
			else if (events[i].data.ptr == &signal_fd)
				take_signal();
			else if (events[i].data.ptr == &timer_fd)
			{
				if (read(timer_fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
					fail("timer");
			}
			else
			{
				if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
					alive = read_some(c);
				if (alive && events[i].events & EPOLLOUT && c->state == SENDING)
					alive = send_some(c);
				if (alive && c->state == READING && c->in.len > 0)
					alive = take_requests(c);
				if (!alive)
					drop(c);
			}
		}
		serve_due();
	}
}

static void
add_to_epoll(int fd, void *tag)
{
	struct epoll_event event = {0};

	event.events = EPOLLIN;
	event.data.ptr = tag;
	if (fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll");
}

static void
start(int port)
{
	struct sockaddr_in address = {0};
	socklen_t	len = sizeof(address);
	sigset_t	signals;
	int			on = 1;

	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, (struct sockaddr *) &address, len) < 0 || listen(listen_fd, 256) < 0 ||
		getsockname(listen_fd, (struct sockaddr *) &address, &len) < 0)
		fail("cannot listen");
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGALRM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	add_to_epoll(listen_fd, &listen_fd);
	add_to_epoll(signal_fd, &signal_fd);
	add_to_epoll(timer_fd, &timer_fd);
	printf("listening on %d\n", ntohs(address.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'}, {"items", required_argument, NULL, 'i'},
		{"delay-ms", required_argument, NULL, 'd'}, {"bandwidth", required_argument, NULL, 'b'},
		{"seconds", required_argument, NULL, 's'}, {"crc32", no_argument, NULL, 'c'},
		{"whole", no_argument, NULL, 'w'}, {0}
	};
	char		item[ITEM_BYTES];
	int			port = 0;
	int			option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (option)
		{
			case 'p':
				port = atoi(optarg);
				break;
			case 'i':
				config.items = atol(optarg);
				break;
			case 'd':
				delay_ns = atof(optarg) * 1e6;
				break;
			case 'b':
				bandwidth = atof(optarg);
				break;
			case 's':
				alarm(atoi(optarg));
				break;
			case 'c':
				with_crc32 = true;
				break;
			case 'w':
				config.whole = true;
				break;
			default:
				return 2;
		}
	if (optind < argc || config.items < 0 || config.items > MAX_ITEMS || delay_ns < 0 || bandwidth < 0)
	{
		fprintf(stderr, "usage: canned [--port N] [--items N] [--delay-ms X] [--bandwidth BYTES] [--crc32]"
				" [--whole] [--seconds N]\n");
		return 2;
	}
	if (item_write(item, 0, ALL_ATTRIBUTES) - item != ITEM_BYTES)
		fail("items are not as long as items.h says");
	start(port);
	serve();
	return 0;
}
