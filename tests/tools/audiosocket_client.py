#!/usr/bin/python3
"""A caller for talky-agent (or any AudioSocket server): one call over a socket, with a playout of its own.

  audiosocket_client.py ADDRESS [--talky] [--rate 8000|16000] [--send FILE.raw] [--seconds S] [--record FILE.raw]
                        [--came FILE.raw] [--until FILE] [--after-audio] [--dtmf SECOND:DIGITS] [--uuid UUID] [--mode call|flood|unread|garbage|no-uuid|twice|idle]

ADDRESS is unix:PATH or tcp:HOST:PORT. FILE is s16le at the rate. Audio is sent in real time, silence (faint noise) after
the end of FILE, until --seconds have passed (and there is the --until file) or the agent hangs up. With --after-audio, FILE begins when the agent does. What comes back is played at the natural speed; --record
keeps what was heard, in the time of the call, --came what came, without the time that passed between. With --talky a start is sent and marks and clears are answered as talky-sipd
does it. One JSON object is printed at the end: what happened, and when (ms from the first audio)."""
import argparse
import json
import os
import random
import select
import socket
import struct
import sys
import time
import uuid


def frame(kind: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BH", kind, len(payload)) + payload


def connect(address: str) -> socket.socket:
    kind, _, rest = address.partition(":")
    if kind == "unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(rest)
        return sock
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=60)


class Call:
    def __init__(self, args):
        self.args = args
        self.kind = 0x12 if args.rate == 16000 else 0x10
        self.step = args.rate // 50
        self.sock = connect(args.address)
        self.report = {"frames": 0, "samples": 0, "controls": [], "first_audio_ms": None, "ended": None, "clears": 0,
                       "discarded": 0, "marks": 0, "kinds": []}
        self.buffer = b""
        self.queue = []   # ["audio", bytes] and ["mark", name], in order
        self.played = 0
        self.heard = bytearray()
        self.came = bytearray()
        self.begin = None

    def ms(self) -> int:
        return int((time.monotonic() - self.begin) * 1000)

    def control(self, message: dict) -> None:
        self.sock.sendall(frame(0xE0, json.dumps(message).encode()))

    def receive(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            self.report["ended"] = self.report["ended"] or "closed"
            return False
        self.buffer += data
        while len(self.buffer) >= 3:
            kind, length = struct.unpack(">BH", self.buffer[:3])
            if len(self.buffer) < 3 + length:
                break
            payload, self.buffer = self.buffer[3:3 + length], self.buffer[3 + length:]
            if kind not in self.report["kinds"]:
                self.report["kinds"].append(kind)
            if kind in (0x10, 0x12):
                self.report["frames"] += 1
                self.report["samples"] += length // 2
                if self.report["first_audio_ms"] is None:
                    self.report["first_audio_ms"] = self.ms()
                self.queue.append(["audio", payload])
                self.came += payload
            elif kind == 0xE0:
                self.take_control(json.loads(payload))
            elif kind == 0x00:
                self.report["ended"] = "hangup"
                return False
            elif kind == 0xFF:
                self.report["ended"] = "error"
                return False
        return True

    def take_control(self, message: dict) -> None:
        self.report["controls"].append({"ms": self.ms(), **message})
        if message["type"] == "mark":
            self.report["marks"] += 1
            self.queue.append(["mark", message["name"]])
        elif message["type"] == "clear":
            self.report["clears"] += 1
            discarded = sum(len(item[1]) // 2 for item in self.queue if item[0] == "audio")
            self.report["discarded"] += discarded
            marks = [item[1] for item in self.queue if item[0] == "mark"]
            self.queue = []
            self.control({"type": "cleared", "discarded": discarded, "played": self.played})
            for name in marks:
                self.control({"type": "mark", "name": name, "played": self.played})
        elif message["type"] == "hangup":
            self.queue.append(["hangup", ""])

    def play(self) -> bool:
        """20 ms of playout: audio, and marks where they stand in it."""
        out = b""
        while self.queue:
            kind, value = self.queue[0]
            if kind == "audio":
                missing = self.step * 2 - len(out)
                if missing == 0:
                    break
                out += value[:missing]
                self.queue[0][1] = value[missing:]
                if not self.queue[0][1]:
                    self.queue.pop(0)
                continue
            self.queue.pop(0)
            if kind == "hangup":
                self.report["ended"] = "hangup message"
                self.control({"type": "stop", "reason": "agent hung up"})
                return False
            self.control({"type": "mark", "name": value, "played": self.played + len(out) // 2})
        self.played += len(out) // 2
        self.heard += out.ljust(self.step * 2, b"\0")
        return True

    def talk(self) -> None:
        args = self.args
        self.sock.sendall(frame(0x01, uuid.UUID(args.uuid).bytes))
        if args.talky:
            self.control({"type": "start", "call": args.uuid, "from": "sip:caller@127.0.0.1", "to": "sip:100@127.0.0.1",
                          "headers": {}, "rate": args.rate})
        speech = open(args.send, "rb").read() if args.send else b""
        noise = random.Random(1)
        dtmf_at, _, digits = (args.dtmf or "").partition(":")
        keys = [(float(dtmf_at) + 0.3 * i, digit) for i, digit in enumerate(digits)]
        self.begin = time.monotonic()
        tick = 0
        while tick < args.seconds * 50 or args.until and not os.path.exists(args.until):
            piece = b""
            if not args.after_audio or self.report["first_audio_ms"] is not None:
                piece, speech = speech[:self.step * 2], speech[self.step * 2:]
            missing = self.step - len(piece) // 2
            piece = piece[:len(piece) // 2 * 2] + struct.pack(f"<{missing}h", *(noise.randint(-9, 9) for _ in range(missing)))
            try:
                while keys and tick >= keys[0][0] * 50:
                    digit = keys.pop(0)[1]
                    if args.talky:
                        self.control({"type": "dtmf", "digit": digit, "duration_ms": 100})
                    else:
                        self.sock.sendall(frame(0x03, digit.encode()))
                self.sock.sendall(frame(self.kind, piece))
                tick += 1
                due = self.begin + tick * 0.02
                left = 1
                while left > 0:  # who is late hears what has come all the same
                    left = due - time.monotonic()
                    if select.select([self.sock], [], [], max(left, 0))[0] and not self.receive():
                        return
                if not self.play():
                    return
            except (BrokenPipeError, ConnectionResetError):
                self.report["ended"] = "reset"
                return
        self.sock.sendall(frame(0x00))
        self.report["ended"] = "we hung up"

    def run(self) -> dict:
        mode = self.args.mode
        self.begin = time.monotonic()
        until = self.begin + self.args.seconds
        if mode == "call":
            self.talk()
        elif mode == "idle":  # connects and says nothing
            self.wait(until)
        elif mode == "garbage":
            try:
                self.sock.sendall(random.Random(2).randbytes(65536))
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused at the first bytes; what was said to that can still be read
            self.wait(until)
        elif mode == "no-uuid":
            self.sock.sendall(frame(self.kind, bytes(640)))
            self.wait(until)
        elif mode == "twice":
            self.sock.sendall(frame(0x01, uuid.UUID(self.args.uuid).bytes) * 2)
            self.wait(until)
        else:  # flood: as much audio as the socket takes; unread: the same, and nothing is read
            self.sock.sendall(frame(0x01, uuid.UUID(self.args.uuid).bytes))
            self.sock.setblocking(False)
            audio = frame(self.kind, random.Random(3).randbytes(self.step * 2)) * 50
            sent, rest = 0, b""
            while time.monotonic() < until:
                reading = [self.sock] if mode == "flood" else []
                ready = select.select(reading, [self.sock], [], 0.1)
                try:
                    if ready[0] and not self.receive():
                        break
                    if ready[1]:
                        rest = rest or audio
                        count = self.sock.send(rest)
                        sent, rest = sent + count, rest[count:]
                except (BrokenPipeError, ConnectionResetError):
                    self.report["ended"] = "reset"
                    break
            self.report["sent_seconds"] = sent / (self.step * 2 + 3) / 50
        self.report["lasted_ms"] = self.ms()
        self.report["played"] = self.played
        if self.args.record:
            with open(self.args.record, "wb") as out:
                out.write(self.heard)
        if self.args.came:
            with open(self.args.came, "wb") as out:
                out.write(self.came)
        return self.report

    def wait(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            if select.select([self.sock], [], [], left)[0] and not self.receive():
                return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--talky", action="store_true")
    parser.add_argument("--rate", type=int, default=16000, choices=[8000, 16000])
    parser.add_argument("--send")
    parser.add_argument("--after-audio", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--until")
    parser.add_argument("--record")
    parser.add_argument("--came")
    parser.add_argument("--dtmf")
    parser.add_argument("--uuid", default=str(uuid.uuid4()))
    parser.add_argument("--mode", default="call",
                        choices=["call", "flood", "unread", "garbage", "no-uuid", "twice", "idle"])
    print(json.dumps(Call(parser.parse_args()).run()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
