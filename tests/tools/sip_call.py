"""One call of sip_client.py: its dialog, placed (Call) or taken (Callee). Its RTP is sip_media.py's."""
import random
import re
import time

import numpy

from sip_media import Media
from sip_text import answer_challenge, tag_of, uri_in


class Call(Media):
    """One outgoing call. invite() returns after the final response; audio flows while the client pumps."""

    def __init__(self, client, number, send=None, headers=(), sdp_ip=None, rtp_port=None, auto_ack=True, loop=False,
                 drop=None, ptime=20):
        super().__init__(client.family, client.ip, rtp_port, send, loop, drop, ptime)
        self.client = client
        self.uri = number if number.startswith("sip:") else f"sip:{number}@{client.remote}"
        self.headers = list(headers)
        self.sdp_ip = sdp_ip or client.ip
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
        self.version = random.getrandbits(20)
        self.ringing_file = None  # made when the other side says that it rings

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
        again = any(message.cseq == one.cseq for one in self.requests)  # our answer came late
        self.requests.append(message)
        if message.method == "ACK":
            return
        copied = [f"{name}: {value}" for wanted in ("via", "from", "to", "call-id", "cseq")
                  for name, value in message.headers if name == wanted]
        body, extra = "", []
        if message.method == "NOTIFY" and not again:
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

    def summary(self):
        ms = lambda name: round((self.at[name] - self.at["invite"]) * 1000, 1) if name in self.at else None
        out = {
            "status": self.final.status if self.final else None,
            "provisional": [m.status for m in self.provisional],
            "answered_ms": ms("answered"), "ended_ms": ms("ended"), "ended_by": self.ended_by, "reason": self.bye_reason,
        }
        out.update(self.line(self.at.get("answered")))
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
        self.last_response = None

    def _take_request(self, message):
        if message.method == "INVITE" and message.cseq == self.incoming.cseq:  # again: our answer came late
            if self.last_response:
                self.client.send(self.last_response)
            return
        super()._take_request(message)

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
        self.last_response = "\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self.client.send(self.last_response)

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
