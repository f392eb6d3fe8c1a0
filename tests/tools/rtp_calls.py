#!/usr/bin/python3
"""Captures of calls whose audio is known, for what talky-rtpdump makes of them.

    rtp_calls.py KIND OUT.pcap --caller A.wav --callee B.wav

The WAVs are mono, 16 bits; 8 kHz, or 16 kHz for a leg of G.722. KIND:
    plain       SIP with early media, hold and INFO; RTCP reports with a round trip of 80 ms; both legs PCMU
    bare        the same packets without SIP
    ssrc        the caller's SSRC, sequence and timestamp begin afresh in the middle
    stall       the network holds the caller's packets back for 600 ms, then brings them at once
    frozen      the caller says nothing for 2 s after the first second, and the timestamp stands still
    codecs      the caller changes from PCMU to PCMA in the middle
    wideband    the callee speaks G.722
    forked      before the answer a second telephone sends early media too: the caller's words, for 2 s from 1 s on
    lossy       3 % of the caller's packets are lost, jitter of 30 ms
"""
import argparse
import random
import struct
import subprocess

from capture import START, rtp, sdp_text, sip, udp, write

CALLER, CALLEE = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
LEFT, RIGHT, FORK = ("10.0.0.1", 40000), ("10.0.0.2", 50000), ("10.0.0.3", 50002)
BEGIN = 300_000  # us, of the caller's audio; the callee's is 100 ms later


def coded(path, codec):
    if codec == "g722":
        return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "g722", "-"], check=True, stdout=subprocess.PIPE).stdout
    return subprocess.run(["sox", "-D", path, "-t", {"pcmu": "ul", "pcma": "al"}[codec], "-r", "8000", "-"], check=True,
                          stdout=subprocess.PIPE).stdout


def leg(data, a, b, ssrc, begin, pt=0, seq=1000, ts=80000):
    return [[START + begin + i * 20_000, a, b, pt, seq + i, ts + i * 160, ssrc, data[i * 160:i * 160 + 160], i == 0] for i in range(len(data) // 160)]


def report(time, source, target, sender, about, sr=None, middle=0, delay=0, lost=0, jitter=0):
    """A compound packet: SR or RR with one block, and a CNAME."""
    block = struct.pack(">IIIIII", about, lost & 0xffffff, 1000, jitter, middle, delay)
    if sr is None:
        head = struct.pack(">BBHI", 0x81, 201, 7, sender)
    else:
        head = struct.pack(">BBHIQIII", 0x81, 200, 12, sender, sr, 0, 50, 8000)
    name = b"\x01\x05alice\0" if sender == 0xaaaa0001 else b"\x01\x03bob\0\0\0"
    sdes = struct.pack(">BBHI", 0x81, 202, 1 + (len(name) + 3) // 4, sender) + name.ljust((len(name) + 3) // 4 * 4, b"\0")
    return time, udp((source[0], source[1] + 1), (target[0], target[1] + 1), head + block + sdes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("out")
    parser.add_argument("--caller", required=True)
    parser.add_argument("--callee", required=True)
    a = parser.parse_args()
    rng = random.Random(4)
    left = leg(coded(a.caller, "pcmu"), LEFT, RIGHT, 0xaaaa0001, BEGIN)
    wide = a.kind == "wideband"
    right = leg(coded(a.callee, "g722" if wide else "pcmu"), RIGHT, LEFT, 0xbbbb0002, BEGIN + 100_000, 9 if wide else 0)
    half = len(left) // 2
    if a.kind == "ssrc":
        for i, p in enumerate(left[half:]):
            p[4:7] = 7 + i, 90 + i * 160, 0xaaaa0009
    elif a.kind == "stall":
        begin = left[half][0]
        for p in left[half:]:
            p[0] = max(p[0], begin + 600_000 + (p[0] - begin) // 100)
    elif a.kind == "frozen":
        for p in left[50:]:
            p[0] += 2_000_000
    elif a.kind == "codecs":
        other = coded(a.caller, "pcma")
        for i, p in enumerate(left[half:]):
            p[3], p[7] = 8, other[(half + i) * 160:(half + i) * 160 + 160]
    elif a.kind == "lossy":
        left = [p for p in left if rng.random() >= .03]
        for p in left:
            p[0] += rng.randrange(30_000)
    if a.kind == "forked":
        right += leg(coded(a.caller, "pcmu")[:16000], FORK, LEFT, 0xcccc0003, BEGIN + 1_100_000)
    rows = [(p[0], udp(p[1], p[2], rtp(p[3], p[4], p[5], p[6], p[7], p[8]))) for p in left + right]
    last = max(row[0] for row in rows)
    if a.kind != "bare":
        at = START
        hold = sdp_text(*LEFT) + "a=sendonly\r\n"
        info = sip("INFO sip:100@10.0.0.2 SIP/2.0", "Signal=7\r\nDuration=120\r\n", "4 INFO").replace(
            b"application/sdp", b"application/dtmf-relay")
        def tagged(raw):  # a request inside the dialog has the callee's tag
            return raw.replace(b"To: <sip:100@10.0.0.2>\r\n", b"To: <sip:100@10.0.0.2>;tag=b\r\n")
        rows += [(at, udp(CALLER, CALLEE, sip("INVITE sip:100@10.0.0.2 SIP/2.0", sdp_text(*LEFT)))),
                 (at + 40_000, udp(CALLEE, CALLER, sip("SIP/2.0 183 Session Progress", sdp_text(*RIGHT)))),
                 (at + 50_000, udp(CALLEE, CALLER, sip("SIP/2.0 180 Ringing"))),
                 (at + 250_000, udp(CALLEE, CALLER, sip("SIP/2.0 200 OK", sdp_text(*RIGHT)))),
                 (at + 260_000, udp(CALLER, CALLEE, tagged(sip("ACK sip:100@10.0.0.2 SIP/2.0", cseq="1 ACK")))),
                 (at + 700_000, udp(CALLER, CALLEE, tagged(sip("INVITE sip:100@10.0.0.2 SIP/2.0", hold, "2 INVITE").replace(b";branch=z9hG4bKabc", b";branch=z9hG4bKabd")))),
                 (at + 710_000, udp(CALLEE, CALLER, sip("SIP/2.0 200 OK", sdp_text(*RIGHT), "2 INVITE"))),
                 (at + 900_000, udp(CALLER, CALLEE, tagged(sip("INVITE sip:100@10.0.0.2 SIP/2.0", sdp_text(*LEFT), "3 INVITE")))),
                 (at + 910_000, udp(CALLEE, CALLER, sip("SIP/2.0 200 OK", sdp_text(*RIGHT), "3 INVITE"))),
                 (at + 950_000, udp(CALLER, CALLEE, tagged(info))),
                 (last + 100_000, udp(CALLEE, CALLER, b"BYE sip:alice@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
                                      b"From: <sip:100@10.0.0.2>;tag=b\r\nTo: \"Alice\" <sip:alice@10.0.0.1>;tag=a\r\nCall-ID: call-1@test\r\n"
                                      b"CSeq: 5 BYE\r\nReason: Q.850;cause=16\r\nContent-Length: 0\r\n\r\n"))]
        if a.kind == "forked":
            rows.append((at + 45_000, udp(("10.0.0.3", 5060), CALLER, sip("SIP/2.0 183 Session Progress", sdp_text(*FORK)).replace(b"tag=b", b"tag=c"))))
        ntp = 0x1234567890abcdef
        # The callee reports 80 ms after the SR passed here, of which it waited 50.
        rows += [report(at + 1_000_000, LEFT, RIGHT, 0xaaaa0001, 0xbbbb0002, sr=ntp),
                 report(at + 1_080_000, RIGHT, LEFT, 0xbbbb0002, 0xaaaa0001, middle=(ntp >> 16) & 0xffffffff, delay=int(.05 * 65536),
                        lost=3, jitter=24)]
    rows.sort(key=lambda row: row[0])
    write(a.out, rows)


if __name__ == "__main__":
    main()
