# The HTTP API of talky-sipd: every path, with good and hostile input, against real calls.
# ctest: cost=90
load lib
load api

@test "status, calls and quality of a call that is up" {
  audio make noise said.wav --seconds 3
  sipd
  [ "$(json "$(get /api/v1/sip/status)" 'd["state"], d["active_calls"], d["capacity"], d["listeners"][0]["address"]')" = \
    "('running', 0, 500, '127.0.0.1:$PORT')" ]
  [ "$(get /healthz)" = ok ]
  [ "$(get /readyz)" = ok ]
  no_calls
  call 1 --send said.wav --until over
  heard() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["quality"]["in"]["packets"] > 50')" = True ]; }
  wait_for 10 heard
  one=$(get "/api/v1/sip/calls/$CALL")
  [ "$(json "$one" 'd["to"], d["bridge"], d["codec"], d["state"], d["held_by_caller"]')" = "('100', 'echo', 'PCMU', 'active', False)" ]
  [ "$(json "$one" 'd["quality"]["in"]["lost"], d["quality"]["in"]["level_dbov"] > -40')" = '(0, True)' ]
  [ "$(json "$one" 'd["quality"]["in"]["mos"] > 4')" = True ] || [ "$(witnessed late-in times)" -gt 0 ]
  [ "$(json "$one" '0 <= d["first_audio_ms"] < 10000')" = True ]
  [ "$(json "$(get /api/v1/sip/status)" 'd["active_calls"]')" = 1 ]
  touch over
  finish phone
  wait_for 5 no_calls
  refused 404 "/api/v1/sip/calls/$CALL"
}

@test "the OpenAPI document and the server are one" {
  sipd --workers 2
  call 1 --until over # for as long as it takes
  run -0 api_client contract "$API" --call "$CALL"
  echo "$output"
  [[ $output == *"operations"* ]]
  # Every answer of a command and of start and stop fits as well.
  [ "$(code /api/v1/sip/stop -X POST)" = 202 ]
  api_client valid "$API" /api/v1/sip/stop POST 202 answer
  [ "$(code /api/v1/sip/stop?now -X POST)" = 202 ]
  wait_for 10 state_is stopped
  [ "$(code /api/v1/sip/start -X POST)" = 200 ]
  api_client valid "$API" /api/v1/sip/start POST 200 answer
}

@test "a call is hung up, held, resumed, sent digits and played a file" {
  audio make noise file.wav --seconds 1 --rate 16000
  sipd --bridge tone:440
  call 120 --record heard.wav
  [ "$(code "/api/v1/sip/calls/$CALL/dtmf" -d '{"digits":"12#"}')" = 204 ]
  [ "$(code "/api/v1/sip/calls/$CALL/hold" -X POST)" = 204 ]
  [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["on_hold"], d["state"]')" = "(True, 'held')" ]
  [ "$(code "/api/v1/sip/calls/$CALL/hold" -X POST)" = 204 ] # it is so already
  [ "$(code "/api/v1/sip/calls/$CALL/resume" -X POST)" = 204 ]
  [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["on_hold"]')" = False ]
  [ "$(code "/api/v1/sip/calls/$CALL/play" --data-binary @file.wav -H 'Content-Type: audio/wav')" = 204 ]
  played() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["queued_ms"] < 100')" = True ]; }
  for bad in '' '{}' '[]' '{"digits":""}' '{"digits":"1x"}' '{"digits":5}' '{"digits":"1","more":1}' '{"digits":"1","duration_ms":1}' '{'; do
    refused 422 "/api/v1/sip/calls/$CALL/dtmf" -d "$bad"
  done
  for bad in '' 'no sound' 'RIFF1234WAVE'; do refused 422 "/api/v1/sip/calls/$CALL/play" -d "$bad"; done
  refused 422 "/api/v1/sip/calls/$CALL/transfer" -d '{"to":"not a uri"}'
  refused 422 "/api/v1/sip/calls/$CALL/transfer" -d '{}'
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  finish phone
  [ "$(json "$(cat phone.out)" 'd["ended_by"]')" = server ]
  wait_for 5 no_calls
  for what in hold resume; do refused 404 "/api/v1/sip/calls/$CALL/$what" -X POST; done
  refused 404 "/api/v1/sip/calls/$CALL" -X DELETE
}

@test "what is played into a call is heard there" {
  audio make noise file.wav --seconds 1 --rate 16000
  sipd --bridge 'exec:cat >/dev/null'
  call 1 --record heard.wav --until over
  [ "$(code "/api/v1/sip/calls/$CALL/play?clear" --data-binary @file.wav)" = 204 ]
  all_left_us
  touch over
  finish phone
  heard file.wav heard.wav 0 out
}

@test "events: what happens is told in order, and what was missed is told again" {
  sipd
  start events /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" events "$API" --until call.end
  reading() { grep -q '^talky_event_readers 1' <(get /metrics); }
  wait_for 10 reading
  client --user alice register
  client call 100 --seconds 1 --dtmf 0.3:5
  finish events
  [ "$status" -eq 0 ] || { cat events.err; false; }
  types=$(/usr/bin/python3 -c 'import json,sys; print(*(json.loads(l)["type"] for l in sys.stdin))' <events.out)
  # A daemon that was kept from running reads the key before it plays the first sound.
  [ "${types/call.first_audio dtmf/dtmf call.first_audio}" = "register call.incoming call.start dtmf call.first_audio call.end" ]
  [ "$(json "$(grep '"dtmf"' events.out)" 'd["digit"]')" = 5 ]
  [ "$(json "$(tail -n 1 events.out)" 'd["cause"], d["by"], d["quality"]["in"]["lost"]')" = "('hangup', 'peer', 0)" ]
  id=$(json "$(head -n 1 events.out)" 'd["id"]')
  run -0 api_client events "$API" --until call.end --last-id "$id"
  [ "$(wc -l <<<"$output")" -eq 5 ]
  run -0 api_client events "$API" --until missed --last-id 999999
}

@test "registrations are listed until they end" {
  sipd
  client --user alice register --expires 60
  listed() { [ "$(json "$(get /api/v1/sip/registrations)" '[(r["aor"].split("@")[0], 0 < r["expires_s"] <= 60) for r in d["registrations"]]')" = "$1" ]; }
  wait_for 5 listed "[('sip:alice', True)]"
  [ "$(json "$(get /api/v1/sip/status)" 'd["registrations"]')" = 1 ]
}

@test "stop drains, start takes calls again, on another port too" {
  sipd
  call 1 --until over
  [ "$(code /api/v1/sip/stop -X POST)" = 202 ]
  [ "$(state)" = draining ]
  refused 503 /readyz
  refused 409 /api/v1/sip/start -X POST
  run client call 100 --seconds 1
  [ "$(json "$output" 'd["status"]')" = 503 ]
  one_active # the call goes on
  touch over
  finish phone
  [ "$(json "$(cat phone.out)" 'd["ended_by"]')" = client ]
  wait_for 10 state_is stopped
  [ "$(json "$(get /api/v1/sip/status)" 'd["listeners"]')" = '[]' ]
  # The ports are free: another program could have them.
  start holder nc -l -u 127.0.0.1 "$PORT"
  taken() { grep -q ":$(printf %04X "$PORT") " /proc/net/udp; }
  wait_for 5 taken
  refused 409 /api/v1/sip/start -X POST
  stop holder
  PORT=$(free_port)
  [ "$(code "/api/v1/sip/start?port=$PORT" -X POST)" = 200 ]
  [ "$(json "$(cat answer)" 'd["listeners"][0]["address"]')" = "127.0.0.1:$PORT" ]
  run -0 client call 100 --seconds 1
  refused 422 '/api/v1/sip/start?port=0' -X POST
  refused 422 '/api/v1/sip/start?port=x' -X POST
  # And at once: the caller is told goodbye.
  call 120
  [ "$(code '/api/v1/sip/stop?now=1' -X POST)" = 202 ]
  wait_for 10 state_is stopped
  finish phone
  [ "$(json "$(cat phone.out)" 'd["ended_by"]')" = server ]
}

@test "pages from elsewhere are not served: Host and Origin" {
  sipd
  local port=${API##*:}
  refused 421 /api/v1/sip/status -H 'Host: rebound.example'
  refused 421 /healthz -H "Host: rebound.example:$port"
  refused 421 /api/v1/sip/status -H 'Host: 192.0.2.1'
  refused 403 /api/v1/sip/status -H 'Origin: http://elsewhere.example'
  refused 403 /api/v1/sip/stop -X POST -H 'Origin: null'
  refused 403 /api/v1/sip/events -H "Origin: http://localhost:$port" # Host is 127.0.0.1: another origin
  [ "$(code /api/v1/sip/status -H "Host: localhost:$port")" = 200 ]
  [ "$(code /api/v1/sip/status -H "Origin: $API")" = 200 ]
  [ "$(code /api/v1/sip/status -H "Host: [::1]:$port")" = 200 ]
  refused 404 /nothing
  refused 400 '/api/v1/sip/calls/..%2f..%2fetc' --path-as-is
  refused 405 /api/v1/sip/status -X POST
  [ "$(state)" = running ]
}

@test "tokens: who may read, who may operate" {
  printf '# of the house\nread:0123456789abcdef\noperate:fedcba9876543210\n' >tokens
  sipd --http-tokens tokens
  [ "$(code /healthz)" = 200 ]
  refused 401 /api/v1/sip/status
  grep -qi '^WWW-Authenticate: Bearer' <(curl -sSI "$API/api/v1/sip/status")
  refused 401 /api/v1/sip/status -H 'Authorization: Bearer 0123456789abcdee'
  refused 401 '/api/v1/sip/status?access_token=0123456789abcdef'
  refused 401 /metrics
  [ "$(code /api/v1/sip/status -H 'Authorization: Bearer 0123456789abcdef')" = 200 ]
  [ "$(code /api/v1/sip/status -H 'authorization: bearer fedcba9876543210')" = 200 ]
  refused 403 /api/v1/sip/stop -X POST -H 'Authorization: Bearer 0123456789abcdef'
  may_listen() { [ "$(code '/api/v1/sip/events?access_token=0123456789abcdef' --max-time 1 -N || true)" = 200 ]; }
  wait_for 10 may_listen # it never ends by itself
  [ "$(code /api/v1/sip/stop -X POST -H 'Authorization: Bearer fedcba9876543210')" = 202 ]
  printf 'read:short\n' >bad
  run -78 talky-sipd --http-tokens bad --check-config
  [[ $output == *"bad:1: expected"* ]]
  run -64 talky-sipd --http 0.0.0.0:0 --check-config
  [[ $output == *--http-tokens* ]]
}

@test "a port that is taken: one that was asked for ends the start, the default one only the API" {
  sipd
  run -69 talky-sipd --listen "127.0.0.1:$(free_port)" --record '' --http "${API#http://}"
  [[ $output == *"--http ${API#http://}"* ]]
  # Whether 8000 is free here or not, SIP is served.
  other=$(free_port)
  start second talky-sipd --listen "127.0.0.1:$other" --record '' --bridge echo
  wait_line second 'event=ready'
  start third talky-sipd --listen "127.0.0.1:$(free_port)" --record '' --bridge echo
  wait_line third 'event=ready'
  # Not both of them have it.
  grep -hq 'event=http.off .*http=127.0.0.1:8000' second.err third.err
}

@test "metrics: the format, and the figures of a call" {
  audio make noise said.wav --seconds 1
  sipd --route '9*=reject:404'
  get /metrics >before
  api_client metrics before
  call 1 --send said.wav --until over
  received() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["quality"]["in"]["packets"]')" -ge 70 ]; }
  wait_for 10 received
  touch over
  finish phone
  run client call 911
  wait_for 5 no_calls
  get /metrics >after
  run -0 api_client metrics after
  echo "$output"
  value() { awk -v name="$1" '$1 == name { print $2 }' after; }
  [ "$(value 'talky_calls_total{cause="hangup",result="answered"}')" = 1 ]
  [ "$(value 'talky_calls_total{cause="rejected",result="refused"}')" = 1 ]
  [ "$(value talky_calls_active)" = 0 ]
  [ "$(value talky_calls_capacity)" = 500 ]
  [ "$(value talky_call_setup_seconds_count)" -ge 1 ]
  [ "$(value talky_call_first_audio_seconds_count)" -ge 1 ]
  [ "$(value talky_rtp_received_packets_total)" -ge 70 ]
  [ "$(value talky_rtp_lost_packets_total)" = 0 ]
  [ "$(value talky_sip_up)" = 1 ]
  grep -q '^talky_build_info{.*version="' after
}

@test "a listener hears the caller, the agent, or both" {
  audio make noise said.wav --seconds 120
  sipd
  call 1 --send said.wav --until over
  wait_for 10 only_recording # which is made off the media loop
  recording=$(only_recording)
  has_enough() { [ "$(soxi -D "$recording" | cut -d. -f1)" -ge $((begin + 3)) ]; }
  # A daemon that was kept from running for a second hands over all of it at once, which is more than waits for a listener.
  for attempt in 1 2 3 4 5; do
    for leg in caller agent both; do
      start $leg /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" listen "ws://${API#http://}/api/v1/sip/audio/$CALL?leg=$leg" $leg.wav --seconds 600
    done
    for leg in caller agent both; do wait_line $leg '"type": ?"start"'; done
    begin=$(json "$(get "/api/v1/sip/calls/$CALL")" 'int(d["duration_s"]) + 1')
    wait_for 10 has_enough
    dropped=$(cat caller.out agent.out both.out | grep '"type":"dropped"') || break
    for leg in caller agent both; do stop $leg; done
  done
  [ -z "$dropped" ] || { echo "attempt $attempt: $dropped"; false; }
  touch over
  finish phone
  wait_for 10 all_ended
  for leg in caller agent both; do
    finish $leg
    [ "$(json "$(head -n 1 $leg.out)" 'd["type"], d["rate"], d["leg"]')" = "('start', 16000, '$leg')" ]
    grep -q '"type":"call.end"' $leg.out
    [ "$(json "$(tail -n 1 $leg.out)" 'd')" = "{'type': 'closed', 'code': 1000}" ] || { cat $leg.out $leg.err; false; }
  done
  # The recording is what they are held to: what was said when all of them were there.
  sox "$recording" part.wav remix 1 trim "$begin" 2
  audio find part.wav caller.wav --at-least 0.99 --whole
  audio find part.wav both.wav --channel 0 --at-least 0.99 --whole
  sox "$recording" part.wav remix 2 trim "$begin" 2
  audio find part.wav agent.wav --at-least 0.99 --whole
  audio find part.wav both.wav --channel 1 --at-least 0.99 --whole
  audio info both.wav | grep -q 'channels=2'
}

@test "a listener that does not read loses the oldest, is told how much, and the call does not mind" {
  audio make noise said.wav --seconds 3
  sipd
  call 1 --send said.wav --until over
  start ear /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" listen "ws://${API#http://}/api/v1/sip/audio/$CALL?leg=both" heard.wav --stall read --seconds 1
  loses() { [ "$(get /metrics | awk '$1 == "talky_audio_listener_dropped_frames_total" { print ($2 > 20) }')" = 1 ]; }
  wait_for 20 loses
  touch read
  finish ear
  [ "$status" -eq 0 ]
  dropped=$(grep '"type":"dropped"' ear.out | head -n 1)
  [ "$(json "$dropped" 'd["frames"] > 20 and d["ms"] == 20 * d["frames"] and d["samples"] == 320 * d["frames"]')" = True ]
  # No frame is missing but those: what came, and what was dropped, is the time that has passed.
  touch over
  finish phone
  wait_for 5 no_calls
  wait_for 10 all_ended
  get /metrics >after
  [ "$(awk '$1 == "talky_audio_listener_dropped_frames_total" { print ($2 > 20) }' after)" = 1 ]
  [ "$(awk '$1 == "talky_audio_listeners" { print $2 }' after)" = 0 ]
  [ "$(json "$(cat phone.out)" 'd["lost"]')" = 0 ]
  [ "$(json "$(cat phone.out)" 'd["gaps"]')" -le "$(witnessed gaps)" ]
}

@test "listening: no such call, no WebSocket, nonsense" {
  sipd
  call 60
  refused 404 /api/v1/sip/audio/none
  refused 422 "/api/v1/sip/audio/$CALL?leg=third"
  refused 422 "/api/v1/sip/audio/$CALL?mode=shout"
  refused 426 "/api/v1/sip/audio/$CALL"
}

@test "the daemon ends in good order while clients are connected" {
  sipd
  call 120
  start events /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" events "$API" --until call.end
  start ear /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" listen "ws://${API#http://}/api/v1/sip/audio/$CALL" ear.wav --seconds 30
  wait_line ear '"type": ?"start"'
  stop sipd
  [ "$status" -eq 0 ]
  finish events 5
  finish ear 5
  [ "$(json "$(tail -n 1 ear.out)" 'd["code"]')" = 1000 ]
}
