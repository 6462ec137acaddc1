"""Rows: writes."""
from lab import Backend, Canned, Wire, foreign_table, median
from rows import alternate, at_least, row, tells

INSERT = ("INSERT INTO %s (user_id, session_id, \"timestamp\", animal_id, parent_user_id, message_type, content, tokens_used)"
          " SELECT 'student_' || lpad((i / 50)::text, 6, '0'), 'session_' || lpad((i / 10)::text, 7, '0'),"
          " timestamptz '2025-01-19 00:00:00+00' + i * interval '1 s', 'animal_001', 'parent_001', 'user',"
          " repeat('content ', 30), i %% 200"
          " FROM generate_series(%d, %d) i")
IN_TURN = 200                   # rows that are written one by one, to be multiplied


@row("insert")
def insert(bench):
    """Many rows by one statement, and each by a statement of its own, at 5 ms."""
    rows = bench.options.insert_rows
    with Canned(0, delay_ms=5) as server, Backend() as backend:
        modes = {"transaction": "far", "immediate": "far_now"}
        for mode, table in modes.items():
            foreign_table(backend, table, server.url, 1000000, write_mode=mode)
        foreign_table(backend, "far_wide", server.url, 1000000, 64)

        def one_by_one():
            return sum(backend.time(INSERT % ("far", i, i))[0] for i in range(IN_TURN)) / IN_TURN * rows

        seen = {mode: server.during(lambda table=table: backend.must(INSERT % (table, 1, rows))) for mode, table in modes.items()}
        seen["wide"] = server.during(lambda: backend.must(INSERT % ("far_wide", 1, rows)))
        ran = alternate(min(bench.options.rounds, 3), in_turn=one_by_one,
                        wide=lambda: backend.time(INSERT % ("far_wide", 1, rows))[0],
                        **{mode: lambda table=table: backend.time(INSERT % (table, 1, rows))[0] for mode, table in modes.items()},
                        wire=lambda: Wire(server.url, "put", "t", rows, connections=8).seconds)
    took = {name: median(values) for name, values in ran.items()}
    for mode in modes:
        asked = ", ".join("%d %s" % (n, name) for name, n in seen[mode]["requests"].items())
        yield at_least("INSERT of %d rows, 5 ms, write_mode %s: row by row / this" % (rows, mode),
                       took["in_turn"] / took[mode], .8 * 8, "×", note="%.1f s, of %d rows, / %.2f s; %s"
                       % (took["in_turn"], IN_TURN, took[mode], asked))
    yield at_least("the same with concurrency 64", took["in_turn"] / took["wide"], 20, "×",
                   note="%.2f s, %d connections" % (took["wide"], seen["wide"]["connections"]))
    yield tells("the wire client's PutItem on 8 connections", "%.3g× (%.2f s)" % (took["in_turn"] / took["wire"], took["wire"]))
