/*
 * test_misc.c
 *	  Checksums, back-off, comparison of items, signatures.
 */
#include "unit.h"

#include "base/conversation.h"
#include "base/crc32.h"
#include "base/itemequal.h"
#include "base/json.h"
#include "base/request.h"
#include "base/retry.h"
#include "base/sigv4.h"

static void
test_crc32(void)
{
	char		data[256];
	bool		same = true;

	for (int i = 0; i < 256; i++)
		data[i] = (char) i;
	ok(cmz_crc32("123456789", 9) == 0xCBF43926, "the check value of CRC-32");
	ok(cmz_crc32("", 0) == 0, "nothing");
	ok(cmz_crc32(data, 256) == 0x29058C73, "all bytes");
	ok(cmz_crc32_continue(cmz_crc32(data, 100), data + 100, 156) == 0x29058C73, "in two parts");
	/* every length and alignment gives what a byte at a time does */
	for (int start = 0; start < 16; start++)
		for (int len = 0; len < 100; len++)
		{
			uint32		crc = 0xFFFFFFFF;

			for (int i = start; i < start + len; i++)
			{
				crc ^= (unsigned char) data[i];
				for (int bit = 0; bit < 8; bit++)
					crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320 : 0);
			}
			same = same && cmz_crc32(data + start, len) == (crc ^ 0xFFFFFFFF);
		}
	ok(same, "1600 pieces agree with the definition");
}

static void
test_retry(void)
{
	ok(cmz_retry_delay_ms(1, 0.0) == 0, "full jitter begins at nothing");
	ok(cmz_retry_delay_ms(1, 0.999) < 50 && cmz_retry_delay_ms(1, 0.999) > 40, "the first delay is below 50 ms");
	ok(cmz_retry_delay_ms(4, 0.5) == 200, "it doubles");
	ok(cmz_retry_delay_ms(1000, 0.5) == 10000, "and is capped");
}

static void
equal(const char *a, const char *b, bool expected)
{
	ok(cmz_items_equal(a, strlen(a), b, strlen(b)) == expected, "%s %s %s", a, expected ? "=" : "<>", b);
}

static void
test_itemequal(void)
{
	const char *found;
	size_t		len = 0;

	equal("{\"a\":{\"N\":\"1.0\"},\"b\":{\"S\":\"x\"}}", "{\"b\":{\"S\":\"x\"},\"a\":{\"N\":\"1\"}}", true);
	equal("{\"a\":{\"N\":\"1\"}}", "{\"a\":{\"S\":\"1\"}}", false);
	equal("{\"a\":{\"N\":\"1\"}}", "{\"a\":{\"N\":\"1\"},\"b\":{\"N\":\"1\"}}", false);
	equal("{\"a\":{\"NS\":[\"1\",\"2\"]}}", "{\"a\":{\"NS\":[\"2.0\",\"1\"]}}", true);
	equal("{\"a\":{\"L\":[{\"S\":\"1\"},{\"M\":{\"x\":{\"NULL\":true}}}]}}",
		  "{\"a\":{\"L\":[{\"S\":\"1\"},{\"M\":{\"x\":{\"NULL\":true}}}]}}", true);
	equal("{\"a\":{\"L\":[{\"S\":\"1\"},{\"S\":\"2\"}]}}", "{\"a\":{\"L\":[{\"S\":\"2\"},{\"S\":\"1\"}]}}", false);
	equal("{", "{}", false);
	found = cmz_item_of_answer("{\"x\":1,\"Item\":{\"a\":{}}}", 23, &len);
	is(found ? pnstrdup(found, len) : NULL, "{\"a\":{}}", "the item of an answer");
	ok(cmz_item_of_answer("{}", 2, &len) == NULL, "no item");
}

static void
test_json(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_json_append_string(&buf, "a\"b\\c\n\x01\0d", 9);
	is(buf.data, "\"a\\\"b\\\\c\\u000a\\u0001\\u0000d\"", "strings are escaped");
	is(cmz_conversation_attribute("USER_id"), "userId", "columns fall on attributes");
	is(cmz_conversation_attribute("userIds"), NULL, "but not on others");
}

static void
test_documents(void)
{
	static const char json[] = "{\"a\":{\"s\":\"x\",\"t\":true,\"i\":35,\"r\":1795646353.052,\"o\":{},\"z\":null}}";
	char	   *error;
	json_t	   *document = cmz_json_parse(json, strlen(json), &error);
	StringInfoData buf;

	is(cmz_json_path_text(document, "a.s"), "x", "a string at a path");
	is(cmz_json_path_text(document, "a.t"), "true", "a boolean");
	is(cmz_json_path_text(document, "a.i"), "35", "an integer");
	is(cmz_json_path_text(document, "a.r"), "1795646353.052", "a number");
	is(cmz_json_path_text(document, "a.o"), NULL, "an object has no text");
	is(cmz_json_path_text(document, "a.z"), NULL, "nor has null");
	is(cmz_json_path_text(document, "a.s.x"), NULL, "a path beyond a string");
	is(cmz_json_path_text(document, "b.s"), NULL, "a path to nowhere");
	is(cmz_json_path_text(NULL, "a"), NULL, "a path of nothing");
	initStringInfo(&buf);
	appendStringInfoString(&buf, "[");
	cmz_json_append_document(&buf, document);
	cmz_json_append_document(&buf, cmz_json_member(cmz_json_member(document, "a"), "s"));
	is(buf.data, psprintf("[%s\"x\"", json), "documents are appended as they were");
}

static void
test_add_index(void)
{
	char	   *include[] = {"b", "c"};
	CmzIndex	index = {.name = "I",.partition_key = "k",.sort_key = "s",.projection = CMZ_PROJECT_INCLUDE,
	.ninclude = 2,.include = include};
	CmzNewIndex added = {&index, {CMZ_TYPE_N, CMZ_TYPE_B}, 5, 6};
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_request_append_add_index(&buf, "t", &added);
	is(buf.data, "{\"TableName\":\"t\",\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"N\"},"
	   "{\"AttributeName\":\"s\",\"AttributeType\":\"B\"}],\"GlobalSecondaryIndexUpdates\":[{\"Create\":{\"IndexName\":\"I\","
	   "\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"s\",\"KeyType\":\"RANGE\"}],"
	   "\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[\"b\",\"c\"]},"
	   "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}}}]}", "an index is added");
}

static void
test_endpoints(void)
{
	is(cmz_sigv4_host("https://Dynamodb.us-west-2.amazonaws.com"), "dynamodb.us-west-2.amazonaws.com", "host");
	is(cmz_sigv4_host("https://x:443/p"), "x", "default port");
	is(cmz_sigv4_host("http://x:443"), "x:443", "another port");
	is(cmz_sigv4_host("http://[::1]:80/"), "[::1]", "IPv6");
	is(cmz_sigv4_path("http://x"), "/", "no path");
	is(cmz_sigv4_path("http://x/a/b?c"), "/a/b", "path");
}

void
test_misc(void)
{
	test_crc32();
	test_retry();
	test_itemequal();
	test_json();
	test_documents();
	test_add_index();
	test_endpoints();
}

/*
 * Read requests, one a line, fields separated by tabs: region, amz date, key
 * id, secret, path, payload, then header names and values; print a line of
 * canonical request's hash line and the authorization for each.
 */
int
sign_from_stdin(void)
{
	static char line[1 << 20];

	while (fgets(line, sizeof(line), stdin))
	{
		char	   *fields[64];
		int			n = 0;
		CmzHeader	headers[32];
		CmzSigningRequest request = {0};

		line[strcspn(line, "\n")] = '\0';
		for (char *p = line; p != NULL && n < 64;)
			fields[n++] = strsep(&p, "\t");
		if (n < 6)
			return 1;
		request.method = "POST";
		request.service = "dynamodb";
		request.region = fields[0];
		request.amz_date = fields[1];
		request.access_key_id = fields[2];
		request.secret_access_key = fields[3];
		request.path = fields[4];
		request.payload = fields[5];
		request.payload_len = strlen(fields[5]);
		request.headers = headers;
		for (int i = 6; i + 1 < n; i += 2)
			headers[request.nheaders++] = (CmzHeader) {fields[i], fields[i + 1]};
		printf("%s\n", cmz_sigv4_authorization(&request));
	}
	return 0;
}
