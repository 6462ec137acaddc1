/*
 * conversation.c
 *	  The conversation data model: attributes, composite sort key, retention.
 */
#include "base/base.h"

#include "base/conversation.h"

const CmzModelColumn cmz_conversation_columns[CMZ_MODEL_COLUMNS] = {
	{CMZ_USER_ID, "user_id", "text COLLATE \"C\"", true},
	{CMZ_SESSION_ID_TIMESTAMP, "session_id_timestamp", "text COLLATE \"C\"", true},
	{CMZ_SESSION_ID, "session_id", "text COLLATE \"C\"", false},
	{CMZ_ANIMAL_ID, "animal_id", "text COLLATE \"C\"", false},
	{CMZ_PARENT_USER_ID, "parent_user_id", "text COLLATE \"C\"", false},
	{"messageType", "message_type", "text COLLATE \"C\"", false},
	{CMZ_TIMESTAMP, "timestamp", "timestamptz", true},
	{"content", "content", "text", false},
	{"tokensUsed", "tokens_used", "integer", false},
	{CMZ_TTL, "ttl", "timestamptz", false},
};

/* Compare two names, ignoring ASCII case and underscores. */
static bool
same_name(const char *a, const char *b)
{
	for (;; a++, b++)
	{
		while (*a == '_')
			a++;
		while (*b == '_')
			b++;
		if (pg_tolower((unsigned char) *a) != pg_tolower((unsigned char) *b))
			return false;
		if (*a == '\0')
			return true;
	}
}

const char *
cmz_conversation_attribute(const char *column)
{
	for (int i = 0; i < CMZ_MODEL_COLUMNS; i++)
		if (same_name(cmz_conversation_columns[i].attribute, column))
			return cmz_conversation_columns[i].attribute;
	return NULL;
}

void
cmz_conversation_append_key(StringInfo buf, const char *session, int session_len,
							const char *time, int time_len)
{
	appendBinaryStringInfo(buf, session, session_len);
	appendStringInfoChar(buf, CMZ_COMPOSITE_SEPARATOR);
	appendBinaryStringInfo(buf, time, time_len);
}
