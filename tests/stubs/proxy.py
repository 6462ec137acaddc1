#!/usr/bin/env python3
"""A logging, fault-injecting HTTP proxy in front of DynamoDB Local.

usage: proxy.py UPSTREAM [--tls CERT KEY]     (prints its port, then serves)

Requests under /__ steer it:
  POST /__script  a JSON list of actions; each request takes the next one,
                  {"op": "PutItem"} limits an action to that operation
  GET  /__log     the requests since the last look, as JSON
Actions: {"do": "pass"} and, instead of an answer: "status" (code, body,
headers), "reset" (before forwarding), "lose" (forward, then
reset, after "seconds"), "hang" (seconds), "truncate", "crc", "gzip", "garbage" (bytes), "slow"
(seconds), "partial" (of a BatchGetItem only the first "keys" are processed).
An action's "times" says how often it is taken (default 1).
A request's "in_hand" in the log says how many were being answered with it.
"""
import http.client
import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

lock = threading.Lock()
script = []
log = []
in_hand = 0
upstream = sys.argv[1]


def next_action(operation):
    with lock:
        for i, action in enumerate(script):
            if action.get("op", operation) != operation:
                continue
            action["times"] = action.get("times", 1) - 1
            if action["times"] <= 0:
                del script[i]
            return action
    return {"do": "pass"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def forward(self, body):
        connection = http.client.HTTPConnection(upstream, timeout=60)
        connection.request("POST", "/", body, {k: v for k, v in self.headers.items()
                                               if k.lower() not in ("connection",)})
        response = connection.getresponse()
        data = response.read()
        headers = [(k, v) for k, v in response.getheaders()
                   if k.lower() in ("content-type", "x-amz-crc32", "x-amzn-requestid")]
        connection.close()
        return response.status, data, headers

    def do_GET(self):
        with lock:
            body = json.dumps(log).encode()
            log.clear()
        self.answer(200, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/__script":
            with lock:
                script[:] = json.loads(body)
            return self.answer(200, b"ok")
        global in_hand
        operation = self.headers.get("X-Amz-Target", "?.?").split(".")[-1]
        with lock:
            in_hand += 1
            log.append({"op": operation, "in_hand": in_hand, "path": self.path,
                        "headers": dict(self.headers.items()),
                        "port": self.client_address[1],
                        "raw": body.decode(errors="replace"),
                        "body": json.loads(body or b"{}")})
        try:
            self.act(next_action(operation), body)
        finally:
            with lock:
                in_hand -= 1

    def forward_partly(self, body, keys):
        """A BatchGetItem of which some keys are left unprocessed."""
        request = json.loads(body)
        (table, wanted), = request["RequestItems"].items()
        rest = dict(wanted, Keys=wanted["Keys"][keys:])
        wanted["Keys"] = wanted["Keys"][:keys]
        if wanted["Keys"]:
            status, data, headers = self.forward(json.dumps(request).encode())
            answer = json.loads(data)
        else:
            status, headers, answer = 200, [], {"Responses": {table: []}}
        answer["UnprocessedKeys"] = {table: rest} if rest["Keys"] else {}
        return status, json.dumps(answer).encode(), [h for h in headers if h[0].lower() != "x-amz-crc32"]

    def act(self, action, body):
        do = action["do"]
        if do == "status":
            return self.answer(action["code"], action.get("body", "").encode(),
                               action.get("headers", {}).items())
        if do == "reset":
            return self.reset()
        if do == "hang":
            time.sleep(action.get("seconds", 30))
            return self.reset()
        if do == "garbage":
            return self.answer(200, b"\x00\xff{[" * (action.get("bytes", 4) // 4))
        if do == "partial":
            return self.answer(*self.forward_partly(body, action["keys"]))
        status, data, headers = self.forward(body)
        if do == "lose":
            time.sleep(action.get("seconds", 0))
            return self.reset()
        if do == "truncate":
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:len(data) // 2])
            return self.reset()
        if do == "crc":
            headers = [(k, "12345" if k.lower() == "x-amz-crc32" else v) for k, v in headers]
        if do == "gzip":
            headers.append(("Content-Encoding", "gzip"))
        if do == "slow":
            time.sleep(action.get("seconds", 1))
        self.answer(status, data, headers)


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 64


server = Server(("127.0.0.1", 0), Handler)
if "--tls" in sys.argv:
    at = sys.argv.index("--tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[at + 1], sys.argv[at + 2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
