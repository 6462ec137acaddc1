"""The portal of IAM Identity Center: GetRoleCredentials, in the REST protocol."""
from urllib.parse import parse_qsl

from .message import Refused, json_answer
from .metadata import unsigned
from .models import Model
from .state import state


class SSO:
    name = "sso"

    def __init__(self):
        self.model = Model("sso")
        self.uri = self.model.service.operation_model("GetRoleCredentials").http["requestUri"]

    def check(self, request):
        if not request.expect(request.path == self.uri and request.method == "GET", "not a GET of %s", self.uri):
            raise Refused(404, "com.amazon.coral.service#UnknownOperationException")
        request.op = "GetRoleCredentials"
        unsigned(request)
        try:
            pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=True, errors="strict")
        except ValueError as error:
            request.problems.append("the query is malformed: %s" % error)
            pairs = []
        fields = dict(pairs)
        request.expect(len(fields) == len(pairs), "a parameter is given more than once")
        for name, shape in self.model.input(request.op).members.items():
            given = request.headers if shape.serialization["location"] == "header" else fields
            if shape.serialization["name"] in given:
                request.params[name] = given[shape.serialization["name"]]
                fields.pop(shape.serialization["name"], None)
        flaws = ["unknown parameter %s" % name for name in fields]
        flaws += self.model.check(request.op, request.params, epochs=True)
        request.problems += flaws
        wanted = state.of("sso").get("token", "ssotoken")
        if not request.expect(request.params.get("accessToken") == wanted, "the bearer token is not %r", wanted):
            raise Refused(401, "com.amazonaws.switchboard.portal#UnauthorizedException",
                          "Session token not found or invalid")
        if flaws:
            raise Refused(400, "com.amazonaws.switchboard.portal#InvalidRequestException", "; ".join(flaws))

    @staticmethod
    def answer(request):
        given = state.issue("sso")
        return json_answer(200, {"roleCredentials": {
            "accessKeyId": given["access_key_id"], "secretAccessKey": given["secret_access_key"],
            "sessionToken": given["session_token"], "expiration": int(given["expiration"].timestamp() * 1000)}})

    @staticmethod
    def error(request, refused):
        return json_answer(refused.status, {"message": refused.message, "__type": refused.code},
                           headers=(("x-amzn-ErrorType", refused.code.split("#")[-1]),))
