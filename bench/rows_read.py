"""Rows: a few items, many keys, joins: where requests count."""
import time

from lab import Backend, Canned, Wire, foreign_table, median, query_body
from rows import alternate, at_least, at_most, row, tells

MANY_ITEMS = 5000000            # of a table that nobody would scan for a few


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@row("point")
def point_query(bench):
    """One message by its key, on a warm backend."""
    condition = "user_id = 'student_000007' AND session_id_timestamp = 'session_0000036#2025-01-19T00:06:01Z'"
    body = query_body("userId", "student_000007")[:-len('"}}')] + (
        '"},":1":{"S":"session_0000036#2025-01-19T00:06:01Z"}}')
    body = body.replace("#0 = :0", "#0 = :0 AND #1 = :1")
    sql, runs = "SELECT * FROM near WHERE " + condition, 50
    with Canned(MANY_ITEMS) as server, Backend() as backend:
        foreign_table(backend, "near", server.url, MANY_ITEMS)
        backend.must("PREPARE point AS " + sql)
        if len(backend.must(sql)) != 1:
            raise ValueError("the point query found nothing")
        seen = server.during(lambda: backend.must(sql))
        ran = alternate(bench.options.rounds * 2,
                        wire=lambda: median(Wire(server.url, "Query", body, repeat=runs).passes[1:]),
                        fdw=lambda: median(timed(lambda: backend.must(sql)) for _ in range(runs)),
                        prepared=lambda: median(timed(lambda: backend.must("EXECUTE point")) for _ in range(runs)))
    took = {name: median(values) * 1e3 for name, values in ran.items()}
    yield at_most("point query, warm: requests", seen["total"], 1)
    yield at_most("point query: above the wire client", took["fdw"] - took["wire"], 0.3, " ms",
                  note="%.2f ms - %.2f ms" % (took["fdw"], took["wire"]))
    yield tells("the same as a prepared statement", "%.3g ms" % (took["prepared"] - took["wire"]))


@row("first")
def first_query(bench):
    """What the first query of a backend asks for; and whether its connection is kept."""
    sql = "SELECT * FROM near WHERE user_id = 'student_000007'"
    with Canned(MANY_ITEMS) as server:
        with Backend() as backend:
            foreign_table(backend, "near", server.url, MANY_ITEMS)
        with Backend() as backend:
            seen = server.during(lambda: backend.must(sql))
            more = server.during(lambda: [backend.must(sql) for _ in range(10)])
    asked = ", ".join("%d %s" % (n, name) for name, n in seen["requests"].items())
    yield at_most("first query of a backend: requests", seen["total"], 1, note=asked)
    yield at_most("ten more: new connections", more["connections"], 0, note="%d requests" % more["total"])


@row("last20")
def last_messages(bench):
    """The last 20 messages of one animal among many."""
    where = "WHERE animal_id = 'animal_007' ORDER BY \"timestamp\" DESC LIMIT 20"
    body = query_body("animalId", "animal_007", ',"IndexName":"AnimalIndex","ScanIndexForward":false,"Limit":20')
    with Canned(MANY_ITEMS) as server, Backend() as backend:
        foreign_table(backend, "near", server.url, MANY_ITEMS)
        seen = server.during(lambda: backend.must("SELECT * FROM near " + where))
    items = bench.local_items()
    with Backend() as backend:
        foreign_table(backend, "local", bench.local_url, items)
        if len(backend.must("SELECT * FROM local " + where)) != 20:
            raise ValueError("there are no 20 messages")
        Wire(bench.local_url, "Query", body, pages=1, repeat=300)    # DynamoDB Local wants to be warm
        ran = alternate(bench.options.rounds * 2,
                        wire=lambda: median(Wire(bench.local_url, "Query", body, pages=1, repeat=20).passes[1:]),
                        fdw=lambda: median(timed(lambda: backend.must("SELECT * FROM local " + where)) for _ in range(20)))
    fdw, wire = median(ran["fdw"]) * 1e3, median(ran["wire"]) * 1e3
    yield at_most("last 20 of one animal of %d items: requests" % MANY_ITEMS, seen["total"], 1)
    # one more tells that the second of the last one is over
    yield at_most("items read for it", seen["items_read"], 21, target="≤ 20 + 1")
    yield at_most("DynamoDB Local, %d items: / the wire client" % items, fdw / wire, 2, "×",
                  note="%.2f ms / %.2f ms" % (fdw, wire))


@row("any")
def any_keys(bench):
    """Two hundred keys at 20 ms: side by side, not one after the other."""
    keys = ", ".join("'student_%06d'" % (i * 7) for i in range(200))
    sql = "SELECT * FROM %s WHERE user_id = ANY (ARRAY[" + keys + "])"
    with Canned(MANY_ITEMS, delay_ms=20) as server, Backend() as backend:
        for concurrency in (1, 8):
            foreign_table(backend, "far%d" % concurrency, server.url, MANY_ITEMS, concurrency)
        seen = server.during(lambda: backend.run(sql % "far8"))
        ran = alternate(min(bench.options.rounds, 3), one=lambda: backend.run(sql % "far1")[0],
                        eight=lambda: backend.run(sql % "far8")[0])
    one, eight = median(ran["one"]), median(ran["eight"])
    yield at_least("= ANY (200 keys), 20 ms: concurrency 1 / 8", one / eight, 6.4, "×", "≥ 6.4× (0.8 × 8)",
                   note="%.2f s / %.2f s, %d requests" % (one, eight, seen["total"]))


JOIN = "SELECT * FROM bench_users u JOIN far m ON m.user_id = u.user_id"


def make_users(backend, n):
    backend.must("SET client_min_messages = error; DROP TABLE IF EXISTS bench_users;"
                 "CREATE TABLE bench_users AS SELECT 'student_' || lpad((i * 7)::text, 6, '0') COLLATE \"C\" AS user_id"
                 " FROM generate_series(0, %d) i; ANALYZE bench_users" % (n - 1))


def join_times(backend, server, rounds):
    """Seconds of the join as planned and of a request an outer row in turn; what the first asked for."""
    has_setting = backend.one("SELECT count(*) FROM pg_settings WHERE name = 'cmz_fdw.enable_batched_join'") == "1"
    in_turn = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_material = off;"
    if has_setting:
        in_turn += "SET cmz_fdw.enable_batched_join = off;"

    def nested():
        backend.must(in_turn)
        try:
            return backend.run(JOIN)[0]
        finally:
            backend.must("RESET ALL")

    backend.must("LOAD 'cmz_fdw'")
    seen = server.during(lambda: backend.run(JOIN))
    ran = alternate(rounds, planned=lambda: backend.run(JOIN)[0], nested=nested)
    return median(ran["planned"]), median(ran["nested"]), seen, has_setting


@row("join")
def join(bench):
    """Local users with their messages at 5 ms."""
    users = bench.options.users
    with Canned(MANY_ITEMS, delay_ms=5) as server, Backend() as backend:
        foreign_table(backend, "far", server.url, MANY_ITEMS)
        make_users(backend, users)
        # whoever joins has statistics
        backend.must("SET default_statistics_target = 10; ANALYZE far; RESET default_statistics_target")
        planned, nested, seen, has_setting = join_times(backend, server, 1 if bench.options.quick else 2)
        backend.must("ALTER FOREIGN TABLE far OPTIONS (SET concurrency '32')")
        wide = median([backend.run(JOIN)[0] for _ in range(bench.options.rounds)])
    asked = ", ".join("%d %s" % (n, name) for name, n in seen["requests"].items())
    yield at_least("join of %d users, 5 ms: a request a row in turn / as planned" % users, nested / planned, .8 * 8, "×",
                   note="%.2f s / %.2f s; %s%s" % (nested, planned, asked, "" if has_setting else "; no batched join yet"))
    yield at_least("the same with concurrency 32", nested / wide, 15, "×", note="%.2f s" % wide)
    yield at_most("requests Scan of it", seen["requests"].get("Scan", 0), 0)
