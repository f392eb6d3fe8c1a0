#!/usr/bin/python3
"""A small SIP and RTP client of our own for the tests: it does exactly what it is told, also what is wrong, and
notes when everything happened. Stands on the standard library and numpy alone, and on none of talky's code.

    sip_client.py --server 127.0.0.1:5060 register --user alice [--password secret]
    sip_client.py --server 127.0.0.1:5060 call 100 --send in.wav --record out.wav --seconds 5
    sip_client.py --server 127.0.0.1:5060 raw FILE          (sends the bytes, prints what comes back within --seconds)

Each prints one JSON object on stdout. The exit code is 0 if the server answered 2xx, 2 for another final answer,
3 for no answer. As a module: Client, Call, read_wav, write_wav, mulaw_encode, mulaw_decode.
"""
import argparse
import hashlib
import json
import random
import re
import select
import socket
import struct
import sys
import time
import wave

import numpy

RATE = 8000
FRAME = 160  # samples a packet


# --- G.711 mu-law, after the tables of the recommendation; independent of talky's own

def _mulaw_table():
    codes = numpy.arange(256, dtype=numpy.int32) ^ 0xFF
    magnitude = (((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)
    magnitude -= 0x84
    return numpy.where(codes & 0x80, -magnitude, magnitude).astype(numpy.int16)


_DECODE = _mulaw_table()
_ORDER = numpy.argsort(_DECODE.astype(numpy.int32), kind="stable")
_SORTED = _DECODE.astype(numpy.int32)[_ORDER]


def mulaw_decode(payload):
    return _DECODE[numpy.frombuffer(payload, dtype=numpy.uint8)]


def mulaw_encode(samples):
    """The nearest code of each sample."""
    wanted = numpy.asarray(samples, dtype=numpy.int32)
    right = numpy.clip(numpy.searchsorted(_SORTED, wanted), 1, 255)
    nearer_left = wanted - _SORTED[right - 1] < _SORTED[right] - wanted
    return _ORDER[numpy.where(nearer_left, right - 1, right)].astype(numpy.uint8).tobytes()


def read_wav(path):
    """Mono samples at 8 kHz; a 16 kHz file is halved after a short low-pass."""
    with wave.open(path, "rb") as source:
        samples = numpy.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
        samples = samples.reshape(-1, source.getnchannels())[:, 0]
        rate = source.getframerate()
    if rate == 16000:
        taps = numpy.sinc((numpy.arange(63) - 31) / 2 * 0.9) * numpy.hamming(63)
        smooth = numpy.convolve(samples.astype(float), taps / taps.sum(), mode="same")
        samples = numpy.clip(numpy.rint(smooth), -32768, 32767).astype(numpy.int16)[::2]
    elif rate != RATE:
        raise SystemExit(f"{path}: 8000 or 16000 Hz expected, not {rate}")
    return samples


def write_wav(path, samples, rate=RATE):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(numpy.asarray(samples, dtype="<i2").tobytes())


# --- SIP

class Message:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.start = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None
        self.method = None if self.status else self.start.split(" ")[0]
        self.at = time.monotonic()

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    @property
    def cseq(self):
        number, _, method = self.get("cseq").partition(" ")
        return int(number), method.strip()


def uri_in(value):
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def tag_of(value):
    found = re.search(r";\s*tag=([^;>\s]+)", value)
    return found.group(1) if found else None


def digest(challenge, user, password, method, uri):
    fields = {key.lower(): quoted or plain
              for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]*))', challenge)}
    algorithm = fields.get("algorithm", "MD5")
    make = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5
    h = lambda text: make(text.encode()).hexdigest()
    ha1, ha2 = h(f"{user}:{fields['realm']}:{password}"), h(f"{method}:{uri}")
    out = f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", ' \
          f"algorithm={algorithm}"
    if "qop" in fields:
        cnonce = "%08x" % random.getrandbits(32)
        response = h(f"{ha1}:{fields['nonce']}:00000001:{cnonce}:auth:{ha2}")
        out += f', qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        response = h(f"{ha1}:{fields['nonce']}:{ha2}")
    if "opaque" in fields:
        out += f', opaque="{fields["opaque"]}"'
    return out + f', response="{response}"'


class Client:
    """One signalling socket. Single-threaded: pump() reads and answers what comes, and plays the calls' audio."""

    def __init__(self, server, transport="udp", user="tester", password=None, local=None):
        host, _, port = server.rpartition(":")
        self.host, self.port, self.transport = host.strip("[]"), int(port), transport
        self.user, self.password = user, password
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(family, kind)
        self.socket.bind((local or ("::1" if family == socket.AF_INET6 else "127.0.0.1"), 0))
        if transport == "tcp":
            self.socket.connect((self.host, self.port))
        self.family = family
        self.ip, self.local_port = self.socket.getsockname()[:2]
        self.shown = f"[{self.ip}]" if family == socket.AF_INET6 else self.ip
        self.remote = f"[{self.host}]:{self.port}" if family == socket.AF_INET6 else f"{self.host}:{self.port}"
        self.buffer = b""
        self.inbox = []
        self.calls = []
        self.log = []  # (seconds since start, "<" or ">", first line)
        self.start = time.monotonic()

    # wire

    def send(self, text):
        self.log.append((round(time.monotonic() - self.start, 4), ">", text.split("\r\n")[0]))
        self.send_raw(text.encode())

    def send_raw(self, data):
        if self.transport == "udp":
            self.socket.sendto(data, (self.host, self.port))
        else:
            self.socket.sendall(data)

    def _read(self):
        if self.transport == "udp":
            texts = [self.socket.recv(65536).decode("utf-8", "replace")]
        else:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.buffer += data
            texts = []
            while True:
                self.buffer = self.buffer.lstrip(b"\r\n")
                head, found, rest = self.buffer.partition(b"\r\n\r\n")
                length = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", head, re.I)
                size = int(length.group(1)) if length else 0
                if not found or len(rest) < size:
                    break
                texts.append((head + found + rest[:size]).decode("utf-8", "replace"))
                self.buffer = rest[size:]
        for text in texts:
            if not text.strip("\r\n\0 "):
                continue
            message = Message(text)
            self.log.append((round(message.at - self.start, 4), "<", message.start))
            for call in self.calls:
                if call.take(message):
                    break
            else:
                self.inbox.append(message)

    def pump(self, seconds=None, until=None):
        """Runs for `seconds`, or until `until()` is true; gives whether it became true."""
        end = time.monotonic() + (seconds if seconds is not None else 3600)
        while True:
            if until and until():
                return True
            now = time.monotonic()
            if now >= end:
                return False
            wake = min([end] + [call.next_send for call in self.calls if call.sending])
            sockets = {self.socket: self._read}
            for call in self.calls:
                sockets[call.rtp] = call.receive_rtp
            ready, _, _ = select.select(list(sockets), [], [], max(0, min(wake - now, 0.5)))
            for one in ready:
                try:
                    sockets[one]()
                except ConnectionRefusedError:
                    pass  # ICMP for something that was sent earlier
            for call in self.calls:
                call.play_due()

    # requests

    def via(self, branch=None):
        branch = branch or "z9hG4bK%016x" % random.getrandbits(64)
        return f"Via: SIP/2.0/{self.transport.upper()} {self.shown}:{self.local_port};rport;branch={branch}"

    def request(self, method, uri, headers, body="", branch=None):
        lines = [f"{method} {uri} SIP/2.0", self.via(branch), "Max-Forwards: 70"] + headers
        lines.append(f"Content-Length: {len(body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def contact(self):
        return f"<sip:{self.user}@{self.shown}:{self.local_port};transport={self.transport}>"

    def transact(self, method, uri, headers, body="", timeout=5.0):
        """Sends, retransmits over UDP as RFC 3261 says, answers one challenge; gives the final response or None."""
        authorization = []
        cseq = 1
        while True:
            text = self.request(method, uri, headers + [f"CSeq: {cseq} {method}"] + authorization, body)
            match = lambda m: m.status and m.status >= 200 and m.cseq == (cseq, method)
            end, interval, final = time.monotonic() + timeout, 0.5, None
            while final is None and time.monotonic() < end:
                self.send(text)
                wait = min(interval if self.transport == "udp" else timeout, end - time.monotonic())
                self.pump(wait, lambda: any(match(m) for m in self.inbox))
                interval *= 2
                for m in self.inbox:
                    if match(m):
                        final = m
            self.inbox = []
            if final is not None and final.status in (401, 407) and self.password and not authorization:
                name = "WWW-Authenticate" if final.status == 401 else "Proxy-Authenticate"
                header = "Authorization" if final.status == 401 else "Proxy-Authorization"
                authorization = [f"{header}: " + digest(final.get(name), self.user, self.password, method, uri)]
                cseq += 1
                continue
            return final

    def register(self, expires=60, contact=None, call_id=None):
        uri = f"sip:{self.remote}"
        me = f"<sip:{self.user}@{self.remote}>"
        headers = [f"From: {me};tag={random.getrandbits(40):x}", f"To: {me}",
                   f"Call-ID: {call_id or '%016x' % random.getrandbits(64)}", f"Contact: {contact or self.contact()}",
                   f"Expires: {expires}"]
        return self.transact("REGISTER", uri, headers)

    def options(self):
        me = f"<sip:{self.user}@{self.remote}>"
        return self.transact("OPTIONS", f"sip:{self.remote}", [
            f"From: {me};tag={random.getrandbits(40):x}", f"To: <sip:{self.remote}>",
            f"Call-ID: {random.getrandbits(64):016x}", "Accept: application/sdp"])

    def call(self, number, **options):
        call = Call(self, number, **options)
        self.calls.append(call)
        return call


class Call:
    """One outgoing call. invite() returns after the final response; audio flows while the client pumps."""

    def __init__(self, client, number, send=None, headers=(), sdp_ip=None, rtp_port=None, auto_ack=True, loop=False,
                 drop=None):
        self.client = client
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
            "a=fmtp:101 0-16", "a=ptime:20", f"a={self.direction}"]) + "\r\n"

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

    def invite(self, timeout=10.0, body=None):
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
                name, header = (("WWW-Authenticate", "Authorization") if self.final.status == 401
                                else ("Proxy-Authenticate", "Proxy-Authorization"))
                value = digest(self.final.get(name), self.client.user, self.client.password, "INVITE", self.uri)
                self.final, self.to_tag, self.provisional = None, None, []
                self.send_invite(body, [f"{header}: {value}"])
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

    def in_dialog(self, method, headers=(), body="", timeout=5.0):
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
                chunk = self.audio[self.position:self.position + FRAME]
                self.position += FRAME
                if self.loop and self.position >= len(self.audio):
                    self.position = 0
                chunk = numpy.pad(chunk, (0, FRAME - len(chunk)))
                self.send_packet(mulaw_encode(chunk), 0, self.first_sent)
                self.first_sent = False
            self.timestamp += FRAME
            self.next_send += FRAME / RATE

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
            out["gaps"] = int(sum(b - a != FRAME for a, b in zip(stamps, stamps[1:])))
        return out


def tone(hertz, seconds, level=0.3):
    at = numpy.arange(int(seconds * RATE)) / RATE
    return numpy.rint(numpy.sin(2 * numpy.pi * hertz * at) * 32767 * level).astype(numpy.int16)


# --- Command line

def exit_code(response):
    if response is None:
        return 3
    return 0 if 200 <= response.status < 300 else 2


def run_call(client, options):
    audio = read_wav(options.send) if options.send else tone(options.tone, 3600) if options.tone else None
    losses = random.Random(options.seed)
    call = client.call(options.number, send=audio, headers=options.header, auto_ack=not options.no_ack,
                       drop=(lambda index: losses.random() < options.loss) if options.loss else None)
    if options.cancel_after is not None:
        call.send_invite()
        client.pump(options.cancel_after)
        call.cancel()
        client.pump(5, lambda: call.final)
        final = call.final
    else:
        final = call.invite(timeout=options.timeout)
    if final is not None and 200 <= final.status < 300:
        plan = sorted([(at, "dtmf", digits) for at, digits in options.dtmf] +
                      [(at, "info", digit) for at, digit in options.info_dtmf] +
                      [(at, "reinvite", direction) for at, direction in options.reinvite])
        begin = time.monotonic()
        for at, what, argument in plan:
            client.pump(max(0, begin + at - time.monotonic()), lambda: call.ended_by)
            if what == "dtmf":
                call.dtmf(argument)
            elif what == "info":
                for digit in argument:
                    call.info_dtmf(digit)
            else:
                call.reinvite(argument)
        client.pump(max(0, begin + options.seconds - time.monotonic()), lambda: call.ended_by)
        if not call.ended_by and not options.no_bye:
            call.bye()
        else:
            client.pump(0.1)
    if options.record:
        write_wav(options.record, call.recording())
    out = call.summary()
    if options.log:
        out["log"] = client.log
    print(json.dumps(out))
    return exit_code(final)


def timed(text):
    at, _, value = text.partition(":")
    return float(at), value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--transport", choices=("udp", "tcp"), default="udp")
    parser.add_argument("--user", default="tester")
    parser.add_argument("--password")
    parser.add_argument("--local", help="address to send from")
    commands = parser.add_subparsers(dest="command", required=True)
    register = commands.add_parser("register")
    register.add_argument("--expires", type=int, default=60)
    commands.add_parser("options")
    raw = commands.add_parser("raw")
    raw.add_argument("file")
    raw.add_argument("--seconds", type=float, default=0.5)
    call = commands.add_parser("call")
    call.add_argument("number")
    call.add_argument("--send", metavar="WAV")
    call.add_argument("--tone", type=float, metavar="HZ")
    call.add_argument("--record", metavar="WAV")
    call.add_argument("--seconds", type=float, default=2.0, help="from the answer to our BYE")
    call.add_argument("--timeout", type=float, default=10.0, help="for the final answer")
    call.add_argument("--header", action="append", default=[])
    call.add_argument("--dtmf", action="append", type=timed, default=[], metavar="AT:DIGITS", help="RFC 4733")
    call.add_argument("--info-dtmf", action="append", type=timed, default=[], metavar="AT:DIGITS")
    call.add_argument("--reinvite", action="append", type=timed, default=[], metavar="AT:DIRECTION")
    call.add_argument("--cancel-after", type=float, metavar="SEC")
    call.add_argument("--no-ack", action="store_true")
    call.add_argument("--no-bye", action="store_true")
    call.add_argument("--loss", type=float, default=0, metavar="P", help="drop outgoing RTP with this probability")
    call.add_argument("--seed", type=int, default=1)
    call.add_argument("--log", action="store_true", help="add the messages and their times to the JSON")
    options = parser.parse_args()

    client = Client(options.server, options.transport, options.user, options.password, options.local)
    if options.command == "call":
        return run_call(client, options)
    if options.command == "raw":
        with open(options.file, "rb") as source:
            client.send_raw(source.read())
        client.pump(options.seconds)
        print(json.dumps({"received": [m.start for m in client.inbox]}))
        return 0
    answer = client.register(options.expires) if options.command == "register" else client.options()
    print(json.dumps({"status": answer.status if answer else None, "headers": answer.headers if answer else []}))
    return exit_code(answer)


if __name__ == "__main__":
    sys.exit(main())
