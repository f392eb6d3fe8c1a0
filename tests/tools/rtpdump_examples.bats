#!/usr/bin/env bats
# Every example of the man page, typed as it stands there; but those of live sources, which rtpdump_live.bats has.
load lib
load man_examples

@test "the examples of talky-rtpdump(1) work" {
  need talky-rtpdump sox jq
  mkdir given
  sox -R -r 8000 -n -b 16 -c 1 a.wav synth 2 pinknoise vol 0.3
  sox -R -r 8000 -n -b 16 -c 1 b.wav synth 2 sine 440 vol 0.3
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" call call.pcap --caller a.wav --callee b.wav
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" streams given/big.pcap
  cp call.pcap given/day.pcap
  cp call.pcap given/call.pcap
  # The names of the page are those of this capture.
  man_examples talky-rtpdump.1 | grep -v -- '-i any\|--listen' |
    sed 's/0x1234abcd/0xaaaa0001/; s/to~bob/to~100/; s/leg==callee/leg==caller/' | type_examples 9
}
