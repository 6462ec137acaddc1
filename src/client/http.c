/*
 * http.c
 *	  HTTP exchanges on kept-alive connections, several at once.
 *
 * The callbacks only record: they neither allocate from PostgreSQL nor raise
 * errors, since libcurl's frames are below them.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "base/crc32.h"
#include "client/compat.h"
#include "client/http.h"
#include "client/wait.h"

/* DynamoDB answers with 1 MB of data at most; JSON can swell that. */
#define MAX_BODY		(32 * 1024 * 1024)
#define RECEIVE_BUFFER	(256 * 1024L)
#define MAX_IDLE_HANDLES 16

static CURL *idle_handles[MAX_IDLE_HANDLES];
static int	nidle = 0;

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	CmzExchange *exchange = arg;
	size_t		len = size * n;

	if (exchange->body_len + len > MAX_BODY)
	{
		exchange->too_large = true;
		return 0;
	}
	if (exchange->body_len + len + 1 > exchange->body_room)
	{
		size_t		room = Max(exchange->body_room * 2, exchange->body_len + len + 1);
		char	   *body = realloc(exchange->body, Max(room, 4096));

		if (body == NULL)
			return 0;
		exchange->body = body;
		exchange->body_room = Max(room, 4096);
	}
	memcpy(exchange->body + exchange->body_len, data, len);
	/* now, while it is in the cache and the rest is on its way */
	if (exchange->has_crc32)
		exchange->body_crc32 = cmz_crc32_continue(exchange->body_crc32, data, len);
	exchange->body_len += len;
	exchange->body[exchange->body_len] = '\0';
	return len;
}

/* The value of a header line if it has that name; *len without line end. */
static const char *
header_value(const char *line, size_t line_len, const char *name, size_t *len)
{
	size_t		name_len = strlen(name);
	const char *value = line + name_len + 1;

	if (line_len <= name_len || line[name_len] != ':' || pg_strncasecmp(line, name, name_len) != 0)
		return NULL;
	*len = line_len - name_len - 1;
	while (*len > 0 && (*value == ' ' || *value == '\t'))
		value++, (*len)--;
	while (*len > 0 && (value[*len - 1] == '\r' || value[*len - 1] == '\n' || value[*len - 1] == ' '))
		(*len)--;
	return value;
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	CmzExchange *exchange = arg;
	size_t		len;
	const char *value;

	if ((value = header_value(line, size * n, "x-amz-crc32", &len)) != NULL && len > 0 && len < 11)
	{
		char		digits[12] = {0};

		memcpy(digits, value, len);
		exchange->has_crc32 = true;
		exchange->crc32 = (uint32) strtoul(digits, NULL, 10);
	}
	else if ((value = header_value(line, size * n, "x-amzn-requestid", &len)) != NULL)
	{
		/* it ends up in messages: keep to printable characters */
		size_t		kept = 0;

		for (size_t i = 0; i < len && kept < CMZ_REQUEST_ID_SIZE - 1; i++)
			if (value[i] > 0x20 && value[i] < 0x7f)
				exchange->request_id[kept++] = value[i];
		exchange->request_id[kept] = '\0';
	}
	else if ((value = header_value(line, size * n, "date", &len)) != NULL)
	{
		/* a line does not end with a zero */
		len = Min(len, CMZ_HTTP_DATE_SIZE - 1);
		memcpy(exchange->date, value, len);
		exchange->date[len] = '\0';
	}
	else if ((value = header_value(line, size * n, "content-encoding", &len)) != NULL)
		exchange->encoded = !(len == 8 && pg_strncasecmp(value, "identity", 8) == 0);
	return size * n;
}

static int
on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	(void) ip;
	(void) local_ip;
	(void) port;
	(void) local_port;
	((CmzExchange *) arg)->sends++;
	return CURL_PREREQFUNC_OK;
}

bool
cmz_http_is_loopback(const char *url)
{
	char	   *host = cmz_sigv4_host(url);
	char	   *colon = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
	struct in_addr v4;

	/* what looks like a port may be the password of a user at another host */
	if (strchr(host, '@') != NULL)
		return false;
	if (colon)
		colon[*colon == ']' ? 1 : 0] = '\0';
	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	/* 127.0.0.0/8, by its digits: "127.evil.example" is none */
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static void
check_setopt(CURLcode code)
{
	if (code != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not prepare a request: %s", curl_easy_strerror(code))));
}

void
cmz_http_release(CmzExchange *exchange)
{
	CURL	   *easy = exchange->easy;

	exchange->easy = NULL;
	if (easy != NULL)
	{
		(void) curl_multi_remove_handle(cmz_wait_multi(), easy);
		/* one that failed may keep a buffer that makes setopt refuse */
		if (exchange->done && exchange->result == CURLE_OK && nidle < MAX_IDLE_HANDLES)
		{
			curl_easy_reset(easy);
			idle_handles[nidle++] = easy;
		}
		else
			curl_easy_cleanup(easy);
	}
	curl_slist_free_all(exchange->headers);
	exchange->headers = NULL;
	free(exchange->body);
	exchange->body = NULL;
}

static void
release_callback(void *arg)
{
	cmz_http_release((CmzExchange *) arg);
}

static void
append_header(CmzExchange *exchange, const char *line)
{
	struct curl_slist *longer = curl_slist_append(exchange->headers, line);

	if (longer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	exchange->headers = longer;
}

/* What is the same in every exchange. */
static void
set_common_options(CmzExchange *exchange, const CmzHttpOptions *options)
{
	CURL	   *easy = exchange->easy;

	check_setopt(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	/* a cancel must not wait for the resolver's thread */
	check_setopt(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
	check_setopt(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
	check_setopt(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	check_setopt(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1));
	check_setopt(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
	check_setopt(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
	if (options->ca_file)
	{
		check_setopt(curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file));
		check_setopt(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
	}
	check_setopt(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
								  (long) options->connect_timeout_ms));
	check_setopt(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) options->request_timeout_ms));
	check_setopt(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
	check_setopt(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER));
	check_setopt(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error));
	check_setopt(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
	check_setopt(curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange));
	check_setopt(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
	check_setopt(curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange));
	check_setopt(curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send));
	check_setopt(curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange));
	check_setopt(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, cmz_wait_close_socket));
	check_setopt(curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange));
}

/* What kind of request it is, and what it carries. */
static void
set_method(CmzExchange *exchange, const char *method, const char *payload, size_t payload_len)
{
	CURL	   *easy = exchange->easy;

	if (strcmp(method, "GET") == 0)
	{
		check_setopt(curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L));
		return;
	}
	check_setopt(curl_easy_setopt(easy, CURLOPT_POST, 1L));
	if (strcmp(method, "POST") != 0)
		check_setopt(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method));
	check_setopt(curl_easy_setopt(easy, CURLOPT_POSTFIELDS, payload));
	check_setopt(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) payload_len));
}

CmzExchange *
cmz_http_start(const char *method, const char *url, int nheaders, const CmzHeader *headers,
			   const char *payload, size_t payload_len, const CmzHttpOptions *options)
{
	CURLM	   *multi = cmz_wait_multi();
	CmzExchange *exchange = palloc0(sizeof(CmzExchange));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	CURLMcode	code;

	callback->func = release_callback;
	callback->arg = exchange;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);

	exchange->easy = nidle > 0 ? idle_handles[--nidle] : curl_easy_init();
	if (exchange->easy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OUT_OF_MEMORY),
				 errmsg("could not create a libcurl handle")));
	set_common_options(exchange, options);
	check_setopt(curl_easy_setopt(exchange->easy, CURLOPT_URL, url));
	if (options->no_proxy || cmz_http_is_loopback(url))
		check_setopt(curl_easy_setopt(exchange->easy, CURLOPT_PROXY, ""));
	set_method(exchange, method, payload, payload_len);
	append_header(exchange, "Expect:");
	append_header(exchange, "Accept:");
	for (int i = 0; i < nheaders; i++)
	{
		char	   *line = psprintf("%s: %s", headers[i].name, headers[i].value);

		append_header(exchange, line);
		pfree(line);
	}
	check_setopt(curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers));
	code = curl_multi_add_handle(multi, exchange->easy);
	if (code != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not start a request: %s", curl_multi_strerror(code))));
	return exchange;
}

void
cmz_http_collect(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(cmz_wait_multi(), &left)) != NULL)
	{
		CmzExchange *exchange = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
		exchange->done = true;
		exchange->result = message->data.result;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &exchange->status);
	}
}

void
cmz_http_wait(CmzExchange *exchange)
{
	for (;;)
	{
		cmz_http_collect();
		if (exchange->done)
			return;
		cmz_wait_round(-1);
	}
}
