"""What a row of the table is: a target and how it is measured."""
from dataclasses import dataclass

ROWS = {}                       # by name, in the order of the table


@dataclass
class Figure:
    label: str                  # what was measured
    target: str                 # in words; "" if it only informs
    value: str                  # as printed
    met: bool | None = None     # None: no target, or not measurable here
    number: float | None = None     # for --json


def row(name):
    """Make a row of a function that takes a Bench and yields Figures."""
    def register(function):
        ROWS[name] = function
        return function
    return register


def at_most(label, number, limit, unit="", target=None, note=""):
    return bounded(label, number, limit, unit, "≤ %g%s" % (limit, unit) if target is None else target, number <= limit, note)


def at_least(label, number, limit, unit="", target=None, note=""):
    return bounded(label, number, limit, unit, "≥ %g%s" % (limit, unit) if target is None else target, number >= limit, note)


def bounded(label, number, limit, unit, target, met, note):
    return Figure(label, target, "%.4g%s%s" % (number, unit, " (%s)" % note if note else ""), met, number)


def tells(label, value, number=None):
    return Figure(label, "", value, None, number)


def alternate(rounds, **ways):
    """Run each way once a round, in turn; what each gave, as lists."""
    given = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            given[name].append(way())
    return given
