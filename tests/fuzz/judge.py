"""Whether two results are the same, as far as SQL promises."""
from collections import Counter

from libpq import Result

# (SQLSTATE, part of the message, reason): errors that only the foreign side may give.
LEGAL_ERRORS = []


def legal(result):
    return any(result.state == state and part in result.message for state, part, _ in LEGAL_ERRORS)


def errors_differ(expected, got):
    """None if neither side failed; else '' if that is right, or what is wrong."""
    failed = [r for r in (expected, got) if isinstance(r, Result)]
    if not failed:
        return None
    if any(r.state == "57014" for r in failed):
        return "timed out"
    if len(failed) == 2:
        return "" if expected.state == got.state else "other error"
    return "" if failed[0] is got and legal(got) else "error on one side"


def keys(rows, order):
    return [tuple(row[p] for p in order) for row in rows]


def rows_differ(query, manner, expected, got, whole):
    """What is wrong with one set of rows, or ''.  whole() gives all rows of the query without its LIMIT."""
    if (query.total or manner.backward) and query.order:
        return "" if expected == got else "rows or their order"
    if query.order and keys(expected, query.order) != keys(got, query.order):
        return "order"
    if expected == got or Counter(expected) == Counter(got):
        return ""
    if not (query.partial or manner.early):
        return "rows"
    if len(expected) != len(got):
        return "number of rows"
    return "rows that are not in the whole result" if Counter(got) - Counter(whole()) else ""


def compare(query, manner, expected, got, whole):
    """'' or (what differs, expected rows, rows got)."""
    wrong = errors_differ(expected, got)
    if wrong is not None:
        return (wrong, lines(expected), lines(got)) if wrong else ""
    for number, (left, right) in enumerate(zip(expected, got)):
        which = number if number < 2 and manner.name == "prepared" and query.parameters else 0
        wrong = rows_differ(query, manner, left, right, lambda: whole(which))
        if wrong:
            return (wrong, missing(left, right), missing(right, left))
    return ""


def lines(result):
    return result.lines() if isinstance(result, Result) else Result(rows=[row for rows in result for row in rows]).lines()


def missing(rows, others):
    """Rows that the other side lacks; when it lacks none, the start of the sequence."""
    only = list((Counter(rows) - Counter(others)).elements())
    return ["%d rows, %d of them only here" % (len(rows), len(only))] + [str(r)[:600] for r in (only or rows)[:6]]
