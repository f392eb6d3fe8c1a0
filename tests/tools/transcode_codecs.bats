#!/usr/bin/env bats
# Every format to every format through the real binary; codecs and containers against sox and ffmpeg.
# ctest: busy
load lib
load transcode

setup() {
  common_setup
  need talky-transcode sox ffmpeg
  # A second of a chirp, 8 kHz mono: every format can hold it or what it becomes.
  sox -R -r 8000 -n -b 16 -c 1 in.wav synth 1 sine 300-1500 vol 0.5
}

names() { talky-transcode --list-formats | awk '{ print $1 }'; }
# How many dB the second is like the first, both s16le of one rate, at the best of the delays up to a hundred
# samples, for codecs that have one.
likeness() {
  /usr/bin/python3 - "$1" "$2" <<'PY'
import sys, numpy as np
a, b = (np.fromfile(f, "<i2").astype(float) for f in sys.argv[1:])
best = -99
for lag in range(-100, 101):
    x, y = a[1000:7000], b[1000 + lag : 7000 + lag]
    best = max(best, 10 * np.log10(np.sum(x**2) / max(np.sum((x - y[: len(x)]) ** 2), 1)))
print(round(best))
PY
}
# What a format may lose of the chirp.
limit() {
  case $1 in
    gsm | wav-gsm) echo 12 ;;
    opus | ogg) echo 8 ;;
    u8 | s8 | wav-u8 | au-s8 | wav-ima | wav-ms) echo 25 ;;
    g722) echo 30 ;;
    *mulaw | *alaw | pcap | pcapng | rtpdump) echo 30 ;;
    *) echo 90 ;;
  esac
}

@test "every format holds the sound, and gives it to every other" {
  talky-transcode in.wav in.s16le
  local from to dB count=0
  for from in $(names); do
    talky-transcode -t "$from" in.wav "a.$from"
    talky-transcode -f "$from" --in-rate 8000 "a.$from" -r 8000 -t s16le "a.$from.pcm"
    dB=$(likeness in.s16le "a.$from.pcm")
    echo "$from: $dB dB, $(stat -c %s "a.$from") bytes"
    [ "$dB" -ge "$(limit "$from")" ]
  done
  # The chain of any two is as good as the worse of them; and where both are exact it is exact.
  for from in $(names); do
    for to in $(names); do
      talky-transcode -f "$from" --in-rate 8000 "a.$from" -t "$to" --force b.out
      talky-transcode -f "$to" --in-rate 8000 b.out -r 8000 -t s16le --force b.pcm
      if [ "$(limit "$from")" -ge 90 ] && [ "$(limit "$to")" -ge 90 ]; then
        same b.pcm in.s16le || { echo "$from to $to is not exact"; return 1; }
      fi
      [ "$(stat -c %s b.pcm)" -ge 15800 ] || { echo "$from to $to: $(stat -c %s b.pcm) bytes"; return 1; }
      ((count += 1))
    done
  done
  echo "$count pairs"
}

@test "ffmpeg and sox hear in each file what was put in, where they know the format" {
  # Opus by libopus: the decoder of ffmpeg 5.1 itself makes noise of narrow-band SILK.
  talky-transcode in.wav in.s16le
  local kind args dB
  while read -r kind args; do
    talky-transcode -t "$kind" in.wav x.bin --force
    # shellcheck disable=SC2086
    ffmpeg -nostdin -v error -y $args -i x.bin -ar 8000 -ac 1 -f s16le ff.pcm
    dB=$(likeness in.s16le ff.pcm)
    echo "ffmpeg hears $kind: $dB dB"
    [ "$dB" -ge "$(($(limit "$kind") < 40 ? $(limit "$kind") : 40))" ]
  done <<'END'
mulaw -f mulaw -ar 8000
alaw -f alaw -ar 8000
s16be -f s16be -ar 8000
s24be -f s24be -ar 8000
s32be -f s32be -ar 8000
f32be -f f32be -ar 8000
f64be -f f64be -ar 8000
f32le -f f32le -ar 8000
g722 -f g722
gsm -f gsm
wav
wav-mulaw
wav-f64
wav-gsm
wav-ima
wav-ms
au
au-mulaw
au-alaw
au-s24
au-s32
au-f32
au-f64
flac
flac-s24
opus -c:a libopus
aiff
ogg
END
  for kind in au au-alaw au-s24 au-f32 flac wav wav-alaw wav-gsm aiff; do
    talky-transcode -t $kind in.wav y.bin --force
    sox -D -t "${kind%%-*}" y.bin -t s16 -r 8000 so.pcm
    dB=$(likeness in.s16le so.pcm)
    echo "sox hears $kind: $dB dB"
    [ "$dB" -ge "$(limit $kind)" ]
  done
  talky-transcode in.wav x.gsm
  same <(sox x.gsm -t s16 -) <(talky-transcode x.gsm -t s16le -)
}

@test "what ffmpeg and sox write is heard" {
  talky-transcode in.wav in.s16le
  local file dB
  ffmpeg -v error -i in.wav -ar 16000 -f g722 f.g722
  ffmpeg -v error -i in.wav f.flac
  ffmpeg -v error -i in.wav -c:a pcm_s24be f.au
  ffmpeg -v error -i in.wav -c:a libopus -b:a 32k f.opus
  ffmpeg -v error -i in.wav -c:a adpcm_ms f-ms.wav
  ffmpeg -v error -i in.wav -c:a adpcm_ima_wav f-ima.wav
  sox in.wav s.gsm
  sox in.wav -e gsm s-gsm.wav
  sox in.wav s.flac
  sox in.wav -e mu-law s.au
  sox in.wav s.caf || rm -f s.caf
  for file in f.* f-*.wav s.* s-*.wav; do
    talky-transcode "$file" -r 8000 -t s16le --force h.pcm
    dB=$(likeness in.s16le h.pcm)
    echo "$file: $dB dB"
    [ "$dB" -ge 10 ]
  done
  # G.722 is decoded by ffmpeg to the same samples.
  ffmpeg -v error -f g722 -i f.g722 -f s16le - | same - <(talky-transcode f.g722 -t s16le -)
}

@test "Opus files are as long as what was put in, to the sample, for ffmpeg too" {
  local samples rate
  for rate in 8000 12000 16000 24000 48000; do
    for samples in 959 "$rate"; do
      sox -R -r "$rate" -n -b 16 -c 1 o.wav synth "${samples}s" sine 440
      talky-transcode o.wav o.opus --force
      [ "$(talky-transcode -r "$rate" o.opus -t s16le - | wc -c)" -eq $((samples * 2)) ]
      [ "$(ffmpeg -v error -i o.opus -f s16le - | wc -c)" -eq $((samples * 48000 / rate * 2)) ]
    done
  done
  sox -R -r 44100 -n -b 16 -c 2 cd.wav synth 1 sine 440
  talky-transcode cd.wav cd.opus
  [ "$(ffprobe -v error -show_entries stream=channels -of csv=p=0 cd.opus)" = 2 ]
  [ "$(talky-transcode cd.opus -t s16le - | wc -c)" -eq 192000 ]
  [ "$(talky-transcode --bitrate 64k in.wav -t opus - | wc -c)" -gt "$(talky-transcode --bitrate 8k in.wav -t opus - | wc -c)" ]
  refuses_bitrate=$(talky-transcode --bitrate 5k in.wav x.opus 2>&1) && return 1
  [[ $refuses_bitrate == *'expected 6k to 510k'* ]]
}

@test "FLAC, AU, Opus, G.722 and GSM on pipes: what is spoken comes out at once" {
  local kind
  for kind in flac au opus g722 gsm pcap rtpdump; do
    rm -f to from
    mkfifo to from
    talky-transcode -f mulaw -t $kind to - >from 3>&- &
    PIDS[filter]=$!
    exec 8<from 7>to
    head -c 800 /dev/urandom >&7
    # 100 ms: more than the headers must have come.
    timeout $((5 * PATIENCE)) head -c 150 <&8 >got."$kind" || { echo "$kind is held back"; return 1; }
    [ "$(stat -c %s got.$kind)" -eq 150 ]
    exec 7>&- 8<&-
    finish filter || true
  done
  # And in: each is read from a pipe as from a file.
  for kind in flac flac-s24 au au-f32 opus g722 gsm rtpdump pcap wav-f32; do
    talky-transcode -t $kind in.wav "p.$kind" --force
    talky-transcode -f $kind -t s16le "p.$kind" p.file --force
    dd if="p.$kind" bs=77 status=none | talky-transcode -f $kind -t s16le - - | same - p.file
  done
}

@test "killed, or on a full disk, there is no file that looks whole" {
  local kind
  begun() { compgen -G "k.$kind.*"; }
  for kind in flac opus au g722 gsm pcap rtpdump wav; do
    mkfifo to.$kind
    talky-transcode -f mulaw -t $kind to.$kind "k.$kind" 3>&- &
    PIDS[filter]=$!
    exec 7>to.$kind
    head -c 80000 /dev/zero >&7
    wait_for 5 begun
    kill -KILL "${PIDS[filter]}"
    wait "${PIDS[filter]}" 2>/dev/null || true
    unset "PIDS[filter]"
    exec 7>&-
    [ ! -e "k.$kind" ]
    run bash -c "talky-transcode -t $kind in.wav - >/dev/full"
    echo "$kind: exit $status, $output"
    [ "$status" -eq 74 ]
    [[ $output == *'No space left'* ]]
  done
}

@test "memory does not grow with the length: FLAC, Opus, G.722, RTP" {
  local kind small large
  # A sanitized program keeps what it has freed, to catch whoever still uses it: that is no growth.
  export ASAN_OPTIONS=quarantine_size_mb=1
  for kind in flac opus g722 pcap; do
    small=$(head -c 80000 /dev/zero | /usr/bin/time -f %M talky-transcode -f mulaw -t $kind - - 2>&1 >/dev/null)
    large=$(head -c 4800000 /dev/zero | /usr/bin/time -f %M talky-transcode -f mulaw -t $kind - - 2>&1 >/dev/null)
    echo "$kind: $small kB for 10 s, $large kB for 10 min"
    [ $((large - small)) -lt 2500 ]
    head -c 4800000 /dev/zero | talky-transcode -f mulaw -t $kind - - >long.$kind
    large=$(/usr/bin/time -f %M talky-transcode -f $kind -t s16le - - <long.$kind 2>&1 >/dev/null)
    echo "$kind read: $large kB"
    [ $((large - small)) -lt 4000 ]
  done
}

@test "broken files: one line, the right exit code, no output" {
  talky-transcode in.wav g.flac
  talky-transcode in.wav g.opus
  talky-transcode in.wav g.au
  local file bytes
  for file in g.flac g.opus g.au; do
    for bytes in 4 20 30; do
      head -c $bytes $file >"short${file#g}"
      run --separate-stderr talky-transcode --force "short${file#g}" x.wav
      echo "$file cut to $bytes: exit $status, $stderr"
      [ "$status" -eq 65 ] || { [ "$file" = g.au ] && [ "$bytes" -eq 30 ]; }
      [ "$(wc -l <<<"$stderr")" -le 1 ]
      rm -f x.wav
    done
  done
  { head -c 3000 g.flac; head -c 200 /dev/zero; tail -c +3201 g.flac; } >bad.flac
  run --separate-stderr talky-transcode bad.flac x.wav
  [ "$status" -eq 65 ]
  [ ! -e x.wav ]
  head -c 500 /dev/zero >zero.gsm
  run --separate-stderr talky-transcode zero.gsm x.wav
  [ "$status" -eq 65 ]
  [[ $stderr == *'byte 0: expected a GSM frame'* ]]
  [ ! -e x.wav ]
}

@test "what libsndfile reads and writes goes through pipes too, to the same bytes, and cut off as a file is" {
  local kind size
  for kind in aiff wav-gsm wav-ima wav-ms; do
    talky-transcode -t "$kind" in.wav "a.$kind"
    talky-transcode -t "$kind" - - <in.wav | same - "a.$kind"
  done
  talky-transcode -t ogg in.wav a.ogg # its serial number is chance
  talky-transcode -t ogg - - <in.wav >b.ogg
  [ "$(stat -c %s a.ogg)" -eq "$(stat -c %s b.ogg)" ]
  sox in.wav a.caf
  sox in.wav a.w64
  for kind in aiff wav-gsm wav-ima wav-ms ogg caf w64; do
    talky-transcode --force -t s16le "a.$kind" whole.s16
    cat "a.$kind" | talky-transcode -t s16le - - | same - whole.s16
    talky-transcode -t s16le <(cat "a.$kind") - | same - whole.s16
  done
  for kind in aiff wav-gsm wav-ima wav-ms; do
    for size in 2000 3001 4444; do
      head -c "$size" "a.$kind" >"cut.$kind"
      talky-transcode --force -t s16le "cut.$kind" whole.s16
      cat "cut.$kind" | talky-transcode -t s16le - - | same - whole.s16
    done
  done
  # A program that could not go back to write the length.
  for kind in adpcm_ms adpcm_ima_wav; do
    ffmpeg -y -v error -i in.wav -c:a "$kind" whole.wav
    ffmpeg -v error -i in.wav -c:a "$kind" -f wav - | cat >piped.wav
    cat piped.wav | talky-transcode -t s16le - - | same - <(talky-transcode -t s16le whole.wav -)
  done
  # What has come is heard before more comes, and no temporary file stays.
  mkdir spool
  export TMPDIR=$PWD/spool
  mkfifo in
  start filter sh -c 'exec talky-transcode -t s16le in - >out.s16'
  exec {pipe}>in
  head -c 1200 a.wav-gsm >&"$pipe"
  heard() { [ "$(stat -c %s out.s16)" -ge 6400 ]; }
  wait_for 30 heard
  tail -c +1201 a.wav-gsm >&"$pipe"
  exec {pipe}>&-
  finish filter
  [ "$status" -eq 0 ]
  same out.s16 <(talky-transcode -t s16le a.wav-gsm -)
  [ -z "$(ls spool)" ]
  refuses 74 'temporary file: No such file' env TMPDIR=/no/such talky-transcode -t aiff in.wav -
  refuses 74 'No space left' sh -c 'exec talky-transcode -t aiff in.wav - >/dev/full'
}
