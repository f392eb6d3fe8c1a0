#!/usr/bin/python3
"""Captures of one RTP stream each that went through something, for talky-rtpdump beside tshark.

    rtp_scenarios.py list
    rtp_scenarios.py NAME OUT.pcap

One seed: the same bytes each time.
"""
import random
import sys

from capture import START, rtp, udp, write

A, B = ("10.1.0.1", 10000), ("10.1.0.2", 20000)
RNG = random.Random(20)


class Sender:
    """Packets every 20 ms with a little jitter; the scenarios leave out, double and move them."""

    def __init__(self, seq=1000, ts=5000, ssrc=0x11111111, pt=0, a=A, b=B, start=START, step=160, bytes_=160, every=20_000):
        self.__dict__.update(seq=seq, ts=ts, ssrc=ssrc, pt=pt, a=a, b=b, at=start, step=step, bytes=bytes_, every=every)
        self.rows = []

    def send(self, late=0, marker=False, pt=None, payload=None, jitter=3000):
        at = self.at + (RNG.randrange(jitter) if jitter else 0) + late
        body = bytes(RNG.getrandbits(8) for _ in range(self.bytes)) if payload is None else payload
        packet = rtp(self.pt if pt is None else pt, self.seq, self.ts, self.ssrc, body, marker)
        self.rows.append((at, udp(self.a, self.b, packet)))
        self.skip()
        return at, packet

    def skip(self, count=1):
        """Packets that are never seen."""
        self.seq = (self.seq + count) & 0xffff
        self.ts = (self.ts + count * self.step) & 0xffffffff
        self.at += count * self.every

    def silence(self, count):
        """Time in which nothing is sent: the timestamp goes on, the sequence does not."""
        self.ts = (self.ts + count * self.step) & 0xffffffff
        self.at += count * self.every

    def run(self, count, **kwargs):
        for _ in range(count):
            self.send(**kwargs)
        return self


def clean():
    return Sender().run(500).rows


def exact():
    return Sender().run(500, jitter=0).rows


def loss():
    s = Sender()
    for i in range(1500):
        s.skip() if RNG.random() < .03 else s.send()
    s.send()
    return s.rows


def bursts():
    s = Sender()
    for _ in range(20):
        s.run(40)
        s.skip(RNG.randrange(2, 12))
    s.run(5)
    return s.rows


def reorder():
    s = Sender()
    for i in range(1000):
        s.send(late=45_000 if i % 37 == 5 else 0)
    return s.rows


def duplicates():
    s = Sender()
    for i in range(1000):
        s.send()
        if i % 50 == 9:
            s.rows.append((s.rows[-1][0] + 400, s.rows[-1][1]))
    s.skip(60)  # more losses than duplicates: tshark shows a negative loss as 0
    return s.run(10).rows


def jitter():
    return Sender().run(1000, jitter=60_000).rows


def late_burst():
    s = Sender().run(100)
    for i in range(25):  # a stall of half a second, then all at once
        s.send(late=500_000 - i * 19_900, jitter=0)
    return s.run(200).rows


def sequence_wrap():
    return Sender(seq=65_300).run(600).rows


def sequence_wrap_loss():
    s = Sender(seq=65_500)
    for i in range(300):
        s.skip() if i % 10 == 3 else s.send()
    s.send()
    return s.rows


def timestamp_wrap():
    return Sender(ts=0xffffffff - 160 * 100).run(400).rows


def ssrc_change():
    s = Sender().run(200)
    t = Sender(seq=7, ts=9, ssrc=0x22222222, start=s.at).run(200)
    return s.rows + t.rows


def several():
    rows = []
    for i in range(8):
        s = Sender(seq=i * 9000, ts=i * 500_000_000, ssrc=0x30000000 + i, pt=(0, 8, 9, 3)[i % 4], a=("10.1.0.1", 10000 + 2 * i),
                   start=START + i * 1234)
        for _ in range(400):
            s.skip() if RNG.random() < .01 else s.send()
        s.send()
        rows += s.rows
    return rows


def markers():
    s = Sender()
    for _ in range(10):
        s.send(marker=True)
        s.run(40)
        s.silence(RNG.randrange(10, 60))
    return s.rows


def comfort_noise():
    s = Sender()
    for _ in range(10):
        s.send(marker=True)
        s.run(30)
        s.send(pt=13, payload=b"\x40")
        s.silence(20)
        s.send(pt=13, payload=b"\x3c")
        s.silence(15)
    s.send(marker=True)
    return s.run(10).rows


def packet_time():
    s = Sender().run(200)
    s.step, s.bytes, s.every = 320, 320, 40_000
    return s.run(200).rows


def wideband():
    return Sender(pt=9).run(300).rows


def ipv4_many_losses():
    s = Sender()
    for i in range(600):
        s.skip() if RNG.random() < .3 else s.send()
    s.send()
    return s.rows


SCENARIOS = [clean, exact, loss, bursts, reorder, duplicates, jitter, late_burst, sequence_wrap, sequence_wrap_loss, timestamp_wrap, ssrc_change,
             several, markers, comfort_noise, packet_time, wideband, ipv4_many_losses]


def main():
    if sys.argv[1:] == ["list"]:
        print("\n".join(f.__name__ for f in SCENARIOS))
        return
    name, out = sys.argv[1:]
    rows = {f.__name__: f for f in SCENARIOS}[name]()
    rows.sort(key=lambda row: row[0])
    write(out, rows)


if __name__ == "__main__":
    main()
