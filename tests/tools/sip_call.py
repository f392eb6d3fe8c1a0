"""One call of sip_client.py: its dialog and its RTP, placed (Call) or taken (Callee)."""
import random
import re
import socket
import struct
import time

import numpy

from g711 import RATE, mulaw_decode, mulaw_encode
from sip_text import answer_challenge, tag_of, uri_in

FRAME = 160  # samples a packet of 20 ms


class Call:
    """One outgoing call. invite() returns after the final response; audio flows while the client pumps."""

    def __init__(self, client, number, send=None, headers=(), sdp_ip=None, rtp_port=None, auto_ack=True, loop=False,
                 drop=None, ptime=20):
        self.client = client
        self.ptime = ptime  # ms in a packet of ours, and what our SDP asks for
        self.frame = ptime * RATE // 1000
        self.uri = number if number.startswith("sip:") else f"sip:{number}@{client.remote}"
        self.headers = list(headers)
        self.sdp_ip = sdp_ip or client.ip
        self.rtp = socket.socket(client.family, socket.SOCK_DGRAM)
        self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.rtp.bind((client.ip, rtp_port or 0))
        self.rtp.setblocking(False)
        self.call_id = "%016x@test" % random.getrandbits(64)
        self.tag = "%010x" % random.getrandbits(40)
        self.cseq = 0
        self.to_tag = None
        self.target = self.uri
        self.final = None
        self.provisional = []
        self.answers = {}  # cseq -> final response, of requests inside the dialog
        self.auto_ack = auto_ack
        self.acked = False
        self.ended_by = None  # "server" or "client"
        self.bye_reason = None
        self.requests = []  # that the server sent
        self.notified = []  # (Subscription-State, first line of the fragment) of each NOTIFY
        self.cancelled = False
        self.direction = "sendrecv"
        self.version = random.getrandbits(20)
        self.at = {}  # "invite", "answered", "ended", ... -> time.monotonic()
        # media
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
        self.ringing_file = None  # made when the other side says that it rings
        self.first_sent = True
        self.drop = drop or (lambda index: False)
        self.remote_rtp = None
        self.packets = []  # (arrival, seq, timestamp, payload type, marker, ssrc, payload)
        self.digits_left = []

    # SDP

    def sdp(self):
        family = "IP6" if ":" in self.sdp_ip else "IP4"
        port = self.rtp.getsockname()[1]
        self.version += 1
        return "\r\n".join([
            "v=0", f"o=- 1 {self.version} IN {family} {self.sdp_ip}", "s=test", f"c=IN {family} {self.sdp_ip}", "t=0 0",
            f"m=audio {port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-16", f"a=ptime:{self.ptime}", f"a={self.direction}"]) + "\r\n"

    def _take_sdp(self, body):
        ip = re.search(r"^c=IN IP[46] (\S+)", body, re.M)
        port = re.search(r"^m=audio (\d+)", body, re.M)
        if ip and port and int(port.group(1)):
            self.remote_rtp = (ip.group(1), int(port.group(1)))

    # signalling

    def _dialog_headers(self, method, cseq=None):
        to = f"To: <{self.uri}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        return [f"From: <sip:{self.client.user}@{self.client.remote}>;tag={self.tag}", to, f"Call-ID: {self.call_id}",
                f"CSeq: {cseq or self.cseq} {method}"]

    def send_invite(self, body=None, authorization=()):
        """Only sends it. For a re-INVITE the dialog's tag is there already."""
        self.cseq += 1
        self.branch = "z9hG4bK%016x" % random.getrandbits(64)
        self.at.setdefault("invite", time.monotonic())
        headers = self._dialog_headers("INVITE") + [f"Contact: {self.client.contact()}", "Allow: INVITE, ACK, BYE, CANCEL, "
                                                    "OPTIONS, UPDATE, INFO"] + self.headers + list(authorization)
        if body is None:
            body = self.sdp()
        if body:
            headers.append("Content-Type: application/sdp")
        self.last_invite = self.client.request("INVITE", self.target, headers, body, self.branch)
        self.client.send(self.last_invite)

    def invite(self, timeout=30.0, body=None):
        self.send_invite(body)
        interval, end = 0.5, time.monotonic() + timeout
        authorized = False
        while True:
            if self.client.transport == "udp" and not self.provisional and self.final is None:
                if not self.client.pump(min(interval, end - time.monotonic()), lambda: self.provisional or self.final):
                    if time.monotonic() >= end:
                        return None
                    self.client.send(self.last_invite)
                    interval *= 2
                    continue
            if not self.client.pump(end - time.monotonic(), lambda: self.final):
                return None
            if self.final.status in (401, 407) and self.client.password and not authorized:
                authorized = True
                line = answer_challenge(self.final, self.client.user, self.client.password, "INVITE", self.uri,
                                        self.client.algorithm)
                if line:
                    self.final, self.to_tag, self.provisional = None, None, []
                    self.send_invite(body, [line])
                    continue
            return self.final

    def take(self, message):
        if message.get("call-id", message.get("i")) != self.call_id:
            return False
        if message.status is None:
            self._take_request(message)
            return True
        number, method = message.cseq
        if method != "INVITE":
            if message.status >= 200:
                self.answers[number] = message
            return True
        if number != self.cseq:
            return True
        if message.status < 200:
            self.provisional.append(message)
            if message.status == 180 and self.ringing_file:
                open(self.ringing_file, "w").close()
            return True
        if message.status < 300:
            self.to_tag = tag_of(message.get("to"))
            self.target = uri_in(message.get("contact", self.uri))
            if message.body:
                self._take_sdp(message.body)
        if self.final is None or number not in self.answers:
            self.at.setdefault("answered", message.at)
        self.final = self.answers[number] = message
        if message.status >= 300:
            headers = self._dialog_headers("ACK")
            headers[1] = "To: " + message.get("to")
            self.client.send(self.client.request("ACK", self.uri, headers, branch=self.branch))
        elif self.auto_ack:
            self.ack()
        return True

    def ack(self):
        self.client.send(self.client.request("ACK", self.target, self._dialog_headers("ACK")))
        if not self.acked:
            self.acked = True
            self.at["acked"] = time.monotonic()
            if self.remote_rtp:
                self.sending = True
                self.next_send = time.monotonic()

    def _take_request(self, message):
        self.requests.append(message)
        if message.method == "ACK":
            return
        copied = [f"{name}: {value}" for wanted in ("via", "from", "to", "call-id", "cseq")
                  for name, value in message.headers if name == wanted]
        body, extra = "", []
        if message.method == "NOTIFY":
            self.notified.append((message.get("subscription-state"), message.body.split("\r\n")[0]))
        if message.method == "CANCEL":
            self.cancelled = True
        if message.method == "BYE":
            self.ended_by = self.ended_by or "server"
            self.bye_reason = message.get("reason")
            self.at.setdefault("ended", message.at)
            self.sending = False
        elif message.method in ("INVITE", "UPDATE"):
            if message.body:
                self._take_sdp(message.body)
            body, extra = self.sdp(), [f"Contact: {self.client.contact()}", "Content-Type: application/sdp"]
        lines = ["SIP/2.0 200 OK"] + copied + extra + [f"Content-Length: {len(body)}"]
        self.client.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def in_dialog(self, method, headers=(), body="", timeout=20.0):
        """BYE, INFO, UPDATE ...; gives the final response or None."""
        self.cseq += 1
        number = self.cseq
        text = self.client.request(method, self.target, self._dialog_headers(method, number) + list(headers), body)
        interval, end = 0.5, time.monotonic() + timeout
        while time.monotonic() < end:
            self.client.send(text)
            wait = interval if self.client.transport == "udp" else timeout
            if self.client.pump(min(wait, end - time.monotonic()), lambda: number in self.answers):
                return self.answers[number]
            interval *= 2
        return None

    def reinvite(self, direction=None):
        if direction:
            self.direction = direction
        self.final = None
        self.provisional = []
        return self.invite()

    def bye(self):
        self.sending = False
        self.ended_by = self.ended_by or "client"
        self.at.setdefault("ended", time.monotonic())
        return self.in_dialog("BYE")

    def refer(self, target, headers=()):
        """REFER; gives the final response or None."""
        return self.in_dialog("REFER", [f"Refer-To: <{target}>", f"Contact: {self.client.contact()}"] + list(headers))

    def cancel(self):
        headers = [line.replace(" INVITE", " CANCEL") if line.startswith("CSeq") else line
                   for line in self._dialog_headers("INVITE")]
        self.client.send(self.client.request("CANCEL", self.uri, headers, branch=self.branch))

    def info_dtmf(self, digit, duration=160):
        return self.in_dialog("INFO", ["Content-Type: application/dtmf-relay"],
                              f"Signal={digit}\r\nDuration={duration}\r\n")

    def close(self):
        self.sending = False
        self.rtp.close()
        if self in self.client.calls:
            self.client.calls.remove(self)

    # media

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

    def summary(self):
        audio = [p for p in self.packets if p[3] == 0]
        ms = lambda name: round((self.at[name] - self.at["invite"]) * 1000, 1) if name in self.at else None
        out = {
            "status": self.final.status if self.final else None,
            "provisional": [m.status for m in self.provisional],
            "answered_ms": ms("answered"), "ended_ms": ms("ended"), "ended_by": self.ended_by, "reason": self.bye_reason,
            "sent": self.sent, "received": len(audio), "digits": self.received_digits(),
            "ssrcs": len({p[5] for p in self.packets}),
            "sent_late": sum(delay > min(self.delays) + 10 for delay in self.delays),
        }
        if len(audio) > 1:
            base = audio[0]
            seqs = [(p[1] - base[1] + 2**15) % 2**16 - 2**15 for p in audio]
            out["lost"] = max(seqs) + 1 - len(set(seqs))
            stamps = [(p[2] - base[2]) % 2**32 for p in audio]
            # How far each packet is off the grid that the time stamps say, with the median as the grid's origin.
            lateness = numpy.array([p[0] - base[0] - t / RATE for p, t in zip(audio, stamps)]) * 1000
            lateness -= numpy.median(lateness)
            out["pacing_p50_ms"] = round(float(numpy.percentile(abs(lateness), 50)), 3)
            out["pacing_p99_ms"] = round(float(numpy.percentile(abs(lateness), 99)), 3)
            out["first_audio_ms"] = round((base[0] - self.at["answered"]) * 1000, 1)
            out["last_audio_ms"] = round((audio[-1][0] - self.at["answered"]) * 1000, 1)
            out["gaps"] = int(sum(b - a != len(p[6]) for p, a, b in zip(audio, stamps, stamps[1:])))
            # Of most: before a gap one may be shorter.
            out["packet_ms"] = int(numpy.median([len(p[6]) for p in audio])) * 1000 // RATE
        return out


class Callee(Call):
    """A call that came in. ring(), answer() and refuse() say what becomes of it."""

    def __init__(self, client, invite, **options):
        super().__init__(client, uri_in(invite.get("from")), **options)
        self.incoming = invite
        self.call_id = invite.get("call-id")
        self.target = uri_in(invite.get("contact"))
        self.remote_tag = tag_of(invite.get("from"))
        self.local_from = invite.get("to")
        self.remote_to = invite.get("from")

    def _dialog_headers(self, method, cseq=None):
        return [f"From: {self.local_from};tag={self.tag}", f"To: {self.remote_to}", f"Call-ID: {self.call_id}",
                f"CSeq: {cseq or self.cseq} {method}"]

    def respond(self, status, headers=(), body=""):
        copied = [f"{name}: {value}" for wanted in ("via", "from", "call-id", "cseq")
                  for name, value in self.incoming.headers if name == wanted]
        lines = [f"SIP/2.0 {status} X"] + copied + [f"To: {self.local_from};tag={self.tag}",
                                                    f"Contact: {self.client.contact()}"] + list(headers)
        if body:
            lines.append("Content-Type: application/sdp")
        self.client.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)

    def ring(self):
        self.respond(180)

    def answer(self, send=None):
        if send is not None:
            self.audio = numpy.asarray(send, dtype=numpy.int16)
        self._take_sdp(self.incoming.body)
        self.at["answered"] = self.at["invite"] = time.monotonic()
        self.respond(200, body=self.sdp())
        self.sending, self.next_send = True, time.monotonic()

    def refuse(self, status, headers=()):
        self.respond(status, headers)
