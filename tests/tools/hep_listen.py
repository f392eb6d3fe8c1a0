#!/usr/bin/python3
"""A capture server for the tests: reads HEP3 by the letter and writes each packet as a line of JSON.

    hep_listen.py PORT [--host ADDRESS]"""
import argparse
import ipaddress
import json
import socket
import struct

NAMES = {1: "family", 2: "protocol", 3: "from", 4: "to", 5: "from", 6: "to", 7: "from_port", 8: "to_port", 9: "seconds",
         10: "microseconds", 11: "type", 12: "capture_id", 14: "key", 15: "payload", 17: "correlation"}


def parse(data):
    assert data[:4] == b"HEP3"
    assert struct.unpack(">H", data[4:6])[0] == len(data)
    out, at = {}, 6
    while at < len(data):
        vendor, kind, length = struct.unpack(">HHH", data[at:at + 6])
        value = data[at + 6:at + length]
        assert vendor == 0 and len(value) == length - 6 and kind in NAMES, (vendor, kind, length)
        name = NAMES[kind]
        assert name not in out, name
        if name in ("from", "to"):
            assert len(value) == (4 if kind in (3, 4) else 16)
            out[name] = str(ipaddress.ip_address(value))
        elif name in ("key", "payload", "correlation"):
            out[name] = value.decode()
        else:
            assert len(value) == {"family": 1, "protocol": 1, "type": 1, "from_port": 2, "to_port": 2}.get(name, 4), name
            out[name] = int.from_bytes(value, "big")
        at += length
    assert out["microseconds"] < 1_000_000
    return out


options = argparse.ArgumentParser()
options.add_argument("port", type=int)
options.add_argument("--host", default="127.0.0.1")
ARGS = options.parse_args()
sock = socket.socket(socket.AF_INET6 if ":" in ARGS.host else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
sock.bind((ARGS.host, ARGS.port))
print("listening", flush=True)
while True:
    data = sock.recv(65536)
    print(json.dumps(parse(data)), flush=True)
