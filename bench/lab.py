"""What the measurements are made with: servers near and far, sessions, the wire client, memory and CPU."""
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "fuzz"))
from libpq import Session  # noqa: E402  (the fuzzer's)

SERVER_SECONDS = 1800           # a server that is left behind ends by itself
COLUMNS = ("user_id", "session_id_timestamp", "session_id", "animal_id", "parent_user_id", "message_type",
           "timestamp", "content", "tokens_used", "ttl")
TYPES = {"timestamp": "timestamptz", "ttl": "timestamptz", "tokens_used": "integer", "content": "text"}
ITEM_BYTES = 599                # of JSON, see items.h
COUNTED_BYTES = 472


def median(values):
    return statistics.median(values)


class Canned:
    """A canned server, for as long as the block lasts."""

    def __init__(self, items, delay_ms=0, bandwidth=0, crc32=True, whole=False):
        command = [os.path.join(HERE, "canned"), "--items", str(items), "--delay-ms", str(delay_ms),
                   "--bandwidth", str(int(bandwidth)), "--seconds", str(SERVER_SECONDS)]
        self.command = command + ["--crc32"] * crc32 + ["--whole"] * whole

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[-1])
        self.url = "http://127.0.0.1:%d" % self.port
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def stats(self):
        with urllib.request.urlopen(self.url + "/__stats") as answer:
            return json.load(answer)

    def during(self, work):
        """What is asked and sent while work() runs."""
        before = self.stats()
        work()
        after = self.stats()
        asked = {name: n - before["requests"].get(name, 0) for name, n in after["requests"].items()}
        difference = {name: after[name] - before[name] for name in after if name != "requests"}
        difference["requests"] = {name: n for name, n in asked.items() if n > 0}
        difference["total"] = sum(asked.values())
        # each look at the counters is a connection of its own
        difference["connections"] -= 1
        return difference


class Backend:
    """A session, and the process that serves it."""

    def __init__(self, database="postgres"):
        self.session = Session("dbname=%s" % database)
        self.pid = int(self.one("SELECT pg_backend_pid()"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def must(self, sql):
        return self.session.must(sql)

    def one(self, sql):
        return self.must(sql)[0][0].decode()

    def cpu(self):
        """Seconds of CPU so far; exact where the kernel keeps schedstat."""
        try:
            with open("/proc/%d/schedstat" % self.pid) as file:
                return int(file.read().split()[0]) / 1e9
        except OSError:
            with open("/proc/%d/stat" % self.pid) as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def time(self, sql):
        """Wall and CPU seconds of a statement."""
        cpu, start = self.cpu(), time.perf_counter()
        self.must(sql)
        return time.perf_counter() - start, self.cpu() - cpu

    def run(self, sql):
        """The same without its rows: executed to the slot, no output functions."""
        return self.time("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + sql)

    def memory(self, field="RssAnon"):
        """Bytes, of /proc/PID/status."""
        with open("/proc/%d/status" % self.pid) as file:
            return int(re.search(r"^%s:\s*(\d+)" % field, file.read(), re.M).group(1)) * 1024

    def growth(self, work):
        """By how many bytes work() lets the private memory grow, looked at forty times a second."""
        first = most = self.memory()
        stop = threading.Event()

        def watch():
            nonlocal most
            while not stop.wait(0.025):
                most = max(most, self.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            work()
        finally:
            stop.set()
            watcher.join()
        return max(most, self.memory()) - first


def foreign_table(backend, name, url, items, concurrency=8, **options):
    """A foreign table of that name over the server at url, its size known."""
    columns = ", ".join('"%s" %s' % (c, TYPES.get(c, 'text COLLATE "C"')) for c in COLUMNS)
    options = {"table_name": "bench-conversations", "estimated_items": items, "estimated_item_bytes": COUNTED_BYTES,
               "concurrency": concurrency, **options}
    listed = ", ".join("%s '%s'" % pair for pair in options.items())
    backend.must("SET client_min_messages = error;"
                 "CREATE EXTENSION IF NOT EXISTS cmz_fdw; DROP SERVER IF EXISTS %s CASCADE;"
                 "CREATE SERVER %s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '%s');"
                 "CREATE FOREIGN TABLE %s (%s) SERVER %s OPTIONS (%s)"
                 % (name, name, url, name, columns, name, listed))


ATTRIBUTES = ("userId", "sessionIdTimestamp", "sessionId", "animalId", "parentUserId", "messageType", "timestamp",
              "content", "tokensUsed", "ttl")


def read_body(extra=""):
    """What cmz_fdw sends to read all columns, without the last brace."""
    names = ",".join('"#%d":"%s"' % pair for pair in enumerate(ATTRIBUTES))
    return ('{"TableName":"bench-conversations","ProjectionExpression":"%s","ExpressionAttributeNames":{%s},'
            '"ReturnConsumedCapacity":"TOTAL"%s' % (",".join("#%d" % i for i in range(len(ATTRIBUTES))), names, extra))


def query_body(attribute, value, extra=""):
    return read_body(',"KeyConditionExpression":"#%d = :0","ExpressionAttributeValues":{":0":{"S":"%s"}}%s'
                     % (ATTRIBUTES.index(attribute), value, extra))


def scan_body(segments):
    return read_body(',"Segment":{n},"TotalSegments":%d' % segments if segments > 1 else "")


class Wire:
    """What a run of the wire client printed: medians of its passes."""

    def __init__(self, url, *arguments, connections=1, streams=1, pages=0, repeat=1, first=0):
        command = [os.path.join(HERE, "wire"), "-c", connections, "-s", streams, "-p", pages, "-r", repeat, "-f", first, url]
        printed = subprocess.run([str(word) for word in command + list(arguments)], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        passes = [[float(word) for word in line.split()] for line in printed.splitlines()]
        self.seconds, self.requests, self.bytes, self.cpu = (median(column) for column in zip(*passes))
        self.passes = [line[0] for line in passes]

