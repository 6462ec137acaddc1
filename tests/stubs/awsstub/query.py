"""The query protocol: forms in, XML out."""
import re
import uuid
from collections import Counter
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from . import sigv4
from .message import Answer, Refused
from .models import UNSIGNED, Model

CONTENT_TYPE = re.compile(r"application/x-www-form-urlencoded(; ?charset=utf-8)?", re.I)


class Form:
    """A form as the parameters of a shape; what is left over is unknown."""

    def __init__(self, fields):
        self.fields, self.left = fields, dict(fields)
        # all names and what they begin with: looked up often
        self.prefixes = {name[:i] for name in fields for i, c in enumerate(name + ".") if c == "."}

    def under(self, prefix):
        return prefix in self.prefixes

    def parse(self, shape, prefix=""):
        kind = shape.type_name
        if kind == "structure":
            self.left.pop(prefix, None)
            names = {n: prefix + ("." if prefix else "") + m.serialization.get("name", n)
                     for n, m in shape.members.items()}
            return {n: self.parse(shape.members[n], name) for n, name in names.items() if self.under(name)}
        if kind == "list":
            # an empty list is written as its bare name
            self.left.pop(prefix, None)
            if not shape.serialization.get("flattened"):
                prefix += "." + shape.member.serialization.get("name", "member")
            values = []
            while self.under("%s.%d" % (prefix, len(values) + 1)):
                values.append(self.parse(shape.member, "%s.%d" % (prefix, len(values) + 1)))
            return values
        if kind == "map":
            values = {}
            if not shape.serialization.get("flattened"):
                prefix += ".entry"
            for i in range(1, len(self.fields) + 1):
                entry = "%s.%d." % (prefix, i)
                key = self.left.pop(entry + shape.key.serialization.get("name", "key"), None)
                if key is None:
                    break
                values[key] = self.parse(shape.value, entry + shape.value.serialization.get("name", "value"))
            return values
        return self.scalar(kind, self.left.pop(prefix, ""))

    @staticmethod
    def scalar(kind, text):
        """The value if the text is one, else the text, of which the model complains."""
        if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
            return int(text)
        if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
            return float(text)
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        return text


def xml(name, value):
    """An element; a list has members, None is left out."""
    if value is None:
        return ""
    if isinstance(value, dict):
        inner = "".join("\n" + xml(n, v) for n, v in value.items() if v is not None) + "\n"
    elif isinstance(value, list):
        inner = "".join("\n" + xml("member", v) for v in value) + ("\n" if value else "")
    else:
        inner = escape(str(value))
    return "<%s>%s</%s>" % (name, inner, name) if inner else "<%s/>" % name


def fields_of(request):
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        request.problems.append("the form is malformed: %s" % error)
        return {}
    for name, count in Counter(n for n, _ in pairs).items():
        request.expect(count == 1, "%s is given more than once", name)
    return dict(pairs)


class Query:
    def __init__(self, name, model, operations):
        self.name, self.model, self.operations = name, Model(model), operations
        # newer models prefer another protocol to this one
        assert "query" in self.model.metadata.get("protocols", [self.model.metadata["protocol"]])
        self.namespace = self.model.metadata["xmlNamespace"]

    def check(self, request):
        """Find out what is asked; refuse what the service would refuse."""
        fields = fields_of(request)
        request.op, request.params = fields.pop("Action", ""), fields
        request.expect(request.method == "POST" and request.target == "/", "not a POST to /")
        content_type = request.headers.get("Content-Type", "")
        request.expect(CONTENT_TYPE.fullmatch(content_type), "Content-Type is %s", content_type)
        version, ours = fields.pop("Version", None), self.model.metadata["apiVersion"]
        request.expect(version == ours, "Version is %s, not %s", version, ours)
        if not request.expect(request.op in self.operations, "no such Action: %s", request.op):
            raise Refused(400, "InvalidAction", "Could not find operation %s for version %s" % (request.op, version))
        form = Form(fields)
        request.params = form.parse(self.model.input(request.op))
        flaws = ["unknown parameter %s" % name for name in form.left]
        flaws += self.model.check(request.op, request.params, epochs=False)
        request.problems += flaws
        if request.op in UNSIGNED:
            request.expect("Authorization" not in request.headers, "%s is signed", request.op)
        else:
            sigv4.verify(request, self.model.signing_name, strict=True)
        if flaws:
            raise Refused(400, "ValidationError", "; ".join(flaws))

    def result(self, operation, value):
        return self.document(200, operation + "Response", {
            operation + "Result": value, "ResponseMetadata": {"RequestId": str(uuid.uuid4())}})

    def error(self, request, refused):
        side = "Sender" if refused.status < 500 else "Receiver"
        return self.document(refused.status, "ErrorResponse", {
            "Error": {"Type": side, "Code": refused.code, "Message": refused.message},
            "RequestId": str(uuid.uuid4())})

    def document(self, status, name, value):
        text = xml(name, value).replace("<%s" % name, '<%s xmlns="%s"' % (name, self.namespace), 1)
        return Answer(status, text.encode() + b"\n", (("Content-Type", "text/xml"),
                                                     ("x-amzn-RequestId", str(uuid.uuid4()))))
