/*
 * explain.c
 *	  What EXPLAIN says of a foreign scan or modification.
 *
 * It is said in DynamoDB's words, and without asking DynamoDB.  Once a scan has
 * run, its conditions are shown as they were sent; before, operands that are
 * constants are shown as they will be, others as the user wrote them.
 */
#include "postgres.h"

#include "base/expression.h"
#include "fdw/explain.h"
#include "fdw/scan.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* All operands are constants: bind to their values. */
static bool
bind_constants(CmzScanState *state, List *exprs, CmzBinding *binding)
{
	int			n = list_length(exprs);
	CmzOperandValues values;
	ListCell   *lc;
	int			i = 0;

	values.values = palloc0(sizeof(Datum) * Max(n, 1));
	values.nulls = palloc0(sizeof(bool) * Max(n, 1));
	values.types = palloc0(sizeof(Oid) * Max(n, 1));
	foreach(lc, exprs)
	{
		Const	   *constant = lfirst(lc);

		if (!IsA(constant, Const))
			return false;
		values.values[i] = constant->constvalue;
		values.nulls[i] = constant->constisnull;
		values.types[i] = getBaseType(constant->consttype);
		i++;
	}
	cmz_bind_plan(state->table, state->plan, &values, binding);
	return true;
}

static void
bind_text(ForeignScanState *node, CmzScanState *state, List *exprs, ExplainState *es,
		  CmzBinding *binding)
{
	List	   *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	const char **text = palloc0(sizeof(char *) * Max(list_length(exprs), 1));
	ListCell   *lc;
	int			i = 0;

	foreach(lc, exprs)
	{
		char	   *s = deparse_expression(lfirst(lc), context, false, false);

		text[i++] = pg_server_to_any(s, strlen(s), PG_UTF8);
	}
	cmz_bind_symbolic(state->table, state->plan, text, binding);
}

static void
explain_utf8(const char *label, StringInfo text, ExplainState *es)
{
	ExplainPropertyText(label, pg_any_to_server(text->data, text->len, PG_UTF8), es);
}

static void
explain_condition(const char *label, const CmzCondition *condition, ExplainState *es)
{
	StringInfoData buf;

	if (condition == NULL)
		return;
	initStringInfo(&buf);
	cmz_condition_explain(&buf, condition);
	explain_utf8(label, &buf, es);
}

static void
explain_operation(CmzScanState *state, ExplainState *es)
{
	const CmzIndex *index = cmz_plan_index(state->plan, state->table);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, state->plan->is_query ? "Query" : "Scan");
	if (index->name != NULL)
		appendStringInfo(&buf, " %s", index->name);
	explain_utf8("DynamoDB", &buf, es);
}

static void
explain_projection(CmzRowReader *reader, ExplainState *es)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (reader->all_attributes)
		appendStringInfoString(&buf, "all attributes");
	for (int i = 0; !reader->all_attributes && i < reader->nprojection; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		cmz_attribute_explain(&buf, reader->projection[i]);
	}
	explain_utf8("Projection", &buf, es);
}

/* One line in text, one property each in the structured formats. */
static void
explain_counters(const CmzCounters *counters, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		appendStringInfoSpaces(es->str, es->indent * 2);
		appendStringInfo(es->str, "Requests: " INT64_FORMAT "  Pages: " INT64_FORMAT
						 "  Scanned Items: " INT64_FORMAT "  Items: " INT64_FORMAT
						 "  Read Units: %.1f  Retries: " INT64_FORMAT "\n",
						 counters->requests, counters->pages, counters->scanned_items,
						 counters->items, counters->read_units, counters->retries);
		return;
	}
	ExplainPropertyInteger("Requests", NULL, counters->requests, es);
	ExplainPropertyInteger("Pages", NULL, counters->pages, es);
	ExplainPropertyInteger("Scanned Items", NULL, counters->scanned_items, es);
	ExplainPropertyInteger("Items", NULL, counters->items, es);
	ExplainPropertyFloat("Read Units", NULL, counters->read_units, 1, es);
	ExplainPropertyInteger("Retries", NULL, counters->retries, es);
}

void
cmzExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	CmzScanState *state = node->fdw_state;
	List	   *exprs = ((ForeignScan *) node->ss.ps.plan)->fdw_exprs;
	CmzBinding	binding = state->binding;

	if (!state->is_bound && !bind_constants(state, exprs, &binding))
		bind_text(node, state, exprs, es, &binding);
	explain_operation(state, es);
	if (binding.empty)
		ExplainPropertyText("Result", "no item can match, nothing is sent", es);
	else
	{
		explain_condition("Key Condition", binding.key, es);
		explain_condition("Filter Expression", binding.filter, es);
		explain_projection(state->reader, es);
	}
	if (es->costs)
		ExplainPropertyFloat("Estimated Read Units", NULL, state->plan->read_units, 1, es);
	if (es->analyze)
		explain_counters(&state->counters, es);
}
