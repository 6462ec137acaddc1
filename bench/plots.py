"""The curves of bench/plot: measured here, drawn by gnuplot."""
import os
import subprocess

from lab import Backend, Canned, Wire, foreign_table, median, scan_body
from rows import alternate
from rows_read import MANY_ITEMS, join_times, make_users
from rows_scan import FAR_BANDWIDTH, PLANS, segments_of

DELAYS_MS = (0.5, 1, 2, 5, 10, 20, 50)
OUTER_ROWS = (10, 30, 100, 300, 1000)
STYLE = ("set terminal svg size 640,400 font 'sans-serif,12' noenhanced background 'white'\nset key left %s reverse Left\nset grid\nset style data linespoints\n"
         "set logscale x\nset xlabel '%s'\nset ylabel '%s'\nset title '%s'\nset output '%s'\n")


def draw(path, title, x, y, key, names, points, more=""):
    """One line a name; a point is x and what each name has there."""
    data = "$points << END\n%s\nEND\n" % "\n".join(" ".join("%g" % value for value in point) for point in points)
    lines = ", ".join("$points using 1:%d title '%s'" % (i + 2, name) for i, name in enumerate(names))
    script = STYLE % (key, x, y, title, path) + more + data + "plot " + lines + "\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print("%s: %d bytes" % (path, os.path.getsize(path)))
    for point in points:
        print("  " + "  ".join("%-10.4g" % value for value in point))


def scan_rates(bench):
    items = bench.options.items
    for delay in DELAYS_MS:
        with Canned(items, delay_ms=delay, bandwidth=FAR_BANDWIDTH) as server, Backend() as backend:
            tables = {1: "far_1", 8: "far_8"}
            for concurrency, name in tables.items():
                foreign_table(backend, name, server.url, items, concurrency)
            backend.must(PLANS)
            ways = {}
            for concurrency, name in tables.items():
                sql, n = "SELECT * FROM " + name, segments_of(backend, "SELECT * FROM " + name)
                ways["wire%d" % concurrency] = lambda n=n: Wire(server.url, "Scan", scan_body(n), connections=n, streams=n).seconds
                ways["fdw%d" % concurrency] = lambda sql=sql: backend.run(sql)[0]
            ran = alternate(bench.options.rounds, **ways)
        yield (delay,) + tuple(items / median(ran[name]) / 1000 for name in ("wire8", "fdw8", "wire1", "fdw1"))


def join_curve(bench):
    with Canned(MANY_ITEMS, delay_ms=5) as server, Backend() as backend:
        foreign_table(backend, "far", server.url, MANY_ITEMS)
        backend.must("SET default_statistics_target = 10; ANALYZE far; RESET default_statistics_target")
        for users in OUTER_ROWS:
            make_users(backend, users)
            planned, nested, _, _ = join_times(backend, server, 1 if bench.options.quick else 3)
            yield users, nested, planned


def draw_all(bench, folder):
    title = "Full scan of %d items, %g MB/s a connection" % (bench.options.items, FAR_BANDWIDTH / 1e6)
    draw(os.path.join(folder, "bench-scan.svg"), title,
         "delay of a request, ms", "thousand items a second", "center",
         ("wire client, 8 connections", "cmz_fdw, concurrency 8", "wire client, 1 connection", "cmz_fdw, concurrency 1"),
         list(scan_rates(bench)), "set yrange [0:]\n")
    draw(os.path.join(folder, "bench-join.svg"), "Join of local users with their messages, 5 ms a request",
         "outer rows", "seconds", "top",
         ("a request an outer row, in turn", "as planned"), list(join_curve(bench)), "set logscale y\n")
