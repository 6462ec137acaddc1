"""Makes a differing query smaller: fewer settings, conditions replaced by true or false."""
import re
from dataclasses import replace

MOST_TRIES = 150


def substitute(text, number, by):
    """The text with the marked condition replaced."""
    return re.sub(r"/\*<%d\*/.*?/\*%d>\*/" % (number, number), by, text, flags=re.S)


def cut(query, manner, number, by):
    change = lambda text: substitute(text, number, by)
    return (replace(query, sql=change(query.sql)),
            replace(manner, before=[change(t) for t in manner.before], steps=[[change(t) for t in step] for step in manner.steps]))


def reduce(check, query, manner, settings, wrong):
    """check(query, manner, settings) gives what differs, or ''."""
    tries = 0
    for setting in list(settings):
        fewer = [s for s in settings if s != setting]
        found = check(query, manner, fewer)
        if found:
            settings, wrong = fewer, found
    for number in sorted({int(n) for n in re.findall(r"/\*<(\d+)\*/", query.sql)}, reverse=True):
        for by in ("true", "false"):
            tries += 1
            if tries > MOST_TRIES or "/*<%d*/" % number not in query.sql:
                break
            smaller = cut(query, manner, number, by)
            found = check(*smaller, settings)
            # another kind of difference is another bug, or a broken query
            if found and found[1] == wrong[1]:
                (query, manner), wrong = smaller, found
                break
    return query, manner, settings, wrong[:4]
