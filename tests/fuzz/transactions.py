#!/usr/bin/env python3
"""Random transactions on a foreign table and on a local copy must do the same.

Each sequence starts from the same random rows, and each of its statements must give the same rows, command tag and
SQLSTATE on both sides; at the end both tables must be the same, and the items in DynamoDB must be what the local
table says, read by an independent client.  Everything follows from the seed and the sequence's number.
"""
import argparse
import json
import random
import sys
import time

from dynamodb import Client, Refused
from libpq import Failed, Lost, Session
from statements import Author, random_row

COLUMNS = """pk text COLLATE "C", sk numeric, g text COLLATE "C", a integer, b text, c timestamptz, d jsonb, t text[]"""
FUNCTIONS = """
CREATE FUNCTION counts() RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
CREATE FUNCTION counts_before() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
CREATE FUNCTION try_insert(p text, s numeric) RETURNS text LANGUAGE plpgsql AS
  'BEGIN INSERT INTO t (pk, sk, a) VALUES (p, s, 0); RETURN ''inserted''; EXCEPTION WHEN unique_violation THEN RETURN ''there''; END';
CREATE VIEW v AS SELECT pk, sk, a, b FROM t WHERE a >= 0;
"""
JOINS = "enable_nestloop", "enable_hashjoin", "enable_mergejoin"
ONLY_BATCHED = "SELECT set_config(s, 'off', false) FROM unnest('{%s}'::text[]) s" % ", ".join(JOINS)
# what no column shows must survive an UPDATE
UNMAPPED = {"unmapped": {"M": {"n": {"N": "1.5"}, "s": {"SS": ["x", "y"]}}}}


def create_dynamodb_table(client, name):
    try:
        client.call("DeleteTable", {"TableName": name})
    except Refused:
        pass
    schema = lambda *names: [{"AttributeName": n, "KeyType": k} for n, k in zip(names, ("HASH", "RANGE"))]
    client.call("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema("pk", "sk"),
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": k} for n, k in (("pk", "S"), ("sk", "N"), ("g", "S"))],
        "GlobalSecondaryIndexes": [{"IndexName": "Gsi", "KeySchema": schema("g", "sk"), "Projection": {"ProjectionType": "ALL"}}]})


def create_schemas(admin, endpoint, table):
    admin.must("CREATE EXTENSION IF NOT EXISTS cmz_fdw")
    admin.must("DROP SCHEMA IF EXISTS wf, wl CASCADE; CREATE SCHEMA wf; CREATE SCHEMA wl")
    admin.must("DROP SERVER IF EXISTS transactions CASCADE")
    admin.must("CREATE SERVER transactions FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '%s')" % endpoint)
    admin.must("CREATE FOREIGN TABLE wf.t (%s) SERVER transactions OPTIONS (table_name '%s', key 'pk, sk', "
               "indexes 'Gsi (g, sk)', estimated_items '50')" % (COLUMNS, table))
    admin.must("CREATE TABLE wl.t (%s, PRIMARY KEY (pk, sk))" % COLUMNS)
    for schema in ("wf", "wl"):
        admin.must("SET search_path = %s; %s" % (schema, FUNCTIONS))


def connect(conninfo, schema):
    session = Session(conninfo)
    session.must("SET search_path = %s; SET timezone = 'UTC'" % schema)
    return session


def plain(value):
    """An AttributeValue as the JSON that PostgreSQL shows for the column."""
    (kind, content), = value.items()
    if kind == "N":
        return float(content)
    if kind == "L":
        return [plain(v) for v in content]
    if kind == "M":
        return {k: plain(v) for k, v in content.items()}
    return None if kind == "NULL" else content


def expected_item(row):
    """What DynamoDB must hold of a local row, given as JSON without its NULLs."""
    item = dict(row, sk=float(row["sk"]))
    if "c" in item:
        item["c"] = item["c"].replace("+00:00", "Z")
    if "a" in item:
        item["a"] = float(item["a"])
    return item


class Trial:
    def __init__(self, arguments):
        self.client = Client(arguments.endpoint)
        self.table = arguments.prefix + "transactions"
        create_dynamodb_table(self.client, self.table)
        admin = Session(arguments.conninfo)
        create_schemas(admin, arguments.endpoint, self.table)
        admin.close()
        self.sides = [connect(arguments.conninfo, "wf"), connect(arguments.conninfo, "wl")]
        self.counts = {"statements": 0, "with rows": 0, "errors": 0}

    def reset(self, rows):
        for side in self.sides:
            side.must("; ".join("RESET " + name for name in JOINS))
            side.must("DELETE FROM t")
            side.must("INSERT INTO t VALUES %s ON CONFLICT DO NOTHING" % ", ".join(rows))
        for item in self.client.scan(self.table):
            self.client.call("UpdateItem", {
                "TableName": self.table, "Key": {"pk": item["pk"], "sk": item["sk"]}, "UpdateExpression": "SET unmapped = :h",
                "ExpressionAttributeValues": {":h": UNMAPPED["unmapped"]}})

    def differs(self, sql):
        """Run a statement on both sides; what came, if it is not the same."""
        foreign, local = [side.run(sql) for side in self.sides]
        self.counts["statements"] += 1
        self.counts["with rows"] += bool(local.rows)
        self.counts["errors"] += bool(local.state)
        order = (lambda rows: rows) if "ORDER BY" in sql else (lambda rows: sorted(map(repr, rows)))
        in_block = [side.status() for side in self.sides]
        if (foreign.state, foreign.tag, order(foreign.rows), in_block[0]) == (local.state, local.tag, order(local.rows), in_block[1]):
            return None
        return foreign.lines() + [foreign.tag, "-- local:"] + local.lines() + [local.tag]

    def items_differ(self):
        """Compare the items with the local rows; an attribute without a column is there, or its item is a new one."""
        rows = [expected_item(json.loads(r)) for (r,) in self.sides[1].must("SELECT jsonb_strip_nulls(to_jsonb(r) - 'd' - 't') FROM t r")]
        items = []
        for item in self.client.scan(self.table):
            if item.pop("unmapped", UNMAPPED["unmapped"]) != UNMAPPED["unmapped"]:
                return ["the attribute without a column of %s has changed" % item]
            items.append({name: plain(value) for name, value in item.items() if name not in ("d", "t")})
        key = lambda item: (item["pk"], item["sk"])
        if sorted(items, key=key) == sorted(rows, key=key):
            return None
        return ["items:"] + sorted(map(str, items)) + ["local rows:"] + sorted(map(str, rows))

    def run(self, rows, statements):
        """The first difference: the statements up to it, and what came."""
        self.reset(rows)
        done = []
        for sql in statements + ["ROLLBACK", "SELECT * FROM t"]:
            done.append(sql)
            difference = self.differs(sql)
            if difference:
                return done, difference
        difference = self.items_differ()
        return (done, difference) if difference else None

    def abandon(self):
        for side in self.sides:
            side.run("ROLLBACK")


def make_sequence(seed, number):
    source = random.Random("%s/%s" % (seed, number))
    rows = [random_row(source) for _ in range(12)]
    statements = Author(source).sequence()
    # without the other ways to join, batched joins are what is left
    return rows, [ONLY_BATCHED] + statements if source.random() < .4 else statements


def reduce_sequence(trial, rows, statements):
    """Leave out what the difference does not need."""
    i = 0
    while i < len(statements):
        shorter = statements[:i] + statements[i + 1:]
        trial.abandon()
        if trial.run(rows, shorter):
            statements = shorter
        else:
            i += 1
    trial.abandon()
    return statements


def report(trial, arguments, number, rows, statements):
    statements = reduce_sequence(trial, rows, statements)
    done, difference = trial.run(rows, statements) or (statements, ["(gone when it was reduced)"])
    trial.abandon()
    print("DIFFERENCE in sequence %d, rows:\n  %s" % (number, "\n  ".join(rows)))
    print("statements:\n  " + ";\n  ".join(done) + ";")
    print("foreign:\n  " + "\n  ".join(map(str, difference)))
    print("again: transactions.py --endpoint %s --conninfo '%s' --seed %s --only %d"
          % (arguments.endpoint, arguments.conninfo, arguments.seed, number))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--conninfo", required=True)
    parser.add_argument("--sequences", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=0, help="go on with fresh sequences for that long")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int, help="just this sequence")
    parser.add_argument("--prefix", default="fuzz_")
    arguments = parser.parse_args()
    trial = Trial(arguments)
    began = time.time()
    differences = done = 0
    numbers = [arguments.only] if arguments.only is not None else range(10 ** 9)
    for number in numbers:
        if arguments.only is None and number >= arguments.sequences and time.time() - began >= arguments.seconds:
            break
        rows, statements = make_sequence(arguments.seed, number)
        done += 1
        if trial.run(rows, statements):
            differences += 1
            trial.abandon()
            report(trial, arguments, number, rows, statements)
            if differences == 3:
                break
    print("# seed %s: %d sequences in %.0f s, %s, %d differences" % (
        arguments.seed, done, time.time() - began,
        ", ".join("%d %s" % (n, what) for what, n in trial.counts.items()), differences))
    return 1 if differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Lost, Failed) as error:
        print("FAILED: %s" % error)
        sys.exit(2)
