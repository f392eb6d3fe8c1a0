#!/usr/bin/python3
"""An agent for the tests that answers by the count of the caller's samples and says where the time went.

    turn_agent.py PORT [--die-at FRAMES]

In each call: at once a greeting (turn 0), and an answer at the frames 40 and 90, to speech that ended at 0.5 s and 1.5 s.
With --die-at the connection breaks at that frame."""
import json
import socket
import struct
import sys
import threading

from fake_agent import CONTROL, SLIN16, frame, read_exactly

SAMPLES = 320
ANSWER = 10  # frames of sound
# frame -> turn, its end and stages in samples; they add up to the time of the frame
TURNS = {
    1: dict(turn=0, end=0, endpoint=0, stt=0, dialogue=0, tts=320, out=0),
    40: dict(turn=1, end=8000, endpoint=3200, stt=320, dialogue=0, tts=1280, out=0),
    90: dict(turn=2, end=24000, endpoint=1600, stt=640, dialogue=320, tts=1920, out=320),
}


def serve(stream, die_at):
    sound = frame(SLIN16, struct.pack("<320h", *([3000, -3000] * 160)))
    frames = sent = 0
    try:
        while True:
            kind, length = struct.unpack(">BH", read_exactly(stream, 3))
            read_exactly(stream, length)
            if kind != SLIN16:
                continue
            frames += 1
            if frames == die_at:
                return
            turn = TURNS.get(frames)
            if turn:
                message = json.dumps({"type": "turn", **turn, "sent": sent}).encode()
                stream.sendall(sound + frame(CONTROL, message) + sound * (ANSWER - 1))
                sent += ANSWER * SAMPLES
    except (EOFError, OSError):
        pass
    finally:
        stream.close()


def main():
    die_at = int(sys.argv[sys.argv.index("--die-at") + 1]) if "--die-at" in sys.argv else 0
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("listening", flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(stream, die_at), daemon=True).start()


main()
