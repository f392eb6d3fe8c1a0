#!/usr/bin/python3
"""One short call, in what captures have around IP: encapsulations.py KIND OUT, or `list` for the kinds, a line each.

SIP (INVITE with SDP to BYE), and 50 RTP packets each way: SSRC 0xaaaa0001 and 0xbbbb0002.
Kinds that no tool can read, for what is said of them: `encapsulations.py unread`.
"""
import struct
import sys

from capture import START, ip4, rtp, sdp_text, sip, udp

CALLER, CALLEE = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
LEFT, RIGHT = ("10.0.0.1", 40000), ("10.0.0.2", 50000)
MACS = b"\x02\0\0\0\0\2\x02\0\0\0\0\1"


def call():
    """(microseconds, source, target, payload) of each packet."""
    rows = [(0, CALLER, CALLEE, sip("INVITE sip:100@10.0.0.2 SIP/2.0", sdp_text(*LEFT))),
            (100_000, CALLEE, CALLER, sip("SIP/2.0 200 OK", sdp_text(*RIGHT))),
            (110_000, CALLER, CALLEE, sip("ACK sip:100@10.0.0.2 SIP/2.0", cseq="1 ACK")),
            (1_500_000, CALLER, CALLEE, sip("BYE sip:100@10.0.0.2 SIP/2.0", cseq="2 BYE")),
            (1_510_000, CALLEE, CALLER, sip("SIP/2.0 200 OK", cseq="2 BYE"))]
    for a, b, ssrc, begin in ((LEFT, RIGHT, 0xaaaa0001, 200_000), (RIGHT, LEFT, 0xbbbb0002, 205_000)):
        rows += [(begin + i * 20_000, a, b, rtp(0, 1000 + i, 8000 + i * 160, ssrc, bytes((i * 7 + k) & 0xff for k in range(160)), i == 0))
                 for i in range(50)]
    return sorted(rows, key=lambda row: row[0])


def packets():
    return [(START + at, udp(a, b, data)) for at, a, b, data in call()]


def ethernet(packet, kind=0x0800):
    return MACS + struct.pack(">H", kind) + packet


def outer(protocol, data, flags=0x4000):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 7, flags, 64, protocol, 0, ip4("192.0.2.1"), ip4("192.0.2.2")) + data


def outer6(protocol, data, options=b""):
    return struct.pack(">IHBB", 0x60000000, len(options + data), protocol, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + options + data


def outer_udp(port, data):
    return outer(17, struct.pack(">HHHH", 49152, port, 8 + len(data), 0) + data)


def mpls(*labels):
    return b"".join(struct.pack(">I", label << 12 | (0x100 if i == len(labels) - 1 else 0) | 64) for i, label in enumerate(labels))


def hep(at, source, target, data, protocol):
    chunk = lambda kind, value: struct.pack(">HHH", 0, kind, 6 + len(value)) + value
    body = (chunk(1, b"\2") + chunk(2, b"\x11") + chunk(3, ip4(source[0])) + chunk(4, ip4(target[0])) +
            chunk(7, struct.pack(">H", source[1])) + chunk(8, struct.pack(">H", target[1])) +
            chunk(9, struct.pack(">I", at // 1_000_000)) + chunk(10, struct.pack(">I", at % 1_000_000)) +
            chunk(11, bytes([protocol])) + chunk(12, struct.pack(">I", 2001)) + chunk(15, data))
    return outer_udp(9060, b"HEP3" + struct.pack(">H", 6 + len(body)) + body)


SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"
WIFI = b"\x08\x01\0\0" + bytes(18) + b"\x10\0"
GRE_ERSPAN = struct.pack(">HHI", 0x1000, 0x88be, 1)
RADIOTAP_PADDED = b"\0\0\x11\0\x03\0\0\0" + bytes(8) + b"\x20"  # a time stamp; flags: the header behind is padded

# name: (link type, a frame of an IP packet)
FRAMES = {
    "ethernet": (1, ethernet),
    "ethernet-padded": (1, lambda p: ethernet(p) + bytes(12)),
    "vlan": (1, lambda p: ethernet(struct.pack(">HH", 7, 0x0800) + p, 0x8100)),
    "qinq": (1, lambda p: ethernet(struct.pack(">HHHH", 7, 0x8100, 8, 0x0800) + p, 0x88a8)),
    "llc-snap": (1, lambda p: MACS + struct.pack(">H", len(SNAP + p)) + SNAP + p),
    "provider-bridge": (1, lambda p: ethernet(b"\0\0\0\7" + ethernet(p), 0x88e7)),
    "mpls": (1, lambda p: ethernet(mpls(16, 17) + p, 0x8847)),
    "mpls-pseudowire": (1, lambda p: ethernet(mpls(16) + bytes(4) + ethernet(p), 0x8847)),
    "pppoe": (1, lambda p: ethernet(struct.pack(">BBHHH", 0x11, 0, 5, len(p) + 2, 0x0021) + p, 0x8864)),
    "null": (0, lambda p: b"\2\0\0\0" + p),
    "loop": (108, lambda p: b"\0\0\0\2" + p),
    "raw": (101, lambda p: p),
    "raw-12": (12, lambda p: p),
    "ipv4-link": (228, lambda p: p),
    "ppp": (9, lambda p: b"\xff\x03\0\x21" + p),
    "ppp-short": (9, lambda p: b"\x21" + p),
    "ppp-serial": (50, lambda p: b"\xff\x03\0\x21" + p),
    "ppp-direction": (204, lambda p: b"\1\xff\x03\0\x21" + p),
    "cisco-hdlc": (104, lambda p: b"\x0f\0\x08\0" + p),
    "frame-relay": (107, lambda p: b"\x18\x41\x03\xcc" + p),
    "cooked": (113, lambda p: b"\0\0\0\1\0\6" + bytes(8) + b"\x08\0" + p),
    "cooked-2": (276, lambda p: b"\x08\0\0\0\0\0\0\2\0\1\0\6" + bytes(8) + p),
    "nflog": (239, lambda p: b"\2\0\0\5" + struct.pack("<HHI", 8, 5, 0) + struct.pack("<HH", 4 + len(p), 9) + p),
    "wifi": (105, lambda p: WIFI + SNAP + p),
    "wifi-qos": (105, lambda p: b"\x88" + WIFI[1:] + b"\0\0" + SNAP + p),
    "radiotap": (127, lambda p: b"\0\0\x08\0\0\0\0\0" + WIFI + SNAP + p),
    "radiotap-padded": (127, lambda p: RADIOTAP_PADDED + b"\x88" + WIFI[1:] + b"\0\0" + b"\0\0" + SNAP + p),
    "ppi": (192, lambda p: struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(p)),
    "gre": (1, lambda p: ethernet(outer(47, b"\0\0\x08\0" + p))),
    "gre-key": (1, lambda p: ethernet(outer(47, struct.pack(">HHHHII", 0xb000, 0x0800, 0, 0, 42, 1) + p))),
    "gre-pptp": (1, lambda p: ethernet(outer(47, struct.pack(">HHHHII", 0x3081, 0x880b, len(p) + 4, 1, 1, 1) + b"\xff\x03\0\x21" + p))),
    "gre-bridged": (1, lambda p: ethernet(outer(47, b"\0\0\x65\x58" + ethernet(p)))),
    "erspan-1": (1, lambda p: ethernet(outer(47, b"\0\0\x88\xbe" + ethernet(p)))),
    "erspan-2": (1, lambda p: ethernet(outer(47, GRE_ERSPAN + b"\x10\1\0\1\0\0\0\0" + ethernet(p)))),
    "erspan-3": (1, lambda p: ethernet(outer(47, struct.pack(">HHI", 0x1000, 0x22eb, 1) + b"\x20\1\0\1" + bytes(8) + ethernet(p)))),
    "ip-in-ip": (1, lambda p: ethernet(outer(4, p))),
    "6in4-gre": (1, lambda p: ethernet(outer(41, outer6(47, b"\0\0\x08\0" + p)))),
    "4in6-options": (1, lambda p: ethernet(outer6(60, p, b"\4\0\1\4\0\0\0\0"), 0x86dd)),
    "etherip": (1, lambda p: ethernet(outer(97, b"\x30\0" + ethernet(p)))),
    "mpls-in-ip": (1, lambda p: ethernet(outer(137, mpls(16) + p))),
    "ah": (1, lambda p: ethernet(outer(51, struct.pack(">BBHII", 4, 4, 0, 1, 1) + bytes(12) + p))),
    "vxlan": (1, lambda p: ethernet(outer_udp(4789, b"\x08\0\0\0\0\0\x2a\0" + ethernet(p)))),
    "vxlan-gpe": (1, lambda p: ethernet(outer_udp(4790, b"\x0c\0\0\1\0\0\x2a\0" + p))),
    "geneve": (1, lambda p: ethernet(outer_udp(6081, b"\1\0\x65\x58\0\0\x2a\0" + b"\1\2\3\0" + ethernet(p)))),
    "gtp-u": (1, lambda p: ethernet(outer_udp(2152, struct.pack(">BBHI", 0x30, 255, len(p), 7) + p))),
    "gtp-u-5g": (1, lambda p: ethernet(outer_udp(2152, struct.pack(">BBHIHBB", 0x34, 255, len(p) + 8, 7, 0, 0, 0x85) + b"\1\0\1\0" + p))),
    "l2tp": (1, lambda p: ethernet(outer_udp(1701, struct.pack(">HHHH", 0x4002, len(p) + 12, 1, 1) + b"\xff\x03\0\x21" + p))),
    "tzsp": (1, lambda p: ethernet(outer_udp(37008, b"\1\0\0\1\1" + ethernet(p)))),
    "gre-in-udp": (1, lambda p: ethernet(outer_udp(4754, b"\0\0\x08\0" + p))),
    "mpls-in-udp": (1, lambda p: ethernet(outer_udp(6635, mpls(16) + p))),
    "vlan-vxlan-vlan": (1, lambda p: ethernet(struct.pack(">HH", 7, 0x0800) + outer_udp(
        4789, b"\x08\0\0\0\0\0\x2a\0" + ethernet(struct.pack(">HH", 9, 0x0800) + p, 0x8100)), 0x8100)),
}
UNREAD = {
    "link-type": (147, lambda p: b"\1\2\3" + p),
    "esp": (1, lambda p: ethernet(outer(50, bytes(8) + p))),
    "macsec": (1, lambda p: ethernet(p, 0x88e5)),
    "wifi-encrypted": (105, lambda p: b"\x08\x41" + WIFI[2:] + p),
    "arp": (1, lambda p: ethernet(p, 0x0806)),
}


def pcap(path, link, frames, snap=None):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, snap or 262144, link))
        for at, frame in frames:
            kept = frame[:snap] if snap else frame
            out.write(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(kept), len(frame)) + kept)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def sections(path):
    """A pcapng of two sections in both byte orders; in the first two interfaces whose times have other units, SIP on one, RTP on the other."""
    frames = [(at, p) for at, p in packets()]
    half = len(frames) // 2
    out = b""
    for order, part in (("<", frames[:half]), (">", frames[half:])):
        out += block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
        # 10^-9 s, raw IP; 2^-20 s, Ethernet, an hour behind.
        out += block(order, 1, struct.pack(order + "HHI", 101, 0, 0) + option(order, 9, b"\x09") + option(order, 0, b""))
        out += block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + option(order, 9, b"\x94") +
                     option(order, 14, struct.pack(order + "q", 3600)) + option(order, 0, b""))
        for at, p in part:
            is_sip = b"SIP/2.0" in p
            number = 0 if is_sip else 1
            frame = p if is_sip else ethernet(p)
            ticks = at * 1000 if is_sip else (at - 3600 * 1_000_000) * (1 << 20) // 1_000_000
            if at % 3 == 0 and not is_sip:  # the obsolete packet block
                out += block(order, 2, struct.pack(order + "HHIIII", number, 0, ticks >> 32, ticks & 0xffffffff, len(frame), len(frame)) + frame)
            else:
                out += block(order, 6, struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xffffffff, len(frame), len(frame)) + frame)
        out += block(order, 5, struct.pack(order + "III", 0, 0, 0))  # statistics
    with open(path, "wb") as file:
        file.write(out)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def all_kinds(path):
    """A pcapng with an interface for each kind, named as it is, and the call in it ten seconds behind that of the kind before."""
    out = block("<", 0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    for name, (link, _) in FRAMES.items():
        out += block("<", 1, struct.pack("<HHI", link, 0, 0) + option("<", 2, name.encode()) + option("<", 0, b""))
    for number, (_, frame) in enumerate(FRAMES.values()):
        for at, packet in packets():
            data = frame(packet)
            at += number * 10_000_000
            out += block("<", 6, struct.pack("<IIIII", number, at >> 32, at & 0xffffffff, len(data), len(data)) + data)
    with open(path, "wb") as file:
        file.write(out)


def main():
    kind = sys.argv[1]
    if kind == "list":
        print("\n".join(FRAMES))
        return
    if kind == "unread":
        print("\n".join(UNREAD))
        return
    path = sys.argv[2]
    if kind == "hep":
        rows = [(START + at, ethernet(hep(START + at, a, b, data, 1 if b"SIP/2.0" in data else 34))) for at, a, b, data in call()]
        pcap(path, 1, rows)
    elif kind == "fragments":
        rows = []
        for n, (at, p) in enumerate(packets()):
            body = p[20:]
            head = lambda part, flags: struct.pack(">BBHHH", 0x45, 0, 20 + len(part), n, flags) + p[8:20] + part
            parts = [head(body[:96], 0x2000), head(body[96:], 12)]
            rows += [(at, ethernet(part)) for part in (parts if n % 2 else reversed(parts))]
        pcap(path, 1, rows)
    elif kind == "one-fragment":
        pcap(path, 1, [(START, ethernet(outer(17, bytes(96), 0x2000)))] + [(at, ethernet(p)) for at, p in packets()])
    elif kind == "all":
        all_kinds(path)
    elif kind == "sections":
        sections(path)
    elif kind == "snapped":
        pcap(path, 1, [(at, ethernet(p)) for at, p in packets()], 96)
    elif kind == "twice":  # two interfaces of one machine: every packet is seen 30 us later once more
        pcap(path, 1, sorted([(at, ethernet(p)) for at, p in packets()] + [(at + 30, ethernet(p)) for at, p in packets()]))
    else:
        link, frame = {**FRAMES, **UNREAD}[kind]
        pcap(path, link, [(at, frame(p)) for at, p in packets()])


if __name__ == "__main__":
    main()
