"""Runs the rows and prints the table: see bench/all, which starts what this needs."""
import argparse
import dataclasses
import json
import os
import signal
import sys
import time
import urllib.request

# each of these makes its rows: in the order of the table
import rows_scan                # noqa: F401
import rows_read                # noqa: F401
import rows_write               # noqa: F401
import rows_cost                # noqa: F401
import lab
import plots
from lab import Backend, Wire
from rows import ROWS

TABLE = "bench-conversations"


class Bench:
    """What the rows share: the options, and DynamoDB Local with a table in it."""

    def __init__(self, options):
        self.options = options
        self.local_url = os.environ["DYNAMODB_ENDPOINT_URL"]
        self.loaded = 0

    def create_local(self, table):
        """A table of conversations; without a stream, of which DynamoDB Local looks through all records at each write."""
        def keys(partition, sort):
            return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

        indexes = (("SessionIndex", "sessionId"), ("AnimalIndex", "animalId"), ("ParentUserIndex", "parentUserId"))
        names = ("userId", "sessionIdTimestamp", "timestamp") + tuple(partition for _, partition in indexes)
        self.ask_local("CreateTable", {
            "TableName": table, "BillingMode": "PAY_PER_REQUEST", "KeySchema": keys("userId", "sessionIdTimestamp"),
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "GlobalSecondaryIndexes": [{"IndexName": name, "KeySchema": keys(partition, "timestamp"),
                                        "Projection": {"ProjectionType": "ALL"}} for name, partition in indexes]})

    def ask_local(self, operation, body):
        request = urllib.request.Request(self.local_url, json.dumps(body).encode(), {
            "X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Date": "20250119T120000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, "
                             "SignedHeaders=host;x-amz-date, Signature=0"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def local_items(self):
        """How many items the table in DynamoDB Local has; the first call fills it."""
        wanted = self.options.local_items
        if self.loaded == 0:
            self.create_local(TABLE)
            Wire(self.local_url, "batch", TABLE, wanted, connections=4)
            self.loaded = wanted
        return self.loaded


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/all", description="Measures cmz_fdw against its targets.")
    parser.add_argument("--quick", action="store_true", help="fewer items and rounds: under three minutes")
    parser.add_argument("--rows", metavar="NAME,...", help="only these")
    parser.add_argument("--list", action="store_true", help="list the rows' names")
    parser.add_argument("--rounds", type=int, metavar="N", help="of which a figure is the median (5)")
    parser.add_argument("--items", type=int, metavar="N", help="of the canned table that is scanned (89000)")
    parser.add_argument("--local-items", type=int, metavar="N", help="in DynamoDB Local (20000; the target says 100000)")
    parser.add_argument("--memory-items", type=int, metavar="N", help="scanned for memory (1000000; the target says 10000000)")
    parser.add_argument("--copy-rows", type=int, metavar="N", help="copied for memory (100000; the target says 1000000)")
    parser.add_argument("--users", type=int, metavar="N", help="outer rows of the join (1000)")
    parser.add_argument("--insert-rows", type=int, metavar="N", help="inserted by one statement (10000)")
    parser.add_argument("--plot", metavar="FOLDER", help="draw curves there instead, see bench/plot")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    defaults = {"rounds": (5, 3), "items": (89000, 89000), "local_items": (20000, 10000), "memory_items": (1000000, 200000),
                "copy_rows": (100000, 10000), "users": (1000, 200), "insert_rows": (10000, 2000)}
    for name, (usual, quick) in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    options.names = options.rows.split(",") if options.rows else list(ROWS)
    unknown = [name for name in options.names if name not in ROWS]
    if unknown:
        parser.error("no such row: %s; there are %s" % (", ".join(unknown), ", ".join(ROWS)))
    return options


def print_table(figures):
    headings = ("row", "what", "target", "measured", "")
    lines = [headings] + [(name, f.label, f.target, f.value, {True: "met", False: "MISSED", None: ""}[f.met])
                          for name, f in figures]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    options = parse_arguments()
    if options.list:
        print("\n".join(ROWS))
        return 0
    # so that the servers of a row end with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options)
    if options.plot:
        plots.draw_all(bench, options.plot)
        return 0
    figures, failed = [], []
    with Backend() as backend:
        version = backend.one("SHOW server_version")
    for name in options.names:
        start = time.monotonic()
        load = os.getloadavg()[0]
        try:
            figures += [(name, figure) for figure in ROWS[name](bench)]
        except Exception as error:      # the other rows are measured all the same
            failed.append(name)
            print("%s: %s: %s" % (name, type(error).__name__, error), file=sys.stderr)
        print("== %s: %.1f s (load before: %.1f)" % (name, time.monotonic() - start, load), file=sys.stderr)
    print("PostgreSQL %s, %d processors, load %.1f; medians of %d rounds; %d items of %d bytes"
          % (version.split()[0], os.cpu_count(), os.getloadavg()[0], options.rounds, options.items, lab.ITEM_BYTES))
    print_table(figures)
    targets = [figure.met for _, figure in figures if figure.met is not None]
    print("%d of %d targets met%s" % (sum(targets), len(targets), "; failed: " + ", ".join(failed) if failed else ""))
    if options.json:
        with open(options.json, "w") as file:
            json.dump([{"row": name, **dataclasses.asdict(figure)} for name, figure in figures], file, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
