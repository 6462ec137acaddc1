"""Random WHERE conditions that are likely to match: most of their values come from one row of the table."""
from values import TEXTS, odd_literals, quote

COMPARISONS = ["=", "=", "=", "<", "<=", ">", ">=", "<>"]
RANGES = ["<", "<=", ">", ">=", ">=", "<="]
UNORDERED = ("jsonb", "text[]", "boolean")


class Scope:
    """One table in a query: its alias, and the row that conditions on it aim at."""

    def __init__(self, writer, table, alias):
        self.writer, self.table, self.alias = writer, table, alias
        self.row = writer.rng.choice(table.rows)

    def name(self, column):
        return '%s."%s"' % (self.alias, column.name)

    def key(self, index=None):
        """(partition column, sort column or None) of an index."""
        pair = index or self.writer.rng.choice(self.table.indexes)
        return tuple(n and self.table.column(n) for n in pair)


class Writer:
    """Writes the SQL text of one query; collects its parameters."""

    def __init__(self, rng, prepared=False):
        self.rng, self.prepared = rng, prepared
        self.parameters = []            # (type, [values of the first EXECUTE, of the second])
        self.marks = 0

    def chance(self, probability):
        return self.rng.random() < probability

    def mark(self, text):
        """Marks a condition, so that the reducer can take it out."""
        self.marks += 1
        return "/*<%d*/%s/*%d>*/" % (self.marks, text, self.marks)

    def parameter(self, type_name, values):
        self.parameters.append((type_name, values))
        return "$%d" % len(self.parameters)

    # -- operands

    def value(self, scope, column):
        """A literal: of the row aimed at, of another one, or an odd one."""
        dice = self.rng.random()
        if dice < .65 and scope.row.get(column.name):
            return scope.row[column.name]
        odd = odd_literals(column)
        if dice > .93 and odd:
            return self.rng.choice(odd)
        return self.rng.choice(scope.table.rows).get(column.name) or (odd[0] if odd else "NULL::" + column.type)

    def operand(self, scope, column):
        text = self.value(scope, column)
        dice = self.rng.random()
        if dice < .02:
            return "NULL::" + column.base
        if self.prepared and dice < .5:
            return self.parameter(column.base if column.base != "char" else "text", [text, self.value(scope, column)])
        if dice > .93:
            return "(SELECT %s)" % text
        if dice > .88 and "::" in text:
            return "fuzz.same((%s)::text)::%s" % (text, column.base if column.base != "char" else "text")
        if column.base == "integer" and dice > .82:
            return text + self.rng.choice(["::bigint", "::numeric"])
        return text

    def operands(self, scope, column):
        count = 130 if self.chance(.02) else self.rng.choice([1, 2, 2, 3, 4, 6])
        return [self.operand(scope, column) for _ in range(count)]

    # -- single conditions

    def equality(self, scope, column):
        """All the ways to give a key one or more values."""
        name, kind = scope.name(column), self.rng.randrange(6 if column.base == "text[]" else 9)
        array_type = column.base if column.base != "char" else "text"
        if kind < 3:
            return "%s = %s" % (name, self.operand(scope, column))
        if kind == 3:
            return "%s = %s" % (self.operand(scope, column), name)
        if kind < 6:
            return "%s IN (%s)" % (name, ", ".join(self.operands(scope, column)))
        if kind == 6:
            return "%s = ANY (ARRAY[%s]::%s[])" % (name, ", ".join(self.operands(scope, column)), array_type)
        if kind == 7:
            return "(%s)" % " OR ".join("%s = %s" % (name, o) for o in self.operands(scope, column)[:5])
        rows = ", ".join("(%s)" % o for o in self.operands(scope, column)[:5])
        if self.chance(.3):
            return "%s = ANY ('{}'::%s[])" % (name, array_type)
        return "%s = ANY (ARRAY(SELECT x.v::%s FROM (VALUES %s) x(v)))" % (name, array_type, rows)

    def range(self, scope, column):
        name = scope.name(column)
        if self.chance(.3):
            return "%s BETWEEN %s%s AND %s" % (name, "SYMMETRIC " if self.chance(.6) else "", self.operand(scope, column),
                                               self.operand(scope, column))
        return " AND ".join("%s %s %s" % (name, self.rng.choice(RANGES), self.operand(scope, column))
                            for _ in range(self.rng.choice([1, 1, 2, 3])))

    def pattern(self, scope, column):
        name = scope.name(column)
        row = scope.row.get(column.name) or ""
        whole = row[1:row.rindex("'")].replace("''", "'") if row.startswith("'") else self.rng.choice(TEXTS)
        prefix = whole[:self.rng.choice([0, 1, 2, 3, len(whole)])]
        escaped = "".join("\\" + c if c in "%_\\" else c for c in prefix)
        kind = self.rng.randrange(9)
        if kind == 0:
            return "%s ^@ %s" % (name, quote(prefix))
        if kind == 1:
            return "starts_with(%s, %s)" % (name, quote(prefix))
        if kind == 2:
            return "%s LIKE %s ESCAPE '!'" % (name, quote("".join("!" + c if c in "%_!" else c for c in prefix) + "%"))
        if kind == 3:
            return "%s NOT LIKE %s" % (name, quote(escaped + "%"))
        rest = self.rng.choice(["%", "%", "_%", "%" + escaped[-2:].lstrip("\\") + "%", "", "%b"])
        if escaped.endswith("\\") and not escaped.endswith("\\\\"):
            escaped = ""
        return "%s LIKE %s" % (name, quote(("%" if kind == 4 else "") + escaped + rest))

    def truth(self, scope, column):
        name = scope.name(column)
        return self.rng.choice(["%s", "NOT %s", "%s IS TRUE", "%s IS NOT TRUE", "%s IS FALSE", "%s IS NOT FALSE",
                                "%s IS UNKNOWN", "%s = false", "%s <> true"]) % name

    def any_column(self, scope):
        tricky = [c for c in scope.table.columns if c.tricky]
        return self.rng.choice(tricky if tricky and self.chance(.4) else scope.table.columns)

    def leaf(self, scope, column=None):
        column = column or self.any_column(scope)
        name, dice = scope.name(column), self.rng.random()
        if column.huge:
            return self.rng.choice(["length(%s) > 50000", "%s LIKE 'b%%'", "%s > 'f'", "%s < 'd'"]) % name
        if dice < .12:
            return name + self.rng.choice([" IS NULL", " IS NOT NULL"])
        if column.base == "boolean":
            return self.truth(scope, column)
        if dice < .4 or column.base in UNORDERED:
            return self.equality(scope, column)
        if column.base == "text" and dice < .55 and not column.loose:
            return self.pattern(scope, column)
        if dice < .7 and column.base != "fuzz.mood":
            return self.range(scope, column)
        if dice < .74:
            return "%s IS %sDISTINCT FROM %s" % (name, self.rng.choice(["", "NOT "]), self.operand(scope, column))
        if dice < .8:
            return "%s NOT IN (%s)" % (name, ", ".join(self.operands(scope, column)[:4]))
        if dice < .83 and column.base == "text":
            return '%s COLLATE "%s" %s %s' % (name, self.rng.choice(["C", "POSIX", "und-x-icu"]), self.rng.choice(COMPARISONS),
                                              self.operand(scope, column))
        if dice < .85:
            other = [c for c in scope.table.columns if c.type == column.type and c.collation == column.collation]
            return "%s %s %s" % (name, self.rng.choice(COMPARISONS), scope.name(self.rng.choice(other)))
        return "%s %s %s" % (name, self.rng.choice(COMPARISONS), self.operand(scope, column))

    # -- keys

    def tuples(self, scope, columns):
        """(a, b) IN ((..), (..)) with keys of rows that exist, and some that do not."""
        rows = [scope.row] + [self.rng.choice(scope.table.rows) for _ in range(self.rng.randrange(4))]
        lists = [", ".join(r.get(c.name) or "NULL::" + c.base for c in columns) for r in rows]
        return "(%s) IN (%s)" % (", ".join(scope.name(c) for c in columns), ", ".join("(%s)" % x for x in lists))

    def keyed(self, scope, index=None):
        """A condition on the keys of an index; a list to be ANDed."""
        partition, sort = scope.key(index)
        if sort and self.chance(.12):
            return [self.mark(self.tuples(scope, [partition, sort]))]
        conditions = [self.mark(self.equality(scope, partition))]
        if sort and self.chance(.55):
            conditions.append(self.mark(self.leaf(scope, sort) if self.chance(.6) else self.range(scope, sort)))
        if partition.name == "user_id" and self.chance(.3):
            conditions.append(self.mark(self.range(scope, scope.table.column("timestamp"))))
        return conditions

    def across(self, scope):
        """An OR of the keys of several indexes."""
        arms = [" AND ".join(self.keyed(scope)) for _ in range(self.rng.choice([2, 2, 3]))]
        return self.mark("(%s)" % " OR ".join("(%s)" % arm for arm in arms))

    def tree(self, scope, depth):
        dice = self.rng.random()
        if depth == 0 or dice < .5:
            return self.mark(self.leaf(scope))
        if dice < .6:
            return self.mark("NOT (%s)" % self.tree(scope, depth - 1))
        joiner = self.rng.choice([" AND ", " OR ", " OR "])
        return self.mark("(%s)" % joiner.join(self.tree(scope, depth - 1) for _ in range(self.rng.choice([2, 2, 3]))))

    def where(self, scope, keyed=.75, most=2):
        """The list of conditions of one table."""
        conditions, dice = [], self.rng.random()
        if dice < keyed * .25:
            conditions.append(self.across(scope))
        elif dice < keyed:
            conditions += self.keyed(scope)
        for _ in range(self.rng.choice([0, 0, 1, 1, most])):
            conditions.append(self.tree(scope, 2))
        return conditions


def where_clause(conditions):
    return " WHERE " + " AND ".join(conditions) if conditions else ""
