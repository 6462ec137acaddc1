/*
 * condition.c
 *	  A condition on an item as a value: a small tree with its operands bound.
 */
#include "base/base.h"

#include "base/condition.h"
#include "base/number.h"

CmzCondition *
cmz_condition_leaf(CmzOp op, const char *attribute, int noperands, const CmzOperand *operands)
{
	CmzCondition *leaf = palloc0(sizeof(CmzCondition));

	leaf->op = op;
	leaf->attribute = attribute;
	leaf->noperands = noperands;
	if (noperands > 0)
	{
		leaf->operands = palloc(sizeof(CmzOperand) * noperands);
		memcpy(leaf->operands, operands, sizeof(CmzOperand) * noperands);
	}
	return leaf;
}

CmzCondition *
cmz_condition_compare(CmzOp op, const char *attribute, CmzOperand operand)
{
	return cmz_condition_leaf(op, attribute, 1, &operand);
}

CmzCondition *
cmz_condition_between(const char *attribute, CmzOperand lo, CmzOperand hi)
{
	CmzOperand	bounds[2] = {lo, hi};

	return cmz_condition_leaf(CMZ_OP_BETWEEN, attribute, 2, bounds);
}

/* The arguments of a condition under op: its own if it is an op, else itself. */
static void
add_args(CmzCondition *node, CmzCondition *condition)
{
	bool		same = condition->op == node->op;
	int			n = same ? condition->nargs : 1;
	size_t		size = sizeof(CmzCondition *) * (node->nargs + n);

	node->args = node->args ? repalloc(node->args, size) : palloc(size);
	for (int i = 0; i < n; i++)
		node->args[node->nargs++] = same ? condition->args[i] : condition;
}

CmzCondition *
cmz_condition_join(CmzOp op, CmzCondition *a, CmzCondition *b)
{
	CmzCondition *node;

	if (a == NULL || b == NULL)
		return a ? a : b;
	node = palloc0(sizeof(CmzCondition));
	node->op = op;
	add_args(node, a);
	add_args(node, b);
	return node;
}

CmzOperand
cmz_operand_string(const char *data, int len)
{
	CmzOperand	operand = {CMZ_TYPE_S, data, len, false};

	return operand;
}

CmzOperand
cmz_operand_cstring(const char *s)
{
	return cmz_operand_string(s, strlen(s));
}

CmzOperand
cmz_operand_number(const char *digits)
{
	CmzOperand	operand = {CMZ_TYPE_N, digits, (int) strlen(digits), false};

	return operand;
}

int
cmz_operand_compare(const CmzOperand *a, const CmzOperand *b)
{
	int			order;

	if (a->type != b->type)
		return (int) a->type - (int) b->type;
	if (a->type == CMZ_TYPE_N)
		return cmz_number_compare(a->data, a->len, b->data, b->len);
	order = memcmp(a->data, b->data, Min(a->len, b->len));
	return order != 0 ? order : a->len - b->len;
}
