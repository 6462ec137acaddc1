"""What the services get and give."""
import json
import uuid
from typing import NamedTuple
from urllib.parse import urlsplit


class Refused(Exception):
    """A request that is answered with an error, in the service's own format."""

    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: tuple = ()


class Request:
    """A request; service, op, params and problems are found out on the way."""

    def __init__(self, method, target, headers, body, scheme):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        parts = urlsplit(target)
        self.path, self.query = parts.path, parts.query
        self.url = "%s://%s%s" % (scheme, headers.get("Host", ""), target)
        self.service, self.op, self.params, self.problems = "unknown", "", {}, []
        for name in set(n.lower() for n in headers.keys()):
            if len(headers.get_all(name)) > 1:
                self.problems.append("header %s is given twice" % name)

    def expect(self, right, problem, *args):
        if not right:
            self.problems.append(problem % args)
        return right

    def logged(self):
        return {"service": self.service, "op": self.op, "method": self.method, "path": self.target,
                "headers": dict(self.headers.items()), "raw": self.body.decode(errors="replace"),
                "params": self.params, "problems": self.problems}


def json_answer(status, value, content_type="application/json", headers=()):
    body = json.dumps(value).encode()
    return Answer(status, body, (("Content-Type", content_type),
                                 ("x-amzn-RequestId", str(uuid.uuid4())), *headers))
