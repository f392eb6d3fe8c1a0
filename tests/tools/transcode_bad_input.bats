#!/usr/bin/env bats
# Every reader and writer of talky-transcode against every kind of bad input: tests/tools/bad_input.py has the table.
# ctest: busy
load lib

@test "cut, foreign, lying, NaN, a directory, full, closed: one line, the right exit code, no half file, in every format" {
  need talky-transcode sox gzip zstd
  sox -R -r 8000 -n -b 16 -c 1 in.wav synth 1 sine 300-1500 vol 0.5
  sox -R -r 8000 -n -b 16 -c 1 long.wav synth 20 pinknoise vol 0.5
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/bad_input.py" transcode
}
