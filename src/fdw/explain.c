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
#include "base/writerequest.h"
#include "catalog/pg_type.h"
#include "fdw/explain.h"
#include "fdw/scan.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* The operands as the user wrote them; constants as they are. */
static const char **
operand_text(ForeignScanState *node, ExplainState *es)
{
	List	   *exprs = ((ForeignScan *) node->ss.ps.plan)->fdw_exprs;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	const CmzScanState *state = node->fdw_state;
	const char **text = palloc0(sizeof(char *) * Max(list_length(exprs), 1));
	ListCell   *lc;

	foreach(lc, exprs)
	{
		Const	   *constant = lfirst(lc);
		char	   *s;

		if (cmz_plan_batch_part(state->plan, foreach_current_index(lc)) >= 0)
			s = "the keys of the join";
		else if (IsA(constant, Const) && !constant->constisnull && constant->consttype == INT8OID)
			s = psprintf(INT64_FORMAT, DatumGetInt64(constant->constvalue));
		else
			s = deparse_expression(lfirst(lc), context, false, false);
		text[foreach_current_index(lc)] = pg_server_to_any(s, strlen(s), PG_UTF8);
	}
	return text;
}

/* Bind what is known before execution: the operands that are constants. */
static void
bind_constants(ForeignScanState *node, const char *const *text, CmzBinding *binding)
{
	CmzScanState *state = node->fdw_state;
	const CmzPlan *plan = state->plan;
	List	   *exprs = ((ForeignScan *) node->ss.ps.plan)->fdw_exprs;
	int			n = Max(list_length(exprs), 1);
	CmzOperandValues values = {palloc0(sizeof(Datum) * n), palloc0(sizeof(bool) * n),
	palloc0(sizeof(Oid) * n)};
	const char **symbols = palloc0(sizeof(char *) * n);
	bool		all_known = true;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		int			i = foreach_current_index(lc);
		Const	   *constant = lfirst(lc);

		if (!IsA(constant, Const) || cmz_plan_batch_part(plan, i) >= 0)
		{
			symbols[i] = text[i];
			if (i != plan->limit_no && i != plan->offset_no && !cmz_plan_is_arm_clause(plan, i))
				all_known = false;
			continue;
		}
		values.values[i] = constant->constvalue;
		values.nulls[i] = constant->constisnull;
		values.types[i] = getBaseType(constant->consttype);
	}
	if (all_known)
		cmz_bind_plan(state->table, plan, &values, binding);
	else
		cmz_bind_symbolic(state->table, plan, &values, symbols, text, binding);
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

/* How the sort key's order is used. */
static const char *
order_name(const CmzPlan *plan)
{
	if (plan->direction == 0)
		return NULL;
	return plan->direction > 0 ? "ascending" : "descending";
}

static void
explain_operation(CmzScanState *state, const CmzArm *arm, const CmzBoundArm *bound,
				  ExplainState *es)
{
	const CmzIndex *index = cmz_arm_index(arm, state->table);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, !arm->is_query ? "Scan" : bound->is_get ? "BatchGetItem" : "Query");
	if (index->name != NULL)
		appendStringInfo(&buf, " %s", index->name);
	if (state->plan->complete)
		appendStringInfoString(&buf, ", then BatchGetItem");
	explain_utf8("DynamoDB", &buf, es);
	if (!arm->is_query && state->plan->segments > 1)
		ExplainPropertyInteger("Segments", NULL, state->plan->segments, es);
}

static void
explain_arm(CmzScanState *state, const CmzArm *arm, const CmzBoundArm *bound, ExplainState *es)
{
	explain_operation(state, arm, bound, es);
	if (bound->empty)
		ExplainPropertyText("Result", "no item can match, nothing is sent", es);
	else
	{
		explain_condition("Key Condition", bound->key, es);
		explain_condition("Filter Expression", bound->filter, es);
	}
}

/* The arms of an OR are a list of their own in the structured formats. */
static void
explain_arms(CmzScanState *state, const CmzBinding *binding, ExplainState *es)
{
	ListCell   *lc;

	if (binding->narms > 1)
		ExplainOpenGroup("Union", "Union", false, es);
	foreach(lc, state->plan->arms)
	{
		if (binding->narms > 1)
			ExplainOpenGroup("Arm", NULL, true, es);
		explain_arm(state, lfirst(lc), &binding->arms[foreach_current_index(lc)], es);
		if (binding->narms > 1)
			ExplainCloseGroup("Arm", NULL, true, es);
	}
	if (binding->narms > 1)
		ExplainCloseGroup("Union", "Union", false, es);
}

/* The LIMIT and OFFSET that the scan applies itself, as they were written. */
static void
explain_limit(const CmzPlan *plan, const char *const *text, ExplainState *es)
{
	if (!plan->limit_is_ours)
		return;
	if (plan->limit_no >= 0)
		ExplainPropertyText("Limit", text[plan->limit_no], es);
	if (plan->offset_no >= 0)
		ExplainPropertyText("Offset", text[plan->offset_no], es);
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
	const CmzPlan *plan = state->plan;
	const char **text = operand_text(node, es);
	CmzBinding	constants;
	const CmzBinding *binding = state->binding;

	if (binding == NULL)
	{
		bind_constants(node, text, &constants);
		binding = &constants;
	}
	/* an upper relation: core does not say what it is about */
	if (node->ss.ps.plan->type == T_ForeignScan && ((Scan *) node->ss.ps.plan)->scanrelid == 0)
		ExplainPropertyText("Foreign Table", state->table->name, es);
	explain_arms(state, binding, es);
	if (!cmz_binding_is_empty(binding))
	{
		if (plan->count && !cmz_binding_needs_rows(binding))
			ExplainPropertyText("Select", "COUNT", es);
		else
			explain_projection(binding->inexact && state->wide_reader ? state->wide_reader : state->reader, es);
	}
	if (order_name(plan) != NULL)
		ExplainPropertyText("Order", order_name(plan), es);
	explain_limit(plan, text, es);
	if (es->costs)
		ExplainPropertyFloat("Estimated Read Units", NULL, plan->read_units, 1, es);
	if (es->analyze)
		explain_counters(&state->counters, es);
}

void
cmzExplainForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo, List *fdw_private,
						int subplan, ExplainState *es)
{
	const CmzTable *table = cmz_table_open(RelationGetRelid(rinfo->ri_RelationDesc));
	CmzWriteOp	op = mtstate->operation == CMD_INSERT ? CMZ_WRITE_PUT :
		mtstate->operation == CMD_UPDATE ? CMZ_WRITE_UPDATE : CMZ_WRITE_DELETE;

	ExplainPropertyText("DynamoDB", cmz_write_operation(op), es);
	ExplainPropertyText("Write Mode", table->immediate ? "immediate" : "transaction", es);
}
