"""Random statements that write and read one table, and sequences of them in transactions.

Keys and values come from small sets, so that statements meet each other's rows.  Statements whose result depends on
the order in which PostgreSQL happens to take the rows are left out: moving several rows to keys that others leave.
"""
PARTITIONS = ("'p1'", "'p2'", "'p3'", "'p#4'")
SORT_KEYS = ("1", "2", "3", "4.5", "5", "-1")
GROUPS = ("'g1'", "'g2'", "NULL", "'g3'")


def random_values(source):
    return (str(source.randint(0, 9)) if source.random() < .8 else "NULL",
            source.choice(("'x'", "''", "'é\"z'", "NULL")),
            source.choice(("'2025-01-01 00:00:00.5+00'", "'2025-01-02'", "NULL")),
            # a JSON null is stored as a NULL, which is read as one of SQL
            source.choice(("'{\"k\": [1, null, \"s\"]}'", "'5'", "NULL")),
            source.choice(("'{a,b}'", "'{}'", "NULL", "'{NULL,x}'")))


def random_row(source):
    key = (source.choice(PARTITIONS), source.choice(SORT_KEYS), source.choice(GROUPS))
    return "(%s)" % ", ".join(key + random_values(source))


class Author:
    def __init__(self, source):
        self.source = source
        self.cursors = 0

    def pick(self, *alternatives):
        """One of the alternatives; of functions, what it gives."""
        chosen = self.source.choice(alternatives)
        return chosen() if callable(chosen) else chosen

    def pk(self):
        return self.pick(*PARTITIONS)

    def sk(self):
        return self.pick(*SORT_KEYS)

    def g(self):
        return self.pick("'g1'", "'g2'")

    def key(self):
        return "pk = %s AND sk = %s" % (self.pk(), self.sk())

    def condition(self):
        return self.pick(
            self.key,
            lambda: "pk = %s" % self.pk(),
            lambda: "g = %s" % self.g(),
            lambda: "a > %d" % self.source.randint(0, 8),
            "b = 'x'", "b IS NULL", "true", "d IS NOT NULL",
            lambda: "pk = %s AND sk > %s" % (self.pk(), self.sk()),
            lambda: "pk IN (%s, %s)" % (self.pk(), self.pk()),
            lambda: "g = 'g1' OR pk = %s" % self.pk(),
            lambda: "g = %s AND sk BETWEEN 1 AND 4" % self.g(),
            lambda: "(pk, sk) IN ((%s, %s), (%s, %s))" % (self.pk(), self.sk(), self.pk(), self.sk()),
            lambda: "pk = ANY (ARRAY[%s, %s]) AND sk = ANY (ARRAY[1, 2, 3])" % (self.pk(), self.pk()))

    def assignments(self):
        a, b, c, d, t = random_values(self.source)
        choices = ["a = " + a, "b = " + b, "c = " + c, "d = " + d, "t = " + t, "a = a + 1",
                   "g = " + self.source.choice(GROUPS), "b = b || '!'", "b = pk || sk"]
        chosen = self.source.sample(choices, self.source.randint(1, 3))
        return ", ".join({text.split(" ")[0]: text for text in chosen}.values())

    def returning(self):
        return self.pick("", " RETURNING *", " RETURNING pk, sk, a + 1")

    def rows(self, *numbers):
        return ", ".join(random_row(self.source) for _ in range(self.source.choice(numbers)))

    def insert(self):
        return self.pick(
            lambda: "INSERT INTO t VALUES %s%s" % (self.rows(1, 1, 2, 4), self.returning()),
            lambda: "INSERT INTO t VALUES %s ON CONFLICT DO NOTHING%s" % (self.rows(1, 2, 5), self.returning()),
            lambda: "INSERT INTO t SELECT pk, sk + 100, g, a, b FROM t WHERE %s ON CONFLICT DO NOTHING" % self.condition(),
            lambda: "INSERT INTO t (pk, sk, a) SELECT %s, 200 + i, counts() FROM generate_series(1, 3) i ON CONFLICT DO NOTHING" % self.pk(),
            lambda: "SELECT try_insert(%s, %s)" % (self.pk(), self.sk()))

    def update(self):
        return self.pick(
            lambda: "UPDATE t SET %s WHERE %s%s" % (self.assignments(), self.condition(), self.returning()),
            lambda: "UPDATE t SET %s WHERE %s%s" % (self.assignments(), self.condition(), self.returning()),
            lambda: "UPDATE t SET %s WHERE %s%s" % (self.assignments(), self.key(), self.returning()),
            lambda: "UPDATE t SET pk = %s, sk = %s, a = 1 WHERE %s%s" % (self.pk(), self.sk(), self.key(), self.returning()),
            lambda: "UPDATE t SET a = x.n FROM (VALUES (1, 'x'), (2, '')) x (n, k) WHERE t.b = x.k AND pk = %s" % self.pk(),
            lambda: "UPDATE t SET a = (SELECT count(*) FROM t u WHERE u.pk = t.pk) WHERE %s" % self.condition(),
            lambda: "UPDATE t SET a = counts_before() WHERE %s" % self.condition(),
            lambda: "UPDATE v SET a = a + 1 WHERE %s" % self.pick("b = 'x'", lambda: "pk = %s" % self.pk()))

    def delete(self):
        return self.pick(
            lambda: "DELETE FROM t WHERE %s%s" % (self.condition(), self.returning()),
            lambda: "DELETE FROM t WHERE %s%s" % (self.key(), self.returning()),
            "DELETE FROM t USING t u WHERE t.pk = u.pk AND t.sk < u.sk AND u.a > 5",
            lambda: "WITH d AS (DELETE FROM t WHERE %s RETURNING *) SELECT count(*), (SELECT count(*) FROM t) FROM d" % self.condition())

    def select(self):
        return self.pick(
            lambda: "SELECT * FROM t WHERE %s" % self.condition(),
            lambda: "SELECT count(*) FROM t WHERE %s" % self.condition(),
            lambda: "SELECT pk, sk, a FROM t WHERE pk = %s ORDER BY sk %s LIMIT %d OFFSET %d" % (
                self.pk(), self.pick("", "DESC"), self.source.randint(0, 3), self.source.randint(0, 2)),
            "SELECT sk FROM t WHERE g = 'g1' ORDER BY sk LIMIT 2",
            "SELECT sk FROM t WHERE pk IN ('p1', 'p2') ORDER BY sk LIMIT 3",
            lambda: 'SELECT sum(a), max(sk), min(b COLLATE "C") FROM t WHERE %s' % self.condition(),
            lambda: "SELECT EXISTS (SELECT 1 FROM t WHERE %s)" % self.condition(),
            "SELECT counts(), counts_before(), count(*) FROM t",
            "SELECT x.pk, x.sk, y.a FROM t x JOIN t y ON x.pk = y.pk AND y.sk = x.sk WHERE x.a > 2",
            lambda: "SELECT o.*, t.a, t.b FROM (VALUES (%s, %s), (%s, %s), (%s, %s)) o (k, n) LEFT JOIN t ON t.pk = o.k AND t.sk = o.n" % (
                self.pk(), self.sk(), self.pk(), self.sk(), self.pk(), self.sk()),
            lambda: "SELECT o.*, t.pk, t.sk FROM (VALUES (%s), (%s)) o (k) LEFT JOIN t ON t.g = o.k AND t.a > 2" % (self.g(), self.g()),
            lambda: "SELECT pk, sk FROM t x WHERE %sEXISTS (SELECT FROM t y WHERE y.sk = x.sk + 1 AND y.pk = x.pk)" % self.pick("", "NOT "),
            "SELECT i, (SELECT count(*) FROM t WHERE pk = 'p' || i) FROM generate_series(1, 3) i")

    def cursor(self):
        if self.cursors > 0 and self.source.random() < .6:
            return "FETCH %s FROM c%d" % (self.pick("ALL", "FORWARD ALL"), self.source.randint(1, self.cursors))
        self.cursors += 1
        return "DECLARE c%d CURSOR FOR SELECT * FROM t WHERE %s" % (self.cursors, self.condition())

    def savepoint(self, savepoints):
        if not savepoints or self.source.random() < .45:
            savepoints.append("s%d" % len(savepoints))
            return "SAVEPOINT " + savepoints[-1]
        i = self.source.randrange(len(savepoints))
        if self.source.random() < .75:
            del savepoints[i + 1:]
            return "ROLLBACK TO s%d" % i
        del savepoints[i:]
        return "RELEASE s%d" % i

    def statement(self):
        return self.source.choices((self.insert, self.update, self.delete, self.select), (26, 34, 14, 26))[0]()

    def block(self):
        savepoints = []
        statements = [self.pick("BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ")]
        for _ in range(self.source.randint(2, 8)):
            kind = self.source.random()
            statements.append(self.savepoint(savepoints) if kind < .22 else self.cursor() if kind < .34 else self.statement())
        return statements + [self.pick("COMMIT", "COMMIT", "ROLLBACK")]

    def sequence(self):
        statements = []
        for _ in range(self.source.randint(2, 4)):
            if self.source.random() < .75:
                statements += self.block()
            else:
                statements += [self.statement() for _ in range(self.source.randint(2, 8))]
        return statements
