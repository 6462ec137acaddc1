/*
 * test_expression.c
 *	  Conditions as expressions with placeholders, and for people.
 */
#include "unit.h"

#include "base/expression.h"
#include "base/request.h"

void
test_expression(void)
{
	CmzOperand	lion = cmz_operand_cstring("li'on\"");
	CmzOperand	forty = cmz_operand_number("40");
	CmzOperand	bytes = {CMZ_TYPE_B, "\x00\xff", 2, false};
	CmzOperand	yes = {CMZ_TYPE_BOOL, NULL, 0, true};
	CmzCondition *a = cmz_condition_compare(CMZ_OP_EQ, "animalId", lion);
	CmzCondition *b = cmz_condition_compare(CMZ_OP_GT, "tokensUsed", forty);
	CmzCondition *c = cmz_condition_between("time-stamp", cmz_operand_cstring("a"), cmz_operand_cstring("b"));
	CmzCondition *either = cmz_condition_join(CMZ_OP_OR, cmz_condition_compare(CMZ_OP_NE, "b", bytes),
											  cmz_condition_leaf(CMZ_OP_NOT_EXISTS, "animalId", 0, NULL));
	CmzCondition *all = cmz_condition_join(CMZ_OP_AND, cmz_condition_join(CMZ_OP_AND, a, b),
										   cmz_condition_join(CMZ_OP_AND, c, either));
	CmzPlaceholders placeholders;
	StringInfoData buf;
	CmzReadRequest request = {0};
	const char *projection[] = {"x", "animalId"};

	all = cmz_condition_join(CMZ_OP_AND, all, cmz_condition_compare(CMZ_OP_EQ, "flag", yes));
	initStringInfo(&buf);
	cmz_condition_explain(&buf, all);
	is(buf.data, "animalId = 'li''on\"' AND tokensUsed > 40 AND \"time-stamp\" BETWEEN 'a' AND 'b'"
	   " AND (b <> b'AP8=' OR attribute_not_exists(animalId)) AND flag = true", "for people");
	resetStringInfo(&buf);
	cmz_placeholders_init(&placeholders);
	cmz_expression_append(&buf, &placeholders, all);
	is(buf.data, "#0 = :0 AND #1 > :1 AND #2 BETWEEN :2 AND :3 AND (#3 <> :4 OR attribute_not_exists(#0))"
	   " AND #4 = :5", "with placeholders");
	ok(cmz_condition_operators(all) == 11, "operators are counted: %d", cmz_condition_operators(all));

	request.table = "t";
	request.index = "i";
	request.key = a;
	request.filter = b;
	request.nprojection = 2;
	request.projection = projection;
	request.start_key.data = "{\"k\":{\"S\":\"v\"}}";
	request.start_key.len = strlen(request.start_key.data);
	resetStringInfo(&buf);
	cmz_request_append_read(&buf, &request);
	is(buf.data, "{\"TableName\":\"t\",\"IndexName\":\"i\",\"KeyConditionExpression\":\"#0 = :0\","
	   "\"FilterExpression\":\"#1 > :1\",\"ProjectionExpression\":\"#2,#0\","
	   "\"ExpressionAttributeNames\":{\"#0\":\"animalId\",\"#1\":\"tokensUsed\",\"#2\":\"x\"},"
	   "\"ExpressionAttributeValues\":{\":0\":{\"S\":\"li'on\\\"\"},\":1\":{\"N\":\"40\"}},"
	   "\"ExclusiveStartKey\":{\"k\":{\"S\":\"v\"}},\"ReturnConsumedCapacity\":\"TOTAL\"}", "a Query's body");

	request = (CmzReadRequest) {.table = "t",.all_attributes = true,.segment = 3,.total_segments = 7};
	resetStringInfo(&buf);
	cmz_request_append_read(&buf, &request);
	is(buf.data, "{\"TableName\":\"t\",\"Select\":\"ALL_ATTRIBUTES\",\"Segment\":3,\"TotalSegments\":7,"
	   "\"ReturnConsumedCapacity\":\"TOTAL\"}", "a segment of a Scan");
}
