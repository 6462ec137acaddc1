"""The three tables that are written to: columns, their values, their keys, as SQL and as attributes."""
from dataclasses import dataclass, field

from dynamodb import NULL, N, S
from model import Index
from values import quote

# Templates of conditions and of what SET sets: @c is the column, @v one of its values.
TESTS = {
    "integer": ["@c = @v", "@c < @v", "@c >= @v", "@c BETWEEN @v AND @v", "@c IN (@v, @v, @v)", "@c IS NULL", "@c % 2 = 0", "@c <> @v",
                "@c + 1 > @v"],
    "text": ["@c = @v", "@c <> @v", "@c LIKE 'x%'", "@c IN (@v, @v)", "@c ^@ 'x'", "length(@c) > 1", "@c IS NULL", "@c IS NOT NULL",
             "@c > @v", "(@c = @v OR @c IS NULL)"],
    "timestamptz": ["@c = @v", "@c < @v", "@c >= @v", "@c BETWEEN @v AND @v", "@c IS NULL", "@c IS NOT NULL"],
    "numeric": ["@c = @v", "@c > @v", "@c <= @v", "@c IS NULL", "@c IN (@v, @v)"],
    "boolean": ["@c", "NOT @c", "@c IS NOT TRUE", "@c IS NULL"],
    "jsonb": ["@c ? 'k'", "@c->>'k' = 'v'", "@c @> '{}'", "@c IS NULL", "@c = @v", "@c->'n' IS NOT NULL"],
    "text[]": ["'x' = ANY (@c)", "@c @> ARRAY['x']", "@c IS NULL", "cardinality(@c) > 1", "@c = @v"],
}
SETS = {
    "integer": ["@v", "@v", "@c + 1", "@c + 1", "@c - 3", "- @c", "coalesce(@c, 0) + 10", "NULL"],
    "text": ["@v", "@v", "@c || '+'", "upper(@c)", "coalesce(@c, '?')", "reverse(@c)", "NULL"],
    "timestamptz": ["@v", "@v", "@c + interval '1 hour'", "date_trunc('minute', @c)", "NULL"],
    "numeric": ["@v", "@v", "trim_scale(@c + 0.5)", "- @c", "NULL"],
    "boolean": ["@v", "NOT @c", "@c IS NULL", "NULL"],
    "jsonb": ["@v", "@v", "@c || '{\"k\": \"w\", \"z\": [1]}'", "jsonb_build_object('was', @c->'k', 'b', true)", "NULL"],
    "text[]": ["@v", "@v", "@c || 'z'::text", "array_remove(@c, 'x')", "NULL"],
}


@dataclass
class Column:
    name: str
    type: str
    values: list                    # (SQL literal, attribute)
    kind: str = ""                  # of its attribute: S N BOOL JSON LIST TIME EPOCH
    attribute: str = ""
    collation: str = ""
    default: str = ""
    odd: list = field(default_factory=list)     # more values, which only seed items have
    sets: list = None
    tests: list = None
    not_null: bool = False

    def __post_init__(self):
        self.attribute = self.attribute or self.name
        self.kind = self.kind or {"text": "S", "integer": "N", "numeric": "N", "timestamptz": "TIME", "boolean": "BOOL",
                                  "jsonb": "JSON", "text[]": "LIST"}[self.type]
        self.sets, self.tests = self.sets or SETS[self.type], self.tests or TESTS[self.type]

    @property
    def quoted(self):
        return '"timestamp"' if self.name == "timestamp" else self.name

    def definition(self):
        return self.quoted + " " + self.type + (' COLLATE "%s"' % self.collation if self.collation else "") + (
            " DEFAULT " + self.default if self.default else "") + (" NOT NULL" if self.not_null else "")


@dataclass
class Shape:
    name: str
    columns: list
    keys: list                      # DynamoDB's key: (attribute, type)
    globals: list                   # DynamoDB's indexes
    options: str                    # of the foreign table, without its table_name
    key: list                       # columns that are the primary key of the local copy
    parts: list                     # columns of which a key is made, all of them given by INSERT
    base: list                      # (partition column, sort column or ''): ways into the table
    groups: list                    # and into its indexes
    number: str                     # an integer column
    text: str                       # a text column that is no key
    fresh: dict                     # part -> values that no seed item has
    shifts: list                    # dicts part -> SQL that give other keys, and what rows they are taken from
    moves: dict                     # column -> what a move sets it to, besides its values
    view: str                       # condition of the view with a check option; what violates it follows
    seeds: int = 26
    dynamo: str = ""                # the DynamoDB table's name

    def column(self, name):
        return next(c for c in self.columns if c.name == name)

    def column_of(self, attribute):
        return next(c for c in self.columns if c.attribute == attribute)

    def quoted(self, names):
        return [self.column(n).quoted for n in names]

    @property
    def others(self):
        """Columns that are no part of any key of the table."""
        return [c for c in self.columns if c.name not in self.parts and c.name not in self.key]


def texts(values):
    return [(quote(v), S(v)) for v in values]


def numbers(values):
    return [(v, N(v)) for v in values]


def times(values):
    """ISO texts; also those that a literal spells in another way than the attribute."""
    return [("%s::timestamptz" % quote(v), S(v)) for v in values]


def epochs(values):
    return [("to_timestamp(%d)" % v, N(v)) for v in values]


def json(pairs):
    return [("%s::jsonb" % quote(text), attribute) for text, attribute in pairs]


WORDS = texts(["x", "xy", "xyz", "", "Ä", "q'q", "other"])
SMALL = numbers(["0", "1", "2", "3", "4", "7", "10", "45"])
WHENS = ["2025-01-19T12:00:00Z", "2025-01-19T12:00:00.5Z", "2025-01-19T12:00:01Z", "2025-01-19T12:00:01.000001Z", "2025-01-20T00:00:00Z"]
LATER = ["2025-01-21T08:00:00Z", "2025-01-21T08:00:00.25Z", "2025-01-22T08:00:00Z"]
ODD_WHENS = times(["2025-01-19T12:00:00.500Z", "2025-01-19T12:00:01+00:00", "2025-01-19T12:00:01.50Z"])


def generic():
    documents = json([
        ('{"k": "v"}', {"M": {"k": S("v")}}), ('{"k": "v", "n": 1.5, "l": [1, "a", null, true]}', {"M": {
            "k": S("v"), "n": N("1.5"), "l": {"L": [N(1), S("a"), NULL, {"BOOL": True}]}}}),
        ('{"n": {"deep": {}}}', {"M": {"n": {"M": {"deep": {"M": {}}}}}}), ('[1, 2]', {"L": [N(1), N(2)]}), ('"s"', S("s")),
        ('7', N(7)), ('false', {"BOOL": False}), ('{}', {"M": {}})])
    lists = [("ARRAY['x', 'y']", {"L": [S("x"), S("y")]}), ("ARRAY['x']", {"L": [S("x")]}), ("'{}'::text[]", {"L": []}),
             ("ARRAY['a', NULL, '']", {"L": [S("a"), NULL, S("")]})]
    columns = [
        Column("pk", "text", texts(["p1", "p2", "p3", "é"]), collation="C", not_null=True),
        Column("sk", "numeric", numbers(["1", "2", "2.5", "3", "4", "5", "7", "10", "-1"]), not_null=True),
        Column("g", "text", texts(["g1", "g2", "g3"]), collation="C",
               sets=["@v", "@v", "@v", "@c || '+'", "NULL", "NULL", "NULLIF(@tb, '')", "@tpk"],
               tests=["@c = @v", "@c = @v", "@c IN (@v, @v)", "@c IS NULL", "@c LIKE 'g%'", "@c <> @v"]),
        Column("a", "integer", SMALL),
        Column("b", "text", WORDS, default="'new'", odd=[("NULL", NULL)]),
        Column("c", "timestamptz", times(WHENS), odd=ODD_WHENS + [("NULL", NULL)]),
        Column("d", "jsonb", documents, odd=[("NULL", NULL)]),
        Column("e", "numeric", numbers(["0", "1.5", "-2.25", "100", "0.001", "12345678901234567890.5"])),
        Column("f", "boolean", [("true", {"BOOL": True}), ("false", {"BOOL": False})]),
        Column("t", "text[]", lists, odd=[("ARRAY['x']", {"SS": ["x"]})]),
    ]
    return Shape(
        "generic", columns, [("pk", "S"), ("sk", "N")], [Index("G1", [("g", "S"), ("sk", "N")])], "key 'pk, sk', indexes 'G1 (g, sk)'",
        key=["pk", "sk"], parts=["pk", "sk"], base=[("pk", "sk")], groups=[("g", "sk")], number="a", text="b",
        fresh={"pk": texts(["p1", "p2", "p4"]), "sk": numbers(["11", "12", "13.75", "-7", "0", "6"])},
        shifts=[{"sk": "@tsk + 1000", "from": "@tsk < 900"}, {"pk": "@tpk || '!'", "from": "@tpk IN ('p1', 'é')"}],
        moves={"pk": ["@tg", "@tpk || '+'"], "sk": ["@tsk + 1", "@tsk - 0.5", "@tsk"]},
        view="(a IS NULL OR a < 60)")


def ids():
    columns = [Column("id", "integer", numbers([str(n) for n in range(1, 31)]), not_null=True), Column("a", "integer", SMALL),
               Column("b", "text", WORDS, odd=[("NULL", NULL)])]
    return Shape(
        "ids", columns, [("id", "N")], [], "key 'id'", key=["id"], parts=["id"], base=[("id", "")], groups=[], number="a", text="b",
        fresh={"id": numbers([str(n) for n in range(31, 50)])}, shifts=[{"id": "@tid + 1000", "from": "@tid < 900"}],
        moves={"id": ["@tid + 1", "@tid - 1", "@tid"]}, view="(a IS NULL OR a < 60)", seeds=22)


def chat():
    sessions = ["s", "s#x", "s1"]
    animals = texts(["fox", "owl", "u1"])
    animal_sets, animal_tests = ["@v", "@v", "@c || '+'", "NULL"], ["@c = @v", "@c = @v", "@c IN (@v, @v)", "@c IS NULL", "@c > @v"]
    columns = [
        Column("user_id", "text", texts(["u1", "u2", "u3"]), attribute="userId", collation="C", not_null=True),
        Column("session_id_timestamp", "text", texts([s + "#" + w for s in sessions for w in WHENS]), attribute="sessionIdTimestamp",
               collation="C", not_null=True),
        Column("session_id", "text", texts(sessions), attribute="sessionId", collation="C"),
        Column("timestamp", "timestamptz", times(WHENS)),
        Column("animal_id", "text", animals, attribute="animalId", collation="C", sets=animal_sets, tests=animal_tests),
        Column("parent_user_id", "text", animals, attribute="parentUserId", collation="C", sets=animal_sets, tests=animal_tests),
        Column("content", "text", WORDS, odd=[("NULL", NULL)]),
        Column("tokens_used", "integer", SMALL, attribute="tokensUsed"),
        Column("ttl", "timestamptz", epochs([4000000000, 4000000001, 4000003600]), kind="EPOCH"),
    ]
    when = ("timestamp", "S")
    return Shape(
        "chat", columns, [("userId", "S"), ("sessionIdTimestamp", "S")],
        [Index("SessionIndex", [("sessionId", "S"), when]), Index("AnimalIndex", [("animalId", "S"), when]),
         Index("ParentUserIndex", [("parentUserId", "S"), when])], "ttl_days '0'",
        key=["user_id", "session_id_timestamp"], parts=["user_id", "session_id", "timestamp"],
        base=[("user_id", "session_id_timestamp"), ("user_id", "timestamp"), ("user_id", "session_id")],
        groups=[("session_id", "timestamp"), ("animal_id", "timestamp"), ("parent_user_id", "timestamp")],
        number="tokens_used", text="content",
        fresh={"user_id": texts(["u1", "u2", "u4"]), "session_id": texts(["s", "s2"]), "timestamp": times(LATER)},
        shifts=[{"timestamp": "@t\"timestamp\" + interval '100 days'", "from": "@t\"timestamp\" < '2025-03-01'"},
                {"user_id": "@tuser_id || '!'", "from": "@tuser_id = 'u1'"},
                {"session_id": "@tsession_id || '!'", "from": "@tsession_id = 's'"}],
        moves={"user_id": ["@tuser_id || '+'", "@tanimal_id"], "session_id": ["@tsession_id || '#'", "'s'"],
               "timestamp": ["@t\"timestamp\" + interval '1 second'", "@t\"timestamp\" - interval '0.5 s'", "@t\"timestamp\""]},
        view="(tokens_used IS NULL OR tokens_used < 60)")


def shapes(prefix):
    made = [generic(), ids(), chat()]
    for shape in made:
        shape.dynamo = prefix + shape.name
    return made
