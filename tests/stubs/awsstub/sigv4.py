"""Signatures, computed by botocore."""
import datetime
import hashlib
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .message import Refused
from .state import UTC, state

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?"
                           r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")
STAMP = "%Y%m%dT%H%M%SZ"


class FixedDate(SigV4Auth):
    """Signs with the date that the request carries, and just its headers."""

    def authorization(self, request, date):
        request.context["timestamp"] = date
        canonical = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical), request)
        headers = self.headers_to_sign(request)
        return "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s" % (
            self.scope(request), self.signed_headers(headers), signature)


def sign(key, secret, service, region, method, url, date, payload, headers):
    request = AWSRequest(method=method, url=url, data=payload, headers=dict(headers))
    return FixedDate(Credentials(key, secret), service, region).authorization(request, date)


def verify(request, service, strict):
    """Refuse a request that is not signed for this service as AWS wants it.

    Without "keys" in the script only the form counts; strict says whether a
    key that is not among them is refused.
    """
    def must(right, code, problem, *args):
        if not request.expect(right, problem, *args):
            raise Refused(403, code, problem % args)

    header = request.headers.get("Authorization")
    must(header is not None, "MissingAuthenticationToken", "the request is not signed")
    parts = AUTHORIZATION.fullmatch(header)
    must(parts, "IncompleteSignature", "Authorization is malformed: %s", header)
    key, day, region, scope, names, _ = parts.groups()
    names = names.split(";")
    date = request.headers.get("X-Amz-Date", "")
    must(re.fullmatch(r"\d{8}T\d{6}Z", date), "IncompleteSignature", "X-Amz-Date is malformed: %s", date)
    must(date[:8] == day, "SignatureDoesNotMatch", "the credential's scope is of %s, X-Amz-Date %s", day, date)
    must(scope == service, "SignatureDoesNotMatch",
         "Credential should be scoped to correct service: '%s', not '%s'", service, scope)
    must(names == sorted(names), "SignatureDoesNotMatch", "SignedHeaders are not sorted: %s", ";".join(names))
    wanted = {n.lower() for n in request.headers if n.lower().startswith("x-amz-")} | {"host"}
    if "Content-Type" in request.headers:
        wanted.add("content-type")
    must(wanted <= set(names), "SignatureDoesNotMatch", "not signed: %s", ", ".join(sorted(wanted - set(names))))
    check_clock(date)
    digest = request.headers.get("X-Amz-Content-Sha256")
    must(digest in (None, hashlib.sha256(request.body).hexdigest()), "SignatureDoesNotMatch",
         "X-Amz-Content-Sha256 is not that of the body")

    known = state.key(key)
    if known is None:
        must(not strict or "keys" not in state.script, "InvalidClientTokenId",
             "The security token included in the request is invalid: key %s is not known", key)
        return
    token = request.headers.get("X-Amz-Security-Token")
    must(token == known.get("token"), "InvalidClientTokenId",
         "The security token included in the request is invalid: %s is not %s", token, known.get("token"))
    ours = sign(key, known["secret"], scope, region, request.method, request.url, date, request.body,
                [(n, v) for n, v in request.headers.items() if n.lower() in names])
    must(ours.split("Signature=")[1] == header.split("Signature=")[1], "SignatureDoesNotMatch",
         "The request signature we calculated does not match the signature you provided; ours is %s", ours)


def check_clock(date):
    """Refuse a date that is too far from the server's; no problem of the request's form."""
    check = state.script.get("skew_check")
    if not check:
        return
    limit = datetime.timedelta(minutes=5)
    theirs = datetime.datetime.strptime(date, STAMP).replace(tzinfo=UTC)
    now = state.now()
    if abs(theirs - now) <= limit:
        return
    if theirs < now:
        text, edge = "Signature expired: %s is now earlier than %s (%s - 5 min.)", now - limit
    else:
        text, edge = "Signature not yet current: %s is still later than %s (%s + 5 min.)", now + limit
    given = check if isinstance(check, dict) else {}
    raise Refused(given.get("status", 403), given.get("code", "RequestTimeTooSkewed"),
                  text % (date, edge.strftime(STAMP), now.strftime(STAMP)))
