# A caller on a loudspeaker, with the real engines, through SIP and RTP: the agent hears itself, and must not answer itself.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-sipd talky-agent sox
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  PROMPTS=/usr/share/asterisk/sounds/en_US_f_Allison
  [ -d "$PROMPTS" ] || { echo "asterisk-core-sounds-en-wav is missing (scripts/setup --test)"; return 1; }
}

start_with_agent() {
  start_sipd --bridge agent --agent "unix:$T/agent.sock" --agent-command "talky-agent $AGENT" "$@"
  wait_line sipd 'event=agent.ready' 60
}

echo_call() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/echo_call.py" --server "127.0.0.1:$PORT" "$@"; }

@test "echo: at three levels and delays the agent speaks for half a minute and never interrupts or answers itself" {
  AGENT='' start_with_agent
  local -A delay=([-20]=120 [-30]=250 [-40]=60)
  for level in -20 -30 -40; do
    start "call$level" echo_call --level "$level" --delay "${delay[$level]}" --seconds 32
  done
  wait_for 60 all_done || return 1
  wait_for 10 all_ended || return 1
  for level in -20 -30 -40; do
    jq -e '.agent_s > 5' "call$level.out"
  done
  [ "$(cat calls/*.jsonl | grep -c '"type":"start"')" -eq 3 ]
  run ! grep -hE '"type":"(barge_in|turn)"' calls/*.jsonl
  [ "$(grep -c 'event=call.echo cancelled=true' sipd.err)" -ge 3 ]
  # What is recorded is what came in: with the echo.
  for wav in calls/*.wav; do
    sox "$wav" -n remix 1 stat 2>&1 | awk '/RMS.*amplitude/ { exit !($3 > 0.0003) }'
  done
}

all_done() {
  for level in -20 -30 -40; do [ -s "call$level.out" ] || return 1; done
}

@test "echo: without the canceller the same caller makes the agent answer itself" {
  AGENT='' start_with_agent --echo-cancel off
  echo_call --level -20 --delay 120 --seconds 14 >call.out
  wait_for 10 all_ended || return 1
  grep -hqE '"type":"(barge_in|turn)"' calls/*.jsonl
  run ! grep -q 'event=call.echo' sipd.err
}

@test "echo: with it somebody who interrupts is heard within 400 ms" {
  words='This is the desk of a shop that has a great deal to say about itself and about the street it stands in'
  words="$words and about the people who come here every day and who never find the time to listen to the end of it all."
  printf 'flow: long\nstart: talk\nstates:\n  talk:\n    say: "%s"\n    on:\n      - {answer: yes, say: Good.}\n' "$words" >long.yaml
  sox -D "$PROMPTS/vm-enter-num-to-call.wav" -r 8000 -b 16 -c 1 speech.wav silence 1 0.02 1% norm -9
  AGENT="--flow $T/long.yaml --voice Sophia" start_with_agent
  for attempt in 1 2 3 4 5; do
    rm -rf calls/*
    echo_call --level -20 --delay 120 --seconds 9 --say speech.wav --over 3 >call.out
    cat call.out
    jq -e '.interrupted' call.out || return 1
    jq -e '.stopped_after_ms != null and .stopped_after_ms <= 400' call.out && return
    [ "$(excused in agent out)" -gt 0 ] || return 1
  done
  return 1
}
