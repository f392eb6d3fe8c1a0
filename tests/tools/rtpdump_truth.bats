# What talky-rtpdump says of a call that talky-sipd carried, against what the caller sent, and what the daemon logged and
# recorded. The line is bad, by a seed.
load lib

setup() {
  common_setup
  need talky-rtpdump talky-sipd sox
}

@test "a call over a bad line: packets, losses, duplicates, keys, times and sound are those that were" {
  start_sipd
  audio make noise said.wav --seconds 6 --seed 11
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/impaired_call.py" --server "127.0.0.1:$PORT" 100 said.wav truth.s16 --digits 42# --seed 5 >sent.json
  cat sent.json
  wait_line sipd 'event=call.end' 30
  stop sipd # then all of the recording is on the disk
  local call pcap
  call=$(only_recording)
  pcap=${call%.wav}.pcap
  talky-rtpdump -r "$pcap" --json >ours.json
  talky-rtpdump -r "$pcap" --dtmf --csv >keys.csv
  talky-rtpdump -r "$pcap" --extract out
  grep event=call.end sipd.err
  /usr/bin/python3 - "$call" "$TALKY_SOURCE/tests/tools" "$(witnessed times)" <<'PY'
import csv, datetime, json, re, sys
sys.path.insert(0, sys.argv[2])
import numpy
sent, ours = json.load(open("sent.json")), json.load(open("ours.json"))
end = dict(re.findall(r"(\w+)=(\S+)", next(l for l in open("sipd.err") if "event=call.end" in l)))
streams = {int(s["ssrc"], 16): s for s in ours["streams"]}
said = streams.pop(sent["ssrc"])
assert len(streams) == 1, list(streams)
back = streams.popitem()[1]

# As it was sent, and as the daemon counted it. A little silence before the hang-up may have come behind it.
sequence = sent["sequence"][:said["packets"]]
assert len(sequence) == said["packets"] and len(sent["sequence"]) - len(sequence) < 300, (said, sent)
missing = max(sequence) - min(sequence) + 1 - len(set(sequence))
duplicates = len(sequence) - len(set(sequence))
assert missing > 5 and duplicates > 3, sent
assert (said["missing"], said["duplicates"], said["lost"]) == (missing, duplicates, missing - duplicates), (said, missing, duplicates)
assert said["expected"] == said["packets"] - said["duplicates"] + said["missing"], said
# (The daemon counts what came a second time as nothing.)
assert said["packets"] - said["duplicates"] == int(end["in_packets"]) and said["missing"] == int(end["in_lost"]), (said, end)
assert back["packets"] == int(end["out_packets"]) and back["missing"] == 0, (back, end)
assert back["packets"] >= sent["heard"], (back["packets"], sent["heard"])

# The call, and when it was. The clocks of both programs are one, but for their precision; what lies between is the time
# that messages take.
call, = ours["calls"]
assert call["call_id"] == sent["call_id"] and call["final_code"] == 200, call
start = datetime.datetime.fromisoformat(ours["start"].replace("Z", "+00:00")).timestamp()
answered, ended = start + call["answered_s"], start + call["ended_s"]
assert start <= answered <= sent["answered"] + .05 and sent["ended"] - .05 <= ended, (answered, ended, sent)
assert abs((ended - answered) - float(end["seconds"])) < 5, (ended - answered, end["seconds"])
assert call["ended_by"] == "caller", call

# The keys, in order and in time.
keys = list(csv.DictReader(open("keys.csv")))
caller = [k for k in keys if k["by"] == "caller"]
assert "".join(k["digit"] for k in caller) == "42#", keys
assert re.findall(r"event=dtmf digit=(.)", open("sipd.err").read()) == list("42#")
times = [float(k["time_s"]) for k in caller]
assert times == sorted(times) and times[0] > call["answered_s"] and times[-1] < call["ended_s"], times

# The sound: of the caller sample by sample what was in the packets that went out. Where none did something was made up, which
# fades into what came behind it within 10 ms. What comes a second late finds no place any more.
import arrivals, wave
def channels(name):
    with wave.open(name) as w:
        pcm = numpy.frombuffer(w.readframes(w.getnframes()), "<i2").reshape(-1, w.getnchannels())
        return pcm.astype(float), w.getframerate()
got, rate = channels("out/call-01.wav")
assert rate == 8000
truth = numpy.fromfile("truth.s16", "<i2")
left = numpy.append(got[:, 0], numpy.zeros(len(truth)))
first = numpy.flatnonzero(left)[0] - numpy.flatnonzero(truth)[0]
port = int(re.search(r"event=call.start .* rtp_port=(\d+)", open("sipd.err").read())[1])
rows = [row for row in arrivals.stream("witness.1.packets", lambda source, target: target == port) if row[3] == 0]
transit = [at - arrivals.signed(stamp - rows[0][2], 32) / 8000 for at, _, stamp, _, _ in rows]
missing, late = numpy.ones(len(truth), bool), 0
for (_, _, stamp, _, payload), one in zip(rows, transit):
    begin = arrivals.signed(stamp - rows[0][2], 32)
    missing[begin:begin + len(payload)] &= one - min(transit) > .9
    late += truth[begin:].any() and one - min(transit) > .02 # while there was sound
left = left[first:first + len(truth)]
made_up = missing.copy()
for n in range(1, 81):
    made_up[n:] |= missing[:-n]
assert 0 <= first and numpy.all((left == truth) | made_up), (first, made_up.sum(), ((left != truth) & ~made_up).sum())
# Made up where somebody spoke before it (a long hole is a key, while which there is no sound).
spoken = numpy.flatnonzero(truth)
edges = numpy.flatnonzero(missing[1:] != missing[:-1]) + 1
holes = [(n, m) for n, m in zip(edges, edges[1:]) if missing[n] and m - n <= 480 and spoken[0] + 800 < n < spoken[-1] - 800]
assert len(holes) > 5 and all(left[n:n + 80].any() for n, _ in holes), (holes, [bool(left[n:n + 80].any()) for n, _ in holes])

# And as the recording has it, of both sides: the last half second, which no loss has touched.
whole, wide = channels(sys.argv[1])
whole = whole[::wide // 8000]
def place(part, where):
    size = 1 << (len(where) + len(part)).bit_length()
    match = numpy.fft.irfft(numpy.fft.rfft(where, size) * numpy.conj(numpy.fft.rfft(part, size)), size)[:len(where) - len(part) + 1]
    at = int(match.argmax())
    there = where[at:at + len(part)]
    return at / 8000, float(numpy.dot(there, part) / numpy.sqrt(numpy.dot(there, there) * numpy.dot(part, part)))
end_of = numpy.flatnonzero(truth)[-1]
part = truth[end_of - 3200:end_of - 800].astype(float)
(l1, a), (r1, b) = place(part, got[:, 0]), place(part, got[:, 1])
(l2, c), (r2, d) = place(part, whole[:, 0]), place(part, whole[:, 1])
print(f"extracted: left {l1:.4f} s ({a:.3f}), right {r1:.4f} s ({b:.3f}); recorded: left {l2:.4f} s ({c:.3f}), right {r2:.4f} s ({d:.3f})")
assert a > 0.999 or late, a
# Where the daemon was kept from running, its recording and its echo have holes. Where the caller was, his packets left
# late, and the jitter buffer makes up for that, also later on. Neither says so: the witness does.
if late or int(sys.argv[3]):
    print(f"late packets: {late}; kept from running: {sys.argv[3]}; the daemon's side is not compared:", end)
    sys.exit(0)
assert min(b, c, d) > 0.9, (b, c, d)
# The echo comes behind what it repeats. The recording has the caller as the jitter buffer played him, so nearer to it.
assert r1 > l1 and r2 >= l2 and r2 - l2 <= r1 - l1 + 0.02, (l1, r1, l2, r2)
PY
}
