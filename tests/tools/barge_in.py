#!/usr/bin/python3
"""What happened when the caller spoke over the agent, from what is left of the call.

    barge_in.py --wav CALL.wav --journal CALL.jsonl --sent SENT.wav --sentence SENTENCE.raw

CALL.wav is talky-sipd's recording (caller left, agent right, 16 kHz, sample-aligned), CALL.jsonl the agent's journal,
SENT.wav the agent's side by the RTP packets of the call's pcap (8 kHz), SENTENCE.raw the whole sentence as the same
voice speaks it (16 kHz). Prints one JSON object of figures; the exit code is 1 if one of these does not hold:
  - the agent decided to be silent within 400 ms of the caller's audio;
  - the agent is silent 400 ms after the caller began (3 if only this does not hold: on a machine that does something else
    meanwhile the agent's process may have been late; 3, too, if it had not begun when the caller did), and for half a second
    from then on;
  - what the agent played is the beginning of the sentence, sample by sample (quieter from the caller's first sound on), up to the `played` of the journal's
    `cleared`, and what was discarded was not played;
  - the journal's `heard` of that sentence is that same number;
  - the RTP packets hold the same: all of it, and nothing behind it.
"""
import argparse
import json
import sys

import numpy

from audio import locate, read_wav, resample

RATE = 16000
LOUD = 10 ** (-45 / 20)


def correlation(a, b):
    return float(numpy.dot(a, b) / numpy.sqrt(numpy.dot(a, a) * numpy.dot(b, b) + 1e-12))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("wav", "journal", "sent", "sentence"):
        parser.add_argument("--" + name, required=True)
    a = parser.parse_args()
    both, rate = read_wav(a.wav)
    assert rate == RATE
    caller, agent = both[:, 0], both[:, 1]
    whole = numpy.fromfile(a.sentence, "<i2").astype(float) / 32768
    with open(a.journal, encoding="utf-8") as file:
        journal = [json.loads(line) for line in file]
    began = int(numpy.nonzero(numpy.abs(caller) >= LOUD)[0][0])
    if not agent[:began].any():
        print("the agent had not begun to speak")
        return 3
    barge_in = next(entry for entry in journal if entry["type"] == "barge_in")
    cleared = next(entry for entry in journal if entry["type"] == "cleared")
    sentence = next(entry for entry in journal if entry["type"] == "sentence_end")

    start = locate(whole[:RATE], agent)[0]
    played = cleared["played"]
    end = start + played
    sent, sent_rate = read_wav(a.sent)
    sent = resample(sent[:, 0], sent_rate, RATE)
    heard_part = agent[start:end]
    lag, _, corr, _, part = locate(heard_part, sent)
    behind = sent[lag + played + RATE * 6 // 100:lag + played + RATE // 2]
    # From the caller's first sound on the agent is ducked: within 100 ms, by 12 dB and over 10 ms, the same samples.
    fits = played <= len(whole)
    different = numpy.nonzero(heard_part != whole[:played])[0] if fits else [0]
    turned = start + int(different[0]) if len(different) else end
    ducked = heard_part[turned - start + RATE // 50:]
    loud = whole[turned - start + RATE // 50:played]
    gain = float(numpy.dot(ducked, loud) / max(numpy.dot(loud, loud), 1e-9)) if fits else 0
    checks = {
        "spoke over the agent": start < began < end,
        "decided within 400 ms": barge_in["at"] - began <= RATE * 2 // 5,
        "silent within 400 ms": end - began <= RATE * 2 // 5,
        "and stays silent": not agent[end:end + RATE // 2].any(),
        "played to the sample": fits and turned > began and correlation(ducked, loud) > 0.99,
        "ducked within 100 ms": turned - began <= RATE // 10 and 0.2 < gain < 0.3,
        "something was discarded": cleared["discarded"] > 0 and played + cleared["discarded"] <= len(whole),
        "heard is what was played": sentence["heard"] == played and not sentence["whole"],
        "the packets hold all of it": corr >= 0.99 and part > 0.999,
        "and nothing behind it": len(behind) > 0 and bool(numpy.max(numpy.abs(behind)) < LOUD),
    }
    failed = [name for name, holds in checks.items() if not holds]
    print(json.dumps({"stopped_after_ms": round((end - began) * 1000 / RATE, 1),
                      "decided_after_ms": round((barge_in["at"] - began) * 1000 / RATE, 1), "played": played,
                      "discarded": cleared["discarded"], "heard": sentence["heard"], "rtp_corr": round(corr, 4),
                      "ducked_after_ms": round((turned - began) * 1000 / RATE, 1), "gain": round(gain, 3),
                      "failed": failed}))
    return 3 if failed == ["silent within 400 ms"] else 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
