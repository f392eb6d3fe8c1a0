#!/usr/bin/env bats
# talky-agent: its commands, one call on stdin and stdout, many calls over AudioSocket.
# shellcheck disable=SC2154 # stderr is set by run --separate-stderr
# ctest: busy
# ctest: cost=120

load lib

caller() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/audiosocket_client.py" "$@"; }
# field NAME <JSON, the value of one field
field() { /usr/bin/python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)[sys.argv[1]]))' "$1"; }
have_models() {
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  return 0
}
# line SECONDS: so much of a quiet line, s16le at 16 kHz
line() {
  /usr/bin/python3 -c 'import random,struct,sys
noise = random.Random(1)
n = int(float(sys.argv[1]) * 16000)
sys.stdout.buffer.write(struct.pack(f"<{n}h", *(noise.randint(-9, 9) for _ in range(n))))' "$1"
}
speech() { talky-agent say --raw --voice Alex "$1"; }
serve() {
  start agent talky-agent --listen "unix:$T/agent.sock" "$@" || return 1
  wait_line agent 'event=loaded' 60
}

@test "say and hear: a sentence survives; files are not overwritten; a terminal's worth of mistakes has its codes" {
  need talky-agent sox
  have_models
  talky-agent say -o hello.wav "We are open until five in the afternoon."
  [ "$(soxi -r hello.wav)" = 16000 ]
  run --separate-stderr talky-agent hear hello.wav
  [ "$status" -eq 0 ]
  [[ "${output,,}" == *"open until"*"in the afternoon"* ]]
  run talky-agent say -o hello.wav "Again."
  [ "$status" -eq 73 ]
  talky-agent say -f -o hello.wav "Good morning."
  talky-agent say --raw "Good morning." >hello.raw
  [ "$(stat -c %s hello.wav)" -eq $(($(stat -c %s hello.raw) + 44)) ]
  run talky-agent say --voice HAL "Good morning."
  [ "$status" -eq 64 ]
  run talky-agent hear nothing.wav
  [ "$status" -eq 66 ]
  printf 'this is no sound' >text.wav
  run talky-agent hear text.wav
  [ "$status" -eq 65 ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "hear --json names file, words, confidence and time; several files come in order" {
  need talky-agent
  have_models
  talky-agent say -o one.wav "Good morning." && talky-agent say -o two.wav --voice Alex "See you on Friday."
  run --separate-stderr talky-agent hear --json one.wav two.wav
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 2 ]
  [ "$(field file <<<"${lines[1]}")" = '"two.wav"' ]
  [[ "$(field text <<<"${lines[1]}")" == *Friday* ]]
  /usr/bin/python3 -c 'import json,sys; r = json.loads(sys.argv[1]); assert 0 < r["confidence"] <= 1 and 0.3 < r["seconds"] < 3' "${lines[0]}"
}

@test "voices and check" {
  need talky-agent
  run talky-agent voices
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 3 ]
  [[ "$output" == Sophia*Emma*Alex* ]]
  run talky-agent check "$TALKY_SOURCE/tools/agent/flows/front-desk.yaml"
  [ "$status" -eq 0 ]
  printf 'flow: broken\nstart: nowhere\nstates:\n  here:\n    say: Hello.\n' >broken.yaml
  run talky-agent check broken.yaml
  [ "$status" -eq 65 ]
  [[ "$output" == *"broken.yaml:"*"error"* ]]
  run talky-agent check --json broken.yaml
  [ "$status" -eq 65 ]
  [ "$(field usable <<<"$output")" = false ]
  # And it is found at the start.
  run talky-agent --flow broken.yaml </dev/null
  [ "$status" -eq 65 ]
}

@test "without models: one line that says what to run, and exit code 69" {
  need talky-agent
  run talky-agent --models "$T/none" </dev/null
  [ "$status" -eq 69 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ "$output" == *"scripts/models/install"* ]]
  TALKY_MODELS=$T/none run talky-agent --listen "unix:$T/s"
  [ "$status" -eq 69 ]
  [ ! -e "$T/s" ]
  # Speaking and checking need none.
  [ "$(talky-agent --models "$T/none" say --raw "Hello." | wc -c)" -gt 8000 ]
}

@test "lockstep on stdin and stdout: as much out as in, a conversation, and a cassette that repeats it byte by byte" {
  need talky-agent
  have_models
  { line 6; speech "What are your opening hours?"; line 8; } >in.raw
  talky-agent --lockstep --seed 1 --journal one.jsonl --cassette call.cassette --record <in.raw >one.raw 2>log
  frames=$((($(stat -c %s in.raw) + 639) / 640))
  [ "$(stat -c %s one.raw)" -eq $((frames * 640)) ]
  grep -q '"type":"turn"' one.jsonl
  grep -qi 'opening hours' one.jsonl
  talky-agent --lockstep --journal two.jsonl --cassette call.cassette --play --models "$T/none" <in.raw >two.raw 2>>log
  cmp one.jsonl two.jsonl
  cmp one.raw two.raw
  # The answer depends on what was said: another question has another one.
  { line 6; speech "I would like to book an appointment."; line 8; } >other.raw
  talky-agent --lockstep --seed 1 --journal other.jsonl <other.raw >/dev/null 2>>log
  answer() { grep '"type":"say"' "$1" | sed -n 2p | sed 's/.*"text":"\([^"]*\)".*/\1/'; }
  [ -n "$(answer one.jsonl)" ]
  [ "$(answer one.jsonl)" != "$(answer other.jsonl)" ]
  # Nothing is overwritten, and that stops nothing.
  [ "$(talky-agent --lockstep --journal one.jsonl <in.raw 2>again.log | wc -c)" -eq $((frames * 640)) ]
  grep -q 'event=file.failed' again.log
  cmp one.jsonl two.jsonl
}

@test "a reader that goes, and a full disk" {
  need talky-agent
  have_models
  line 20 >in.raw
  talky-agent --lockstep <in.raw 2>log | head -c 1000 >/dev/null
  [ "$(grep -c 'event=call.end' log)" -eq 1 ]
  run --separate-stderr bash -c 'talky-agent --lockstep <in.raw >/dev/full'
  [ "$status" -eq 74 ]
  run --separate-stderr bash -c 'talky-agent --lockstep --journal /dev/full -f <in.raw >out.raw'
  [ "$status" -eq 0 ]
  [[ "$stderr" == *"event=file.failed"* ]]
  [ "$(stat -c %s out.raw)" -eq 640000 ]
}

@test "as a program of exec: the call begins with start on fd 3, and marks and the hangup come out on fd 4" {
  need talky-agent
  have_models
  cat >bridge.py <<'PY'
import json, os, subprocess, sys, threading, time
speech = subprocess.run(["talky-agent", "say", "--raw", "--voice", "Alex", "Goodbye."], stdout=subprocess.PIPE).stdout
to_r, to_w = os.pipe(); from_r, from_w = os.pipe()
def arrange():
    a, b = os.dup(to_r), os.dup(from_w)
    os.dup2(a, 3); os.dup2(b, 4)
agent = subprocess.Popen(["talky-agent", "--journal", "call.jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         preexec_fn=arrange, pass_fds=(3, 4), close_fds=False)
os.close(from_w); os.close(to_r)
def tell(message): os.write(to_w, (json.dumps(message) + "\n").encode())
tell({"type": "start", "call": "c0ffee", "from": "sip:a@127.0.0.1", "to": "sip:100@127.0.0.1", "headers": {}, "rate": 16000})
heard = bytearray(); control = []
def read_audio():
    while data := agent.stdout.read1(65536): heard.extend(data)
def read_control():
    for line in os.fdopen(from_r):
        message = json.loads(line); control.append(message)
        if message["type"] == "mark": tell({"type": "mark", "name": message["name"], "played": len(heard) // 2})
        if message["type"] == "clear": tell({"type": "cleared", "discarded": 0, "played": len(heard) // 2})
        if message["type"] == "hangup": tell({"type": "stop", "reason": "agent hung up"})
threads = [threading.Thread(target=read_audio, daemon=True), threading.Thread(target=read_control, daemon=True)]
for t in threads: t.start()
begin = time.monotonic(); tick = 0
quiet = b"\1\0" * 320
pieces = quiet * 300 + speech
while agent.poll() is None and tick < 6000:
    frame = (pieces[tick * 640:tick * 640 + 640] + quiet)[:640]
    try: agent.stdin.write(frame); agent.stdin.flush()
    except BrokenPipeError: break
    tick += 1
    time.sleep(max(0, begin + tick * 0.02 - time.monotonic()))
if agent.poll() is None:
    agent.terminate()
agent.wait(); [t.join() for t in threads]
print(json.dumps({"code": agent.returncode, "types": sorted({m["type"] for m in control}), "heard": len(heard) // 2}))
PY
  run --separate-stderr /usr/bin/python3 bridge.py
  [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; return 1; }
  [ "$(field code <<<"$output")" -eq 0 ] || { echo "$output"; echo "$stderr"; return 1; }
  [[ "$(field types <<<"$output")" == *hangup*mark* ]] || { echo "$output"; echo "$stderr"; return 1; }
  [ "$(field heard <<<"$output")" -gt 48000 ]
  grep -q '"call":"c0ffee"' call.jsonl
  grep -qi 'good-\?bye' call.jsonl
}

@test "a talky peer: greeted at once, understood, told by marks, and hung up on after the last word" {
  need talky-agent
  have_models
  serve --journal journals --seed 1
  { line 7; speech "Goodbye."; } >in.raw
  id=0b6f1c2e-5d0e-4f6a-9d55-3f0f6f9f1a01
  run --separate-stderr caller "unix:$T/agent.sock" --talky --send in.raw --seconds 40 --uuid "$id" --record heard.raw
  [ "$status" -eq 0 ]
  [ "$(field ended <<<"$output")" = '"hangup message"' ] || { echo "$output"; return 1; }
  # Where the machine does something else meanwhile, the greeting may be later: not every time.
  greets_at_once() { [ "$(caller "unix:$T/agent.sock" --talky --seconds 1.5 | field first_audio_ms)" -lt 1000 ]; }
  [ "$(field first_audio_ms <<<"$output")" -lt 1000 ] || wait_for 10 greets_at_once
  [ "$(field marks <<<"$output")" -ge 2 ]
  # All that was sent was played before the hangup; where the greeting was so late that he spoke over it, but for what that cut off.
  [ "$(field samples <<<"$output")" -eq $(($(field played <<<"$output") + $(field discarded <<<"$output"))) ]
  wait_line agent "event=call.end call=$id cause=\"agent hung up\""
  stop agent
  [ "$status" -eq 0 ]
  [ -s "journals/$id.jsonl" ]
  grep -q '"type":"turn"' "journals/$id.jsonl"
}

@test "barge-in: the caller's speech over the greeting clears what is queued" {
  need talky-agent
  have_models
  serve --journal journals
  { line 1; speech "Excuse me, I would like to book an appointment for tomorrow."; line 6; } >in.raw
  run --separate-stderr caller "unix:$T/agent.sock" --talky --send in.raw --after-audio --seconds 12 --uuid 0b6f1c2e-5d0e-4f6a-9d55-3f0f6f9f1a02
  [ "$(field clears <<<"$output")" -ge 1 ] || { echo "$output"; return 1; }
  wait_line agent event=call.end
  stop agent
  grep -q '"type":"barge_in"' journals/*.jsonl
  grep -q '"type":"cleared"' journals/*.jsonl
}

@test "a plain AudioSocket peer at 8 kHz on TCP gets audio at 8 kHz, and no control frames" {
  need talky-agent
  have_models
  port=$(free_port)
  start agent talky-agent --listen "tcp:127.0.0.1:$port"
  wait_line agent 'event=ready' 60
  run --separate-stderr caller "tcp:127.0.0.1:$port" --rate 8000 --seconds 12 --dtmf 9:1 --came heard.raw
  [ "$status" -eq 0 ]
  [ "$(field kinds <<<"$output")" = '[16]' ] || { echo "$output"; return 1; }
  [ "$(field played <<<"$output")" -gt 16000 ]
  # A greeting can be understood in it.
  sox -t raw -r 8000 -e signed -b 16 -c 1 heard.raw heard.wav
  run --separate-stderr talky-agent hear heard.wav
  [[ "${output,,}" == *"how can i help"* ]] || { echo "$output"; return 1; }
}

@test "garbage, a wrong first frame, two calls on one connection, silence: one line each, and another call goes on" {
  need talky-agent
  have_models
  serve
  caller "unix:$T/agent.sock" --talky --seconds 8 >good.json &
  good=$!
  for mode in garbage no-uuid twice; do
    run --separate-stderr caller "unix:$T/agent.sock" --mode $mode --seconds 60 # until it is answered
    [ "$(field ended <<<"$output")" = '"error"' ] || { echo "$mode: $output"; return 1; }
  done
  three_refused() { [ "$(grep -c event=connection.refused agent.err)" -eq 3 ]; }
  wait_for 5 three_refused
  run caller "unix:$T/agent.sock" --mode idle --seconds 0.2
  wait "$good"
  [ "$(field ended <good.json)" = '"we hung up"' ]
  [ "$(field samples <good.json)" -gt 32000 ]
}

@test "a flood of audio and a peer that never reads cost bounded memory" {
  need talky-agent
  have_models
  serve
  memory() { awk '/VmRSS/ {print $2}' "/proc/${PIDS[agent]}/status"; }
  caller "unix:$T/agent.sock" --mode call --seconds 2 >/dev/null
  before=$(memory)
  caller "unix:$T/agent.sock" --mode flood --seconds 4 >flood.json &
  flood=$!
  caller "unix:$T/agent.sock" --mode unread --seconds 4 >unread.json
  wait "$flood"
  # Less than the 4 seconds, the burst, and what the kernel's buffers hold.
  /usr/bin/python3 -c 'import json,sys
for f in sys.argv[1:]: assert json.load(open(f))["sent_seconds"] < 40, open(f).read()' flood.json unread.json
  (($(memory) - before < 60000))
  speaks() { [ "$(caller "unix:$T/agent.sock" --talky --seconds 3 | field samples)" -gt 16000 ]; }
  wait_for 10 speaks
}

@test "addresses, limits, and SIGTERM, which lets a call end" {
  need talky-agent
  have_models
  run talky-agent --listen nonsense
  [ "$status" -eq 64 ]
  serve --max-calls 1
  run talky-agent --listen "unix:$T/agent.sock"
  [ "$status" -eq 69 ]
  [ -S "$T/agent.sock" ]
  wait_line agent event=connection.end # that it had looked who was there: it takes the one place
  caller "unix:$T/agent.sock" --talky --seconds 6 --until seen >call.json &
  call=$!
  wait_line agent 'event=call.start'
  run --separate-stderr caller "unix:$T/agent.sock" --mode idle --seconds 60 # until it is answered
  [[ "$(field ended <<<"$output")" == '"error"' || "$(field ended <<<"$output")" == '"closed"' ]]
  wait_line agent 'event=agent.full'
  kill -TERM "${PIDS[agent]}"
  wait_line agent 'event=agent.draining'
  run caller "unix:$T/agent.sock" --mode idle --seconds 1
  [ "$status" -ne 0 ] # no more calls
  touch seen
  wait "$call"
  [ "$(field ended <call.json)" = '"we hung up"' ]
  finish agent 10
  [ "$status" -eq 0 ]
}

# Whoever calls in the first second: the agent that talky-sipd starts opens its socket when its models are loaded; what is said then
# is understood, and nothing has failed.
@test "cold start: a caller in the first second is greeted and understood" {
  need talky-sipd talky-agent talky-replay
  have_models
  sounds=/usr/share/asterisk/sounds/en_US_f_Allison
  [ -d "$sounds" ] || skip "apt-get install asterisk-core-sounds-en-wav"
  start sipd talky-sipd --listen 127.0.0.1:0 --http 127.0.0.1:0 --record "$T/calls" --bridge agent \
    --agent "unix:$T/a.sock" --agent-command "$(command -v talky-agent)"
  wait_line sipd 'event=ready'
  listen=$(sed -n 's/.*event=ready .*listen="\{0,1\}\([^ ,"]*\).*/\1/p' sipd.err | head -n 1)
  http=$(sed -n 's/.*event=ready .*http="\{0,1\}\([^ ,"]*\).*/\1/p' sipd.err | head -n 1)
  # Ready means that callers are understood.
  if ! grep -q event=agent.ready sipd.err; then
    ready=$(curl -s -o body -w '%{http_code}' "http://$http/readyz")
    [ "$ready" = 503 ] || grep -q event=agent.ready sipd.err
  fi
  run talky-replay "$sounds/digits/tomorrow.wav" --sip "sip:100@$listen" --json -o call.wav
  [ "$status" -eq 0 ]
  [ "$(curl -s -o body -w '%{http_code}' "http://$http/readyz")" = 200 ]
  run cat calls/*.jsonl
  [[ "${output,,}" == *'"type":"turn"'*tomorrow* || "${output,,}" == *'"type":"turn"'*to-morrow* ]]
  [[ "$output" != *'"type":"failed"'* ]]
  grep -q event=loaded sipd.err
}

@test "hear: people, with any silence around their words; digits that were asked for" {
  need talky-agent sox
  have_models
  digits=/usr/share/asterisk/sounds/en_US_f_Allison/digits
  sphinx=/usr/share/pocketsphinx/test/data
  [ -d "$digits" ] || skip "apt-get install asterisk-core-sounds-en-wav"
  [ -d "$sphinx" ] || skip "apt-get install pocketsphinx-testdata"
  for silence in 0.05 0.3 0.4; do
    sox -t raw -r 16000 -e signed -b 16 -c 1 "$sphinx/tidigits/dhd.2934z.raw" -r 8000 "number-$silence.wav" pad "$silence" "$silence"
    sox "$digits/8.wav" "eight-$silence.wav" pad "$silence" "$silence"
    sox "$sphinx/cards/003.wav" -r 8000 "card-$silence.wav" pad "$silence" "$silence"
  done
  run --separate-stderr talky-agent hear --expect digits number-*.wav eight-*.wav card-*.wav
  [ "$status" -eq 0 ]
  [ "$(grep -ciE 'number.*two,? nine,? three,? four,? (zero|oh)' <<<"$output")" -eq 3 ]
  [ "$(grep -ci 'eight.*: eight' <<<"$output")" -eq 3 ]
  [ "$(grep -ci 'card.*: seven of clubs' <<<"$output")" -eq 3 ] # a hint forbids nothing
  run talky-agent hear --expect nonsense eight-0.3.wav
  [ "$status" -eq 64 ]
}
