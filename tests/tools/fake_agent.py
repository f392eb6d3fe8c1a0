#!/usr/bin/python3
"""An AudioSocket agent for the tests, which behaves as FAKE_MODE says and writes what it sees to FAKE_LOG (JSON lines).
It also stands in for talky-agent:   fake_agent.py --listen ADDRESS [--journal DIR]   and   fake_agent.py say TEXT

    echo       sends every audio frame back
    play       sends FAKE_PLAY (16 kHz WAV) at once with a mark behind it, and asks for the goodbye when it has been played
    barge      sends FAKE_PLAY at once, and throws it away when it has heard the caller for one second
    hangup     plays FAKE_PLAY and hangs up with a frame of kind 0; close: by closing the stream
    silent     reads and says nothing;   deaf: does not even read
    flood      audio as fast as the stream takes it;   chatter: control messages likewise
    garbage    what breaks the protocol
    busy       takes no call: an error with the code 2
"""
import json
import os
import random
import socket
import struct
import sys
import threading
import time
import wave

HANGUP, UUID, DTMF, SLIN8, SLIN16, CONTROL = 0x00, 0x01, 0x03, 0x10, 0x12, 0xE0
MODE = os.environ.get("FAKE_MODE", "echo")
LOCK = threading.Lock()


def note(**what):
    path = os.environ.get("FAKE_LOG")
    if path:
        with LOCK, open(path, "a") as log:
            log.write(json.dumps({"t": round(time.monotonic(), 4), "pid": os.getpid(), **what}) + "\n")


def frame(kind, payload=b""):
    return struct.pack(">BH", kind, len(payload)) + payload


def control(**message):
    return frame(CONTROL, json.dumps(message).encode())


def wav(path):
    with wave.open(path, "rb") as source:
        return source.readframes(source.getnframes())


def audio_frames(pcm, kind=SLIN16, size=640):
    return b"".join(frame(kind, pcm[i:i + size]) for i in range(0, len(pcm), size))


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def serve(stream):
    heard = 0
    try:
        if MODE == "busy":
            stream.sendall(frame(0xFF, b"\x02"))
            note(event="refused")
        if MODE == "deaf":
            time.sleep(3600)
        if MODE == "garbage":
            stream.sendall(frame(UUID, b"too short") + random.Random(1).randbytes(4096))
        if MODE == "flood":
            pcm = wav(os.environ["FAKE_PLAY"])
            while True:
                stream.sendall(audio_frames(pcm))
        if MODE == "chatter":
            while True:
                stream.sendall(control(type="mark", name="m") * 100)
        while True:
            kind, size = struct.unpack(">BH", read_exactly(stream, 3))
            payload = read_exactly(stream, size)
            if kind == UUID:
                note(event="uuid", uuid=payload.hex())
                if MODE in ("hangup", "close"):
                    stream.sendall(audio_frames(wav(os.environ["FAKE_PLAY"])))
                    if MODE == "hangup":
                        stream.sendall(frame(HANGUP))
                    stream.close()
                    return
            elif kind == CONTROL:
                message = json.loads(payload)
                note(event="control", heard=heard, message=message)
                if message["type"] == "start" and MODE in ("play", "barge"):
                    stream.sendall(audio_frames(wav(os.environ["FAKE_PLAY"])))
                    if MODE == "play":
                        stream.sendall(control(type="mark", name="end"))
                if message["type"] == "mark" and MODE == "play":
                    stream.sendall(control(type="hangup", reason="that was all"))
            elif kind in (SLIN8, SLIN16):
                if heard == 0:
                    note(event="audio", kind=kind, bytes=size)
                heard += size // 2
                if MODE == "barge" and heard - size // 2 < 16000 <= heard:
                    stream.sendall(control(type="mark", name="never") + control(type="clear"))
                if MODE == "echo":
                    stream.sendall(frame(kind, payload))
            else:
                note(event="frame", kind=kind, payload=payload.hex())
    except (EOFError, OSError) as error:
        note(event="closed", heard=heard, error=str(error))


def main():
    arguments = sys.argv[1:]
    if arguments and arguments[0] == "say":
        note(event="say", text=arguments[1])
        sys.stdout.buffer.write(wav(os.environ["FAKE_SAY"]) if "FAKE_SAY" in os.environ else b"")
        return 0
    address = arguments[arguments.index("--listen") + 1]
    while os.environ.get("FAKE_WAIT") and not os.path.exists(os.environ["FAKE_WAIT"]):
        time.sleep(0.02)
    if address.startswith("unix:"):
        path = address[5:]
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
    else:
        host, _, port = address[4:].rpartition(":")
        listener = socket.create_server((host, int(port)))
    listener.listen(64)
    note(event="listening", arguments=arguments)
    print("listening", flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(stream,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
