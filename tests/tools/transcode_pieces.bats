#!/usr/bin/env bats
# Properties of every format: the pieces in which a pipe brings its bytes change nothing, and channels that were split are
# the file again when they are joined.
# ctest: busy
load lib
load transcode

setup() {
  common_setup
  need talky-transcode sox
  sox -R -r 8000 -n -b 16 -c 1 in.wav synth 1 sine 300-1500 synth 1 pinknoise mix vol 0.5
  talky-transcode in.wav in.s16le
}

names() { talky-transcode --list-formats | awk '{ print $1 }'; }
# Odd pieces cut samples, frames, packets and headers in two.
in_pieces() { dd if="$1" bs="$2" status=none; }
# What a file holds. The pages of an Ogg end where a live pipe paused, so there its sound is meant, else every byte. (libvorbis
# makes up what was before the start, and so the first block, from what it is given first.)
held() {
  case $1 in
    opus) talky-transcode -f opus -t s16le - - ;;
    ogg) talky-transcode -f ogg -t s16le - - | tail -c +2049 ;;
    *) cat ;;
  esac
}

@test "every format is read from pieces of 7, 77 and 1001 bytes as from a file" {
  local kind size count=0
  for kind in $(names); do
    talky-transcode -t "$kind" in.wav "a.$kind"
    talky-transcode -f "$kind" --in-rate 8000 -t s16le "a.$kind" whole.s16 --force
    for size in 7 77 1001; do
      in_pieces "a.$kind" $size | talky-transcode -f "$kind" --in-rate 8000 -t s16le - - | same - whole.s16 ||
        { echo "$kind in pieces of $size"; return 1; }
      ((count += 1))
    done
  done
  [ "$count" -ge 100 ]
}

@test "every format is written the same, whatever the pieces that come in" {
  local kind size count=0
  for kind in $(names); do
    in_pieces in.s16le 16000 | talky-transcode -f s16le --in-rate 8000 -t "$kind" - - | held "$kind" >whole
    for size in 7 77 1001; do
      in_pieces in.s16le $size | talky-transcode -f s16le --in-rate 8000 -t "$kind" - - | held "$kind" | same - whole ||
        { echo "$kind from pieces of $size"; return 1; }
      ((count += 1))
    done
  done
  [ "$count" -ge 100 ]
}

@test "split of join: every format that keeps its samples gives two channels back as they were" {
  local kind count=0
  sox -R -r 8000 -n -b 16 -c 1 other.wav synth 1 pinknoise vol 0.5
  for kind in $(names); do
    case $kind in
      gsm | g722 | wav-gsm | wav-ima | wav-ms | ogg | opus) continue ;; # what goes in is not what comes out
    esac
    # Once through the format, so that its own rounding is done.
    talky-transcode -t "$kind" in.wav l --force
    talky-transcode -t "$kind" other.wav r --force
    talky-transcode -f "$kind" --in-rate 8000 -t wav l left.wav --force
    talky-transcode -f "$kind" --in-rate 8000 -t wav r right.wav --force
    talky-transcode --join left.wav right.wav -t "$kind" both --force
    talky-transcode --split -f "$kind" --in-rate 8000 --in-channels 2 both l2.wav r2.wav --force
    same l2.wav left.wav && same r2.wav right.wav || { echo "$kind"; return 1; }
    ((count += 1))
  done
  [ "$count" -ge 28 ]
}
