#!/usr/bin/python3
"""Makes the inputs of tests/bench/rtpdump, the same bytes each time.

    make_capture.py streams OUT.pcap [--packets N] [--streams N]     interleaved PCMU streams with loss, jitter and reordering
    make_capture.py call OUT.pcap [--seconds N]                      a SIP call: signalling and two legs of PCMU
"""
import argparse
import struct
import sys
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from capture import sdp_text, sip, udp  # noqa: E402: the tests' own captures have the same signalling

START_US = 1_700_000_000_000_000
RECORD = numpy.dtype([("s", "<u4"), ("us", "<u4"), ("captured", "<u4"), ("wire", "<u4"), ("ethernet", "u1", 14),
                      ("ip", "u1", 12), ("src", ">u4"), ("dst", ">u4"), ("sport", ">u2"), ("dport", ">u2"), ("udp", ">u2"),
                      ("check", ">u2"), ("v", "u1"), ("pt", "u1"), ("seq", ">u2"), ("ts", ">u4"), ("ssrc", ">u4"), ("payload", "u1", 160)])


def records(at_us, stream, number, rng, sport, dport, swap=None):
    """RTP packets: when they arrive, which stream each belongs to, and its number in the stream."""
    rows = numpy.zeros(len(at_us), RECORD)
    rows["s"], rows["us"] = at_us // 1_000_000, at_us % 1_000_000
    rows["captured"] = rows["wire"] = RECORD.itemsize - 16
    rows["ethernet"] = numpy.frombuffer(bytes(12) + b"\x08\x00", "u1")
    length = RECORD.itemsize - 16 - 14
    rows["ip"] = numpy.frombuffer(bytes([0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 17, 0, 0]), "u1")
    a, b = numpy.uint32(0x0a000001), numpy.uint32(0x0a000002)
    away = numpy.zeros(len(at_us), bool) if swap is None else swap
    rows["src"], rows["dst"] = numpy.where(away, b, a), numpy.where(away, a, b)
    rows["sport"], rows["dport"] = sport, dport
    rows["udp"] = length - 20
    rows["v"] = 0x80
    rows["seq"] = (number + stream * 977) & 0xffff
    rows["ts"] = (number * 160 + stream * 77_777_777) & 0xffffffff
    rows["ssrc"] = (stream + 1) * 0x01234567 & 0xffffffff
    noise = rng.integers(0, 256, 1 << 16, dtype="u1")
    offsets = rng.integers(0, len(noise) - 160, len(at_us))
    for begin in range(0, len(at_us), 4096):  # a block at a time: the index would be larger than the capture
        part = slice(begin, begin + 4096)
        rows["payload"][part] = noise[offsets[part, None] + numpy.arange(160)]
    return rows


def save(path, parts):
    with open(path, "wb") as out:
        out.write(numpy.array([0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1], "<u4").tobytes())
        for part in parts:
            out.write(part if isinstance(part, bytes) else part.tobytes())


def streams(a):
    rng = numpy.random.default_rng(5)
    per = a.packets // a.streams * 102 // 100 + 50
    number, stream = (x.ravel() for x in numpy.meshgrid(numpy.arange(per), numpy.arange(a.streams), indexing="ij"))
    at = START_US + number * 20_000 + stream * 397 + rng.integers(0, 3000, len(number))
    fate = rng.random(len(number))
    at += numpy.where((fate > .01) & (fate < .02), 45_000, 0)  # late: behind one or two others
    kept = fate >= .01
    at, number, stream = at[kept], number[kept], stream[kept]
    order = numpy.argsort(at, kind="stable")[:a.packets]
    at, number, stream = at[order], number[order], stream[order]
    save(a.out, [records(at, stream, number, rng, 10_000 + 2 * stream, 20_000 + 2 * stream)])


def call(a):
    rng = numpy.random.default_rng(3)
    number, stream = (x.ravel() for x in numpy.meshgrid(numpy.arange(a.seconds * 50), numpy.arange(2), indexing="ij"))
    at = START_US + 300_000 + number * 20_000 + stream * 9_000
    back = stream == 1
    end = int(at[-1]) + 500_000
    caller, callee = ("10.0.0.1", 5060), ("10.0.0.2", 5060)

    def message(at_us, source, target, text):
        frame = bytes(12) + b"\x08\x00" + udp(source, target, text)
        return struct.pack("<IIII", at_us // 1_000_000, at_us % 1_000_000, len(frame), len(frame)) + frame

    save(a.out, [message(START_US, caller, callee, sip("INVITE sip:100@10.0.0.2 SIP/2.0", sdp_text("10.0.0.1", 40000))),
                 message(START_US + 200_000, callee, caller, sip("SIP/2.0 200 OK", sdp_text("10.0.0.2", 50000))),
                 message(START_US + 210_000, caller, callee, sip("ACK sip:100@10.0.0.2 SIP/2.0", cseq="1 ACK")),
                 records(at, stream, number, rng, numpy.where(back, 50000, 40000), numpy.where(back, 40000, 50000), back),
                 message(end, caller, callee, sip("BYE sip:100@10.0.0.2 SIP/2.0", cseq="2 BYE")),
                 message(end + 9_000, callee, caller, sip("SIP/2.0 200 OK", cseq="2 BYE"))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("streams")
    p.add_argument("out")
    p.add_argument("--packets", type=int, default=1_000_000)
    p.add_argument("--streams", type=int, default=50)
    p.set_defaults(run=streams)
    p = commands.add_parser("call")
    p.add_argument("out")
    p.add_argument("--seconds", type=int, default=3600)
    p.set_defaults(run=call)
    a = parser.parse_args()
    a.run(a)


if __name__ == "__main__":
    main()
