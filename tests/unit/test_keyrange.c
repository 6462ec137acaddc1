/*
 * test_keyrange.c
 *	  Intersections of conditions on a sort key: by example, and at random
 *	  against the conditions themselves.
 */
#include "unit.h"

#include "base/expression.h"
#include "base/keyrange.h"

static void
restrict_by(CmzKeyRange *range, CmzOp op, const char *value)
{
	CmzOperand	operand = cmz_operand_cstring(value);

	cmz_keyrange_restrict(range, op, &operand);
}

static char *
print(const CmzKeyRange *range)
{
	CmzCondition *condition = cmz_keyrange_condition(range, "k");
	StringInfoData buf;

	initStringInfo(&buf);
	if (range->empty)
		appendStringInfoString(&buf, "empty");
	else if (condition)
		cmz_condition_explain(&buf, condition);
	return buf.data;
}

/* Up to three conditions, NULL-terminated by value. */
static void
gives(const char *expected, CmzOp op1, const char *v1, CmzOp op2, const char *v2, CmzOp op3, const char *v3)
{
	CmzKeyRange range;

	cmz_keyrange_init(&range);
	restrict_by(&range, op1, v1);
	if (v2)
		restrict_by(&range, op2, v2);
	if (v3)
		restrict_by(&range, op3, v3);
	is(print(&range), expected, expected[0] ? expected : "no condition");
}

/* Does the key satisfy the condition itself? */
static bool
satisfies(const char *key, CmzOp op, const char *value)
{
	int			order = strcmp(key, value);

	switch (op)
	{
		case CMZ_OP_EQ:
			return order == 0;
		case CMZ_OP_LT:
			return order < 0;
		case CMZ_OP_LE:
			return order <= 0;
		case CMZ_OP_GT:
			return order > 0;
		case CMZ_OP_GE:
			return order >= 0;
		default:
			return strncmp(key, value, strlen(value)) == 0;
	}
}

/* Does it satisfy the one condition that came out? */
static bool
satisfies_condition(const char *key, const CmzCondition *condition)
{
	if (condition->op == CMZ_OP_BETWEEN)
		return strcmp(key, condition->operands[0].data) >= 0 &&
			strcmp(key, pnstrdup(condition->operands[1].data, condition->operands[1].len)) <= 0;
	return satisfies(key, condition->op, pnstrdup(condition->operands[0].data, condition->operands[0].len));
}

static void
random_string(char *buf, int max)
{
	static const char *const alphabet[] = {"a", "b", "#", "\x7f", "\xc3\xa9", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
	int			n = roll(max + 1);

	buf[0] = '\0';
	for (int i = 0; i < n; i++)
		strcat(buf, alphabet[roll(lengthof(alphabet))]);
}

static void
no_key_is_lost(void)
{
	static const CmzOp ops[] = {CMZ_OP_EQ, CMZ_OP_LT, CMZ_OP_LE, CMZ_OP_GT, CMZ_OP_GE, CMZ_OP_BEGINS_WITH};
	int			lost = 0;
	int			loose = 0;
	int			rounds = 200000;

	for (int i = 0; i < rounds; i++)
	{
		CmzKeyRange range;
		CmzCondition *condition;
		char		key[32],
					value[3][32];
		bool		all = true;
		int			n = 1 + roll(3);

		cmz_keyrange_init(&range);
		do
			random_string(key, 3);
		while (key[0] == '\0');
		for (int j = 0; j < n; j++)
		{
			CmzOp		op = ops[roll(lengthof(ops))];

			random_string(value[j], 3);
			restrict_by(&range, op, value[j]);
			all = all && satisfies(key, op, value[j]);
		}
		condition = cmz_keyrange_condition(&range, "k");
		if (all && (range.empty || (condition && !satisfies_condition(key, condition))))
			lost++;
		if (!all && !range.empty && (condition == NULL || satisfies_condition(key, condition)))
			loose++;
	}
	ok(lost == 0, "%d random ranges lose no key (%d admitted one too many)", rounds, loose);
	ok(loose < rounds / 50, "and they are tight");
}

void
test_keyrange(void)
{
	CmzKeyRange range;
	char		longest[1200];

	gives("k = 'a'", CMZ_OP_EQ, "a", 0, NULL, 0, NULL);
	gives("k = 'b'", CMZ_OP_EQ, "b", CMZ_OP_GE, "a", CMZ_OP_LT, "c");
	gives("empty", CMZ_OP_EQ, "b", CMZ_OP_GT, "b", 0, NULL);
	gives("empty", CMZ_OP_GE, "b", CMZ_OP_LE, "a", 0, NULL);
	gives("empty", CMZ_OP_GT, "a", CMZ_OP_LT, "a", 0, NULL);
	gives("k > 'b'", CMZ_OP_GE, "b", CMZ_OP_GT, "b", CMZ_OP_GT, "a");
	gives("k <= 'b'", CMZ_OP_LE, "b", CMZ_OP_LT, "c", 0, NULL);
	gives("k BETWEEN 'a' AND 'c'", CMZ_OP_GT, "a", CMZ_OP_LT, "c", 0, NULL);
	gives("begins_with(k, 'ab')", CMZ_OP_BEGINS_WITH, "ab", 0, NULL, 0, NULL);
	gives("begins_with(k, 'abc')", CMZ_OP_BEGINS_WITH, "abc", CMZ_OP_BEGINS_WITH, "ab", CMZ_OP_GT, "aa");
	gives("empty", CMZ_OP_BEGINS_WITH, "ab", CMZ_OP_BEGINS_WITH, "ac", 0, NULL);
	gives("k BETWEEN 's#5' AND 's$'", CMZ_OP_BEGINS_WITH, "s#", CMZ_OP_GE, "s#5", 0, NULL);
	gives("k BETWEEN 's#' AND 's#5'", CMZ_OP_BEGINS_WITH, "s#", CMZ_OP_LE, "s#5", 0, NULL);
	gives("begins_with(k, '\xed\x9f\xbf')", CMZ_OP_BEGINS_WITH, "\xed\x9f\xbf", 0, NULL, 0, NULL);
	gives("k BETWEEN '\xed\x9f\xbf" "5' AND '\xee\x80\x80'", CMZ_OP_BEGINS_WITH, "\xed\x9f\xbf", CMZ_OP_GE, "\xed\x9f\xbf" "5", 0, NULL);
	gives("k >= '\xf4\x8f\xbf\xbf" "5'", CMZ_OP_BEGINS_WITH, "\xf4\x8f\xbf\xbf", CMZ_OP_GE, "\xf4\x8f\xbf\xbf" "5", 0, NULL);
	gives("", CMZ_OP_GE, "", CMZ_OP_GT, "", CMZ_OP_BEGINS_WITH, "");
	gives("empty", CMZ_OP_LT, "", 0, NULL, 0, NULL);
	gives("empty", CMZ_OP_EQ, "", 0, NULL, 0, NULL);

	memset(longest, 'x', sizeof(longest));
	longest[1100] = '\0';
	gives("empty", CMZ_OP_EQ, longest, 0, NULL, 0, NULL);
	gives("empty", CMZ_OP_BEGINS_WITH, longest, 0, NULL, 0, NULL);
	gives("", CMZ_OP_LE, longest, 0, NULL, 0, NULL);
	cmz_keyrange_init(&range);
	restrict_by(&range, CMZ_OP_GT, longest);
	ok(range.lo.set && range.lo.inclusive && range.lo.value.len == 1024, "a long lower bound is cut");
	memcpy(longest + 1023, "\xc3\xa9", 2);
	cmz_keyrange_init(&range);
	restrict_by(&range, CMZ_OP_GE, longest);
	ok(range.lo.value.len == 1023, "between two characters");
	no_key_is_lost();
}
