# Turn-taking with the real engines, in lockstep: pauses inside a sentence, numbers in groups.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-agent jq sox
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  cd "$T" || return 1
  printf 'flow: listen\nstart: listening\nstates:\n  listening:\n    say: Go ahead.\n    again: Go ahead.\n    fallback: Thank you very much for telling me that.\n' >listen.yaml
  printf 'flow: number\nstart: number\nslots:\n  phone: {type: digits}\nstates:\n  number:\n    ask: phone\n    then: done\n    say: Which number?\n    fallback: Which number?\n  done:\n    say: "{phone}."\n' >number.yaml
}

# quiet SECONDS: a room, not digital silence.
quiet() { sox -D -n -t raw -r 16000 -e signed -b 16 -c 1 - synth "$1" whitenoise vol 0.0003; }
# spoken WORDS...: without the silence around them.
spoken() {
  talky-agent say --raw --voice Alex "$*" | sox -D -t raw -r 16000 -e signed -b 16 -c 1 - -t raw - \
    silence 1 0.01 1% reverse silence 1 0.01 1% reverse
}
turns() { jq -r 'select(.type=="turn") | .text' call.jsonl; }

@test "turns: a pause inside a sentence does not end it, or it is taken back" {
  for pause in 0.4 0.8 1.2 1.5; do
    (quiet 3; spoken "I would like to make"; quiet $pause; spoken "an appointment for a haircut"; quiet 6) >said.raw
    talky-agent --lockstep --flow listen.yaml --journal call.jsonl -f --log-level error <said.raw >agent.raw
    echo "pause $pause"; cat call.jsonl
    # What counts in the end is one turn: those that were taken back do not.
    reopened=$(jq -s '[.[] | select(.type=="turn_reopened")] | length' call.jsonl)
    [ "$(turns | wc -l)" -eq $((reopened + 1)) ]
    turns | tail -1 | grep -qi 'appointment'
    turns | tail -1 | grep -qi 'like to'
  done
}

@test "turns: a number in groups, a second and more apart, is one turn" {
  for pause in 0.7 1.2 1.9; do
    (quiet 3; spoken "zero two zero"; quiet $pause; spoken "seven nine four six"; quiet $pause; spoken "zero zero one eight"; quiet 6) >said.raw
    talky-agent --lockstep --flow number.yaml --journal call.jsonl -f --log-level error <said.raw >agent.raw
    echo "pause $pause"; cat call.jsonl
    [ "$(turns | wc -l)" -eq 1 ]
  done
}
