#!/usr/bin/env bats
# Every reader and writer of talky-rtpdump against every kind of bad input: tests/tools/bad_input.py has the table.
# ctest: busy
load lib

@test "cut, foreign, lying, a directory, full, closed: one line, the right exit code, no half file, in every mode" {
  need talky-rtpdump sox gzip zstd
  sox -R -r 8000 -n -b 16 -c 1 a.wav synth 2 pinknoise vol 0.3
  sox -R -r 8000 -n -b 16 -c 1 b.wav synth 2 sine 440 vol 0.3
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" call call.pcap --caller a.wav --callee b.wav
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/bad_input.py" rtpdump
}
