#!/usr/bin/env python3
"""Compares our SigV4 with botocore's.

usage: signatures.py UNIT                  3000 generated requests, signed by UNIT --sign
       signatures.py --verify KEY SECRET TOKEN REGION URL REQUEST   one request of the proxy's log
"""
import json
import random
import subprocess
import sys
from urllib.parse import urlsplit

from awsstub import sigv4


def sign(key, secret, region, url, date, payload, headers):
    return sigv4.sign(key, secret, "dynamodb", region, "POST", url, date, payload.encode(), headers)


def host_of(url):
    parts = urlsplit(url)
    host = parts.hostname
    if ":" in host:
        host = "[%s]" % host
    if parts.port and (parts.scheme, parts.port) not in (("http", 80), ("https", 443)):
        host += ":%d" % parts.port
    return host


def generate(rng):
    text = lambda n: "".join(rng.choice("abcXYZ019-_.~ äöü🦁é%/+=:;,'\"{}[]") for _ in range(rng.randrange(n)))
    key = "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(20))
    secret = "".join(rng.choice("abcdefABCDEF0123456789+/=") for _ in range(40))
    segments = ["", ".", "..", "a", "b c", "%20", "ä", "~x", "a+b", "x=y", "proxy", "a;b", "@", "(1)"]
    path = rng.choice(["", "/", "/" + "/".join(rng.choice(segments) for _ in range(rng.randrange(6)))])
    host = rng.choice(["dynamodb.us-west-2.amazonaws.com", "LOCALHOST:8000", "127.0.0.1:443", "h:80", "h:443", "[::1]:8000", "[::1]", "vpce-1.x"])
    url = rng.choice(["http", "https"]) + "://" + host + path
    date = "20%02d%02d%02dT%02d%02d%02dZ" % tuple(rng.randrange(1, 24) for _ in range(6))
    headers = [("Host", host_of(url)), ("X-Amz-Date", date), ("X-Amz-Target", "DynamoDB_20120810." + rng.choice(["Query", "Scan"])),
               ("Content-Type", "application/x-amz-json-1.0")]
    if rng.random() < 0.5:
        headers.append(("X-Amz-Security-Token", "".join(rng.choice("abc/+=") for _ in range(rng.randrange(1, 300)))))
    if rng.random() < 0.3:
        headers.append(("X-Odd", rng.choice(["  two  spaces  ", "a   b", "x"])))
    payload = json.dumps({"TableName": text(20), "K": text(200)}, ensure_ascii=rng.random() < 0.5)
    return key, secret, rng.choice(["us-west-2", "eu-central-1", "cn-north-1"]), url, date, payload, headers


def main():
    if sys.argv[1] == "--verify":
        key, secret, token, region, url, request = sys.argv[2:8]
        request = json.loads(request)
        theirs = request["headers"]
        names = theirs["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        headers = [(k, v) for k, v in theirs.items() if k.lower() in names]
        ours = sign(key, secret, region, url, theirs["X-Amz-Date"], request["raw"], headers)
        print("valid" if ours == theirs["Authorization"] and "x-amz-security-token" in names else "invalid: " + ours)
        return
    rng = random.Random(20250119)
    cases = [generate(rng) for _ in range(3000)]
    lines = []
    for key, secret, region, url, date, payload, headers in cases:
        path = urlsplit(url).path
        fields = [region, date, key, secret, path, payload]
        for name, value in headers:
            fields += [name, value]
        lines.append("\t".join(fields))
    output = subprocess.run([sys.argv[1], "--sign"], input="\n".join(lines) + "\n",
                            capture_output=True, text=True, check=True).stdout.splitlines()
    differences = 0
    for case, ours in zip(cases, output):
        key, secret, region, url, date, payload, headers = case
        theirs = sign(key, secret, region, url, date, payload, headers)
        if theirs != ours:
            differences += 1
            print(url, headers, theirs, ours, sep="\n", file=sys.stderr)
    print("%d requests, %d differences" % (len(output), differences))


main()
