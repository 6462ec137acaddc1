"""Makes the foreign tables in schema fdw and their copies in schema loc, and checks the copies against the items."""
import random

import data
from dynamodb import Client
from libpq import Failed
from trial import PLAIN_OUTPUT
from values import literal, quote

SAMPLES = 400

CLEAN_UP = """
DROP SCHEMA IF EXISTS fuzz, fdw, loc CASCADE;
DROP SERVER IF EXISTS fuzz_a, fuzz_b CASCADE;
DROP COLLATION IF EXISTS fuzz_loose;
"""
HELPERS = """
CREATE SCHEMA fuzz; CREATE SCHEMA fdw; CREATE SCHEMA loc;
CREATE FUNCTION fuzz.same(text) RETURNS text STABLE LANGUAGE plpgsql AS 'begin return $1; end';
CREATE TYPE fuzz.mood AS ENUM ('two', 'one', 'three');
CREATE TABLE loc.keys AS SELECT row_number() OVER () AS id, k FROM unnest(%s) k;
"""


def has_wrapper(session):
    return bool(session.must("SELECT 1 FROM pg_foreign_data_wrapper WHERE fdwname = 'cmz_fdw'"))


def extension(session, library):
    """The wrapper from the installed extension, or straight from a library just built."""
    if has_wrapper(session):
        return
    if not library:
        session.must("CREATE EXTENSION cmz_fdw")
        return
    for name, arguments, result in (("handler", "", "fdw_handler"), ("validator", "text[], oid", "void")):
        session.must("CREATE FUNCTION cmz_fdw_%s(%s) RETURNS %s AS %s LANGUAGE C STRICT" % (name, arguments, result, quote(library)))
    session.must("CREATE FOREIGN DATA WRAPPER cmz_fdw HANDLER cmz_fdw_handler VALIDATOR cmz_fdw_validator")


def collations(session):
    """A linguistic collation and a nondeterministic one; "C" again where the server knows no ICU."""
    if session.run('CREATE COLLATION fuzz_loose (provider = icu, locale = \'und-u-ks-level2\', deterministic = false)').state:
        session.run("CREATE COLLATION fuzz_loose FROM \"C\"")
    if not session.must("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):
        session.run('CREATE COLLATION "und-x-icu" FROM "C"')


def create(session, table):
    columns = ", ".join(c.definition(True) for c in table.columns)
    local = ", ".join(c.definition(False) for c in table.columns)
    if table.partition_by:
        for schema in ("fdw", "loc"):
            session.must("CREATE TABLE %s.%s (%s) PARTITION BY %s" % (schema, table.name, local, table.partition_by))
        return
    session.must("CREATE FOREIGN TABLE fdw.%s (%s) SERVER %s OPTIONS (%s)" % (table.name, columns, table.server, table.options))
    session.must("CREATE TABLE loc.%s (%s)" % (table.name, local))
    session.must("SET cmz_fdw.enable_pushdown = off")
    session.must("INSERT INTO loc.%s SELECT * FROM fdw.%s" % (table.name, table.name))
    session.must("RESET cmz_fdw.enable_pushdown")
    if table.partition_of:
        parent, bounds = table.partition_of.split(" ", 1)
        for schema in ("fdw", "loc"):
            session.must("ALTER TABLE %s.%s ATTACH PARTITION %s.%s %s" % (schema, parent, schema, table.name, bounds))


def check_copy(session, table):
    """The copy came through the code under test: its keys must be those of the items."""
    if not table.dynamo:
        return
    by_attribute = {attribute.lower(): attribute for attribute, _ in table.dynamo.keys}
    names = [c.name for c in table.columns if c.name.replace("_", "") in by_attribute]
    if len(names) < len(by_attribute):
        names = []
    found = sorted(session.must("SELECT %s FROM loc.%s" % (", ".join('"%s"::text' % n for n in names), table.name)))
    attributes = [by_attribute[n.replace("_", "")] for n in names]
    wanted = sorted(tuple(next(iter(item[a].values())).encode() for a in attributes) for item in table.dynamo.items)
    if found != wanted:
        raise Failed("loc.%s has %d rows, its keys differ from those of the %d items" % (table.name, len(found), len(wanted)))


def sample(session, table):
    """Rows as SQL literals, for conditions that match something."""
    columns = [c for c in table.columns if not c.huge]
    rows = session.must("SELECT %s FROM loc.%s ORDER BY %s LIMIT %d" % (
        ", ".join('"%s"::text' % c.name for c in columns), table.name, ", ".join('"%s"::text' % c.name for c in columns), SAMPLES))
    table.rows = [{c.name: None if value is None else literal(value.decode(), c.type if c.base != "char" else "text")
                   for c, value in zip(columns, row)} for row in rows]


def vary(session, rng, tables):
    """What changes plans and not rows, if this version takes it: concurrency, estimates, statistics."""
    for server in ("fuzz_a", "fuzz_b"):
        session.run("ALTER SERVER %s OPTIONS (ADD concurrency '%d')" % (server, rng.choice([1, 2, 8])))
    for table in tables:
        if table.partition_by:
            continue
        if rng.random() < .7:
            session.run("ALTER FOREIGN TABLE fdw.%s OPTIONS (ADD estimated_items '%d', ADD estimated_item_bytes '%d')" % (
                table.name, rng.choice([300, 10000, 1000000]), rng.choice([100, 1000, 30000])))
        if rng.random() < .3:
            session.run("ALTER FOREIGN TABLE fdw.%s OPTIONS (ADD concurrency '%d')" % (table.name, rng.choice([1, 3])))
        if rng.random() < .5:
            session.run("ANALYZE fdw.%s" % table.name)


def set_up(session, endpoint, seed, library, prefix):
    """Loads everything; returns the tables with their samples."""
    tables = data.tables(seed)
    for table in tables:
        table.options = table.options.replace("table_name 'fuzz-", "table_name '" + prefix)
    dynamos = {t.dynamo.name: t.dynamo for t in tables if t.dynamo}
    for name, dynamo in dynamos.items():
        dynamo.name = prefix + name[len("fuzz-"):]
    client = Client(endpoint)
    for dynamo in dynamos.values():
        client.recreate(dynamo)
        client.load(dynamo)
    session.must(PLAIN_OUTPUT)
    if has_wrapper(session):
        session.must(CLEAN_UP)
    extension(session, library)
    collations(session)
    session.must(HELPERS % ("ARRAY[%s]" % ", ".join(quote(k) for k in ("u1", "u2", "p", "q", "é", "a", "b", "s", "none")) + " || NULL::text"))
    for server in ("fuzz_a", "fuzz_b"):
        session.must("CREATE SERVER %s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url %s)" % (server, quote(endpoint)))
    for table in tables:
        create(session, table)
    for table in tables:
        check_copy(session, table)
        sample(session, table)
    vary(session, random.Random("vary %s" % seed), tables)
    session.must("ANALYZE")
    return tables
