"""DynamoDB Streams: scripted shards, or those of the upstream."""
import re

from .dynamodb import DynamoDB
from .message import Refused
from .state import state


class Streams(DynamoDB):
    codes = "com.amazonaws.dynamodb.v20120810#"

    def answer(self, request):
        script = state.of("streams")
        if not script:
            return super().answer(request)
        shards = {shard["id"]: shard for shard in script["shards"]}
        if request.op == "DescribeStream":
            return self.describe(request.params, script)
        if request.op == "GetShardIterator":
            return self.iterator(request.params, shards)
        return self.records(request.params, shards)

    def describe(self, params, script):
        listed = [s for s in script["shards"] if not s.get("unlisted")]
        start = params.get("ExclusiveStartShardId")
        begin = [s["id"] for s in listed].index(start) + 1 if start else 0
        page = listed[begin:begin + script.get("page", 100)]
        description = {"StreamArn": params["StreamArn"], "Shards": [self.shard(s) for s in page]}
        if page and page[-1] is not listed[-1]:
            description["LastEvaluatedShardId"] = page[-1]["id"]
        return self.result({"StreamDescription": description})

    @staticmethod
    def shard(shard):
        described = {"ShardId": shard["id"], "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
        if shard.get("parent"):
            described["ParentShardId"] = shard["parent"]
        if shard.get("closed"):
            described["SequenceNumberRange"]["EndingSequenceNumber"] = "99999"
        return described

    def iterator(self, params, shards):
        shard = shards[params["ShardId"]]
        after = int(params["SequenceNumber"]) if "SequenceNumber" in params else None
        if after is not None and after < shard.get("trimmed", 0):
            raise Refused(400, "TrimmedDataAccessException", "The data you are trying to access has been trimmed.")
        return self.result({"ShardIterator": "%s/%d/0/%d" % (shard["id"], after or 0, state.count("iterator"))})

    def records(self, params, shards):
        match = re.fullmatch(r"(.*)/(\d+)/(\d+)/(\d+)", params["ShardIterator"])
        shard, after, empty, made = shards[match[1]], int(match[2]), int(match[3]), int(match[4])
        left = [r for r in shard.get("records", []) if int(r["dynamodb"]["SequenceNumber"]) > after]
        # pages without records that come before those with
        if left and empty < shard.get("empty", 0):
            return self.result({"Records": [], "NextShardIterator": "%s/%d/%d/%d" % (match[1], after, empty + 1, made)})
        page = left[:min(params.get("Limit", 1000), shard.get("page", 1000))]
        if page:
            after = int(page[-1]["dynamodb"]["SequenceNumber"])
        answer = {"Records": page}
        if not shard.get("closed") or len(page) < len(left):
            answer["NextShardIterator"] = "%s/%d/0/%d" % (match[1], after, made)
        return self.result(answer)
