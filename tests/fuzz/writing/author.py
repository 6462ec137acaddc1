"""Writes the parts of statements: values, keys, conditions, assignments."""
from dataclasses import dataclass


@dataclass
class Step:
    """One statement of a sequence."""
    kind: str
    sql: str
    ordered: bool = False           # its rows come in a total order


class Author:
    """Writes about one table; shapes are all tables, which queries may join."""

    def __init__(self, rng, shape, shapes):
        self.rng, self.shape, self.shapes = rng, shape, shapes

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, values):
        return self.rng.choice(values)

    def name(self, column, alias=""):
        return (alias + "." if alias else "") + self.shape.column(column).quoted

    # -- values

    def value(self, column):
        return self.pick(column.values)[0]

    def fill(self, template, column, alias=""):
        """@c is the column, @v one of its values, @t stands before other columns."""
        prefix = alias + "." if alias else ""
        text = template.replace("@c", prefix + column.quoted).replace("@t", prefix)
        while "@v" in text:
            text = text.replace("@v", self.value(column), 1)
        return text

    def key(self, fresh=.0):
        """The parts of a key, as pairs of literal and attribute; fresh: how likely it is one that no seed item has."""
        fresh = self.chance(fresh)
        return {p: self.pick(self.shape.fresh[p] if fresh else self.shape.column(p).values) for p in self.shape.parts}

    def literals(self, key):
        return ", ".join(key[p][0] for p in self.shape.parts)

    def composite(self, key):
        return "'%s#%s'" % (key["session_id"][1]["S"], key["timestamp"][1]["S"])

    # -- conditions

    def at(self, key, alias=""):
        """The condition that is true of one key."""
        if self.shape.name == "chat" and self.chance(.5):
            return "%s = %s AND %s = %s" % (self.name("user_id", alias), key["user_id"][0],
                                            self.name("session_id_timestamp", alias), self.composite(key))
        return " AND ".join("%s = %s" % (self.name(p, alias), key[p][0]) for p in self.shape.parts)

    def one(self, alias=""):
        return self.at(self.key(fresh=.1), alias)

    def of_path(self, path, alias=""):
        """A partition of the table or of an index, perhaps a range of it."""
        partition, sort = path
        column = self.shape.column(partition)
        texts = [self.fill("@c = @v" if self.chance(.85) else "@c IN (@v, @v)", column, alias)]
        if sort and self.chance(.5):
            templates = ["@c > @v", "@c <= @v", "@c BETWEEN @v AND @v", "@c = @v", "@c >= @v AND @c < @v"]
            texts.append(self.fill(self.pick(templates), self.shape.column(sort), alias))
        return " AND ".join(texts)

    def partition(self, alias=""):
        return self.of_path(self.pick(self.shape.base), alias)

    def group(self, alias=""):
        return self.of_path(self.pick(self.shape.groups or self.shape.base), alias)

    def filter(self, alias=""):
        column = self.pick(self.shape.others)
        return self.fill(self.pick(column.tests), column, alias)

    def keys_in(self, alias=""):
        keys = [self.key(fresh=.1) for _ in range(self.pick([1, 2, 3, 5]))]
        if len(self.shape.parts) == 1:
            values, form = ", ".join(self.literals(k) for k in keys), self.pick(["%s IN (%s)", "%s = ANY (ARRAY[%s])"])
            return form % (self.name(self.shape.parts[0], alias), values)
        names = ", ".join(self.name(p, alias) for p in self.shape.parts)
        return "(%s) IN (%s)" % (names, ", ".join("(%s)" % self.literals(k) for k in keys))

    def either(self, alias=""):
        return "(%s)" % " OR ".join("(%s)" % self.condition(alias, 1) for _ in range(self.pick([2, 2, 3])))

    def condition(self, alias="", depth=0):
        kinds = [(self.one, 3), (self.partition, 5), (self.group, 4), (self.filter, 4), (self.keys_in, 2), (self.either, 0 if depth else 2)]
        makers, weights = zip(*kinds)
        text = self.rng.choices(makers, weights)[0](alias)
        return text + " AND " + self.filter(alias) if self.chance(.2) else text

    def where(self, alias="", all_rows=.1):
        return "" if self.chance(all_rows) else " WHERE " + self.condition(alias)

    # -- orders and lists

    def total_order(self, alias=""):
        """ORDER BY of which no two rows are equal in."""
        columns = list(self.shape.key)
        for path in self.shape.base + self.shape.groups:
            if path[1] and self.chance(.25):
                columns = [path[1]] + columns
        way = self.pick(["", "", " DESC"])
        return " ORDER BY " + ", ".join(self.name(c, alias) + way for c in dict.fromkeys(columns))

    def limit(self, always=False):
        if not always and self.chance(.6):
            return ""
        return " LIMIT %d" % self.pick([1, 2, 3, 5]) + (" OFFSET %d" % self.pick([1, 2]) if self.chance(.3) else "")

    def outputs(self, alias=""):
        """A select list: all columns, some, the whole row, expressions."""
        prefix, dice = alias + "." if alias else "", self.rng.random()
        if dice < .3:
            return prefix + "*"
        if dice < .4:
            return alias or self.shape.name
        columns = self.rng.sample(self.shape.columns, self.rng.randint(1, min(4, len(self.shape.columns))))
        names = [prefix + c.quoted for c in columns]
        if dice > .85:
            names.append("%s%s + 1" % (prefix, self.shape.number))
        if dice > .93:
            names.append("upper(%s%s)" % (prefix, self.shape.text))
        return ", ".join(names)

    def returning(self, alias="", share=.45):
        return " RETURNING " + self.outputs(alias) if self.chance(share) else ""
