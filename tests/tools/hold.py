#!/usr/bin/python3
"""What was sent and heard in each part of a call that was put on hold, from talky-sipd's pcap and recording of it.

    hold.py CALL.wav --port PORT --forms 2:heard,3:deaf,4:heard --resume 5 [--rtp OUTSIDE.pcap] [--stalled MS]

PORT is talky-sipd's RTP port. Each of --forms is the CSeq of a re-INVITE and whether we go on hearing the caller, who sends
all the while: while it holds, from our 200 to the next INVITE, no RTP packet leaves us, the agent's side of the recording is
silent, and the caller's is silent, too, or is not. After --resume packets leave again, and their timestamps have moved on by
as much as the clock. Prints a line for each part; the exit code is 1 if something is not so. For MS we were kept from running: by that much
what was recorded may lie beside its time. OUTSIDE.pcap has the sound, captured by somebody else. A part in which packets of the caller came late says nothing of how he was heard.
"""
import argparse
import sys

from arrivals import packets, signed, sip, stream
from audio import dbfs, read_wav

SETTLED = 0.15  # s: what was in the jitter buffer, and the fading of a gap
STALL = 0.1  # s: by which our loop may have been late to read the next INVITE
QUIET = -60


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wav")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--forms", required=True)
    parser.add_argument("--resume", type=int, required=True)
    parser.add_argument("--rtp")
    parser.add_argument("--stalled", type=int, default=0)
    a = parser.parse_args()
    pcap = a.wav[:-4] + ".pcap"
    messages = sip(pcap)
    rtp = a.rtp or pcap
    sent = stream(rtp, lambda source, _: source == a.port)
    received = [at for at, _, target, _ in packets(rtp) if target == a.port]
    theirs = stream(rtp, lambda _, target: target == a.port)
    transit = [row[0] - signed(row[2] - theirs[0][2], 32) / 8000 for row in theirs]
    late = [row[0] for row, one in zip(theirs, transit) if one > min(transit) + 0.01]
    aside = a.stalled / 1000
    pcm, rate = read_wav(a.wav)
    # Our first packet leaves on the first tick, with the recording's first sample; the most punctual one says when that was.
    start = min(row[0] - signed(row[2] - sent[0][2], 32) / 8000 for row in sent)

    def side(channel, begin, end):
        return dbfs(pcm[int((begin - start) * rate):int((end - start) * rate), channel])

    def time_of(line, cseq):
        return next(at for at, first, number in messages if first.startswith(line) and number == f"{cseq} INVITE")

    good = True
    for form in a.forms.split(","):
        cseq, hears = int(form.split(":")[0]), form.endswith("heard")
        begin, end = time_of("SIP/2.0 200", cseq), time_of("INVITE", cseq + 1)
        ours = sum(begin < row[0] < end for row in sent)
        came = sum(begin < at < end for at in received)
        holds = ours == 0 and came > 10
        print(f"cseq={cseq} ms={(end - begin) * 1000:.0f} sent={ours} came={came}", end=" ")
        first, last = begin + SETTLED + aside, end - STALL - aside
        if first + 0.1 < last:
            caller, agent = (side(channel, first, last) for channel in (0, 1))
            punctual = not any(begin - 0.5 < at < end for at in late)
            holds = holds and agent < QUIET and (not punctual or (caller > QUIET + 20 if hears else caller < QUIET))
            print(f"caller={caller:.0f} agent={agent:.0f} punctual={punctual}", end=" ")
        print("ok" if holds else "WRONG")
        good = good and holds
    resumed = time_of("SIP/2.0 200", a.resume)
    before = [row for row in sent if row[0] < time_of("SIP/2.0 200", int(a.forms.split(":")[0]))][-1]
    after = next(row for row in sent if row[0] > resumed)
    clock, stamps = (after[0] - before[0]) * 1000, signed(after[2] - before[2], 32) / 8
    more = sum(row[0] > resumed + 1 for row in sent)
    holds = abs(clock - stamps) < 60 + aside * 1000 and more > 10
    print(f"resumed: clock={clock:.0f} timestamps={stamps:.0f} packets={more} {'ok' if holds else 'WRONG'}")
    return 0 if good and holds else 1


if __name__ == "__main__":
    sys.exit(main())
