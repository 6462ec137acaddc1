"""Which service a request is for, and what it answers."""
import json
import re
import time
import traceback

from .cloudwatch import CloudWatch
from .dynamodb import DynamoDB
from .kms import KMS
from .message import Answer, Refused, json_answer
from .metadata import Container, InstanceMetadata
from .sso import SSO
from .state import state
from .streams import Streams
from .sts import STS


class Unknown:
    name = "unknown"

    @staticmethod
    def check(request):
        request.problems.append("no service is recognised")
        raise Refused(404, "NotFound", "no service is recognised")

    @staticmethod
    def error(request, refused):
        return json_answer(refused.status, {"__type": refused.code, "message": refused.message})


BY_TARGET = {"DynamoDB_20120810": DynamoDB("dynamodb", "dynamodb"),
             "DynamoDBStreams_20120810": Streams("streams", "dynamodbstreams"),
             "TrentService": KMS()}
BY_PATH = {"latest": InstanceMetadata(), "container": Container(), "federation": SSO()}
FORMS = (STS(), CloudWatch())


def recognise(request):
    service = BY_TARGET.get(request.headers.get("X-Amz-Target", "").split(".")[0])
    service = service or BY_PATH.get(request.path.split("/")[1] if "/" in request.path else "")
    action = re.search(rb"(?:^|&)Action=(\w*)", request.body)
    if not service and action:
        service = next((s for s in FORMS if action[1].decode() in s.operations), FORMS[0])
    return service or Unknown()


def respond(request):
    """The answer to a request, which is logged as soon as it is understood."""
    service = recognise(request)
    request.service = service.name
    refused = None
    try:
        service.check(request)
    except Refused as error:
        refused = error
    except Exception as error:
        # a fault of the stub must not look like one of the network
        traceback.print_exc()
        request.problems.append("the stub failed: %r" % error)
        refused = Refused(500, "InternalFailure", repr(error))
    with state.lock:
        state.log.append(request.logged())
    time.sleep(state.delay(request))
    raw = state.script.get("raw", {}).get("%s/%s" % (request.service, request.op))
    if raw:
        body = raw.get("body", "")
        body = body if isinstance(body, str) else json.dumps(body)
        return Answer(raw.get("status", 200), body.encode(), tuple(raw.get("headers", {}).items()))
    failure = state.failure(request)
    if failure:
        time.sleep(failure.get("delay", 0))
        refused = Refused(failure.get("status", 500), failure.get("code", "InternalFailure"),
                          failure.get("message", "as scripted"))
    try:
        if refused:
            raise refused
        return service.answer(request)
    except Refused as error:
        return service.error(request, error)
