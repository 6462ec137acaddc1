/*
 * extra.c
 *	  The column of all other attributes: from its JSON to attributes.
 */
#include "postgres.h"

#include "fdw/build.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

/* An attribute of the item before as the column shows it; NULL: not at all. */
static Jsonb *
shown_value(CmzBuild *build, const char *name)
{
	const CmzImageAttribute *attribute = cmz_image_find(build->before, name);
	StringInfoData text;
	CmzScanner	scan;
	CmzValue	value;

	if (attribute == NULL || cmz_table_column(build->table, name) != NULL)
		return NULL;
	initStringInfo(&text);
	cmz_scan_init(&scan, attribute->value, attribute->len);
	if (!cmz_value_read(&scan, &value) || !cmz_value_append_json(&text, &value))
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(pg_any_to_server(text.data, text.len, PG_UTF8))));
}

static void
check_name(CmzBuild *build, const char *name)
{
	if (*name != '\0' && cmz_table_column(build->table, name) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" cannot have a member \"%s\"", build->table->extra->name,
					cmz_value_server_text(name, strlen(name))),
			 *name == '\0' ? errdetail("An attribute's name cannot be empty.")
			 : errdetail("The attribute has a column of its own.")));
}

static void
set_member(CmzBuild *build, const char *name, JsonbValue *value)
{
	Jsonb	   *before = shown_value(build, name);
	Jsonb	   *after = JsonbValueToJsonb(value);
	CmzBuildAttribute *attribute;
	CmzScanner	scan;
	CmzValue	stored;

	if (before != NULL && compareJsonbContainers(&before->root, &after->root) == 0)
		return;
	check_name(build, name);
	attribute = cmz_build_add(build, name);
	initStringInfo(&attribute->json);
	cmz_value_encode_jsonb(build->table->extra, JsonbPGetDatum(after), &attribute->json);
	cmz_scan_init(&scan, attribute->json.data, attribute->json.len);
	attribute->scalar = cmz_value_read(&scan, &stored) &&
		cmz_value_to_operand(&stored, &attribute->operand);
}

/* What was shown, and is not there any more, is removed. */
static void
remove_others(CmzBuild *build, List *names)
{
	for (int i = 0; build->before && i < build->before->n; i++)
	{
		const char *name = build->before->attributes[i].name;
		bool		kept = shown_value(build, name) == NULL;
		ListCell   *lc;

		foreach(lc, names)
			kept |= strcmp(lfirst(lc), name) == 0;
		if (!kept)
			cmz_build_add(build, name)->removed = true;
	}
}

void
cmz_build_extra(CmzBuild *build)
{
	int			column = build->table->extra->attnum - 1;
	List	   *names = NIL;
	Jsonb	   *jsonb;
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (build->slot->tts_isnull[column])
	{
		remove_others(build, NIL);
		return;
	}
	jsonb = DatumGetJsonbP(build->slot->tts_values[column]);
	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" must be a JSON object", build->table->extra->name)));
	it = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			names = lappend(names, pg_server_to_any(pnstrdup(value.val.string.val, value.val.string.len),
													value.val.string.len, PG_UTF8));
		else if (token == WJB_VALUE)
			set_member(build, llast(names), &value);
	}
	remove_others(build, names);
}
