#!/usr/bin/env python3
"""Stands in for the AWS services that DynamoDB Local does not have.

usage: aws.py [--tls CERT KEY] [--upstream HOST:PORT]     (prints its port, then serves)

Each request is checked against botocore's model of its service.
  POST /__script  a JSON object that replaces the script; {} also forgets all state
  GET  /__log     the requests since the last look: service, op, method, path,
                  headers, raw (the body), params, problems (none if it conforms)
Services, by what they are recognised from, and operations as the log has them:
  sts        form          AssumeRole, AssumeRoleWithWebIdentity
  cloudwatch form          GetMetricData
  kms        X-Amz-Target  DescribeKey
  dynamodb   X-Amz-Target  the PITR operations; the rest is passed to the upstream
  streams    X-Amz-Target  as scripted, or passed to the upstream
  imds       /latest/      token, list, credentials
  container  /container/   credentials
  sso        /federation/  GetRoleCredentials
Script:
  fail       [{service, op, times, status, code, message, delay}]: the next so
             many matching requests fail; without service or op, any
  delay      seconds before each answer, or {"service" or "service/op": seconds}
  raw        {"service/op": {status, body, headers}}: the literal answer
  date       the clock of the server, as its Date header has it
  skew_check signed requests must be within 5 minutes of that clock; true, or
             {status, code} of the refusal (403, RequestTimeTooSkewed)
  keys       {KEY: {secret, token}}: signatures are verified; other keys are
             refused, but by dynamodb and streams.  What the stub has issued itself
             is always verified.
  sts, imds, container, sso   {access_key_id, secret_access_key, session_token,
             expires_in}; by default ASIASTS, stss3cret, ststoken, 3600
  imds       also role (null: none), v2 (false: no tokens), code and message
  container  also authorization, the header that is expected
  sso        also token, the bearer token that is expected (ssotoken)
  cloudwatch {pages: [{results: [{id, label, timestamps, values, status, messages}], messages,
             next_token}]}: one page after the other, messages being [{Code, Value}]; by
             default no values for each query
  kms        {arn} of any key (null: none), metadata to change
  describe, describe_list   merged into the Table of (the i-th) DescribeTable
  streams    {page, shards: [{id, parent, closed, unlisted, trimmed, page, empty, records}]}:
             page many shards or records an answer, empty answers before records,
             and none behind sequence numbers below trimmed
  pitr_unavailable          so many UpdateContinuousBackups fail
"""
import argparse
import json
import socket
import socketserver
import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from awsstub.message import Answer, Request
from awsstub.services import respond
from awsstub.state import state


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return state.date()

    def control(self, body):
        if self.command == "POST" and self.path == "/__script":
            state.take(json.loads(body))
            return Answer(200, b"ok")
        if self.command != "GET" or self.path != "/__log":
            return Answer(404, b"no such control")
        with state.lock:
            log = json.dumps(state.log).encode()
            state.log.clear()
        return Answer(200, log, (("Content-Type", "application/json"),))

    def act(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        if self.path.startswith("/__"):
            answer = self.control(body)
        elif self.server.context and scheme == "http":
            answer = Answer(400, b"plain HTTP to the port of HTTPS")
        else:
            answer = respond(Request(self.command, self.path, self.headers, body, scheme))
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = act


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 64
    context = None

    def finish_request(self, request, client_address):
        # with TLS, the control is also at the same port without
        if self.context and request.recv(1, socket.MSG_PEEK) == b"\x16":
            with self.context.wrap_socket(request, server_side=True) as request:
                return super().finish_request(request, client_address)
        return super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        # clients hang up as they like, and try bad certificates
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    arguments.add_argument("--upstream", metavar="HOST:PORT")
    options = arguments.parse_args()
    state.upstream = options.upstream
    server = Server(("127.0.0.1", 0), Handler)
    if options.tls:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(*options.tls)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
