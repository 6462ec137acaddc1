#!/usr/bin/env python3
"""Differential fuzzer: random SELECTs on foreign tables must give what they give on local copies.

usage: fuzz.py --endpoint URL [--conninfo STRING] [--seed N] [--queries N | --seconds N | --only N]

Needs a running server, in whose database it drops and makes the schemas fuzz, fdw and loc, and DynamoDB Local.
"""
import argparse
import os
import random
import shlex
import sys
import threading
import time
import traceback
from collections import Counter

import schema
import settings as planner
from conditions import Writer
from joins import SHAPES as JOIN_SHAPES
from judge import compare
from libpq import Failed, Lost, Result, Session
from queries import ALL_SHAPES
from reducer import reduce
from trial import LOCAL, PLAIN_OUTPUT, PUSHED, UNPUSHED, choose_manner, explain, run, run_whole

SHAPES = ALL_SHAPES + JOIN_SHAPES
EXPLAINED = .1
UNPUSHED_SHARE = .25
FEATURES = ["Key Condition:", "Filter Expression:", "DynamoDB: Scan", "BatchGetItem", "Order:", "Limit:", "Select: COUNT", "Gather",
            "Async Foreign Scan", "Merge Append", "Incremental Sort", "Nested Loop", "Hash Join", "Merge Join", "Memoize", "Parallel"]


def generate(seed, number, tables, version):
    """Query number N of a seed, whatever came before it."""
    rng = random.Random("query %s %s" % (seed, number))
    writer = Writer(rng, prepared=rng.random() < .2)
    shape = rng.choices([s for s, _ in SHAPES], [w for _, w in SHAPES])[0]
    query = shape(writer, tables)
    manner = choose_manner(rng, query, writer.prepared)
    settings = planner.choose(rng, version)
    if writer.prepared:
        settings.append(("plan_cache_mode", rng.choice(["force_generic_plan", "force_custom_plan", "auto"])))
    return query, manner, settings, rng.random()


def check(session, query, manner, settings, sides):
    """(result of the local side, '' or (side, what differs, expected, got))."""
    expected = run(session, LOCAL, settings, manner)
    for side in sides:
        got = run(session, side, settings, manner)
        wrong = compare(query, manner, expected, got, lambda which: run_whole(session, settings, query, which))
        if wrong:
            return expected, (side,) + wrong
    return expected, ""


class Tally:
    """What happened, over all workers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts, self.kinds, self.plans, self.failures = Counter(), Counter(), Counter(), []

    def add(self, query, manner, expected):
        with self.lock:
            self.counts["queries"] += 1
            self.kinds[query.kind] += 1
            self.kinds["(%s)" % manner.name] += 1
            if isinstance(expected, Result):
                self.counts["errors"] += 1
                self.counts["error %s %s" % (expected.state, expected.message[:60])] += 1
            elif any(expected):
                self.counts["rows"] += 1

    def plan(self, lines):
        text = "\n".join(lines)
        with self.lock:
            self.plans["explained"] += 1
            self.plans.update(f for f in FEATURES if f in text)

    def fail(self, report):
        with self.lock:
            self.failures.append(report)
            print(report, flush=True)


class Round:
    """The queries of one seed, shared among the workers."""

    def __init__(self, options, seed, tally, deadline):
        self.options, self.seed, self.tally, self.deadline = options, seed, tally, deadline
        self.next, self.lock, self.tables = 0, threading.Lock(), None

    def set_up(self):
        session = Session(self.options.conninfo)
        try:
            self.tables = schema.set_up(session, self.options.endpoint, self.seed, self.options.library, self.options.prefix)
        finally:
            session.close()

    def take(self):
        with self.lock:
            done = self.next >= self.options.queries or time.time() > self.deadline
            if done or len(self.tally.failures) >= self.options.max_failures:
                return None
            self.next += 1
            return self.next

    def work(self):
        session = Session(self.options.conninfo)
        session.must(PLAIN_OUTPUT)
        while True:
            number = self.take()
            if number is None:
                break
            try:
                self.one(session, number)
            except Lost as lost:
                self.tally.fail("CONNECTION LOST at seed %s, query %d: %s\n%s" % (self.seed, number, lost, self.rerun(number)))
                time.sleep(5)
                session = Session(self.options.conninfo)
                session.must(PLAIN_OUTPUT)
            except Exception:
                self.tally.fail("THE FUZZER FAILED at seed %s, query %d\n%s" % (self.seed, number, traceback.format_exc()))
        session.close()

    def one(self, session, number):
        query, manner, settings, dice = generate(self.seed, number, self.tables, session.version)
        sides = [PUSHED] + ([UNPUSHED] if dice < UNPUSHED_SHARE else [])
        expected, wrong = check(session, query, manner, settings, sides)
        self.tally.add(query, manner, expected)
        if wrong:
            self.tally.fail(self.report(session, number, query, manner, settings, wrong))
        elif (dice * 10) % 1 < EXPLAINED:
            self.tally.plan(explain(session, settings, query))

    def rerun(self, number):
        return "again: python3 tests/fuzz/fuzz.py --endpoint %s --conninfo %s --seed %s --only %d" % (
            self.options.endpoint, shlex.quote(self.options.conninfo), self.seed, number)

    def report(self, session, number, query, manner, settings, wrong):
        side, what, expected, got = wrong
        lines = ["DIFFERENCE: %s, %s; seed %s, query %d (%s, %s)" % (what, side, self.seed, number, query.kind, manner.name)]
        if not self.options.no_reduce:
            query, manner, settings, (side, what, expected, got) = reduce(
                lambda q, m, s: check(session, q, m, s, [side])[1], query, manner, settings, wrong)
        lines += ["settings: " + "; ".join("%s = %s" % s for s in settings)]
        lines += ["  " + statement + ";" for statement in manner.before + [s for step in manner.steps for s in step]]
        lines += ["plan, pushdown on:"] + ["  " + line for line in explain(session, settings, query)[:60]]
        lines += ["expected:"] + ["  " + line for line in expected] + ["got:"] + ["  " + line for line in got]
        return "\n".join(lines + [self.rerun(number), ""])


def play(options, seed, tally, deadline):
    """All queries of one seed, on several connections."""
    game = Round(options, seed, tally, deadline)
    game.set_up()
    if options.only:
        game.next, options.queries = options.only - 1, options.only
    threads = [threading.Thread(target=game.work, daemon=True) for _ in range(1 if options.only else options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def summarise(tally, seconds):
    counts = tally.counts
    total = counts["queries"] or 1
    print("kinds: " + ", ".join("%s %d" % pair for pair in sorted(tally.kinds.items())))
    print("of %d plans: " % tally.plans.pop("explained", 0) + ", ".join("%s %d" % (f.rstrip(":"), n) for f, n in tally.plans.most_common()))
    for message, n in counts.most_common():
        if message.startswith("error "):
            print("both sides: %d times %s" % (n, message))
    print("%d queries in %d s, %.1f/s: %d (%d%%) with rows, %d errors on both sides, %d differences" % (
        counts["queries"], seconds, total / max(seconds, .1), counts["rows"], 100 * counts["rows"] / total, counts["errors"], len(tally.failures)))


def dull(tally):
    """A run that met too few rows proves nothing."""
    total = tally.counts["queries"]
    return total >= 100 and (tally.counts["rows"] < total * .5 or tally.counts["errors"] > total * .05)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--endpoint", default=os.environ.get("DYNAMODB_ENDPOINT_URL"), help="of DynamoDB Local")
    parser.add_argument("--conninfo", default="", help="libpq's connection string; PGHOST and the like count too")
    parser.add_argument("--seed", type=int, help="default: from the clock")
    parser.add_argument("--queries", type=int, default=2000, help="for each seed")
    parser.add_argument("--seconds", type=int, help="go on with the next seed until so much time has passed")
    parser.add_argument("--only", type=int, help="just this query of the seed")
    parser.add_argument("--jobs", type=int, default=2, help="connections")
    parser.add_argument("--library", help="make the wrapper from this library instead of CREATE EXTENSION")
    parser.add_argument("--prefix", default="fuzz-", help="of the DynamoDB tables: runs at one time need different ones")
    parser.add_argument("--max-failures", type=int, default=5)
    parser.add_argument("--no-reduce", action="store_true", help="report a difference as it was found")
    options = parser.parse_args()
    if not options.endpoint:
        parser.error("--endpoint or DYNAMODB_ENDPOINT_URL is needed")
    return options


def main():
    options = arguments()
    seed = options.seed if options.seed is not None else int(time.time())
    start, tally = time.time(), Tally()
    deadline = start + options.seconds if options.seconds else float("inf")
    while True:
        print("seed %d" % seed, flush=True)
        try:
            play(options, seed, tally, deadline)
        except (Failed, Lost) as failure:
            tally.fail("SET-UP FAILED at seed %d: %s" % (seed, failure))
        if not options.seconds or time.time() > deadline or tally.failures:
            break
        seed += 1
    summarise(tally, time.time() - start)
    if dull(tally):
        print("too few queries returned rows, or too many failed")
    sys.exit(1 if tally.failures or dull(tally) or not tally.counts["queries"] else 0)


main()
