/*
 * key.c
 *	  The primary key of an item: partition key and, in most tables, sort key.
 */
#include "base/base.h"

#include "base/expression.h"
#include "base/json.h"
#include "base/key.h"
#include "base/number.h"

void
cmz_key_append_canonical(StringInfo buf, const CmzOperand *key)
{
	for (int i = 0; i < 2 && key[i].type != CMZ_TYPE_NONE; i++)
	{
		appendStringInfoString(buf, cmz_type_name(key[i].type));
		/* each says where it ends, so that two parts do not run into each other */
		if (key[i].type == CMZ_TYPE_S)
		{
			cmz_json_append_string(buf, key[i].data, key[i].len);
			continue;
		}
		if (key[i].type == CMZ_TYPE_N)
			cmz_number_append_canonical(buf, key[i].data, key[i].len);
		else
			cmz_json_append_base64(buf, key[i].data, key[i].len);
		appendStringInfoChar(buf, ';');
	}
}

char *
cmz_key_id(const CmzOperand *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_key_append_canonical(&buf, key);
	return buf.data;
}

void
cmz_key_append_json(StringInfo buf, const CmzIndex *keys, const CmzOperand *partition,
					const CmzOperand *sort)
{
	appendStringInfoChar(buf, '{');
	cmz_json_append_name(buf, keys->partition_key);
	cmz_operand_append_json(buf, partition);
	if (sort != NULL)
	{
		cmz_json_append_name(buf, keys->sort_key);
		cmz_operand_append_json(buf, sort);
	}
	appendStringInfoChar(buf, '}');
}

void
cmz_key_describe(StringInfo buf, const CmzIndex *keys, const CmzOperand *key)
{
	appendStringInfo(buf, "(%s%s%s)=(", keys->partition_key, keys->sort_key ? ", " : "",
					 keys->sort_key ? keys->sort_key : "");
	for (int i = 0; i < (keys->sort_key ? 2 : 1); i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		if (key[i].type == CMZ_TYPE_B)
			cmz_json_append_base64(buf, key[i].data, key[i].len);
		else
			appendBinaryStringInfo(buf, key[i].data, key[i].len);
	}
	appendStringInfoChar(buf, ')');
}
