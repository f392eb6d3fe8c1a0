#!/usr/bin/python3
"""A client of /api/v1/sip/audio: somebody who listens, talks in, or has the agent's part, on a stock WebSocket library.

    seat_client.py ws://HOST:PORT/api/v1/sip/audio/ID?mode=agent --todo FILE --events FILE --record WAV

It does what is appended to the file --todo, line by line:
    {"type":"clear"}    any JSON is sent as text          burst WAV    the sound of a file, all at once
    paced WAV           the same in the pace of speech    quit         closes in good order
and writes each text message that comes to --events. The sound that comes is in --record at the end. Prints one JSON object.
"""
import argparse
import asyncio
import json
import os
import sys
import wave

import websockets

FRAME = 640  # bytes: 20 ms


def read_wav(path):
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2), path
        return file.readframes(file.getnframes())


class Client:
    def __init__(self, a, socket):
        self.a, self.socket = a, socket
        self.heard, self.channels, self.sizes = bytearray(), 1, set()

    async def speak(self, path, pace):
        sound = read_wav(path)
        start = asyncio.get_running_loop().time()
        for tick, at in enumerate(range(0, len(sound), FRAME)):
            if pace:
                await asyncio.sleep(max(0.0, start + tick * 0.02 - asyncio.get_running_loop().time()))
            await self.socket.send(sound[at:at + FRAME])

    async def work(self):
        done = 0
        while True:
            lines = []
            if os.path.exists(self.a.todo):
                with open(self.a.todo, encoding="utf-8") as file:
                    lines = file.read().split("\n")[:-1]
            for line in lines[done:]:
                done += 1
                verb, _, rest = line.partition(" ")
                if verb in ("burst", "paced"):
                    await self.speak(rest, verb == "paced")
                elif verb == "quit":
                    return await self.socket.close()
                else:
                    await self.socket.send(line)
            await asyncio.sleep(0.02)

    async def listen(self):
        with open(self.a.events, "w", encoding="utf-8") as events:
            try:
                async for message in self.socket:
                    if isinstance(message, bytes):
                        self.heard += message
                        self.sizes.add(len(message))
                        continue
                    self.channels = json.loads(message).get("channels", self.channels)
                    print(message, file=events, flush=True)
            except websockets.ConnectionClosed:
                pass

    async def run(self):
        worker = asyncio.create_task(self.work())
        await self.listen()
        worker.cancel()
        if self.a.record:
            with wave.open(self.a.record, "wb") as file:
                file.setnchannels(self.channels)
                file.setsampwidth(2)
                file.setframerate(16000)
                file.writeframes(bytes(self.heard))
        print(json.dumps({"code": self.socket.close_code, "why": self.socket.close_reason, "sizes": sorted(self.sizes),
                          "channels": self.channels, "bytes": len(self.heard)}))


async def main(a):
    headers = dict(h.split(":", 1) for h in a.header)
    try:
        async with websockets.connect(a.url, compression=None, extra_headers=headers) as socket:
            await Client(a, socket).run()
    except websockets.InvalidStatusCode as error:
        print(json.dumps({"refused": error.status_code}))
        sys.exit(3)


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("--todo", required=True)
parser.add_argument("--events", required=True)
parser.add_argument("--record")
parser.add_argument("--header", action="append", default=[])
asyncio.run(main(parser.parse_args()))
