#!/usr/bin/python3
"""A call over a bad line, of which everything is known: packets are dropped and doubled by a seed.

    impaired_call.py --server 127.0.0.1:5060 NUMBER SAID.wav TRUTH.s16 [--digits 1:42] [--seed N]

TRUTH.s16 gets the samples of the packets that were sent, each at the place of its timestamp, silence elsewhere. Prints
what was sent, in its order, as one JSON object. Neither the first nor the last half second of what is said is harmed, so that the end
can be waited for: the server's echo of it. Stands on sip_client.py and none of talky's code.
"""
import argparse
import json
import random
import struct
import sys
import time

import numpy

from sip_client import Client, mulaw_decode, read_wav


class Line:
    """A socket whose packets do not all arrive, and some twice."""

    def __init__(self, socket, seed, first, last):
        self.socket, self.chance, self.first, self.last = socket, random.Random(seed), first, last
        self.count, self.sent = 0, []  # (sequence number, timestamp, payload type, payload) of what went out

    def sendto(self, packet, target):
        _, kind, sequence, timestamp, _ = struct.unpack_from("!BBHII", packet)
        self.count += 1
        fate = self.chance.random() if self.first < self.count < self.last and kind & 127 == 0 else 1
        for _ in range(0 if fate < .05 else 2 if fate < .08 else 1):
            self.socket.sendto(packet, target)
            self.sent.append((sequence, timestamp, kind & 127, packet[12:]))

    def __getattr__(self, name):
        return getattr(self.socket, name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("number")
    parser.add_argument("said")
    parser.add_argument("truth")
    parser.add_argument("--digits", default="")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    client = Client(a.server)
    said = read_wav(a.said)
    call = client.call(a.number, send=said)
    call.rtp = line = Line(call.rtp, a.seed, 25, len(said) // 160 - 25)
    final = call.invite(timeout=60)
    if final is None or final.status != 200:
        sys.exit(f"no 200: {final and final.status}")
    answered = time.time()
    client.pump(60, lambda: call.clock() > 1)
    call.dtmf(a.digits)
    # Where we were kept from running, the jitter buffer may have cut the end: then 5 s of the server's stream behind it will do.
    came = None

    def is_through():
        nonlocal came
        if call.position < len(said):
            return False
        came = len(call.packets) if came is None else came
        return call.end_is_heard() or len(call.packets) - came >= 250

    if not client.pump(120, is_through):
        sys.exit("the end of what was said did not come back")
    call.sending = False
    ended = time.time()
    call.bye()
    base = line.sent[0][1]
    truth = numpy.zeros(line.sent[-1][1] - base + 160, "<i2")
    for _, timestamp, kind, payload in line.sent:
        if kind == 0:
            truth[timestamp - base:timestamp - base + 160] = mulaw_decode(payload)
    truth.tofile(a.truth)
    print(json.dumps({"sequence": [s for s, _, _, _ in line.sent], "call_id": call.call_id, "ssrc": call.ssrc,
                      "answered": answered, "ended": ended, "heard": len(call.packets)}))


if __name__ == "__main__":
    main()
