#!/usr/bin/python3
"""A telephone on a loudspeaker: its microphone hears what the loudspeaker plays, weaker and later.

    echo_call.py --server 127.0.0.1:5060 --seconds 40 --level -20 --delay 120 [--say SAID.wav --over 5] [--result FILE]

The sound that comes in is laid out by its RTP time stamps and goes back through a small room (made by a seed) at `level`
dB, `delay` ms after it has been played; nobody speaks. With --say the caller says SAID.wav (8 kHz) once, when the agent
has been heard for `over` seconds and is speaking. Prints one JSON object: for how long the agent was heard, and with
--say the time from the first loud sample said to the last loud one of the agent (ms; null: it was not interrupted within
3 s), as the microphone and the loudspeaker have them.
"""
import argparse
import json
import sys

import numpy

from sip_client import RATE, Call, Client, read_wav
from g711 import mulaw_decode

LOUD = 400
FRAME = RATE // 50


class Loudspeaker(Call):
    def __init__(self, client, number, level, delay_ms, said, over):
        super().__init__(client, number, send=numpy.zeros(RATE * 300, dtype=numpy.int16))
        self.rng = numpy.random.default_rng(11)
        taps = RATE * 60 // 1000
        room = self.rng.normal(0, 0.12, taps) * numpy.exp(-numpy.arange(taps) / 80.0)
        room[0] = 1
        self.room = room * 10 ** (level / 20) / numpy.sqrt(numpy.sum(room ** 2))
        self.delay = int(delay_ms * RATE / 1000)
        self.played = numpy.zeros(RATE * 300)  # by the loudspeaker, on the microphone's clock
        self.base = None  # (time stamp, place) of the first packet
        self.place = 0  # of the microphone's next frame
        self.said, self.over = said, over
        self.say_from = None
        self.heard_loud = 0
        self.seen = 0

    def receive_rtp(self):
        super().receive_rtp()
        for _, _, stamp, kind, _, _, payload in self.packets[self.seen:]:
            if kind != 0:
                continue
            if self.base is None:
                self.base = (stamp, self.place + FRAME)
            at = self.base[1] + ((stamp - self.base[0] + 2 ** 31) % 2 ** 32 - 2 ** 31)
            if at < self.place:  # too late to be played then: the telephone's buffer starts anew
                self.base = (stamp, self.place)
                at = self.place
            sound = mulaw_decode(payload)
            if at + len(sound) <= len(self.played):
                self.played[at:at + len(sound)] = sound
                self.heard_loud += bool(numpy.abs(sound).max() > LOUD)
        self.seen = len(self.packets)

    def speaking(self):
        return bool(numpy.abs(self.played[max(0, self.place - 10 * FRAME):self.place]).max(initial=0) > LOUD)

    def play_due(self):
        # The microphone's frame for the next packet, from what has been played until then.
        while self.place < self.position + FRAME:
            a = self.place - self.delay - len(self.room) + 1
            source = self.played[max(0, a):max(0, self.place - self.delay + FRAME)]
            source = numpy.concatenate([numpy.zeros(max(0, len(self.room) - 1 + FRAME - len(source))), source])
            mic = numpy.convolve(source, self.room, "valid") + self.rng.normal(0, 8, FRAME)
            if self.said is not None and self.say_from is None and self.heard_loud * FRAME / RATE >= self.over and self.speaking():
                self.say_from = self.place
            if self.say_from is not None:
                part = self.said[self.place - self.say_from:self.place - self.say_from + FRAME]
                mic[:len(part)] += part
            self.audio[self.place:self.place + FRAME] = numpy.clip(mic, -32768, 32767)
            self.place += FRAME
        super().play_due()

    def stopped_after_ms(self):
        if self.say_from is None:
            return None
        began = self.say_from + int(numpy.nonzero(numpy.abs(self.said) > LOUD)[0][0])
        loud = numpy.abs(self.played[began:began + 3 * RATE]) > LOUD
        # The last loud sample before half a second of silence.
        places = numpy.nonzero(loud)[0]
        if not len(places):
            return 0.0
        gaps = numpy.diff(numpy.append(places, 3 * RATE))
        first = int(numpy.nonzero(gaps >= RATE // 2)[0][0]) if (gaps >= RATE // 2).any() else None
        return None if first is None else round(int(places[first]) * 1000 / RATE, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--number", default="100")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--level", type=float, default=-20)
    parser.add_argument("--delay", type=float, default=120)
    parser.add_argument("--say")
    parser.add_argument("--over", type=float, default=5)
    a = parser.parse_args()
    said = None
    if a.say:
        said = read_wav(a.say).astype(float)
    client = Client(a.server)
    call = Loudspeaker(client, a.number, a.level, a.delay, said, a.over)
    client.calls.append(call)
    final = call.invite()
    if not final or final.status != 200:
        print(json.dumps({"status": final and final.status}))
        return 2
    client.pump(a.seconds, lambda: call.ended_by is not None)
    if call.ended_by is None:
        call.bye()
    print(json.dumps({"call": call.call_id, "level": a.level, "delay": a.delay, "agent_s": round(call.heard_loud * FRAME / RATE, 2),
                      "ended_by": call.ended_by, "interrupted": call.say_from is not None,
                      "stopped_after_ms": call.stopped_after_ms()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
