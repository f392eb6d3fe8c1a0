"""Where the time goes between the caller's last sound and the agent's first, each part measured by itself:

  network in     caller's packet leaves -> the kernel of talky-sipd has it      talky-replay's clock, the pcap's
  jitter buffer  -> its last sample is in a caller's frame                      the recording: where that sample stands; the pcap:
                                                                               when the packets of that tick left
  resampler      the filter's delay, exactly 80 samples (tests/audio)
  detection      -> where the agent says that the speech ended; below 0 if it is surer than the loudness of a frame   journal
  endpoint, stt, dialogue, tts, out                                             the agent's journal
  ipc            -> the agent's first sample is in a packet                     journal; the recording, the agent's side
  lead-in        -> the first packet with sound: what the voice breathes first  the pcap's packets
  network out    -> it has arrived at the caller                                the pcap's clock, talky-replay's

Nothing here is computed as what remains. From the jitter buffer to the first packet with sound time is counted in samples, so the
sum differs from what the caller measured by how unevenly talky-sipd's ticks came: by nothing more, since each part begins
where the one before it ends.
"""
import json
import pathlib
import sys

import numpy

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))

from arrivals import signed, stream  # noqa: E402
from audio import locate, read_wav, resample, telephone_band  # noqa: E402
from sip_client import mulaw_decode  # noqa: E402

RATE, FRAME, PACKET = 16_000, 320, 160
FILTER = 80  # samples of the 1:2 resampler
LOUD = 10 ** (-45 / 20)
AGENT = ("endpoint", "stt", "dialogue", "tts", "out")


def ms(samples):
    return samples * 1000 / RATE


def laid_out(rows):
    """The audio of a stream at the places of its timestamps, and the place of each packet."""
    places = [signed(row[2] - rows[0][2], 32) for row in rows]
    pcm = numpy.zeros(max(places) + PACKET)
    for place, row in zip(places, rows):
        if place >= 0 and row[3] == 0:
            pcm[place:place + len(row[4])] = mulaw_decode(row[4]) / 32768
    return pcm, places


def waterfall(recording, port, turn):
    """The parts of one answer in ms, in order, and what the caller measured; None if the turn cannot be told apart."""
    path = pathlib.Path(recording)
    entries = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    told = [e for e in entries if e["type"] == "latency" and e["turn"] > 0]
    said = {e["turn"]: e for e in entries if e["type"] == "turn"}
    if len(told) != 1 or told[0]["turn"] not in said:
        return None
    agent, spoken = told[0], said[told[0]["turn"]]
    pcap = path.with_suffix(".pcap")
    came = stream(pcap, lambda _, target: target == port)
    left = sorted(stream(pcap, lambda source, _: source == port), key=lambda row: signed(row[2], 32))
    first = min(left, key=lambda row: row[0])
    ticks = {signed(row[2] - first[2], 32) // PACKET: row for row in left}

    # The packet with the caller's last sound, and where its last sample stands in the recording.
    sent_at, came_at = turn["speech_left_us"] / 1e6, turn["answer_came_us"] / 1e6
    index = next((i for i, row in enumerate(came) if row[0] >= sent_at - 0.0005), None)
    if index is None:  # it never came
        return None
    caller, places = laid_out(came)
    both, _ = read_wav(recording)
    begin = max(places[index] - 8000, 0)
    needle = telephone_band(resample(caller[begin:places[index] + PACKET], 8000, RATE), RATE)
    lag, _, corr, _, _ = locate(needle, telephone_band(both[:, 0], RATE))
    if corr < 0.98:
        return None
    last = lag + len(needle)  # one past it, without the filter's own delay: locate() has that in the lag
    tick = (last - 1) // FRAME
    heard = FRAME * (tick + 1)  # samples that the agent has after that frame

    # The agent's first sample, by its own account and in the recording.
    spoke = spoken["end"] + agent["total"]
    later = numpy.nonzero(both[heard:, 1])[0]
    answer = (heard + int(later[0])) // FRAME

    def loudness(at):
        pcm = mulaw_decode(ticks[at][4]) / 32768 if at in ticks else numpy.zeros(1)
        return float(numpy.sqrt(numpy.mean(pcm * pcm)))

    loud = next(at for at in range(answer, max(ticks))
                if loudness(at) > LOUD and any(loudness(at + n) > LOUD for n in (1, 2, 3)))
    parts = {
        "network in": (came[index][0] - sent_at) * 1000,
        "jitter buffer": (ticks[tick][0] - came[index][0]) * 1000 - ms(FILTER),
        "resampler": ms(FILTER),
        "detection": ms(spoken["end"] - heard),
        **{part: ms(agent[part]) for part in AGENT},
        "ipc": ms(FRAME * (answer + 1) - spoke),
        "lead-in": ms(FRAME * (loud - answer)),
        "network out": (came_at - ticks[loud][0]) * 1000,
    }
    return {"parts": parts, "caller": turn["latency_ms"]}
