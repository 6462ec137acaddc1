/*
 * writerequest.c
 *	  One conditional write: from what stands there and what shall stand there to
 *	  PutItem, UpdateItem or DeleteItem.
 *
 * Every write but an unconditional deletion says what it relies on, so that it
 * neither takes effect twice nor overwrites what somebody else has written.
 */
#include "base/base.h"

#include "base/expression.h"
#include "base/json.h"
#include "base/key.h"
#include "base/writerequest.h"

/* The expressions of one write, and the placeholders that they share. */
typedef struct Writer
{
	const CmzWrite *write;
	CmzPlaceholders names;
	StringInfoData values;		/* members of ExpressionAttributeValues */
	int			nvalues;
	int			noperators;		/* of the condition, as DynamoDB counts them */
	StringInfoData condition;
	StringInfoData update;
} Writer;

static bool
is_changed(const CmzWrite *write, const CmzImageAttribute *attribute)
{
	return !cmz_image_same(write->base, write->image, attribute->name);
}

/* Anything to SET or REMOVE? */
static bool
has_changes(const CmzWrite *write)
{
	for (int i = 0; i < write->image->n; i++)
		if (is_changed(write, &write->image->attributes[i]))
			return true;
	for (int i = 0; i < write->base->n; i++)
		if (cmz_image_find(write->image, write->base->attributes[i].name) == NULL)
			return true;
	return false;
}

CmzWriteOp
cmz_write_op(const CmzWrite *write)
{
	if (write->image == NULL)
		return write->base || write->unconditional ? CMZ_WRITE_DELETE : CMZ_WRITE_NOTHING;
	if (write->base == NULL || write->fresh)
		return CMZ_WRITE_PUT;
	return has_changes(write) ? CMZ_WRITE_UPDATE : CMZ_WRITE_NOTHING;
}

const char *
cmz_write_operation(CmzWriteOp op)
{
	static const char *const names[] = {"nothing", "PutItem", "UpdateItem", "DeleteItem"};

	return names[op];
}

const char *
cmz_write_action(CmzWriteOp op)
{
	static const char *const names[] = {"nothing", "Put", "Update", "Delete"};

	return names[op];
}

static void
append_name(Writer *writer, StringInfo buf, const char *name)
{
	cmz_expression_append_name(buf, &writer->names, name);
}

static void
append_value(Writer *writer, StringInfo buf, const CmzImageAttribute *attribute)
{
	appendStringInfo(buf, ":%d", writer->nvalues);
	appendStringInfo(&writer->values, "%s\":%d\":", writer->nvalues > 0 ? "," : "",
					 writer->nvalues);
	appendBinaryStringInfo(&writer->values, attribute->value, attribute->len);
	writer->nvalues++;
}

static void
append_call(Writer *writer, const char *function, const char *name)
{
	StringInfo	buf = &writer->condition;

	writer->noperators += buf->len > 0 ? 2 : 1;
	appendStringInfo(buf, "%s%s(", buf->len > 0 ? " AND " : "", function);
	append_name(writer, buf, name);
	appendStringInfoChar(buf, ')');
}

/* The attribute must still be what it was. */
static void
append_expected(Writer *writer, const char *name)
{
	const CmzImageAttribute *attribute = cmz_image_find(writer->write->base, name);

	if (cmz_index_has_key(writer->write->keys, name))
		return;
	if (attribute == NULL)
	{
		append_call(writer, "attribute_not_exists", name);
		return;
	}
	writer->noperators += 2;
	appendStringInfoString(&writer->condition, " AND ");
	append_name(writer, &writer->condition, name);
	appendStringInfoString(&writer->condition, " = ");
	append_value(writer, &writer->condition, attribute);
}

/* Changed attributes say by themselves what they expect. */
static bool
is_said_already(const CmzWrite *write, CmzWriteOp op, int i)
{
	for (int j = 0; j < i; j++)
		if (strcmp(write->expected[j], write->expected[i]) == 0)
			return true;
	return op == CMZ_WRITE_UPDATE && !cmz_image_same(write->base, write->image, write->expected[i]);
}

static void
append_condition(Writer *writer, CmzWriteOp op)
{
	const CmzWrite *write = writer->write;

	if (write->unconditional)
		return;
	append_call(writer, write->base ? "attribute_exists" : "attribute_not_exists",
				write->keys->partition_key);
	for (int i = 0; write->base != NULL && i < write->nexpected; i++)
		if (!is_said_already(write, op, i))
			append_expected(writer, write->expected[i]);
}

/* SET and REMOVE, and with each what it expects. */
static void
append_update(Writer *writer)
{
	const CmzWrite *write = writer->write;
	StringInfo	update = &writer->update;
	const char *clause = "SET ";

	for (int i = 0; i < write->image->n; i++)
	{
		const CmzImageAttribute *attribute = &write->image->attributes[i];

		if (!is_changed(write, attribute))
			continue;
		appendStringInfoString(update, clause);
		append_name(writer, update, attribute->name);
		appendStringInfoString(update, " = ");
		append_value(writer, update, attribute);
		append_expected(writer, attribute->name);
		clause = ", ";
	}
	clause = update->len > 0 ? " REMOVE " : "REMOVE ";
	for (int i = 0; i < write->base->n; i++)
	{
		const char *name = write->base->attributes[i].name;

		if (cmz_image_find(write->image, name) != NULL)
			continue;
		appendStringInfoString(update, clause);
		append_name(writer, update, name);
		append_expected(writer, name);
		clause = ", ";
	}
}

static void
append_members(StringInfo body, Writer *writer)
{
	if (writer->update.len > 0)
		cmz_json_append_member(body, "UpdateExpression", writer->update.data);
	if (writer->condition.len > 0)
		cmz_json_append_member(body, "ConditionExpression", writer->condition.data);
	cmz_placeholders_append_json(body, &writer->names);
	if (writer->nvalues == 0)
		return;
	cmz_json_append_name(body, "ExpressionAttributeValues");
	appendStringInfo(body, "{%s}", writer->values.data);
}

bool
cmz_write_append(StringInfo body, const CmzWrite *write)
{
	CmzWriteOp	op = cmz_write_op(write);
	Writer		writer;
	bool		fits;

	memset(&writer, 0, sizeof(writer));
	writer.write = write;
	cmz_placeholders_init(&writer.names);
	initStringInfo(&writer.values);
	initStringInfo(&writer.condition);
	initStringInfo(&writer.update);
	append_condition(&writer, op);
	if (op == CMZ_WRITE_UPDATE)
		append_update(&writer);

	cmz_json_append_member(body, "TableName", write->table);
	if (op == CMZ_WRITE_PUT)
	{
		cmz_json_append_name(body, "Item");
		cmz_image_append_json(body, write->image);
	}
	else
	{
		cmz_json_append_name(body, "Key");
		cmz_key_append_json(body, write->keys, &write->key[0],
							write->keys->sort_key ? &write->key[1] : NULL);
	}
	append_members(body, &writer);
	fits = writer.condition.len <= CMZ_MAX_EXPRESSION && writer.update.len <= CMZ_MAX_EXPRESSION &&
		writer.noperators <= CMZ_MAX_OPERATORS;
	cmz_placeholders_free(&writer.names);
	pfree(writer.values.data);
	pfree(writer.condition.data);
	pfree(writer.update.data);
	return fits;
}

size_t
cmz_write_size(const CmzWrite *write)
{
	const char *largest;
	size_t		before = write->base ? cmz_image_size(write->base, &largest) : 0;
	size_t		after = write->image ? cmz_image_size(write->image, &largest) : 0;

	return Max(before, after);
}

/* All attributes of a are the same in b. */
static bool
covers(const CmzImage *a, const CmzImage *b)
{
	for (int i = 0; i < a->n; i++)
		if (!cmz_image_same(a, b, a->attributes[i].name))
			return false;
	return true;
}

/* What the write would change stands in found as it does in image. */
static bool
holds_changes(const CmzWrite *write, const CmzImage *image, const CmzImage *found)
{
	const CmzImage *sides[2] = {write->base, write->image};

	for (int side = 0; side < 2; side++)
		for (int i = 0; i < sides[side]->n; i++)
		{
			const char *name = sides[side]->attributes[i].name;

			if (!cmz_image_same(write->base, write->image, name) &&
				!cmz_image_same(image, found, name))
				return false;
		}
	return true;
}

CmzWriteTrace
cmz_write_trace(const CmzWrite *write, const CmzImage *found)
{
	CmzWriteOp	op = cmz_write_op(write);

	if (found == NULL)
	{
		if (write->image == NULL)
			return CMZ_TRACE_WRITTEN;
		return write->base == NULL ? CMZ_TRACE_UNTOUCHED : CMZ_TRACE_OTHER;
	}
	if (op == CMZ_WRITE_PUT && found->n == write->image->n && covers(write->image, found))
		return CMZ_TRACE_WRITTEN;
	if (op == CMZ_WRITE_UPDATE && holds_changes(write, write->image, found))
		return CMZ_TRACE_WRITTEN;
	if (op == CMZ_WRITE_UPDATE && holds_changes(write, write->base, found))
		return CMZ_TRACE_UNTOUCHED;
	if (op != CMZ_WRITE_UPDATE && write->base != NULL && covers(write->base, found))
		return CMZ_TRACE_UNTOUCHED;
	return CMZ_TRACE_OTHER;
}
