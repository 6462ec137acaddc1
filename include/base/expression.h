/*
 * expression.h
 *	  Writes conditions and projections: for DynamoDB with placeholders, for
 *	  EXPLAIN as text.
 *
 * Names and values go through placeholders always: DynamoDB reserves several
 * hundred words, and no input may end up inside an expression.
 * Source: developer guide, "Expressions in DynamoDB".
 */
#ifndef CMZ_EXPRESSION_H
#define CMZ_EXPRESSION_H

#include "base/condition.h"

/* DynamoDB's limits on one expression. */
#define CMZ_MAX_EXPRESSION		4096
#define CMZ_MAX_OPERATORS		300
#define CMZ_MAX_IN_OPERANDS		100
/* of values in all; DynamoDB takes 2 MB, in a measure of its own */
#define CMZ_MAX_OPERAND_BYTES	1000000

/* The placeholders that the expressions of one request share. */
typedef struct CmzPlaceholders
{
	int			nnames;
	int			max_names;
	const char **names;			/* #0, #1, ... */
	int			nvalues;
	int			max_values;
	CmzOperand *values;			/* :0, :1, ... */
} CmzPlaceholders;

extern void cmz_placeholders_init(CmzPlaceholders *placeholders);
extern void cmz_placeholders_free(CmzPlaceholders *placeholders);

/* Append a condition with placeholders; operands are kept by reference. */
extern void cmz_expression_append(StringInfo buf, CmzPlaceholders *placeholders,
								  const CmzCondition *condition);

/* Append the placeholder of a name, as ProjectionExpression wants it. */
extern void cmz_expression_append_name(StringInfo buf, CmzPlaceholders *placeholders,
									   const char *attribute);

/*
 * What an expression costs of DynamoDB's limits: its operators, functions and
 * BETWEENs.  Its length is checked on the written text.
 */
extern int	cmz_condition_operators(const CmzCondition *condition);

/* Append a condition for people. */
extern void cmz_condition_explain(StringInfo buf, const CmzCondition *condition);

/* Append an attribute's name for people: quoted unless it is plain. */
extern void cmz_attribute_explain(StringInfo buf, const char *attribute);

/* Append the members ExpressionAttributeNames and ExpressionAttributeValues. */
extern void cmz_placeholders_append_json(StringInfo buf, const CmzPlaceholders *placeholders);

/* Append an operand as an AttributeValue. */
extern void cmz_operand_append_json(StringInfo buf, const CmzOperand *operand);

#endif							/* CMZ_EXPRESSION_H */
