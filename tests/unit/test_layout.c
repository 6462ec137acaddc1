/*
 * test_layout.c
 *	  The options "key" and "indexes": parse, print, refuse.
 */
#include "unit.h"

#include "base/layout.h"

#define NO_INDEX_NAME \
	"cannot be the name of an index: it has 3 to 255 letters, digits, underscores, hyphens and periods."

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

/* What DynamoDB takes as the name of an index, and what it does not. */
static void
names_of_indexes(void)
{
	static const char *const wrong[] = {"ab", "a b", "B\303\244r", "a'b", "a/b", "a\001b"};
	char		longest[256];

	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	prints("id", psprintf("\"A.b-_9\" (a), %s (b)", longest), psprintf("id | A.b-_9 (a), %s (b)", longest));
	prints("id", psprintf("%sx (b)", longest), psprintf("\"%sx\" " NO_INDEX_NAME, longest));
	for (int i = 0; i < (int) lengthof(wrong); i++)
		prints("id", psprintf("\"%s\" (x)", wrong[i]), psprintf("\"%s\" " NO_INDEX_NAME, wrong[i]));
}

void
test_layout(void)
{
	prints(NULL, NULL, "userId, sessionIdTimestamp | SessionIndex (sessionId, timestamp), "
		   "AnimalIndex (animalId, timestamp), ParentUserIndex (parentUserId, timestamp) | conversation");
	prints("userId,sessionIdTimestamp", "none", "userId, sessionIdTimestamp | none | conversation");
	prints("id", NULL, "id | none");
	prints(" id , \"so\"\"rt\" ", " none (a) ", "id, \"so\"\"rt\" | none (a)");
	prints("id", "ByA (a) keys_only, ByB(b,c) include (x, \"y z\") complete,ByC (id, d) local",
		   "id | ByA (a) keys_only, ByB (b, c) include (x, \"y z\") complete, ByC (id, d) local");
	prints("", NULL, "Expected the name of a partition key at the end.");
	prints("a, b, c", NULL, "Expected at most two names at \", c\".");
	prints("a, a", NULL, "\"a\" cannot be both partition key and sort key.");
	prints("id", "ByA", "Expected \"(\" at the end.");
	prints("id", "ByA (x", "Expected \")\" at the end.");
	prints("id", "ByA (x) wrong", "Expected \"local\", \"keys_only\", \"include (...)\", \"complete\" or \",\" at \"wrong\".");
	prints("id", "ByA (x), ByA (y)", "Index \"ByA\" is named twice.");
	prints("id", "ByA (x) local", "The partition key of local index \"ByA\" must be the table's, \"id\".");
	prints("id", "ByA (x) include (", "Expected the name of an attribute at the end.");
	prints("id", "\"ByA", "Expected a closing quote at the end.");
	prints("id", "ByA (x),", "Expected the name of an index at the end.");
	names_of_indexes();
}
