# Targets ws:// and wss://: an agent that speaks Twilio's Media Streams, on the stock WebSocket library of npm.
# ctest: cost=70
load lib
load sipd

setup() {
  common_setup
  need node npm openssl sox
  # Installed beside the build, once; package-lock.json holds the hash of what is fetched.
  MODULES=${TALKY_BUILD:-$BATS_RUN_TMPDIR}/tests/web_agent
  mkdir -p "$MODULES"
  (
    flock 9
    cmp -s "$TALKY_SOURCE/tests/tools/web_agent/package-lock.json" "$MODULES/.installed" && exit 0
    cp "$TALKY_SOURCE"/tests/tools/web_agent/package*.json "$MODULES"
    cd "$MODULES" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json .installed
  ) 9>"$MODULES/.lock"
}

# agent [options]: AGENT is host and port.
agent() {
  : >agent.out 2>agent.err # of one before it
  (cd "$MODULES" && exec node "$TALKY_SOURCE/tests/tools/web_agent/agent.mjs" "$@") >agent.out 2>agent.err 3>&- </dev/null &
  PIDS[agent]=$!
  wait_line agent '"listening"' 30
  AGENT=127.0.0.1:$(sed -n 's/.*"listening","port":\([0-9]*\).*/\1/p' agent.out)
}
told() { /usr/bin/python3 -c 'import json,sys; d=[json.loads(l) for l in open("agent.out")]; print(eval(sys.argv[1], {"d": d}))' "$1"; }

@test "both ways, keys, and a mark that comes back when its audio has been played" {
  audio make noise said.wav --seconds 2
  audio make noise answer.wav --seconds 1 --seed 7
  sox answer.wav -t raw -e mu-law -b 8 answer.ulaw
  agent --say "$T/answer.ulaw" --mark greeting --echo
  sipd --bridge "ws://$AGENT/twilio?x=1"
  client call 100 --seconds 6 --send said.wav --record heard.wav --dtmf 1:5
  wait_line agent '"closed"'
  [ "$(told '[e["event"] for e in d if e.get("connection") == 1][:2]')" = "['connected', 'start']" ]
  [ "$(told '[e["path"] for e in d if e["event"] == "start"]')" = "['/twilio?x=1']" ]
  uuid=$(basename "$(only_recording)" .wav)
  [ "$(told '[e["start"]["customParameters"]["call"] for e in d if e["event"] == "start"]')" = "['$uuid']" ]
  [ "$(told '[e["mark"]["name"] for e in d if e["event"] == "mark"]')" = "['greeting']" ]
  [ "$(told '[e["dtmf"]["digit"] for e in d if e["event"] == "dtmf"]')" = "['5']" ]
  [ "$(told '[e["event"] for e in d if e.get("connection") == 1][-2:]')" = "['stop', 'closed']" ]
  wait_for 10 all_ended
  # The mark was passed when the second of sound had left us, not before.
  grep -Eq '"to_agent":\{"type":"mark","name":"greeting","played":(1599[0-9]|1600[0-9]|1[56][0-9]{3})\}' "calls/$uuid.jsonl"
  heard answer.wav "calls/$uuid.wav" 1 agent out
  audio pieces said.wav "calls/$uuid.wav" --channel 1 --broken $(($(excused in agent out) + 6)) --at-least 0.95
}

@test "clear throws away what waits, and gives its marks back; a close is a hang-up" {
  audio make noise answer.wav --seconds 20 --seed 7
  sox answer.wav -t raw -e mu-law -b 8 answer.ulaw
  agent --say "$T/answer.ulaw" --mark end
  sipd --bridge "ws://$AGENT/"
  start phone /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "$SERVER" call 100 --seconds 60 --dtmf 1:9 --dtmf "8:#"
  wait_line agent '"mark":\{"name":"end"\}' 20
  finish phone 40
  [ "$(json "$(cat phone.out)" 'd["ended_by"]')" = server ]
  wait_line sipd 'event=call.end .*reason="agent hung up"'
}

@test "an agent that breaks off is dialled again, and the caller is told so meanwhile" {
  audio make noise answer.wav --seconds 1 --seed 7
  sox answer.wav -t raw -e mu-law -b 8 answer.ulaw
  agent --say "$T/answer.ulaw" --drop-after 100 --refuse 5 --close-after 100
  # A program that speaks: what it says is heard, once it has been spoken.
  audio make noise sentence.wav --seconds 1.5 --seed 9 --rate 16000
  printf '#!/bin/sh\n[ "$1" = say ] && echo "$2" >>%s/asked && exec cat %s/sentence.wav\n' "$T" "$T" >speaker
  chmod +x speaker
  sipd --bridge "ws://$AGENT/" --agent-command "$T/speaker"
  client call 100 --seconds 60 || true
  wait_line sipd 'event=call.end'
  wait_for 10 all_ended
  log_has 'event=bridge.redialled'
  [ "$(cat asked)" = 'One moment, please. The connection was interrupted, and I am trying to restore it.' ]
  heard sentence.wav "$(only_recording)" 1 agent out
  heard answer.wav "$(only_recording)" 1 agent out
}

@test "where no program speaks, a caller whose agent is dialled again hears a tone" {
  audio make noise answer.wav --seconds 1 --seed 7
  sox answer.wav -t raw -e mu-law -b 8 answer.ulaw
  agent --say "$T/answer.ulaw" --drop-after 100 --refuse 3 --close-after 100
  sipd --bridge "ws://$AGENT/" --agent-command ''
  client call 100 --seconds 60 || true
  wait_line sipd 'event=call.end'
  wait_for 10 all_ended
  log_has 'event=bridge.broken code=1006'
  log_has 'event=bridge.redialled'
  [ "$(told '[e["connection"] for e in d if e["event"] == "start"]')" = '[1, 2]' ]
  [ "$(told 'len([e for e in d if e["event"] == "refused"])')" = 3 ]
  # The tone is in the recording, and each stream's words.
  sox -D -n -r 16000 -b 16 -c 1 tone.wav synth 0.15 sine 440 gain -24
  audio find tone.wav "$(only_recording)" --channel 1 --at-least 0.9
  heard answer.wav "$(only_recording)" 1 agent out
}

@test "wss: the certificate must be signed by somebody known, and name the host" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority 2>/dev/null
  for name in IP:127.0.0.1 DNS:elsewhere.example; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "${name%%:*}.key" -out request.pem -subj /CN=agent 2>/dev/null
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "${name%%:*}.pem" \
      -extfile <(echo "subjectAltName=$name") 2>/dev/null
  done
  agent --echo --close-after 50 --cert "$T/IP.pem" --key "$T/IP.key"
  sipd --bridge "wss://$AGENT/"
  [ "$(json "$(client call 100 --seconds 20 || true)" 'd["status"]')" = 503 ]
  wait_line sipd 'event=bridge.failed .*certificate verify failed'
  stop sipd
  sipd --bridge "wss://$AGENT/" --bridge-ca ca.pem
  client call 100 --seconds 20 || true
  wait_line sipd 'event=call.end .*reason="agent hung up"'
  stop sipd
  stop agent
  agent --echo --cert "$T/DNS.pem" --key "$T/DNS.key"
  sipd --bridge "wss://$AGENT/" --bridge-ca ca.pem
  [ "$(json "$(client call 100 --seconds 20 || true)" 'd["status"]')" = 503 ]
  wait_line sipd 'event=bridge.failed .*TLS: '
}

@test "targets are checked at the start, and nobody there is 503" {
  for bad in ws:// ws://user@h/ 'ws://h/#x' 'wss://h:0/' ws://h:99999/; do
    run -64 talky-sipd --check-config --bridge "$bad"
  done
  run -0 talky-sipd --check-config --bridge ws://agent.example/ --route '2*=wss://agent.example:8443/x'
  run -66 talky-sipd --check-config --bridge wss://agent.example/ --bridge-ca nothing.pem
  sipd --bridge "ws://127.0.0.1:$(free_port)/"
  [ "$(json "$(client call 100 --seconds 20 || true)" 'd["status"]')" = 503 ]
  wait_line sipd 'event=bridge.failed .*Connection refused'
}
