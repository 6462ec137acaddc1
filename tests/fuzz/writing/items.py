"""What the items in DynamoDB must be, told by the rows of the local copy; and making them what the seed says."""
import json
from datetime import datetime
from decimal import Decimal

from dynamodb import NULL


def canonical_number(text):
    return format(Decimal(text).normalize(), "f")


def canonical(attribute):
    """With its numbers spelled in one way."""
    (kind, value), = attribute.items()
    if kind == "N":
        return {"N": canonical_number(value)}
    if kind == "L":
        return {"L": [canonical(v) for v in value]}
    if kind == "M":
        return {"M": {k: canonical(v) for k, v in value.items()}}
    if kind in ("SS", "NS", "BS"):
        return {kind: sorted(value)}
    return attribute


def key_of(shape, item):
    return json.dumps([canonical(item[name]) for name, _ in shape.keys])


def of_json(value):
    if value is None:
        return NULL
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [of_json(v) for v in value]}
    if isinstance(value, dict):
        return {"M": {k: of_json(v) for k, v in value.items()}}
    return {"N": canonical_number(value)}


def iso(text):
    """to_jsonb's spelling of a timestamptz in UTC, as it is to be stored."""
    assert text.endswith("+00:00"), text
    return text[:-len("+00:00")] + "Z"


def attribute_of(column, value):
    if column.kind == "TIME":
        return {"S": iso(value)}
    if column.kind == "EPOCH":
        return {"N": canonical_number(int(datetime.fromisoformat(value).timestamp()))}
    return of_json(value)


def expected_sql(shape):
    """The rows as JSON, each with the tag of the seed whose other attributes it carries."""
    return "SELECT to_jsonb(t), x.tag FROM %s t LEFT JOIN extras x ON x.shape = '%s' AND x.key = %s" % (
        shape.name, shape.name, key_expression(shape, "t"))


def key_expression(shape, alias):
    return " || '|' || ".join("%s.%s" % (alias, name) for name in shape.key) if len(shape.key) > 1 else "%s.%s::text" % (alias, shape.key[0])


def meaning(column, attribute):
    """What an attribute reads as, when a seed item spells it in its own way."""
    if attribute == NULL:
        return None
    if column.kind == "TIME":
        moment = datetime.fromisoformat(attribute["S"].replace("Z", "+00:00"))
        return {"S": moment.isoformat()}
    return {"L": [{"S": s} for s in attribute["SS"]]} if "SS" in attribute else attribute


def compare_item(shape, row, seed, item):
    """What is wrong with an item, or ''."""
    rest = dict(item)
    for column in shape.columns:
        found, value = rest.pop(column.attribute, None), row[column.name]
        wanted = None if value is None else attribute_of(column, value)
        if found == wanted or (found and wanted and canonical(found) == canonical(wanted)):
            continue
        # untouched, it may still be spelled as at the start
        if found and seed and found == seed.item.get(column.attribute) and (
                meaning(column, found) == (wanted and meaning(column, wanted))):
            continue
        return "attribute %s is %s, not %s" % (column.attribute, json.dumps(found), json.dumps(wanted))
    wanted = seed.extras if seed else {}
    if {k: canonical(v) for k, v in rest.items()} != {k: canonical(v) for k, v in wanted.items()}:
        return "the attributes without a column are %s, not %s" % (json.dumps(rest), json.dumps(wanted))
    return ""


def differences(shape, seeds, rows, items):
    """Lines that say how the items differ from the rows of expected_sql()."""
    by_tag, by_key, lines = {s.tag: s for s in seeds}, {key_of(shape, i): i for i in items}, []
    for text, tag in rows:
        row = json.loads(text, parse_float=Decimal)
        key = json.dumps([canonical(attribute_of(shape.column_of(a), row[shape.column_of(a).name])) for a, _ in shape.keys])
        item = by_key.pop(key, None)
        wrong = "no such item" if item is None else compare_item(shape, row, tag and by_tag[int(tag)], item)
        if wrong:
            lines.append("%s: %s" % (key, wrong))
    return lines + ["%s: an item too many: %s" % (key, json.dumps(item)) for key, item in by_key.items()]


def repair(client, shape, seeds, items):
    """Makes the table hold the seed items; items is what it holds."""
    wanted, writes = {key_of(shape, s.item): s.item for s in seeds}, []
    found = {key_of(shape, i): i for i in items}
    for key, item in found.items():
        if key not in wanted:
            writes.append({"DeleteRequest": {"Key": {name: item[name] for name, _ in shape.keys}}})
    for key, item in wanted.items():
        if key not in found or not same(item, found[key]):
            writes.append({"PutRequest": {"Item": item}})
    for start in range(0, len(writes), 25):
        client.write(shape.dynamo, writes[start:start + 25])


def same(item, other):
    return {k: canonical(v) for k, v in item.items()} == {k: canonical(v) for k, v in other.items()}
