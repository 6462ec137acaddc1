/*
 * conversation.h
 *	  The conversation data model: attributes, composite sort key, retention.
 *
 * An item is one message.  Its table is keyed by userId and sessionIdTimestamp,
 * the latter being "sessionId#timestamp".
 */
#ifndef CMZ_CONVERSATION_H
#define CMZ_CONVERSATION_H

#include "base/base.h"

#define CMZ_USER_ID					"userId"
#define CMZ_SESSION_ID_TIMESTAMP	"sessionIdTimestamp"
#define CMZ_SESSION_ID				"sessionId"
#define CMZ_TIMESTAMP				"timestamp"
#define CMZ_ANIMAL_ID				"animalId"
#define CMZ_PARENT_USER_ID			"parentUserId"
#define CMZ_TTL						"ttl"

#define CMZ_DEFAULT_TABLE_NAME		"cmz-conversations"
#define CMZ_DEFAULT_TTL_DAYS		90
#define CMZ_RECOVERY_DAYS			35	/* the most there are */
#define CMZ_COMPOSITE_SEPARATOR		'#'

/* What a foreign table of conversations looks like by default. */
typedef struct CmzModelColumn
{
	const char *attribute;
	const char *column;			/* the name with underscores */
	const char *sql_type;
	bool		not_null;
} CmzModelColumn;

#define CMZ_MODEL_COLUMNS 10
extern const CmzModelColumn cmz_conversation_columns[CMZ_MODEL_COLUMNS];

/*
 * The attribute of the model whose name equals the column's when case and
 * underscores are ignored; NULL if there is none.
 */
extern const char *cmz_conversation_attribute(const char *column);

/* Append the composite sort key of a session and a time's text. */
extern void cmz_conversation_append_key(StringInfo buf, const char *session, int session_len,
										const char *time, int time_len);

#endif							/* CMZ_CONVERSATION_H */
