"""The items and rows with which each sequence starts, made from the seed."""
import random
from dataclasses import dataclass

from dynamodb import NULL, B, N, S

EXTRAS = [{"x": S("kept")}, {"x": S("kept"), "y": {"M": {"deep": {"L": [N("1.50"), NULL, {"BOOL": True}]}}}}, {"bin": B(b"\x00\xff")},
          {"tags": {"SS": ["a"]}, "odd name": N("7")}, {"none": NULL, "x": S("")}, {}]


@dataclass
class Seed:
    tag: int
    row: dict                       # column -> SQL literal
    item: dict
    extras: dict                    # attributes of the item that no column maps


def make(shape, seed):
    rng = random.Random("seeds of %s %s" % (shape.name, seed))
    seeds, seen = [], set()
    while len(seeds) < shape.seeds:
        row, item = {}, {}
        for column in shape.columns:
            if column.name in shape.parts or rng.random() < .75:
                odd = column.odd and rng.random() < .2
                sql, attribute = rng.choice(column.odd if odd else column.values)
                row[column.name], item[column.attribute] = sql, attribute
        complete(shape, row, item)
        key = str([item[name] for name, _ in shape.keys])
        if key not in seen:
            seen.add(key)
            extras = dict(rng.choice(EXTRAS))
            item.update(extras)
            seeds.append(Seed(len(seeds) + 1, row, item, extras))
    return seeds


def complete(shape, row, item):
    """The composite key of a conversation."""
    if shape.name == "chat":
        composite = item["sessionId"]["S"] + "#" + item["timestamp"]["S"]
        item["sessionIdTimestamp"], row["session_id_timestamp"] = S(composite), "'%s'" % composite


def as_values(shape, seeds):
    """SQL of VALUES: all columns and the tag."""
    rows = [", ".join([seed.row.get(c.name, "NULL") for c in shape.columns] + [str(seed.tag)]) for seed in seeds]
    return "VALUES " + ", ".join("(%s)" % row for row in rows)
