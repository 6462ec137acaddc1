/*
 * wirewrite.c
 *	  The wire client for writes: made-up conversations, many requests at once,
 *	  their answers hardly looked at.
 *
 * usage: wirewrite ENDPOINT TABLE batch|put ITEMS CONNECTIONS [FIRST]
 *		  wirewrite rows ITEMS
 * "batch" sends BatchWriteItem, 25 items each, and what was left unprocessed
 * again; "put" sends PutItem on the condition that there is no such item.
 * Prints seconds, requests and items per second.  FIRST numbers the first item
 * (0), so that a table can grow from run to run.
 *
 * "rows" sends nothing: it prints the same items for COPY FROM, columns user_id,
 * session_id, timestamp, animal_id, parent_user_id, message_type, content and
 * tokens_used.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_ITEMS 25
#define ITEM_BYTES	1024		/* at most, as JSON */
#define TTL_SECONDS (90 * 24 * 60 * 60)
#define CONTENT \
	"My den is warm and dry. I sleep there, except when the moon is bright; then I" \
	" walk along the fence and count the lamps of the town."

/* A request under way, and the connection that is its own. */
typedef struct Sender
{
	CURL	   *easy;
	char		body[BATCH_ITEMS * ITEM_BYTES];
	char	   *answer;
	size_t		answer_len,
				room;
} Sender;

static const char *table;
static long next_item,
			end_item,
			requests;
static int	items_per_request;
static time_t first_time;

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "wirewrite: %s: %s\n", what, why);
	exit(1);
}

/* Item i's time; its number of seconds in *seconds. */
static const char *
item_time(long i, long *seconds)
{
	static char buf[32];
	time_t		t = first_time + i;

	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	*seconds = t;
	return buf;
}

static void
print_row(long i)
{
	long		seconds;

	printf("student_%06ld\tsession_%06ld\t%s\tanimal_%03ld\tparent_%06ld\t%s\t%s %ld\t%ld\n",
		   i / 50, i / 10, item_time(i, &seconds), i / 10 % 100, i / 100,
		   i % 2 ? "assistant" : "user", CONTENT, i, 20 + i % 180);
}

static int
format_item(char *buf, long i)
{
	long		seconds;
	const char *time = item_time(i, &seconds);
	int			len;

	len = snprintf(buf, ITEM_BYTES,
				   "{\"userId\":{\"S\":\"student_%06ld\"},"
				   "\"sessionIdTimestamp\":{\"S\":\"session_%06ld#%s\"},"
				   "\"sessionId\":{\"S\":\"session_%06ld\"},\"timestamp\":{\"S\":\"%s\"},"
				   "\"animalId\":{\"S\":\"animal_%03ld\"},\"parentUserId\":{\"S\":\"parent_%06ld\"},"
				   "\"messageType\":{\"S\":\"%s\"},\"content\":{\"S\":\"%s %ld\"},"
				   "\"tokensUsed\":{\"N\":\"%ld\"},\"ttl\":{\"N\":\"%ld\"}}",
				   i / 50, i / 10, time, i / 10, time, i / 10 % 100, i / 100,
				   i % 2 ? "assistant" : "user", CONTENT, i, 20 + i % 180, seconds + TTL_SECONDS);
	return len;
}

static void
format_put(char *buf)
{
	buf += sprintf(buf, "{\"TableName\":\"%s\",\"ConditionExpression\":\"attribute_not_exists(userId)\",\"Item\":", table);
	buf += format_item(buf, next_item++);
	strcpy(buf, "}");
}

static void
format_batch(char *buf)
{
	buf += sprintf(buf, "{\"RequestItems\":{\"%s\":[", table);
	for (int n = 0; n < BATCH_ITEMS && next_item < end_item; n++)
	{
		buf += sprintf(buf, "%s{\"PutRequest\":{\"Item\":", n > 0 ? "," : "");
		buf += format_item(buf, next_item++);
		buf += sprintf(buf, "}}");
	}
	strcpy(buf, "]}}");
}

/* The object behind "UnprocessedItems": if it has members, else NULL.  Sound for
 * the items of this program, whose texts have no braces. */
static const char *
find_unprocessed(const char *answer, int *len)
{
	const char *found = strstr(answer, "\"UnprocessedItems\":{");
	int			depth = 0;
	const char *end;

	if (found == NULL)
		return NULL;
	found += strlen("\"UnprocessedItems\":");
	for (end = found; *end; end++)
	{
		depth += (*end == '{') - (*end == '}');
		if (depth == 0)
			break;
	}
	*len = end - found + 1;
	return *len > 2 ? found : NULL;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	Sender	   *sender = arg;
	size_t		len = size * n;

	if (sender->answer_len + len + 1 > sender->room)
	{
		sender->room = 2 * (sender->answer_len + len + 1);
		sender->answer = realloc(sender->answer, sender->room);
		if (sender->answer == NULL)
			return 0;
	}
	memcpy(sender->answer + sender->answer_len, data, len);
	sender->answer_len += len;
	sender->answer[sender->answer_len] = '\0';
	return len;
}

/* Put the next body together: false if everything has been sent. */
static bool
next_body(Sender *sender)
{
	int			len;
	const char *unprocessed = sender->answer_len > 0 ? find_unprocessed(sender->answer, &len) : NULL;

	if (unprocessed != NULL)
		sprintf(sender->body, "{\"RequestItems\":%.*s}", len, unprocessed);
	else if (next_item >= end_item)
		return false;
	else if (items_per_request > 1)
		format_batch(sender->body);
	else
		format_put(sender->body);
	return true;
}

/* Send the next request, if there is one. */
static bool
send_next(CURLM *multi, Sender *sender)
{
	if (!next_body(sender))
		return false;
	sender->answer_len = 0;
	curl_easy_setopt(sender->easy, CURLOPT_POSTFIELDS, sender->body);
	if (curl_multi_add_handle(multi, sender->easy) != CURLM_OK)
		fail(table, "could not send");
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
		fail(table, curl_easy_strerror(result));
	if (status != 200)
		fail(table, sender->answer_len > 0 ? sender->answer : "no answer");
	return sender;
}

static void
send_all(CURLM *multi, Sender *senders, int n)
{
	int			busy = 0;

	for (int i = 0; i < n; i++)
		busy += send_next(multi, &senders[i]);
	while (busy > 0)
	{
		CURLMsg    *message;
		int			ignored;

		if (curl_multi_perform(multi, &ignored) != CURLM_OK)
			fail(table, "could not send");
		while ((message = curl_multi_info_read(multi, &ignored)) != NULL)
			busy -= !send_next(multi, finish(multi, message));
		if (busy > 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static struct curl_slist *
make_headers(const char *operation)
{
	struct curl_slist *headers = NULL;
	char		target[100];

	snprintf(target, sizeof(target), "X-Amz-Target: DynamoDB_20120810.%s", operation);
	headers = curl_slist_append(headers, target);
	headers = curl_slist_append(headers, "Content-Type: application/x-amz-json-1.0");
	headers = curl_slist_append(headers, "X-Amz-Date: 20250119T120000Z");
	headers = curl_slist_append(headers, "Authorization: AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0");
	return curl_slist_append(headers, "Expect:");
}

static Sender *
make_senders(int n, const char *endpoint, struct curl_slist *headers)
{
	Sender	   *senders = calloc(n, sizeof(Sender));

	if (senders == NULL)
		fail(table, "out of memory");
	for (int i = 0; i < n; i++)
	{
		CURL	   *easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_URL, endpoint);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &senders[i]);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &senders[i]);
		senders[i].easy = easy;
	}
	return senders;
}

int
main(int argc, char **argv)
{
	struct timespec start,
				end;
	double		seconds;
	long		first;
	int			connections;
	Sender	   *senders;
	CURLM	   *multi;

	/* this day's midnight, since the ttl of old items would have passed */
	first_time = time(NULL) / 86400 * 86400;
	if (argc == 3 && strcmp(argv[1], "rows") == 0)
	{
		end_item = atol(argv[2]);
		for (long i = 0; i < end_item; i++)
			print_row(i);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (argc < 6 || argc > 7 || (strcmp(argv[3], "batch") != 0 && strcmp(argv[3], "put") != 0) ||
		strlen(argv[2]) > 255 || (connections = atoi(argv[5])) < 1)
	{
		fprintf(stderr, "usage: wirewrite ENDPOINT TABLE batch|put ITEMS CONNECTIONS [FIRST]\n"
				"       wirewrite rows ITEMS\n");
		return 2;
	}
	table = argv[2];
	items_per_request = strcmp(argv[3], "batch") == 0 ? BATCH_ITEMS : 1;
	first = argc > 6 ? atol(argv[6]) : 0;
	next_item = first;
	end_item = first + atol(argv[4]);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) connections);
	senders = make_senders(connections, argv[1],
						   make_headers(items_per_request > 1 ? "BatchWriteItem" : "PutItem"));
	clock_gettime(CLOCK_MONOTONIC, &start);
	send_all(multi, senders, connections);
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%.6f %ld %.0f\n", seconds, requests, (end_item - first) / seconds);
	return 0;
}
