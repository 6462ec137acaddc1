/*
 * test_records.c
 *	  Answers of GetRecords: what is read of them, and which are none.
 */
#include "unit.h"

#include "base/record.h"

#define KEYS	"\"Keys\":{\"k\":{\"S\":\"a\"}}"

static const char page[] =
"{\"NextShardIterator\":\"it\\/1\",\"Records\":["
"{\"eventID\":\"x\",\"eventName\":\"INSERT\",\"awsRegion\":null,\"dynamodb\":{\"ApproximateCreationDateTime\":1.7E9,"
KEYS ",\"NewImage\":{\"k\":{\"S\":\"a\"},\"s\":{\"NS\":[\"1\"]}},\"SequenceNumber\":\"0012\",\"SizeBytes\":13}},"
"{\"eventName\":\"REMOVE\",\"userIdentity\":{\"Type\":\"Service\",\"PrincipalId\":\"dynamodb.amazonaws.com\"},"
"\"dynamodb\":{" KEYS ",\"OldImage\":{},\"NewImage\":null,\"SequenceNumber\":\"13\"}},"
"{\"dynamodb\":{\"SequenceNumber\":\"14\"," KEYS "},\"userIdentity\":null,\"eventName\":\"MODIFY\"}"
"]}";

static char *
text_of(const CmzSpan *span)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_span_append(&buf, span);
	return buf.data;
}

static char *
json_of(const CmzValue *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (value->type == CMZ_TYPE_NONE)
		return NULL;
	ok(cmz_value_append_json(&buf, value), "an image");
	return buf.data;
}

static void
fails(const char *body, const char *error)
{
	CmzRecords	records;

	ok(!cmz_records_open(&records, body, strlen(body)), "%s", body);
	is(records.error, error, "... is refused");
}

/* A record of these members. */
static void
record_fails(const char *record, const char *error)
{
	fails(psprintf("{\"Records\":[{\"eventName\":\"INSERT\",\"dynamodb\":{\"SequenceNumber\":\"1\"," KEYS "}},%s]}", record), error);
}

static void
test_page(void)
{
	CmzRecords	records;
	CmzRecord	record;
	int			cut = 0;

	ok(cmz_records_open(&records, page, strlen(page)) && records.n == 3, "a page of three records");
	is(text_of(&records.next_iterator), "it/1", "... and where to go on");
	ok(cmz_records_next(&records, &record) == 1 && record.time == 1.7e9 && !record.expired, "the first one");
	is(text_of(&record.event), "INSERT", "... its event");
	is(text_of(&record.sequence), "0012", "... its number");
	is(json_of(&record.keys), "{\"k\":\"a\"}", "... its key");
	is(json_of(&record.new_image), "{\"k\":\"a\",\"s\":[1]}", "... its new image");
	is(json_of(&record.old_image), NULL, "... no old one");
	ok(cmz_records_next(&records, &record) == 1 && record.expired && record.time == 0, "one that has expired");
	is(json_of(&record.old_image), "{}", "... its old image");
	is(json_of(&record.new_image), NULL, "... no new one");
	ok(cmz_records_next(&records, &record) == 1 && !record.expired, "one of keys only, in another order");
	is(text_of(&record.event), "MODIFY", "... its event");
	ok(cmz_records_next(&records, &record) == 0, "and no more");

	for (size_t len = 0; len < strlen(page); len++)
	{
		char	   *body = pnstrdup(page, len);

		cut += !cmz_records_open(&records, body, len);
		pfree(body);
	}
	ok(cut == (int) strlen(page), "cut short anywhere, it is no page");
	ok(cmz_records_open(&records, "{\"Records\":[],\"NextShardIterator\":null}", 39) && records.n == 0 &&
	   records.next_iterator.data == NULL, "the end of a shard");
	ok(cmz_records_next(&records, &record) == 0, "... has no record");
}

void
test_records(void)
{
	test_page();
	fails("", "unexpected character");
	fails("[]", "unexpected character");
	fails("{}", "no \"Records\"");
	fails("{\"Records\":null}", "unexpected character");
	fails("{\"Records\":[],\"Records\":[]}", "\"Records\" stands twice");
	fails("{\"Records\":[],\"NextShardIterator\":1}", "unexpected character");
	fails("{\"Records\":[]} x", "text behind the document");
	record_fails("1", "unexpected character");
	record_fails("{}", "record without \"SequenceNumber\"");
	record_fails("{\"eventName\":\"INSERT\",\"dynamodb\":{" KEYS "}}", "record without \"SequenceNumber\"");
	record_fails("{\"eventName\":\"INSERT\",\"dynamodb\":{\"SequenceNumber\":\"1x\"," KEYS "}}", "\"SequenceNumber\" is not a number");
	record_fails("{\"eventName\":\"TRUNCATE\",\"dynamodb\":{\"SequenceNumber\":\"1\"," KEYS "}}", "record without an \"eventName\" that is known");
	record_fails("{\"dynamodb\":{\"SequenceNumber\":\"1\"," KEYS "}}", "record without an \"eventName\" that is known");
	record_fails("{\"eventName\":\"INSERT\",\"dynamodb\":{\"SequenceNumber\":\"1\"}}", "record without \"Keys\"");
	record_fails("{\"eventName\":\"INSERT\",\"dynamodb\":{\"SequenceNumber\":\"1\",\"Keys\":{\"k\":\"a\"}}}", "unexpected character");
	record_fails("{\"eventName\":\"INSERT\",\"dynamodb\":{\"SequenceNumber\":\"1\",\"Keys\":{\"k\":{\"X\":\"a\"}}}}", "unknown attribute type");
}
