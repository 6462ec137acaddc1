"""Random SELECTs over several tables: joins, sub-selects, LATERAL, set operations, CTEs."""
from conditions import Scope, where_clause
from queries import JOINS, SETS, Output, Query, aggregate, finish, orderable, pick, sort_keys

FAMILIES = {"text": "text", "integer": "number", "bigint": "number", "numeric": "number"}


def joinable(scope):
    """Columns to join by, of the families that others have too; keys come several times."""
    keys = [n for index in scope.table.indexes for n in index if n]
    columns = [c for c in orderable(scope) if c.base in FAMILIES and (c.base != "text" or c.collation == "C")]
    return columns + [c for c in columns if c.name in keys] * 4


def equal(writer, left, right):
    """left.x = right.y of one family, at least one of them a key."""
    pairs = [(a, b) for a in joinable(left) for b in joinable(right) if FAMILIES[a.base] == FAMILIES[b.base]]
    a, b = writer.rng.choice(pairs)
    return writer.mark("%s = %s" % (left.name(a), right.name(b)))


def same_row(left, right):
    """Equality of the unique columns, for self-joins."""
    return " AND ".join('%s."%s" = %s."%s"' % (left.alias, n, right.alias, n) for n in left.table.unique)


def source(writer, scope):
    """A table of a join: under test, or now and then its local copy."""
    return "%s%s %s" % ("loc." if writer.chance(.25) else "", scope.table.name, scope.alias)


def scopes(writer, tables, count):
    found = []
    for alias in "xyz"[:count]:
        table = found[0].table if found and writer.chance(.25) else pick(writer, tables, small=True)
        found.append(Scope(writer, table, alias))
    return found


def join(writer, tables):
    parts = scopes(writer, tables, writer.rng.choice([2, 2, 2, 3]))
    body = " FROM " + source(writer, parts[0])
    for number, scope in enumerate(parts[1:], 1):
        kind = writer.rng.choice(JOINS)
        other = parts[writer.rng.randrange(number)]
        on = same_row(other, scope) if other.table is scope.table and other.table.unique and writer.chance(.5) else equal(writer, other, scope)
        if kind != "FULL JOIN" and writer.chance(.35):
            on += " AND " + writer.leaf(scope)
        elif writer.chance(.2):
            on += " AND " + equal(writer, other, scope)
        body += " %s %s ON %s" % (kind, source(writer, scope), on)
    # nearly always something narrows the product
    conditions = writer.keyed(parts[0]) if writer.chance(.9) else []
    for scope in parts[1:]:
        if writer.chance(.35):
            conditions += writer.where(scope, .7, 1)
    body += where_clause(conditions)
    output = Output(writer)
    if writer.chance(.55):
        output.add("count(*)")
        for scope in parts:
            output.add(aggregate(writer, scope))
        return finish("join", writer, output, body, 0)
    for scope in parts:
        output.columns(scope, 2)
    if writer.chance(.4):
        unique = [s.name(s.table.column(n)) for s in parts for n in s.table.unique]
        if all(s.table.unique for s in parts) and writer.chance(.6):
            output.order_by(unique, True)
        else:
            output.order_by(sort_keys(writer, parts[0])[0], False)
    return finish("join", writer, output, body, .6 if output.terms else .2)


def by_key(writer, tables):
    """A short local list drives Queries: the parameterised path."""
    scope = Scope(writer, pick(writer, tables), "a")
    partition, sort = scope.key()
    output = Output(writer)
    if partition.base not in FAMILIES:
        return join(writer, tables)
    key = "o.k" if partition.base == "text" else "o.id::%s" % partition.base
    keys = "loc.keys o" if writer.chance(.6) else "(VALUES (1, 'u1'), (2, 'p'), (2, 'p'), (45, 'a'), (0, NULL)) o(id, k)"
    conditions = [writer.mark("%s = %s" % (scope.name(partition), key))]
    if writer.chance(.4):
        conditions.append(writer.leaf(scope, sort))
    output.add("o.k, o.id")
    output.columns(scope, 3)
    body = " FROM %s %s %s a ON %s" % (keys, writer.rng.choice(["JOIN", "LEFT JOIN"]), scope.table.name, " AND ".join(conditions))
    return finish("by key", writer, output, body, 0)


def whole_keys(writer, tables):
    """Rows found by both parts of the primary key, in either order and several times over: the batches of pairs."""
    found = [t for t in tables if t.unique and t.indexes[0][1]]
    # its rows do not fit in memory, those of the others nearly always do
    table = next(t for t in found if t.name == "big") if writer.chance(.2) else pick(writer, found, small=True)
    parts = [Scope(writer, table, alias) for alias in "xyz"[:writer.rng.choice([2, 2, 3])]]
    output = Output(writer)
    output.columns(parts[0], 3)
    body, conditions = " FROM %s" % source(writer, parts[0]), writer.where(parts[0], .3, 1)
    if writer.chance(.3):
        body += " CROSS JOIN generate_series(1, 3) g"
    for number, scope in enumerate(parts[1:], 1):
        other = parts[writer.rng.randrange(number)]
        keys = ["%s = %s" % writer.rng.choice([(scope.name(c), other.name(c)), (other.name(c), scope.name(c))]) for c in scope.key(table.indexes[0])]
        if writer.chance(.5):
            keys.append(writer.leaf(scope))
        if writer.chance(.2):
            keys.append(writer.leaf(other))
        writer.rng.shuffle(keys)
        on, kind = " AND ".join(keys), writer.rng.choice(["JOIN", "LEFT JOIN", "EXISTS", "NOT EXISTS"])
        if "JOIN" in kind or number + 1 < len(parts):
            body += " %s %s ON %s" % (kind if "JOIN" in kind else "LEFT JOIN", source(writer, scope), on)
            output.columns(scope, 2)
            for column in scope.table.columns:
                if column.huge:
                    output.add("length(%s), md5(%s)" % ((scope.name(column),) * 2))
        else:
            conditions.append("%s (SELECT FROM %s WHERE %s)" % (kind, source(writer, scope), on))
    if writer.chance(.4):
        output.order_by(*sort_keys(writer, parts[0]))
        output.total = False
    return finish("whole keys", writer, output, body + where_clause(conditions), .4 if output.terms else 0)


def lateral(writer, tables):
    """The first few rows of each key."""
    scope = Scope(writer, pick(writer, [t for t in tables if t.unique]), "a")
    index = writer.rng.choice(scope.table.indexes)
    partition, sort = scope.key(index)
    if partition.base not in FAMILIES:
        return by_key(writer, tables)
    key = "o.k" if partition.base == "text" else "o.id::%s" % partition.base
    conditions = ["%s = %s" % (scope.name(partition), key)]
    if writer.chance(.4):
        conditions.append(writer.leaf(scope, sort))
    inner = Output(writer)
    inner.columns(scope, 2)
    keys = [scope.name(sort)] if sort and writer.chance(.7) else []
    unique = [scope.name(scope.table.column(n)) for n in scope.table.unique]
    inner.order_by(keys + [u for u in unique if u not in keys], True)
    text = inner.select() + " FROM %s a%s%s LIMIT %d" % (scope.table.name, where_clause(conditions), inner.order_clause(),
                                                          writer.rng.choice([1, 2, 5]))
    output = Output(writer)
    output.add("o.id, o.k, s")
    return finish("lateral", writer, output, " FROM loc.keys o %s LATERAL (%s) s %s" % (
        ("CROSS JOIN", text, "") if writer.chance(.5) else ("LEFT JOIN", text, "ON true")), 0)


def subselect(writer, tables):
    outer, inner = scopes(writer, tables, 2)
    output = Output(writer)
    output.columns(outer, 3)
    conditions = writer.keyed(outer) if writer.chance(.75) else []
    a = writer.rng.choice(joinable(outer))
    fitting = [c for c in joinable(inner) if FAMILIES[c.base] == FAMILIES[a.base]] or None
    correlated = equal(writer, outer, inner)
    narrow = where_clause(writer.where(inner, .6, 1))
    kind = writer.rng.randrange(6)
    if kind < 2 or not fitting:
        conditions.append("%s (SELECT 1 FROM %s WHERE %s AND %s)" % (
            writer.rng.choice(["EXISTS", "NOT EXISTS"]), source(writer, inner), correlated, writer.leaf(inner)))
    elif kind < 4:
        conditions.append("%s %s (SELECT %s FROM %s%s)" % (outer.name(a), writer.rng.choice(["IN", "IN", "NOT IN"]), inner.name(
            writer.rng.choice(fitting)), source(writer, inner), narrow))
    elif kind == 4:
        column = inner.name(writer.rng.choice(fitting))
        cast = "" if a.base == "text" else "::" + a.base
        function = writer.rng.choice(["= ANY (ARRAY(SELECT %s%s FROM %s%s))", "= (SELECT min(%s)%s FROM %s%s)", ">= (SELECT max(%s)%s FROM %s%s)"])
        conditions.append(outer.name(a) + " " + function % (column, cast, source(writer, inner), narrow))
    else:
        output.add("(SELECT %s FROM %s WHERE %s)" % (aggregate(writer, inner), source(writer, inner), correlated))
    if writer.chance(.4):
        output.order_by(*sort_keys(writer, outer))
    return finish("sub-select", writer, output, " FROM %s%s" % (source(writer, outer), where_clause(conditions)), .4 if output.terms else 0)


def set_operation(writer, tables):
    first = Scope(writer, pick(writer, tables, small=True), "a")
    columns = [c for c in orderable(first)]
    columns = writer.rng.sample(columns, min(len(columns), writer.rng.choice([1, 2, 3])))
    arms = []
    for _ in range(writer.rng.choice([2, 2, 3])):
        scope = Scope(writer, first.table, "a")
        arms.append("SELECT %s FROM %s%s" % (", ".join(scope.name(c) for c in columns), source(writer, scope),
                                              where_clause(writer.where(scope))))
    text = arms[0]
    for arm in arms[1:]:
        text = "(%s) %s (%s)" % (text, writer.rng.choice(SETS), arm)
    query = Query("set", text, parameters=writer.parameters)
    if writer.chance(.4):
        positions = list(range(1, len(columns) + 1))
        query.sql = "SELECT * FROM (%s) s ORDER BY %s" % (text, ", ".join(map(str, positions)))
        query.order, query.total = [p - 1 for p in positions], True
        query.tail = " LIMIT %d" % writer.rng.choice([1, 5, 20])
    return query


def cte(writer, tables):
    scope = Scope(writer, pick(writer, tables, small=True), "a")
    names = [c.name for c in orderable(scope)]
    key = writer.rng.choice([i[0] for i in scope.table.indexes])
    columns = ", ".join('a."%s"' % n for n in names)
    sql = "WITH w AS %s (SELECT %s FROM %s%s) " % (writer.rng.choice(["", "MATERIALIZED", "NOT MATERIALIZED"]), columns,
                                                   source(writer, scope), where_clause(writer.where(scope)))
    again = Scope(writer, scope.table, "w")
    again.alias = "w"
    condition = writer.equality(again, scope.table.column(key))
    choice = writer.rng.randrange(3)
    if choice == 0:
        sql += "SELECT * FROM w WHERE %s" % condition
    elif choice == 1:
        sql += 'SELECT count(*), count(w."%s"), count(v."%s") FROM w LEFT JOIN w v ON w."%s" = v."%s"' % ((key,) * 4)
    else:
        sql += 'SELECT a."%s", (SELECT count(*) FROM w WHERE w."%s" = a."%s") FROM %s%s' % (
            key, key, key, source(writer, scope), where_clause(writer.keyed(scope)))
    return Query("cte", sql, parameters=writer.parameters)


SHAPES = [(join, 14), (by_key, 6), (whole_keys, 6), (lateral, 4), (subselect, 9), (set_operation, 5), (cte, 4)]
