"""A session with PostgreSQL through libpq: statements in, rows of bytes and SQLSTATEs out."""
import ctypes
import ctypes.util
from dataclasses import dataclass, field

COMMAND_OK, TUPLES_OK = 1, 2
IDLE, IN_BLOCK, IN_FAILED_BLOCK = 0, 2, 3       # what Session.status() says
SQLSTATE_FIELD, MESSAGE_FIELD = ord("C"), ord("M")
NO_NOTICES = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda _, __: None)


def load():
    try:
        lib = ctypes.CDLL("libpq.so.5")
    except OSError:
        lib = ctypes.CDLL(ctypes.util.find_library("pq"))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
            ("PQconnectdb", pointer, [text]), ("PQstatus", number, [pointer]), ("PQerrorMessage", text, [pointer]),
            ("PQexec", pointer, [pointer, text]), ("PQresultStatus", number, [pointer]), ("PQclear", None, [pointer]),
            ("PQresultErrorField", text, [pointer, number]), ("PQntuples", number, [pointer]),
            ("PQnfields", number, [pointer]), ("PQgetvalue", text, [pointer, number, number]),
            ("PQgetisnull", number, [pointer, number, number]), ("PQfinish", None, [pointer]),
            ("PQsetNoticeReceiver", pointer, [pointer, pointer, pointer]), ("PQserverVersion", number, [pointer]),
            ("PQcmdStatus", text, [pointer]), ("PQtransactionStatus", number, [pointer])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


LIB = load()


class Lost(Exception):
    """The server closed the connection: most likely it crashed."""


class Failed(Exception):
    """A statement that must not fail did."""


@dataclass
class Result:
    rows: list = field(default_factory=list)
    state: str = ""                 # SQLSTATE of an error
    message: str = ""
    tag: str = ""                   # such as INSERT 0 3

    def lines(self, limit=12):
        if self.state:
            return ["ERROR %s: %s" % (self.state, self.message)]
        return [repr(row) for row in self.rows[:limit]] + (["... %d rows" % len(self.rows)] if len(self.rows) > limit else [])


class Session:
    def __init__(self, conninfo):
        self.connection = LIB.PQconnectdb(("client_encoding=UTF8 " + conninfo).encode())
        if LIB.PQstatus(self.connection) != 0:
            raise Lost(LIB.PQerrorMessage(self.connection).decode().strip())
        LIB.PQsetNoticeReceiver(self.connection, NO_NOTICES, None)
        self.version = LIB.PQserverVersion(self.connection)

    def run(self, sql):
        result = LIB.PQexec(self.connection, sql.encode())
        try:
            if LIB.PQstatus(self.connection) != 0 or not result:
                raise Lost(LIB.PQerrorMessage(self.connection).decode(errors="replace").strip())
            if LIB.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
                fields = [LIB.PQresultErrorField(result, f) or b"?" for f in (SQLSTATE_FIELD, MESSAGE_FIELD)]
                return Result(state=fields[0].decode(), message=fields[1].decode(errors="replace"))
            return Result(rows=read_rows(result), tag=LIB.PQcmdStatus(result).decode())
        finally:
            LIB.PQclear(result)

    def status(self):
        return LIB.PQtransactionStatus(self.connection)

    def must(self, sql):
        result = self.run(sql)
        if result.state:
            raise Failed("%s: %s\n%s" % (result.state, result.message, sql[:2000]))
        return result.rows

    def close(self):
        LIB.PQfinish(self.connection)
        self.connection = None


def read_rows(result):
    value, isnull, columns = LIB.PQgetvalue, LIB.PQgetisnull, range(LIB.PQnfields(result))
    return [tuple([value(result, r, c) or (None if isnull(result, r, c) else b"") for c in columns])
            for r in range(LIB.PQntuples(result))]
