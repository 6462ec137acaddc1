#!/usr/bin/env python3
"""Fills a table of conversations, the same every time.

usage: load.py URL TABLE COUNT

Item i is said 7 seconds after item i - 1, to one of 50 animals, in one of
20,000 sessions of 1,000 users of 500 families.
"""
import datetime
import http.client
import json
import sys
import threading
from urllib.parse import urlsplit

URL, TABLE, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
THREADS = 4
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20250119T120000Z",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, "
                     "SignedHeaders=host, Signature=0",
}


def item(i):
    time = datetime.datetime(2025, 1, 1) + datetime.timedelta(seconds=7 * i)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    number = i % 20000
    session = "session_%05d" % number
    return {
        "userId": {"S": "student_%04d" % (number % 1000)},
        "sessionIdTimestamp": {"S": session + "#" + stamp},
        "sessionId": {"S": session},
        "timestamp": {"S": stamp},
        "animalId": {"S": "animal_%02d" % (i % 50)},
        "parentUserId": {"S": "parent_%03d" % (number % 500)},
        "messageType": {"S": "user" if i % 2 else "assistant"},
        "content": {"S": "x" * 200},
        "tokensUsed": {"N": str(i % 200)},
        "ttl": {"N": str(1900000000 + i)},
    }


def load(worker):
    parts = urlsplit(URL)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    for first in range(worker * 25, COUNT, THREADS * 25):
        puts = [{"PutRequest": {"Item": item(i)}} for i in range(first, min(first + 25, COUNT))]
        connection.request("POST", "/", json.dumps({"RequestItems": {TABLE: puts}}), HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body).get("UnprocessedItems"):
            sys.exit("not written: " + body.decode())


threads = [threading.Thread(target=load, args=(i,)) for i in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
