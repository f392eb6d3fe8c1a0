# talky-replay against talky-sipd: what it plays arrives, what it hears is recorded, and its exit code tells the truth.
# ctest: cost=80
load lib

setup() {
  common_setup
  need talky-replay talky-sipd
}

field() { /usr/bin/python3 -c "import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))" "$@"; }

@test "an echo: both channels of the recording hold what was said, sample by sample" {
  audio make noise hello.wav --seconds 2
  start_sipd --codec PCMU --codec PCMA --codec L16/16000
  for way in '' '--tcp --codec PCMA' '--codec L16/16000 --codec PCMU'; do
    # shellcheck disable=SC2086
    run -0 --separate-stderr talky-replay hello.wav --sip "sip:100@127.0.0.1:$PORT" --no-greeting -f -o out.wav $way
    printf '%s' "$output" >report.json
    [ "$(field report.json 'd["success"], d["call"]["answered"], d["call"]["ended_by"], d["quality"]["received"]["lost"]')" = "(True, True, 'caller', 0)" ]
    # What we were kept from saying in time stands elsewhere.
    audio pieces hello.wav out.wav --channel 0 --at-least 0.99 --broken $((2 * $(witnessed unsaid)))
    # There and back through two jitter buffers: as whole as the packets of both ways were punctual.
    heard hello.wav out.wav 1 in out phone
  done
  [ "$(field report.json 'd["call"]["codec"]')" = L16 ] # the best of those that were offered last
  run -64 talky-replay hello.wav --sip "sip:100@127.0.0.1:$PORT" --codec nonsense -f -o out.wav
  grep -q 'transport=TCP' "$T/sipd.err"
  [ -s out.wav ]
  run -73 talky-replay hello.wav --sip "sip:100@127.0.0.1:$PORT" -o out.wav
}

# An agent that greets, and answers each utterance 500 ms after it: it shows that turns are kept and times are right.
agent_script() {
  cat >agent.py <<'PY'
import sys, numpy
tone = lambda s: (8000 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(int(16000 * s)) / 16000)).astype("<i2").tobytes()
out = bytearray(tone(0.6))
quiet, spoke = 0, False
while True:
    frame = sys.stdin.buffer.read(640)
    if len(frame) < 640: break
    loud = numpy.abs(numpy.frombuffer(frame, "<i2").astype(int)).max() > 500
    quiet = 0 if loud else quiet + 1
    spoke = spoke or loud
    if spoke and quiet == 25:
        out += tone(0.8); spoke = False
    sys.stdout.buffer.write(bytes(out[:640]).ljust(640, b"\0")); sys.stdout.buffer.flush()
    del out[:640]
PY
}

# What somebody was late by in the calls so far.
late() { echo $(($(excused in agent out phone))); }

conversation() {
  run --separate-stderr talky-replay both.wav a.wav+b.wav --sip "sip:100@127.0.0.1:$PORT" -f -o out.wav
  printf '%s' "$output" >report.json
  [ "$status" -eq 0 ] || return 1
  [ "$(field report.json 'len(d["turns"]), [t["name"] for t in d["turns"]]')" = "(3, ['both.wav#1', 'both.wav#2', 'a.wav+'])" ] || return 1
  [ "$(field report.json 'd["greeting"]["end_s"] <= d["turns"][0]["speech_start_s"] - 0.8')" = True ] || return 1
  [ "$(field report.json 'all(t["answer_start_s"] > t["speech_end_s"] and not t["overlap"] for t in d["turns"])')" = True ] || return 1
  [ "$(field report.json 'all(t["answer_end_s"] <= n["speech_start_s"] for t, n in zip(d["turns"], d["turns"][1:]))')" = True ] || return 1
  # 500 ms of the agent's own and the way there and back; never less than its own, and more only where somebody was late.
  [ "$(field report.json 'all(480 <= t["latency_ms"] for t in d["turns"])')" = True ] || return 1
  wait_for 10 all_ended || return 1
  [ "$(late)" -gt 0 ] || [ "$(field report.json 'all(t["latency_ms"] <= 1500 for t in d["turns"])')" = True ]
}

@test "turn by turn: the caller waits for the greeting and for each answer, and the latency is the agent's" {
  agent_script
  audio make noise a.wav --seconds 0.8 --seed 1
  audio make noise b.wav --seconds 0.8 --seed 2
  audio make silence gap.wav --seconds 1.2
  sox a.wav gap.wav b.wav both.wav
  start_sipd --bridge "exec:/usr/bin/python3 $T/agent.py"
  # Where somebody stood still for half a second, the agent has answered in the middle of what was said: then once more.
  until conversation; do
    cat report.json
    wait_for 10 all_ended
    [ $((tries += 1)) -lt 4 ]
    [ "$(late)" -gt 0 ]
  done
  audio find a.wav out.wav --channel 0 --at-least 0.5
  run -0 talky-replay both.wav --sip "sip:100@127.0.0.1:$PORT" -o text.wav --text
  [[ $output == *"after "*" ms"*"end of speech to first audio: median"* ]]
}

@test "keys are pressed, the other side hangs up, the time limit ends the call" {
  audio make noise last.wav --seconds 2
  start_sipd --route '300=play:last.wav'
  run -0 talky-replay --dtmf '12#' --no-greeting --sip "sip:100@127.0.0.1:$PORT" --no-record --reply-timeout 0.2 --linger 0.5 || true
  wait_line sipd event=call.end
  wait_for 10 all_ended
  [ "$(grep -h '"dtmf"' calls/*.jsonl | grep -o '"digit":"."' | tr -d '\n')" = '"digit":"1""digit":"2""digit":"#"' ]
  run -0 talky-replay --linger 20 --sip "sip:300@127.0.0.1:$PORT" -o played.wav
  [[ $output == *'"ended_by": "agent"'* ]]
  heard last.wav played.wav 1 in out phone # in: the telephone itself was late
  run talky-replay last.wav --as-recorded --no-greeting --hangup-after 0.5 --sip "sip:100@127.0.0.1:$PORT" --no-record
  [[ $output == *'"ended_by": "caller"'* ]]
}

@test "digest: the right password, a wrong one, none" {
  audio make noise hello.wav --seconds 1
  printf 'alice:secret\n' >users
  chmod 600 users
  printf 'secret\n' >right
  printf 'guess\n' >wrong
  start_sipd --users users
  run -0 talky-replay hello.wav --no-greeting --no-record --sip "sip:100@127.0.0.1:$PORT" --user alice --password-file right
  run -77 talky-replay hello.wav --no-greeting --no-record --sip "sip:100@127.0.0.1:$PORT" --user alice --password-file wrong
  run -77 talky-replay hello.wav --no-greeting --no-record --sip "sip:100@127.0.0.1:$PORT"
}

@test "what goes wrong has its exit code, and leaves no recording behind" {
  audio make noise hello.wav --seconds 1
  audio make silence nothing.wav --seconds 1
  start_sipd --route '486=reject:486' --route '404=reject:404'
  run -75 talky-replay hello.wav --sip "sip:486@127.0.0.1:$PORT"
  [[ $output == *"refused: 486"* ]]
  run -1 talky-replay hello.wav --sip "sip:404@127.0.0.1:$PORT"
  run -69 talky-replay hello.wav --sip "sip:100@127.0.0.1:$(free_port)" --answer-timeout 0.5
  run -69 talky-replay hello.wav --sip "sip:100@127.0.0.1:$(free_port)" --tcp
  [ ! -e hello.replay.wav ]
  run -64 talky-replay hello.wav
  run -64 talky-replay hello.wav --sip nonsense
  run -64 talky-replay --sip "sip:100@127.0.0.1:$PORT"
  run -64 talky-replay dtmf:X --sip "sip:100@127.0.0.1:$PORT"
  run -65 talky-replay nothing.wav --sip "sip:100@127.0.0.1:$PORT"
  run -66 talky-replay missing.wav --sip "sip:100@127.0.0.1:$PORT"
}
