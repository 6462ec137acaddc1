"""Rows: memory, the first moments of a connection, planning."""
import os
import subprocess
import time

from lab import HERE, Backend, Canned, foreign_table, median
from rows import at_most, row

MB = 1024 * 1024


@row("memory")
def memory_of_scan(bench):
    """A scan of many items: memory is that of the pages under way."""
    items = bench.options.memory_items
    with Canned(items) as server:
        with Backend() as backend:
            foreign_table(backend, "near", server.url, items)
        with Backend() as backend:
            backend.must("SET max_parallel_workers_per_gather = 0; SET jit = off")
            start = backend.memory("VmRSS")
            backend.must("SELECT * FROM near WHERE user_id = 'student_000007'")
            grown = backend.growth(lambda: backend.run("SELECT * FROM near"))
            peak = backend.memory("VmHWM")
            again = backend.growth(lambda: backend.run("SELECT * FROM near"))
    yield at_most("scan of %d items: RSS grows by" % items, grown / MB, 32, " MB", note="a second one by %.1f MB" % (again / MB))
    yield at_most("peak memory of that backend", peak / MB, 40, " MB", note="VmHWM; %.1f MB before its first query" % (start / MB))


@row("copy")
def memory_of_copy(bench):
    """COPY FROM of many rows in write_mode immediate."""
    rows = bench.options.copy_rows
    columns = 'user_id, session_id, "timestamp", animal_id, parent_user_id, message_type, content, tokens_used'
    with Canned(0) as server, Backend() as backend:
        foreign_table(backend, "near", server.url, 1000000, write_mode="immediate")
        rows_made = subprocess.Popen([os.path.join(HERE, "wire"), "rows", str(rows)], stdout=subprocess.PIPE)
        psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", "SELECT pg_backend_pid()",
             "-c", "INSERT INTO near (%s) VALUES ('student_0', 'session_0', now(), 'a', 'p', 'user', 'c', 1)" % columns,
             "-c", "COPY near (%s) FROM STDIN" % columns, "postgres"], stdin=rows_made.stdout, stdout=subprocess.PIPE, text=True)
        backend.pid = int(psql.stdout.readline())
        start = time.monotonic()
        first = most = backend.memory()
        while psql.poll() is None:
            try:
                most = max(most, backend.memory())
            except (OSError, AttributeError):   # it is gone
                pass
            time.sleep(0.025)
        took = time.monotonic() - start
        rows_made.wait()
        written = server.stats()["items_written"]
    if psql.returncode != 0 or written != rows + 1:
        raise ValueError("%d rows of %d were written" % (written - 1, rows))
    yield at_most("COPY of %d rows: RSS grows by" % rows, (most - first) / MB, 32, " MB", note="%.0f rows/s" % (rows / took))


@row("cold")
def cold_start(bench):
    """Connect to PostgreSQL, ask DynamoDB Local for the first time, close."""
    items = bench.local_items()
    with Backend() as backend:
        foreign_table(backend, "local", bench.local_url, items)
    took, empty = [], []
    for _ in range(bench.options.rounds * 4):
        for sql, times in (("SELECT * FROM local WHERE user_id = 'student_000007'", took), ("SELECT 1", empty)):
            start = time.perf_counter()
            with Backend() as backend:
                backend.must(sql)
            times.append(time.perf_counter() - start)
    yield at_most("fresh connection and first query, DynamoDB Local", median(took) * 1e3, 30, " ms",
                  note="SELECT 1: %.1f ms" % (median(empty) * 1e3))


@row("planning")
def planning(bench):
    """EXPLAIN: no request, and how long."""
    queries = {
        "point query": "SELECT * FROM near WHERE user_id = 'student_000007' AND session_id_timestamp = 's'",
        "last 20 of one animal": "SELECT * FROM near WHERE animal_id = 'animal_007' ORDER BY \"timestamp\" DESC LIMIT 20",
        "scan": "SELECT * FROM near",
        "self-join": "SELECT * FROM near a JOIN near b ON b.session_id = a.session_id WHERE a.user_id = 'student_000007'",
    }
    with Canned(bench.options.items) as server, Backend() as backend:
        foreign_table(backend, "near", server.url, bench.options.items)
        took = {name: [] for name in queries}

        def explain():
            for _ in range(bench.options.rounds * 4):
                for name, sql in queries.items():
                    line = backend.must("EXPLAIN (SUMMARY) " + sql)[-1][0].decode()
                    took[name].append(float(line.split()[-2]))

        seen = server.during(explain)
    yield at_most("planning: requests", seen["total"], 0)
    for name, times in took.items():
        yield at_most("planning a %s" % name, median(times), 1, " ms", "< 1 ms", note="the first %.2f ms" % times[0])
