#!/usr/bin/python3
"""Calls talky-sipd as a browser does: /api/v1/web/call (talky-api(7)).

    web_client.py URL [--send SAID.wav] [--record HEARD.wav] [--events FILE] [--seconds S] [--until TYPE]
                  [--say-when TYPE:SIDE] [--no-reports] [--stall S] [--skip N] [--hang-up] [--dtmf KEYS] [--header NAME:VALUE]
    web_client.py URL --hostile KIND

The microphone gives 20 ms of SAID (16 kHz, mono) by the clock, then silence. The loudspeaker plays 20 ms by the same clock out of
what has come; what it has played is reported every 100 ms, and at once after a `clear`. --say-when holds SAID back until such
an event has come, --until ends the call then (by hanging up), --stall does not read for so long after the answer, --skip lets
the loudspeaker leave out so many samples after the first 400 ms that it has played.

A line of JSON ends the output: sent and received samples, samples played, dropped, thrown away, how many frames of the
microphone were more than 10 ms late, how it ended.
"""
import argparse
import asyncio
import json
import sys
import wave

import websockets

FRAME = 640
HEARD_BEFORE_SKIP = 6400


def read_wav(path):
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000), path
        return file.readframes(file.getnframes())


def write_wav(path, pcm):
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(pcm))


class Caller:
    def __init__(self, a, socket):
        self.a, self.socket = a, socket
        self.said = read_wav(a.send) if a.send else b""
        self.may_speak = not a.say_when
        self.heard, self.waiting, self.played = bytearray(), 0, 0
        self.sent = self.late = self.dropped = self.cleared = 0
        self.clears = []
        self.reported = -1
        self.to_skip, self.skipped = a.skip, 0
        self.answered, self.over = asyncio.Event(), asyncio.Event()
        self.end, self.code = None, None
        self.events = open(a.events, "w") if a.events else None

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def report(self, kind):
        await self.say(type=kind, samples=self.played, **({"skipped": self.skipped} if self.skipped else {}))

    async def clock(self):
        """Both ends of the sound card: a tick of 20 ms."""
        await self.answered.wait()
        loop = asyncio.get_running_loop()
        start, tick, position = loop.time(), 0, 0
        keys = list(self.a.dtmf or "")
        while not self.over.is_set():
            lag = loop.time() - (start + tick * 0.02)
            if lag < 0:
                await asyncio.sleep(-lag)
                continue
            self.late += lag > 0.01
            frame = bytes(FRAME)
            if self.may_speak and position < len(self.said):
                frame = self.said[position:position + FRAME].ljust(FRAME, b"\0")
                position += FRAME
            await self.socket.send(frame)
            self.sent += FRAME // 2
            if self.played >= HEARD_BEFORE_SKIP and self.to_skip:
                left_out = min(self.waiting, self.to_skip)
                self.waiting -= left_out
                self.to_skip -= left_out
                self.skipped += left_out
            out = min(self.waiting, FRAME // 2)
            self.waiting -= out
            self.played += out
            tick += 1
            if tick % 5 == 0 and not self.a.no_reports and self.played != self.reported:
                self.reported = self.played
                await self.report("played")
            if tick % 15 == 0 and keys:
                await self.say(type="dtmf", digit=keys.pop(0))
            if self.a.seconds and tick >= self.a.seconds * 50:
                await self.leave()
                return

    async def leave(self):
        if self.a.hang_up or self.a.until:
            await self.say(type="hangup")
        else:
            await self.socket.close()

    async def listen(self):
        try:
            async for message in self.socket:
                if isinstance(message, bytes):
                    assert 0 < len(message) <= FRAME and len(message) % 2 == 0, len(message)
                    self.heard += message
                    self.waiting += len(message) // 2
                    continue
                event = json.loads(message)
                if self.events:
                    print(message, file=self.events, flush=True)
                await self.take(event)
        except websockets.ConnectionClosed:
            pass
        self.code = self.socket.close_code
        self.over.set()

    async def take(self, event):
        kind = event["type"]
        if kind == "call" and event["state"] == "answered":
            if self.a.stall:
                self.socket.transport.pause_reading()
                asyncio.get_running_loop().call_later(self.a.stall, self.socket.transport.resume_reading)
            self.answered.set()
        elif kind == "clear":
            self.cleared += self.waiting
            self.waiting = 0
            self.clears.append(self.played)
            if not self.a.no_reports:
                await self.report("cleared")
        elif kind == "dropped":
            self.dropped += event["samples"]
        elif kind == "end":
            self.end = event
        when = f"{kind}:{event.get('side', '')}"
        if self.a.say_when in (kind, when):
            self.may_speak = True
        if self.a.until in (kind, when):
            await self.leave()

    async def run(self):
        clock = asyncio.create_task(self.clock())
        await self.listen()
        clock.cancel()
        if self.a.record:
            write_wav(self.a.record, self.heard)
        print(json.dumps({"sent": self.sent, "received": len(self.heard) // 2, "played": self.played,
                          "dropped": self.dropped, "thrown_away": self.cleared, "clears": self.clears, "skipped": self.skipped,
                          "late": self.late, "end": self.end, "code": self.code}))


# What no browser sends. The daemon ends the connection, and the call with it.
HOSTILE = {
    "odd": lambda: b"\1\2\3",
    "empty": lambda: b"",
    "long": lambda: bytes(6402),
    "huge": lambda: bytes(1 << 20),
    "text": lambda: "no json",
    "array": lambda: "[1]",
    "digit": lambda: '{"type":"dtmf","digit":"12"}',
    "negative": lambda: '{"type":"played","samples":-1}',
    "long_text": lambda: '{"type":"x","y":"' + "z" * 5000 + '"}',
    "deep": lambda: "[" * 2000,
}


async def hostile(a):
    async with websockets.connect(a.url, max_size=None) as socket:
        try:
            if a.hostile == "flood":
                for _ in range(20000):
                    await socket.send('{"type":"played","samples":1}')
            elif a.hostile == "sound_flood":
                for _ in range(20000):
                    await socket.send(bytes(6400))
            elif a.hostile == "drop":
                await socket.recv()
                socket.transport.abort()
                print("aborted")
                return
            else:
                await socket.send(HOSTILE[a.hostile]())
            async for _ in socket:
                pass
        except websockets.ConnectionClosed:
            pass
        print(socket.close_code)


async def main(a):
    if a.hostile:
        return await hostile(a)
    url = a.url if a.no_reports else a.url + ("&" if "?" in a.url else "?") + "reports=1"
    headers = dict(h.split(":", 1) for h in a.header)
    try:
        async with websockets.connect(url, compression=None, extra_headers=headers, max_queue=4) as socket:
            await Caller(a, socket).run()
    except websockets.InvalidStatusCode as error:
        print(json.dumps({"refused": error.status_code}))
        sys.exit(3)


parser = argparse.ArgumentParser()
parser.add_argument("url")
for flag in ("--send", "--record", "--events", "--until", "--say-when", "--dtmf", "--hostile"):
    parser.add_argument(flag)
parser.add_argument("--skip", type=int, default=0)
for flag in ("--seconds", "--stall"):
    parser.add_argument(flag, type=float, default=0)
for flag in ("--no-reports", "--hang-up"):
    parser.add_argument(flag, action="store_true")
parser.add_argument("--header", action="append", default=[])
asyncio.run(main(parser.parse_args()))
