/*
 * test_writerequest.c
 *	  From what stands there and what shall stand there to one conditional write.
 */
#include "unit.h"

#include "base/writerequest.h"

static CmzIndex keys = {.partition_key = "id", .sort_key = "n"};

static CmzImage *
image_of(const char *json)
{
	CmzImage   *image;

	if (json == NULL)
		return NULL;
	image = palloc(sizeof(CmzImage));
	ok(cmz_image_parse(image, json, strlen(json)), "parsed: %.60s", json);
	return image;
}

static CmzWrite
write_of(const char *base, const char *image)
{
	CmzWrite	write = {.table = "tab",.keys = &keys};

	write.key[0] = cmz_operand_cstring("k");
	write.key[1] = cmz_operand_number("1");
	write.base = image_of(base);
	write.image = image_of(image);
	return write;
}

static char *
body_of(const CmzWrite *write)
{
	StringInfoData buf;

	initStringInfo(&buf);
	ok(cmz_write_append(&buf, write), "it fits");
	return buf.data;
}

#define KEY		"\"id\":{\"S\":\"k\"},\"n\":{\"N\":\"1\"}"
#define HEAD	"\"TableName\":\"tab\",\"Key\":{" KEY "}"

static void
test_bodies(void)
{
	static const char *const expected[] = {"a", "id", "gone", "a"};
	CmzWrite	write = write_of(NULL, "{" KEY ",\"a\":{\"S\":\"x\"}}");

	ok(cmz_write_op(&write) == CMZ_WRITE_PUT, "a new item is put");
	is(body_of(&write), "\"TableName\":\"tab\",\"Item\":{" KEY ",\"a\":{\"S\":\"x\"}},\"ConditionExpression\":\"attribute_not_exists(#0)\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"id\"}", "... if there is none");

	write = write_of("{" KEY ",\"a\":{\"S\":\"x\"},\"b\":{\"N\":\"1\"}}", "{" KEY ",\"a\":{\"S\":\"y\"},\"c\":{\"N\":\"2\"}}");
	ok(cmz_write_op(&write) == CMZ_WRITE_UPDATE, "a changed item is updated");
	is(body_of(&write), HEAD ",\"UpdateExpression\":\"SET #1 = :0, #2 = :2 REMOVE #3\","
	   "\"ConditionExpression\":\"attribute_exists(#0) AND #1 = :1 AND attribute_not_exists(#2) AND #3 = :3\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"id\",\"#1\":\"a\",\"#2\":\"c\",\"#3\":\"b\"},"
	   "\"ExpressionAttributeValues\":{\":0\":{\"S\":\"y\"},\":1\":{\"S\":\"x\"},\":2\":{\"N\":\"2\"},\":3\":{\"N\":\"1\"}}",
	   "... where it has changed, if it is as it was there");

	write.nexpected = 4;
	write.expected = expected;
	is(body_of(&write), HEAD ",\"UpdateExpression\":\"SET #2 = :0, #3 = :2 REMOVE #4\","
	   "\"ConditionExpression\":\"attribute_exists(#0) AND attribute_not_exists(#1) AND #2 = :1 AND attribute_not_exists(#3) AND #4 = :3\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"id\",\"#1\":\"gone\",\"#2\":\"a\",\"#3\":\"c\",\"#4\":\"b\"},"
	   "\"ExpressionAttributeValues\":{\":0\":{\"S\":\"y\"},\":1\":{\"S\":\"x\"},\":2\":{\"N\":\"2\"},\":3\":{\"N\":\"1\"}}",
	   "... and where it was looked at, each said once, keys never");

	write = write_of("{" KEY ",\"a\":{\"S\":\"x\"}}", NULL);
	write.nexpected = 4;
	write.expected = expected;
	is(body_of(&write), HEAD ",\"ConditionExpression\":\"attribute_exists(#0) AND #1 = :0 AND attribute_not_exists(#2)\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"id\",\"#1\":\"a\",\"#2\":\"gone\"},"
	   "\"ExpressionAttributeValues\":{\":0\":{\"S\":\"x\"}}", "a deletion");
	ok(cmz_write_op(&write) == CMZ_WRITE_DELETE, "... is one");

	write = write_of("{" KEY "}", "{" KEY ",\"z\":{\"S\":\"\"}}");
	write.fresh = true;
	is(body_of(&write), "\"TableName\":\"tab\",\"Item\":{" KEY ",\"z\":{\"S\":\"\"}},\"ConditionExpression\":\"attribute_exists(#0)\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"id\"}", "an item in the place of another");

	write = write_of(NULL, NULL);
	ok(cmz_write_op(&write) == CMZ_WRITE_NOTHING, "no item before and after: nothing");
	write.unconditional = true;
	is(body_of(&write), HEAD, "a deletion of whatever is there");
	write = write_of("{" KEY ",\"a\":{\"N\":\"1\"}}", "{" KEY ",\"a\":{\"N\":\"1.0\"}}");
	ok(cmz_write_op(&write) == CMZ_WRITE_NOTHING, "the same number: nothing");
}

static void
test_limits(void)
{
	CmzWrite	write = write_of("{" KEY "}", "{" KEY "}");
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < 1000; i++)
		cmz_image_set(unconstify(CmzImage *, write.image), psprintf("attribute%d", i), "{\"S\":\"x\"}", 9);
	ok(!cmz_write_append(&buf, &write), "a thousand changes are too many for one expression");
}

static void
test_traces(void)
{
	CmzWrite	put = write_of(NULL, "{" KEY ",\"a\":{\"S\":\"x\"}}");
	CmzWrite	update = write_of("{" KEY ",\"a\":{\"N\":\"1\"},\"o\":{\"S\":\"\"}}", "{" KEY ",\"a\":{\"N\":\"2\"},\"o\":{\"S\":\"\"}}");
	CmzWrite	removal = write_of("{" KEY ",\"a\":{\"S\":\"x\"}}", NULL);

	ok(cmz_write_trace(&put, NULL) == CMZ_TRACE_UNTOUCHED, "put, nothing there: not written");
	ok(cmz_write_trace(&put, image_of("{\"a\":{\"S\":\"x\"}," KEY "}")) == CMZ_TRACE_WRITTEN, "put, its own item: written");
	ok(cmz_write_trace(&put, image_of("{" KEY ",\"a\":{\"S\":\"x\"},\"b\":{\"S\":\"\"}}")) == CMZ_TRACE_OTHER, "put, more than its item");
	ok(cmz_write_trace(&put, image_of("{" KEY "}")) == CMZ_TRACE_OTHER, "put, less than its item");
	ok(cmz_write_trace(&update, image_of("{" KEY ",\"a\":{\"N\":\"2\"},\"o\":{\"S\":\"others\"}}")) == CMZ_TRACE_WRITTEN, "update: what it changes stands there");
	ok(cmz_write_trace(&update, image_of("{" KEY ",\"a\":{\"N\":\"1.0\"}}")) == CMZ_TRACE_UNTOUCHED, "update: what it changes is as it was");
	ok(cmz_write_trace(&update, image_of("{" KEY ",\"a\":{\"N\":\"3\"}}")) == CMZ_TRACE_OTHER, "update: others have changed it");
	ok(cmz_write_trace(&update, NULL) == CMZ_TRACE_OTHER, "update: others have deleted it");
	ok(cmz_write_trace(&removal, NULL) == CMZ_TRACE_WRITTEN, "deletion: it is gone");
	ok(cmz_write_trace(&removal, image_of("{" KEY ",\"a\":{\"S\":\"x\"}}")) == CMZ_TRACE_UNTOUCHED, "deletion: it is there");
	ok(cmz_write_trace(&removal, image_of("{" KEY ",\"a\":{\"S\":\"y\"}}")) == CMZ_TRACE_OTHER, "deletion: another is there");
}

void
test_writerequest(void)
{
	test_bodies();
	test_limits();
	test_traces();
}
