#!/usr/bin/python3
"""Makes captures for the tests.

    capture.py streams OUT.pcap [--packets N] [--streams N] [--clean] [--link ethernet|raw|sll|null]
    capture.py call OUT.pcap --caller A.wav --callee B.wav [--shuffle]     SIP, both legs, DTMF, RTCP, and other traffic
    capture.py noise OUT.pcap                                             nothing but DNS, STUN, QUIC, RTCP and chance

One seed: the same bytes each time. WAVs are 8 kHz, mono, 16 bits.
"""
import argparse
import random
import struct
import subprocess

from audio import read_wav

LINKS = {"ethernet": 1, "raw": 101, "sll": 113, "null": 0}
START = 1_700_000_000_000_000


def ip4(a):
    return bytes(int(x) for x in a.split("."))


def udp(source, target, payload):
    data = struct.pack(">HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0x4000, 64, 17, 0, ip4(source[0]), ip4(target[0])) + data


def rtp(pt, seq, ts, ssrc, payload, marker=False):
    return struct.pack(">BBHII", 0x80, pt | (0x80 if marker else 0), seq & 0xffff, ts & 0xffffffff, ssrc) + payload


def write(path, rows, link="ethernet"):
    head = {"ethernet": bytes(12) + b"\x08\x00", "raw": b"", "sll": bytes(14) + b"\x08\x00", "null": b"\x02\0\0\0"}[link]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKS[link]))
        for time, packet in rows:
            out.write(struct.pack("<IIII", time // 1_000_000, time % 1_000_000, len(head + packet), len(head + packet)) + head + packet)


def streams(a):
    rng = random.Random(5)
    state = [dict(seq=rng.randrange(65536), ts=rng.getrandbits(32), ssrc=rng.getrandbits(32), at=START + i * 397,
                  a=("10.0.0.1", 10000 + 2 * i), b=("10.0.0.2", 20000 + 2 * i)) for i in range(a.streams)]
    payload = bytes(rng.getrandbits(8) for _ in range(160))
    rows = []
    while len(rows) < a.packets:
        for s in state:
            at, chance = s["at"] + rng.randrange(0, 3000), rng.random()
            seq, ts = s["seq"], s["ts"]
            s["at"] += 20000
            s["seq"] = (seq + 1) & 0xffff
            s["ts"] = (ts + 160) & 0xffffffff
            if not a.clean:
                if chance < .01:
                    continue
                if chance < .02:
                    at += 45000
            packet = udp(s["a"], s["b"], rtp(0, seq, ts, s["ssrc"], payload))
            rows.append((at, packet))
            if not a.clean and .02 <= chance < .025:
                rows.append((at + 300, packet))
    rows.sort(key=lambda row: row[0])
    write(a.out, rows[:a.packets], a.link)


def mulaw(path):
    """The codes of a WAV, as sox makes them."""
    return subprocess.run(["sox", "-D", path, "-t", "ul", "-r", "8000", "-"], check=True, stdout=subprocess.PIPE).stdout


def sip(first, sdp="", cseq="1 INVITE"):
    head = [first, "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKabc", "From: \"Alice\" <sip:alice@10.0.0.1>;tag=a",
            "To: <sip:100@10.0.0.2>" + ("" if first.startswith("INVITE") else ";tag=b"), "Call-ID: call-1@test", "CSeq: " + cseq,
            "Contact: <sip:alice@10.0.0.1>"]
    if sdp:
        head.append("Content-Type: application/sdp")
    head.append(f"Content-Length: {len(sdp)}")
    return ("\r\n".join(head) + "\r\n\r\n" + sdp).encode()


def sdp_text(host, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n")


def noise_rows(rng):
    rows = []
    for i in range(400):
        at = START + i * 17_000
        client, server = ("10.0.0.7", 40000 + i % 5), ("10.0.0.53", 53)
        # DNS whose identifiers begin with the bits of RTP's version.
        dns = struct.pack(">HHHHHH", 0x8000 | (i & 0x0fff), 0x0100, 1, 0, 0, 0) + b"\x07example\x03com\0\0\1\0\1"
        rows.append((at, udp(client, server, dns)))
        stun = struct.pack(">HHI", 1, 0, 0x2112a442) + bytes(rng.getrandbits(8) for _ in range(12))
        rows.append((at + 1, udp(client, ("10.0.0.9", 3478), stun)))
        quic = bytes([0x40 | rng.getrandbits(6)]) + bytes(rng.getrandbits(8) for _ in range(1000))
        rows.append((at + 2, udp(client, ("10.0.0.10", 443), quic)))
        rtcp = struct.pack(">BBHI", 0x80, 200, 6, 0x1234) + bytes(20)
        rows.append((at + 3, udp(client, ("10.0.0.11", 40001), rtcp)))
        chance = bytes([0x80 | rng.getrandbits(6) & 0x3f]) + bytes(rng.getrandbits(8) for _ in range(171))
        rows.append((at + 4, udp(client, ("10.0.0.12", 9999), chance)))
    return rows


def noise(a):
    write(a.out, noise_rows(random.Random(7)))


def call(a):
    rng = random.Random(3)
    caller, callee = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
    left, right = ("10.0.0.1", 40000), ("10.0.0.2", 50000)
    at = START
    rows = noise_rows(rng)
    rows += [(at, udp(caller, callee, sip("INVITE sip:100@10.0.0.2 SIP/2.0", sdp_text(*left)))),
             (at + 1_000, udp(callee, caller, sip("SIP/2.0 100 Trying"))),
             (at + 50_000, udp(callee, caller, sip("SIP/2.0 180 Ringing"))),
             (at + 200_000, udp(callee, caller, sip("SIP/2.0 200 OK", sdp_text(*right)))),
             (at + 210_000, udp(caller, callee, sip("ACK sip:100@10.0.0.2 SIP/2.0", cseq="1 ACK")))]
    last = at
    for path, a_side, b_side, ssrc, begin in ((a.caller, left, right, 0xaaaa0001, 300_000), (a.callee, right, left, 0xbbbb0002, 400_000)):
        data = mulaw(path)
        packets = []
        for i in range(0, len(data) // 160):
            packets.append((at + begin + i * 20_000, udp(a_side, b_side, rtp(0, 65530 + i, 4294960000 + i * 160, ssrc, data[i * 160:i * 160 + 160], i == 0))))
        if a.shuffle:  # neighbours change places, some come twice
            for i in range(5, len(packets) - 1, 7):
                packets[i], packets[i + 1] = (packets[i][0], packets[i + 1][1]), (packets[i + 1][0], packets[i][1])
            packets += [(t + 500, p) for t, p in packets[3::11]]
        rows += packets
        last = max(last, packets[-1][0])
    # The caller presses 4 and #: three packets while it lasts, three at its end.
    seq = 65530 + len(mulaw(a.caller)) // 160
    for digit, when in ((4, 600_000), (11, 900_000)):
        ts = 4294960000 + seq * 160  # of its beginning, in all its packets
        for n, (duration, end) in enumerate([(160, 0), (320, 0), (480, 0), (800, 1), (800, 1), (800, 1)]):
            event = struct.pack(">BBH", digit, 0x80 * end | 10, duration)
            rows.append((last + when + n * 20_000, udp(left, right, rtp(101, seq, ts, 0xaaaa0001, event, n == 0))))
            seq += 1
    rows += [(last + 2_000_000, udp(caller, callee, sip("BYE sip:100@10.0.0.2 SIP/2.0", cseq="2 BYE"))),
             (last + 2_010_000, udp(callee, caller, sip("SIP/2.0 200 OK", cseq="2 BYE")))]
    rows.sort(key=lambda row: row[0])
    write(a.out, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("streams")
    p.add_argument("out")
    p.add_argument("--packets", type=int, default=3000)
    p.add_argument("--streams", type=int, default=3)
    p.add_argument("--clean", action="store_true")
    p.add_argument("--link", choices=LINKS, default="ethernet")
    p.set_defaults(run=streams)
    p = commands.add_parser("call")
    p.add_argument("out")
    p.add_argument("--caller", required=True)
    p.add_argument("--callee", required=True)
    p.add_argument("--shuffle", action="store_true")
    p.set_defaults(run=call)
    p = commands.add_parser("noise")
    p.add_argument("out")
    p.set_defaults(run=noise)
    a = parser.parse_args()
    a.run(a)


if __name__ == "__main__":
    main()
