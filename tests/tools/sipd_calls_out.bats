# Calls that the HTTP API places, and texts that it has said in a call.
# ctest: calls
load lib
load api

post() { code "$1" -d "$2"; }
said_to_us() { json "$(get "/api/v1/sip/history/$CALL")" 'd["direction"], d["cause"], d["ended_by"], d["status"]'; }
gone() { [ "$(code "/api/v1/sip/history/$CALL")" = 200 ]; }
# A phone that is called, of SIPp: what it does is its scenario. It prints nothing of use; the record tells.
phone_at() {
  local scenario=$1 port=$2
  shift 2
  need sipp
  start callee sipp -sf "$TALKY_SOURCE/tests/tools/phones/$scenario.xml" -i 127.0.0.1 -p "$port" -m 1 -nostdin -timeout 60s "$@"
}

@test "a call out: it rings, is answered, is connected, and is hung up by us" {
  port=$(free_port)
  sipd --allow-calls-out "*@127.0.0.1:$port" --route '7=tone:440'
  start events /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" events "$API" --until call.end
  reading() { grep -q '^talky_event_readers 1' <(get /metrics); }
  wait_for 10 reading
  phone_at callee "$port"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$port\",\"connect\":\"7\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  api_client valid "$API" /api/v1/sip/calls POST 201 answer
  wait_for 20 one_active
  one=$(get "/api/v1/sip/calls/$CALL")
  [ "$(json "$one" 'd["direction"], d["bridge"], d["to"]')" = "('out', 'tone:440', 'bob')" ]
  sent() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["quality"]["out"]["packets"] > 20')" = True ]; }
  wait_for 20 sent
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  wait_for 60 gone
  [ "$(said_to_us)" = "('out', 'hangup', 'agent', 200)" ]
  [ "$(json "$(get "/api/v1/sip/history/$CALL")" 'd["invited_ms"] <= d["ringing_ms"] <= d["answered_ms"] <= d["ended_ms"]')" = True ]
  finish events
  types=$(/usr/bin/python3 -c 'import json,sys; print(*(t for t in (json.loads(l)["type"] for l in sys.stdin) if t != "call.first_audio"))' <events.out)
  [ "$types" = "call.outgoing call.ringing call.start call.end" ]
  finish callee
}

@test "a call out that is refused, or that nobody may place" {
  port=$(free_port)
  sipd --allow-calls-out "*@127.0.0.1:$port" --max-calls-out 1 --route '9=reject:404'
  phone_at callee_busy "$port"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$port\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 60 gone
  [ "$(said_to_us)" = "('out', 'rejected', 'callee', 486)" ]
  # Nobody there: it rings out after a second, and while it does no other may go.
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$port\",\"ring_seconds\":1}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 60 gone
  [ "$(json "$(get "/api/v1/sip/history/$CALL")" 'd["answered_ms"], d["direction"]')" = "(None, 'out')" ]
  for bad in '' '{}' '{"to":""}' '{"to":5}' '{"to":"sip:"}' '{"to":"a b"}' '{"to":"sip:x@127.0.0.1","more":1}' '{"to":"sip:x@127.0.0.1","ring_seconds":0}' \
    "{\"to\":\"sip:bob@127.0.0.1:$port\",\"connect\":\"9\"}"; do
    refused 422 /api/v1/sip/calls -d "$bad"
  done
  refused 403 /api/v1/sip/calls -d '{"to":"sip:bob@192.0.2.1"}'
  refused 403 /api/v1/sip/calls -d '{"to":"sip:bob@127.0.0.1:9"}'
  refused 403 /api/v1/sip/calls -d '{"to":"nobody"}'
  stop sipd
  sipd # allows none
  refused 403 /api/v1/sip/calls -d "{\"to\":\"sip:bob@127.0.0.1:$port\"}"
}

@test "a peer that asks for a password gets it" {
  port=$(free_port)
  printf '# of the house\n127.0.0.1 carol:geheim\n' >passwords
  sipd --allow-calls-out '*' --calls-out-passwords passwords
  phone_at callee_password "$port"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$port\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 20 one_active
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  wait_for 60 gone
  [ "$(said_to_us)" = "('out', 'hangup', 'agent', 200)" ]
  [[ $(json "$(get "/api/v1/sip/history/$CALL")" 'd["from_uri"]') == sip:carol@127.0.0.1 ]]
  finish callee
  printf 'nonsense\n' >bad
  run -78 talky-sipd --calls-out-passwords bad --check-config
  [[ $output == *"bad:1: expected HOST USER:PASSWORD"* ]]
}

@test "a text is said in a call by the agent's voice" {
  sipd --bridge 'exec:cat >/dev/null'
  call 12 --record heard.wav
  [ "$(post "/api/v1/sip/calls/$CALL/say" '{"text":"One moment, please. I am looking it up.","voice":"Emma"}')" = 204 ]
  [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["queued_ms"] > 500')" = True ]
  for bad in '' '{}' '{"text":""}' '{"text":5}' '{"text":"..."}' '{"text":"a","voice":"no one"}' '{"text":"a","clear":1}' '{"text":"a","x":1}'; do
    refused 422 "/api/v1/sip/calls/$CALL/say" -d "$bad"
  done
  refused 503 "/api/v1/sip/calls/$CALL/say" -d '{"text":"Good morning.","voice":"Nobody"}'
  refused 404 /api/v1/sip/calls/none/say -d '{"text":"Good morning."}'
  talky-agent say --voice Emma 'One moment, please. I am looking it up.' >said.wav
  finish phone
  audio find said.wav heard.wav --at-least 0.9
}
