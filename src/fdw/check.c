/*
 * check.c
 *	  cmz_check_table(): every setting of the conversation guide against the live
 *	  table, and the foreign table against it.
 *
 * The table of checks below makes the rows, in its order.  "actual" is always what
 * the live table has; what could not be found out has ok NULL.  Each row that is
 * not right has a hint: the cause, and what to do.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "fdw/live.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "fdw/ttl.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define COLUMNS			5
#define RECOVERY_DAYS	CppAsString2(CMZ_RECOVERY_DAYS)
#define KMS_ALIAS		"alias/aws/dynamodb"

typedef enum Verdict
{
	WRONG,
	RIGHT,
	UNKNOWN
} Verdict;

/* Where a setting is found. */
typedef enum Source
{
	FROM_TABLE,
	FROM_TTL,
	FROM_BACKUPS
} Source;

static const struct
{
	const char *operation;
	const char *member;			/* of its answer */
}			sources[] = {
	[FROM_TABLE] = {"DescribeTable", "Table"},
	[FROM_TTL] = {"DescribeTimeToLive", "TimeToLiveDescription"},
	[FROM_BACKUPS] = {"DescribeContinuousBackups", "ContinuousBackupsDescription"},
};

#define SOURCES lengthof(sources)

typedef struct Inspection
{
	ReturnSetInfo *rsinfo;
	const CmzTable *table;
	const CmzClient *client;
	CmzProbe	probes[SOURCES];
	json_t	   *documents[SOURCES]; /* NULL: the probe failed */
	CmzLayout	guide;
	CmzLayout	live;
} Inspection;

typedef struct Check Check;
struct Check
{
	const char *item;
	const char *expected;
	void		(*look) (Inspection *in, const Check *check);

	/* for look_member */
	Source		source;
	const char *path;			/* of members, with periods */
	const char *absent;			/* what it means if there is none */
	const char *also;			/* another value that is right */

	/* for the hint */
	const char *cause;
	const char *change;			/* arguments of aws dynamodb update-table, or
								 * configure; NULL: the cause says it all */
};

/* As a change: cmz_configure_table() makes it. */
static const char configure[] = "cmz_configure_table";

static void look_member(Inspection *in, const Check *check);
static void look_partition_key(Inspection *in, const Check *check);
static void look_sort_key(Inspection *in, const Check *check);
static void look_indexes(Inspection *in, const Check *check);
static void look_encryption(Inspection *in, const Check *check);
static void look_kms_key(Inspection *in, const Check *check);
static void look_ttl_values(Inspection *in, const Check *check);
static void look_recovery_window(Inspection *in, const Check *check);
static void look_protection(Inspection *in, const Check *check);
static void look_option_key(Inspection *in, const Check *check);
static void look_option_indexes(Inspection *in, const Check *check);
static void look_columns(Inspection *in, const Check *check);

#define KEYS_CAUSE \
	"The keys of a table cannot be changed: create another table with cmz_create_table(), and copy the items."
#define STREAM		"StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
#define SSE			"--sse-specification Enabled=true,SSEType=KMS"

static const Check checks[] = {
	{"table status", "ACTIVE", look_member, FROM_TABLE, "TableStatus", "unknown",
		.cause = "A table that is being created or changed becomes ACTIVE by itself: wait, and check again."},
	{"partition key", NULL, look_partition_key, .cause = KEYS_CAUSE},
	{"sort key", NULL, look_sort_key, .cause = KEYS_CAUSE},
	{"index", NULL, look_indexes},
	{"billing mode", "PAY_PER_REQUEST", look_member, FROM_TABLE, "BillingModeSummary.BillingMode", "PROVISIONED",
		.cause = "With provisioned capacity, what exceeds it is throttled; on demand, it adapts by itself.",
		.change = "--billing-mode PAY_PER_REQUEST"},
	{"encryption", "KMS", look_encryption,
		.cause = "The table is encrypted with a key that AWS owns, not with one in AWS KMS.",
		.change = SSE},
	{"KMS key", KMS_ALIAS, look_kms_key,
		.cause = "The table is encrypted with another key.",
		.change = SSE},
	{"stream", "true", look_member, FROM_TABLE, "StreamSpecification.StreamEnabled", "false",
		.cause = "Nobody can follow the changes of the table.",
		.change = "--stream-specification " STREAM},
	{"stream view type", "NEW_AND_OLD_IMAGES", look_member, FROM_TABLE, "StreamSpecification.StreamViewType", "none",
		.cause = "The view type of a stream cannot be changed: first disable a stream that there is (--stream-specification StreamEnabled=false).",
		.change = "--stream-specification " STREAM},
	{"TTL attribute", CMZ_TTL, look_member, FROM_TTL, "AttributeName", "none",
		.cause = "TTL is not enabled, or on another attribute, where it has to be disabled first; items are not deleted when their time has come.",
		.change = configure},
	{"TTL state", "ENABLED", look_member, FROM_TTL, "TimeToLiveStatus", "DISABLED", "ENABLING",
		.cause = "Items are not deleted when their time has come. While TTL is DISABLING, wait an hour first.",
		.change = configure},
	{"TTL values", "N, Unix seconds", look_ttl_values},
	{"point-in-time recovery", "ENABLED", look_member, FROM_BACKUPS,
		"PointInTimeRecoveryDescription.PointInTimeRecoveryStatus", "DISABLED",
		.cause = "The table cannot be restored to an earlier time.",
		.change = configure},
	{"recovery window", RECOVERY_DAYS, look_recovery_window,
		.cause = "The table can be restored to fewer days ago, or to none.",
		.change = configure},
	{"table class", "STANDARD", look_member, FROM_TABLE, "TableClassSummary.TableClass", "STANDARD",
		.cause = "The storage of the other class is cheaper, its requests cost more.",
		.change = "--table-class STANDARD"},
	{"deletion protection", "true or false", look_protection},
	{"option \"key\"", NULL, look_option_key,
		.cause = "Queries on these columns fail or miss items. Set option \"key\" of the foreign table to what is there, or check its option table_name."},
	{"option \"indexes\"", NULL, look_option_indexes,
		.cause = "Add a missing index with cmz_add_index(), or set option \"indexes\" of the foreign table to what is there."},
	{"column", NULL, look_columns,
		.cause = "The column reads no value of that type. Declare it as text (S), numeric (N) or bytea (B), or set its option dynamodb_type."},
};

/* Rows */

static void
emit(Inspection *in, const char *item, const char *expected, const char *actual, Verdict verdict,
	 const char *hint)
{
	const char *texts[COLUMNS] = {item, expected, actual, NULL, verdict == RIGHT ? NULL : hint};
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	nulls[3] = verdict == UNKNOWN;
	values[3] = BoolGetDatum(verdict == RIGHT);
	tuplestore_putvalues(in->rsinfo->setResult, in->rsinfo->setDesc, values, nulls);
}

/* The hint of a check: its cause, and how to change it. */
static char *
make_hint(const Inspection *in, const Check *check)
{
	if (check->change == NULL)
		return pstrdup(check->cause);
	if (check->change == configure)
		return psprintf("%s SELECT cmz_configure_table(%s, %s) sets it right.", check->cause,
						quote_literal_cstr(GetForeignServer(in->table->serverid)->servername),
						quote_literal_cstr(in->table->table_name));
	return psprintf("%s Run \"aws dynamodb update-table --table-name %s %s\".", check->cause,
					in->table->table_name, check->change);
}

/* The row of a check that found something. */
static void
conclude(Inspection *in, const Check *check, const char *actual, Verdict verdict)
{
	emit(in, check->item, check->expected, actual, verdict, make_hint(in, check));
}

/* The row of a check whose operation failed. */
static void
emit_failed(Inspection *in, const Check *check, const CmzProbe *probe)
{
	const char *actual = "not available";
	char	   *hint;

	if (cmz_failure_is(&probe->failure, "UnknownOperationException"))
		hint = psprintf("The service does not have operation %s.", probe->operation);
	else if (probe->failure.denied)
	{
		actual = "access denied";
		hint = psprintf("%s refuses operation %s. %s", probe->client->service->name, probe->operation,
						cmz_error_hint(&probe->failure, probe->client->service, probe->operation));
	}
	else
		hint = psprintf("Operation %s of %s failed: %s. Check again later.", probe->operation,
						probe->client->service->name,
						probe->failure.failed ? probe->failure.message : "the answer lacks what was asked for");
	emit(in, check->item, check->expected, actual, UNKNOWN, hint);
}

/* Settings that are one member of a description */

static void
look_member(Inspection *in, const Check *check)
{
	const char *actual;

	if (in->documents[check->source] == NULL)
	{
		emit_failed(in, check, &in->probes[check->source]);
		return;
	}
	actual = cmz_json_path_text(in->documents[check->source], check->path);
	actual = actual ? cmz_value_server_name(actual) : check->absent;
	conclude(in, check, actual, strcmp(actual, check->expected) == 0 ||
			 (check->also != NULL && strcmp(actual, check->also) == 0) ? RIGHT : WRONG);
}

/* Keys and indexes */

/* "userId (S)", or "none" */
static char *
key_text(const char *attribute, CmzType type)
{
	if (attribute == NULL)
		return pstrdup("none");
	return psprintf("%s (%s)", cmz_value_server_name(attribute), cmz_type_name(type));
}

static void
look_key(Inspection *in, const Check *check, const char *guide, const char *live)
{
	char	   *expected = key_text(guide, CMZ_TYPE_S);
	char	   *actual = key_text(live, live ? cmz_live_key_type(in->documents[FROM_TABLE], live) : CMZ_TYPE_NONE);

	emit(in, check->item, expected, actual, strcmp(expected, actual) == 0 ? RIGHT : WRONG, check->cause);
}

static void
look_partition_key(Inspection *in, const Check *check)
{
	look_key(in, check, in->guide.table.partition_key, in->live.table.partition_key);
}

static void
look_sort_key(Inspection *in, const Check *check)
{
	look_key(in, check, in->guide.table.sort_key, in->live.table.sort_key);
}

/* "sessionId (S), timestamp (S)"; all are S without a description. */
static char *
index_keys_text(const CmzIndex *index, const json_t *description)
{
	const char *keys[2] = {index->partition_key, index->sort_key};
	StringInfoData buf;

	initStringInfo(&buf);
	for (int k = 0; k < 2 && keys[k] != NULL; k++)
		appendStringInfo(&buf, "%s%s", k > 0 ? ", " : "",
						 key_text(keys[k], description ? cmz_live_key_type(description, keys[k]) : CMZ_TYPE_S));
	return buf.data;
}

/* "ALL", "KEYS_ONLY", "INCLUDE (a, b)" */
static char *
projection_text(const CmzIndex *index)
{
	StringInfoData buf;

	if (index->projection != CMZ_PROJECT_INCLUDE)
		return pstrdup(index->projection == CMZ_PROJECT_ALL ? "ALL" : "KEYS_ONLY");
	initStringInfo(&buf);
	for (int i = 0; i < index->ninclude; i++)
		appendStringInfo(&buf, "%s%s", i == 0 ? "INCLUDE (" : ", ", cmz_value_server_name(index->include[i]));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

static char *
add_index_call(const Inspection *in, const char *index)
{
	char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(in->table->relid)),
												  in->table->name);

	return psprintf("SELECT cmz_add_index(%s, %s)", quote_literal_cstr(name),
					quote_literal_cstr(cmz_value_server_name(index)));
}

/* What to do about an index that is there, but wrong. */
static char *
index_hint(const Inspection *in, const char *name, const char *status)
{
	const char *add = add_index_call(in, name);

	if (status == NULL || strcmp(status, "ACTIVE") == 0)
		return psprintf("Neither keys nor projection of an index can be changed. Delete it with \"aws dynamodb update-table --table-name %s --global-secondary-index-updates '[{\"Delete\":{\"IndexName\":\"%s\"}}]'\", then %s adds it.",
						in->table->table_name, name, add);
	if (strcmp(status, "DELETING") == 0)
		return psprintf("The index is being deleted. Wait until it is gone, then %s adds it.", add);
	return pstrdup("An index that is being created or changed becomes ACTIVE by itself: wait, and check again.");
}

/* A fact of an index; actual NULL: there is no such index. */
static void
emit_index(Inspection *in, const char *name, const char *fact, const char *expected,
		   const char *actual, const char *hint)
{
	if (actual == NULL)
		hint = psprintf("Queries by its keys read the whole table. %s adds the index.", add_index_call(in, name));
	emit(in, psprintf("index %s %s", name, fact), expected, actual ? actual : "missing",
		 actual != NULL && strcmp(expected, actual) == 0 ? RIGHT : WRONG, hint);
}

static void
look_indexes(Inspection *in, const Check *check)
{
	const json_t *description = in->documents[FROM_TABLE];

	for (int i = 0; i < in->guide.nindexes; i++)
	{
		const CmzIndex *guide = &in->guide.indexes[i];
		const CmzIndex *live = cmz_layout_index(&in->live, guide->name);
		const json_t *index = cmz_live_global_index(description, guide->name);
		const char *status = cmz_json_path_text(index, "IndexStatus");

		if (index == NULL)
			live = NULL;
		else if (status == NULL)
			status = "unknown";
		emit_index(in, guide->name, "status", "ACTIVE", status, index_hint(in, guide->name, status));
		emit_index(in, guide->name, "keys", index_keys_text(guide, NULL),
				   live ? index_keys_text(live, description) : NULL, index_hint(in, guide->name, NULL));
		emit_index(in, guide->name, "projection", projection_text(guide),
				   live ? projection_text(live) : NULL, index_hint(in, guide->name, NULL));
	}
}

/* Encryption */

/* The table has a key in KMS.  A local stand-in does not say. */
static Verdict
has_kms_key(const Inspection *in)
{
	const json_t *description = cmz_json_member(in->documents[FROM_TABLE], "SSEDescription");
	const char *status = cmz_json_member_text(description, "Status");
	const char *type = cmz_json_member_text(description, "SSEType");

	if (description == NULL && in->client->credential_config.allow_dummy)
		return UNKNOWN;
	if (type == NULL || strcmp(type, "KMS") != 0 || (status && strcmp(status, "DISABLED") == 0))
		return WRONG;
	return RIGHT;
}

static void
look_encryption(Inspection *in, const Check *check)
{
	Verdict		verdict = has_kms_key(in);

	if (verdict == UNKNOWN)
		emit(in, check->item, check->expected, "not available", UNKNOWN,
			 "A local endpoint does not tell how the table is encrypted.");
	else
		conclude(in, check, verdict == RIGHT ? "KMS" : "a key of AWS's own", verdict);
}

/* Why the table's key cannot be compared, NULL if it can be. */
static const char *
why_no_kms(const Inspection *in, const char *arn)
{
	if (arn == NULL)
		return "The endpoint does not tell which key the table is encrypted with.";
	if (!cmz_session_has_service(in->client, &cmz_service_kms))
		return psprintf("The endpoint has no AWS KMS to compare key \"%s\" with. If there is one elsewhere, name it in the environment of the server process with %s.",
						cmz_value_server_name(arn), cmz_service_kms.endpoint_variable);
	return NULL;
}

static void
look_kms_key(Inspection *in, const Check *check)
{
	const char *arn = cmz_json_path_text(in->documents[FROM_TABLE], "SSEDescription.KMSMasterKeyArn");
	const char *why = why_no_kms(in, arn);
	const char *found;
	StringInfoData body;
	CmzProbe	probe;

	if (has_kms_key(in) == WRONG)
	{
		conclude(in, check, "none", WRONG);
		return;
	}
	if (why != NULL)
	{
		emit(in, check->item, check->expected, "not available", UNKNOWN, why);
		return;
	}
	initStringInfo(&body);
	appendStringInfoString(&body, "{\"KeyId\":\"" KMS_ALIAS "\"}");
	found = cmz_json_path_text(cmz_control_probe(cmz_session_service(in->client, &cmz_service_kms),
												 "DescribeKey", NULL, &body, &probe), "KeyMetadata.Arn");
	/* without such a key, it is not the table's either */
	if (found == NULL && !cmz_failure_is(&probe.failure, "NotFoundException"))
		emit_failed(in, check, &probe);
	else if (found != NULL && strcmp(found, arn) == 0)
		conclude(in, check, KMS_ALIAS, RIGHT);
	else
		conclude(in, check, cmz_value_server_name(arn), WRONG);
}

/* TTL, backups, protection */

static void
look_ttl_values(Inspection *in, const Check *check)
{
	CmzTtlFinding found;

	if (!cmz_ttl_look(in->client, in->table->table_name, &found))
		emit_failed(in, check, &found.probe);
	else
		emit(in, check->item, check->expected, found.actual,
			 !found.known ? UNKNOWN : found.hint ? WRONG : RIGHT, found.hint);
}

static void
look_recovery_window(Inspection *in, const Check *check)
{
	const json_t *recovery = cmz_json_member(in->documents[FROM_BACKUPS], "PointInTimeRecoveryDescription");
	const char *status = cmz_json_member_text(recovery, "PointInTimeRecoveryStatus");
	const char *days = cmz_json_path_text(recovery, "RecoveryPeriodInDays");

	if (in->documents[FROM_BACKUPS] == NULL)
	{
		emit_failed(in, check, &in->probes[FROM_BACKUPS]);
		return;
	}
	if (status == NULL || strcmp(status, "ENABLED") != 0)
		days = "none";
	else if (days == NULL)
		days = RECOVERY_DAYS;	/* before it could be chosen */
	conclude(in, check, days, strcmp(days, check->expected) == 0 ? RIGHT : WRONG);
}

/* The guide does not say. */
static void
look_protection(Inspection *in, const Check *check)
{
	const char *actual = cmz_json_path_text(in->documents[FROM_TABLE], "DeletionProtectionEnabled");

	emit(in, check->item, check->expected, actual ? actual : "false", RIGHT, NULL);
}

/* The foreign table */

static void
look_option_key(Inspection *in, const Check *check)
{
	StringInfoData expected,
				actual;

	initStringInfo(&expected);
	initStringInfo(&actual);
	cmz_layout_print_key(&expected, &in->table->layout.table);
	cmz_layout_print_key(&actual, &in->live.table);
	emit(in, check->item, cmz_value_server_name(expected.data), cmz_value_server_name(actual.data),
		 strcmp(expected.data, actual.data) == 0 ? RIGHT : WRONG, check->cause);
}

static bool
has_same_keys(const CmzIndex *a, const CmzIndex *b)
{
	if (strcmp(a->partition_key, b->partition_key) != 0)
		return false;
	if (a->sort_key == NULL || b->sort_key == NULL)
		return a->sort_key == b->sort_key;
	return strcmp(a->sort_key, b->sort_key) == 0;
}

/* The live index has all attributes that the option promises. */
static bool
projects_enough(const Inspection *in, const CmzIndex *option, const CmzIndex *live)
{
	if (option->projection == CMZ_PROJECT_ALL)
		return live->projection == CMZ_PROJECT_ALL;
	for (int i = 0; i < option->ninclude; i++)
		if (!cmz_index_projects(&in->live, live, option->include[i]))
			return false;
	return true;
}

/* What the planner would be wrong about, NULL for nothing. */
static const char *
index_problem(const Inspection *in, const CmzIndex *option)
{
	const CmzIndex *live = cmz_layout_index(&in->live, option->name);
	char	   *status;

	if (live == NULL)
		return "is missing";
	if (!has_same_keys(option, live))
		return "has other keys";
	if (option->local && !live->local)
		return "is not a local one";
	if (!projects_enough(in, option, live))
		return "has fewer attributes";
	status = cmz_json_path_text(cmz_live_global_index(in->documents[FROM_TABLE], option->name), "IndexStatus");
	if (!live->local && (status == NULL || strcmp(status, "ACTIVE") != 0))
		return "is not ACTIVE yet";
	return NULL;
}

static void
look_option_indexes(Inspection *in, const Check *check)
{
	const CmzLayout *layout = &in->table->layout;
	StringInfoData expected,
				actual,
				hint;

	initStringInfo(&expected);
	initStringInfo(&actual);
	initStringInfo(&hint);
	cmz_layout_print_indexes(&expected, layout);
	cmz_layout_print_indexes(&actual, &in->live);
	for (int i = 0; i < layout->nindexes; i++)
	{
		const char *problem = index_problem(in, &layout->indexes[i]);

		if (problem != NULL)
			appendStringInfo(&hint, "Index \"%s\" %s. ", cmz_value_server_name(layout->indexes[i].name), problem);
	}
	emit(in, check->item, cmz_value_server_name(expected.data), cmz_value_server_name(actual.data), hint.len == 0 ? RIGHT : WRONG,
		 psprintf("%s%s", hint.data, check->cause));
}

/* The columns that show key attributes of the live table or its indexes. */
static void
look_columns(Inspection *in, const Check *check)
{
	for (int i = 0; i < in->table->natts; i++)
	{
		const CmzColumn *column = &in->table->columns[i];
		CmzType		type;

		if (column->attribute == NULL)
			continue;
		type = cmz_live_key_type(in->documents[FROM_TABLE], column->attribute);
		if (type != CMZ_TYPE_NONE)
			emit(in, psprintf("column \"%s\"", column->name), cmz_value_expected(column), cmz_type_name(type),
				 cmz_value_reads(column, type) ? RIGHT : WRONG, check->cause);
	}
}

/* Ask for what the checks look at. */
static void
inspect(Inspection *in)
{
	char	   *error;

	in->documents[FROM_TABLE] = cmz_live_describe(in->client, in->table->table_name);
	for (int i = FROM_TABLE + 1; i < (int) SOURCES; i++)
		in->documents[i] = cmz_json_member(cmz_control_probe_table(in->client, sources[i].operation,
																   in->table->table_name, &in->probes[i]),
										   sources[i].member);
	cmz_live_layout(in->documents[FROM_TABLE], in->table->table_name, &in->live);
	if (!cmz_layout_parse(NULL, NULL, &in->guide, &error))
		elog(ERROR, "the default layout cannot be parsed: %s", error);
}

PG_FUNCTION_INFO_V1(cmz_check_table);

Datum
cmz_check_table(PG_FUNCTION_ARGS)
{
	CmzTable   *table = cmz_table_open_argument(PG_GETARG_OID(0), AccessShareLock, ACL_SELECT);
	Inspection	in;

	InitMaterializedSRF(fcinfo, 0);
	memset(&in, 0, sizeof(in));
	in.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	in.table = table;
	in.client = cmz_session_client(table->serverid, GetUserId());
	inspect(&in);
	for (int i = 0; i < (int) lengthof(checks); i++)
		checks[i].look(&in, &checks[i]);
	return (Datum) 0;
}
