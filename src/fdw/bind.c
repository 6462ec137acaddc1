/*
 * bind.c
 *	  Binds a plan to the values of its operands: the requests of a scan.
 *
 * The values of the partition key times the ranges of the sort key are the
 * Queries of an arm, each once.  Where full primary keys are given,
 * BatchGetItem takes a hundred of them at once.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "base/expression.h"
#include "base/json.h"
#include "base/keyrange.h"
#include "base/request.h"
#include "fdw/bind.h"
#include "miscadmin.h"

/* While one arm is bound. */
typedef struct ArmBinder
{
	CmzBinder	base;
	const CmzPlan *plan;
	const CmzArm *arm;
	const CmzIndex *index;
	CmzBinding *binding;
	CmzBoundArm *bound;
	int			npartitions;
	CmzOperand *partitions;		/* sorted, each once */
	int			nranges;
	CmzKeyRange *ranges;		/* sorted, without overlaps */
} ArmBinder;

static int
compare_operands(const void *a, const void *b)
{
	const CmzOperand *x = a;
	const CmzOperand *y = b;

	return x->type != y->type ? (int) x->type - (int) y->type : cmz_operand_compare(x, y);
}

/* A key of the wrong type or size: DynamoDB would reject the request. */
static bool
is_possible_key(const CmzTable *table, const char *attribute, const CmzOperand *operand, int max)
{
	CmzType		known = cmz_table_key_type(table, attribute);

	if ((operand->type == CMZ_TYPE_S || operand->type == CMZ_TYPE_B) &&
		(operand->len == 0 || operand->len > max))
		return false;
	return operand->type != CMZ_TYPE_BOOL && (known == CMZ_TYPE_NONE || operand->type == known);
}

/* The values of a key set, sorted, each once. */
static CmzOperand *
bind_key_set(ArmBinder *b, const CmzQual *qual, const char *attribute, int max, int *n)
{
	List	   *conditions = cmz_bound_values(&b->base, qual);
	CmzOperand *values = palloc(sizeof(CmzOperand) * Max(list_length(conditions), 1));
	int			found = 0;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		const CmzOperand *value = ((CmzCondition *) lfirst(lc))->operands;

		if (is_possible_key(b->base.table, attribute, value, max))
			values[found++] = *value;
	}
	qsort(values, found, sizeof(CmzOperand), compare_operands);
	*n = 0;
	for (int i = 0; i < found; i++)
		if (i == 0 || compare_operands(&values[i], &values[*n - 1]) != 0)
			values[(*n)++] = values[i];
	return values;
}

/* Narrow the range of the sort key by one qual. */
static void
restrict_by(ArmBinder *b, CmzKeyRange *range, CmzBound bound)
{
	CmzType		known = cmz_table_key_type(b->base.table, b->index->sort_key);

	if (bound.kind == BOUND_FALSE)
		range->empty = true;
	if (bound.kind != BOUND_CONDITION)
		return;
	if (known != CMZ_TYPE_NONE && bound.condition->operands[0].type != known)
		range->empty = true;
	else
		cmz_keyrange_apply(range, bound.condition);
}

/* Put the session in front of every operand of a condition on the time. */
static void
restrict_composite(CmzKeyRange *range, const CmzOperand *session, const CmzCondition *condition)
{
	static const CmzOp between[] = {CMZ_OP_GE, CMZ_OP_LE};

	for (int i = 0; i < condition->noperands; i++)
	{
		const CmzOperand *time = &condition->operands[i];
		StringInfoData key;
		CmzOperand	operand;

		initStringInfo(&key);
		cmz_conversation_append_key(&key, session->data, session->len, time->data, time->len);
		operand = cmz_operand_string(key.data, key.len);
		cmz_keyrange_restrict(range, condition->op == CMZ_OP_BETWEEN ? between[i] : condition->op,
							  &operand);
	}
}

/* sessionId = S (and times): the composite key begins with S# (and the time). */
static void
restrict_by_session(ArmBinder *b, CmzKeyRange *range, const CmzOperand *session)
{
	CmzOperand	nothing = cmz_operand_cstring("");
	ListCell   *lc;

	restrict_composite(range, session,
					   cmz_condition_compare(CMZ_OP_BEGINS_WITH, CMZ_TIMESTAMP, nothing));
	foreach(lc, b->arm->times)
	{
		CmzBound	bound = cmz_bound_qual(&b->base, lfirst(lc));

		if (bound.kind == BOUND_FALSE)
			range->empty = true;
		if (bound.kind == BOUND_CONDITION && !range->empty)
			restrict_composite(range, session, bound.condition);
	}
}

static void
add_range(ArmBinder *b, const CmzKeyRange *range)
{
	if (!range->empty)
		b->ranges[b->nranges++] = *range;
}

static int
compare_ranges(const void *a, const void *b)
{
	const CmzKeyBound *x = &((const CmzKeyRange *) a)->lo;
	const CmzKeyBound *y = &((const CmzKeyRange *) b)->lo;

	if (!x->set || !y->set)
		return (int) x->set - (int) y->set;
	return cmz_operand_compare(&x->value, &y->value);
}

/* The range has a key in common with the one before it, or might have. */
static bool
overlaps(const CmzKeyRange *before, const CmzKeyRange *range)
{
	return !range->lo.set || !before->hi.set ||
		cmz_operand_compare(&range->lo.value, &before->hi.value) <= 0;
}

/* No key may be in two ranges: it would be read twice. */
static void
merge_ranges(ArmBinder *b)
{
	int			n = 0;

	qsort(b->ranges, b->nranges, sizeof(CmzKeyRange), compare_ranges);
	for (int i = 0; i < b->nranges; i++)
	{
		const CmzKeyRange *range = &b->ranges[i];
		CmzKeyRange *last = n > 0 ? &b->ranges[n - 1] : NULL;

		if (last == NULL || !overlaps(last, range))
			b->ranges[n++] = *range;
		else if (last->hi.set && (!range->hi.set ||
								  cmz_operand_compare(&range->hi.value, &last->hi.value) >= 0))
		{
			/* the bounds may be wider than asked for, never tighter */
			last->hi = range->hi;
			last->hi.inclusive = true;
		}
	}
	b->nranges = n;
}

/*
 * The first = ANY on the sort key gives it a range for each value; all other
 * quals narrow them.
 */
static void
bind_ranges(ArmBinder *b)
{
	const CmzArm *arm = b->arm;
	const CmzQual *any = NULL;
	CmzKeyRange range;
	List	   *values = NIL;
	ListCell   *lc;

	cmz_keyrange_init(&range);
	foreach(lc, arm->sort)
	{
		const CmzQual *qual = lfirst(lc);

		if (qual->op == CMZ_QUAL_ANY && any == NULL)
			any = qual;
		else if (qual->op != CMZ_QUAL_ANY)
			restrict_by(b, &range, cmz_bound_qual(&b->base, qual));
	}
	if (any != NULL)
		values = cmz_bound_values(&b->base, any);
	else if (arm->session != NULL)
		values = cmz_bound_values(&b->base, arm->session);
	b->ranges = palloc(sizeof(CmzKeyRange) * Max(list_length(values), 1));
	if (any == NULL && arm->session == NULL)
		add_range(b, &range);
	foreach(lc, values)
	{
		CmzKeyRange one = range;
		CmzBound	bound = {BOUND_CONDITION, lfirst(lc)};
		const CmzOperand *value = &bound.condition->operands[0];

		if (any != NULL)
			restrict_by(b, &one, bound);
		else if (value->type == CMZ_TYPE_S && value->len > 0)
			restrict_by_session(b, &one, value);
		else
			one.empty = true;
		add_range(b, &one);
	}
	merge_ranges(b);
}

/* The expression and its values are within DynamoDB's limits. */
static bool
fits_limits(const CmzCondition *condition)
{
	CmzPlaceholders placeholders;
	StringInfoData buf;
	int64		bytes = 0;

	if (cmz_condition_operators(condition) > CMZ_MAX_OPERATORS)
		return false;
	cmz_placeholders_init(&placeholders);
	initStringInfo(&buf);
	cmz_expression_append(&buf, &placeholders, condition);
	for (int i = 0; i < placeholders.nvalues; i++)
		bytes += placeholders.values[i].len;
	/* the key condition's placeholders come first: ours may grow by a digit */
	return buf.len + placeholders.nvalues + placeholders.nnames <= CMZ_MAX_EXPRESSION &&
		bytes <= CMZ_MAX_OPERAND_BYTES;
}

static void
bind_filter(ArmBinder *b)
{
	ListCell   *lc;

	b->base.in_filter = true;
	foreach(lc, b->arm->filter)
	{
		const CmzQual *qual = lfirst(lc);
		CmzBound	bound;
		CmzCondition *joined = NULL;

		b->base.widened = false;
		bound = cmz_bound_qual(&b->base, qual);
		if (bound.kind == BOUND_FALSE)
			b->bound->empty = true;
		if (bound.kind == BOUND_CONDITION && !b->bound->is_get)
		{
			joined = cmz_condition_join(CMZ_OP_AND, b->bound->filter, bound.condition);
			if (!fits_limits(joined))
				joined = NULL;
		}
		/* what does not go, or not as it is, is checked here */
		if (joined != NULL)
			b->bound->filter = joined;
		if (qual->exact && (joined == NULL || b->base.widened))
			b->binding->inexact = true;
	}
	b->base.in_filter = false;
}

static CmzCondition *
key_equals(const char *attribute, int n, const CmzOperand *values)
{
	return cmz_condition_leaf(n == 1 ? CMZ_OP_EQ : CMZ_OP_IN, attribute, n, values);
}

/* The ranges are single values: collect them. */
static CmzOperand *
range_values(ArmBinder *b)
{
	CmzOperand *values = palloc(sizeof(CmzOperand) * Max(b->nranges, 1));

	for (int i = 0; i < b->nranges; i++)
	{
		const CmzKeyRange *range = &b->ranges[i];

		if (!range->lo.set || !range->hi.set ||
			cmz_operand_compare(&range->lo.value, &range->hi.value) != 0)
			return NULL;
		values[i] = range->lo.value;
	}
	return values;
}

/* All the keys as one condition, for people. */
static CmzCondition *
show_key(ArmBinder *b, const CmzOperand *sort_values)
{
	CmzCondition *ranges = NULL;

	if (sort_values != NULL)
		ranges = key_equals(b->index->sort_key, b->nranges, sort_values);
	for (int i = 0; sort_values == NULL && i < b->nranges; i++)
		ranges = cmz_condition_join(CMZ_OP_OR, ranges,
									cmz_keyrange_condition(&b->ranges[i], b->index->sort_key));
	return cmz_condition_join(CMZ_OP_AND,
							  key_equals(b->index->partition_key, b->npartitions, b->partitions),
							  ranges);
}

static void
add_read(CmzBinding *binding, int arm_no, const CmzCondition *key, const char *keys)
{
	CmzRead    *read = palloc0(sizeof(CmzRead));

	read->arm = arm_no;
	read->key = key;
	read->keys = keys;
	binding->reads = lappend(binding->reads, read);
}

static void
add_queries(ArmBinder *b, int arm_no)
{
	for (int i = 0; i < b->npartitions; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < b->nranges; j++)
			add_read(b->binding, arm_no,
					 cmz_condition_join(CMZ_OP_AND,
										key_equals(b->index->partition_key, 1, &b->partitions[i]),
										cmz_keyrange_condition(&b->ranges[j], b->index->sort_key)),
					 NULL);
	}
}

/* A primary key of the table; sort NULL: it has none. */
typedef struct ItemKey
{
	const CmzOperand *partition;
	const CmzOperand *sort;
} ItemKey;

static void
append_key(StringInfo buf, const CmzIndex *index, const ItemKey *key)
{
	appendStringInfoChar(buf, '{');
	cmz_json_append_name(buf, index->partition_key);
	cmz_operand_append_json(buf, key->partition);
	if (key->sort != NULL)
	{
		cmz_json_append_name(buf, index->sort_key);
		cmz_operand_append_json(buf, key->sort);
	}
	appendStringInfoChar(buf, '}');
}

/* Note the keys of an arm; the requests take those of all arms together. */
static void
add_keys(ArmBinder *b, const CmzOperand *sort_values)
{
	for (int i = 0; i < b->npartitions; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < b->nranges; j++)
		{
			ItemKey    *key = palloc(sizeof(ItemKey));

			key->partition = &b->partitions[i];
			key->sort = sort_values ? &sort_values[j] : NULL;
			b->binding->keys = lappend(b->binding->keys, key);
		}
	}
}

static int
compare_keys(const ListCell *a, const ListCell *b)
{
	const ItemKey *x = lfirst(a);
	const ItemKey *y = lfirst(b);
	int			order = compare_operands(x->partition, y->partition);

	return order != 0 || x->sort == NULL ? order : compare_operands(x->sort, y->sort);
}

/* BatchGetItems for the keys, each once: DynamoDB rejects a repeated one. */
static void
add_gets(const CmzIndex *index, CmzBinding *binding)
{
	List	   *keys = binding->keys;
	StringInfoData buf;
	int			arm_no = 0;
	int			n = 0;

	while (arm_no < binding->narms && !binding->arms[arm_no].is_get)
		arm_no++;
	list_sort(keys, compare_keys);
	for (int i = 0; i < list_length(keys); i++)
	{
		if (i == 0 || compare_keys(list_nth_cell(keys, i - 1), list_nth_cell(keys, i)) != 0)
		{
			if (n == 0)
				initStringInfo(&buf);
			else
				appendStringInfoChar(&buf, ',');
			append_key(&buf, index, list_nth(keys, i));
			n++;
		}
		if (n == CMZ_MAX_BATCH_GET || (n > 0 && i + 1 == list_length(keys)))
		{
			add_read(binding, arm_no, NULL, buf.data);
			n = 0;
		}
	}
}

static void
bind_query(ArmBinder *b, int arm_no)
{
	CmzBoundArm *bound = b->bound;
	CmzOperand *sort_values = NULL;

	b->partitions = bind_key_set(b, b->arm->partition, b->index->partition_key,
								 CMZ_MAX_PARTITION_KEY, &b->npartitions);
	bind_ranges(b);
	if (b->npartitions == 0 || b->nranges == 0)
	{
		bound->empty = true;
		return;
	}
	if (b->arm->sort != NIL || b->arm->session != NULL)
		sort_values = range_values(b);
	bound->key = show_key(b, sort_values);
	/* a single key is as well read by a Query, which also filters */
	bound->is_get = b->index->name == NULL && b->plan->direction == 0 &&
		(sort_values != NULL || b->index->sort_key == NULL) &&
		((int64) b->npartitions * b->nranges > 1 || b->binding->narms > 1);
	bind_filter(b);
	if (bound->empty)
		return;
	if (bound->is_get)
		add_keys(b, sort_values);
	else
		add_queries(b, arm_no);
}

static void
bind_scan(ArmBinder *b, int arm_no)
{
	bind_filter(b);
	if (!b->bound->empty)
		add_read(b->binding, arm_no, NULL, NULL);
}

static void
init_arms(const CmzPlan *plan, CmzBinding *binding)
{
	memset(binding, 0, sizeof(*binding));
	binding->narms = list_length(plan->arms);
	binding->arms = palloc0(sizeof(CmzBoundArm) * binding->narms);
}

void
cmz_bind_plan(const CmzTable *table, const CmzPlan *plan, const CmzOperandValues *values,
			  CmzBinding *binding)
{
	ListCell   *lc;

	init_arms(plan, binding);
	foreach(lc, plan->arms)
	{
		int			i = foreach_current_index(lc);
		ArmBinder	b = {{table, values, NULL, false, NULL, false}, plan, lfirst(lc)};

		b.index = cmz_arm_index(b.arm, table);
		b.binding = binding;
		b.bound = &binding->arms[i];
		if (b.arm->is_query)
			bind_query(&b, i);
		else
			bind_scan(&b, i);
		binding->utc_columns = bms_add_members(binding->utc_columns, b.base.utc_columns);
	}
	add_gets(&table->layout.table, binding);
	/* the order of times kept as text is that of their bytes in UTC only */
	if (plan->direction != 0)
		binding->utc_columns = bms_add_member(binding->utc_columns, plan->order_attnum);
}

bool
cmz_binding_needs_rows(const CmzBinding *binding)
{
	for (int i = 0; i < binding->narms; i++)
		if (binding->arms[i].is_get)
			return true;
	return binding->inexact;
}

bool
cmz_binding_is_empty(const CmzBinding *binding)
{
	for (int i = 0; i < binding->narms; i++)
		if (!binding->arms[i].empty)
			return false;
	return true;
}

/* A condition on the composite key, with what stands behind the session. */
static CmzCondition *
symbolic_composite(CmzOp op, const char *session, const char *rest)
{
	char	   *text = psprintf("%s || '%c'%s%s", session, CMZ_COMPOSITE_SEPARATOR,
								*rest ? " || " : "", rest);
	CmzOperand	symbol = {CMZ_TYPE_NONE, text, (int) strlen(text), false};

	return cmz_condition_compare(op, CMZ_SESSION_ID_TIMESTAMP, symbol);
}

/* AND the quals together, as they are written. */
static CmzCondition *
bind_as_written(CmzBinder *binder, CmzCondition *condition, List *quals)
{
	ListCell   *lc;

	foreach(lc, quals)
		condition = cmz_condition_join(CMZ_OP_AND, condition,
									   cmz_bound_qual(binder, lfirst(lc)).condition);
	return condition;
}

static CmzCondition *
session_as_written(const CmzArm *arm, CmzCondition *condition, const char *const *text)
{
	const char *session;
	ListCell   *lc;

	if (arm->session == NULL || arm->session->operand_no < 0)
		return condition;
	session = text[arm->session->operand_no];
	condition = cmz_condition_join(CMZ_OP_AND, condition,
								   symbolic_composite(CMZ_OP_BEGINS_WITH, session, ""));
	foreach(lc, arm->times)
	{
		const CmzQual *qual = lfirst(lc);
		bool		match = qual->op == CMZ_QUAL_LIKE || qual->op == CMZ_QUAL_PREFIX;

		condition = cmz_condition_join(CMZ_OP_AND, condition,
									   symbolic_composite(match ? CMZ_OP_BEGINS_WITH : cmz_bound_ops[qual->op],
														  session, text[qual->operand_no]));
	}
	return condition;
}

void
cmz_bind_symbolic(const CmzTable *table, const CmzPlan *plan, const CmzOperandValues *values,
				  const char *const *symbols, const char *const *text, CmzBinding *binding)
{
	ListCell   *lc;

	init_arms(plan, binding);
	foreach(lc, plan->arms)
	{
		const CmzArm *arm = lfirst(lc);
		CmzBoundArm *bound = &binding->arms[foreach_current_index(lc)];
		CmzBinder	binder = {table, values, symbols, false, NULL, false};

		if (arm->is_query)
			bound->key = session_as_written(arm, bind_as_written(&binder, NULL, lcons(arm->partition, list_copy(arm->sort))), text);
		binder.in_filter = true;
		bound->filter = bind_as_written(&binder, NULL, arm->filter);
	}
}
