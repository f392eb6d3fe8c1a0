#!/usr/bin/env bats
# What talky-transcode measures, changes by what it has measured, and draws.
# ctest: busy
load lib
load memory

setup() {
  common_setup
  need talky-transcode sox
  # Four seconds of 8 kHz: one of silence, two of a tone of 1 kHz at -20 dBFS peak, one of silence.
  /usr/bin/python3 - <<'END'
import math, struct, wave
with wave.open("tone.wav", "wb") as out:
    out.setnchannels(1), out.setsampwidth(2), out.setframerate(8000)
    samples = [round(3276.8 * math.cos(math.pi * n / 4)) if 8000 <= n < 24000 else 0 for n in range(32000)]
    out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
END
}

# The JSON of --level, one value: level_of '.channels[0].rms_dbfs' ARGUMENTS
level_of() {
  local path=$1
  shift
  talky-transcode --level --json "$@" | /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); print(d$path)"
}
# near VALUE EXPECTED TOLERANCE
near() {
  /usr/bin/python3 -c "import sys; v, e, t = map(float, sys.argv[1:]); sys.exit(not abs(v - e) <= t)" "$@" ||
    { echo "$1 is not within $3 of $2"; return 1; }
}

@test "--level: RMS, peak, DC, clipping and the active speech level, as text and JSON" {
  near "$(level_of '["channels"][0]["peak_dbfs"]' tone.wav)" -20 0.05
  near "$(level_of '["channels"][0]["rms_dbfs"]' tone.wav)" -26.02 0.05 # half of the time
  near "$(level_of '["channels"][0]["active_speech_dbfs"]' tone.wav)" -23.4 0.5
  near "$(level_of '["channels"][0]["activity"]' tone.wav)" 0.56 0.06
  near "$(level_of '["seconds"]' tone.wav)" 4 0.001
  sox -D -R -n -r 8000 -b 16 square.wav synth 1 square 100 vol 4 2>/dev/null
  ends=$(talky-transcode -t s16le square.wav - | /usr/bin/python3 -c 'import sys, numpy
x = numpy.frombuffer(sys.stdin.buffer.read(), numpy.int16)
print(((x == 32767) | (x == -32768)).sum())')
  [ "$ends" -gt 3000 ]
  [ "$(level_of '["channels"][0]["clipped"]' square.wav)" -eq "$ends" ]
  sox -D -R -n -r 8000 -b 16 dc.wav synth 1 sine 100 vol 0.1 dcshift 0.25
  near "$(level_of '["channels"][0]["dc"]' dc.wav)" 0.25 0.01
  sox -D -R -n -r 8000 -b 16 silent.wav trim 0 1
  [ "$(level_of '["channels"][0]["active_speech_dbfs"]' silent.wav)" = None ]
  run talky-transcode --level tone.wav
  [[ ${lines[0]} == *"speech dBFS"* && ${lines[1]} == *"-23."* ]]
}

@test "--gain amplifies, and says what it clips and how much would clip nothing" {
  run --separate-stderr talky-transcode --gain 6 tone.wav louder.wav
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  near "$(level_of '["channels"][0]["peak_dbfs"]' louder.wav)" -14 0.05
  run --separate-stderr talky-transcode --gain 26 tone.wav clipped.wav
  [ "$status" -eq 0 ]
  echo "$stderr"
  [[ $stderr == *"samples clipped"*"+19.9 dB would clip none"* || $stderr == *"samples clipped"*"+20.0 dB would clip none"* ]]
  # The number that is said is the number of samples at the ends of the scale, but for those that just fit.
  said=$(grep -o '[0-9]* samples' <<<"$stderr" | cut -d' ' -f1)
  near "$said" "$(level_of '["channels"][0]["clipped"]' clipped.wav)" 200
  run --separate-stderr talky-transcode --gain 19 tone.wav fits.wav
  [ -z "$stderr" ]
}

@test "--normalize: to a peak and to an active speech level, from files and from pipes, and at another rate" {
  talky-transcode --normalize tone.wav a.wav
  near "$(level_of '["channels"][0]["peak_dbfs"]' a.wav)" -1 0.05
  talky-transcode --peak -6 tone.wav b.wav
  near "$(level_of '["channels"][0]["peak_dbfs"]' b.wav)" -6 0.05
  talky-transcode --speech-level -26 tone.wav c.wav
  near "$(level_of '["channels"][0]["active_speech_dbfs"]' c.wav)" -26 0.1
  talky-transcode --peak -6 - - <tone.wav | cat >d.wav
  cmp <(tail -c +45 b.wav) <(tail -c +45 d.wav)
  talky-transcode --peak -6 -r 11025 tone.wav e.wav
  near "$(level_of '["channels"][0]["peak_dbfs"]' e.wav)" -6 0.05
  # One gain for all channels: the balance stays.
  sox -M tone.wav <(sox tone.wav -t wav - vol 0.5) stereo.wav
  talky-transcode --peak -3 stereo.wav f.wav
  near "$(level_of '["channels"][0]["peak_dbfs"]' f.wav)" -3 0.05
  near "$(level_of '["channels"][1]["peak_dbfs"]' f.wav)" -9.02 0.05
  # Silence stays what it is; the spool leaves nothing behind.
  sox -D -R -n -r 8000 -b 16 silent.wav trim 0 1
  mkdir spool
  TMPDIR=$PWD/spool talky-transcode --normalize - - <silent.wav | cat >g.wav
  near "$(level_of '["channels"][0]["peak_dbfs"]' g.wav)" -120 0.1
  [ -z "$(ls spool)" ]
  run talky-transcode --normalize --gain 3 tone.wav h.wav
  [ "$status" -eq 64 ]
  run talky-transcode --peak loud tone.wav h.wav
  [ "$status" -eq 64 ]
}

@test "--trim-silence: where the sound begins and ends, with the padding that is asked for" {
  talky-transcode --trim-silence tone.wav a.wav
  near "$(level_of '["seconds"]' a.wav)" 2.2 0.011
  talky-transcode --trim-silence --trim-keep 0 tone.wav b.wav
  near "$(level_of '["seconds"]' b.wav)" 2 0.011
  talky-transcode --trim-silence --trim-keep 0 --trim-at start tone.wav c.wav
  near "$(level_of '["seconds"]' c.wav)" 3 0.011
  talky-transcode --trim-silence --trim-keep 0 --trim-at end tone.wav d.wav
  near "$(level_of '["seconds"]' d.wav)" 3 0.011
  talky-transcode --trim-silence --trim-threshold -10 tone.wav e.wav 2>e.err
  grep -q 'nothing is left' e.err
  near "$(level_of '["seconds"]' e.wav)" 0 0
  # What stays is untouched, and a pipe gives the same.
  talky-transcode --trim-silence --trim-keep 50ms - - <tone.wav | cat >f.wav
  talky-transcode --trim-silence --trim-keep 50ms tone.wav g.wav
  cmp <(tail -c +45 f.wav) <(tail -c +45 g.wav)
  talky-transcode --start 0.95 --duration 2.1 tone.wav h.wav
  cmp g.wav h.wav
  # With --normalize in one go.
  talky-transcode --trim-silence --peak -2 tone.wav i.wav
  near "$(level_of '["seconds"]' i.wav)" 2.2 0.011
  near "$(level_of '["channels"][0]["peak_dbfs"]' i.wav)" -2 0.05
}

@test "--trim-silence on a pipe: sound goes out when it comes, whatever stands before it; only silence is held back" {
  sox -D -R -n -r 8000 -b 16 silence.s16 trim 0 3
  sox -D -R -n -r 8000 -b 16 sound.s16 synth 1 sine 440 vol 0.5
  mkfifo in
  start filter sh -c 'exec talky-transcode -f s16le --in-rate 8k -t s16le --trim-silence --trim-keep 100ms in - >out.s16'
  exec {pipe}>in
  cat silence.s16 sound.s16 >&"$pipe"
  at_least() { [ "$(stat -c %s out.s16)" -ge "$1" ]; }
  wait_for 30 at_least $((2 * 8000 + 1600)) # what stays before it and all of the sound, while the input goes on
  cat silence.s16 sound.s16 silence.s16 >&"$pipe"
  wait_for 30 at_least $((2 * 8000 * 5 + 1600))
  kill -0 "${PIDS[filter]}"
  exec {pipe}>&-
  finish filter
  [ "$status" -eq 0 ]
  cmp out.s16 <(tail -c 1600 silence.s16; cat sound.s16 silence.s16 sound.s16; head -c 1600 silence.s16)
  # Pauses too: of more than twice what stays, that is left of it.
  talky-transcode -f s16le --in-rate 8k -t s16le --trim-silence --trim-at all - all.s16 < <(cat silence.s16 sound.s16 silence.s16 sound.s16 silence.s16)
  cmp all.s16 <(tail -c 1600 silence.s16; cat sound.s16; head -c 3200 silence.s16; cat sound.s16; head -c 1600 silence.s16)
  # However the bytes come, in any blocks, the same goes out; and an hour of silence before a sound costs no memory.
  for size in 1 7 160 1000 65536; do
    cat silence.s16 sound.s16 silence.s16 | stdbuf -o"$size" cat | talky-transcode -f s16le --in-rate 8k -t s16le --trim-silence - - >"by.$size"
    cmp "by.$size" by.1
  done
  run -0 /usr/bin/python3 - <<'PY'
import resource, subprocess
p = subprocess.Popen(["talky-transcode", "-f", "s16le", "--in-rate", "8k", "-t", "s16le", "--trim-silence", "--trim-at", "end", "-", "-"],
                     stdin=subprocess.PIPE, stdout=open("hour.s16", "wb"))
for _ in range(3600): p.stdin.write(bytes(16000))
p.stdin.write(b"\x00\x40" * 8000)
p.stdin.close()
assert p.wait() == 0
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY
  [ "$(stat -c %s hour.s16)" -eq $((16000 * 3601)) ]
  memory_below talky-transcode "$output" 24000
}

@test "8 kHz mu-law to 16 kHz and back: the same bytes through the pipe, by blocks, and mixed with other work" {
  sox -D -R -n -r 8000 -b 16 -c 1 noise.wav synth 3.37 whitenoise vol 0.4
  talky-transcode noise.wav in.ul
  talky-transcode -t s16le -r 16k in.ul whole.s16le
  [ "$(stat -c %s whole.s16le)" -eq $((2 * 2 * $(stat -c %s in.ul))) ]
  (head -c 1 in.ul; sleep 0.05; tail -c +2 in.ul | head -c 5000; sleep 0.05; tail -c +5002 in.ul) |
    talky-transcode -f mulaw -t s16le -r 16k - - | cmp - whole.s16le
  # Through the other path of the program, which has gains and channels.
  talky-transcode -c 2 -t s16le -r 16k in.ul - | talky-transcode -f s16le --in-channels 2 --left -t s16le - - | cmp - whole.s16le
  talky-transcode -t wav -r 16k in.ul - | talky-transcode -t s16le - - | cmp - whole.s16le
  talky-transcode -f s16le -t s16le -r 8k whole.s16le half.s16le
  [ "$(stat -c %s half.s16le)" -eq $((2 * $(stat -c %s in.ul))) ]
  talky-transcode -c 2 -f s16le -t s16le -r 8k whole.s16le - | talky-transcode -f s16le --in-channels 2 --left -t s16le - - | cmp - half.s16le
  talky-transcode -f s16le -t alaw -r 8k whole.s16le half.al
  talky-transcode -f s16le -t alaw half.s16le - | cmp - half.al
}

@test "--plot: PNG and SVG of the right size, the tone's ridge at its row, the channels in their places" {
  need talky-transcode sox ffmpeg
  sox -M <(sox -D -R -r 8000 -n -b 16 -t wav - synth 3 sine 1000 vol 0.5) <(sox -D -R -r 8000 -n -b 16 -t wav - synth 3 sine 3000 vol 0.5) two.wav
  talky-transcode --plot two.png two.wav
  talky-transcode --plot two.svg two.wav
  [ -z "$(find . -name '*.part')" ]
  head -c 300 two.svg | grep -q '<svg'
  grep -q '</svg>' two.svg
  ffmpeg -v error -i two.png -f rawvideo -pix_fmt gray two.gray
  size=$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 two.png)
  /usr/bin/python3 - "$size" <<'END'
import sys
import numpy
width, height = map(int, sys.argv[1].split(","))
assert width == 1400 and height == 916, (width, height)
picture = numpy.fromfile("two.gray", numpy.uint8).reshape(height, width)
# Spectrograms: 260 rows each, from row 44 + 130 + 10 on; 0 Hz at the bottom, 4 kHz on top.
for top, hertz in ((184, 1000), (610, 3000)):
    part = picture[top:top + 260, 200:1200].astype(float).mean(axis=1)
    ridge = 4000 * (1 - (part.argmax() + 0.5) / 260)
    assert abs(ridge - hertz) < 40, (top, ridge)
    assert part.max() > 200 and numpy.median(part) < 60, (part.max(), numpy.median(part))
END
  refuse() { run --separate-stderr talky-transcode "$@"; [ "$status" -ne 0 ] && [ "$(wc -l <<<"$stderr")" -eq 1 ]; }
  refuse --plot two.png two.wav # exists
  talky-transcode --force --plot two.png two.wav
  refuse --plot two.jpeg two.wav
  refuse --plot no/such/folder.png two.wav
}

@test "--plot: an hour takes the memory of a minute, and a pipe will do" {
  need talky-transcode sox ffmpeg
  sox -D -R -n -r 8000 -b 16 -c 1 minute.wav synth 60 pinknoise vol 0.3
  run -0 /usr/bin/python3 - <<'END'
import subprocess
def peak(command, **more):
    child = subprocess.Popen(command, **more)
    _, status, usage = __import__("os").wait4(child.pid, 0)
    assert status == 0, status
    return usage.ru_maxrss
minute = peak(["talky-transcode", "--plot", "minute.png", "minute.wav"])
feed = subprocess.Popen("for i in $(seq 20); do tail -c +45 minute.wav; done", shell=True, stdout=subprocess.PIPE)
long = peak(["talky-transcode", "-f", "s16le", "--in-rate", "8k", "--plot", "long.png", "-"], stdin=feed.stdout)
print(minute, long)
END
  read -r minute long <<<"$output"
  memory_below talky-transcode "$long" $((minute + 4096))
}

@test "a long conversion that fills its limit midway says so, and leaves nothing" {
  # Three minutes of mu-law become 5.8 MB: the last of it is written behind the conversion.
  sox -D -R -n -r 8000 -b 16 -c 1 long.wav synth 180 pinknoise vol 0.3
  talky-transcode long.wav long.ul
  talky-transcode -t s16le -r 16k long.ul whole.s16le
  talky-transcode -f mulaw -t s16le -r 16k - - <long.ul | cmp - whole.s16le
  # Past the limit of 5 MB a write fails with EFBIG.
  run --separate-stderr bash -c "trap '' XFSZ; ulimit -f 5000; talky-transcode -t s16le -r 16k long.ul limited.s16le"
  echo "exit $status: $stderr"
  [ "$status" -eq 74 ]
  [[ $stderr == *limited.s16le* ]]
  [ -z "$(find . -name 'limited*')" ]
}
