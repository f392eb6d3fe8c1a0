#!/usr/bin/python3
"""An agent that echoes, and keeps a journal as talky-agent does: the first lines at the start, the last a second after the
end. Options are those of fake_agent.py, and --journal DIR."""
import json
import sys
import time
import uuid

import fake_agent as fake

folder = sys.argv[sys.argv.index("--journal") + 1] if "--journal" in sys.argv else None
entries = [
    {"type": "sentence_start", "sentence": 1, "text": "Good afternoon to you.", "voice": "Emma", "sent": 0},
    {"type": "latency", "turn": 0, "endpoint": 0, "stt": 0, "dialogue": 0, "tts": 640, "out": 320, "total": 960},
    {"type": "sentence_end", "sentence": 1, "length": 16000, "heard": 8000, "whole": False},
    {"type": "barge_in", "begin": 8000, "by": "speech"},
    {"type": "turn", "turn": 1, "begin": 8000, "end": 16000, "text": "A cut, please.", "confidence": 1},
    {"type": "latency", "turn": 1, "endpoint": 1600, "stt": 1600, "dialogue": 0, "tts": 3200, "out": 0, "total": 6400},
    {"type": "turn", "turn": 2, "begin": 32000, "end": 40000, "text": "On Friday.", "confidence": 1},
    {"type": "latency", "turn": 2, "endpoint": 1600, "stt": 1600, "dialogue": 0, "tts": 11200, "out": 0, "total": 14400},
    {"type": "stop", "reason": "hangup"}]


class Stream:
    def __init__(self, stream):
        self.stream, self.read, self.name = stream, b"", None

    def recv(self, count):
        try:
            data = self.stream.recv(count)
        except OSError:
            data = b""
        if self.name is None:
            self.read += data
            if len(self.read) >= 19:
                self.name = str(uuid.UUID(bytes=self.read[3:19]))
                self.write(entries[:3])
        if not data:
            self.end()
        return data

    def sendall(self, data):
        try:
            self.stream.sendall(data)
        except OSError:
            self.end()
            raise

    def end(self):
        if self.name:
            time.sleep(1)
            self.write(entries[3:])
            self.name = ""

    def write(self, some):
        with open(f"{folder}/{self.name}.jsonl", "a") as out:
            out.writelines(json.dumps({"at": 320, **e}, separators=(",", ":")) + "\n" for e in some)

    def __getattr__(self, name):
        return getattr(self.stream, name)


inner = fake.serve
fake.serve = lambda stream: inner(Stream(stream))
sys.exit(fake.main())
