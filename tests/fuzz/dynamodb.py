"""DynamoDB over plain HTTP: as much as the fuzzer needs to make tables and fill them."""
import base64
import http.client
import json
from urllib.parse import urlsplit

HEADERS = {
    "X-Amz-Date": "20250119T120000Z",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, "
                     "SignedHeaders=host, Signature=0",
}


class Refused(Exception):
    """DynamoDB answered with an error."""


def S(value):
    return {"S": value}


def N(value):
    return {"N": str(value)}


def B(value):
    return {"B": base64.b64encode(value).decode()}


NULL = {"NULL": True}


class Client:
    """One kept connection.  An endpoint with a signature checker will not take these requests."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def call(self, operation, request):
        headers = dict(HEADERS, **{"X-Amz-Target": "DynamoDB_20120810." + operation})
        self.connection.request("POST", "/", json.dumps(request), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Refused("%s: %s" % (operation, body.decode(errors="replace")))
        return json.loads(body)

    def recreate(self, table):
        try:
            self.call("DeleteTable", {"TableName": table.name})
        except Refused:
            pass
        request = {"TableName": table.name, "BillingMode": "PAY_PER_REQUEST",
                   "KeySchema": schema_of(table.keys),
                   "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind}
                                            for name, kind in sorted(table.attribute_types().items())]}
        for member, indexes in (("GlobalSecondaryIndexes", table.globals), ("LocalSecondaryIndexes", table.locals)):
            if indexes:
                request[member] = [{"IndexName": i.name, "KeySchema": schema_of(i.keys), "Projection": i.projection}
                                   for i in indexes]
        self.call("CreateTable", request)

    def load(self, table):
        """All items, 25 a request and no more than about 4 MB."""
        batch, size = [], 0
        for item in table.items:
            weight = len(json.dumps(item))
            if len(batch) == 25 or size + weight > 4_000_000:
                self.write(table.name, batch)
                batch, size = [], 0
            batch.append({"PutRequest": {"Item": item}})
            size += weight
        if batch:
            self.write(table.name, batch)

    def scan(self, name):
        """All items of a table."""
        items, more = [], {}
        while True:
            page = self.call("Scan", dict({"TableName": name, "ConsistentRead": True}, **more))
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def write(self, name, puts):
        pending = {name: puts}
        while pending:
            pending = self.call("BatchWriteItem", {"RequestItems": pending}).get("UnprocessedItems")


def schema_of(keys):
    return [{"AttributeName": name, "KeyType": kind} for (name, _), kind in zip(keys, ("HASH", "RANGE"))]
