#!/usr/bin/python3
"""What the tests of the HTTP API do that curl cannot.

    api_client.py contract http://HOST:PORT [--call ID] [--past ID]     every path of the OpenAPI document is served, and no other; answers fit it
    api_client.py pages URL                                 follows the Link fields of a list of past calls; each call comes once
    api_client.py causes http://HOST:PORT                   uuid and cause of every past call
    api_client.py valid http://HOST:PORT PATH METHOD STATUS BODY-FILE   one answer against the document
    api_client.py events http://HOST:PORT --until TYPE [--last-id N]    prints the data of each event, one a line
    api_client.py listen ws://HOST:PORT/PATH OUT.wav [--seconds S] [--stall FILE]   a stock WebSocket client; prints the text messages;
                                                            with --stall it does not read until there is FILE, and S begin when "dropped" comes
    api_client.py metrics FILE                              the text is what Prometheus' format asks for
"""
import argparse
import asyncio
import json
import os
import random
import re
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

PATIENCE = 120  # s: for an answer, however slow the machine is


def fetch(method, url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read()


def resolve(document, node):
    while "$ref" in node:
        at = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        node = at
    return node


def check_answer(document, path, method, status, content_type, body):
    """The answer is one that the document promises, and has its shape."""
    operation = document["paths"][path][method.lower()]
    responses = operation["responses"]
    response = resolve(document, responses.get(str(status)) or responses["default"])
    kind = content_type.split(";")[0]
    content = response.get("content", {})
    if not content:
        assert body == b"", f"{method} {path} {status}: has a body"
        return
    assert kind in content or "*/*" in content, f"{method} {path} {status}: {kind} is not promised ({', '.join(content)})"
    schema = content.get(kind, content.get("*/*"))["schema"]
    if kind == "application/json" or kind.endswith("+json"):
        jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(json.loads(body))


def with_id(path, value):
    """The path with `value` in the place of its parameter."""
    return re.sub(r"\{[a-z]+\}", lambda _: value, path)


def real_id(a, path):
    """A call that is up, or for what is about past calls one that is over; None if there is none."""
    return a.past if path.startswith(("/api/v1/sip/history/", "/api/v1/sip/recordings/")) else a.call if "/sip/calls/" in path else None


def queries(chance, operation):
    """Queries made of the operation's parameters, with values that it knows and such that nobody should send."""
    parameters = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    values = ["", "0", "-1", "1e999", "9" * 300, "%00", "%zz", "%ff", "'", "%", "_", "*" * 20, "nan", "true", "1", "7d", "2026-01-01", "../..", "\U0001f600"]
    for _ in range(40 if parameters else 0):
        pairs = []
        for p in chance.sample(parameters, chance.randrange(1, min(len(parameters), 4) + 1)):
            known = [str(v).lower() for v in p["schema"].get("enum", [])]
            value = chance.choice(known if known and chance.random() < 0.5 else values)
            pairs.append(p["name"] + "=" + urllib.parse.quote(value, safe="%"))
        yield "?" + "&".join(pairs)


def hostile(a, document, promised):
    """Nonsense made from the document: whatever is sent, the answer is one that it promises, and never 5xx."""
    chance, checked = random.Random(1), 0
    values = [None, True, -1, 1e99, "", "\x00", "9" * 5000, "sip:\r\nx", [], {}, "\ud83d\ude00"]
    for method, path in sorted(promised):
        operation = document["paths"][path][method.lower()]
        if "text/event-stream" in json.dumps(operation["responses"]) or path.endswith(("/start", "/stop")):
            continue
        for _ in range(8 if "{" in path else 0):
            junk = "".join(chance.choice("ab%/.\\ \"'<>&?#\u00e9\u0001") for _ in range(chance.randrange(1, 40)))
            status, kind, body = fetch(method, a.url + with_id(path, urllib.parse.quote(junk, safe="")), b"{}" if method == "POST" else None)
            # A slash, a NUL or a dot segment makes it another path, or none.
            assert status in (400, 404, 405, 422) or (status == 503 and "/voices/" in path), f"{method} {path} {junk!r}: {status}"
            check_answer(document, path, method, status if status != 405 else 404, kind, body)
            checked += 1
        id = real_id(a, path)
        for query in queries(chance, operation) if method == "GET" and (id or "{" not in path) else ():
            status, kind, answer = fetch(method, a.url + with_id(path, id or "") + query)
            assert status in (200, 404, 422, 426), f"{method} {path}{query}: {status} {answer!r}"
            check_answer(document, path, method, status, kind, answer)
            checked += 1
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        for _ in range(20 if content and a.call and "{id}" in path else 0):
            names = list(schema.get("properties", {})) + ["more"]
            body = json.dumps({name: chance.choice(values) for name in chance.sample(names, chance.randrange(len(names) + 1))}).encode()
            if chance.random() < 0.5:
                body = bytearray(body)
                body[chance.randrange(len(body))] = chance.randrange(256)
            status, kind, answer = fetch(method, a.url + with_id(path, a.call), bytes(body))
            assert status in (204, 409, 422), f"{method} {path} {bytes(body)!r}: {status}"
            check_answer(document, path, method, status, kind, answer)
            checked += 1
    return checked


def contract(a):
    _, _, text = fetch("GET", f"{a.url}/api/v1/openapi.json")
    document = json.loads(text)
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    methods = {"get", "post", "put", "delete", "patch"}
    promised = {(method.upper(), path) for path, item in document["paths"].items() for method in item if method in methods}
    ids = [item[method]["operationId"] for path, item in document["paths"].items() for method in item if method in methods]
    assert len(ids) == len(set(ids)), "operationIds are not unique"
    _, _, text = fetch("GET", f"{a.url}/api/v1")
    served = {(item["method"], item["path"]): item["role"] for item in json.loads(text)["paths"]}
    assert set(served) == promised, f"only served: {set(served) - promised}; only promised: {promised - set(served)}"
    checked = 0
    for method, path in sorted(promised):
        operation = document["paths"][path][method.lower()]
        assert operation["x-role"] == served[method, path], f"{method} {path}: role"
        if "text/event-stream" in json.dumps(operation["responses"]):
            continue  # does not end
        # With an id that there is not, and without a body, so that nothing is done; and then, for what only reads, with a real one.
        url = a.url + with_id(path, "no-such-call")
        if not path.endswith(("/start", "/stop")):
            status, kind, body = fetch(method, url, b"" if method == "POST" else None)
            assert status not in (405, 500, 501), f"{method} {path}: {status}"
            known = (404, 422) + ((503,) if "/voices/" in path else ())  # where the agent's program is a stand-in
            assert "{" not in path or status in known, f"{method} {path}: {status}"
            check_answer(document, path, method, status, kind, body)
            checked += 1
        if method == "GET" and real_id(a, path):
            status, kind, body = fetch(method, a.url + with_id(path, real_id(a, path)))
            assert status == 200, f"{method} {path}: {status}"
            check_answer(document, path, method, status, kind, body)
            checked += 1
    checked += hostile(a, document, promised)
    # What is not promised is not there, and says so as promised.
    for method, path in (("GET", "/api/v1/nothing"), ("GET", "/nothing"), ("PUT", "/api/v1/sip/status"), ("POST", "/metrics")):
        status, kind, body = fetch(method, a.url + path, b"" if method in ("PUT", "POST") else None)
        assert status in (404, 405) and kind == "application/problem+json", f"{method} {path}: {status} {kind}"
        assert json.loads(body)["status"] == status
    print(f"{len(promised)} operations, {checked} answers")


def pages(a):
    seen, count, total, url = set(), 0, None, a.url
    while url:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            page = json.loads(answer.read())
            link = re.fullmatch(r'<(/[^>]*)>; rel="next"', answer.headers.get("Link", ""))
        assert bool(link) == bool(page["next"])
        for call in page["calls"]:
            assert call["uuid"] not in seen, f"twice: {call['uuid']}"
            seen.add(call["uuid"])
        count, total = count + 1, page["total"]
        url = link and urllib.parse.urljoin(url, link[1])
    print(f"{len(seen)} calls on {count} pages, total {total}")


def causes(a):
    after = ""
    while after is not None:
        page = json.loads(fetch("GET", f"{a.url}/api/v1/sip/history?limit=1000{after and '&after=' + after}")[2])
        for call in page["calls"]:
            print(call["uuid"], call["cause"])
        after = page["next"]


def valid(a):
    document = json.loads(fetch("GET", f"{a.url}/api/v1/openapi.json")[2])
    with open(a.body, "rb") as file:
        body = file.read()
    kind = "application/json" if int(a.status) < 400 else "application/problem+json"
    check_answer(document, a.path, a.method, int(a.status), kind, body)


def events(a):
    document = json.loads(fetch("GET", f"{a.url}/api/v1/openapi.json")[2])
    schema = {**document["components"]["schemas"]["Event"], "components": document["components"]}
    headers = {"Last-Event-ID": a.last_id} if a.last_id else {}
    request = urllib.request.Request(f"{a.url}/api/v1/sip/events", headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        event = {}
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            if "data" in event:
                data = json.loads(event["data"])
                if data["type"] != "missed":
                    jsonschema.Draft202012Validator(schema).validate(data)
                    assert str(data["id"]) == event["id"]
                assert data["type"] == event["event"]
                print(event["data"], flush=True)
                if data["type"] == a.until:
                    return
            event = {}


def listen(a):
    import websockets

    async def run():
        sound, channels = bytearray(), 1
        async with websockets.connect(a.url, max_queue=2, read_limit=4096, compression=None, ping_interval=None) as socket:
            loop = asyncio.get_running_loop()
            end = loop.time() + a.seconds
            if a.stall:
                first = json.loads(await socket.recv())
                print(json.dumps(first), flush=True)
                channels = first["channels"]
                socket.transport.pause_reading()
                while not os.path.exists(a.stall):
                    await asyncio.sleep(0.02)
                socket.transport.resume_reading()
                end = loop.time() + PATIENCE
            try:
                while loop.time() < end:
                    message = await asyncio.wait_for(socket.recv(), max(0.01, end - loop.time()))
                    if isinstance(message, bytes):
                        sound += message
                        assert len(message) == 640 * channels, len(message)
                    else:
                        data = json.loads(message)
                        channels = data.get("channels", channels)
                        print(message, flush=True)
                        if a.stall and data["type"] == "dropped":
                            end = loop.time() + a.seconds
            except asyncio.TimeoutError:
                pass
            except websockets.ConnectionClosed as closed:
                print(json.dumps({"type": "closed", "code": closed.code}), flush=True)
        with open(a.out, "wb") as file:
            file.write(b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " +
                       struct.pack("<IHHIIHH", 16, 1, channels, 16000, 32000 * channels, 2 * channels, 16) + b"data" +
                       struct.pack("<I", len(sound)) + sound)

    asyncio.run(run())


def metrics(a):
    name = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
    sample = re.compile(rf"^({name})(?:\{{({label}(?:,{label})*,?)?\}})? (NaN|[+-]?Inf|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)$")
    types, helps, values = {}, set(), {}
    with open(a.file, encoding="utf-8") as file:
        text = file.read()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.split(" ")[2] not in helps, f"HELP twice: {line}"
            helps.add(line.split(" ")[2])
        elif line.startswith("# TYPE "):
            _, _, metric, kind = line.split(" ")
            assert metric not in types and kind in ("counter", "gauge", "histogram", "summary"), line
            types[metric] = kind
        elif line:
            found = sample.match(line)
            assert found, f"not a sample: {line}"
            assert (found[1], found[2]) not in values, f"twice: {line}"
            values[found[1], found[2]] = float(found[3])
            family = re.sub(r"_(bucket|sum|count)$", "", found[1])
            family = found[1] if found[1] in types else family
            assert family in types and family in helps, f"without TYPE or HELP: {line}"
            assert family.startswith("talky_"), line
            assert (types[family] == "counter") == family.endswith("_total"), f"{family} is a {types[family]}"
            assert not re.search(r"_(ms|us|milliseconds|minutes|percent|kb)$", family.removesuffix("_total")), f"no base unit: {family}"
    for metric, kind in types.items():
        if kind != "histogram":
            continue
        series = {}  # by the labels but `le`
        for (sample_name, labels), value in values.items():
            if sample_name == metric + "_bucket":
                others = ",".join(part for part in re.findall(label, labels) if not part.startswith('le="')) or None
                series.setdefault(others, []).append((labels, value))
        assert series, f"{metric} has no buckets"
        for labels, buckets in series.items():
            counts = [v for _, v in buckets]
            assert counts == sorted(counts) and 'le="+Inf"' in buckets[-1][0], f"buckets of {metric}"
            assert counts[-1] == values[metric + "_count", labels], f"count of {metric}"
    print(f"{len(types)} metrics, {len(values)} samples")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("contract")
    p.add_argument("url")
    p.add_argument("--call")
    p.add_argument("--past")
    p.set_defaults(run=contract)
    for name, run in (("pages", pages), ("causes", causes)):
        p = commands.add_parser(name)
        p.add_argument("url")
        p.set_defaults(run=run)
    p = commands.add_parser("valid")
    for name in ("url", "path", "method", "status", "body"):
        p.add_argument(name)
    p.set_defaults(run=valid)
    p = commands.add_parser("events")
    p.add_argument("url")
    p.add_argument("--until")
    p.add_argument("--last-id")
    p.set_defaults(run=events)
    p = commands.add_parser("listen")
    p.add_argument("url")
    p.add_argument("out")
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--stall", metavar="FILE")
    p.set_defaults(run=listen)
    p = commands.add_parser("metrics")
    p.add_argument("file")
    p.set_defaults(run=metrics)
    a = parser.parse_args()
    return a.run(a) or 0


if __name__ == "__main__":
    sys.exit(main())
