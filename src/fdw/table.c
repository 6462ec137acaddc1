/*
 * table.c
 *	  One foreign table: its columns and their attributes, its layout, its
 *	  options.  From the catalogs only, never from the network.
 */
#include "postgres.h"

#include "access/table.h"
#include "base/conversation.h"
#include "catalog/pg_type.h"
#include "fdw/compat.h"
#include "fdw/option.h"
#include "fdw/session.h"
#include "fdw/table.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

static const char *const table_name_variables[] = {"CONVERSATION_TABLE_NAME", NULL};
static const char *const ttl_days_variables[] = {"CONVERSATION_TTL_DAYS", NULL};

/* An option of the table, else of its server. */
static const char *
find_option(ForeignTable *table, ForeignServer *server, const char *name)
{
	const char *value = cmz_option_find(table->options, name);

	return value ? value : cmz_option_find(server->options, name);
}

static bool
option_is(ForeignTable *table, ForeignServer *server, const char *name, const char *value)
{
	const char *found = find_option(table, server, name);

	return found != NULL && strcmp(found, value) == 0;
}

static char *
to_utf8(const char *s)
{
	return pg_server_to_any(s, strlen(s), PG_UTF8);
}

/* The attribute of a column: its option, the data model, its name. */
static const char *
column_attribute(List *options, const char *name)
{
	const char *attribute = cmz_option_find(options, "attribute");

	if (attribute == NULL)
		attribute = cmz_conversation_attribute(name);
	return to_utf8(attribute ? attribute : name);
}

static void
open_column(CmzTable *table, Form_pg_attribute att, bool mismatch_is_null)
{
	CmzColumn  *column = &table->columns[att->attnum - 1];
	List	   *options;
	const char *type;
	const char *mismatch;

	column->attnum = att->attnum;
	if (att->attisdropped || att->attgenerated == 'v')
		return;
	options = GetForeignColumnOptions(table->relid, att->attnum);
	column->name = pstrdup(NameStr(att->attname));
	column->attribute = column_attribute(options, column->name);
	column->declared_type = att->atttypid;
	column->typmod = att->atttypmod;
	column->type = getBaseTypeAndTypmod(att->atttypid, &column->typmod);
	column->collation = att->attcollation;
	column->not_null = att->attnotnull;
	mismatch = cmz_option_find(options, "on_type_mismatch");
	column->mismatch_is_null = mismatch ? strcmp(mismatch, "null") == 0 : mismatch_is_null;
	type = cmz_option_find(options, "dynamodb_type");
	if (strcmp(column->attribute, "*") == 0)
	{
		if (table->extra != NULL || column->declared_type != JSONBOID)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("column \"%s\" of foreign table \"%s\" cannot map attribute '*'",
							column->name, table->name),
					 errhint("One column of type jsonb takes all attributes that no other column maps.")));
		column->attribute = NULL;
		column->is_extra = true;
		table->extra = column;
	}
	/* the data model keeps ttl as Unix seconds */
	if (type == NULL && column->attribute && strcmp(column->attribute, CMZ_TTL) == 0 &&
		(column->type == TIMESTAMPTZOID || column->type == TIMESTAMPOID))
		type = "N";
	cmz_value_map(column, type ? cmz_type_parse(type, strlen(type)) : CMZ_TYPE_NONE);
}

/* Link the columns that show one attribute. */
static void
link_same(CmzTable *table, CmzColumn *column)
{
	for (CmzColumn *other = table->columns; other < column; other++)
		if (other->attribute && column->attribute && other->same == NULL &&
			strcmp(other->attribute, column->attribute) == 0)
		{
			other->same = column;
			return;
		}
}

char *
cmz_table_default_name(void)
{
	const char *name = cmz_option_environment(table_name_variables);

	if (name == NULL)
		return pstrdup(CMZ_DEFAULT_TABLE_NAME);
	cmz_option_check("table_name", name, "the environment");
	return pstrdup(name);
}

static char *
dynamodb_name(ForeignTable *table)
{
	const char *name = cmz_option_find(table->options, "table_name");

	return name ? pstrdup(name) : cmz_table_default_name();
}

static int
table_ttl_days(ForeignTable *table, ForeignServer *server)
{
	const char *days = find_option(table, server, "ttl_days");

	if (days == NULL)
	{
		days = cmz_option_environment(ttl_days_variables);
		if (days != NULL)
			cmz_option_check("ttl_days", days, "the environment");
	}
	return cmz_option_int(days, CMZ_DEFAULT_TTL_DAYS);
}

bool
cmz_table_parse_policy(const char *name, CmzScanPolicy *policy)
{
	static const char *const names[] = {"allow", "warn", "deny"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
		{
			*policy = (CmzScanPolicy) i;
			return true;
		}
	return false;
}

static CmzScanPolicy
table_scan_policy(ForeignTable *table, ForeignServer *server)
{
	const char *name = find_option(table, server, "scan_policy");
	CmzScanPolicy policy = CMZ_SCAN_ALLOW;

	if (name != NULL)
		(void) cmz_table_parse_policy(name, &policy);
	return policy;
}

static void
open_layout(CmzTable *table, List *options)
{
	const char *key = cmz_option_find(options, "key");
	const char *indexes = cmz_option_find(options, "indexes");
	char	   *error;

	/* the validator saw each value, but perhaps another combination */
	if (!cmz_layout_parse(key ? to_utf8(key) : NULL, indexes ? to_utf8(indexes) : NULL,
						  &table->layout, &error))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid layout of foreign table \"%s\"", table->name),
				 errdetail_internal("%s", error),
				 errhint("Check its options \"key\" and \"indexes\".")));
}

CmzTable *
cmz_table_open(Oid relid)
{
	CmzTable   *table = palloc0(sizeof(CmzTable));
	ForeignTable *foreign = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(foreign->serverid);
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);

	table->relid = relid;
	table->serverid = foreign->serverid;
	table->name = pstrdup(RelationGetRelationName(rel));
	table->table_name = dynamodb_name(foreign);
	open_layout(table, foreign->options);
	table->hide_expired = cmz_option_bool(find_option(foreign, server, "hide_expired"), false);
	table->consistent_read = cmz_option_bool(find_option(foreign, server, "consistent_read"), false);
	table->ttl_days = table_ttl_days(foreign, server);
	table->concurrency = cmz_option_int(find_option(foreign, server, "concurrency"),
										CMZ_DEFAULT_CONCURRENCY);
	table->scan_policy = table_scan_policy(foreign, server);
	table->immediate = option_is(foreign, server, "write_mode", "immediate");
	table->must_be_atomic = option_is(foreign, server, "atomic_writes", "require");
	table->truncatable = cmz_option_bool(find_option(foreign, server, "truncatable"), false);
	table->estimated_items = cmz_option_double(cmz_option_find(foreign->options, "estimated_items"),
											   CMZ_DEFAULT_ITEMS);
	table->estimated_item_bytes = cmz_option_int(cmz_option_find(foreign->options, "estimated_item_bytes"),
												 CMZ_DEFAULT_ITEM_BYTES);
	table->natts = desc->natts;
	table->columns = palloc0(sizeof(CmzColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		open_column(table, TupleDescAttr(desc, i), option_is(foreign, server, "on_type_mismatch", "null"));
		link_same(table, &table->columns[i]);
	}
	table_close(rel, NoLock);
	return table;
}

CmzTable *
cmz_table_open_argument(Oid relid, LOCKMODE lockmode, AclMode privilege)
{
	AclResult	result = ACLCHECK_OK;

	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the first argument must be a foreign table of cmz_fdw")));
	if (privilege != 0)
		result = pg_class_aclcheck(relid, GetUserId(), privilege);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_TABLE, get_rel_name(relid));
	table_close(table_open(relid, lockmode), NoLock);
	cmz_session_check_server(GetForeignServerIdByRelId(relid));
	return cmz_table_open(relid);
}

void
cmz_table_check_owner(const CmzTable *table)
{
	if (!cmz_relation_is_owned(table->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, table->name);
}

bool
cmz_table_is_updatable(Oid relid)
{
	ForeignTable *foreign = GetForeignTable(relid);

	return cmz_option_bool(find_option(foreign, GetForeignServer(foreign->serverid), "updatable"),
						   true);
}

bool
cmz_table_is_same(const CmzTable *table, Oid relid)
{
	ForeignTable *foreign = GetForeignTable(relid);

	return foreign->serverid == table->serverid &&
		strcmp(dynamodb_name(foreign), table->table_name) == 0;
}

List *
cmz_table_columns(const CmzTable *table)
{
	List	   *columns = NIL;

	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].name != NULL)
			columns = lappend_int(columns, i + 1);
	return columns;
}

CmzColumn *
cmz_table_column(const CmzTable *table, const char *attribute)
{
	for (int i = 0; i < table->natts; i++)
		if (table->columns[i].attribute && strcmp(table->columns[i].attribute, attribute) == 0)
			return &table->columns[i];
	return NULL;
}

bool
cmz_table_index_is_complete(const CmzTable *table, const CmzIndex *index)
{
	const CmzColumn *column;

	if (index->name == NULL || index->complete || index->sort_key == NULL ||
		cmz_index_has_key(&table->layout.table, index->sort_key))
		return true;
	/* part of the composite key: no conversation item lacks them */
	if (table->layout.conversation && (strcmp(index->sort_key, CMZ_TIMESTAMP) == 0 ||
									   strcmp(index->sort_key, CMZ_SESSION_ID) == 0))
		return true;
	column = cmz_table_column(table, index->sort_key);
	return column != NULL && column->not_null;
}

CmzType
cmz_table_key_type(const CmzTable *table, const char *attribute)
{
	static const char *const keys[] = {
		CMZ_USER_ID, CMZ_SESSION_ID_TIMESTAMP, CMZ_SESSION_ID, CMZ_TIMESTAMP,
		CMZ_ANIMAL_ID, CMZ_PARENT_USER_ID
	};

	if (table->layout.conversation)
		for (int i = 0; i < (int) lengthof(keys); i++)
			if (strcmp(keys[i], attribute) == 0)
				return CMZ_TYPE_S;
	return CMZ_TYPE_NONE;
}
