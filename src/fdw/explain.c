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

/* Bind what is known before execution: the operands that are constants. */
static void
bind_constants(ForeignScanState *node, ExplainState *es, CmzBinding *binding)
{
	CmzScanState *state = node->fdw_state;
	List	   *exprs = ((ForeignScan *) node->ss.ps.plan)->fdw_exprs;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	int			n = Max(list_length(exprs), 1);
	CmzOperandValues values = {palloc0(sizeof(Datum) * n), palloc0(sizeof(bool) * n),
	palloc0(sizeof(Oid) * n)};
	const char **symbols = palloc0(sizeof(char *) * n);
	const char **text = palloc0(sizeof(char *) * n);
	bool		all_known = true;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		int			i = foreach_current_index(lc);
		Const	   *constant = lfirst(lc);
		char	   *s = deparse_expression(lfirst(lc), context, false, false);

		text[i] = pg_server_to_any(s, strlen(s), PG_UTF8);
		if (!IsA(constant, Const))
		{
			symbols[i] = text[i];
			all_known = false;
			continue;
		}
		values.values[i] = constant->constvalue;
		values.nulls[i] = constant->constisnull;
		values.types[i] = getBaseType(constant->consttype);
	}
	if (all_known)
		cmz_bind_plan(state->table, state->plan, &values, binding);
	else
		cmz_bind_symbolic(state->table, state->plan, &values, symbols, text, binding);
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
	CmzBinding	binding = state->binding;

	if (!state->is_bound)
		bind_constants(node, es, &binding);
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
