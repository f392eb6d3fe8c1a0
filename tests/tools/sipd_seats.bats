# The WebSocket /api/v1/sip/audio with mode=talk and mode=agent: who talks into a call, and who has the agent's part.
# ctest: cost=80
load lib
load api

# seat NAME MODE [options]: a client with a part in the call CALL, that does what do_ NAME LINE says.
seat() {
  local name=$1 mode=$2
  shift 2
  : >"$name.todo"
  : >"$name.events" # of one before it
  start "$name" /usr/bin/python3 "$TALKY_SOURCE/tests/tools/seat_client.py" "ws://${API#http://}/api/v1/sip/audio/$CALL?mode=$mode" \
    --todo "$name.todo" --events "$name.events" --record "$name.wav" "$@"
  wait_for 20 grep -q '"type": *"start"' "$name.events"
}
do_() { echo "$2" >>"$1.todo"; }
leave() { do_ "$1" quit; finish "$1"; }
events() { /usr/bin/python3 -c 'import json,sys; d=[json.loads(l) for l in open(sys.argv[1])]; print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
# Whether the call's recording, as far as it has come, holds a signal on the agent's side.
in_recording() { cp "calls/$CALL.wav" now.wav && audio find "$1" now.wav --channel 1 --at-least "$2"; }
# Whether some 300 ms of one file are in another: a machine that stands still leaves holes, but not everywhere.
some_of() {
  local at
  for ((at = 0; at < 30; ++at)); do
    sox "$1" some.wav trim "$((at / 5)).$((at % 5 * 2))" 0.3 2>/dev/null || return 1
    [ "$(soxi -s some.wav)" -gt 0 ] || return 1
    audio find some.wav "$2" --at-least 0.9 && return 0
  done
  return 1
}
# The supervisor says talk.wav, until a recording has it. All at once: less than a second is heard without a hole, however
# long this machine sleeps in between, but not while it is being played.
say_in() {
  for _ in 1 2 3 4 5 6; do
    do_ boss "burst $T/talk.wav"
    wait_for 4 in_recording talk.wav "$1" && return 0
  done
  return 1
}
bytes() { stat -c %s "$1" 2>/dev/null || echo 0; }
grown() { [ "$(bytes "$1")" -ge "$2" ]; }
raw_to_wav() { sox -D -t raw -r 16000 -e signed -b 16 -c 1 "$1" "$2"; }
# Of raw samples: the longest run of zeros, in ms, and whether there is anything but zeros behind it.
longest_silence() {
  /usr/bin/python3 - "$1" <<'PY'
import sys
import numpy as np
x = np.fromfile(sys.argv[1], dtype="<i2")
edges = np.flatnonzero(np.diff(np.concatenate(([0], (x == 0).astype(int), [0]))))
runs = sorted((b - a, a, b) for a, b in zip(edges[::2], edges[1::2])) or [(0, 0, 0)]
length, _, end = runs[-1]
print(length // 16, bool(np.any(x[end:])))
PY
}
refuse_seat() {
  run seat_refused "$@"
  [ "$output" = "$(printf '{"refused": %s}' "$1")" ] || { echo "$output"; return 1; }
}
seat_refused() {
  : >none.todo
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/seat_client.py" "ws://${API#http://}/api/v1/sip/audio/$CALL?$2" --todo none.todo --events none.events "${@:3}"
}

@test "who talks in is heard by the caller and kept in the recording, and not heard by the agent" {
  need sox
  audio make noise said.wav --seconds 60
  audio make noise talk.wav --seconds 0.9 --rate 16000 --seed 9 --level -17
  audio make noise agent.wav --seconds 40 --rate 16000 --seed 7 --level -29
  sox agent.wav -t raw agent.raw
  sipd --bridge "exec:cat $T/agent.raw & exec cat >$T/ear.raw"
  call 1 --send said.wav --record heard.wav --until "$T/over"
  seat boss talk
  [ "$(events boss.events '[(e["leg"], e["channels"]) for e in d if e["type"] == "start"]')" = "[('both', 2)]" ]
  say_in 0.75
  before=$(bytes ear.raw)
  wait_for 20 grown ear.raw $((before + 32000))
  # Another one has to wait; listeners do not.
  refuse_seat 409 mode=talk
  start ear /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" listen "ws://${API#http://}/api/v1/sip/audio/$CALL" ear.wav --seconds 0.5
  finish ear
  # More than a second at once: the oldest is lost, and he is told.
  audio make noise long.wav --seconds 5 --rate 16000 --seed 11 --level -40
  do_ boss "burst $T/long.wav"
  wait_for 20 grep -q '"type":"overrun"' boss.events
  leave boss
  [ "$(json "$(cat boss.out)" 'd["code"], d["sizes"]')" = '(1000, [1280])' ]
  seat boss talk
  leave boss
  touch over
  finish phone 60
  wait_for 10 no_calls
  audio find talk.wav heard.wav --at-least 0.75
  audio find talk.wav "calls/$CALL.wav" --channel 1 --at-least 0.75
  # The agent has heard the caller, and nobody else; what it says goes on below the other voice.
  raw_to_wav ear.raw ear16.wav
  run -1 audio find talk.wav ear16.wav --at-least 0.2
  sox "calls/$CALL.wav" left.wav remix 1 trim 2
  some_of left.wav ear16.wav
  wait_line sipd 'event=part.taken part=talk'
  wait_line sipd 'event=part.left part=talk'
}

@test "who talks in does not hear himself, but both others" {
  audio make noise said.wav --seconds 30
  audio make noise talk.wav --seconds 0.9 --rate 16000 --seed 9
  audio make noise agent.wav --seconds 40 --rate 16000 --seed 7
  sipd --bridge "play:$T/agent.wav"
  call 1 --send said.wav --until "$T/over"
  seat boss talk
  say_in 0.5
  say_in 0.5
  leave boss
  touch over
  finish phone 60
  run -1 audio find talk.wav boss.wav --channel 1 --at-least 0.2
  sox boss.wav caller.wav remix 1
  sox boss.wav agents.wav remix 2
  some_of caller.wav said.wav
  some_of agents.wav agent.wav
}

@test "a program in the agent's part: both ways, to the sample; the agent is held, hears silence, and comes back" {
  need sox
  audio make noise said.wav --seconds 90
  audio make noise program.wav --seconds 1 --rate 16000 --seed 9
  audio make noise long.wav --seconds 10 --rate 16000 --seed 11
  sipd --bridge "exec:cat <&3 >$T/control & exec tee $T/ear.raw"
  call 100 --send said.wav --record heard.wav --dtmf 20:7 --until "$T/over"
  wait_for 20 grown ear.raw 128000
  seat robot agent
  [ "$(events robot.events 'd[0]["type"], d[0]["call"], d[0]["rate"]')" = "('start', '$CALL', 16000)" ]
  wait_for 20 grep -q '"type":"hold","by":"program"' control
  # The agent hears silence from here on, in the pace of the call.
  do_ robot "burst $T/program.wav"
  do_ robot '{"type":"mark","name":"said"}'
  wait_for 20 grep -q '"type":"mark"' robot.events
  [ "$(events robot.events '[(e["name"], e["played"]) for e in d if e["type"] == "mark"]')" = "[('said', 16000)]" ]
  # Ten seconds at once are queued; nothing of it is lost on the way but what is thrown away, and that is told to the sample.
  do_ robot "burst $T/long.wav"
  do_ robot '{"type":"mark","name":"end"}'
  do_ robot '{"type":"clear"}'
  wait_for 20 grep -q '"name":"end"' robot.events
  [ "$(events robot.events '[e["discarded"] + e["played"] for e in d if e["type"] == "cleared"]')" = '[176000]' ]
  [ "$(events robot.events '[e["type"] for e in d if e["type"] in ("cleared", "mark")]')" = "['mark', 'cleared', 'mark']" ]
  refuse_seat 409 mode=agent
  refused 409 "/api/v1/sip/calls/$CALL/say" -d '{"text":"Good morning."}'
  before=$(bytes ear.raw)
  wait_for 20 grown ear.raw $((before + 48000))
  # What makes no sense is passed over, as of any bridge.
  do_ robot '{"type":"dance"}'
  do_ robot 'no json'
  leave robot
  [ "$(json "$(cat robot.out)" 'd["code"], d["sizes"], d["channels"]')" = '(1000, [640], 1)' ]
  wait_for 20 grep -q '"type":"resume"' control
  before=$(bytes ear.raw)
  wait_for 20 grown ear.raw $((before + 128000))
  seat robot agent # the part is free again
  do_ robot '{"type":"hangup","reason":"all is said"}'
  finish phone 60
  finish robot
  wait_for 10 no_calls
  wait_line sipd 'event=call.end .*reason="all is said"'
  wait_for 10 all_ended
  [ "$(events robot.events '[e["type"] for e in d if e["type"] in ("stop", "call.end")][:1]')" = "['stop']" ]
  some_of program.wav heard.wav
  read -r silence again <<<"$(longest_silence ear.raw)"
  [ "$silence" -ge 1500 ]
  [ "$again" = True ]
  # The control messages in their order: the agent was told what became of its sound, and that it is back.
  told=$(sed -n 's/.*"type":"\([a-z]*\)".*/\1/p' control | uniq | tr '\n' ' ')
  [[ $told == "start hold cleared "*"resume "*"hold "* ]] || { echo "$told"; false; }
  # After the program had left the echo was heard again.
  /usr/bin/python3 - "calls/$CALL.wav" <<'PY'
import sys, wave
import numpy as np
with wave.open(sys.argv[1]) as file:
    x = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2).astype(float)
# Where the right side is the left one, a little later: of every second, how alike they are at their best.
# What a program that was kept from running gives back late stays late.
alike, reach, size = [], 48000, 1 << 17
for at in range(0, len(x) - 16000, 16000):
    said, heard = x[at:at + 16000, 0], x[at:at + 16000 + reach, 1]
    c = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)[:max(len(heard) - 15999, 1)]
    energy = np.cumsum(np.concatenate(([0], heard * heard)))
    window = energy[16000:] - energy[:-16000]
    alike.append((c / np.sqrt(np.maximum(window, 1e6) * np.sum(said * said) + 1)).max())
print([round(a, 2) for a in alike])
best = [i for i, a in enumerate(alike) if a > 0.5]
worst = [i for i, a in enumerate(alike) if a < 0.3]
assert best and worst and best[0] < worst[0] < best[-1], "echo, program, echo"
PY
}

@test "a browser's call: who talks in is heard where the agent is silent, and is no part of what was heard of the agent" {
  audio make noise one.wav --seconds 1 --rate 16000 --seed 7
  audio make noise talk.wav --seconds 0.9 --rate 16000 --seed 9
  sox one.wav -t raw one.raw
  sipd --bridge "exec:cat <&3 >$T/control & cat >$T/ear.raw & until [ -e $T/go ]; do sleep 0.05; done; cat $T/one.raw; echo '{\"type\":\"mark\",\"name\":\"one\"}' >&4; wait"
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call" --events web.events --record heard.wav --seconds 600
  wait_for 20 one_active
  CALL=$(json "$(get /api/v1/sip/calls)" 'd["calls"][0]["id"]')
  seat boss talk
  say_in 0.9
  touch go
  wait_for 20 grep -q '"type":"mark"' control
  # To the sample, though the browser has played nearly twice as much.
  grep -q '"name":"one","played":16000}' control
  leave boss
  seat robot agent
  do_ robot "burst $T/talk.wav"
  do_ robot '{"type":"mark","name":"mine"}'
  wait_for 20 grep -q '"name":"mine"' robot.events
  [ "$(events robot.events '[e["played"] for e in d if e["type"] == "mark"]')" = '[14400]' ]
  do_ robot '{"type":"hangup","reason":"done"}'
  finish robot
  finish web
  audio find talk.wav heard.wav --at-least 0.9
  audio find one.wav heard.wav --at-least 0.9
}

@test "who may, and what no client sends" {
  printf 'read:0123456789abcdef\noperate:fedcba9876543210\n' >tokens
  sipd --http-tokens tokens --bridge tone:440
  start phone /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "127.0.0.1:$PORT" call 100 --seconds 1 --until "$T/over"
  token=(-H 'Authorization: Bearer fedcba9876543210')
  up() { [ "$(json "$(get /api/v1/sip/calls "${token[@]}")" '[c["state"] for c in d["calls"]]')" = "['active']" ]; }
  wait_for 20 up
  CALL=$(json "$(get /api/v1/sip/calls "${token[@]}")" 'd["calls"][0]["id"]')
  for mode in talk agent; do
    refused 403 "/api/v1/sip/audio/$CALL?mode=$mode" -H 'Authorization: Bearer 0123456789abcdef'
    refused 401 "/api/v1/sip/audio/$CALL?mode=$mode"
    refused 426 "/api/v1/sip/audio/$CALL?mode=$mode" "${token[@]}"
    refused 404 "/api/v1/sip/audio/none?mode=$mode" "${token[@]}"
  done
  refused 422 "/api/v1/sip/audio/$CALL?mode=agent&leg=both" "${token[@]}"
  url="ws://${API#http://}/api/v1/sip/audio/$CALL?access_token=fedcba9876543210"
  for mode in talk agent; do
    for case in odd:1007 empty:1007 long:1009; do
      [ "$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "$url&mode=$mode" --hostile "${case%:*}")" = "${case#*:}" ] || { echo "$mode $case"; false; }
    done
  done
  [ "$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "$url&mode=talk" --hostile sound_flood)" = 1008 ]
  [ "$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "$url&mode=agent" --hostile flood)" = 1008 ]
  # Both parts are free again, and the call goes on.
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "$url&mode=agent" --hostile drop
  free_again() { [ "$(code "/api/v1/sip/audio/$CALL?mode=agent" "${token[@]}")" = 426 ]; }
  wait_for 20 free_again
  seat robot "agent&access_token=fedcba9876543210"
  leave robot
  touch over
  finish phone 30
  [ "$(json "$(cat phone.out)" 'd["ended_by"]')" = client ] || { cat phone.out; false; }
}

@test "a text is said by the agent itself: in the call's voice, in its journal, interrupted or not; a program in its place" {
  printf 'flow: short\nstart: talk\nstates:\n  talk:\n    say: "Good morning."\n    on:\n      - {answer: yes, say: Good.}\n' >short.yaml
  sipd --bridge agent --agent "unix:$T/agent.sock" --agent-command "talky-agent --flow $T/short.yaml"
  wait_line sipd 'event=agent.ready' 60
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call?voice=Emma" --events web.events --record heard.wav --seconds 600
  wait_for 20 one_active
  CALL=$(json "$(get /api/v1/sip/calls)" 'd["calls"][0]["id"]')
  wait_for 20 grep -q '"type":"heard"' web.events # the greeting is over
  [ "$(code "/api/v1/sip/calls/$CALL/say" -d '{"text":"I am looking it up for you.","interruptible":false}')" = 204 ]
  wait_for 20 grep -q '"type":"heard".*"I am looking it up for you.","whole":true' web.events
  prompt() { sed -n 's/.*"type":"prompt","text":"\([^"]*\)","voice":"\([^"]*\)","interruptible":\([a-z]*\).*/\1|\2|\3/p' "calls/$CALL.jsonl"; }
  prompted() { [ "$(prompt | tail -n 1)" = "$1" ]; }
  wait_for 10 prompted 'I am looking it up for you.|Emma|false'
  [ "$(prompt | wc -l)" = 1 ]
  talky-agent say --voice Emma 'I am looking it up for you.' >said.wav
  # A program takes the agent's part in the midst of its words: they are not said again afterwards.
  local numbers
  numbers="One and two$(printf ' and %s' three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen)."
  [ "$(code "/api/v1/sip/calls/$CALL/say" -d "{\"text\":\"$numbers\"}")" = 204 ]
  wait_for 20 grep -q '"type":"caption".*"One and two' web.events
  seat robot agent
  wait_for 20 grep -q '"type":"heard".*"whole":false' web.events
  leave robot
  wait_for 20 grep -q '"type":"resume"' "calls/$CALL.jsonl"
  wait_for 20 grep -q '"type":"hold","by":"program"' "calls/$CALL.jsonl"
  [ "$(code "/api/v1/sip/calls/$CALL/say" -d '{"text":"Here I am again.","voice":"Alex"}')" = 204 ]
  wait_for 20 grep -q '"type":"heard".*"Here I am again.","whole":true' web.events
  [ "$(grep -c '"type":"caption".*"One and two' web.events)" = 1 ]
  wait_for 10 prompted 'Here I am again.|Alex|true'
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  finish web
  audio find said.wav heard.wav --at-least 0.8
}
