/*
 * wire.c
 *	  The wire client: the requests that cmz_fdw sends, their answers thrown
 *	  away.  Nothing can be faster on one connection.
 *
 * usage: wire ENDPOINT OPERATION BODY REPEAT
 * BODY is the request's JSON without its last brace.  Follows LastEvaluatedKey
 * to the end, REPEAT times; prints seconds, requests and bytes of one pass.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *answer;
static size_t answer_len,
			room;

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	size_t		len = size * n;

	(void) arg;
	if (answer_len + len + 1 > room)
	{
		room = 2 * (answer_len + len + 1);
		answer = realloc(answer, room);
		if (answer == NULL)
			exit(1);
	}
	memcpy(answer + answer_len, data, len);
	answer_len += len;
	answer[answer_len] = '\0';
	return len;
}

/* The object behind "LastEvaluatedKey": good enough for DynamoDB Local. */
static char *
last_key(void)
{
	char	   *found = strstr(answer, "\"LastEvaluatedKey\":{");
	int			depth = 0;
	char	   *end;

	if (found == NULL)
		return NULL;
	found += strlen("\"LastEvaluatedKey\":");
	for (end = found; *end; end++)
	{
		depth += (*end == '{') - (*end == '}');
		if (depth == 0)
			break;
	}
	return strndup(found, end - found + 1);
}

int
main(int argc, char **argv)
{
	CURL	   *easy = curl_easy_init();
	struct curl_slist *headers = NULL;
	char		target[100];
	int			repeat;

	if (argc != 5)
	{
		fprintf(stderr, "usage: wire ENDPOINT OPERATION BODY REPEAT\n");
		return 2;
	}
	repeat = atoi(argv[4]);
	snprintf(target, sizeof(target), "X-Amz-Target: DynamoDB_20120810.%.60s", argv[2]);
	headers = curl_slist_append(headers, target);
	headers = curl_slist_append(headers, "Content-Type: application/x-amz-json-1.0");
	headers = curl_slist_append(headers, "X-Amz-Date: 20250119T120000Z");
	headers = curl_slist_append(headers, "Authorization: AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0");
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256 * 1024L);
	for (int pass = 0; pass < repeat; pass++)
	{
		struct timespec start,
					end;
		long		requests = 0;
		size_t		bytes = 0;
		char	   *key = NULL;

		clock_gettime(CLOCK_MONOTONIC, &start);
		do
		{
			char	   *body = malloc(strlen(argv[3]) + (key ? strlen(key) : 0) + 64);
			long		status = 0;

			sprintf(body, "%s%s%s}", argv[3], key ? ",\"ExclusiveStartKey\":" : "", key ? key : "");
			free(key);
			answer_len = 0;
			curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
			if (curl_easy_perform(easy) != CURLE_OK)
				return 1;
			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
			if (status != 200)
			{
				fprintf(stderr, "%s\n", answer);
				return 1;
			}
			free(body);
			requests++;
			bytes += answer_len;
			key = last_key();
		} while (key != NULL);
		clock_gettime(CLOCK_MONOTONIC, &end);
		printf("%.6f %ld %zu\n", end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9,
			   requests, bytes);
	}
	return 0;
}
