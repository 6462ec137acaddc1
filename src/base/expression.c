/*
 * expression.c
 *	  Writes conditions and projections: for DynamoDB with placeholders, for
 *	  EXPLAIN as text.
 *
 * Both come from one walk over the tree; the operator table says how each
 * operator is spelled.
 */
#include "base/base.h"

#include "base/expression.h"
#include "base/json.h"

/* How an operator is written. */
typedef enum Syntax
{
	SYNTAX_LIST,				/* a AND b, in parentheses below another */
	SYNTAX_INFIX,				/* a = x */
	SYNTAX_BETWEEN,				/* a BETWEEN x AND y */
	SYNTAX_CALL,				/* begins_with(a, x) */
	SYNTAX_IN					/* a IN (x, y) */
} Syntax;

static const struct
{
	Syntax		syntax;
	const char *text;
}			operators[] = {
	[CMZ_OP_AND] = {SYNTAX_LIST, " AND "},
	[CMZ_OP_OR] = {SYNTAX_LIST, " OR "},
	[CMZ_OP_EQ] = {SYNTAX_INFIX, " = "},
	[CMZ_OP_NE] = {SYNTAX_INFIX, " <> "},
	[CMZ_OP_LT] = {SYNTAX_INFIX, " < "},
	[CMZ_OP_LE] = {SYNTAX_INFIX, " <= "},
	[CMZ_OP_GT] = {SYNTAX_INFIX, " > "},
	[CMZ_OP_GE] = {SYNTAX_INFIX, " >= "},
	[CMZ_OP_BETWEEN] = {SYNTAX_BETWEEN, " BETWEEN "},
	[CMZ_OP_BEGINS_WITH] = {SYNTAX_CALL, "begins_with"},
	[CMZ_OP_CONTAINS] = {SYNTAX_CALL, "contains"},
	[CMZ_OP_IN] = {SYNTAX_IN, " IN "},
	[CMZ_OP_EXISTS] = {SYNTAX_CALL, "attribute_exists"},
	[CMZ_OP_NOT_EXISTS] = {SYNTAX_CALL, "attribute_not_exists"},
	[CMZ_OP_HAS_TYPE] = {SYNTAX_CALL, "attribute_type"},
};

/* Where the walk writes; without placeholders it writes for people. */
typedef struct Writer
{
	StringInfo	buf;
	CmzPlaceholders *placeholders;
} Writer;

void
cmz_placeholders_init(CmzPlaceholders *placeholders)
{
	memset(placeholders, 0, sizeof(*placeholders));
}

void
cmz_placeholders_free(CmzPlaceholders *placeholders)
{
	if (placeholders->names)
		pfree(placeholders->names);
	if (placeholders->values)
		pfree(placeholders->values);
	cmz_placeholders_init(placeholders);
}

void
cmz_expression_append_name(StringInfo buf, CmzPlaceholders *placeholders, const char *attribute)
{
	int			i;

	for (i = 0; i < placeholders->nnames; i++)
		if (strcmp(placeholders->names[i], attribute) == 0)
			break;
	if (i == placeholders->max_names)
	{
		placeholders->max_names = Max(16, placeholders->max_names * 2);
		placeholders->names = placeholders->names
			? repalloc(placeholders->names, sizeof(char *) * placeholders->max_names)
			: palloc(sizeof(char *) * placeholders->max_names);
	}
	if (i == placeholders->nnames)
		placeholders->names[placeholders->nnames++] = attribute;
	appendStringInfo(buf, "#%d", i);
}

static void
append_value(StringInfo buf, CmzPlaceholders *placeholders, const CmzOperand *operand)
{
	if (placeholders->nvalues == placeholders->max_values)
	{
		placeholders->max_values = Max(16, placeholders->max_values * 2);
		placeholders->values = placeholders->values
			? repalloc(placeholders->values, sizeof(CmzOperand) * placeholders->max_values)
			: palloc(sizeof(CmzOperand) * placeholders->max_values);
	}
	placeholders->values[placeholders->nvalues] = *operand;
	appendStringInfo(buf, ":%d", placeholders->nvalues++);
}

void
cmz_attribute_explain(StringInfo buf, const char *attribute)
{
	size_t		plain = strspn(attribute, "abcdefghijklmnopqrstuvwxyz"
							   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (attribute[plain] == '\0' && plain > 0)
		appendStringInfoString(buf, attribute);
	else
		cmz_json_append_cstring(buf, attribute);
}

static void
explain_operand(StringInfo buf, const CmzOperand *operand)
{
	switch (operand->type)
	{
		case CMZ_TYPE_S:
			appendStringInfoChar(buf, '\'');
			for (int i = 0; i < operand->len; i++)
			{
				if (operand->data[i] == '\'')
					appendStringInfoChar(buf, '\'');
				appendStringInfoChar(buf, operand->data[i]);
			}
			appendStringInfoChar(buf, '\'');
			break;
		case CMZ_TYPE_B:
			appendStringInfoString(buf, "b'");
			cmz_json_append_base64(buf, operand->data, operand->len);
			appendStringInfoChar(buf, '\'');
			break;
		case CMZ_TYPE_BOOL:
			appendStringInfoString(buf, operand->boolean ? "true" : "false");
			break;
		default:
			appendBinaryStringInfo(buf, operand->data, operand->len);
			break;
	}
}

static void
write_name(Writer *writer, const char *attribute)
{
	if (writer->placeholders)
		cmz_expression_append_name(writer->buf, writer->placeholders, attribute);
	else
		cmz_attribute_explain(writer->buf, attribute);
}

static void
write_operand(Writer *writer, const CmzOperand *operand)
{
	if (writer->placeholders)
		append_value(writer->buf, writer->placeholders, operand);
	else
		explain_operand(writer->buf, operand);
}

static void
write_condition(Writer *writer, const CmzCondition *condition, bool nested)
{
	StringInfo	buf = writer->buf;
	const char *text = operators[condition->op].text;
	const CmzOperand *operands = condition->operands;

	switch (operators[condition->op].syntax)
	{
		case SYNTAX_LIST:
			if (nested)
				appendStringInfoChar(buf, '(');
			for (int i = 0; i < condition->nargs; i++)
			{
				if (i > 0)
					appendStringInfoString(buf, text);
				write_condition(writer, condition->args[i], true);
			}
			if (nested)
				appendStringInfoChar(buf, ')');
			break;
		case SYNTAX_INFIX:
			write_name(writer, condition->attribute);
			appendStringInfoString(buf, text);
			write_operand(writer, &operands[0]);
			break;
		case SYNTAX_BETWEEN:
			write_name(writer, condition->attribute);
			appendStringInfoString(buf, text);
			write_operand(writer, &operands[0]);
			appendStringInfoString(buf, " AND ");
			write_operand(writer, &operands[1]);
			break;
		case SYNTAX_CALL:
			appendStringInfo(buf, "%s(", text);
			write_name(writer, condition->attribute);
			for (int i = 0; i < condition->noperands; i++)
			{
				appendStringInfoString(buf, ", ");
				write_operand(writer, &operands[i]);
			}
			appendStringInfoChar(buf, ')');
			break;
		case SYNTAX_IN:
			write_name(writer, condition->attribute);
			appendStringInfoString(buf, text);
			for (int i = 0; i < condition->noperands; i++)
			{
				appendStringInfoString(buf, i == 0 ? "(" : ", ");
				write_operand(writer, &operands[i]);
			}
			appendStringInfoChar(buf, ')');
			break;
	}
}

void
cmz_expression_append(StringInfo buf, CmzPlaceholders *placeholders, const CmzCondition *condition)
{
	Writer		writer = {buf, placeholders};

	write_condition(&writer, condition, false);
}

void
cmz_condition_explain(StringInfo buf, const CmzCondition *condition)
{
	Writer		writer = {buf, NULL};

	write_condition(&writer, condition, false);
}

int
cmz_condition_operators(const CmzCondition *condition)
{
	int			n = Max(condition->nargs - 1, 0);

	if (operators[condition->op].syntax == SYNTAX_IN)
		return condition->noperands;
	if (operators[condition->op].syntax != SYNTAX_LIST)
		return 1;
	for (int i = 0; i < condition->nargs; i++)
		n += cmz_condition_operators(condition->args[i]);
	return n;
}

void
cmz_operand_append_json(StringInfo buf, const CmzOperand *operand)
{
	appendStringInfo(buf, "{\"%s\":", cmz_type_name(operand->type));
	switch (operand->type)
	{
		case CMZ_TYPE_B:
			appendStringInfoChar(buf, '"');
			cmz_json_append_base64(buf, operand->data, operand->len);
			appendStringInfoChar(buf, '"');
			break;
		case CMZ_TYPE_BOOL:
			appendStringInfoString(buf, operand->boolean ? "true" : "false");
			break;
		default:
			cmz_json_append_string(buf, operand->data, operand->len);
			break;
	}
	appendStringInfoChar(buf, '}');
}

void
cmz_placeholders_append_json(StringInfo buf, const CmzPlaceholders *placeholders)
{
	for (int i = 0; i < placeholders->nnames; i++)
	{
		if (i == 0)
		{
			cmz_json_append_name(buf, "ExpressionAttributeNames");
			appendStringInfoChar(buf, '{');
		}
		appendStringInfo(buf, "%s\"#%d\":", i == 0 ? "" : ",", i);
		cmz_json_append_cstring(buf, placeholders->names[i]);
	}
	if (placeholders->nnames > 0)
		appendStringInfoChar(buf, '}');
	for (int i = 0; i < placeholders->nvalues; i++)
	{
		if (i == 0)
		{
			cmz_json_append_name(buf, "ExpressionAttributeValues");
			appendStringInfoChar(buf, '{');
		}
		appendStringInfo(buf, "%s\":%d\":", i == 0 ? "" : ",", i);
		cmz_operand_append_json(buf, &placeholders->values[i]);
	}
	if (placeholders->nvalues > 0)
		appendStringInfoChar(buf, '}');
}
