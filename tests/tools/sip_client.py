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
import json
import os
import random
import re
import select
import socket
import sys
import time

from g711 import RATE, mulaw_decode, mulaw_encode, read_wav, tone, write_wav  # noqa: F401: for who imports this module
from sip_call import Call, Callee  # noqa: F401
from sip_text import Message, answer_challenge, digest, tag_of, uri_in  # noqa: F401


def at_once():
    """What keeps time comes before what computes, where that is allowed."""
    try:
        os.nice(-5 - os.nice(0))
    except PermissionError:
        pass


class Client:
    """One signalling socket. Single-threaded: pump() reads and answers what comes, and plays the calls' audio."""

    def __init__(self, server, transport="udp", user="tester", password=None, local=None, algorithm=None):
        at_once()
        host, _, port = server.rpartition(":")
        self.host, self.port, self.transport = host.strip("[]"), int(port), transport
        self.user, self.password, self.algorithm = user, password, algorithm
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

    def transact(self, method, uri, headers, body="", timeout=20.0):
        """Sends, retransmits over UDP as RFC 3261 says, answers one challenge; gives the final response or None."""
        authorization = []
        cseq = 1
        call_id = next(line.split(": ", 1)[1] for line in headers if line.startswith("Call-ID: "))
        while True:
            text = self.request(method, uri, headers + [f"CSeq: {cseq} {method}"] + authorization, body)
            match = lambda m: m.status and m.status >= 200 and m.cseq == (cseq, method) and m.get("call-id") == call_id
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
                line = answer_challenge(final, self.user, self.password, method, uri, self.algorithm)
                if line:
                    authorization = [line]
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

    def wait_invite(self, seconds=10.0):
        """The next INVITE that comes in, as a Callee; None if none comes."""
        is_invite = lambda m: m.method == "INVITE"
        if not self.pump(seconds, lambda: any(is_invite(m) for m in self.inbox)):
            return None
        message = next(m for m in self.inbox if is_invite(m))
        self.inbox.remove(message)
        callee = Callee(self, message)
        self.calls.append(callee)
        self.inbox = [m for m in self.inbox if not callee.take(m)]  # the same INVITE again, if we were late
        return callee

    def call(self, number, **options):
        call = Call(self, number, **options)
        self.calls.append(call)
        return call


# --- Command line

def exit_code(response):
    if response is None:
        return 3
    return 0 if 200 <= response.status < 300 else 2


def run_call(client, options):
    audio = read_wav(options.send) if options.send else tone(options.tone, 3600) if options.tone else None
    losses = random.Random(options.seed)
    call = client.call(options.number, send=audio, headers=options.header, auto_ack=not options.no_ack, ptime=options.ptime,
                       drop=(lambda index: losses.random() < options.loss) if options.loss else None)
    call.ringing_file = options.when_ringing
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
        # The call's time is that of its packets: where we were kept from running, it all happens later.
        begin = time.monotonic()
        clock = call.clock if call.sending else lambda: time.monotonic() - begin

        def go_on(to):
            while not call.ended_by and clock() < to:
                client.pump(0.5, lambda: call.ended_by or clock() >= to)

        for at, what, argument in plan:
            go_on(at)
            if what == "dtmf":
                call.dtmf(argument)
            elif what == "info":
                for digit in argument:
                    call.info_dtmf(digit)
            else:
                call.reinvite(argument)
        go_on(options.seconds)
        while options.until and not call.ended_by and not os.path.exists(options.until):
            client.pump(0.1, lambda: call.ended_by)
        if options.hear:
            client.pump(60, lambda: call.ended_by or call.heard() >= options.hear)
        if options.whole:
            client.pump(30, lambda: call.ended_by or call.end_is_heard())
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
    parser.add_argument("--algorithm", choices=("MD5", "SHA-256"), help="the only one that this client can do")
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
    call.add_argument("--seconds", type=float, default=2.0, help="from the answer to our BYE, in audio sent")
    call.add_argument("--until", metavar="FILE", help="and longer, until there is such a file")
    call.add_argument("--hear", type=float, default=0, metavar="SEC", help="and longer, until so much sound has come")
    call.add_argument("--whole", action="store_true", help="and longer, until the end of what was said has come back")
    call.add_argument("--timeout", type=float, default=60.0, help="for the final answer")
    call.add_argument("--header", action="append", default=[])
    call.add_argument("--dtmf", action="append", type=timed, default=[], metavar="AT:DIGITS", help="RFC 4733")
    call.add_argument("--info-dtmf", action="append", type=timed, default=[], metavar="AT:DIGITS")
    call.add_argument("--reinvite", action="append", type=timed, default=[], metavar="AT:DIRECTION")
    call.add_argument("--cancel-after", type=float, metavar="SEC")
    call.add_argument("--when-ringing", metavar="FILE", help="is made when 180 comes")
    call.add_argument("--no-ack", action="store_true")
    call.add_argument("--no-bye", action="store_true")
    call.add_argument("--loss", type=float, default=0, metavar="P", help="drop outgoing RTP with this probability")
    call.add_argument("--seed", type=int, default=1)
    call.add_argument("--ptime", type=int, default=20, metavar="MS", help="of our packets, and what we ask for")
    call.add_argument("--log", action="store_true", help="add the messages and their times to the JSON")
    options = parser.parse_args()

    client = Client(options.server, options.transport, options.user, options.password, options.local,
                    options.algorithm)
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
