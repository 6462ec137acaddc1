/*
 * bind.c
 *	  Binds a plan to the values of its operands: what a scan reads.
 *
 * The values of the partition key times the ranges of the sort key are the
 * Queries of an arm.  That may be millions, so they are made one by one when
 * their turn comes, see reads.c.
 */
#include "postgres.h"

#include "base/conversation.h"
#include "base/expression.h"
#include "base/keyrange.h"
#include "fdw/bind.h"
#include "miscadmin.h"

/* While one arm is bound. */
typedef struct ArmBinder
{
	CmzBinder	base;
	const CmzPlan *plan;
	const CmzArm *arm;
	CmzBinding *binding;
	CmzBoundArm *bound;
} ArmBinder;

static int
compare_operands(const void *a, const void *b)
{
	/* there may be millions to sort */
	CHECK_FOR_INTERRUPTS();
	return cmz_operand_compare(a, b);
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
	CmzType		known = cmz_table_key_type(b->base.table, b->bound->index->sort_key);
	const CmzCondition *leaf = bound.condition;

	if (bound.kind == BOUND_FALSE)
		range->empty = true;
	if (bound.kind != BOUND_CONDITION)
		return;
	while (leaf->nargs > 0)
		leaf = leaf->args[0];
	if (known != CMZ_TYPE_NONE && leaf->operands[0].type != known)
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
		b->bound->ranges[b->bound->nranges++] = *range;
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

	qsort(b->bound->ranges, b->bound->nranges, sizeof(CmzKeyRange), compare_ranges);
	for (int i = 0; i < b->bound->nranges; i++)
	{
		const CmzKeyRange *range = &b->bound->ranges[i];
		CmzKeyRange *last = n > 0 ? &b->bound->ranges[n - 1] : NULL;

		if (last == NULL || !overlaps(last, range))
			b->bound->ranges[n++] = *range;
		else if (last->hi.set && (!range->hi.set ||
								  cmz_operand_compare(&range->hi.value, &last->hi.value) >= 0))
		{
			/* the bounds may be wider than asked for, never tighter */
			last->hi = range->hi;
			last->hi.inclusive = true;
		}
	}
	b->bound->nranges = n;
}

/* A qual that gives the sort key a range for each value, or each arm. */
static bool
is_list(const CmzQual *qual)
{
	return qual->op == CMZ_QUAL_ANY || qual->op == CMZ_QUAL_OR;
}

static void
add_listed_ranges(ArmBinder *b, const CmzQual *list, const CmzKeyRange *range)
{
	List	   *values = list->op == CMZ_QUAL_ANY ? cmz_bound_values(&b->base, list) : list->args;
	ListCell   *lc;

	b->bound->ranges = palloc(sizeof(CmzKeyRange) * Max(list_length(values), 1));
	foreach(lc, values)
	{
		CmzBound	bound = {BOUND_CONDITION, lfirst(lc)};
		CmzKeyRange one = *range;

		CHECK_FOR_INTERRUPTS();
		if (list->op == CMZ_QUAL_OR)
			bound = cmz_bound_qual(&b->base, lfirst(lc));
		restrict_by(b, &one, bound);
		add_range(b, &one);
	}
}

static void
add_session_ranges(ArmBinder *b, const CmzKeyRange *range)
{
	List	   *values = cmz_bound_values(&b->base, b->arm->session);
	ListCell   *lc;

	b->bound->ranges = palloc(sizeof(CmzKeyRange) * Max(list_length(values), 1));
	foreach(lc, values)
	{
		const CmzOperand *session = ((CmzCondition *) lfirst(lc))->operands;
		CmzKeyRange one = *range;

		CHECK_FOR_INTERRUPTS();
		if (session->type == CMZ_TYPE_S && session->len > 0)
			restrict_by_session(b, &one, session);
		else
			one.empty = true;
		add_range(b, &one);
	}
}

/*
 * One qual may list ranges of the sort key, by its values or its arms; all
 * others narrow them.
 */
static void
bind_ranges(ArmBinder *b)
{
	const CmzQual *list = NULL;
	CmzKeyRange range;
	ListCell   *lc;

	cmz_keyrange_init(&range);
	foreach(lc, b->arm->sort)
	{
		const CmzQual *qual = lfirst(lc);

		if (is_list(qual))
			list = qual;
		else
			restrict_by(b, &range, cmz_bound_qual(&b->base, qual));
	}
	if (list != NULL)
		add_listed_ranges(b, list, &range);
	else if (b->arm->session != NULL)
		add_session_ranges(b, &range);
	else
	{
		b->bound->ranges = palloc(sizeof(CmzKeyRange));
		add_range(b, &range);
	}
	merge_ranges(b);
}

/* So many ranges are asked for one by one, however few items there are. */
#define MIN_LISTED_RANGES 8

/*
 * To ask for more keys than a partition has items is no way to read less of
 * it: take all between the first and the last.
 */
static void
limit_ranges(ArmBinder *b)
{
	CmzBoundArm *bound = b->bound;
	ListCell   *lc;

	if (bound->nranges <= Max(MIN_LISTED_RANGES, b->arm->partition_items))
		return;
	bound->ranges[0].hi = bound->ranges[bound->nranges - 1].hi;
	bound->ranges[0].has_prefix = false;
	bound->nranges = 1;
	foreach(lc, b->arm->sort)
		if (((CmzQual *) lfirst(lc))->op == CMZ_QUAL_ANY && ((CmzQual *) lfirst(lc))->exact)
			b->binding->inexact = true;
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

/* So many values are shown of a list. */
#define MAX_SHOWN	50

/* A list of values as a condition, for people: not all of very many. */
static CmzCondition *
show_values(const char *attribute, int n, const CmzOperand *values)
{
	CmzOperand	shown[MAX_SHOWN + 1];
	int			nshown = Min(n, MAX_SHOWN);

	memcpy(shown, values, sizeof(CmzOperand) * nshown);
	if (n > nshown)
	{
		shown[nshown].type = CMZ_TYPE_NONE;
		shown[nshown].data = psprintf("... %d more", n - nshown);
		shown[nshown].len = strlen(shown[nshown].data);
		nshown++;
	}
	return cmz_condition_leaf(n == 1 ? CMZ_OP_EQ : CMZ_OP_IN, attribute, nshown, shown);
}

/* The ranges are single values: collect them. */
static CmzOperand *
range_values(ArmBinder *b)
{
	CmzOperand *values = palloc(sizeof(CmzOperand) * Max(b->bound->nranges, 1));

	for (int i = 0; i < b->bound->nranges; i++)
	{
		const CmzKeyRange *range = &b->bound->ranges[i];

		if (!range->lo.set || !range->hi.set ||
			cmz_operand_compare(&range->lo.value, &range->hi.value) != 0)
			return NULL;
		values[i] = range->lo.value;
	}
	return values;
}

/* All the keys as one condition, for people. */
static CmzCondition *
show_key(ArmBinder *b)
{
	const CmzBoundArm *bound = b->bound;
	const char *sort_key = bound->index->sort_key;
	CmzCondition *ranges = NULL;

	if (bound->sort_values != NULL)
		ranges = show_values(sort_key, bound->nranges, bound->sort_values);
	for (int i = 0; bound->sort_values == NULL && i < Min(bound->nranges, MAX_SHOWN); i++)
		ranges = cmz_condition_join(CMZ_OP_OR, ranges,
									cmz_keyrange_condition(&bound->ranges[i], sort_key));
	return cmz_condition_join(CMZ_OP_AND,
							  show_values(bound->index->partition_key, bound->npartitions,
										  bound->partitions),
							  ranges);
}

/* The sort qual that goes with the partition qual in pairs, NULL if none does. */
static const CmzQual *
paired_qual(const ArmBinder *b)
{
	ListCell   *lc;

	if (cmz_plan_batch_part(b->plan, b->arm->partition->operand_no) != 0)
		return NULL;
	foreach(lc, b->arm->sort)
		if (cmz_plan_batch_part(b->plan, ((CmzQual *) lfirst(lc))->operand_no) == 1)
			return lfirst(lc);
	return NULL;
}

typedef struct KeyPair
{
	CmzOperand	partition;
	CmzOperand	sort;
} KeyPair;

static int
compare_pairs(const void *a, const void *b)
{
	const KeyPair *x = a;
	const KeyPair *y = b;
	int			order = compare_operands(&x->partition, &y->partition);

	return order != 0 ? order : cmz_operand_compare(&x->sort, &y->sort);
}

/*
 * The primary keys that a batched join gives, each once.  Other quals on the keys
 * are checked when the items have come.
 */
static void
bind_pairs(ArmBinder *b, const CmzQual *sort_qual)
{
	CmzBoundArm *bound = b->bound;
	List	   *partitions = cmz_bound_elements(&b->base, b->arm->partition);
	List	   *sorts = cmz_bound_elements(&b->base, sort_qual);
	KeyPair    *pairs = palloc(sizeof(KeyPair) * Max(list_length(partitions), 1));
	int			n = 0;
	int			distinct = 0;

	for (int i = 0; i < list_length(partitions); i++)
	{
		const CmzCondition *partition = list_nth(partitions, i);
		const CmzCondition *sort = list_nth(sorts, i);

		if (partition == NULL || sort == NULL ||
			!is_possible_key(b->base.table, bound->index->partition_key, partition->operands, CMZ_MAX_PARTITION_KEY) ||
			!is_possible_key(b->base.table, bound->index->sort_key, sort->operands, CMZ_MAX_SORT_KEY))
			continue;
		pairs[n].partition = partition->operands[0];
		pairs[n++].sort = sort->operands[0];
	}
	qsort(pairs, n, sizeof(KeyPair), compare_pairs);
	bound->partitions = palloc(sizeof(CmzOperand) * Max(n, 1));
	bound->sort_values = palloc(sizeof(CmzOperand) * Max(n, 1));
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_pairs(&pairs[i], &pairs[i - 1]) != 0)
		{
			bound->partitions[distinct] = pairs[i].partition;
			bound->sort_values[distinct++] = pairs[i].sort;
		}
	bound->npartitions = bound->nranges = distinct;
	bound->is_get = bound->is_paired = true;
	bound->empty = distinct == 0;
	b->binding->inexact = true;
}

static void
bind_query(ArmBinder *b)
{
	CmzBoundArm *bound = b->bound;
	const CmzQual *paired = paired_qual(b);

	if (paired != NULL)
	{
		bind_pairs(b, paired);
		bound->key = show_key(b);
		bind_filter(b);
		return;
	}
	bound->partitions = bind_key_set(b, b->arm->partition, bound->index->partition_key,
									 CMZ_MAX_PARTITION_KEY, &bound->npartitions);
	bind_ranges(b);
	limit_ranges(b);
	if (bound->npartitions == 0 || bound->nranges == 0)
	{
		bound->empty = true;
		return;
	}
	if (b->arm->sort != NIL || b->arm->session != NULL)
		bound->sort_values = range_values(b);
	bound->key = show_key(b);
	/* a single key is as well read by a Query, which also filters */
	bound->is_get = bound->index->name == NULL && b->plan->direction == 0 &&
		(bound->sort_values != NULL || bound->index->sort_key == NULL) &&
		(bound->npartitions > 1 || bound->nranges > 1 || b->binding->narms > 1);
	bind_filter(b);
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

		b.binding = binding;
		b.bound = &binding->arms[i];
		b.bound->index = cmz_arm_index(b.arm, table);
		b.bound->is_query = b.arm->is_query;
		if (b.arm->is_query)
			bind_query(&b);
		else
			bind_filter(&b);
		binding->utc_columns = bms_add_members(binding->utc_columns, b.base.utc_columns);
	}
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

		/* as it will be, see bind_query() and bind_pairs() */
		bound->is_get = arm->is_query && arm->index < 0 &&
			cmz_plan_batch_part(plan, arm->partition->operand_no) == 0 &&
			(plan->batch_nos[1] >= 0 || table->layout.table.sort_key == NULL);
		if (arm->is_query)
			bound->key = session_as_written(arm, bind_as_written(&binder, NULL, lcons(arm->partition, list_copy(arm->sort))), text);
		binder.in_filter = true;
		bound->filter = bind_as_written(&binder, NULL, arm->filter);
	}
}
