/*
 * testdata.c
 *	  cmz_insert_test_data(): made-up conversations, the same every time.
 *
 * The rows are an INSERT ... SELECT through the foreign table; which columns it
 * names depends on which attributes the table shows.  The function is declared
 * with a fixed search_path.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fdw/table.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* More than enough, and far from overflows. */
#define MAX_COUNT	1000000

#define NUMBERED(prefix, n) \
	"'" prefix "_' || lpad((" n ")::text, greatest(3, length((" n ")::text)), '0')"

/* The parameters are users, sessions, messages and the days to keep. */
static const struct
{
	const char *attribute;
	const char *expression;		/* of u, s, m: user, session, message from 1 */
}			values[] = {
	{CMZ_USER_ID, NUMBERED("student", "u")},
	{CMZ_SESSION_ID, NUMBERED("session", "(u - 1) * $2 + s")},
	{CMZ_ANIMAL_ID, "(ARRAY['lion_001', 'elephant_001', 'giraffe_001', 'penguin_001', 'otter_001'])[(u + s - 2) % 5 + 1]"},
	{CMZ_PARENT_USER_ID, NUMBERED("parent", "(u + 1) / 2")},
	{"messageType", "CASE m % 2 WHEN 1 THEN 'user' ELSE 'assistant' END"},
	{CMZ_TIMESTAMP, "timestamptz '2025-01-19 12:00:00+00' + (u - 1) * interval '1 hour'"
		" + (s - 1) * interval '24 hours' + (m - 1) * interval '30 seconds'"},
	{"content", "(CASE m % 2 WHEN 1 THEN ARRAY['What do you eat?', 'Where do you sleep at night?',"
		" 'How old can you get?', 'Do you have brothers and sisters?', 'What is your favourite game?']"
		" ELSE ARRAY['I eat what my keepers bring me every morning, and a little more when I ask nicely.',"
		" 'My den is warm and dry. I sleep there, except when the moon is bright.',"
		" 'In a zoo like this one I can grow very old, because I am well looked after.',"
		" 'I have a brother and two sisters. We play every day.',"
		" 'Hide and seek! Nobody has found me yet when I do not want to be found.'] END)"
		"[(u + s + (m - 1) / 2 - 2) % 5 + 1]"},
	{"tokensUsed", "20 + (u * 7 + s * 13 + m * 29) % 180"},
	{CMZ_TTL, "date_trunc('day', now(), 'UTC') + $4 * interval '24 hours'"},
};

/* The expression in the form that the column's type takes. */
static void
append_value(StringInfo sql, const CmzColumn *column, const char *expression, bool is_time)
{
	if (!is_time || column->type == TIMESTAMPTZOID)
		appendStringInfo(sql, "%s", expression);
	else if (column->type == TIMESTAMPOID)
		appendStringInfo(sql, "(%s) AT TIME ZONE 'UTC'", expression);
	else if (column->dynamodb_type == CMZ_TYPE_N)
		appendStringInfo(sql, "extract(epoch FROM %s)::bigint", expression);
	else
		appendStringInfo(sql, "to_char((%s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
						 expression);
}

static char *
make_statement(const CmzTable *table)
{
	StringInfoData sql,
				select;

	initStringInfo(&sql);
	initStringInfo(&select);
	appendStringInfo(&sql, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->relid)),
												table->name));
	for (int i = 0; i < (int) lengthof(values); i++)
	{
		const CmzColumn *column = cmz_table_column(table, values[i].attribute);

		if (column == NULL)
			continue;
		appendStringInfo(&sql, "%s%s", select.len > 0 ? ", " : "", quote_identifier(column->name));
		if (select.len > 0)
			appendStringInfoString(&select, ", ");
		append_value(&select, column, values[i].expression,
					 strcmp(values[i].attribute, CMZ_TIMESTAMP) == 0 ||
					 strcmp(values[i].attribute, CMZ_TTL) == 0);
	}
	appendStringInfo(&sql, ") SELECT %s FROM generate_series(1, $1) u,"
					 " generate_series(1, $2) s, generate_series(1, $3) m", select.data);
	return sql.data;
}

static int
count_argument(FunctionCallInfo fcinfo, int i, const char *name)
{
	int			n = PG_ARGISNULL(i) ? -1 : PG_GETARG_INT32(i);

	if (n < 0 || n > MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of %s", name),
				 errhint("Valid values are integers from 0 to %d.", MAX_COUNT)));
	return n;
}

PG_FUNCTION_INFO_V1(cmz_insert_test_data);

Datum
cmz_insert_test_data(PG_FUNCTION_ARGS)
{
	Oid			types[4] = {INT4OID, INT4OID, INT4OID, INT4OID};
	Datum		arguments[4];
	CmzTable   *table;
	uint64		inserted;

	table = cmz_table_open_argument(PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0), RowExclusiveLock, 0);
	if (!table->layout.conversation)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("foreign table \"%s\" does not have the layout of conversations", table->name)));
	arguments[0] = Int32GetDatum(count_argument(fcinfo, 1, "users"));
	arguments[1] = Int32GetDatum(count_argument(fcinfo, 2, "sessions"));
	arguments[2] = Int32GetDatum(count_argument(fcinfo, 3, "messages"));
	arguments[3] = Int32GetDatum(table->ttl_days > 0 ? table->ttl_days : CMZ_DEFAULT_TTL_DAYS);

	SPI_connect();
	if (SPI_execute_with_args(make_statement(table), 4, types, arguments, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert test data");
	inserted = SPI_processed;
	SPI_finish();
	PG_RETURN_INT64(inserted);
}
