"""DynamoDB and its streams: what DynamoDB Local does not have, in front of it."""
import http.client
import json
import zlib

from .message import Answer, Refused
from .jsonrpc import Json
from .state import state


def merge(into, what):
    """Merge objects member by member, lists of indexes by name and others by place; null removes."""
    for name, value in what.items():
        old = into.get(name)
        if value is None:
            into.pop(name, None)
        elif isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            merge_list(old, value)
        else:
            into[name] = value


def merge_list(into, what):
    named = {e["IndexName"]: e for e in into if isinstance(e, dict) and "IndexName" in e}
    for i, value in enumerate(what):
        old = into[i] if i < len(into) else None
        if isinstance(value, dict) and "IndexName" in value:
            old = named.get(value["IndexName"])
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif i < len(into) and old is not None:
            into[i] = value
        else:
            into.append(value)


class DynamoDB(Json):
    strict = False
    codes = "com.amazonaws.dynamodb.v20120810#"

    def answer(self, request):
        if request.op == "UpdateContinuousBackups":
            return self.update_backups(request.params)
        if request.op == "DescribeContinuousBackups":
            return self.backups(request.params["TableName"])
        status, body, headers = self.forward(request)
        if request.op == "DescribeTable" and status == 200:
            body = self.described(body)
        return Answer(status, body, (*headers, ("x-amz-crc32", str(zlib.crc32(body)))))

    def flawed(self, request, flaws):
        # DynamoDB Local says itself what it thinks of it
        if request.op.endswith("ContinuousBackups"):
            super().flawed(request, flaws)

    def result(self, value, status=200):
        answer = super().result(value, status)
        return answer._replace(headers=(*answer.headers, ("x-amz-crc32", str(zlib.crc32(answer.body)))))

    def forward(self, request):
        if state.upstream is None:
            request.problems.append("there is no upstream for %s" % request.op)
            raise Refused(400, "com.amazon.coral.service#UnknownOperationException")
        connection = http.client.HTTPConnection(state.upstream, timeout=60)
        # compressed answers could not be changed
        headers = {n: v for n, v in request.headers.items() if n.lower() not in ("connection", "accept-encoding")}
        connection.request("POST", "/", request.body, headers)
        response = connection.getresponse()
        body = response.read()
        kept = [(n, v) for n, v in response.getheaders() if n.lower() in ("content-type", "x-amzn-requestid")]
        connection.close()
        return response.status, body, kept

    @staticmethod
    def described(body):
        changes = [state.script.get("describe")]
        turns = state.script.get("describe_list")
        if turns:
            changes.append(turns[min(state.count("describe"), len(turns) - 1)])
        answer = json.loads(body)
        for change in changes:
            merge(answer["Table"], change or {})
        return json.dumps(answer).encode() if any(changes) else body

    def update_backups(self, params):
        if state.count("pitr") < state.script.get("pitr_unavailable", 0):
            raise Refused(400, "ContinuousBackupsUnavailableException",
                          "Backups are being enabled for the table: %s. Please retry later" % params["TableName"])
        asked = params["PointInTimeRecoverySpecification"]
        with state.lock:
            if asked["PointInTimeRecoveryEnabled"]:
                since = state.pitr.get(params["TableName"], {}).get("since", state.now().timestamp())
                state.pitr[params["TableName"]] = {"since": since, "days": asked.get("RecoveryPeriodInDays", 35)}
            else:
                state.pitr.pop(params["TableName"], None)
        return self.backups(params["TableName"])

    def backups(self, table):
        description = {"PointInTimeRecoveryStatus": "DISABLED"}
        enabled = state.pitr.get(table)
        if enabled:
            description = {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": enabled["days"],
                           "EarliestRestorableDateTime": round(enabled["since"], 3),
                           "LatestRestorableDateTime": round(state.now().timestamp(), 3)}
        return self.result({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": description}})
