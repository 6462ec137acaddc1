"""The tables and their items, made from a seed."""
import random

from dynamodb import NULL, B, N, S
from model import KEYS_ONLY, Column, DynamoTable, Index, Table, including
from values import BAD_TIMES, BYTES, FAR_TIMES, LIMIT_NUMBERS, NUMBERS, SECONDS, SUFFIXES, TEXTS

# numbers that several of read as one real or double precision
ROUNDED = ["0.1", "0.1000000000000000055511151231257827", "0.10000000000000001", "0.3", "0.30000000000000004", "0.30000000000000001",
           "16777216", "16777217", "9007199254740992", "9007199254740993", "-1.5"]

MISMATCHES = [S("45"), N("45"), {"BOOL": True}, {"L": [S("a")]}, B(b"x"), {"M": {}}, S("a\x00b"), {"SS": ["q"]}]


def text(name, **more):
    return Column(name, "text", collation="C", **more)


def time(rng):
    return rng.choice(SECONDS[:4] if rng.random() < .8 else SECONDS) + rng.choice(SUFFIXES)


def sparse(rng, item, name, make, present=.75):
    """Sets the attribute, or leaves it out, or stores a NULL."""
    dice = rng.random()
    if dice < present:
        item[name] = make()
    elif dice < present + .08:
        item[name] = NULL


def distinct(items, *keys):
    return list({tuple(str(item[k]) for k in keys if k): item for item in items}.values())


# ---- conversations

USERS = ["u1", "u2", "u3", "u", "é", "\U0001F600", "p" * 2048]
SESSIONS = ["s", "s#", "s#t", "S", "#", "é", "s1", "s1#2025-01-19T12:00:00Z", "z" * 900]


def conversation(rng):
    session, when = rng.choice(SESSIONS if rng.random() < .2 else SESSIONS[:-2]), time(rng)
    item = {"userId": S(rng.choice(USERS[:4]) if rng.random() < .9 else rng.choice(USERS)), "sessionId": S(session),
            "timestamp": S(when), "sessionIdTimestamp": S(session + "#" + when)}
    for name in ("animalId", "parentUserId"):
        if rng.random() < .7:
            item[name] = S(rng.choice(USERS[:5]))
    sparse(rng, item, "content", lambda: S(rng.choice(TEXTS + [""])))
    sparse(rng, item, "messageType", lambda: S(rng.choice(["user", "assistant", "system", "é"])))
    sparse(rng, item, "tokensUsed", lambda: N(rng.choice(["0", "1", "45", "-1", "2147483647"])))
    sparse(rng, item, "ttl", lambda: N(rng.choice(["0", "1737288000", "1737288000.5", "1737288001", "253402300799"])))
    sparse(rng, item, "mark", lambda: S(rng.choice(TEXTS)))
    return item


def conversations(rng):
    items = distinct([conversation(rng) for _ in range(210)], "userId", "sessionIdTimestamp")
    when = ("timestamp", "S")
    dynamo = DynamoTable("fuzz-chat", [("userId", "S"), ("sessionIdTimestamp", "S")], items,
                         [Index("SessionIndex", [("sessionId", "S"), when]), Index("AnimalIndex", [("animalId", "S"), when]),
                          Index("ParentUserIndex", [("parentUserId", "S"), when])])
    times = Column("timestamp", "timestamptz", tricky=True)
    common = [text("animal_id"), text("parent_user_id"), text("message_type"), text("content"),
              Column("tokens_used", "integer"), Column("ttl", "timestamptz"), Column("mark", "text"),
              Column("extra", "jsonb", options="attribute '*'", loose=True)]
    keys = [text("user_id"), text("session_id_timestamp"), text("session_id")]
    unique = ["user_id", "session_id_timestamp"]
    base = [("user_id", "session_id_timestamp"), ("user_id", "session_id")]
    indexes = [("session_id", "timestamp"), ("animal_id", "timestamp"), ("parent_user_id", "timestamp")]

    def mapped(name, columns, more="", **rest):
        return Table(name, dynamo, columns, options="table_name 'fuzz-chat'" + more, **rest)

    return [
        mapped("chat", keys + [times] + common, unique=unique, indexes=base + indexes, weight=30),
        mapped("chat_text", keys + [text("timestamp")] + common[:-1], ", on_type_mismatch 'null'", unique=unique,
               indexes=base + indexes, weight=12),
        mapped("chat_exact", keys + [times] + common, ", consistent_read 'true'", unique=unique, indexes=base + indexes,
               weight=8),
        # no column for the table's own key
        mapped("chat_keyless", [text("session_id"), times] + common, unique=[],
               indexes=indexes, weight=6),
    ]


# ---- keys and columns of every type

GENERIC_COLUMNS = [
    text("pk"), text("sk"), text("gp"), text("gs"), Column("gn", "numeric"), Column("gb", "bytea"), Column("lk", "numeric"),
    text("t"), Column("u", "text", collation="und-x-icu", tricky=True),
    Column("w", "text", collation="fuzz_loose", loose=True, tricky=True, options="attribute 'u'"),
    Column("i", "integer"), Column("n", "numeric"), Column("np", "numeric(5,1)", tricky=True), Column("f", "double precision", tricky=True),
    Column("r", "real", tricky=True), Column("ts", "timestamptz", tricky=True), Column("ts0", "timestamptz(0)", tricky=True),
    Column("tn", "timestamp", tricky=True, options="dynamodb_type 'N'"), Column("d", "date"), Column("b", "boolean"),
    Column("e", "fuzz.mood"), Column("g", "uuid"), Column("by", "bytea"), Column("v", "varchar(3)", collation="C", tricky=True),
    Column("c", "char(4)", tricky=True), Column("ar", "text[]"), Column("j", "jsonb", loose=True)]


def generic_values(rng, mismatch):
    """Attribute -> how to make its value; with mismatches, also values its column does not take."""
    def pick(values, odd=()):
        return lambda make=S: make(rng.choice(list(values) + (list(odd) if mismatch else [])))

    def number(values, odd=NUMBERS + LIMIT_NUMBERS):
        return lambda: pick(values, odd)(N)

    # -1e-130 would read as a real of -0, which equals 0 and looks different
    small = ["0", "1", "-1", "45", "2147483647", "-2147483648"]
    return {
        "t": pick(TEXTS + [""]), "u": pick(["a", "A", "ä", "Ä", "ab", "AB", "e\u0301", "é", "z", "Z", "_"]), "i": number(small), "n": number(NUMBERS + LIMIT_NUMBERS),
        "np": number(["1", "1.25", "1.24", "1.3", "-1.25", "99.95", "45"]),
        "f": number(ROUNDED + ["45", "1e125", "1e-130"]), "r": number(ROUNDED + ["45"], NUMBERS + LIMIT_NUMBERS[:3]),
        "ts": pick([s + x for s in SECONDS[:3] for x in SUFFIXES] + FAR_TIMES, BAD_TIMES),
        "ts0": pick([s + x for s in SECONDS[:3] for x in SUFFIXES[:8]], BAD_TIMES),
        "tn": number(["0", "1737288000", "1737288000.5", "1737288000.1234567", "1737287999.9999999", "-0.5", "-1",
                      "253402300799"]),
        "d": pick(["2025-01-19", "2025-01-20", "0001-01-01", "9999-12-31"], BAD_TIMES),
        "b": lambda: {"BOOL": rng.random() < .5}, "e": pick(["one", "two", "three"], ["four"]),
        "g": pick(["00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"], ["no uuid"]),
        "by": lambda: B(rng.choice(BYTES + [b""])), "v": pick(["a", "ab", "abc", "é"], TEXTS), "c": pick(["a", "ab", "abcd"]),
        "ar": lambda: rng.choice([{"L": [S("a"), S("b")]}, {"L": [S("a"), NULL]}, {"L": []}, {"SS": ["a"]}]),
        "j": lambda: rng.choice([S("x"), N("1"), {"M": {"k": S("v")}}, {"L": []}, {"BOOL": True}]),
    }


def generic_item(rng, makers, mismatch, number):
    item = {"pk": S(rng.choice(["p", "p", "q", "q", "q", "é", "é", "a#b", "a#b"] + ["p" * 2048] * (number % 5 == 0))),
            "sk": S(rng.choice(TEXTS + ["x" * 1023, "\U0010FFFF" * 3, "ab\u007f"]) + (str(number % 9) if number % 3 else ""))}
    keys = {"gp": lambda: S(rng.choice(["p", "q", "é"])), "gs": lambda: S(rng.choice(TEXTS + ["x" * 1024])),
            "gn": lambda: N(rng.choice(["0", "1", "1.5", "-1", "45"] + LIMIT_NUMBERS)),
            "gb": lambda: B(rng.choice(BYTES)), "lk": lambda: N(rng.choice(["0", "1", "1.5", "45"] + LIMIT_NUMBERS[:2]))}
    for name, make in keys.items():
        if rng.random() < .7:
            item[name] = make()
    for name, make in makers.items():
        if mismatch and rng.random() < .07:
            item[name] = rng.choice(MISMATCHES)
        else:
            sparse(rng, item, name, make, .85)
    return item


def generics(rng):
    tables = []
    for name, mismatch, policy in (("gen", False, "error"), ("gen_mixed", True, "null")):
        makers = generic_values(rng, mismatch)
        items = distinct([generic_item(rng, makers, mismatch, k) for k in range(140)], "pk", "sk")
        dynamo_name = "fuzz-" + name.replace("_", "-")
        dynamo = DynamoTable(
            dynamo_name, [("pk", "S"), ("sk", "S")], items,
            [Index("GpGs", [("gp", "S"), ("gs", "S")]), Index("GpGn", [("gp", "S"), ("gn", "N")], KEYS_ONLY),
             Index("GnGs", [("gn", "N"), ("gs", "S")], including("i", "t")), Index("GbIx", [("gb", "B")]),
             Index("GsGb", [("gs", "S"), ("gb", "B")]), Index("GnIx", [("gn", "N")], KEYS_ONLY)],
            [Index("PkLk", [("pk", "S"), ("lk", "N")]), Index("PkGs", [("pk", "S"), ("gs", "S")], KEYS_ONLY)])
        tables.append(Table(
            name, dynamo, GENERIC_COLUMNS, ["pk", "sk"],
            [("pk", "sk"), ("gp", "gs"), ("gp", "gn"), ("gn", "gs"), ("gb", None), ("gs", "gb"), ("gn", None), ("pk", "lk"),
             ("pk", "gs")],
            "table_name '%s', key 'pk, sk', on_type_mismatch '%s', indexes 'GpGs (gp, gs), GpGn (gp, gn) keys_only, "
            "GnGs (gn, gs) include (i, t), GbIx (gb), GsGb (gs, gb), GnIx (gn) keys_only, PkLk (pk, lk) local, "
            "PkGs (pk, gs) local keys_only'" % (dynamo_name, policy), weight=22 if mismatch else 25))
    return tables


# ---- pages of 1 MB, and pages that a filter leaves empty

def big(rng):
    items = []
    for k in range(34):
        size = rng.randrange(100_000, 380_000) if k % 2 else rng.randrange(0, 3000)
        items.append({"pk": S("big" if k < 28 else "small"), "sk": N(k), "kind": S("rare" if k in (3, 27) else "common"),
                      "rank": N(k // 3), "body": S(chr(97 + k % 26) * size)})
    dynamo = DynamoTable("fuzz-big", [("pk", "S"), ("sk", "N")], items,
                         [Index("KindRank", [("kind", "S"), ("rank", "N")]), Index("PkRank", [("pk", "S"), ("rank", "N")], KEYS_ONLY)])
    return [Table("big", dynamo, [text("pk"), Column("sk", "integer"), text("kind"), Column("rank", "numeric"),
                                  text("body", huge=True)], ["pk", "sk"],
                  [("pk", "sk"), ("kind", "rank"), ("pk", "rank")],
                  "table_name 'fuzz-big', key 'pk, sk', indexes 'KindRank (kind, rank), PkRank (pk, rank) keys_only'", weight=2)]


# ---- partitions on two servers, by list and by range

def partitioned(rng):
    columns = [text("pk"), Column("sk", "numeric"), Column("bucket", "integer"), text("t"), Column("n", "integer")]
    indexes, unique = [("pk", "sk"), ("t", "n")], ["pk", "sk"]
    parents = [Table("parts", None, columns, unique, indexes, "", partition_by="LIST (bucket)", weight=14),
               Table("ranges", None, columns, unique, indexes, "", partition_by="RANGE (sk)", weight=14)]
    leaves = []
    for k in range(3):
        items = []
        for _ in range(60):
            item = {"pk": S(rng.choice(["a", "b", "é"])), "sk": N(k * 10 + rng.choice([0, 1, 2, 2.5, 3, 4, 7, 9.75])), "bucket": N(k)}
            sparse(rng, item, "n", lambda: N(rng.randrange(5)))
            if rng.random() < .8:
                item["t"] = S(rng.choice(TEXTS[:8]))
            if item.get("n") == NULL:
                del item["n"]
            items.append(item)
        dynamo = DynamoTable("fuzz-part-%d" % k, [("pk", "S"), ("sk", "N")], distinct(items, "pk", "sk"),
                             [Index("TIx", [("t", "S"), ("n", "N")])])
        for parent, bounds in (("parts", "IN (%d)" % k), ("ranges", "FROM (%d) TO (%d)" % (k * 10, k * 10 + 10))):
            leaves.append(Table("%s_%d" % (parent, k), dynamo, columns, unique, indexes,
                                "table_name 'fuzz-part-%d', key 'pk, sk', indexes 'TIx (t, n)'" % k, server="fuzz_b" if k == 1 else "fuzz_a",
                                partition_of="%s FOR VALUES %s" % (parent, bounds), weight=1))
    return parents + leaves


# ---- a partition key alone

def keyed(rng):
    def item(key):
        item = {"k": key}
        sparse(rng, item, "t", lambda: S(rng.choice(TEXTS)))
        sparse(rng, item, "n", lambda: N(rng.choice(["0", "1", "45"])))
        return item

    columns = [text("t"), Column("n", "integer")]
    words = DynamoTable("fuzz-words", [("k", "S")], [item(S(k)) for k in TEXTS + USERS[:3] + ["p", "q", "x" * 2048]])
    numbers = DynamoTable("fuzz-numbers", [("k", "N")], [item(N(k)) for k in list(range(60)) + [-1, 2**63 - 1, -2**63]])
    return [Table("words", words, [text("k")] + columns, ["k"], [("k", None)], "table_name 'fuzz-words', key 'k'", weight=12),
            Table("numbers", numbers, [Column("k", "bigint")] + columns, ["k"], [("k", None)],
                  "table_name 'fuzz-numbers', key 'k'", weight=8)]


def tables(seed):
    rng = random.Random("data %s" % seed)
    return conversations(rng) + generics(rng) + big(rng) + partitioned(rng) + keyed(rng)
