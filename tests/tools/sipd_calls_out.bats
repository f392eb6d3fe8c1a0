# Calls that the HTTP API places, and texts that it has said in a call.
load lib
load api

post() { code "$1" -d "$2"; }
said_to_us() { json "$(get "/api/v1/sip/history/$CALL")" 'd["direction"], d["cause"], d["ended_by"], d["status"]'; }
gone() { [ "$(code "/api/v1/sip/history/$CALL")" = 200 ]; }
# A phone that is called, of SIPp: what it does is its scenario. It prints nothing of use; the record tells.
phone_at() {
  local scenario=$1 port=$2 name=callee
  shift 2
  need sipp
  if [ "${1:-}" = --as ]; then
    name=$2
    shift 2
  fi
  start "$name" sipp -sf "$TALKY_SOURCE/tests/tools/phones/$scenario.xml" -i 127.0.0.1 -p "$port" -mp "$(free_port)" -m 1 -nostdin -timeout 600s "$@"
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

@test "a call out is redirected: to the most wanted place that may be called, and on when that one is busy" {
  old=$(free_port) busy=$(free_port) new=$(free_port)
  sipd --allow-calls-out "*@127.0.0.1:$old" --allow-calls-out "*@127.0.0.1:$busy" --allow-calls-out "*@127.0.0.1:$new" --allow-calls-out "nobody@*"
  phone_at callee_busy "$busy" --as busy
  phone_at callee "$new" --as new
  # The first is not allowed, the second is nobody here, the fourth is where it came from.
  phone_at callee_moved "$old" -set contacts \
    "<sip:x@127.0.0.1:9>;q=1.0, <sip:nobody@127.0.0.1:$PORT>;q=0.95, <sip:bob@127.0.0.1:$busy>;q=0.9, <sip:bob@127.0.0.1:$old>;q=0.8, <sip:bob@127.0.0.1:$new>;q=0.5"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$old\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 60 one_active
  finish callee
  finish busy
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  wait_for 60 gone
  finish new
  [ "$(said_to_us)" = "('out', 'hangup', 'agent', 200)" ]
  wait_for 10 all_ended # and the log tells it
  [ "$(grep -c 'event=call.redirect ' sipd.err)" = 2 ]
  [ "$(grep -o 'event=call.redirect_refused.* to=.*' sipd.err | grep -o ' to=[^ ]*' | sort -u | wc -l)" = 2 ]
  grep 'event=call.redirect ' sipd.err | head -1 | grep -q "to=sip:bob@127.0.0.1:$busy"
}

@test "a call out is not redirected round and round, nor to where nobody may call, and SIGHUP changes who may be" {
  one=$(free_port) other=$(free_port)
  echo "allow-calls-out: ['*@127.0.0.1:$one', '*@127.0.0.1:$other']" >config.yaml
  sipd --config config.yaml
  phone_at callee_moved "$one" --as one -set contacts "<sip:bob@127.0.0.1:$other>"
  phone_at callee_moved "$other" --as other -set contacts "<sip:bob@127.0.0.1:$one>"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$one\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 60 gone
  [ "$(said_to_us)" = "('out', 'rejected', 'callee', 302)" ]
  finish one
  finish other
  # From here on only the first may be called.
  echo "allow-calls-out: ['*@127.0.0.1:$one']" >config.yaml
  kill -HUP "${PIDS[sipd]}"
  wait_line sipd 'event=reload '
  refused 403 /api/v1/sip/calls -d "{\"to\":\"sip:bob@127.0.0.1:$other\"}"
  phone_at callee_moved "$one" --as one -set contacts "<sip:bob@127.0.0.1:$other>"
  [ "$(post /api/v1/sip/calls "{\"to\":\"sip:bob@127.0.0.1:$one\"}")" = 201 ]
  CALL=$(json "$(cat answer)" 'd["id"]')
  wait_for 60 gone
  [ "$(said_to_us)" = "('out', 'rejected', 'callee', 302)" ]
  wait_line sipd "event=call.redirect_refused.* to=sip:bob@127.0.0.1:$other"
  finish one
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
  call 1 --record heard.wav --until over
  local text='One moment, please. I am looking it up. It takes a while, since there are many of them. Please stay on the line until I am back.'
  [ "$(post "/api/v1/sip/calls/$CALL/say" "{\"text\":\"$text\",\"voice\":\"Emma\"}")" = 204 ]
  [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["queued_ms"] > 500')" = True ]
  for bad in '' '{}' '{"text":""}' '{"text":5}' '{"text":"..."}' '{"text":"a","voice":"no one"}' '{"text":"a","clear":1}' '{"text":"a","x":1}'; do
    refused 422 "/api/v1/sip/calls/$CALL/say" -d "$bad"
  done
  refused 503 "/api/v1/sip/calls/$CALL/say" -d '{"text":"Good morning.","voice":"Nobody"}'
  refused 404 /api/v1/sip/calls/none/say -d '{"text":"Good morning."}'
  talky-agent say --voice Emma "$text" >said.wav
  all_left_us
  touch over
  finish phone
  heard said.wav heard.wav 0 agent out
}
