"""One query on one side: plain, prepared, or through a cursor, under its settings."""
from dataclasses import dataclass, field

import settings as planner
from libpq import Result

LOCAL, PUSHED, UNPUSHED = "local", "pushdown on", "pushdown off"
SIDES = {LOCAL: "SET LOCAL search_path = loc, public;",
         PUSHED: "SET LOCAL search_path = fdw, public; SET LOCAL cmz_fdw.enable_pushdown = on;",
         UNPUSHED: "SET LOCAL search_path = fdw, public; SET LOCAL cmz_fdw.enable_pushdown = off;"}
PLAIN_OUTPUT = "SET client_min_messages = error; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = hex"
TIMEOUT = "SET LOCAL statement_timeout = '60s';"


@dataclass
class Manner:
    """How the query is sent; the same on every side."""
    name: str = "plain"
    before: list = field(default_factory=list)
    steps: list = field(default_factory=list)       # lists of statements; each list gives one set of rows
    early: bool = False                             # a cursor that is closed before its end
    backward: bool = False


def full_text(query):
    return query.sql + query.tail


def prepare(text, parameters):
    types = "(%s)" % ", ".join(t for t, _ in parameters) if parameters else ""
    return "PREPARE q%s AS %s" % (types, text)


def execute(parameters, which):
    return "EXECUTE q" + ("(%s)" % ", ".join(values[which] for _, values in parameters) if parameters else "")


def choose_manner(rng, query, prepared):
    if prepared:
        sets = [0, 1, 0] if query.parameters else [0, 0]
        return Manner("prepared", [prepare(full_text(query), query.parameters)], [[execute(query.parameters, w)] for w in sets])
    if rng.random() > .14 or " FOR " in query.sql[-40:]:
        return Manner(steps=[[full_text(query)]])
    hold = rng.random() < .2
    if query.total and rng.random() < .5:
        moves = ["FORWARD 3", "BACKWARD 2", "LAST", "PRIOR", "FIRST", "ABSOLUTE 4", "RELATIVE -2", "FORWARD ALL", "BACKWARD ALL", "NEXT"]
        fetches = ["FETCH %s FROM c" % rng.choice(moves) for _ in range(6)]
        return cursor("SCROLL ", query, hold, fetches, backward=True)
    steps = [rng.choice([1, 2, 3, 7, 50]) for _ in range(rng.choice([1, 2, 5]))]
    fetches = ["FETCH %d FROM c" % n for n in steps]
    early = rng.random() < .4
    return cursor(rng.choice(["", "NO SCROLL "]), query, hold, fetches + ([] if early else ["FETCH ALL FROM c"]), early=early)


def cursor(scroll, query, hold, fetches, **more):
    declare = "DECLARE c %sCURSOR %sFOR %s" % (scroll, "WITH HOLD " if hold else "", full_text(query))
    return Manner("cursor", [declare] + ["COMMIT"] * hold, [fetches], **more)


def run(session, side, settings, manner):
    """A list of row lists, or the Result of the statement that failed."""
    prelude = planner.as_sql(settings) + TIMEOUT + SIDES[side]
    held = "COMMIT" in manner.before
    session.must("BEGIN;" + (prelude.replace("SET LOCAL", "SET") if held else prelude))
    try:
        for statement in manner.before:
            result = session.run(statement)
            if result.state:
                return result
        sets = []
        for statements in manner.steps:
            rows = []
            for statement in statements:
                result = session.run(statement)
                if result.state:
                    return result
                rows += result.rows
            sets.append(rows)
        return sets
    finally:
        session.run("ROLLBACK")
        if manner.name != "plain":
            session.run("CLOSE ALL")
            session.run("DEALLOCATE ALL")
        if held:
            session.run("RESET ALL")
            session.must(PLAIN_OUTPUT)


def run_whole(session, settings, query, which):
    """All rows on the local side, without LIMIT and without a cursor."""
    manner = Manner("prepared", [prepare(query.sql, query.parameters)], [[execute(query.parameters, which)]])
    sets = run(session, LOCAL, settings, manner)
    return [] if isinstance(sets, Result) else sets[0]


def explain(session, settings, query):
    """The lines of the plan with pushdown on."""
    if query.parameters:
        statement = prepare(full_text(query), query.parameters)
        manner = Manner("prepared", [statement], [["EXPLAIN (VERBOSE, COSTS OFF) " + execute(query.parameters, 0)]])
    else:
        manner = Manner(steps=[["EXPLAIN (VERBOSE, COSTS OFF) " + full_text(query)]])
    sets = run(session, PUSHED, settings, manner)
    return [sets.message] if isinstance(sets, Result) else [row[0].decode() for row in sets[0]]
