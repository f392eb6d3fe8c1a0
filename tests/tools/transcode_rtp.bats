#!/usr/bin/env bats
# talky-transcode and RTP: sound to packets and back, with tshark as the referee, and bad lines.
# ctest: busy
load lib
load transcode

setup() {
  common_setup
  need talky-transcode sox tshark
  # Two seconds, stereo, 8 kHz: a call with something else on each leg.
  sox -R -r 8000 -n -b 16 -c 2 call.wav synth 2 sine 200-3000 synth 2 sine mix 500 vol 0.5
  sox call.wav left.wav remix 1
}

streams() { tshark -q -r "$1" -z rtp,streams 2>/dev/null | grep 0x; }

@test "RTP and back is the codec and nothing else: PCMU, PCMA, G.722, GSM, L16, in pcap and rtpdump" {
  local codec kind container
  for codec in PCMU:mulaw PCMA:alaw G722:g722 GSM:gsm L16/8000:s16le; do
    kind=${codec#*:} codec=${codec%:*}
    talky-transcode --force -t "$kind" left.wav coded
    talky-transcode --force -f "$kind" --in-rate 8000 coded -t s16le plain
    for container in pcap rtpdump; do
      talky-transcode --force --codec "$codec" left.wav "x.$container"
      talky-transcode --payload-type 96=L16/8000 "x.$container" -t s16le - | same - plain
    done
  done
}

@test "a pcapng is what a pcap is, packet by packet" {
  need capinfos
  talky-transcode --codec opus call.wav x.pcap
  talky-transcode --codec opus call.wav x.pcapng
  [ "$(capinfos -T -r -t x.pcapng | cut -f2)" = pcapng ]
  same <(tshark -r x.pcap -T fields -e frame.time_epoch -e udp.payload) <(tshark -r x.pcapng -T fields -e frame.time_epoch -e udp.payload)
  talky-transcode x.pcap a.wav
  talky-transcode x.pcapng b.wav
  same a.wav b.wav
  talky-transcode x.pcapng -t pcap - | same - x.pcap # packets are passed on as they are
}

@test "tshark finds no loss, no jitter and the pacing asked for, at every ptime" {
  local ptime codec
  for codec in PCMU G722 opus; do
    for ptime in 10 20 40; do
      talky-transcode --force --codec $codec --ptime $ptime left.wav x.pcap
      streams x.pcap
      streams x.pcap | awk -v packets=$((2000 / ptime)) -v ms=$ptime '
        $9 != packets || $10 != 0 || $12 != ms || $13 != ms || $14 != ms || $15 + $16 + $17 != 0 { bad = 1 }
        { n++ } END { exit bad || n != 1 }'
    done
  done
  tshark -r x.pcap -Y rtp -T fields -e rtp.seq -e rtp.timestamp -e rtp.marker -e rtp.p_type | awk '
    NR == 1 && ($1 != 1 || $2 != 0 || ($3 != "1" && $3 != "True")) { exit 1 }
    NR > 1 && ($1 != seq + 1 || $2 != ts + 1920 || ($3 != "0" && $3 != "False")) { exit 1 }
    $4 != 111 { exit 1 } { seq = $1; ts = $2 }'
  talky-transcode --force --payload-type 77 --ssrc 0xabcd --codec L16/16000 left.wav x.pcap
  streams x.pcap | grep -q '0x0000ABCD'
  [ "$(tshark -r x.pcap -Y rtp -T fields -e rtp.p_type | sort -u)" = 77 ]
  refuses 64 'ptime 7' talky-transcode --force --codec opus --ptime 7 left.wav y.pcap
  refuses 64 'expected a codec' talky-transcode --codec G729 left.wav y.pcap
}

@test "a stereo call is two streams, and the two streams are the stereo call again" {
  talky-transcode --codec L16/8000 call.wav call.pcap
  [ "$(streams call.pcap | wc -l)" -eq 2 ]
  talky-transcode call.pcap back.wav
  same back.wav call.wav
  talky-transcode --ssrc 0x74616c6c call.pcap right.wav
  same right.wav <(sox call.wav -t wav - remix 2)
  talky-transcode --ssrc 0x74616c6c,0x74616c6b call.pcap -t s16le - | same - <(sox call.wav -t s16 - remix 2 1)
  # Of a pipe the streams must be named; one is taken.
  talky-transcode -f pcap --ssrc 0x74616c6b,0x74616c6c -t wav - piped.wav < <(cat call.pcap)
  same piped.wav call.wav
  run --separate-stderr bash -c 'cat call.pcap | talky-transcode -t s16le - one.s16le'
  [ "$status" -eq 0 ]
  [[ $stderr == *'other streams left out; --ssrc chooses'* ]]
  same one.s16le <(sox call.wav -t s16 - remix 1)
  gzip -k call.pcap
  talky-transcode call.pcap.gz -t wav - | tail -c +45 | same - <(tail -c +45 call.wav)
}

@test "a live rtpdump on a pipe: the first packet is heard before the second comes" {
  talky-transcode --codec PCMU left.wav x.rtpdump
  mkfifo to from
  talky-transcode -f rtpdump -t s16le to - >from 3>&- &
  PIDS[filter]=$!
  exec 8<from 7>to
  local header
  header=$(head -1 x.rtpdump | wc -c)
  head -c $((header + 16 + 8 + 172)) x.rtpdump >&7
  [ "$(timeout $((5 * PATIENCE)) head -c 320 <&8 | wc -c)" -eq 320 ]
  exec 7>&-
  finish filter
  [ "$status" -eq 0 ]
}

@test "a bad line is the same every time, and is as bad as was asked for" {
  sox -R -r 8000 -n -b 16 -c 1 long.wav synth 200 sine 300 vol 0.3
  talky-transcode long.wav long.pcap
  talky-transcode --impair loss=5%,burst=3,jitter=5ms,reorder=1%,dup=2%,seed=7 long.pcap a.pcap
  talky-transcode --impair loss=5%,burst=3,jitter=5ms,reorder=1%,dup=2%,seed=7 long.pcap b.pcap
  talky-transcode --impair loss=5%,burst=3,jitter=5ms,reorder=1%,dup=2%,seed=8 long.pcap c.pcap
  same a.pcap b.pcap
  run -1 same a.pcap c.pcap
  tshark -r a.pcap -Y rtp -T fields -e rtp.seq -e frame.time_epoch >packets
  /usr/bin/python3 - <<'PY'
rows = [line.split() for line in open("packets")]
seqs, times = [int(r[0]) for r in rows], [float(r[1]) for r in rows]
assert times == sorted(times)
sent, got = 10000, set(seqs)
lost = [s for s in range(1, sent + 1) if s not in got]
bursts = sum(1 for s in lost if s - 1 in got or s == 1)
print(len(lost), "lost in", bursts, "bursts;", len(seqs) - len(got), "twice")
assert 350 < len(lost) < 650
assert 2.4 < len(lost) / bursts < 3.6
assert 120 < len(seqs) - len(got) < 260
late = sum(1 for a, b in zip(seqs, seqs[1:]) if b < a)
assert 50 < late < 160, late
PY
  # As sound: of the same length, silent or made up where packets are missing, and else as it was.
  talky-transcode --impair reorder=5%,dup=5% long.pcap -t s16le - | same - <(talky-transcode long.pcap -t s16le -)
  talky-transcode --impair loss=5%,burst=3,seed=7 long.pcap lossy.wav
  [ "$(soxi -s lossy.wav)" -le 1600000 ]
  [ "$(soxi -s lossy.wav)" -ge 1599000 ]
  refuses 64 'character 6: expected a share' talky-transcode --impair loss=5 long.pcap x.wav
  refuses 64 'want RTP' talky-transcode --impair loss=5% long.wav x.wav
}

@test "as a telephone hears it: through the jitter buffer, 16 kHz, no longer than the call" {
  talky-transcode --codec PCMU left.wav x.pcap
  talky-transcode --jitter-buffer x.pcap heard.wav
  [ "$(soxi -r heard.wav)" -eq 16000 ]
  local samples
  samples=$(soxi -s heard.wav)
  [ "$samples" -ge 31000 ]
  [ "$samples" -le 34000 ]
  talky-transcode --impair loss=5%,jitter=20ms,seed=3 --jitter-buffer --force x.pcap heard.wav
  talky-transcode --impair loss=5%,jitter=20ms,seed=3 --jitter-buffer x.pcap again.wav
  same heard.wav again.wav
}

@test "packets are passed on as they are, between pcap and rtpdump, events and all" {
  # Sound with a key press in it: events have the timestamp of their beginning and the next sequence numbers.
  /usr/bin/python3 - <<'PY'
import struct
out = open("keys.rtpdump", "wb")
out.write(b"#!rtpplay1.0 192.0.2.9/4000\n" + struct.pack(">IIIHH", 1000, 0, 0, 4000, 0))
for i in range(50):
    event = 20 <= i < 30
    pt, payload = (101, struct.pack(">BBH", 5, 10, (i - 19) * 160)) if event else (0, bytes([i] * 160))
    ts = 20 * 160 if event else i * 160
    rtp = struct.pack(">BBHII", 0x80, pt | (0x80 if i in (0, 20, 30) else 0), 500 + i, ts, 7) + payload
    out.write(struct.pack(">HHI", len(rtp) + 8, len(rtp), i * 20) + rtp)
PY
  talky-transcode keys.rtpdump keys.pcap
  talky-transcode keys.pcap back.rtpdump
  same <(tail -c +45 keys.rtpdump) <(tail -c +45 back.rtpdump)
  talky-transcode keys.rtpdump -t mulaw keys.ul
  # The keys are passed over: silence of their length, and everything else at its place.
  [ "$(stat -c %s keys.ul)" -eq 8000 ]
  talky-transcode keys.rtpdump -t s16le - | dd bs=2 skip=3200 count=1600 status=none | same - <(head -c 3200 /dev/zero)
}

@test "what is no RTP, or not clear, is said in one line" {
  printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0' >empty.pcap
  refuses 65 'no RTP stream' talky-transcode empty.pcap x.wav
  talky-transcode call.wav call.pcap
  refuses 65 'no stream of SSRC 0x00000005; there is 0x74616c6b' talky-transcode --ssrc 5 call.pcap x.wav
  talky-transcode --codec opus left.wav o.rtpdump
  refuses 65 'payload type 111' talky-transcode o.rtpdump x.wav
  refuses 64 'expected a codec' talky-transcode --payload-type 111=opus/x o.rtpdump x.wav
  head -c 100 call.pcap >cut.pcap
  refuses 65 '' talky-transcode cut.pcap x.wav
  head -c 20000 call.pcap >cut.pcap
  run --separate-stderr talky-transcode cut.pcap cut.wav
  [ "$status" -eq 0 ]
  [[ $stderr == *'cut.pcap: the capture is cut off at byte '*'; what came before it is used' ]]
  [ ! -e x.wav ]
  refuses 74 'No space left' talky-transcode --force -t pcap call.wav /dev/full
}

@test "what Opus's FEC saves from a bad line is heard" {
  # Syllables of ever another pitch, which no concealment can guess.
  /usr/bin/python3 - <<'PY'
import numpy as np, wave
rng, rate = np.random.default_rng(1), 16000
parts = []
for _ in range(80):
    n, f = int(rate * rng.uniform(0.08, 0.25)), rng.uniform(90, 250)
    t = np.arange(n) / rate
    x = sum(np.sin(2 * np.pi * f * (1 + 0.3 * t) * h * t + rng.uniform(0, 6)) / h for h in range(1, 14))
    parts += [x * np.hanning(n), np.zeros(int(rate * rng.uniform(0.01, 0.06)))]
x = np.concatenate(parts)
w = wave.open("speech.wav", "wb")
w.setparams((1, 2, rate, 0, "NONE", ""))
w.writeframes((x / abs(x).max() * 16000).astype("<i2").tobytes())
PY
  local fec
  for fec in 0 20; do
    talky-transcode --codec opus --fec $fec --bitrate 24k speech.wav $fec.pcap
    talky-transcode -r 16000 $fec.pcap $fec.clean.s16le
    talky-transcode -r 16000 --impair loss=8%,seed=3 $fec.pcap $fec.lossy.s16le
  done
  /usr/bin/python3 - <<'PY'
import numpy as np
def snr(fec):
    a, b = (np.fromfile(f"{fec}.{k}.s16le", "<i2").astype(float) for k in ("clean", "lossy"))
    n = min(len(a), len(b))
    return 10 * np.log10(np.sum(a[:n] ** 2) / np.sum((a[:n] - b[:n]) ** 2))
without, with_fec = snr(0), snr(20)
print(f"{without:.1f} dB without, {with_fec:.1f} dB with FEC")
assert with_fec > without + 4
PY
}

@test "talky-rtpdump knows what is in a capture made here: its codecs, its sound" {
  need talky-rtpdump
  local codec
  for codec in opus L16/16000 G722 PCMA; do
    talky-transcode --force --codec "$codec" left.wav x.pcap
    [ "$(talky-rtpdump -r x.pcap --csv | grep -c ",${codec%%/*},")" -eq 1 ]
    rm -rf out
    talky-rtpdump -r x.pcap --extract out
    [[ $(soxi -D out/01-*.wav) == 2.0* ]]
    talky-rtpdump -r x.pcap -f -w y.pcap # the announcement comes along
    [ "$(talky-rtpdump -r y.pcap --csv | grep -c ",${codec%%/*},")" -eq 1 ]
  done
}
