"""Makes the foreign tables, their local copies and what belongs to both: views, functions, helpers."""
import schema
from dynamodb import Client
from model import DynamoTable
from values import quote
from writing import items, seeds

# What is made in both schemas; names are looked up in the schema of the session.
BOTH = """
CREATE TABLE {n}_h AS SELECT {parts}, i, s FROM (VALUES {helper}) v({parts}, i, s);
CREATE VIEW {n}_view AS SELECT * FROM {n} WHERE {view} WITH CHECK OPTION;
CREATE VIEW {n}_some AS SELECT {key}, {number} AS num, {text} AS txt FROM {n};
CREATE FUNCTION {n}_count({ptype}) RETURNS integer STABLE LANGUAGE plpgsql AS
  'BEGIN RETURN (SELECT count(*) FROM {n} WHERE {partition} = $1); END';
CREATE FUNCTION {n}_vcount({ptype}) RETURNS integer VOLATILE LANGUAGE plpgsql AS
  'BEGIN RETURN (SELECT count(*) FROM {n} WHERE {partition} = $1); END';
CREATE FUNCTION {n}_total() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum({number}) FROM {n}';
CREATE FUNCTION {n}_peek({ptypes}) RETURNS integer STABLE LANGUAGE plpgsql AS
  'BEGIN RETURN (SELECT {number} FROM {n} WHERE {bykey}); END';
CREATE FUNCTION {n}_keys({ptype}) RETURNS SETOF text VOLATILE LANGUAGE plpgsql AS
  'BEGIN RETURN QUERY SELECT concat_ws(''|'', {parts}) FROM {n} WHERE {partition} = $1 ORDER BY {key}; END';
CREATE FUNCTION {n}_put({ptypes}, integer) RETURNS text LANGUAGE plpgsql AS
  'BEGIN INSERT INTO {n} ({parts}, {number}) VALUES ({params}, {last}); RETURN ''put'';
   EXCEPTION WHEN unique_violation THEN UPDATE {n} SET {number} = coalesce({number}, 0) + 1 WHERE {bykey}; RETURN ''there''; END';
CREATE FUNCTION {n}_bump({ptype}) RETURNS bigint LANGUAGE plpgsql AS
  'DECLARE before bigint := {n}_count($1); BEGIN UPDATE {n} SET {number} = coalesce({number}, 0) + 5 WHERE {partition} = $1;
   RETURN before * 100000 + (SELECT coalesce(sum({number}), 0) FROM {n} WHERE {partition} = $1) + {n}_vcount($1); END';
"""

# The copies alone: keys, and which seed's other attributes a row carries.
LOCAL = """
ALTER TABLE {n} ADD PRIMARY KEY ({key});
CREATE FUNCTION {n}_extras() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN DELETE FROM extras x WHERE x.shape = '{n}' AND x.key = {oldkey};
  ELSE UPDATE extras x SET key = {newkey} WHERE x.shape = '{n}' AND x.key = {oldkey}; END IF;
  RETURN NULL; END $$;
CREATE TRIGGER moved AFTER UPDATE ON {n} FOR EACH ROW WHEN ({oldkey} IS DISTINCT FROM {newkey}) EXECUTE FUNCTION {n}_extras();
CREATE TRIGGER gone AFTER DELETE ON {n} FOR EACH ROW EXECUTE FUNCTION {n}_extras();
"""

# What the wrapper makes of a message.
CHAT = """
ALTER TABLE chat ALTER session_id SET NOT NULL, ALTER "timestamp" SET NOT NULL;
CREATE FUNCTION chat_model() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE composite text := NEW.session_id || '#' || to_char(NEW."timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') ||
  rtrim(rtrim(to_char(NEW."timestamp" AT TIME ZONE 'UTC', '.US'), '0'), '.') || 'Z';
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.session_id_timestamp := coalesce(NEW.session_id_timestamp, composite);
  ELSIF NEW.session_id_timestamp = OLD.session_id_timestamp AND
      (NEW.session_id, NEW."timestamp") IS DISTINCT FROM (OLD.session_id, OLD."timestamp") THEN
    NEW.session_id_timestamp := composite;
  END IF;
  IF NEW.session_id_timestamp <> composite THEN
    RAISE EXCEPTION 'the composite key disagrees' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER model BEFORE INSERT OR UPDATE ON chat FOR EACH ROW EXECUTE FUNCTION chat_model();
"""


def wordings(shape):
    """What the templates are filled with."""
    parts, key = shape.quoted(shape.parts), shape.quoted(shape.key)
    types = [shape.column(p).type for p in shape.parts]
    return dict(
        n=shape.name, parts=", ".join(parts), key=", ".join(key), number=shape.number, text=shape.text, view=shape.view,
        partition=shape.key[0], ptype=types[0], ptypes=", ".join(types), params=", ".join("$%d" % (k + 1) for k in range(len(parts))),
        last="$%d" % (len(parts) + 1), bykey=" AND ".join("%s = $%d" % (p, k + 1) for k, p in enumerate(parts)),
        oldkey=items.key_expression(shape, "OLD"), newkey=items.key_expression(shape, "NEW"), helper=helper_rows(shape))


def helper_rows(shape):
    """Keys that the table has, and some that it has not."""
    rows = []
    for k in range(7):
        choices = [shape.column(p).values + shape.fresh.get(p, [])[-1:] for p in shape.parts]
        literals = ["%s::%s" % (values[(k * (1 + 2 * n)) % len(values)][0], shape.column(p).type)
                    for n, (p, values) in enumerate(zip(shape.parts, choices))]
        rows.append("(%s, %d, 's%d')" % (", ".join(literals), k, k % 3))
    return ", ".join(rows)


def columns(shape):
    return ", ".join(c.definition() for c in shape.columns)


def create_copy(session, shape):
    words = wordings(shape)
    session.must("CREATE TABLE %s (%s)" % (shape.name, columns(shape)))
    session.must(LOCAL.format(**words) + BOTH.format(**words) + (CHAT if shape.name == "chat" else ""))


def create_foreign(session, shape, server):
    session.must("CREATE FOREIGN TABLE %s (%s) SERVER %s OPTIONS (table_name %s, %s)" % (
        shape.name, columns(shape), server, quote(shape.dynamo), shape.options))
    session.must(BOTH.format(**wordings(shape)))


def create_schema(session, name):
    session.must("DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s; SET search_path = %s" % (name, name, name))
    session.must("CREATE TABLE extras (shape text, key text, tag integer)")


def set_up(session, options, worker, shapes, seeded):
    """Makes both schemas of a worker; the DynamoDB tables stay empty.  seeded: shape's name -> seeds."""
    create_schema(session, "loc%d" % worker)
    for shape in shapes:
        create_copy(session, shape)
        session.must("CREATE TABLE %s_seed AS SELECT * FROM (%s) v(%s, tag) LIMIT 0" % (
            shape.name, "SELECT t.*, 1 FROM %s t" % shape.name, ", ".join(c.quoted for c in shape.columns)))
        session.must("INSERT INTO %s_seed %s" % (shape.name, seeds.as_values(shape, seeded[shape.name])))
    create_schema(session, "fdw%d" % worker)
    if options.self:
        for shape in shapes:
            create_copy(session, shape)
        return
    server, client = "writes_%d" % worker, Client(options.endpoint)
    session.must("DROP SERVER IF EXISTS %s CASCADE" % server)
    session.must("CREATE SERVER %s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url %s)" % (server, quote(options.endpoint)))
    for shape in shapes:
        client.recreate(DynamoTable(shape.dynamo, shape.keys, [], shape.globals))
        create_foreign(session, shape, server)


def extension(session, library):
    schema.extension(session, library)


def reset_copy(session, shape, seed_schema):
    """The seed's rows again."""
    names = ", ".join(c.quoted for c in shape.columns)
    session.must("TRUNCATE {n}; INSERT INTO {n} ({c}) SELECT {c} FROM {s}.{n}_seed; DELETE FROM extras WHERE shape = '{n}'; "
                 "INSERT INTO extras SELECT '{n}', {k}, tag FROM {s}.{n}_seed t".format(
                     n=shape.name, c=names, s=seed_schema, k=items.key_expression(shape, "t")))
