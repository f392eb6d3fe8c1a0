# Calls from a browser: the WebSocket /api/v1/web/call, by a client that keeps a browser's time.
# ctest: busy
# ctest: cost=60
load lib
load api

web() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call$1" "${@:2}"; }
event() { /usr/bin/python3 -c 'import json,sys; d=[json.loads(l) for l in open(sys.argv[1])]; print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
ended() { grep -Eq "event=call.(end|refused).*call=$1" sipd.err; }

@test "what a bridge says reaches the browser sample by sample, and marks wait for its loudspeaker" {
  audio make noise said.wav --seconds 2 --rate 16000
  sipd --bridge play:said.wav
  web '?to=100' --record heard.wav --events events --seconds 30 >result
  cat result
  # The file ends, and with it the call: after the last sample has been heard.
  [ "$(event events '[(e["type"], e.get("state")) for e in d][:2], d[-1]["type"], d[-1]["cause"], d[-1]["by"]')" = \
    "([('call', 'ringing'), ('call', 'answered')], 'end', 'hangup', 'agent')" ]
  [ "$(json "$(cat result)" 'd["received"] + d["dropped"], d["code"], d["end"]["reason"]')" = "(32000, 1000, 'end of file')" ]
  [ "$(json "$(cat result)" 'd["dropped"]')" != 0 ] || cmp <(tail -c 64000 said.wav) <(tail -c 64000 heard.wav)
  # It is a call like any other: log, recording, events.
  CALL=$(event events 'd[0]["id"]')
  wait_for 10 ended "$CALL"
  grep -E "event=call.start .*to=100 .*codec=L16 .*transport=ws .*call=$CALL" sipd.err
  wait_for 10 all_ended
  # Where we were kept from running the sound waited, and the recording has a gap.
  audio pieces said.wav "calls/$CALL.wav" --channel 1 --broken $((2 * $(witnessed times)))
  # But for one thing: it has no packets, and so no file of them.
  [ -s "calls/$CALL.jsonl" ]
  [ ! -e "calls/$CALL.pcap" ]
  recorded() { [ "$(json "$(get "/api/v1/sip/history/$CALL")" 'sorted(f["kind"] for f in d["files"])')" = "['journal', 'wav']" ]; }
  wait_for 20 recorded
}

@test "POST /sip/stop lets calls of browsers end, takes no new ones, and with now=1 says goodbye to them" {
  sipd --bridge 'exec:cat >/dev/null' --workers 2
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call" --events events --seconds 600
  wait_for 20 one_active
  [ "$(code /api/v1/sip/stop -X POST)" = 202 ]
  # It drains for as long as the call lasts, and the call goes on meanwhile.
  packets() { json "$(get /api/v1/sip/calls)" '(d["calls"][0]["quality"]["in"] or {"packets": 0})["packets"]'; }
  heard() { [ "$(packets)" -gt "$1" ]; }
  wait_for 20 heard 0
  before=$(packets)
  wait_for 20 heard "$before"
  [ "$(state)" = draining ]
  web '' --seconds 600 --events other >refused
  [ "$(json "$(cat refused)" 'd["end"]["status"], d["end"]["cause"]')" = "(503, 'rejected')" ]
  [ "$(state)" = draining ]
  [ "$(code "/api/v1/sip/calls/$(json "$(get /api/v1/sip/calls)" 'd["calls"][0]["id"]')" -X DELETE)" = 204 ]
  finish web
  wait_for 20 state_is stopped
  # Nobody is answered while it is stopped; after a start all is as before.
  web '' --seconds 600 --events other >refused
  [ "$(json "$(cat refused)" 'd["end"]["status"]')" = 503 ]
  [ "$(code /api/v1/sip/start -X POST)" = 200 ]
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call" --events events --seconds 600
  wait_for 20 one_active
  [ "$(code '/api/v1/sip/stop?now=1' -X POST)" = 202 ]
  finish web
  [ "$(event events '(d[-1]["type"], d[-1]["cause"])')" = "('end', 'shutdown')" ]
  wait_for 20 state_is stopped
}

@test "what the caller says reaches the bridge" {
  audio make noise said.wav --seconds 3 --rate 16000
  sipd --bridge 'exec:cat >bridge.raw'
  web '' --send said.wav --seconds 4 --hang-up --events events >result
  cat result
  CALL=$(event events 'd[0]["id"]')
  wait_for 10 ended "$CALL"
  wait_for 10 all_ended
  sox -t raw -r 16000 -e signed -b 16 -c 1 bridge.raw bridge.wav
  late=$(witnessed times)
  for wav in bridge.wav "calls/$CALL.wav"; do
    audio pieces said.wav "$wav" --channel 0 --broken $((3 * late + 2)) || { echo "late=$late"; return 1; }
  done
  [ "$(json "$(cat result)" 'd["end"]["by"], d["end"]["cause"], d["code"]')" = "('caller', 'hangup', 1000)" ]
}

@test "a call of a browser is in lists, events, records and figures, and is acted upon" {
  sipd --bridge 'exec:cat >/dev/null' --cdr "$T/calls.db"
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call?to=42&voice=Emma" \
    --events events --seconds 60 --dtmf 5
  wait_for 20 one_active
  one=$(get /api/v1/sip/calls)
  [ "$(json "$one" '[(c["to"], c["transport"], c["codec"], c["from"]) for c in d["calls"]]')" = "[('42', 'ws', 'L16', 'sip:browser@127.0.0.1')]" ]
  CALL=$(json "$one" 'd["calls"][0]["id"]')
  wait_for 20 grep -Eq "event=dtmf digit=5 .*call=$CALL" sipd.err
  heard() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["quality"]["in"]["packets"] > 20')" = True ]; }
  wait_for 20 heard
  [ "$(code "/api/v1/sip/calls/$CALL/hold" -X POST)" = 204 ]
  [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["on_hold"]')" = True ]
  [ "$(code "/api/v1/sip/calls/$CALL/resume" -X POST)" = 204 ]
  refused 409 "/api/v1/sip/calls/$CALL/transfer" -d '{"to":"sip:1@127.0.0.1"}'
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  finish web
  [ "$(event events '[e["held"] for e in d if e["type"] == "hold"], d[-1]["cause"], d[-1]["by"], d[-1]["reason"]')" = \
    "([True, False], 'hangup', 'system', 'api')" ]
  wait_for 5 no_calls
  get /metrics >after
  grep -q 'talky_calls_total{cause="hangup",result="answered"} 1' after
  stop sipd
  run -0 --separate-stderr talky-sipd calls --cdr "$T/calls.db" --json
  [ "$(json "$output" '(d[0] if isinstance(d, list) else d)["uuid"]')" = "$CALL" ]
}

@test "refusals: parameters, other origins, no room, draining; a daemon that ends says goodbye" {
  sipd --bridge echo --max-calls 1
  refused 422 '/api/v1/web/call?to=1%202'
  refused 422 '/api/v1/web/call?voice=%3Cscript%3E'
  refused 426 '/api/v1/web/call?to=100'
  run -3 web '' --header 'Origin:http://elsewhere.example'
  [ "$(json "$output" 'd["refused"]')" = 403 ]
  start web /usr/bin/python3 "$TALKY_SOURCE/tests/tools/web_client.py" "ws://${API#http://}/api/v1/web/call" --seconds 60 --events events
  wait_for 20 one_active
  run -0 web '?to=100'
  [ "$(json "$output" 'd["end"]["cause"], d["end"]["by"], d["end"]["status"], d["code"]')" = "('rejected', 'system', 503, 1000)" ]
  stop sipd
  finish web
  [ "$(event events 'd[-1]["cause"], d[-1]["by"]')" = "('shutdown', 'system')" ]
}

@test "hostile browsers end their own call and nothing else" {
  sipd --bridge echo
  for kind in odd:1007 empty:1007 long:1009 huge:1009 text:1007 array:1007 digit:1007 negative:1007 long_text:1009 deep:1007 \
    flood:1008 sound_flood:1008; do
    run -0 web '' --hostile "${kind%:*}"
    [ "$output" = "${kind#*:}" ] || [ "$output" = 1006 ] || { echo "$kind: $output"; return 1; }
  done
  run -0 web '' --hostile drop
  wait_for 20 no_calls
  # The last one of them was cut off in the middle, and the daemon goes on.
  wait_for 10 grep -q 'event=call.end cause=lost by=peer' sipd.err
  call 1 --until over
  touch over
  finish phone
}

@test "the real agent: captions of both sides, the chosen voice, a barge-in whose heard part is exact" {
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  words='This is the desk of a shop that has a great deal to say about itself and about the street it stands in'
  words="$words and about the people who come here every day and who never find the time to listen to the end of it all."
  printf 'flow: long\nstart: talk\nstates:\n  talk:\n    say: "%s"\n    on:\n      - {answer: yes, say: Good.}\n' "$words" >long.yaml
  talky-agent say -o question.wav --voice Alex "When are you open on Friday?"
  # A second and a half of the greeting is heard, then the caller speaks over it.
  sox -D question.wav -r 16000 -b 16 -c 1 speech.wav
  sox -D -n -r 16000 -b 16 -c 1 quiet.wav synth 1.5 whitenoise vol 0.0005
  sox -D quiet.wav speech.wav quiet.wav said.wav
  sipd --bridge agent --agent "unix:$T/agent.sock" --agent-command "talky-agent --flow $T/long.yaml"
  wait_line sipd 'event=agent.ready' 60
  understood() { [ "$(event events '"friday" in " ".join(e["text"].lower() for e in d if e["type"] == "caption" and e["side"] == "caller")')" = True ]; }
  for attempt in 1 2 3 4; do
    # Its loudspeaker leaves 100 ms out, as a browser does after a stall.
    run -0 web '?voice=Emma' --send said.wav --say-when caption:agent --events events --seconds 60 --until caption:caller --skip 1600
    result=$output
    CALL=$(event events 'd[0]["id"]')
    wait_for 20 grep -q '"type":"stop"' "calls/$CALL.jsonl"
    understood && break
    # What the microphone gave late had holes: then once more.
    [ "$attempt" -lt 4 ]
    [ "$(json "$result" 'd["late"]')" -gt 0 ]
  done
  [ "$(event events '[e["text"] for e in d if e["type"] == "caption" and e["side"] == "agent"][0]')" = "$words" ]
  [ "$(event events '[e["active"] for e in d if e["type"] == "speech"][0]')" = True ]
  # Turn 0 is the greeting: where the time to its first sample went.
  [ "$(event events '[set(e["stages"]) >= {"endpoint", "stt", "dialogue", "tts", "out"} and e["response"] > 0 for e in d if e["type"] == "turn" and e["turn"] == 0]')" = '[True]' ]
  grep -q '"type":"sentence_start".*"voice":"Emma"' "calls/$CALL.jsonl"
  # What the agent was told of the interruption is what the browser's loudspeaker had played, to the sample; what it left out
  # is no part of that.
  [ "$(json "$result" 'd["skipped"]')" = 1600 ]
  played=$(sed -n 's/.*"type":"cleared".*"played":\([0-9]*\).*/\1/p' "calls/$CALL.jsonl" | head -1)
  [ "$(json "$result" 'd["clears"][0]')" = "$played" ]
  [ "$(event events '[e["whole"] for e in d if e["type"] == "heard"][0]')" = False ]
  heard=$(event events '[e["text"] for e in d if e["type"] == "heard"][0]')
  [ -n "$heard" ]
  [[ $words == "$heard"* ]]
}
