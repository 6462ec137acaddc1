"""Rows: full scans, near and far, and the decoder."""
import os
import re
import subprocess
import urllib.request

from lab import HERE, ITEM_BYTES, Backend, Canned, Wire, foreign_table, median, scan_body
from rows import alternate, at_least, at_most, row, tells

FAR_BANDWIDTH = 20e6            # bytes a second and connection
PLANS = "SET max_parallel_workers_per_gather = 0; SET jit = off;"


def segments_of(backend, sql):
    plan = "\n".join(line[0].decode() for line in backend.must("EXPLAIN (VERBOSE) " + sql))
    found = re.search(r"Segments: (\d+)", plan)
    return int(found.group(1)) if found else 1


def copy_of(backend, source):
    """The same rows in this PostgreSQL, behind postgres_fdw: peer.peer_rows."""
    backend.must("SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS postgres_fdw;"
                 "DROP SCHEMA IF EXISTS peer CASCADE; DROP SERVER IF EXISTS peer CASCADE; DROP TABLE IF EXISTS peer_rows;"
                 "CREATE SCHEMA peer; CREATE TABLE peer_rows AS SELECT * FROM %s" % source)
    # committed, so that another session sees them
    backend.must("VACUUM ANALYZE peer_rows")
    backend.must("CREATE SERVER peer FOREIGN DATA WRAPPER postgres_fdw"
                 " OPTIONS (host '%s', port '%s', dbname 'postgres', fetch_size '10000');"
                 "CREATE USER MAPPING FOR CURRENT_USER SERVER peer;"
                 "IMPORT FOREIGN SCHEMA public LIMIT TO (peer_rows) FROM SERVER peer INTO peer"
                 % (os.environ["PGHOST"], os.environ["PGPORT"]))


@row("scan")
def full_scan(bench):
    """All ten columns from the canned server, to the slot."""
    items, rounds = bench.options.items, bench.options.rounds
    with Canned(items) as server, Canned(items, crc32=False) as plain, Backend() as backend:
        foreign_table(backend, "near", server.url, items)
        foreign_table(backend, "near_plain", plain.url, items)
        backend.must(PLANS)
        copy_of(backend, "near")
        segments = segments_of(backend, "SELECT * FROM near")
        for table in ("near", "near_plain", "peer.peer_rows"):
            backend.run("SELECT * FROM " + table)
        ran = alternate(rounds,
                        wire=lambda: Wire(server.url, "Scan", scan_body(segments), connections=segments, streams=segments),
                        near=lambda: backend.run("SELECT * FROM near"),
                        plain=lambda: backend.run("SELECT * FROM near_plain"),
                        peer=lambda: backend.run("SELECT * FROM peer.peer_rows"))
        backend.must("DROP TABLE public.peer_rows")
    wall = {name: median(r[0] for r in ran[name]) for name in ("near", "plain", "peer")}
    cpu = {name: median(r[1] for r in ran[name]) for name in ("near", "plain", "peer")}
    wire_cpu = median(w.cpu for w in ran["wire"])
    yield at_most("full scan, 10 columns: backend CPU an item", cpu["near"] / items * 1e6, 2, " µs")
    yield tells("the same without x-amz-crc32", "%.2f µs" % (cpu["plain"] / items * 1e6), cpu["plain"] / items * 1e6)
    yield tells("the wire client's CPU an item", "%.2f µs" % (wire_cpu / items * 1e6), wire_cpu / items * 1e6)
    yield tells("postgres_fdw's backend CPU an item", "%.2f µs" % (cpu["peer"] / items * 1e6), cpu["peer"] / items * 1e6)
    yield at_most("wall / postgres_fdw's, same rows", wall["near"] / wall["peer"], 1, "×",
                  note="%.0f ms / %.0f ms" % (wall["near"] * 1e3, wall["peer"] * 1e3))
    yield tells("CPU / postgres_fdw's", "%.2f×" % (cpu["near"] / cpu["peer"]), cpu["near"] / cpu["peer"])


def far_scan(bench, delay_ms):
    items = bench.options.items
    with Canned(items, delay_ms=delay_ms, bandwidth=FAR_BANDWIDTH) as server, Backend() as backend:
        foreign_table(backend, "far", server.url, items)
        backend.must(PLANS)
        segments = segments_of(backend, "SELECT * FROM far")
        backend.run("SELECT * FROM far")
        ran = alternate(bench.options.rounds,
                        wire=lambda: Wire(server.url, "Scan", scan_body(segments), connections=segments,
                                          streams=segments).seconds,
                        fdw=lambda: backend.run("SELECT * FROM far")[0])
    fdw, wire = median(ran["fdw"]), median(ran["wire"])
    yield at_most("far scan, %g ms, %d connections: wall / wire client" % (delay_ms, segments), fdw / wire, 1.1, "×",
                  note="%.0f ms / %.0f ms; best of each %.0f / %.0f"
                  % tuple(t * 1e3 for t in (fdw, wire, min(ran["fdw"]), min(ran["wire"]))))


for delay in (1, 5, 20):
    row("far-%d" % delay)(lambda bench, delay=delay: far_scan(bench, delay))


def postgres_json_rate(page):
    """MB/s of PostgreSQL's own JSON parser: text to json, which checks and keeps the text."""
    with Backend() as backend:
        backend.must("CREATE TEMP TABLE page (body text)")
        backend.must("INSERT INTO page VALUES ($page$%s$page$)" % page)
        backend.must("CREATE FUNCTION pg_temp.parse(n int) RETURNS void LANGUAGE plpgsql AS $$"
                     " DECLARE body text := (SELECT p.body || '' FROM page p); parsed json;"
                     " BEGIN FOR i IN 1 .. n LOOP parsed := body::json; END LOOP; END $$")
        backend.must("SELECT pg_temp.parse(1)")
        n = 20
        return len(page) * n / backend.time("SELECT pg_temp.parse(%d)" % n)[1] / 1e6


@row("decoder")
def decoder(bench):
    """The item reader alone, beside jansson's tree and PostgreSQL's parser."""
    with Canned(2000) as server:
        request = urllib.request.Request(server.url, b"{}", {"X-Amz-Target": "DynamoDB_20120810.Scan"})
        with urllib.request.urlopen(request) as answer:
            page = answer.read().decode()
    rates = {}

    def run():
        printed = subprocess.run([os.path.join(HERE, "decoder"), "20"], check=True, text=True, stdout=subprocess.PIPE).stdout
        for name, rate in re.findall(r"^(.*?)\s+(\d+) MB/s$", printed, re.M):
            rates.setdefault(name, []).append(float(rate))
        rates.setdefault("PostgreSQL's parser (text to json, checked alone)", []).append(postgres_json_rate(page))

    alternate(min(bench.options.rounds, 3), decoder=run)
    rates = {name: median(values) for name, values in rates.items()}
    yield at_least("item reader, 10 attributes", rates.pop("item reader, 10 attributes"), 400, " MB/s")
    for name, rate in rates.items():
        yield tells(name, "%.0f MB/s" % rate, rate)


@row("projection")
def projection(bench):
    """What is not asked for costs less: two columns of ten, and counting by a local condition."""
    items = bench.options.items
    queries = {"full": "SELECT * FROM near", "two": "SELECT user_id, tokens_used FROM near",
               "local": "SELECT count(*) FROM near WHERE tokens_used %% 2 = 0",
               "two_sent": "SELECT user_id, tokens_used FROM near_projected",
               "local_sent": "SELECT count(*) FROM near_projected WHERE tokens_used %% 2 = 0"}
    # pages of the same bytes for all, and pages as DynamoDB sends them
    with Canned(items, whole=True) as server, Canned(items) as projecting, Backend() as backend:
        foreign_table(backend, "near", server.url, items)
        foreign_table(backend, "near_projected", projecting.url, items)
        backend.must(PLANS)
        ran = alternate(bench.options.rounds + 1,
                        **{name: lambda sql=sql: backend.run(sql.replace("%%", "%"))[1] for name, sql in queries.items()})
    cpu = {name: median(values[1:]) for name, values in ran.items()}
    yield at_least("2 of 10 columns, same pages: CPU, full decode / this", cpu["full"] / cpu["two"], 1.5, "×")
    yield at_least("count(*) with a local condition, same pages", cpu["full"] / cpu["local"], 1.5, "×")
    yield at_least("2 of 10 columns, pages of only these", cpu["full"] / cpu["two_sent"], 1.5, "×")
    yield at_least("count(*) with a local condition, pages of only that", cpu["full"] / cpu["local_sent"], 1.5, "×")


@row("count")
def exact_count(bench):
    """Counting is DynamoDB's work, if all conditions are."""
    items = bench.options.items
    with Canned(items) as server, Backend() as backend:
        foreign_table(backend, "near", server.url, items)
        backend.must(PLANS)
        for label, condition in (("count(*)", ""), ("count(*) by a condition", " WHERE message_type = 'user'")):
            seen = server.during(lambda: backend.must("SELECT count(*) FROM near" + condition))
            yield at_most(label + ": items on the wire", seen["items_sent"], 0, "",
                          note="%d requests, %d bytes" % (seen["total"], seen["bytes_out"]))


@row("segments")
def segments(bench):
    """DynamoDB Local's Scan is quadratic in the segment: several at once are what it has."""
    items = bench.local_items()
    with Backend() as backend:
        for concurrency in (1, 4):
            foreign_table(backend, "local%d" % concurrency, bench.local_url, items, concurrency)
        backend.must(PLANS)
        made = segments_of(backend, "SELECT * FROM local4")
        ran = alternate(min(bench.options.rounds, 3),
                        wire4=lambda: Wire(bench.local_url, "Scan", scan_body(4), connections=4, streams=4).seconds,
                        wire1=lambda: Wire(bench.local_url, "Scan", scan_body(1)).seconds,
                        four=lambda: backend.run("SELECT * FROM local4")[0],
                        one=lambda: backend.run("SELECT * FROM local1")[0])
    took = {name: median(values) for name, values in ran.items()}
    yield at_least("DynamoDB Local, %d items: 1 segment / %d at once" % (items, made), took["one"] / took["four"], 3.5, "×",
                   note="%.2f s / %.2f s" % (took["one"], took["four"]))
    yield tells("the wire client: 1 segment / 4 at once", "%.2f× (%.2f s / %.2f s)"
                % (took["wire1"] / took["wire4"], took["wire1"], took["wire4"]))


@row("overlap")
def overlap(bench):
    """On one connection the next page is on the way while one is decoded."""
    items, rounds = bench.options.items // 2, bench.options.rounds
    with Canned(items) as near, Backend() as backend:
        foreign_table(backend, "near", near.url, items, 1)
        backend.must(PLANS)
        backend.run("SELECT * FROM near")
        cpu = median(backend.run("SELECT * FROM near")[1] for _ in range(rounds))
        # half as fast as it is decoded
        with Canned(items, bandwidth=items * ITEM_BYTES / cpu / 2) as far:
            foreign_table(backend, "far", far.url, items, 1)
            backend.run("SELECT * FROM far")
            ran = alternate(rounds, wire=lambda: Wire(far.url, "Scan", scan_body(1)).seconds,
                            fdw=lambda: backend.run("SELECT * FROM far"))
    wall, decode = median(r[0] for r in ran["fdw"]), median(r[1] for r in ran["fdw"])
    network = median(ran["wire"])
    yield at_most("one connection: wall / max(network, decode)", wall / max(network, decode), 1.2, "×", "≈ 1 (≤ 1.2)",
                  note="%.0f ms; network %.0f, decode %.0f, their sum %.0f"
                  % (wall * 1e3, network * 1e3, decode * 1e3, (network + decode) * 1e3))


@row("peers")
def peers(bench):
    """What others take for the same scan: Python's botocore."""
    items = min(bench.options.items, 20000)
    script = os.path.join(HERE, "peer-botocore")
    for python in ("python3", "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import botocore"], stderr=subprocess.DEVNULL).returncode == 0:
            break
    else:
        yield tells("botocore", "not installed (python3-botocore)")
        return
    with Canned(items) as server:
        took = [float(subprocess.run([python, script, server.url], check=True, text=True,
                                     stdout=subprocess.PIPE).stdout.split()[1]) for _ in range(min(bench.options.rounds, 3))]
    yield tells("a script with botocore: CPU an item", "%.1f µs" % (median(took) / items * 1e6), median(took) / items * 1e6)
