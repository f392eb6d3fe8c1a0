#!/usr/bin/python3
"""An OpenTelemetry collector for the tests: takes OTLP over HTTP in JSON and holds every request to the mapping.

    otlp_collector.py PORT FILE [--answer STATUS [--retry-after SEC] [--times N]] [--stall SEC] [--reject N]
                      [--header NAME=VALUE] [--coding gzip] [--tls CERTIFICATE KEY]

A body is unpacked as its Content-Encoding says; with --coding it must be that one.

Spans that were taken are appended to FILE, one JSON object a line. Requests that were turned away, and what is wrong with
a request, are lines on standard output."""
import argparse
import gzip
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = argparse.ArgumentParser()
options.add_argument("port", type=int)
options.add_argument("file")
options.add_argument("--answer", type=int, default=200)
options.add_argument("--retry-after")
options.add_argument("--times", type=int, default=1 << 30)
options.add_argument("--stall", type=float, default=0)
options.add_argument("--reject", type=int, default=0)
options.add_argument("--header")
options.add_argument("--coding")
options.add_argument("--tls", nargs=2)
ARGS = options.parse_args()
LOCK = threading.Lock()
refused = 0


def need(fits, what):
    if not fits:
        raise ValueError(what)


def check_value(value):
    need(len(value) == 1, f"one kind of value: {value}")
    (kind, content), = value.items()
    kinds = {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": (int, float)}
    need(kind in kinds and isinstance(content, kinds[kind]), f"value {value}")
    if kind == "intValue":
        need(re.fullmatch(r"-?\d+", content), f"a 64-bit integer as a text: {value}")


def check_attributes(attributes):
    keys = [a["key"] for a in attributes]
    need(len(keys) == len(set(keys)), f"each key once: {keys}")
    for attribute in attributes:
        need(set(attribute) == {"key", "value"} and attribute["key"], f"attribute {attribute}")
        check_value(attribute["value"])


def check_span(span):
    allowed = {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
               "events", "status"}
    need(set(span) <= allowed, f"fields {set(span) - allowed}")
    need(re.fullmatch("[0-9a-f]{32}", span["traceId"]) and int(span["traceId"], 16), "traceId")
    need(re.fullmatch("[0-9a-f]{16}", span["spanId"]) and int(span["spanId"], 16), "spanId")
    if "parentSpanId" in span:
        need(re.fullmatch("[0-9a-f]{16}", span["parentSpanId"]), "parentSpanId")
    need(span["kind"] in range(1, 6), "kind")
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        need(isinstance(span[name], str) and re.fullmatch(r"\d+", span[name]), name)
    need(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), "an end that is not before the start")
    need(span["status"].get("code", 0) in (0, 1, 2), "status")
    check_attributes(span.get("attributes", []))
    for event in span.get("events", []):
        need(event["name"] and re.fullmatch(r"\d+", event["timeUnixNano"]), "event")
        check_attributes(event.get("attributes", []))


def check(path, headers, body):
    need(path == "/v1/traces", f"path {path}")
    need(headers["Content-Type"] == "application/json", "Content-Type")
    spans = []
    request = json.loads(body)
    need(set(request) == {"resourceSpans"}, "resourceSpans")
    for resource in request["resourceSpans"]:
        check_attributes(resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            need(scope["scope"]["name"] and scope["scope"]["version"], "scope")
            for span in scope["spans"]:
                check_span(span)
                spans.append({**span, "resource": {a["key"]: list(a["value"].values())[0]
                                                   for a in resource["resource"]["attributes"]}})
    need(spans, "spans")
    return spans


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global refused
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(ARGS.stall)
        with LOCK:
            refuse = ARGS.answer != 200 and refused < ARGS.times
            refused += refuse
        if refuse:
            print(f"refused {ARGS.answer}", flush=True)
            return self.answer(ARGS.answer, {})
        try:
            coding = self.headers["Content-Encoding"]
            need(coding in (None, "gzip") and (not ARGS.coding or coding == ARGS.coding), f"Content-Encoding {coding}")
            if coding:
                body = gzip.decompress(body)
            spans = check(self.path, self.headers, body)
            if ARGS.header:
                name, value = ARGS.header.split("=", 1)
                need(self.headers[name] == value, f"{name}: {self.headers[name]}")
        except (ValueError, KeyError, TypeError, OSError) as error:
            print(f"wrong: {error!r}", flush=True)
            return self.answer(400, {"message": str(error)})
        with LOCK, open(ARGS.file, "a") as out:
            for span in spans:
                out.write(json.dumps(span) + "\n")
        print(f"took {len(spans)}", flush=True)
        self.answer(200, {"partialSuccess": {"rejectedSpans": str(ARGS.reject), "errorMessage": "no room"}} if ARGS.reject else {})

    def answer(self, status, message):
        body = json.dumps(message).encode()
        self.send_response(status)
        if ARGS.retry_after and status != 200:
            self.send_header("Retry-After", ARGS.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", ARGS.port), Handler)
server.daemon_threads = True
if ARGS.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ARGS.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
