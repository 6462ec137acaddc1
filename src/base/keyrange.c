/*
 * keyrange.c
 *	  Intersects several conditions on one sort key into the one condition
 *	  that a KeyConditionExpression takes.
 */
#include "base/base.h"

#include "base/jsonscan.h"
#include "base/keyrange.h"
#include "mb/pg_wchar.h"

void
cmz_keyrange_init(CmzKeyRange *range)
{
	memset(range, 0, sizeof(*range));
}

static void
raise_lower(CmzKeyRange *range, const CmzOperand *value, bool inclusive)
{
	int			order = range->lo.set ? cmz_operand_compare(value, &range->lo.value) : 1;

	if (order > 0 || (order == 0 && !inclusive))
		range->lo = (CmzKeyBound) {true, inclusive, *value};
}

static void
drop_upper(CmzKeyRange *range, const CmzOperand *value, bool inclusive)
{
	int			order = range->hi.set ? cmz_operand_compare(value, &range->hi.value) : -1;

	if (order < 0 || (order == 0 && !inclusive))
		range->hi = (CmzKeyBound) {true, inclusive, *value};
}

/* Cut a string to what a sort key can hold, between two characters. */
static CmzOperand
shorten(const CmzOperand *value)
{
	CmzOperand	cut = *value;

	cut.len = CMZ_MAX_SORT_KEY;
	if (cut.type == CMZ_TYPE_S)
		while (cut.len > 0 && (cut.data[cut.len] & 0xC0) == 0x80)
			cut.len--;
	return cut;
}

/*
 * The first string behind all that begin with the prefix; false if no key is.  Code points sort as their UTF-8 does, so the last character that can
 * grow grows, and what follows it goes.
 */
static bool
prefix_successor(const CmzOperand *prefix, CmzOperand *successor)
{
	char	   *copy = palloc(prefix->len + 4);
	int			len = prefix->len;

	memcpy(copy, prefix->data, prefix->len);
	while (len > 0)
	{
		int			start = len - 1;
		pg_wchar	c;

		while (prefix->type == CMZ_TYPE_S && start > 0 && (copy[start] & 0xC0) == 0x80)
			start--;
		if (prefix->type != CMZ_TYPE_S)
		{
			if ((unsigned char) copy[start] < 0xFF)
			{
				copy[start]++;
				*successor = (CmzOperand) {prefix->type, copy, len, false};
				return true;
			}
		}
		else if ((c = utf8_to_unicode((unsigned char *) copy + start)) < 0x10FFFF)
		{
			c = (c == 0xD7FF) ? 0xE000 : c + 1;
			len = start + cmz_utf8_encode(c, copy + start);
			*successor = (CmzOperand) {prefix->type, copy, len, false};
			return len <= CMZ_MAX_SORT_KEY;
		}
		len = start;
	}
	return false;
}

static void
restrict_prefix(CmzKeyRange *range, const CmzOperand *prefix)
{
	CmzOperand	successor;

	if (prefix->len == 0)
		return;					/* every key begins with it */
	if (prefix->len > CMZ_MAX_SORT_KEY)
	{
		range->empty = true;
		return;
	}
	if (!range->has_prefix || prefix->len > range->prefix.len)
		range->prefix = *prefix;
	range->has_prefix = true;
	raise_lower(range, prefix, true);
	if (prefix_successor(prefix, &successor))
		drop_upper(range, &successor, false);
}

/*
 * Strings that no stored key can equal: the empty one is below all keys, one
 * over 1,024 bytes lies between keys.  DynamoDB rejects both as operands.
 */
static bool
restrict_impossible(CmzKeyRange *range, CmzOp op, const CmzOperand *operand)
{
	if (operand->type == CMZ_TYPE_N)
		return false;
	if (operand->len == 0)
	{
		if (op == CMZ_OP_EQ || op == CMZ_OP_LT || op == CMZ_OP_LE)
			range->empty = true;
		return true;
	}
	if (operand->len > CMZ_MAX_SORT_KEY)
	{
		CmzOperand	cut = shorten(operand);

		if (op == CMZ_OP_EQ)
			range->empty = true;
		else if (op == CMZ_OP_GT || op == CMZ_OP_GE)
			raise_lower(range, &cut, true);
		return true;			/* as an upper bound it is dropped */
	}
	return false;
}

void
cmz_keyrange_restrict(CmzKeyRange *range, CmzOp op, const CmzOperand *operand)
{
	/* a key is of one type: it cannot satisfy conditions of two */
	if ((range->lo.set && range->lo.value.type != operand->type) ||
		(range->hi.set && range->hi.value.type != operand->type))
		range->empty = true;
	else if (op == CMZ_OP_BEGINS_WITH)
		restrict_prefix(range, operand);
	else if (!restrict_impossible(range, op, operand))
	{
		if (op == CMZ_OP_EQ || op == CMZ_OP_GT || op == CMZ_OP_GE)
			raise_lower(range, operand, op != CMZ_OP_GT);
		if (op == CMZ_OP_EQ || op == CMZ_OP_LT || op == CMZ_OP_LE)
			drop_upper(range, operand, op != CMZ_OP_LT);
	}
	if (range->lo.set && range->hi.set)
	{
		int			order = cmz_operand_compare(&range->lo.value, &range->hi.value);

		if (order > 0 || (order == 0 && !(range->lo.inclusive && range->hi.inclusive)))
			range->empty = true;
	}
}

void
cmz_keyrange_apply(CmzKeyRange *range, const CmzCondition *condition)
{
	switch (condition->op)
	{
		case CMZ_OP_AND:
			for (int i = 0; i < condition->nargs; i++)
				cmz_keyrange_apply(range, condition->args[i]);
			break;
		case CMZ_OP_BETWEEN:
			cmz_keyrange_restrict(range, CMZ_OP_GE, &condition->operands[0]);
			cmz_keyrange_restrict(range, CMZ_OP_LE, &condition->operands[1]);
			break;
		case CMZ_OP_EQ:
		case CMZ_OP_LT:
		case CMZ_OP_LE:
		case CMZ_OP_GT:
		case CMZ_OP_GE:
		case CMZ_OP_BEGINS_WITH:
			cmz_keyrange_restrict(range, condition->op, &condition->operands[0]);
			break;
		default:
			break;				/* no condition of a range */
	}
}

/* The range is just what begins_with(prefix) says. */
static bool
is_prefix_range(const CmzKeyRange *range)
{
	CmzOperand	successor;

	if (!range->has_prefix || !range->lo.inclusive ||
		cmz_operand_compare(&range->lo.value, &range->prefix) != 0)
		return false;
	if (!prefix_successor(&range->prefix, &successor))
		return !range->hi.set;
	return !range->hi.inclusive && cmz_operand_compare(&range->hi.value, &successor) == 0;
}

CmzCondition *
cmz_keyrange_condition(const CmzKeyRange *range, const char *attribute)
{
	const CmzKeyBound *lo = &range->lo;
	const CmzKeyBound *hi = &range->hi;

	if (range->empty || (!lo->set && !hi->set))
		return NULL;
	if (is_prefix_range(range))
		return cmz_condition_compare(CMZ_OP_BEGINS_WITH, attribute, range->prefix);
	if (lo->set && hi->set)
	{
		if (cmz_operand_compare(&lo->value, &hi->value) == 0)
			return cmz_condition_compare(CMZ_OP_EQ, attribute, lo->value);
		return cmz_condition_between(attribute, lo->value, hi->value);
	}
	if (lo->set)
		return cmz_condition_compare(lo->inclusive ? CMZ_OP_GE : CMZ_OP_GT, attribute, lo->value);
	return cmz_condition_compare(hi->inclusive ? CMZ_OP_LE : CMZ_OP_LT, attribute, hi->value);
}
