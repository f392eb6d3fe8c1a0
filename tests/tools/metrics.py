#!/usr/bin/python3
"""Holds /metrics to Prometheus' format and rules.

    metrics.py lint FILE          the format is valid (prometheus_client's parser), names and units as they should be
    metrics.py names FILE PATH... every talky_ name in the dashboard or rules PATH is one of FILE
    metrics.py value FILE NAME    the sum of a sample's values; NAME may carry labels: name{a="b"}"""
import collections
import json
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

MAX_SERIES = 40  # of one name and its labels, buckets aside


def families(path):
    return list(text_string_to_metric_families(open(path).read()))


def lint(path):
    text = open(path).read()
    assert text.endswith("\n")
    seen = set()
    for family in families(path):
        where = family.name
        assert where not in seen, f"{where}: twice"
        seen.add(where)
        assert family.documentation and family.documentation.endswith("."), f"{where}: HELP"
        assert family.type in ("counter", "gauge", "histogram"), f"{where}: {family.type}"
        assert re.fullmatch("talky_[a-z][a-z0-9_]*", where), where
        assert not re.search("_(ms|milliseconds|us|kb|mb|minutes|percent|ratio_percent)(_|$)", where), f"{where}: base units"
        if family.type == "counter":
            assert all(s.name.endswith("_total") for s in family.samples), f"{where}: _total"
        else:
            assert not where.endswith("_total"), where
        series = {tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")) for s in family.samples}
        assert len(series) <= MAX_SERIES, f"{where}: {len(series)} series"
        for labels in series:
            for name, value in labels:
                assert re.fullmatch("[a-z_]+", name) and value, (where, labels)
                assert not re.search(r"sip:|[0-9a-f]{8}-[0-9a-f]{4}|\d+\.\d+\.\d+\.\d+", value), f"{where}: {labels}"
        if family.type == "histogram":
            histogram(family)
    assert len(seen) > 30


def histogram(family):
    by_labels = collections.defaultdict(dict)
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        key = sample.labels.get("le") if sample.name.endswith("_bucket") else sample.name[len(family.name):]
        by_labels[labels][key] = sample.value
    for labels, values in by_labels.items():
        buckets = sorted((float(k), v) for k, v in values.items() if k not in ("_count", "_sum"))
        counts = [v for _, v in buckets]
        assert buckets[-1][0] == float("inf") and counts == sorted(counts), (family.name, labels)
        assert counts[-1] == values["_count"], (family.name, labels)


def names(path, users):
    known = {sample.name for family in families(path) for sample in family.samples}
    for user in users:
        text = open(user).read()
        if user.endswith(".json"):
            expressions = re.findall(r'"(?:expr|query|definition)": *"((?:[^"\\]|\\.)*)"', text)
            assert expressions, f"{user}: no expression"
            json.loads(text)
        else:
            expressions = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        used = set(re.findall(r"\btalky_[a-z0-9_]+", "\n".join(expressions)))
        assert used, user
        assert used <= known, f"{user}: {sorted(used - known)}"


def value(path, name):
    base, _, labels = name.partition("{")
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    found = [s.value for f in families(path) for s in f.samples
             if s.name == base and all(s.labels.get(k) == v for k, v in wanted.items())]
    assert found, name
    total = sum(found)
    print(int(total) if total == int(total) else total)


if sys.argv[1] == "lint":
    lint(sys.argv[2])
elif sys.argv[1] == "names":
    names(sys.argv[2], sys.argv[3:])
else:
    value(sys.argv[2], sys.argv[3])
