"""Credentials of the machine: instance metadata, and a container's endpoint."""
import json
import secrets
import time

from .message import Answer, Refused, json_answer
from .state import iso, state

ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN = "/latest/api/token"
PLAIN = (("Content-Type", "text/plain"),)


def unsigned(request):
    for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
        request.expect(name not in request.headers, "%s is sent along", name)
    request.expect(not request.body, "the request has a body")


class InstanceMetadata:
    name = "imds"

    def check(self, request):
        request.op = ("token" if request.path == TOKEN else "list" if request.path == ROLES
                      else "credentials" if request.path.startswith(ROLES) else "other")
        unsigned(request)
        if request.op == "token":
            request.expect(request.method == "PUT", "%s of the token", request.method)
            ttl = request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            request.params = {"ttl": ttl}
            if not request.expect(ttl.isdecimal() and 1 <= int(ttl) <= 21600, "lifetime of the token: %r", ttl):
                raise Refused(400, "Bad Request")
            return
        if not request.expect(request.method == "GET", "%s of metadata", request.method):
            raise Refused(405, "Method Not Allowed")
        expires = state.tokens.get(request.headers.get("X-aws-ec2-metadata-token"), 0)
        if not request.expect(time.monotonic() < expires, "IMDSv1 request") and state.of("imds").get("v2", True):
            raise Refused(401, "Unauthorized")

    def answer(self, request):
        role = state.of("imds").get("role", "stub-role")
        if request.op == "token" and state.of("imds").get("v2", True):
            token, ttl = secrets.token_urlsafe(40) + "==", request.params["ttl"]
            with state.lock:
                state.tokens[token] = time.monotonic() + int(ttl)
            return Answer(200, token.encode(), (*PLAIN, ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", ttl)))
        if request.op == "list" and role:
            return Answer(200, role.encode(), PLAIN)
        if request.op == "credentials" and role and request.path == ROLES + role:
            return Answer(200, json.dumps(self.credentials(), indent=2).encode(), PLAIN)
        raise Refused(404, "Not Found")

    @staticmethod
    def credentials():
        failed = state.of("imds").get("code", "Success")
        if failed != "Success":
            return {"Code": failed, "Message": state.of("imds").get("message", "stub"), "LastUpdated": iso(state.now())}
        given = state.issue("imds")
        return {"Code": "Success", "LastUpdated": iso(state.now()), "Type": "AWS-HMAC",
                "AccessKeyId": given["access_key_id"], "SecretAccessKey": given["secret_access_key"],
                "Token": given["session_token"], "Expiration": iso(given["expiration"])}

    @staticmethod
    def error(request, refused):
        page = ('<?xml version="1.0" encoding="iso-8859-1"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 '
                'Transitional//EN"\n\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html xmlns='
                '"http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n <head>\n  <title>{0} - {1}</title>\n '
                '</head>\n <body>\n  <h1>{0} - {1}</h1>\n </body>\n</html>\n')
        return Answer(refused.status, page.format(refused.status, refused.code).encode(),
                      (("Content-Type", "text/html"),))


class Container:
    name = "container"

    def check(self, request):
        request.op = "credentials"
        request.expect(request.method == "GET" and not request.body, "not a GET without a body")
        wanted, got = state.of("container").get("authorization"), request.headers.get("Authorization")
        if not request.expect(got == wanted, "Authorization is %r, not %r", got, wanted):
            raise Refused(401, "Unauthorized", "The authorization token is not valid")

    @staticmethod
    def answer(request):
        given = state.issue("container")
        return json_answer(200, {
            "AccessKeyId": given["access_key_id"], "SecretAccessKey": given["secret_access_key"],
            "Token": given["session_token"], "Expiration": iso(given["expiration"])})

    @staticmethod
    def error(request, refused):
        return json_answer(refused.status, {"code": refused.code, "message": refused.message})
