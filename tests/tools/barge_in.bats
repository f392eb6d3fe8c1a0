# A caller speaks over the agent, with the real engines, through SIP and RTP: a recording of Debian's telephone prompts
# against talky-sipd and talky-agent.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-sipd talky-agent talky-replay sox
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  PROMPTS=/usr/share/asterisk/sounds/en_US_f_Allison
  [ -d "$PROMPTS" ] || { echo "asterisk-core-sounds-en-wav is missing (scripts/setup --test)"; return 1; }
}

@test "barge-in: the agent is silent within 400 ms, and what was heard is known to the sample" {
  # One sentence that is longer than any caller waits, without a comma, so that it is spoken in one piece.
  words='This is the desk of a shop that has a great deal to say about itself and about the street it stands in'
  words="$words and about the people who come here every day and who never find the time to listen to the end of it all."
  printf 'flow: long\nstart: talk\nstates:\n  talk:\n    say: "%s"\n    on:\n      - {answer: yes, say: Good.}\n' "$words" >long.yaml
  talky-agent say --raw --voice Sophia "$words" >sentence.raw
  start_sipd --bridge agent --agent "unix:$T/agent.sock" \
    --agent-command "talky-agent --flow $T/long.yaml --voice Sophia"
  wait_line sipd 'event=agent.ready' 60
  # The line is quiet for 2.5 s, then somebody speaks.
  sox -D -n -r 8000 -b 16 -c 1 quiet.wav synth 2.5 whitenoise vol 0.0005
  sox -D "$PROMPTS/vm-enter-num-to-call.wav" -r 8000 -b 16 -c 1 speech.wav silence 1 1s 3% norm -3
  sox -D quiet.wav speech.wav quiet.wav said.wav
  for attempt in 1 2 3 4 5; do
    one_call && return
    echo "call $attempt: $code"
    [ "$code" -eq 3 ] || [ "$(excused in agent out)" -gt 0 ] || return 1
  done
  return 1
}

# One call, and what became of it; the exit code of barge_in.py is in $code.
one_call() {
  code=1
  rm -rf calls/*
  run -0 talky-replay said.wav -f --sip "sip:100@127.0.0.1:$PORT" --as-recorded --no-greeting --json || return 1
  wait_for 10 all_ended || return 1
  wav=$(only_recording) || return 1
  wait_for 10 grep -q '"type":"stop"' "${wav%.wav}.jsonl" || return 1
  port=$(sed -n "/event=call.start.*call=$(basename "$wav" .wav)/s/.* rtp_port=\([0-9]*\).*/\1/p" sipd.err)
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "${wav%.wav}.pcap" --from "$port" --extract sent.wav
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/barge_in.py" --wav "$wav" --journal "${wav%.wav}.jsonl" --sent sent.wav \
    --sentence sentence.raw && code=0 || code=$?
  return "$code"
}
