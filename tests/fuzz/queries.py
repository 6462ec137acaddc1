"""Random SELECTs.  Tables without a schema are the ones under test; loc.x is a local table on both sides."""
from dataclasses import dataclass, field

from conditions import Scope, Writer, where_clause

SETS = ["UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"]
JOINS = ["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
NO_MINIMUM = ("boolean", "uuid", "bytea", "jsonb", "text[]")


@dataclass
class Query:
    kind: str
    sql: str
    tail: str = ""                  # LIMIT and what follows it
    order: list = field(default_factory=list)    # positions of the output columns that it is ordered by
    total: bool = False             # no two different rows are equal in them
    parameters: list = field(default_factory=list)

    @property
    def partial(self):
        return "LIMIT" in self.tail or "OFFSET" in self.tail or "FETCH" in self.tail


class Output:
    """The select list and the ORDER BY of one query."""

    def __init__(self, writer):
        self.writer, self.items, self.terms, self.positions, self.total = writer, [], [], [], False

    def add(self, expression):
        self.items.append(expression)

    def columns(self, scope, most=4):
        """Some columns; now and then the whole row."""
        columns = scope.table.columns
        if self.writer.chance(.1) and not any(c.huge for c in columns):
            self.add(scope.alias)
            return
        for column in self.writer.rng.sample(columns, self.writer.rng.randint(1, min(most, len(columns)))):
            self.add("length(%s), md5(%s)" % ((scope.name(column),) * 2) if column.huge else scope.name(column))

    def order_by(self, expressions, total):
        rng = self.writer.rng
        direction = rng.choice(["", "", " DESC"])
        self.items = expressions + self.items
        self.positions, self.total = list(range(len(expressions))), total
        self.terms = [e + (direction if self.writer.chance(.9) else " DESC") +
                      rng.choice(["", "", "", " NULLS FIRST", " NULLS LAST"]) for e in expressions]

    def order_clause(self):
        return " ORDER BY " + ", ".join(self.terms) if self.terms else ""

    def select(self):
        return "SELECT " + ", ".join(self.items)


def pick(writer, tables, small=False):
    candidates = [t for t in tables if not (small and t.name == "big")]
    return writer.rng.choices(candidates, [t.weight for t in candidates])[0]


def plain_columns(scope):
    return [c for c in scope.table.columns if not c.loose and not c.huge]


def orderable(scope):
    return [c for c in plain_columns(scope) if c.base != "jsonb"]


def sort_keys(writer, scope, index=None):
    """(expressions, whether they are a total order)."""
    rng, dice = writer.rng, writer.rng.random()
    partition, sort = scope.key(index)
    unique = [scope.name(scope.table.column(n)) for n in scope.table.unique]
    if dice < .35 and sort:
        keys = [scope.name(sort)]
    elif dice < .55 and sort:
        keys = [scope.name(partition), scope.name(sort)]
    elif dice < .75 and unique:
        return (unique[::-1] if writer.chance(.4) else unique), True
    else:
        keys = [scope.name(c) for c in rng.sample(orderable(scope), 2 if writer.chance(.3) else 1)]
    if unique and writer.chance(.4):
        return keys + [u for u in unique if u not in keys], True
    return keys, False


def limit(writer, ordered):
    rng = writer.rng

    def count(values):
        number = str(rng.choice(values))
        if writer.prepared and writer.chance(.5):
            return writer.parameter("bigint", [number, str(rng.choice(values + ["NULL"]))])
        return rng.choice([number, number, number, number + "+1", "(SELECT %s)" % number, "greatest(%s, 2)" % number])

    dice = rng.random()
    if dice < .06:
        return " LIMIT " + rng.choice(["NULL", "ALL", "0"])
    if dice < .12 and ordered:
        return " FETCH FIRST %d ROWS WITH TIES" % rng.choice([1, 2, 5])
    text = " LIMIT " + count([1, 1, 2, 3, 5, 10, 50]) if dice < .92 else ""
    if not text or writer.chance(.25):
        text += " OFFSET " + count([0, 1, 2, 7, 40])
    return text


def finish(kind, writer, output, body, limited):
    sql = output.select() + body + output.order_clause()
    tail = limit(writer, bool(output.terms)) if writer.chance(limited) else ""
    return Query(kind, sql, tail, output.positions, output.total, writer.parameters)


# ---- shapes: each takes a Writer and the tables, and gives a Query

def rows(writer, tables):
    scope = Scope(writer, pick(writer, tables), "a")
    output = Output(writer)
    if writer.chance(.9):
        output.columns(scope)
    if not output.items or writer.chance(.1):
        output.add("a.tableoid::regclass" if writer.chance(.5) else "1")
    conditions = writer.where(scope)
    if writer.chance(.45):
        output.order_by(*sort_keys(writer, scope))
    query = finish("rows", writer, output, " FROM %s a%s" % (scope.table.name, where_clause(conditions)), .4 if output.terms else .12)
    if writer.chance(.04) and not query.tail:
        query.sql += writer.rng.choice([" FOR UPDATE", " FOR SHARE", " FOR NO KEY UPDATE SKIP LOCKED"])
    return query


def filters(writer, tables):
    """Just one or two conditions, on any columns: no key hides what a filter loses."""
    scope = Scope(writer, pick(writer, tables, small=True), "a")
    tricky = [c for c in scope.table.columns if c.tricky]
    column = writer.rng.choice(tricky) if tricky and writer.chance(.6) else None
    conditions = [writer.mark(writer.leaf(scope, column))]
    if writer.chance(.3):
        conditions.append(writer.tree(scope, 1))
    joiner = writer.rng.choice([" AND ", " AND ", " OR "])
    output = Output(writer)
    output.columns(scope, 3)
    return finish("filter", writer, output, " FROM %s a WHERE %s" % (scope.table.name, joiner.join(conditions)), 0)


def ordered_keys(writer, tables):
    """ORDER BY an index's sort key beneath an equality or a list of its partition keys."""
    scope = Scope(writer, pick(writer, tables), "a")
    index = writer.rng.choice(scope.table.indexes)
    conditions = writer.keyed(scope, index)
    if writer.chance(.25):
        conditions.append(writer.tree(scope, 1))
    output = Output(writer)
    output.columns(scope, 3)
    output.order_by(*sort_keys(writer, scope, index))
    return finish("ordered", writer, output, " FROM %s a%s" % (scope.table.name, where_clause(conditions)), .7)


def aggregate(writer, scope):
    column = writer.rng.choice(plain_columns(scope))
    name = scope.name(column)
    choices = ["count(*)", "count(*)", "count(*)", "count(%s)", "count(DISTINCT %s)", "array_agg(%s ORDER BY %s)", "bool_or(%s IS NULL)"]
    if column.base not in NO_MINIMUM:
        choices += ["min(%s)", "max(%s)", "min(%s)", "max(%s)"]
    if column.base in ("integer", "bigint", "numeric"):
        choices += ["sum(%s)", "avg(%s)"]
    if column.base == "boolean":
        choices += ["bool_and(%s)"]
    if column.base == "text":
        choices += ["string_agg(%s, ',' ORDER BY %s)"]
    text = writer.rng.choice(choices).replace("%s", name)
    if writer.chance(.1):
        text += " FILTER (WHERE %s)" % writer.leaf(scope)
    return text


def aggregates(writer, tables):
    scope = Scope(writer, pick(writer, tables), "a")
    output = Output(writer)
    for _ in range(writer.rng.choice([1, 1, 1, 2, 3])):
        output.add(aggregate(writer, scope))
    conditions = writer.where(scope)
    return finish("aggregate", writer, output, " FROM %s a%s" % (scope.table.name, where_clause(conditions)), .05)


def edges(writer, tables):
    """min and max of a sort key, counts beneath LIMIT: what an index answers by itself."""
    scope = Scope(writer, pick(writer, tables), "a")
    index = writer.rng.choice([i for i in scope.table.indexes if i[1]] or [(scope.table.indexes[0][0],) * 2])
    sort = scope.table.column(index[1])
    output = Output(writer)
    conditions = writer.keyed(scope, index)
    table = scope.table.name
    if sort.base not in NO_MINIMUM and writer.chance(.6):
        for function in writer.rng.choice([["min"], ["max"], ["min", "max"], ["max", "count"]]):
            output.add("%s(%s)" % (function, scope.name(sort)))
        return finish("edges", writer, output, " FROM %s a%s" % (table, where_clause(conditions)), 0)
    output.add("count(*)")
    inner = "SELECT 1 FROM %s a%s%s" % (table, where_clause(conditions), limit(writer, False) if writer.chance(.5) else " OFFSET 0")
    return finish("edges", writer, output, " FROM (%s) s" % inner, 0)


def grouped(writer, tables):
    scope = Scope(writer, pick(writer, tables), "a")
    keys = [scope.name(c) for c in writer.rng.sample(plain_columns(scope), writer.rng.choice([1, 1, 2]))]
    output = Output(writer)
    output.add(aggregate(writer, scope))
    output.add("count(*)")
    body = " FROM %s a%s" % (scope.table.name, where_clause(writer.where(scope, .6)))
    body += " GROUP BY " + (writer.rng.choice(["%s", "%s", "ROLLUP (%s)", "GROUPING SETS ((%s), ())"]) % ", ".join(keys))
    rolled = "(" in body.rsplit("GROUP BY", 1)[1]
    if writer.chance(.3):
        body += " HAVING " + writer.rng.choice(["count(*) > 1", "count(*) < 4", "min(%s) IS NOT NULL" % keys[0]
                                                if scope.table.column(keys[0].split('"')[1]).base not in NO_MINIMUM else "count(*) >= 2"])
    if rolled:
        # until 18, PostgreSQL itself takes a column equal to a constant for sorted here, though it is NULL in some sets
        output.items = keys + output.items
        return finish("group", writer, output, body, 0)
    output.order_by(keys, True)
    return finish("group", writer, output, body, .2)


def distinct(writer, tables):
    scope = Scope(writer, pick(writer, tables), "a")
    columns = [scope.name(c) for c in writer.rng.sample(orderable(scope), writer.rng.choice([1, 2, 3]))]
    output = Output(writer)
    body = " FROM %s a%s" % (scope.table.name, where_clause(writer.where(scope, .6)))
    output.order_by(columns, True)
    unique = [scope.name(scope.table.column(n)) for n in scope.table.unique]
    if unique and writer.chance(.4):
        # the unique columns decide which row of a group comes first
        output = Output(writer)
        output.columns(scope, 2)
        output.order_by(columns[:1] + [u for u in unique if u != columns[0]], True)
        query = finish("distinct on", writer, output, body, .2)
        query.sql = query.sql.replace("SELECT ", "SELECT DISTINCT ON (%s) " % columns[0], 1)
        return query
    query = finish("distinct", writer, output, body, .3)
    query.sql = query.sql.replace("SELECT ", "SELECT DISTINCT ", 1)
    return query


def windows(writer, tables):
    scope = Scope(writer, pick(writer, [t for t in tables if t.unique]), "a")
    unique = ", ".join(scope.name(scope.table.column(n)) for n in scope.table.unique)
    partition, sort = scope.key()
    by = scope.name(partition)
    order = ", ".join(([scope.name(sort)] if sort else []) + [unique])
    output = Output(writer)
    output.columns(scope, 2)
    for _ in range(writer.rng.choice([1, 2])):
        output.add(writer.rng.choice([
            "row_number() OVER (PARTITION BY %s ORDER BY %s)" % (by, order),
            "rank() OVER (ORDER BY %s)" % by, "count(*) OVER (PARTITION BY %s)" % by,
            "lag(%s) OVER (ORDER BY %s DESC)" % (by, order),
            "sum(1) OVER (PARTITION BY %s ORDER BY %s ROWS 2 PRECEDING)" % (by, order)]))
    body = " FROM %s a%s" % (scope.table.name, where_clause(writer.where(scope, .7)))
    if writer.chance(.3):
        inner = "SELECT a.*, row_number() OVER (PARTITION BY %s ORDER BY %s) AS nth%s" % (by, order, body)
        output.items = ["s.nth"] + ['s."%s"' % c.name for c in plain_columns(scope)[:3]]
        body = " FROM (%s) s WHERE s.nth <= %d" % (inner, writer.rng.choice([1, 2]))
    return finish("window", writer, output, body, 0)


ALL_SHAPES = [(rows, 20), (filters, 14), (ordered_keys, 18), (aggregates, 10), (edges, 6), (grouped, 6), (distinct, 4), (windows, 4)]
