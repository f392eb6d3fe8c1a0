# The audio that talky-rtpdump takes out of calls, against the samples that went in.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-rtpdump talky-transcode sox ffmpeg
  audio make noise a.wav --seconds 4 --seed 1
  audio make noise b.wav --seconds 4 --seed 2
  law a.wav ul a.s16
  law b.wav ul b.s16
}

calls() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/rtp_calls.py" "$1" call.pcap --caller a.wav --callee "${2:-b.wav}"; }
# What a law makes of a WAV, as raw samples.
law() { sox -D "$1" -t "$2" - | sox -D -t "$2" -r 8000 -c 1 - -t s16 "$3"; }
channel() { sox "$1" -t s16 - remix "$2"; }

@test "a call in stereo: both legs, sample by sample, aligned" {
  calls plain
  run -0 talky-rtpdump -r call.pcap --extract out --parts calls
  [ "$output" = out/call-01.wav ]
  channel out/call-01.wav 1 | head -c 64000 | cmp - a.s16
  channel out/call-01.wav 2 | tail -c +1601 | cmp - b.s16
  audio level out/call-01.wav --channel 1 --to 0.1 --below -90
}

@test "without SIP two opposite streams are a pair" {
  calls bare
  run -0 talky-rtpdump -r call.pcap --extract out
  [ "${lines[*]}" = "out/01-0xaaaa0001.wav out/02-0xbbbb0002.wav out/pair-01.wav" ]
  channel out/pair-01.wav 1 | head -c 64000 | cmp - a.s16
  channel out/pair-01.wav 2 | tail -c +1601 | cmp - b.s16
}

@test "a new SSRC, a new codec, a stall of the network: the audio stays in its place" {
  for kind in ssrc stall; do
    calls "$kind"
    rm -rf out
    talky-rtpdump -r call.pcap --extract out --parts calls
    channel out/call-01.wav 1 | head -c 64000 | cmp - a.s16
  done
  calls codecs
  talky-rtpdump -r call.pcap --extract out -f --parts calls
  law a.wav al law.s16
  channel out/call-01.wav 1 | head -c 32000 | cmp - <(head -c 32000 a.s16)
  channel out/call-01.wav 1 | head -c 64000 | tail -c 32000 | cmp - <(tail -c 32000 law.s16)
}

@test "a timestamp that stood still while nothing was sent: the pause is there" {
  calls frozen
  talky-rtpdump -r call.pcap --extract out --parts calls
  channel out/call-01.wav 1 | head -c 16000 | cmp - <(head -c 16000 a.s16)
  channel out/call-01.wav 1 | tail -c +48001 | head -c 48000 | cmp - <(tail -c 48000 a.s16)
  audio level out/call-01.wav --channel 0 --from 1.01 --to 2.99 --below -90
}

@test "legs of different rate: the file has the higher one" {
  audio make noise wide.wav --seconds 4 --seed 3 --rate 16000
  calls wideband wide.wav
  talky-rtpdump -r call.pcap --extract out
  run -0 audio info out/call-01.wav
  [[ $output == "rate=16000 channels=2 "* ]]
  # 100 ms, and G.722's own delay of 22 samples.
  audio find wide.wav out/call-01.wav --channel 1 --at-least 0.9 --lag 101..102
  audio find a.wav out/01-0xaaaa0001.wav --at-least 0.98 --lag 0..0
}

@test "what a listener would have heard: concealed, late by the buffer, and every call the same" {
  calls lossy
  talky-rtpdump -r call.pcap --extract heard --playout jitter-buffer
  talky-rtpdump -r call.pcap --extract again --playout jitter-buffer
  cmp heard/call-01.wav again/call-01.wav
  run -0 audio info heard/call-01.wav
  [[ $output == "rate=16000 channels=2 "* ]]
  # The callee's side lost nothing: all of it is there, and not before its time.
  sox -D b.wav -r 16000 wide.wav
  audio pieces wide.wav heard/call-01.wav --channel 1 --at-least 0.95 --broken 2 --moves 2
  run -0 audio lead heard/call-01.wav --channel 1
  [ "${output%%.*}" -ge 99 ]
  # By the timestamps what is lost is concealed as well, as talky-transcode does it.
  talky-rtpdump -r call.pcap --extract exact
  for leg in 01-0xaaaa0001 02-0xbbbb0002; do
    talky-transcode --ssrc "${leg#*-}" call.pcap -t s16le - | cmp - <(sox exact/$leg.wav -t s16 -)
  done
  talky-transcode call.pcap -t s16le - | cmp - <(sox exact/call-01.wav -t s16 -)
  silent() { sox "$1" -t s16 -r 8000 - remix 1 | /usr/bin/python3 -c '
import numpy, sys
a = numpy.frombuffer(sys.stdin.buffer.read(), "<i2")[4000:28000]
print(int((a == 0).mean() * 1000))'; }
  lost=$(talky-rtpdump -r call.pcap --csv | awk -F, '$5 == "0xaaaa0001" { print int(1000 * $12 / $10) }')
  [ "$lost" -gt 10 ]
  for how in exact heard; do
    [ "$(silent $how/call-01.wav)" -lt $((lost / 2)) ]
  done
}

@test "a selection, an existing file, nothing selected, a wrong part" {
  calls plain
  run -0 talky-rtpdump -r call.pcap --extract out 'leg==callee'
  [ "${lines[*]}" = "out/02-0xbbbb0002.wav out/call-01.wav" ]
  run -73 talky-rtpdump -r call.pcap --extract out
  [[ $output == *exists* ]]
  run -1 talky-rtpdump -r call.pcap --extract none 'pt==99'
  run -64 talky-rtpdump -r call.pcap --extract out --parts sometimes
}

@test "calls, keys, reports: what the program says of them" {
  calls plain
  run -0 talky-rtpdump -r call.pcap --json
  /usr/bin/python3 - "$output" <<'PY'
import json, sys
d = json.loads(sys.argv[1])
(call,) = d["calls"]
assert call["state"] == "ended" and call["ended_by"] == "callee" and call["cause"] == "Q.850;cause=16", call
assert call["early_media_s"] == 0.04 and call["post_dial_delay_s"] == 0.04 and call["ringing_for_s"] == 0.2, call
assert call["reinvites"] == 2, call
assert [(h["by"], round(h["from_s"], 6), round(h["to_s"], 6)) for h in call["holds"]] == [("caller", .7, .9)], call
assert [k["digit"] for k in call["info_digits"]] == ["7"] and call["info_digits"][0]["duration_ms"] == 120
caller, callee = d["streams"]
assert caller["announced"] and caller["leg"] == "caller" and callee["leg"] == "callee"
told = caller["rtcp"]["reception"]
assert told["lost"] == 3 and told["jitter_ms"] == 3 and abs(told["round_trip_ms"]["mean"] - 30) < .1, told
assert caller["rtcp"]["sender"]["cname"] == "alice" and callee["rtcp"]["sender"]["cname"] == "bob"
assert callee["rtcp"]["reception"]["round_trip_ms"] is None
PY
  run -0 talky-rtpdump -r call.pcap --dtmf
  [[ ${lines[1]} == *"0.950"*"7"*"120"*"info"*"caller"* ]]
  run -0 talky-rtpdump -r call.pcap --rtcp --csv
  [[ ${lines[1]} == 0xaaaa0001,200,50,0,3,* ]]
  [[ ${lines[1]} == *,alice ]]
  run -0 talky-rtpdump -r call.pcap --calls
  [[ ${lines[1]} == *"ended by callee"*">1 <2"*"call-1@test" ]]
  run -0 talky-rtpdump -r call.pcap
  for line in "${lines[@]}"; do [ "${#line}" -le 120 ]; done
  run -0 talky-rtpdump -r call.pcap --ladder call-1@test
  for line in "${lines[@]}"; do [ "${#line}" -le 120 ]; done
  [[ ${lines[1]} == *"|-"*"INVITE sip:100@10.0.0.2 (SDP)"*">|" ]]
}

@test "levels, talk time and tones of the decoded audio" {
  sox -D -n -r 8000 -c 1 -b 16 a.wav synth 4 sine 1000 gain -10.01  # -13.02 dBov
  sox -D -n -r 8000 -c 1 -b 16 b.wav synth 0.2 sine 770 synth 0.2 sine mix 1336 gain -12 pad 1 2.8  # the key 5
  calls plain
  run -0 talky-rtpdump -r call.pcap --level --tones --json
  /usr/bin/python3 - "$output" <<'PY'
import json, sys
caller, callee = json.loads(sys.argv[1])["streams"]
level = caller["level"]
assert abs(level["active_dbov"] + 13.0) < .3 and abs(level["active_dbm0"] + 6.8) < .3 and level["activity"] > .95, level
assert abs(level["talk_s"] - 4) < .2, level
assert callee["level"]["talk_s"] < 1, callee["level"]
assert [t["digit"] for t in callee["tones"]] == ["5"] and 140 <= callee["tones"][0]["duration_ms"] <= 260, callee["tones"]
assert caller["tones"] == []
PY
  run -0 talky-rtpdump -r call.pcap --tones --dtmf
  [[ $output == *"5"*"tone"*"callee"* ]]
}

@test "early media of two telephones at once: each in its own file, and their sum in the call's" {
  calls forked
  run -0 talky-rtpdump -r call.pcap --calls --csv
  [ "${#lines[@]}" -eq 2 ]
  talky-rtpdump -r call.pcap --extract out
  sox out/02-0xbbbb0002.wav -t s16 - | cmp - b.s16
  sox out/03-0xcccc0003.wav -t s16 - | cmp - <(head -c 32000 a.s16)
  channel out/call-01.wav 1 >left.s16
  channel out/call-01.wav 2 >right.s16
  head -c 64000 left.s16 | cmp - a.s16
  # The callee's side begins 100 ms behind the caller's, the other telephone's a second later.
  /usr/bin/python3 - <<'PY'
import numpy
read = lambda name: numpy.fromfile(name, "<i2").astype(int)
want = numpy.zeros(800 + 32000, int)
want[800:] = read("b.s16")
want[8800:8800 + 16000] += read("a.s16")[:16000]
got = read("right.s16")[:len(want)]
assert numpy.array_equal(got, numpy.clip(want, -32768, 32767)), numpy.flatnonzero(got != numpy.clip(want, -32768, 32767))[:5]
PY
  # A jitter buffer is a telephone: it plays one of them at a time.
  talky-rtpdump -r call.pcap --extract heard --parts calls --playout jitter-buffer
  audio find a.wav heard/call-01.wav --channel 0 --at-least 0.97
}
