#!/usr/bin/env bats
# talky-transcode against sox and ffmpeg on the same files, and against everything that can go wrong.
# ctest: busy
load lib
load transcode

setup() {
  common_setup
  need talky-transcode sox ffmpeg
  # Two seconds of a sweep with noise, stereo, 16 kHz: every byte of the peers' readings must agree.
  sox -R -r 16000 -n -b 16 -c 2 in.wav synth 2 sine 200-3000 synth 2 sine mix 500 vol 0.5
}

@test "lossless ways are lossless: WAV to raw, to WAV, to FLAC, to AU and back" {
  sox in.wav -t s16 ref.s16
  talky-transcode in.wav a.s16le
  same a.s16le ref.s16
  talky-transcode in.wav a.flac
  talky-transcode a.flac b.au
  talky-transcode b.au c.wav
  same c.wav in.wav
  talky-transcode -t s16be in.wav - | talky-transcode -f s16be --in-rate 16000 --in-channels 2 -t wav - d.wav
  same d.wav in.wav
  talky-transcode -t wav-f32 in.wav e.wav
  talky-transcode e.wav f.wav
  same f.wav in.wav
  talky-transcode -t wav-s24 in.wav g.wav
  ffmpeg -v error -i g.wav -f s16le g.s16
  same g.s16 ref.s16
}

@test "sox and ffmpeg read what is written, and write what is read" {
  local format
  sox in.wav -t s16 ref.s16
  for format in wav wav-mulaw wav-alaw wav-u8 wav-s24 wav-s32 wav-f32 wav-f64 flac au aiff; do
    talky-transcode -t $format in.wav out.$format
    [ "$(ffprobe -v error -show_entries stream=sample_rate,channels -of csv=p=0 out.$format)" = 16000,2 ]
    [ "$(ffmpeg -v error -i out.$format -f s16le - | wc -c)" -eq 128000 ]
  done
  ffmpeg -v error -i in.wav -c:a pcm_f32le ff32.wav
  ffmpeg -v error -i in.wav -c:a pcm_s24le ff24.wav
  ffmpeg -v error -i in.wav -f wav - >piped.wav # sizes of 0xffffffff
  sox in.wav -t wav - >soxpiped.wav             # sizes of 0x7ffff000
  for format in ff32 ff24 piped soxpiped; do
    talky-transcode $format.wav -t s16le - | same - ref.s16
  done
}

@test "G.711 is decoded as sox and ffmpeg do, and encoded as ITU-T does" {
  /usr/bin/python3 - <<'PY'
open("codes.ul", "wb").write(bytes(range(256)))
open("codes.al", "wb").write(bytes(range(256)))
open("all.s16le", "wb").write(b"".join((x & 0xffff).to_bytes(2, "little") for x in range(-32768, 32768)))
# ITU-T G.191: one's complement of the magnitude, truncated.
def mu(x):
    m = min(((~x if x < 0 else x) >> 2) + 33, 0x1fff)
    seg = m.bit_length() - 6
    return (~(seg << 4 | (m >> (seg + 1)) & 15) & 0x7f) | (0x80 if x >= 0 else 0)
def a(x):
    m = (~x if x < 0 else x) >> 4
    seg = max(m.bit_length() - 4, 0)
    return ((seg << 4 | (m >> max(seg - 1, 0)) & 15) | (0x80 if x >= 0 else 0)) ^ 0x55
open("ref.ul", "wb").write(bytes(mu(x) for x in range(-32768, 32768)))
open("ref.al", "wb").write(bytes(a(x) for x in range(-32768, 32768)))
PY
  for law in ul al; do
    talky-transcode codes.$law -t s16le - | same - <(sox -t $law -r 8000 -c 1 codes.$law -t s16 -)
    talky-transcode all.s16le out.$law
    same out.$law ref.$law
  done
  talky-transcode codes.ul -t s16le - | same - <(ffmpeg -v error -f mulaw -ar 8000 -i codes.ul -f s16le -)
  talky-transcode codes.al -t s16le - | same - <(ffmpeg -v error -f alaw -ar 8000 -i codes.al -f s16le -)
}

@test "any chunking of a pipe gives the bytes of the file, at any rate" {
  talky-transcode in.wav in.s16le
  for rate in 8000 16000 32000 11025 44100; do
    talky-transcode -f s16le --in-channels 2 -t s16le -r $rate in.s16le whole.$rate
    # 1,001 bytes a write cut samples and frames in two.
    dd if=in.s16le bs=1001 status=none | talky-transcode -f s16le --in-channels 2 -t s16le -r $rate - - >pieces.$rate
    same whole.$rate pieces.$rate
    [ "$(stat -c %s whole.$rate)" -eq $((rate * 2 * 4)) ]
  done
}

@test "converted rates agree with sox rate -v in the speech band" {
  sox -R -r 16000 -n -b 16 -c 1 tone.wav synth 2 sine 1004 vol 0.7
  for rate in 8000 32000 48000 22050; do
    talky-transcode -r $rate tone.wav ours.wav --force
    sox -R tone.wav -b 16 theirs.wav rate -v $rate
    /usr/bin/python3 - ours.wav theirs.wav <<'PY'
import sys, wave, numpy as np
a, b = (np.frombuffer(wave.open(f).readframes(10**9), "<i2").astype(float) for f in sys.argv[1:])
assert abs(len(a) - len(b)) <= 1, (len(a), len(b))
a, b = (x[len(x) // 8 : -len(x) // 8] for x in (a[: len(b)], b[: len(a)]))
noise = np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2))
print("difference", 20 * np.log10(noise), "dB")
assert noise < 10 ** (-70 / 20)
PY
  done
}

@test "split of a stereo call and join give the call back; pick and mix" {
  talky-transcode --split in.wav l.wav r.wav
  talky-transcode --join l.wav r.wav back.wav
  same back.wav in.wav
  sox in.wav -t s16 left.s16 remix 1
  talky-transcode --left in.wav -t s16le - | same - left.s16
  talky-transcode --right in.wav -t s16le - | same - <(sox in.wav -t s16 - remix 2)
  talky-transcode --channel 2 in.wav -t s16le - | same - <(sox in.wav -t s16 - remix 2)
  talky-transcode -c 1 in.wav mono.wav
  [ "$(soxi -c mono.wav)" -eq 1 ]
  talky-transcode -c 2 l.wav both.wav
  talky-transcode --right both.wav right.wav
  same right.wav l.wav
  # The shorter of two is filled up with silence.
  talky-transcode --duration 0.5 r.wav short.wav
  talky-transcode --join l.wav short.wav uneven.wav
  [ "$(soxi -s uneven.wav)" -eq 32000 ]
  refuses 65 'there is no channel 3' talky-transcode --channel 3 in.wav x.wav
  refuses 65 '3 outputs for 2 channels' talky-transcode --split in.wav 1.wav 2.wav 3.wav
  refuses 64 '5 channels' talky-transcode -c 5 in.wav x.wav
}

@test "start, duration and gain" {
  talky-transcode --start 500ms --duration 0:01 in.wav cut.wav
  sox in.wav -t s16 - trim 0.5 1 | same - <(talky-transcode cut.wav -t s16le -)
  talky-transcode --gain -6.0206 --left in.wav half.wav
  run -0 talky-transcode --level --json --left in.wav
  local before=$output
  run -0 talky-transcode --level --json half.wav
  /usr/bin/python3 -c 'import json,sys
a, b = (json.loads(x)["channels"][0]["rms_dbfs"] for x in sys.argv[1:])
assert abs(a - b - 6.0206) < 0.01, (a, b)' "$before" "$output"
  talky-transcode --start 10 in.wav nothing.wav
  [ "$(soxi -s nothing.wav)" -eq 0 ]
}

@test "levels agree with sox stats" {
  run -0 talky-transcode --level in.wav
  [[ ${lines[0]} == *"RMS dBFS"*"peak dBFS"* ]]
  local ours theirs
  ours=$(awk 'NR == 2 { print $3, $4 }' <<<"$output")
  theirs=$(sox in.wav -n remix 1 stats 2>&1 | awk '/^RMS lev/ { r = $4 } /^Pk lev/ { p = $4 } END { print r, p }')
  [ "$ours" = "$theirs" ]
}

@test "tones and DTMF have their frequencies" {
  talky-transcode --tone 440 --duration 2 -r 8000 tone.wav
  [ "$(soxi -s tone.wav)" -eq 16000 ]
  [[ $(sox tone.wav -n stat 2>&1) =~ Rough\ +frequency:\ +(43[0-9]|44[0-9]) ]]
  talky-transcode --dtmf '159#' -t s16le -r 8000 - >d.s16
  [ "$(stat -c %s d.s16)" -eq $((4 * 2 * 1600)) ]
  # Each digit's two tones are the largest of the low and of the high half of its spectrum.
  /usr/bin/python3 - <<'PY'
import numpy as np
x = np.fromfile("d.s16", "<i2").astype(float).reshape(4, 1600)[:, :800]
for row, pair in zip(x, ((697, 1209), (770, 1336), (852, 1477), (941, 1477))):
    s = np.abs(np.fft.rfft(row * np.hanning(800)))
    low, high = np.argmax(s[:100]) * 10, (100 + np.argmax(s[100:])) * 10
    assert abs(low - pair[0]) <= 10 and abs(high - pair[1]) <= 10, (low, high, pair)
PY
  refuses 64 'character 3' talky-transcode --dtmf 12x -t s16le -
  refuses 64 'below 4000 Hz' talky-transcode --tone 4000 -t s16le -
}

@test "a live pipe is never held back: the first packet comes out before the second goes in" {
  mkfifo to from
  talky-transcode -f mulaw -t s16le to - >from 3>&- &
  PIDS[filter]=$!
  exec 8<from 7>to
  head -c 160 /dev/zero >&7
  [ "$(timeout $((5 * PATIENCE)) head -c 320 <&8 | wc -c)" -eq 320 ]
  head -c 160 /dev/zero >&7
  [ "$(timeout $((5 * PATIENCE)) head -c 320 <&8 | wc -c)" -eq 320 ]
  exec 7>&-
  finish filter
  [ "$status" -eq 0 ]
}

@test "memory does not grow with the length" {
  local small large
  small=$(head -c 100000 /dev/zero | /usr/bin/time -f %M talky-transcode -f mulaw -r 16000 -t wav - - 2>&1 >/dev/null)
  large=$(head -c 100000000 /dev/zero | /usr/bin/time -f %M talky-transcode -f mulaw -r 16000 -t wav - - 2>&1 >/dev/null)
  echo "$small kB for 100 kB, $large kB for 100 MB"
  [ $((large - small)) -lt 2000 ]
}

@test "a WAV on a pipe has a header that says: to the end; in a file the sizes are right" {
  talky-transcode in.wav - | cat >piped.wav
  [ "$(xxd -s 40 -l 4 -p piped.wav)" = 00f0ff7f ]
  [ "$(ffmpeg -v error -i piped.wav -f s16le - | wc -c)" -eq 128000 ]
  talky-transcode in.wav - >redirected.wav
  same redirected.wav in.wav
  # An odd number of bytes is padded, as RIFF wants it.
  talky-transcode --left --duration 0.0000625 -t wav-mulaw in.wav odd.wav
  [ "$(stat -c %s odd.wav)" -eq 60 ]
}

@test "a recording stopped by Ctrl-C is a whole file; a conversion so stopped leaves none" {
  mkfifo to
  talky-transcode -f s16le -t wav - rec.wav <to 3>&- &
  PIDS[rec]=$!
  exec 7>to
  head -c 32000 /dev/zero >&7
  all_taken() { [ "$(stat -c %s rec.wav.*.part)" -eq 32044 ]; }
  wait_for 5 all_taken
  kill -INT "${PIDS[rec]}" || true
  # Background jobs of a shell without job control ignore SIGINT: SIGTERM then.
  kill -TERM "${PIDS[rec]}"
  finish rec 5
  exec 7>&-
  [ "$status" -eq 0 ]
  [ "$(soxi -s rec.wav)" -eq 16000 ]
  [ -z "$(find . -name '*.part')" ]
}

@test "nothing is overwritten without --force, and then all at once" {
  echo precious >out.wav
  refuses 73 'exists already; --force' talky-transcode in.wav out.wav
  refuses 73 'exists already; --force' talky-transcode -t flac in.wav out.wav
  [ "$(cat out.wav)" = precious ]
  talky-transcode --force in.wav out.wav
  same out.wav in.wav
  talky-transcode --force -t flac in.wav out.wav
  talky-transcode --force out.wav out.wav # onto itself
  same out.wav in.wav
}

@test "bad input gives one line, the right exit code and no file" {
  refuses 66 'No such file' talky-transcode none.wav x.wav
  refuses 66 'directory' talky-transcode . x.wav
  head -c 30 in.wav >short.wav
  refuses 65 'byte 30' talky-transcode short.wav x.wav
  : >empty.wav
  refuses 65 'byte 0' talky-transcode -f wav empty.wav x.wav
  echo 'RIFF....AVI LIST' >avi.wav
  refuses 65 'byte 8: expected WAVE' talky-transcode avi.wav x.wav
  head -c 1000 /dev/urandom >noise.xyz
  refuses 65 'say it with -f' talky-transcode noise.xyz x.wav
  refuses 65 'byte' talky-transcode -f wav noise.xyz x.wav
  refuses 65 '' talky-transcode -f flac noise.xyz x.wav
  refuses 64 'say it with -t' talky-transcode in.wav x.xyz
  refuses 64 'no such format' talky-transcode -t mp3 in.wav x.wav
  refuses 64 'expected a rate' talky-transcode -r fast in.wav x.wav
  refuses 64 'expected a time' talky-transcode --start soon in.wav x.wav
  refuses 64 'one argument too many' talky-transcode in.wav x.wav y.wav
  refuses 64 'cannot hold' talky-transcode -r 11025 -t opus in.wav x.opus
  refuses 73 'No such file' talky-transcode in.wav no/such/dir.wav
  [ ! -e x.wav ]
  refuses 65 'expected fLaC' talky-transcode -f flac -t s16le - <in.wav
  refuses 65 'libsndfile knows' talky-transcode -f aiff -t s16le - < <(head -c 500 /dev/zero)
  refuses 65 'is empty' talky-transcode -t s16le - </dev/null
}

@test "a recording that was cut off is read to the cut, with a warning" {
  head -c 64045 in.wav >cut.wav # a frame of four bytes is torn
  run --separate-stderr talky-transcode cut.wav x.wav
  [ "$status" -eq 0 ]
  [[ $stderr == *'cut off: 64'*'bytes fewer'* ]]
  [ "$(soxi -s x.wav)" -eq 16000 ]
}

@test "a full disk, a closed pipe, NaN and infinity" {
  refuses 74 'No space left' talky-transcode -t s16le in.wav /dev/full --force
  run bash -c 'talky-transcode -t s16le in.wav - >/dev/full'
  [ "$status" -eq 74 ]
  [[ $output == *'No space left'* ]]
  # A reader that went: quietly.
  run bash -c 'head -c 10000000 /dev/zero | talky-transcode -f s16le -t mulaw - - | head -c 100 | wc -c'
  [ "$output" -eq 100 ]
  /usr/bin/python3 -c 'import struct,sys
sys.stdout.buffer.write(struct.pack("<4f", float("nan"), float("inf"), float("-inf"), 0.5))' >wild.f32le
  talky-transcode wild.f32le -t s16le - | same - <(printf '\0\0\377\177\0\200\0@')
}

@test "lists: formats as text and JSON name the same" {
  talky-transcode --list-formats | awk '{ print $1 }' >text
  talky-transcode --list-formats --json | /usr/bin/python3 -c 'import json,sys
for f in json.load(sys.stdin): print(f["name"])' >json
  same text json
  grep -qx mulaw text
  grep -qx wav text
  run -0 --separate-stderr talky-transcode -v in.wav v.s16le
  [[ $stderr == *'in.wav: WAV, s16le, 16000 Hz, 2 channels'* && $stderr == *'32000 frames read, 32000 written'* ]]
}

@test "ADPCM and GSM through libsndfile, as far as sox agrees" {
  talky-transcode -r 8000 -c 1 -t wav-gsm in.wav g.wav
  [ "$(soxi -e g.wav)" = GSM ]
  talky-transcode -t wav-ima in.wav i.wav
  [[ $(soxi -e i.wav) == *ADPCM* ]]
  talky-transcode i.wav -t s16le - | same - <(sox i.wav -t s16 -)
}
