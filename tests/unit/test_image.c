/*
 * test_image.c
 *	  Items as lists of attributes, their keys and sizes.
 */
#include "unit.h"

#include "base/image.h"
#include "base/itemequal.h"
#include "base/key.h"
#include "base/number.h"

static CmzImage
parse(const char *json)
{
	CmzImage	image;

	ok(cmz_image_parse(&image, json, strlen(json)), "parsed: %.60s", json);
	return image;
}

static char *
print(const CmzImage *image)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_image_append_json(&buf, image);
	return buf.data;
}

static void
test_parsing(void)
{
	static const char *const good[] = {
		"{}",
		"{\"a\":{\"S\":\"x\"},\"b\":{\"N\":\"1.50\"}}",
		"{\"a\\\"\\u00e9\":{\"M\":{\"k\":{\"L\":[{\"NULL\":true},{\"BOOL\":false}]}}},\"s\":{\"SS\":[\"b\",\"a\"]}}"
	};
	static const char *const bad[] = {
		"", "[]", "{", "{\"a\":}", "{\"a\":{\"S\":1}}", "{\"a\":{\"X\":\"\"}}", "{\"a\":{\"S\":\"x\"}} x",
		"{\"a\\u0000b\":{\"S\":\"x\"}}"
	};
	CmzImage	image;

	for (int i = 0; i < (int) lengthof(good); i++)
	{
		image = parse(good[i]);
		ok(cmz_items_equal(print(&image), strlen(print(&image)), good[i], strlen(good[i])), "... and printed again");
	}
	for (int i = 0; i < (int) lengthof(bad); i++)
		ok(!cmz_image_parse(&image, bad[i], strlen(bad[i])), "no item: %s", bad[i]);
}

static void
test_changing(void)
{
	CmzImage	image = parse("{\"a\":{\"S\":\"x\"},\"b\":{\"N\":\"1\"},\"c\":{\"BOOL\":true}}");
	CmzImage	other = parse("{\"b\":{\"N\":\"1.0\"},\"c\":{\"BOOL\":false},\"d\":{\"SS\":[\"x\",\"y\"]}}");
	CmzImage	sets = parse("{\"d\":{\"SS\":[\"y\",\"x\"]}}");

	ok(cmz_image_find(&image, "b") != NULL && cmz_image_find(&image, "z") == NULL &&
	   cmz_image_find(NULL, "b") == NULL, "attributes are found by name");
	ok(cmz_image_same(&image, &other, "b"), "numbers are the same by value");
	ok(!cmz_image_same(&image, &other, "c"), "booleans differ");
	ok(!cmz_image_same(&image, &other, "a") && cmz_image_same(&image, &other, "z"), "what is missing on one side, or on both");
	ok(cmz_image_same(&other, &sets, "d"), "sets have no order");
	cmz_image_set(&image, "a", "{\"N\":\"2\"}", 9);
	cmz_image_set(&image, "new", "{\"S\":\"\"}", 8);
	cmz_image_remove(&image, "b");
	cmz_image_remove(&image, "nothing");
	is(print(&image), "{\"a\":{\"N\":\"2\"},\"c\":{\"BOOL\":true},\"new\":{\"S\":\"\"}}", "set, added, removed");
}

static void
test_operands(void)
{
	CmzImage	image = parse("{\"s\":{\"S\":\"\\u00e9\\\"\"},\"n\":{\"N\":\"1e1\"},\"b\":{\"B\":\"AAE=\"},\"t\":{\"BOOL\":true}}");
	CmzOperand	operand;

	ok(cmz_image_operand(&image, "s", &operand) && operand.type == CMZ_TYPE_S && operand.len == 3 &&
	   strcmp(operand.data, "\303\251\"") == 0, "a string's escapes are undone");
	ok(cmz_image_operand(&image, "n", &operand) && operand.type == CMZ_TYPE_N &&
	   strcmp(operand.data, "1e1") == 0, "a number is as it stands");
	ok(cmz_image_operand(&image, "b", &operand) && operand.type == CMZ_TYPE_B && operand.len == 2 &&
	   memcmp(operand.data, "\0\1", 2) == 0, "bytes are decoded");
	ok(!cmz_image_operand(&image, "t", &operand) && !cmz_image_operand(&image, "x", &operand), "others are no operands");
}

static char *
canonical(CmzOperand partition, CmzOperand sort)
{
	CmzOperand	key[2] = {partition, sort};
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_key_append_canonical(&buf, key);
	return buf.data;
}

static void
test_keys(void)
{
	static const char *const ones[] = {"1", "1.0", "10e-1", "0.1E1", "+1", "01"};
	static const char *const others[] = {"-1", "10", "0", "0.1", "1.01", "1e38"};
	CmzOperand	none = {0};
	CmzOperand	one = cmz_operand_number("1");
	CmzIndex	keys = {0};
	CmzOperand	key[2] = {cmz_operand_cstring("u"), cmz_operand_number("7")};
	StringInfoData buf;

	for (int i = 0; i < (int) lengthof(ones); i++)
		is(canonical(cmz_operand_number(ones[i]), none), canonical(one, none), "the same number, the same key");
	for (int i = 0; i < (int) lengthof(others); i++)
		ok(strcmp(canonical(cmz_operand_number(others[i]), none), canonical(one, none)) != 0, "%s is not 1", others[i]);
	is(canonical(cmz_operand_number("-0.0"), none), canonical(cmz_operand_number("0"), none), "there is one zero");
	ok(strcmp(canonical(cmz_operand_cstring("ab"), cmz_operand_cstring("1")),
			  canonical(cmz_operand_cstring("a"), cmz_operand_cstring("b1"))) != 0, "parts do not run into each other");
	ok(strcmp(canonical(cmz_operand_cstring("1"), none), canonical(one, none)) != 0, "a string is no number");
	ok(strcmp(canonical((CmzOperand) {CMZ_TYPE_B, "a\0b", 3, false}, none),
			  canonical((CmzOperand) {CMZ_TYPE_B, "a\0c", 3, false}, none)) != 0, "bytes behind a zero count");
	ok(strcmp(canonical((CmzOperand) {CMZ_TYPE_S, "a\0b", 3, false}, none),
			  canonical((CmzOperand) {CMZ_TYPE_S, "a\0c", 3, false}, none)) != 0, "... of a string too");
	keys.partition_key = "userId";
	keys.sort_key = "n";
	initStringInfo(&buf);
	cmz_key_append_json(&buf, &keys, &key[0], &key[1]);
	is(buf.data, "{\"userId\":{\"S\":\"u\"},\"n\":{\"N\":\"7\"}}", "a key as JSON");
	resetStringInfo(&buf);
	cmz_key_describe(&buf, &keys, key, false);
	is(buf.data, "(userId, n)=(u, 7)", "a key for people");
	key[0] = (CmzOperand) {CMZ_TYPE_S, "\0\n\x7F \xC3\xA9\xF0\x9F\x98\x80 \xFF \xE2\x82", 15, false};
	resetStringInfo(&buf);
	cmz_key_describe(&buf, &keys, key, false);
	is(buf.data, "(userId, n)=(\\u0000\\u000a\\u007f \xC3\xA9\xF0\x9F\x98\x80 \\u00ff \\u00e2\\u0082, 7)", "... that is not printable");
	resetStringInfo(&buf);
	keys.partition_key = "us\xC3\xA9r";
	cmz_key_describe(&buf, &keys, key, true);
	is(buf.data, "(us\\u00e9r, n)=(\\u0000\\u000a\\u007f \\u00e9\\ud83d\\ude00 \\u00ff \\u00e2\\u0082, 7)", "... in ASCII");
}

/* As DynamoDB Local 1.25.1 counts them. */
static void
test_sizes(void)
{
	static const struct
	{
		const char *value;
		size_t		size;
	}			cases[] = {
		{"{\"N\":\"1\"}", 2}, {"{\"N\":\"12\"}", 2}, {"{\"N\":\"123\"}", 3}, {"{\"N\":\"-123\"}", 4},
		{"{\"N\":\"1234\"}", 3}, {"{\"N\":\"0.5\"}", 2}, {"{\"N\":\"100000\"}", 2}, {"{\"N\":\"0\"}", 1},
		{"{\"N\":\"123456789\"}", 6}, {"{\"BOOL\":true}", 1}, {"{\"NULL\":true}", 1},
		{"{\"SS\":[\"a\",\"b\"]}", 2}, {"{\"NS\":[\"1\",\"2\"]}", 4}, {"{\"B\":\"AAAA\"}", 3}, {"{\"B\":\"AA==\"}", 1},
		{"{\"M\":{}}", 3}, {"{\"L\":[{\"S\":\"a\"},{\"S\":\"b\"}]}", 7}, {"{\"S\":\"\\u00e9\"}", 2},
		{"{\"M\":{\"key\":{\"S\":\"x\"}}}", 8},
	};
	const char *largest;

	for (int i = 0; i < (int) lengthof(cases); i++)
	{
		CmzImage	image = {0};

		cmz_image_set(&image, "x", cases[i].value, strlen(cases[i].value));
		ok(cmz_image_size(&image, &largest) == cases[i].size + 1, "size of %s is %zu", cases[i].value, cases[i].size);
		is(largest, "x", "... and it is the largest");
	}
}

void
test_image(void)
{
	test_parsing();
	test_changing();
	test_operands();
	test_keys();
	test_sizes();
}
