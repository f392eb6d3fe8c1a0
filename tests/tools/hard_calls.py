#!/usr/bin/python3
"""Captures that two readers may understand differently, made of a known sound.

    hard_calls.py KIND OUT.pcap --caller A.wav [--callee B.wav]

The WAVs are mono, 16 bits, 8 kHz. KIND:
    tcp            SIP over TCP; the sound is PCMU under payload type 96, which only the SDP says
    tcp-cut        the same, each message with SDP in two segments
    srtp           the caller's leg in SRTP (RFC 3711), its SDES key in the SDP (RFC 4568)
    hold           the caller sends nothing for 3 s in the middle, and the timestamp stands still meanwhile; the callee goes on
    middle         the capture begins in the middle of a call: both legs, a re-INVITE, and a BYE of the callee; its name is Latin-1
    jump           both legs, and in their middle the clock of the capture is set a year ahead
    payload-types  two calls between the same ports; payload type 97 is PCMU in the first and G.722 in the second
    g722-16000     G.722, which the SDP gives a clock of 16,000 Hz; its timestamps have 8,000 (RFC 3551 4.5.2)
    nat            the SDP names an address behind a NAT; payload type 96 is PCMU
    mgcp           no SIP: the SDP comes in an MGCP message; payload type 96 is PCMU
    bare           a PCMU leg and nothing else
    damaged        the same; the record behind the first 90 says that it is huge
"""
import argparse
import base64
import hashlib
import hmac
import struct
import subprocess

from capture import START, ip4, mulaw, rtp, sip, udp, write

CALLER, CALLEE = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
LEFT, RIGHT = ("10.0.0.1", 40000), ("10.0.0.2", 50000)
BEGIN = 300_000  # us, of the sound


def tcp(source, target, seq, flags, payload=b""):
    data = struct.pack(">HHIIBBHHH", source[1], target[1], seq, 1, 0x50, flags, 65535, 0, 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0x4000, 64, 6, 0, ip4(source[0]), ip4(target[0])) + data


def sdp(side, pt, codec, protocol="RTP/AVP", more=""):
    return (f"v=0\r\no=- 1 1 IN IP4 {side[0]}\r\ns=-\r\nc=IN IP4 {side[0]}\r\nt=0 0\r\nm=audio {side[1]} {protocol} {pt}\r\n"
            f"a=rtpmap:{pt} {codec}\r\n{more}")


def invite(at, left, right, number=1):
    """An INVITE, its answer, and the ACK: SDPs of both sides."""
    rows = []
    for time, a, b, first, body, cseq in ((at, CALLER, CALLEE, "INVITE sip:100@10.0.0.2 SIP/2.0", left, "1 INVITE"),
                                          (at + 200_000, CALLEE, CALLER, "SIP/2.0 200 OK", right, "1 INVITE"),
                                          (at + 210_000, CALLER, CALLEE, "ACK sip:100@10.0.0.2 SIP/2.0", "", "1 ACK")):
        rows.append((time, a, b, sip(first, body, cseq).replace(b"call-1@test", b"call-%d@test" % number)))
    return rows


def bye(at, number=1):
    return at, CALLER, CALLEE, sip("BYE sip:100@10.0.0.2 SIP/2.0", cseq="2 BYE").replace(b"call-1@test", b"call-%d@test" % number)


def over_udp(rows):
    return [(at, udp(a, b, data)) for at, a, b, data in rows]


def over_tcp(rows, cut):
    out = [(START - 20, tcp(CALLER, CALLEE, 999, 2)), (START - 10, tcp(CALLEE, CALLER, 999, 0x12))]
    seq = {CALLER: 1000, CALLEE: 1000}
    for at, a, b, data in rows:
        pieces = [data[:-30], data[-30:]] if cut and b"m=audio" in data else [data]
        for i, piece in enumerate(pieces):
            out.append((at + i, tcp(a, b, seq[a], 0x18, piece)))
            seq[a] += len(piece)
    return out


def leg(data, a, b, ssrc, pt=0, at=START + BEGIN, ts=80000):
    return [(at + i * 20_000, a, b, rtp(pt, 1000 + i, ts + i * 160, ssrc, data[i * 160:i * 160 + 160], i == 0)) for i in range(len(data) // 160)]


def g722(path):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-ar", "16000", "-f", "g722", "-"], check=True, stdout=subprocess.PIPE).stdout


class Srtp:
    """AES_CM_128_HMAC_SHA1_80 by openssl's AES and Python's HMAC: not the library that talky reads it with."""

    def __init__(self, key, salt):
        self.key, self.salt = key, salt
        self.cipher, self.auth, self.session_salt = self.derive(0, 16), self.derive(1, 20), self.derive(2, 14)
        self.inline = base64.b64encode(key + salt).decode()

    @staticmethod
    def counter(key, iv, data):
        return subprocess.run(["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", iv.hex()], input=data, stdout=subprocess.PIPE, check=True).stdout

    def derive(self, label, size):
        x = int.from_bytes(self.salt, "big") ^ (label << 48)
        return self.counter(self.key, (x << 16).to_bytes(16, "big"), bytes(size))

    def protect(self, packet):
        sequence, ssrc = struct.unpack(">H", packet[2:4])[0], struct.unpack(">I", packet[8:12])[0]
        iv = ((int.from_bytes(self.session_salt, "big") << 16) ^ (ssrc << 64) ^ (sequence << 16)).to_bytes(16, "big")
        packet = packet[:12] + self.counter(self.cipher, iv, packet[12:])
        return packet + hmac.new(self.auth, packet + struct.pack(">I", 0), hashlib.sha1).digest()[:10]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("out")
    parser.add_argument("--caller", required=True)
    parser.add_argument("--callee")
    a = parser.parse_args()
    sound = mulaw(a.caller)
    end = START + BEGIN + len(sound) // 160 * 20_000 + 100_000
    if a.kind in ("tcp", "tcp-cut"):
        calls = invite(START, sdp(LEFT, 96, "PCMU/8000"), sdp(RIGHT, 96, "PCMU/8000")) + [bye(end)]
        rows = over_tcp(calls, a.kind == "tcp-cut") + over_udp(leg(sound, LEFT, RIGHT, 0xaaaa0001, 96))
    elif a.kind == "srtp":
        srtp = Srtp(bytes(range(16)), bytes(range(100, 114)))
        crypto = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{srtp.inline}\r\n"
        calls = invite(START, sdp(LEFT, 0, "PCMU/8000", "RTP/SAVP", crypto), sdp(RIGHT, 0, "PCMU/8000", "RTP/SAVP", crypto)) + [bye(end)]
        packets = [(at, x, y, srtp.protect(p)) for at, x, y, p in leg(sound, LEFT, RIGHT, 0xaaaa0001)]
        rows = over_udp(calls + packets)
    elif a.kind == "hold":
        left, right = leg(sound, LEFT, RIGHT, 0xaaaa0001), leg(mulaw(a.callee), RIGHT, LEFT, 0xbbbb0002)
        half = len(left) // 2
        left[half:] = [(at + 3_000_000, x, y, p) for at, x, y, p in left[half:]]
        rows = over_udp(invite(START, sdp(LEFT, 0, "PCMU/8000"), sdp(RIGHT, 0, "PCMU/8000")) + left + right + [bye(end + 3_000_000)])
    elif a.kind == "middle":
        tagged = lambda first, body="", cseq="7 INVITE": sip(first, body, cseq).replace(
            b"To: <sip:100@10.0.0.2>\r\n", b"To: <sip:100@10.0.0.2>;tag=b\r\n").replace(b'"Alice"', b'"J\xfcrgen"')
        swapped = tagged("BYE sip:alice@10.0.0.1 SIP/2.0", cseq="1 BYE").replace(
            b'From: "J\xfcrgen" <sip:alice@10.0.0.1>;tag=a', b"From: <sip:100@10.0.0.2>;tag=b").replace(
            b"To: <sip:100@10.0.0.2>;tag=b", b"To: <sip:alice@10.0.0.1>;tag=a")
        rows = leg(sound, LEFT, RIGHT, 0xaaaa0001) + leg(mulaw(a.callee)[:len(sound)], RIGHT, LEFT, 0xbbbb0002)
        rows += [(START + BEGIN + 500_000, CALLER, CALLEE, tagged("INVITE sip:100@10.0.0.2 SIP/2.0", sdp(LEFT, 0, "PCMU/8000"))),
                 (START + BEGIN + 510_000, CALLEE, CALLER, tagged("SIP/2.0 200 OK", sdp(RIGHT, 0, "PCMU/8000"))),
                 (end, CALLEE, CALLER, swapped)]
        rows += [(START, CALLER, CALLEE, sip("REGISTER sip:10.0.0.2 SIP/2.0", cseq="1 REGISTER").replace(b"call-1@test", b"reg@test"))]
        rows += leg(sound, ("10.0.0.3", 6000), ("10.0.0.4", 6002), 0xcccc0003, 98)
        rr = struct.pack(">BBHI", 0x81, 201, 7, 0xbbbb0002) + struct.pack(">IIIIII", 0xaaaa0001, 0, 0, 0, 0, 0)
        rows += [(end - 1000, ("10.0.0.2", 50001), ("10.0.0.1", 40001), rr), (end - 1000, ("10.0.0.4", 6003), ("10.0.0.3", 6001), rr[:4] + bytes(4) + b"\xcc\xcc\0\3" + rr[12:])]
        rows = over_udp(rows)
    elif a.kind == "jump":
        rows = invite(START, sdp(LEFT, 0, "PCMU/8000"), sdp(RIGHT, 0, "PCMU/8000"))
        rows += leg(sound, LEFT, RIGHT, 0xaaaa0001) + leg(mulaw(a.callee)[:len(sound)], RIGHT, LEFT, 0xbbbb0002)
        middle = START + BEGIN + len(sound) // 320 * 20_000
        rows = over_udp([(at + (31_536_000_000_000 if at >= middle else 0), x, y, p) for at, x, y, p in rows])
    elif a.kind == "payload-types":
        later = end - START + 10_000_000
        calls = (invite(START, sdp(LEFT, 97, "PCMU/8000"), sdp(RIGHT, 97, "PCMU/8000")) + [bye(end)] +
                 invite(START + later, sdp(LEFT, 97, "G722/8000"), sdp(RIGHT, 97, "G722/8000"), 2) + [bye(end + later, 2)])
        rows = over_udp(calls + leg(sound, LEFT, RIGHT, 0xaaaa0001, 97) +
                        leg(g722(a.caller), LEFT, RIGHT, 0xaaaa0002, 97, START + later + BEGIN))
    elif a.kind == "g722-16000":
        rows = over_udp(invite(START, sdp(LEFT, 96, "G722/16000"), sdp(RIGHT, 96, "G722/16000")) +
                        leg(g722(a.caller), LEFT, RIGHT, 0xaaaa0001, 96) + [bye(end)])
    elif a.kind == "nat":
        inside = ("192.168.1.5", 7000)
        rows = over_udp(invite(START, sdp(inside, 96, "PCMU/8000"), sdp(inside, 96, "PCMU/8000")) +
                        leg(sound, LEFT, RIGHT, 0xaaaa0001, 96) + [bye(end)])
    elif a.kind == "mgcp":
        message = ("200 1200 OK\r\nI: FDE234C8\r\n\r\n" + sdp(RIGHT, 96, "PCMU/8000")).encode()
        rows = over_udp([(START, ("10.0.0.9", 2427), ("10.0.0.8", 2727), message)] + leg(sound, LEFT, RIGHT, 0xaaaa0001, 96))
    else:
        rows = over_udp(leg(sound, LEFT, RIGHT, 0xaaaa0001))
    rows.sort(key=lambda row: row[0])
    write(a.out, rows)
    if a.kind == "damaged":
        with open(a.out, "r+b") as out:
            out.seek(24 + 90 * (16 + 14 + 28 + 12 + 160) + 8)
            out.write(b"\xff" * 8)


if __name__ == "__main__":
    main()
