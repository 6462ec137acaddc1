/*
 * wire.c
 *	  The wire client: the requests that cmz_fdw sends, their answers thrown away.
 *	  Nothing can be faster on as many connections.
 *
 * usage: wire [-c CONNECTIONS] [-s STREAMS] [-p PAGES] [-r REPEAT] ENDPOINT OPERATION BODY
 *		  wire [-c CONNECTIONS] [-f FIRST] ENDPOINT put|batch TABLE ITEMS
 *		  wire rows ITEMS
 *
 * The first reads: BODY is the request's JSON without its last brace, in which {n} is
 * the number of the stream and {n6} the same as six digits.  Each stream follows
 * LastEvaluatedKey to its end, or for so many PAGES, CONNECTIONS of them at once.
 *
 * The second writes the items of items.h from FIRST (0) on, their time shifted to
 * today's midnight: "batch" by BatchWriteItem, 25 at a time, and what was left
 * unprocessed again; "put" by PutItem on the condition that there is no such item.
 *
 * Both print for each pass: seconds, requests, bytes received, seconds of CPU.
 *
 * The third sends nothing: it prints those items for COPY FROM, columns user_id,
 * session_id, timestamp, animal_id, parent_user_id, message_type, content, tokens_used.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "items.h"

#define BATCH_ITEMS 25
#define BODY_ROOM	(BATCH_ITEMS * (ITEM_BYTES + 100) + 1000)
#define TAIL		(64 * 1024) /* of an answer, kept to look for what to ask next */
#define HEADERS \
	"X-Amz-Date: 20250119T120000Z", \
	"Authorization: AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request," \
	" SignedHeaders=host;x-amz-date, Signature=0", \
	"Content-Type: application/x-amz-json-1.0", \
	"Expect:"

/* A request under way, and the connection that is its own. */
typedef struct Sender
{
	CURL	   *easy;
	long		stream;			/* reading: which it is */
	long		pages;			/* that it has been asked for */
	char	   *body;
	char		answer[2 * TAIL + 1];
	size_t		answer_len;
} Sender;

/* What is to be sent, and what has been. */
static const char *template;	/* NULL: writes */
static const char *table;
static long next_stream,
			streams = 1,
			max_pages,			/* of a stream; 0: all */
			next_item,
			end_item,
			requests;
static size_t bytes;
static int	items_per_request;

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "wire: %s: %s\n", what, why);
	exit(1);
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	Sender	   *sender = arg;
	size_t		len = size * n;

	bytes += len;
	if (len > TAIL)
	{
		data += len - TAIL;
		len = TAIL;
	}
	if (sender->answer_len + len > 2 * TAIL)
	{
		memmove(sender->answer, sender->answer + sender->answer_len - TAIL, TAIL);
		sender->answer_len = TAIL;
	}
	memcpy(sender->answer + sender->answer_len, data, len);
	sender->answer_len += len;
	sender->answer[sender->answer_len] = '\0';
	return size * n;
}

/*
 * The object behind a member of the answer, if it has members, else NULL.  Sound
 * for these items, whose texts have no braces.
 */
static const char *
find_object(const char *answer, const char *member, int *len)
{
	const char *found = strstr(answer, member);
	int			depth = 0;
	const char *end;

	if (found == NULL)
		return NULL;
	found += strlen(member);
	for (end = found; *end; end++)
	{
		depth += (*end == '{') - (*end == '}');
		if (depth == 0)
			break;
	}
	*len = end - found + 1;
	return *len > 2 ? found : NULL;
}

static char *
format_put(char *out)
{
	out += sprintf(out, "{\"TableName\":\"%s\","
				   "\"ConditionExpression\":\"attribute_not_exists(userId)\",\"Item\":", table);
	out = item_write(out, next_item++, ALL_ATTRIBUTES);
	return stpcpy(out, "}");
}

static char *
format_batch(char *out)
{
	out += sprintf(out, "{\"RequestItems\":{\"%s\":[", table);
	for (int n = 0; n < BATCH_ITEMS && next_item < end_item; n++)
	{
		out = stpcpy(out, n > 0 ? ",{\"PutRequest\":{\"Item\":" : "{\"PutRequest\":{\"Item\":");
		out = stpcpy(item_write(out, next_item++, ALL_ATTRIBUTES), "}}");
	}
	return stpcpy(out, "]}}");
}

/* The template with the stream's number, from a key on. */
static void
format_read(Sender *sender, const char *key, int key_len)
{
	char	   *out = sender->body;

	for (const char *p = template; *p;)
	{
		if (strncmp(p, "{n}", 3) == 0)
		{
			out += sprintf(out, "%ld", sender->stream);
			p += 3;
		}
		else if (strncmp(p, "{n6}", 4) == 0)
		{
			out += sprintf(out, "%06ld", sender->stream);
			p += 4;
		}
		else
			*out++ = *p++;
	}
	if (key != NULL)
		out += sprintf(out, ",\"ExclusiveStartKey\":%.*s", key_len, key);
	strcpy(out, "}");
}

/* Put the next body together: false if there is nothing left to do for this one. */
static bool
next_body(Sender *sender)
{
	int			len = 0;
	const char *left = NULL;

	if (sender->answer_len > 0)
		left = find_object(sender->answer,
						   template ? "\"LastEvaluatedKey\":" : "\"UnprocessedItems\":", &len);
	if (template != NULL)
	{
		if (max_pages > 0 && sender->pages >= max_pages)
			left = NULL;
		if (left == NULL && next_stream == streams)
			return false;
		if (left == NULL)
		{
			sender->stream = next_stream++;
			sender->pages = 0;
		}
		sender->pages++;
		format_read(sender, left, len);
	}
	else if (left != NULL)
		sprintf(sender->body, "{\"RequestItems\":%.*s}", len, left);
	else if (next_item >= end_item)
		return false;
	else if (items_per_request > 1)
		format_batch(sender->body);
	else
		format_put(sender->body);
	return true;
}

static bool
send_next(CURLM *multi, Sender *sender)
{
	if (!next_body(sender))
		return false;
	sender->answer_len = 0;
	curl_easy_setopt(sender->easy, CURLOPT_POSTFIELDS, sender->body);
	if (curl_multi_add_handle(multi, sender->easy) != CURLM_OK)
		fail("libcurl", "could not send");
	requests++;
	return true;
}

static Sender *
finish(CURLM *multi, const CURLMsg *message)
{
	Sender	   *sender;
	CURLcode	result = message->data.result;
	long		status = 0;

	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &sender);
	curl_easy_getinfo(sender->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(multi, sender->easy);
	if (result != CURLE_OK)
		fail("libcurl", curl_easy_strerror(result));
	if (status != 200)
		fail("refused", sender->answer_len > 0 ? sender->answer : "no answer");
	return sender;
}

static void
send_all(CURLM *multi, Sender *senders, int n)
{
	int			busy = 0;

	for (int i = 0; i < n; i++)
	{
		senders[i].answer_len = 0;
		busy += send_next(multi, &senders[i]);
	}
	while (busy > 0)
	{
		CURLMsg    *message;
		int			ignored;

		if (curl_multi_perform(multi, &ignored) != CURLM_OK)
			fail("libcurl", "could not send");
		while ((message = curl_multi_info_read(multi, &ignored)) != NULL)
			busy -= !send_next(multi, finish(multi, message));
		if (busy > 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static struct curl_slist *
make_headers(const char *operation)
{
	static const char *const fixed[] = {HEADERS};
	struct curl_slist *headers = NULL;
	char		target[100];

	snprintf(target, sizeof(target), "X-Amz-Target: DynamoDB_20120810.%s", operation);
	headers = curl_slist_append(headers, target);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		headers = curl_slist_append(headers, fixed[i]);
	return headers;
}

static Sender *
make_senders(int n, const char *endpoint, const char *operation)
{
	Sender	   *senders = calloc(n, sizeof(Sender));
	struct curl_slist *headers = make_headers(operation);
	size_t		room = BODY_ROOM + (template ? strlen(template) * 2 : 0) + TAIL;

	if (senders == NULL)
		fail("memory", "out of it");
	for (int i = 0; i < n; i++)
	{
		CURL	   *easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_URL, endpoint);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &senders[i]);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &senders[i]);
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256 * 1024L);
		senders[i].easy = easy;
		senders[i].body = malloc(room);
		if (senders[i].body == NULL)
			fail("memory", "out of it");
	}
	return senders;
}

static int
print_rows(long n)
{
	char		row[2 * ITEM_BYTES];

	for (long i = 0; i < n; i++)
		fwrite(row, 1, item_write_row(row, i) - row, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int
usage(void)
{
	fprintf(stderr, "usage: wire [-c CONNECTIONS] [-s STREAMS] [-p PAGES] [-r REPEAT] ENDPOINT OPERATION BODY\n"
			"       wire [-c CONNECTIONS] [-f FIRST] ENDPOINT put|batch TABLE ITEMS\n"
			"       wire rows ITEMS\n");
	return 2;
}

int
main(int argc, char **argv)
{
	long		connections = 1,
				repeat = 1;
	const char *operation;
	Sender	   *senders;
	CURLM	   *multi = curl_multi_init();
	int			option;

	while ((option = getopt(argc, argv, "+c:s:p:r:f:")) >= 0)
	{
		long	   *value = option == 'c' ? &connections : option == 's' ? &streams : option == 'r' ? &repeat
			: option == 'p' ? &max_pages : option == 'f' ? &next_item : NULL;

		if (value == NULL || (*value = atol(optarg)) < 0)
			return usage();
	}
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc > 4 || connections < 1)
		return usage();
	/* this day's midnight, since the ttl of old items would have passed */
	item_epoch = time(NULL) / 86400 * 86400;
	if (argc == 2)
		return strcmp(argv[0], "rows") == 0 ? print_rows(atol(argv[1])) : usage();
	operation = argv[1];
	if (argc == 3)
		template = argv[2];
	else
	{
		if ((strcmp(operation, "batch") != 0 && strcmp(operation, "put") != 0) || strlen(argv[2]) > 255)
			return usage();
		items_per_request = strcmp(operation, "batch") == 0 ? BATCH_ITEMS : 1;
		operation = items_per_request > 1 ? "BatchWriteItem" : "PutItem";
		table = argv[2];
		end_item = next_item + atol(argv[3]);
		repeat = 1;
	}
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
	senders = make_senders(connections, argv[0], operation);
	for (long pass = 0; pass < repeat; pass++)
	{
		double		start = seconds(CLOCK_MONOTONIC);
		double		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

		next_stream = requests = bytes = 0;
		send_all(multi, senders, connections);
		printf("%.6f %ld %zu %.6f\n", seconds(CLOCK_MONOTONIC) - start, requests, bytes,
			   seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	}
	return 0;
}
