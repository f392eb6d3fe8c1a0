#!/usr/bin/python3
"""How punctual the packets of an RTP stream were, from the pcap that talky-sipd keeps of a call.

    arrivals.py CALL.pcap --to PORT [--slack MS]      one line of key=value: the stream with most packets to that port;
                                                      begin_ms is its first packet's time since the first of the file
    arrivals.py CALL.pcap --from PORT --extract OUT.wav   the audio of the stream from that port, by its timestamps
    arrivals.py CALL.pcap --echo PORT   ms from a packet to that port until what it said left from there: the
                                                      quickest one of the first second
    arrivals.py CALL.pcap --sip                       the SIP messages: milliseconds since the first, and their first lines

A packet is late if it came more than --slack (10 ms) after the time that the fastest packet of its stream predicts from its
timestamp. A jitter buffer that begins with 12 ms must play every packet that is not late; so where a recording is not
whole, this says whether the sender can be to blame. A gap is a jump of the timestamps without a lost packet: its sender
was silent meanwhile. Standard library and numpy; mu-law and A-law; classic pcap.
"""
import argparse
import bisect
import collections
import struct
import sys

import numpy

from audio import locate, write_wav
from sip_client import mulaw_decode

HEADERS = {1: 14, 101: 0, 113: 16, 0: 4}  # bytes of the link layer


def packets(path):
    """(seconds, source port, destination port, payload) of each UDP datagram."""
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    scale = {0xa1b2c3d4: 1e6, 0xa1b23c4d: 1e9}[magic]
    skip = HEADERS[struct.unpack_from("<I", data, 20)[0]]
    at = 24
    while at + 16 <= len(data):
        seconds, part, size, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 + skip:at + 16 + size]
        at += 16 + size
        if frame[0] >> 4 == 4 and frame[9] == 17:
            udp = frame[(frame[0] & 15) * 4:]
        elif frame[0] >> 4 == 6 and frame[6] == 17:
            udp = frame[40:]
        else:
            continue
        source, target = struct.unpack_from(">HH", udp)
        yield seconds + part / scale, source, target, udp[8:]


def stream(path, wanted):
    """[(seconds, sequence, timestamp, payload type, payload)] of the longest stream of RTP among the wanted datagrams."""
    streams = collections.defaultdict(list)
    for at, source, target, data in packets(path):
        if len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 0x7f <= 95 or not wanted(source, target):
            continue
        _, kind, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
        streams[ssrc].append((at, sequence, timestamp, kind & 0x7f, data[12 + 4 * (data[0] & 15):]))
    if not streams:
        sys.exit(f"{path}: no such stream")
    return max(streams.values(), key=len)


def sip(path):
    """[(seconds, first line, CSeq)] of the SIP messages, over UDP."""
    out = []
    for at, _, _, data in packets(path):
        if not data[:1].isalpha() or b"SIP/2.0" not in data[:400]:
            continue
        lines = data.decode("utf-8", "replace").split("\r\n")
        cseq = next((line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("cseq:")), "")
        out.append((at, lines[0], cseq))
    return out


def signed(difference, bits):
    difference &= (1 << bits) - 1
    return difference - (1 << bits) if difference >> (bits - 1) else difference


def punctuality(rows, slack, begin):
    rows = [row for row in rows if row[3] in (0, 8)]
    first = rows[0]
    transit = [(at - first[0]) * 1000 - signed(timestamp - first[2], 32) / 8 for at, _, timestamp, _, _ in rows]
    late = sum(one - min(transit) > slack for one in transit)
    seen = {signed(row[1] - first[1], 16): row for row in rows}
    lost = max(seen) - min(seen) + 1 - len(seen)
    gaps = sum(number + 1 in seen and signed(seen[number + 1][2] - row[2], 32) != len(row[4]) for number, row in seen.items())
    print(f"packets={len(rows)} lost={lost} late={late} gaps={gaps} begin_ms={(first[0] - begin) * 1000:.0f} "
          f"worst_ms={max(transit) - min(transit):.1f}")


def heard(rows):
    """What a listener without a jitter buffer would hear: each packet at the place of its timestamp; and these places."""
    rows = [row for row in rows if row[3] == 0]
    start = min((row[2] for row in rows), key=lambda ts: signed(ts - rows[0][2], 32))
    end = max(signed(row[2] - start, 32) + len(row[4]) for row in rows)
    pcm = numpy.zeros(end)
    for row in rows:
        at = signed(row[2] - start, 32)
        pcm[at:at + len(row[4])] = mulaw_decode(row[4]) / 32768
    return pcm, [(signed(row[2] - start, 32), row[0]) for row in rows]


def extract(rows, out):
    write_wav(out, heard(rows)[0], 8000)


def echo(came, left):
    """Milliseconds from when a packet came to when its sound left: of the quickest one of the first second of sound."""
    (said, came), (back, left) = heard(came), heard(left)
    begin = int(numpy.nonzero(said)[0][0])  # its first second: a hole further on shifts what comes behind
    lag, _, corr, _, _ = locate(said[begin:begin + 8000], back)
    if corr < 0.5:
        sys.exit(f"this is no echo: {corr:.3f}")
    lag -= begin
    came = sorted(came)
    starts = [at for at, _ in came]
    delays = []
    for at, time in left:
        if not begin <= at - lag < begin + 8000:
            continue
        index = bisect.bisect_right(starts, at - lag) - 1
        if index >= 0 and at - lag < starts[index] + 160:
            delays.append((time - came[index][1]) * 1000)
    return min(delays)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pcap")
    parser.add_argument("--to", type=int)
    parser.add_argument("--from", type=int, dest="source")
    parser.add_argument("--slack", type=float, default=10)
    parser.add_argument("--extract")
    parser.add_argument("--echo", type=int)
    parser.add_argument("--sip", action="store_true")
    a = parser.parse_args()
    if a.sip:
        messages = sip(a.pcap)
        for at, line, cseq in messages:
            print(f"{(at - messages[0][0]) * 1000:.1f}\t{line}\t{cseq}")
        return
    if a.echo:
        came, left = (stream(a.pcap, lambda *ports, side=side: ports[side] == a.echo) for side in (1, 0))
        print(f"{echo(came, left):.1f}")
        return
    rows = stream(a.pcap, lambda source, target: a.to in (None, target) and a.source in (None, source))
    if a.extract:
        extract(rows, a.extract)
    else:
        punctuality(rows, a.slack, next(packets(a.pcap))[0])


if __name__ == "__main__":
    main()
