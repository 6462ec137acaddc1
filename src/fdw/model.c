/*
 * model.c
 *	  What the data model of conversations adds to an item, and what keys must be.
 *
 * A message's time, its composite key "session#time" and its ttl depend on each
 * other; keys are checked last, whoever made them.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "base/isotime.h"
#include "base/number.h"
#include "fdw/build.h"
#include "utils/timestamp.h"

/* Check a stored time as the data model wants it: ISO 8601, UTC. */
static int64
parse_time(CmzBuild *build, const CmzOperand *text)
{
	int64		usec;
	CmzZone		zone;

	if (!cmz_isotime_parse(text->data, text->len, &usec, &zone) || zone != CMZ_ZONE_UTC)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				 errmsg("invalid value for column \"%s\": \"%s\"",
						cmz_build_column_name(build, CMZ_TIMESTAMP),
						cmz_value_server_text(text->data, text->len)),
				 errhint("A conversation's time is written in ISO 8601 and UTC, such as \"2025-01-19T12:00:00Z\".")));
	return usec;
}

/* The composite key is "session#time": the time's part, if it is one. */
static bool
time_of_composite(CmzBuild *build, const CmzOperand *session, CmzOperand *time)
{
	const CmzOperand *text = cmz_build_string(build, CMZ_SESSION_ID_TIMESTAMP);

	if (text == NULL || text->len <= session->len + 1 ||
		memcmp(text->data, session->data, session->len) != 0 ||
		text->data[session->len] != CMZ_COMPOSITE_SEPARATOR)
		return false;
	*time = cmz_operand_string(text->data + session->len + 1, text->len - session->len - 1);
	return true;
}

/* The clock, but later than the row before: rows must not share a key. */
static int64
next_time(CmzItemBuilder *builder)
{
	int64		usec;

	(void) cmz_value_unix_usec(GetCurrentTimestamp(), &usec);
	builder->last_usec = Max(usec, builder->last_usec + 1);
	return builder->last_usec;
}

/* The message's time: given, in the composite key, or now. */
static int64
complete_timestamp(CmzBuild *build, const CmzOperand *session, CmzOperand *text)
{
	const CmzOperand *given = cmz_build_string(build, CMZ_TIMESTAMP);
	int64		usec;

	if (given != NULL)
	{
		*text = *given;
		return parse_time(build, text);
	}
	if (time_of_composite(build, session, text))
		usec = parse_time(build, text);
	else
	{
		char	   *buf = palloc(CMZ_ISOTIME_SIZE);

		usec = next_time(build->builder);
		cmz_isotime_format(usec, buf);
		*text = cmz_operand_cstring(buf);
	}
	cmz_build_set(build, CMZ_TIMESTAMP, *text);
	return usec;
}

static CmzOperand
make_composite(const CmzOperand *session, const CmzOperand *time)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_conversation_append_key(&buf, session->data, session->len, time->data, time->len);
	return cmz_operand_string(buf.data, buf.len);
}

/* A composite key that the row gives must agree with the two. */
static void
check_composite(CmzBuild *build, const CmzOperand *given, const CmzOperand *key)
{
	if (given->len == key->len && memcmp(given->data, key->data, key->len) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("column \"%s\" disagrees with the session and the time of the message",
					cmz_build_column_name(build, CMZ_SESSION_ID_TIMESTAMP)),
			 errdetail("The value is \"%s\", it must be \"%s\".",
					   cmz_value_server_text(given->data, given->len),
					   cmz_value_server_text(key->data, key->len)),
			 errhint("Leave the column out, and it is made from the two.")));
}

/* Whole seconds of a message's expiry: that is what DynamoDB looks at. */
static char *
default_ttl(const CmzTable *table, int64 usec)
{
	int64		expiry = (usec - CMZ_ISOTIME_MIN) / CMZ_USECS_PER_SEC +
		CMZ_ISOTIME_MIN / CMZ_USECS_PER_SEC + (int64) table->ttl_days * SECS_PER_DAY;

	if (expiry > CMZ_ISOTIME_MAX / CMZ_USECS_PER_SEC)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the ttl of the message would be out of range"),
				 errdetail("DynamoDB's times are kept from year 1 to year 9999."),
				 errhint("Give an earlier time, a ttl, or set option ttl_days to 0.")));
	return psprintf(INT64_FORMAT, expiry);
}

static void
count_expired(CmzBuild *build, const char *ttl)
{
	int64		now;
	char	   *now_digits;

	(void) cmz_value_unix_usec(GetCurrentTimestamp(), &now);
	now_digits = psprintf(INT64_FORMAT, now / CMZ_USECS_PER_SEC);
	if (cmz_number_compare(ttl, strlen(ttl), "0", 1) > 0 &&
		cmz_number_compare(ttl, strlen(ttl), now_digits, strlen(now_digits)) <= 0)
		build->builder->expired++;
}

static void
complete_ttl(CmzBuild *build, int64 usec)
{
	CmzBuildAttribute *attribute = cmz_build_find(build, CMZ_TTL);
	char	   *digits;

	if (attribute == NULL && build->table->ttl_days == 0)
		return;
	if (attribute == NULL)
	{
		digits = default_ttl(build->table, usec);
		cmz_build_set(build, CMZ_TTL, cmz_operand_number(digits));
	}
	else if (!attribute->scalar || attribute->operand.type != CMZ_TYPE_N)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" must be kept as a number: Unix time in seconds",
						cmz_build_column_name(build, CMZ_TTL)),
				 errhint("DynamoDB deletes only items whose ttl is such a number.")));
	else
		digits = pnstrdup(attribute->operand.data, attribute->operand.len);
	count_expired(build, digits);
}

void
cmz_model_complete(CmzBuild *build)
{
	const CmzOperand session = *cmz_build_required_string(build, CMZ_SESSION_ID);
	const CmzOperand *composite;
	CmzOperand	time;
	CmzOperand	key;
	int64		usec = complete_timestamp(build, &session, &time);

	key = make_composite(&session, &time);
	composite = cmz_build_string(build, CMZ_SESSION_ID_TIMESTAMP);
	if (composite == NULL)
		cmz_build_set(build, CMZ_SESSION_ID_TIMESTAMP, key);
	else
		check_composite(build, composite, &key);
	complete_ttl(build, usec);
}

void
cmz_model_adjust(CmzBuild *build)
{
	CmzBuildAttribute *composite = cmz_build_find(build, CMZ_SESSION_ID_TIMESTAMP);
	const CmzOperand *session;
	const CmzOperand *time;
	CmzOperand	key;

	if (composite == NULL && cmz_build_find(build, CMZ_SESSION_ID) == NULL &&
		cmz_build_find(build, CMZ_TIMESTAMP) == NULL)
		return;
	session = cmz_build_required_string(build, CMZ_SESSION_ID);
	time = cmz_build_required_string(build, CMZ_TIMESTAMP);
	(void) parse_time(build, time);
	key = make_composite(session, time);
	if (composite == NULL)
		cmz_build_set(build, CMZ_SESSION_ID_TIMESTAMP, key);
	else
		check_composite(build, cmz_build_required_string(build, CMZ_SESSION_ID_TIMESTAMP), &key);
}

static void
check_key(CmzBuild *build, const char *name, bool required, int limit)
{
	CmzBuildAttribute *attribute = name ? cmz_build_find(build, name) : NULL;

	if (name == NULL || (attribute == NULL && (!required || build->before)))
		return;
	if ((attribute == NULL || attribute->removed) && required)
		(void) cmz_build_required_string(build, name);	/* raises the error */
	if (attribute == NULL || attribute->removed)
		return;
	if (!attribute->scalar || attribute->operand.type == CMZ_TYPE_BOOL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" is a key and must be a string, a number or bytea",
						cmz_build_column_name(build, name))));
	if (attribute->operand.type != CMZ_TYPE_N && attribute->operand.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" cannot be empty", cmz_build_column_name(build, name)),
				 errdetail("Attribute \"%s\" is a key of the table or of an index.",
						   cmz_value_server_text(name, strlen(name))),
				 required ? 0 : errhint("Use NULL to leave the attribute out.")));
	if (attribute->operand.len > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column \"%s\" is too long for a key", cmz_build_column_name(build, name)),
				 errdetail("It has %d bytes, DynamoDB allows %d.", attribute->operand.len, limit)));
}

void
cmz_model_check_keys(CmzBuild *build)
{
	const CmzLayout *layout = &build->table->layout;

	if (layout->conversation)
		check_key(build, CMZ_SESSION_ID, true, CMZ_MAX_PARTITION_KEY);
	check_key(build, layout->table.partition_key, true, CMZ_MAX_PARTITION_KEY);
	check_key(build, layout->table.sort_key, true, CMZ_MAX_SORT_KEY);
	for (int i = 0; i < layout->nindexes; i++)
	{
		check_key(build, layout->indexes[i].partition_key, false, CMZ_MAX_PARTITION_KEY);
		check_key(build, layout->indexes[i].sort_key, false, CMZ_MAX_SORT_KEY);
	}
}
