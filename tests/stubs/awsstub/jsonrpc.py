"""The JSON protocols, 1.0 and 1.1."""
import json

from . import sigv4
from .message import Refused, json_answer
from .models import Model

# How these services call what the query protocol calls otherwise.
CODES = {
    "MissingAuthenticationToken": "com.amazon.coral.service#MissingAuthenticationTokenException",
    "IncompleteSignature": "com.amazon.coral.service#IncompleteSignatureException",
    "InvalidClientTokenId": "com.amazon.coral.service#UnrecognizedClientException",
    "SignatureDoesNotMatch": "com.amazon.coral.service#InvalidSignatureException",
    "RequestTimeTooSkewed": "com.amazon.coral.service#InvalidSignatureException",
}


def parse(request):
    """The body as an object; what a lenient parser would take is a problem."""
    def members(pairs):
        for name in {n for n, _ in pairs}:
            request.expect([n for n, _ in pairs].count(name) == 1, "member %s is given more than once", name)
        return dict(pairs)

    def constant(name):
        raise ValueError("%s is no JSON" % name)

    try:
        value = json.loads(request.body.decode(), object_pairs_hook=members, parse_constant=constant)
    except ValueError as error:
        request.problems.append("the body is malformed: %s" % error)
        return None
    return value if request.expect(isinstance(value, dict), "the body is no object") else None


class Json:
    # whether a key that the script does not have is refused
    strict = True
    # prefix of the codes in __type
    codes = ""

    def __init__(self, name, model, operations=None):
        self.name, self.model = name, Model(model)
        self.operations = operations or self.model.operations
        self.content_type = "application/x-amz-json-" + self.model.metadata["jsonVersion"]

    def check(self, request):
        request.op = request.headers["X-Amz-Target"].partition(".")[2]
        request.expect(request.method == "POST" and request.target == "/", "not a POST to /")
        content_type = request.headers.get("Content-Type", "")
        request.expect(content_type == self.content_type, "Content-Type is %s", content_type)
        params = parse(request)
        known = request.expect(request.op in self.operations, "no such operation: %s", request.op)
        flaws = []
        if params is not None:
            request.params = params
            if known:
                flaws = self.model.check(request.op, params, epochs=True)
                request.problems += flaws
        try:
            sigv4.verify(request, self.model.signing_name, self.strict)
        except Refused as refused:
            status = refused.status if refused.code == "RequestTimeTooSkewed" else 400
            raise Refused(status, CODES.get(refused.code, refused.code), refused.message)
        if params is None:
            raise Refused(400, "com.amazon.coral.service#SerializationException", "Start of structure expected")
        if not known:
            raise Refused(400, "com.amazon.coral.service#UnknownOperationException")
        if flaws:
            self.flawed(request, flaws)

    def flawed(self, request, flaws):
        raise Refused(400, "com.amazon.coral.validate#ValidationException", "; ".join(flaws))

    def result(self, value, status=200):
        return json_answer(status, value, self.content_type)

    def error(self, request, refused):
        code = refused.code if "#" in refused.code else self.codes + refused.code
        return self.result({"__type": code, "message": refused.message}, refused.status)
