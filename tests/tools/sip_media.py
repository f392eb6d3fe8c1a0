"""The RTP side of a call of sip_client.py: what it says, on a grid of its own, and what it hears."""
import random
import socket
import struct
import time

import numpy

from g711 import RATE, mulaw_decode, mulaw_encode

FRAME = 160  # samples a packet of 20 ms


class Media:
    def __init__(self, family, ip, rtp_port=None, send=None, loop=False, drop=None, ptime=20):
        self.ptime = ptime  # ms in a packet of ours, and what our SDP asks for
        self.frame = ptime * RATE // 1000
        self.rtp = socket.socket(family, socket.SOCK_DGRAM)
        self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.rtp.bind((ip, rtp_port or 0))
        self.rtp.setblocking(False)
        self.direction = "sendrecv"
        self.at = {}  # "invite", "answered", "first_sent", "ended", ... -> time.monotonic()
        self.audio = numpy.zeros(0, dtype=numpy.int16) if send is None else numpy.asarray(send, dtype=numpy.int16)
        self.loop = loop
        self.position = 0
        self.sending = False
        self.next_send = 0.0
        self.seq = random.getrandbits(15)
        self.timestamp = random.getrandbits(31)
        self.ssrc = random.getrandbits(32)
        self.sent = 0
        self.delays = []  # ms from each packet's place on our grid to when it had left
        self.ticks = 0  # of our grid that have passed
        self.checked = self.searched = 0
        self.end_heard = False
        self.first_sent = True
        self.drop = drop or (lambda index: False)
        self.remote_rtp = None
        self.packets = []  # (arrival, seq, timestamp, payload type, marker, ssrc, payload)
        self.digits_left = []

    def dtmf(self, digits, duration_ms=100):
        """RFC 4733, in place of the audio from the next packet on."""
        for digit in digits:
            event = "0123456789*#ABCD".index(digit.upper())
            count = max(1, duration_ms // 20)
            steps = [(event, i == 0, False, (i + 1) * FRAME) for i in range(count)]
            steps += [(event, False, True, count * FRAME)] * 3
            self.digits_left += steps + [None] * 4  # a pause between digits

    def send_packet(self, payload, payload_type=0, marker=False, timestamp=None):
        header = struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | payload_type, self.seq & 0xFFFF,
                             (self.timestamp if timestamp is None else timestamp) & 0xFFFFFFFF, self.ssrc)
        if not self.drop(self.sent):
            try:
                self.rtp.sendto(header + payload, self.remote_rtp)
            except OSError:
                pass  # the other side has closed its port
        self.seq += 1
        self.sent += 1

    def clock(self):
        """Seconds of audio sent, silence and holds included: the time by which this call goes, however late we are."""
        return self.ticks * self.frame / RATE

    def heard(self):
        """Seconds of sound that have come; what was silent because nothing came is not counted."""
        return sum(len(p[6]) for p in self.packets if p[3] == 0) / RATE

    def end_is_heard(self):
        """The last 100 ms of what was said have come back."""
        if self.end_heard:
            return True
        if self.position < len(self.audio) or len(self.packets) < self.checked + 10:
            return False
        self.checked = len(self.packets)
        last = self.audio[-RATE // 10:].astype(float)
        recording = self.recording()
        heard = recording[max(0, self.searched - len(last)):].astype(float)
        if len(heard) < len(last):
            return False
        self.searched = len(recording)
        energy = numpy.convolve(heard * heard, numpy.ones(len(last)), "valid")
        match = numpy.correlate(heard, last, "valid") / numpy.sqrt(numpy.maximum(energy, 1) * numpy.sum(last * last))
        self.end_heard = bool(match.max() > 0.9)
        return self.end_heard

    def play_due(self):
        while self.sending and time.monotonic() >= self.next_send:
            self.at.setdefault("first_sent", time.monotonic())
            step = self.digits_left.pop(0) if self.digits_left else None
            if step:
                event, marker, end, duration = step
                if marker:
                    self.event_start = self.timestamp
                self.send_packet(struct.pack("!BBH", event, (0x80 if end else 0) | 10, duration), 101, marker,
                                 self.event_start)
            elif self.direction in ("sendrecv", "sendonly"):
                chunk = self.audio[self.position:self.position + self.frame]
                self.position += self.frame
                if self.loop and self.position >= len(self.audio):
                    self.position = 0
                chunk = numpy.pad(chunk, (0, self.frame - len(chunk)))
                self.send_packet(mulaw_encode(chunk), 0, self.first_sent)
                self.first_sent = False
            self.delays.append((time.monotonic() - self.next_send) * 1000)
            self.ticks += 1
            self.timestamp += self.frame
            self.next_send += self.frame / RATE

    def receive_rtp(self):
        while True:
            try:
                data = self.rtp.recv(4096)
            except (BlockingIOError, ConnectionRefusedError):
                return
            arrival = time.monotonic()
            if len(data) < 12 or data[0] >> 6 != 2:
                continue
            _, second, seq, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
            self.packets.append((arrival, seq, timestamp, second & 0x7F, bool(second & 0x80), ssrc, data[12:]))

    def recording(self):
        """What was heard, laid out by RTP time stamps: sample 0 is that of the first packet."""
        audio = [p for p in self.packets if p[3] == 0]
        if not audio:
            return numpy.zeros(0, dtype=numpy.int16)
        base = audio[0][2]
        offset = lambda p: (p[2] - base + 2**31) % 2**32 - 2**31
        out = numpy.zeros(max(offset(p) + len(p[6]) for p in audio), dtype=numpy.int16)
        for p in audio:
            if offset(p) >= 0:
                out[offset(p):offset(p) + len(p[6])] = mulaw_decode(p[6])
        return out

    def received_digits(self):
        digits, last = "", None
        for _, _, timestamp, payload_type, _, _, payload in self.packets:
            if payload_type == 101 and timestamp != last:
                digits += "0123456789*#ABCD"[payload[0] & 15]
                last = timestamp
        return digits

    def line(self, answered):
        """How the line was, both ways; times in ms from `answered`."""
        audio = [p for p in self.packets if p[3] == 0]
        out = {
            "sent": self.sent, "received": len(audio), "digits": self.received_digits(),
            "ssrcs": len({p[5] for p in self.packets}),
            "sent_late": sum(delay > min(self.delays) + 10 for delay in self.delays),
        }
        if len(audio) < 2:
            return out
        base = audio[0]
        seqs = [(p[1] - base[1] + 2**15) % 2**16 - 2**15 for p in audio]
        out["lost"] = max(seqs) + 1 - len(set(seqs))
        stamps = [(p[2] - base[2]) % 2**32 for p in audio]
        # How far each packet is off the grid that the time stamps say, with the median as the grid's origin.
        lateness = numpy.array([p[0] - base[0] - t / RATE for p, t in zip(audio, stamps)]) * 1000
        lateness -= numpy.median(lateness)
        out["pacing_p50_ms"] = round(float(numpy.percentile(abs(lateness), 50)), 3)
        out["pacing_p99_ms"] = round(float(numpy.percentile(abs(lateness), 99)), 3)
        out["first_audio_ms"] = round((base[0] - answered) * 1000, 1)
        out["last_audio_ms"] = round((audio[-1][0] - answered) * 1000, 1)
        out["gaps"] = int(sum(b - a != len(p[6]) for p, a, b in zip(audio, stamps, stamps[1:])))
        # Of most: before a gap one may be shorter.
        out["packet_ms"] = int(numpy.median([len(p[6]) for p in audio])) * 1000 // RATE
        return out
