/*
 * test_layout.c
 *	  The options "key" and "indexes": parse, print, refuse.
 */
#include "unit.h"

#include "base/layout.h"

static void
prints(const char *key, const char *indexes, const char *expected)
{
	CmzLayout	layout;
	char	   *error;
	StringInfoData buf;

	initStringInfo(&buf);
	if (cmz_layout_parse(key, indexes, &layout, &error))
	{
		cmz_layout_print_key(&buf, &layout.table);
		appendStringInfoString(&buf, " | ");
		cmz_layout_print_indexes(&buf, &layout);
		appendStringInfoString(&buf, layout.conversation ? " | conversation" : "");
	}
	else
		appendStringInfoString(&buf, error);
	is(buf.data, expected, indexes ? indexes : key ? key : "defaults");
}

void
test_layout(void)
{
	prints(NULL, NULL, "userId, sessionIdTimestamp | SessionIndex (sessionId, timestamp), "
		   "AnimalIndex (animalId, timestamp), ParentUserIndex (parentUserId, timestamp) | conversation");
	prints("userId,sessionIdTimestamp", "none", "userId, sessionIdTimestamp | none | conversation");
	prints("id", NULL, "id | none");
	prints(" id , \"so\"\"rt\" ", " none (a) ", "id, \"so\"\"rt\" | none (a)");
	prints("id", "A (a) keys_only, B(b,c) include (x, \"y z\") complete,C (id, d) local",
		   "id | A (a) keys_only, B (b, c) include (x, \"y z\") complete, C (id, d) local");
	prints("", NULL, "Expected the name of a partition key at the end.");
	prints("a, b, c", NULL, "Expected at most two names at \", c\".");
	prints("a, a", NULL, "\"a\" cannot be both partition key and sort key.");
	prints("id", "A", "Expected \"(\" at the end.");
	prints("id", "A (x", "Expected \")\" at the end.");
	prints("id", "A (x) wrong", "Expected \"local\", \"keys_only\", \"include (...)\", \"complete\" or \",\" at \"wrong\".");
	prints("id", "A (x), A (y)", "Index \"A\" is named twice.");
	prints("id", "A (x) local", "The partition key of local index \"A\" must be the table's, \"id\".");
	prints("id", "A (x) include (", "Expected the name of an attribute at the end.");
	prints("id", "\"A", "Expected a closing quote at the end.");
	prints("id", "A (x),", "Expected the name of an index at the end.");
}
