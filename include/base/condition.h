/*
 * condition.h
 *	  A condition on an item as a value: a small tree with its operands bound.
 *
 * expression.c writes it for DynamoDB and for EXPLAIN; keyrange.c makes the
 * one condition on a sort key out of several.
 */
#ifndef CMZ_CONDITION_H
#define CMZ_CONDITION_H

#include "base/attribute.h"

typedef enum CmzOp
{
	CMZ_OP_AND,
	CMZ_OP_OR,
	CMZ_OP_EQ,
	CMZ_OP_NE,
	CMZ_OP_LT,
	CMZ_OP_LE,
	CMZ_OP_GT,
	CMZ_OP_GE,
	CMZ_OP_BETWEEN,
	CMZ_OP_BEGINS_WITH,
	CMZ_OP_CONTAINS,
	CMZ_OP_IN,
	CMZ_OP_EXISTS,
	CMZ_OP_NOT_EXISTS,
	CMZ_OP_HAS_TYPE				/* operand: the type's name, as an S */
} CmzOp;

/* A literal. */
typedef struct CmzOperand
{
	CmzType		type;			/* S, N, B, BOOL; NONE: only text for EXPLAIN */
	const char *data;			/* S: UTF-8, N: decimal text, B: the bytes */
	int			len;
	bool		boolean;
} CmzOperand;

typedef struct CmzCondition
{
	CmzOp		op;
	const char *attribute;		/* of a leaf */
	int			noperands;		/* of a leaf */
	CmzOperand *operands;
	int			nargs;			/* of AND and OR */
	struct CmzCondition **args;
} CmzCondition;

/* Constructors; everything is palloc'd, names and bytes are kept by reference. */
extern CmzCondition *cmz_condition_leaf(CmzOp op, const char *attribute,
										int noperands, const CmzOperand *operands);
extern CmzCondition *cmz_condition_compare(CmzOp op, const char *attribute, CmzOperand operand);
extern CmzCondition *cmz_condition_between(const char *attribute, CmzOperand lo, CmzOperand hi);

/* AND or OR of two; either may be NULL, then it is the other. */
extern CmzCondition *cmz_condition_join(CmzOp op, CmzCondition *a, CmzCondition *b);

extern CmzOperand cmz_operand_string(const char *data, int len);
extern CmzOperand cmz_operand_cstring(const char *s);
extern CmzOperand cmz_operand_number(const char *digits);

/* Order of two operands: bytes for S and B, value for N; of two types, the type's. */
extern int	cmz_operand_compare(const CmzOperand *a, const CmzOperand *b);

#endif							/* CMZ_CONDITION_H */
