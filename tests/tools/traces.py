#!/usr/bin/python3
"""Checks the spans that otlp_collector.py took.   traces.py FILE CALLS [TURNS]

Each of so many calls is one trace: one root, every span inside of its parent's time, stages that follow one another
without a hole and make up their turn, and so many turns (any number, if it is not said)."""
import collections
import json
import sys

STAGES = ["endpoint", "stt", "dialogue", "tts", "out", "send"]


def start(span):
    return int(span["startTimeUnixNano"])


def end(span):
    return int(span["endTimeUnixNano"])


traces = collections.defaultdict(list)
for line in open(sys.argv[1]):
    span = json.loads(line)
    traces[span["traceId"]].append(span)
assert len(traces) == int(sys.argv[2]), f"{len(traces)} traces"
for trace, spans in traces.items():
    by_id = {s["spanId"]: s for s in spans}
    assert len(by_id) == len(spans), "each span once"
    roots = [s for s in spans if "parentSpanId" not in s]
    assert [r["name"] for r in roots] == ["call"] and roots[0]["kind"] == 2, roots
    root = roots[0]
    attributes = {a["key"]: list(a["value"].values())[0] for a in root["attributes"]}
    assert attributes["talky.call.id"].replace("-", "") == trace
    for key in ("talky.call.from", "talky.call.to", "talky.route", "talky.cause", "network.peer.address", "network.transport"):
        assert attributes.get(key), key
    assert root["resource"]["service.name"], root["resource"]
    children = collections.defaultdict(list)
    for span in spans:
        if span is root:
            continue
        parent = by_id[span["parentSpanId"]]
        children[span["parentSpanId"]].append(span)
        assert start(parent) <= start(span) and end(span) <= end(parent), (parent, span)
    names = collections.Counter(s["name"] for s in children[root["spanId"]])
    assert names["setup"] == 1, names
    turns = [s for s in children[root["spanId"]] if s["name"] == "turn"]
    if len(sys.argv) > 3:
        assert len(turns) == int(sys.argv[3]), names
    for turn in turns + [s for s in children[root["spanId"]] if s["name"] == "greeting"]:
        stages = sorted(children[turn["spanId"]], key=lambda s: STAGES.index(s["name"]))
        at = start(turn)
        for stage in stages:
            assert start(stage) == at, (turn, stage)
            at = end(stage)
        assert at == end(turn), (turn, stages)
print("ok")
