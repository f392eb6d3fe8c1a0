#!/usr/bin/env bats
# Every example of the man page, typed as it stands there.
load lib
load man_examples

@test "the examples of talky-transcode(1) work" {
  need talky-transcode sox jq
  mkdir given
  sox -R -r 8000 -n -b 16 -c 2 given/call.wav synth 110 pinknoise vol 0.2
  sox -R -r 44100 -n -b 16 -c 2 given/prompt.flac synth 2 sine 440 vol 0.3
  sox -R -r 16000 -n -b 16 -c 1 given/prompt.wav synth 3 pinknoise vol 0.1
  talky-transcode --left --duration 4 given/call.wav given/payload.ul
  talky-transcode --split given/call.wav given/caller.wav given/agent.wav
  talky-transcode --duration 4 --ssrc 0x1a2b3c4d given/call.wav given/call.pcap
  printf '#!/bin/sh\nexec cat\n' >given/agent
  chmod +x given/agent
  # There is no sound card; and what one example makes, another one has.
  stand_in aplay 'exec cat >/dev/null'
  stand_in talky-transcode "exec $(command -v talky-transcode) --force \"\$@\""
  man_examples talky-transcode.1 | type_examples 14
}
