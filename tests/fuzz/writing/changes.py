"""INSERT, UPDATE and DELETE.

What a statement does must not depend on the order in which it meets its rows.  Where it can fail with another error than a
duplicate key, that is its only error: whether a duplicate is reported at once or at the end would otherwise show.
"""


def row(author, key):
    """{column: SQL} of a row to insert."""
    values = {p: key[p][0] for p in author.shape.parts}
    for column in author.shape.others:
        if author.chance(.6):
            values[column.name] = "NULL" if author.chance(.15) else author.value(column)
    if author.shape.name == "chat" and author.chance(.15):
        values["session_id_timestamp"] = author.composite(key)
    return values


def into(author, names, table=None):
    return "INSERT INTO %s (%s)" % (table or author.shape.name, ", ".join(author.shape.quoted(names)))


def conflict(author, share=.35):
    return " ON CONFLICT DO NOTHING" if author.chance(share) else ""


def insert(author, returning=.45, fresh=.7, skip=.35):
    """One row or several, now and then with a duplicate among them."""
    keys = [author.key(fresh) for _ in range(author.pick([1, 1, 1, 2, 3, 5]))]
    if len(keys) > 1 and author.chance(.12):
        keys[-1] = keys[0]
    rows = [row(author, key) for key in keys]
    names = [c.name for c in author.shape.columns if any(c.name in r for r in rows)]
    values = ", ".join("(%s)" % ", ".join(r.get(n, "DEFAULT") for n in names) for r in rows)
    return into(author, names) + " VALUES " + values + conflict(author, skip) + author.returning(share=returning)


def insert_null_key(author):
    key = author.key(1)
    values = row(author, key)
    values.pop("session_id_timestamp", None)
    values[author.pick([p for p in author.shape.parts if p != "timestamp"])] = "NULL"
    return into(author, values) + " VALUES (%s)" % ", ".join(values.values()) + conflict(author)


def insert_from_self(author, returning=.45):
    """Rows of the table under other keys."""
    shift = author.pick(author.shape.shifts)
    names = [c.name for c in author.shape.columns if c.name in author.shape.parts or (c.name != "session_id_timestamp" and author.chance(.6))]
    sources = [author.fill(shift[n], author.shape.column(n), "s") if n in shift else author.name(n, "s") for n in names]
    source = " FROM %s s WHERE %s AND %s" % (author.shape.name, author.fill(shift["from"], author.shape.columns[0], "s"), author.condition("s"))
    if author.chance(.4):
        source += author.total_order("s") + author.limit()
    return into(author, names) + " SELECT " + ", ".join(sources) + source + conflict(author) + author.returning(share=returning)


def insert_from_helper(author, returning=.45, value="h.i"):
    names = author.shape.parts + [author.shape.number, author.shape.text]
    condition = author.pick(["", " WHERE h.i % 2 = 0", " WHERE h.s = 's1'", " WHERE NOT EXISTS (SELECT 1 FROM %s t WHERE %s)" % (
        author.shape.name, " AND ".join("%s = %s" % (author.name(p, "t"), author.name(p, "h")) for p in author.shape.parts))])
    return into(author, names) + " SELECT %s, %s, h.s FROM %s_h h%s" % (
        ", ".join(author.name(p, "h") for p in author.shape.parts), value, author.shape.name, condition) + conflict(author, .6) + (
            author.returning(share=returning))


def assignments(author, alias="", most=3):
    """Sets other columns than those of the key."""
    columns = author.rng.sample(author.shape.others, author.rng.randint(1, min(most, len(author.shape.others))))
    if author.chance(.3) and author.shape.column(author.shape.number) not in columns:
        columns.append(author.shape.column(author.shape.number))
    texts = ["%s = %s" % (c.quoted, author.fill(author.pick(c.sets), c, alias)) for c in columns]
    if author.chance(.1):
        texts.append("{0} = {1}".format(author.name(author.shape.parts[0]), author.name(author.shape.parts[0], alias)))
    return ", ".join(texts)


def update(author, returning=.45):
    return "UPDATE %s SET %s%s" % (author.shape.name, assignments(author), author.where(all_rows=.04)) + author.returning(share=returning)


def update_row(author, returning=.45):
    """(a, b) = (..): several columns of one row."""
    columns = author.rng.sample(author.shape.others, 2)
    values = [author.fill(author.pick(c.sets), c, "u") for c in columns]
    form = author.pick(["(%s) = ROW(%s)", "(%s) = (SELECT %s)"])
    return "UPDATE %s u SET " % author.shape.name + form % (", ".join(c.quoted for c in columns), ", ".join(values)) + (
        " WHERE " + author.one("u") + author.returning("u", returning))


def update_from(author, returning=.45):
    """FROM VALUES, a local table, the table itself; never two rows for one."""
    shape, kind = author.shape, author.rng.randrange(5)
    same = lambda other: " AND ".join("%s = %s" % (author.name(p, "t"), author.name(p, other)) for p in shape.parts)
    head = "UPDATE %s t SET %s = " % (shape.name, shape.number)
    if kind == 0:
        keys = {author.literals(k): k for k in [author.key(.1) for _ in range(author.pick([1, 2, 4]))]}
        rows = ", ".join("(%s, %d)" % (", ".join("%s::%s" % (k[p][0], shape.column(p).type) for p in shape.parts), n)
                         for n, k in enumerate(keys.values()))
        text = head + "v.n, %s = %s FROM (VALUES %s) v(%s, n) WHERE %s" % (
            shape.text, author.pick(["'v'", "NULL", "t.%s || v.n" % shape.text]), rows, ", ".join(shape.quoted(shape.parts)), same("v"))
    elif kind == 1:
        text = head + "h.i, %s = h.s FROM %s_h h WHERE %s" % (shape.text, shape.name, same("h"))
    elif kind == 2:
        text = head + "x.n + coalesce(x.m, 0) FROM (SELECT {p}, count(*)::integer AS n, max({a}) AS m FROM {t} GROUP BY {p}) x WHERE t.{p} = x.{p} AND ".format(
            p=shape.key[0], a=shape.number, t=shape.name) + author.condition("t")
    elif kind == 3:
        text = head + "(SELECT count(*)::integer + coalesce(max(u.{a}), 0) FROM {t} u WHERE u.{p} = t.{p}) WHERE ".format(
            p=shape.key[0], a=shape.number, t=shape.name) + author.condition("t")
    else:
        text = head + "t.{a} + s.{a}, {b} = s.{b} FROM {t} s WHERE ".format(a=shape.number, b=shape.text, t=shape.name) + (
            author.at(author.key(.1), "s") + " AND " + author.condition("t"))
    return text + author.returning("t", returning)


def move(author, returning=.45, null=.05):
    """Another key for one row."""
    shape = author.shape
    column = shape.column(author.pick(list(shape.moves)))
    targets = shape.fresh[column.name] if author.chance(.5) else column.values
    value = author.fill(author.pick(shape.moves[column.name]), column, "m") if author.chance(.4) else author.pick(targets)[0]
    if author.chance(null):
        value = "NULL"
    text = "%s = %s" % (column.quoted, value)
    others = [p for p in shape.parts if p != column.name]
    if others and author.chance(.25):
        other = shape.column(author.pick(others))
        text += ", %s = %s" % (other.quoted, author.value(other))
    if author.chance(.4):
        text += ", " + "%s = %s" % (shape.number, author.fill("@c + 1", shape.column(shape.number), "m"))
    return "UPDATE %s m SET %s WHERE %s" % (shape.name, text, author.one("m")) + author.returning("m", returning)


def move_many(author, returning=.45):
    """Other keys for many rows, none of them a key that one of these rows has."""
    shift = dict(author.pick(author.shape.shifts))
    source = shift.pop("from")
    texts = ["%s = %s" % (author.name(n), author.fill(t, author.shape.column(n), "m")) for n, t in shift.items()]
    if author.chance(.5):
        texts.append(assignments(author, "m", 1).split(", pk =")[0])
    condition = author.fill(source, author.shape.columns[0], "m") + ("" if author.chance(.3) else " AND " + author.condition("m"))
    return "UPDATE %s m SET %s WHERE %s" % (author.shape.name, ", ".join(texts), condition) + author.returning("m", returning)


def update_fails(author):
    """An error that depends on the rows."""
    shape = author.shape
    text = author.pick(["{a} = 10 / {a}", "{a} = {b}::integer", "{a} = 2147483647 + coalesce({a}, 1)"]).format(a=shape.number, b=shape.text)
    return "UPDATE %s SET %s WHERE %s" % (shape.name, text, author.condition())


def delete(author, returning=.45):
    return "DELETE FROM %s%s" % (author.shape.name, author.where(all_rows=.02)) + author.returning(share=returning)


def delete_one(author, returning=.45):
    return "DELETE FROM %s WHERE %s" % (author.shape.name, author.one()) + author.returning(share=returning)


def delete_using(author, returning=.45):
    shape, kind = author.shape, author.rng.randrange(4)
    partition, part = shape.key[0], author.value(shape.column(shape.key[0]))
    text = "DELETE FROM %s t " % shape.name
    if kind == 0:
        text += "USING %s_h h WHERE %s AND h.i < %d" % (
            shape.name, " AND ".join("%s = %s" % (author.name(p, "t"), author.name(p, "h")) for p in shape.parts), author.pick([3, 9]))
    elif kind == 1:
        last = shape.quoted(shape.key)[-1]
        text += "USING (SELECT {f}({l}) AS m FROM {t} WHERE {p} = {v}) x WHERE t.{p} = {v} AND t.{l} = x.m".format(
            f=author.pick(["max", "min"]), l=last, t=shape.name, p=partition, v=part)
    elif kind == 2:
        text += "WHERE t.{a} > (SELECT avg({a}) FROM {t}) AND {c}".format(a=shape.number, t=shape.name, c=author.condition("t"))
    else:
        text += "WHERE EXISTS (SELECT 1 FROM {t} o WHERE o.{a} = t.{a} AND o.{k} <> t.{k}) AND {c}".format(
            a=shape.number, t=shape.name, k=shape.quoted(shape.key)[-1], c=author.condition("t"))
    return text + author.returning("t", returning)


def through_view(author):
    """The view with a check option, or the one that renames columns."""
    shape, kind = author.shape, author.rng.randrange(6)
    if kind == 0:
        key = author.key(.7)
        return into(author, shape.parts + [shape.number], shape.name + "_view") + " VALUES (%s, 7) RETURNING *" % author.literals(key)
    if kind == 1:
        return "UPDATE %s_view SET %s = 99 WHERE %s" % (shape.name, shape.number, author.condition())
    if kind == 2:
        return "UPDATE %s_view SET %s = %d WHERE %s" % (shape.name, shape.number, author.pick([1, 5, 50]), author.condition()) + (
            author.pick(["", " RETURNING *"]))
    if kind == 3:
        return "DELETE FROM %s_view WHERE %s" % (shape.name, author.condition()) + author.pick(["", " RETURNING " + shape.number])
    keyed = "%s = %s" % (shape.key[0], author.value(shape.column(shape.key[0])))
    if kind == 4:
        return "UPDATE %s_some SET num = num + 1, txt = %s WHERE %s" % (shape.name, author.pick(["txt || 'v'", "NULL"]), keyed) + (
            author.pick(["", " RETURNING *"]))
    return "DELETE FROM %s_some WHERE num = %d" % (shape.name, author.pick([1, 2, 3, 45])) + author.pick(["", " RETURNING num, txt"])


# what may fail with a duplicate key and in no other way: fit for blocks of several statements
SAFE = [(insert, 8), (insert_from_self, 2), (insert_from_helper, 2), (update, 9), (update_row, 1), (update_from, 4),
        (lambda author, returning: move(author, returning, null=0), 3), (move_many, 1), (delete, 2), (delete_one, 3), (delete_using, 1)]


def any_safe(author):
    """A statement without RETURNING."""
    makers, weights = zip(*SAFE)
    return author.rng.choices(makers, weights)[0](author, returning=0)


def steps():
    """(kind, maker, weight)."""
    return [("insert", insert, 13), ("insert null key", insert_null_key, 1), ("insert from self", insert_from_self, 4),
            ("insert from local", insert_from_helper, 3), ("update", update, 15), ("update row", update_row, 2),
            ("update from", update_from, 6), ("move", move, 5), ("move many", move_many, 2), ("update fails", update_fails, 1),
            ("delete", delete, 3), ("delete one", delete_one, 5), ("delete using", delete_using, 2), ("view", through_view, 4)]
