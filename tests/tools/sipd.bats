# talky-sipd with a SIP client of our own (sip_client.py): signalling, every bridge, recordings, settings.
# What is heard is compared with what was said, sample for sample as far as mu-law allows.
# ctest: timeout=300
load lib

client() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "$SERVER" "$@"; }
json() { /usr/bin/python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
sipd() { start_sipd "$@" && SERVER=127.0.0.1:$PORT; }
log_has() { grep -Eq -- "$1" sipd.err || { echo "no line: $1"; cat sipd.err; return 1; }; }
# First word, last word and what lies between, each for itself: where the machine is slow, the jitter buffer may
# stretch a pause in between, and that is its right.
heard_whole() {
  local length part
  length=$(soxi -D "$1")
  for part in "0 0.25" "0.6 0.25" "=$(/usr/bin/python3 -c "print($length-0.25)") 0.25"; do
    sox "$1" piece.wav trim $part
    audio find piece.wav "$2" ${3:+--channel $3} --at-least 0.9 --whole || return 1
  done
}
fake() { printf '%s/tests/tools/fake_agent.py' "$TALKY_SOURCE"; }

@test "registers and answers OPTIONS, over UDP and TCP, IPv4 and IPv6" {
  port=$(free_port)
  sipd --listen "127.0.0.1:$port" --listen "[::1]:$port"
  for SERVER in "127.0.0.1:$port" "[::1]:$port"; do
    for transport in udp tcp; do
      run -0 client --transport $transport --user alice register
      [[ $output == *'"expires=60'* || $output == *'expires=60'* ]]
      run -0 client --transport $transport options
      [[ $output == *INVITE* ]]
    done
  done
  [ "$(grep -c 'event=register aor=sip:alice@' sipd.err)" -ge 4 ]
}

@test "echo: all of what was said comes back, from the first sample on, over UDP and TCP" {
  audio make noise said.wav --seconds 2
  sipd
  for transport in udp tcp; do
    run -0 client --transport $transport call 100 --send said.wav --record heard.wav --seconds 3
    [ "$(json "$output" 'd["ended_by"]')" = client ]
    [ "$(json "$output" 'd["lost"] + d["gaps"]')" = 0 ]
    [ "$(json "$output" 'd["ssrcs"]')" = 1 ]
    heard_whole said.wav heard.wav
  done
  log_has 'event=call.start .*to=100 bridge=echo codec=PCMU .*transport=TCP'
  log_has 'event=call.end cause=hangup by=peer .*in_packets=1[45][0-9] in_lost=0 .*in_mos=4\.[0-9]+'
}

@test "echo over IPv6" {
  audio make noise said.wav --seconds 1
  port=$(free_port)
  sipd --listen "[::1]:$port"
  SERVER="[::1]:$port"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2
  heard_whole said.wav heard.wav
}

@test "play: the file is heard from its first to its last sample, then sipd says BYE" {
  audio make noise file.wav --seconds 2.5 --rate 16000
  sipd --bridge "play:$T/file.wav"
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  audio find file.wav heard.wav --at-least 0.97 --whole --lag 0..60
  # The BYE waits for the last word, and not much longer.
  [ "$(json "$output" '2500 <= d["ended_ms"] <= 3600')" = True ]
}

@test "tone:HZ is that tone" {
  audio make tone tone.wav --hz 1234 --seconds 1
  sipd --bridge tone:1234
  run -0 client call 100 --record heard.wav --seconds 1.5
  audio find tone.wav heard.wav --at-least 0.97
}

@test "routes by number: the first that fits counts; explain says which" {
  sipd --route '2*=tone:500' --route '200=reject:480' --route '4[0-4]4=reject:404' --route 'bob=reject:486' --bridge reject:603
  run -2 client call 404
  [ "$(json "$output" 'd["status"]')" = 404 ]
  run -2 client call bob
  [ "$(json "$output" 'd["status"]')" = 486 ]
  run -2 client call 5
  [ "$(json "$output" 'd["status"]')" = 603 ]
  run -0 client call 200 --seconds 0.2
  log_has 'event=call.refused .*status=404 .*to=404 bridge=reject:404'
  run -0 talky-sipd --route '2*=echo' --route '20?=tone:5' explain 200
  [ "$output" = "200 -> echo, by route 1 of 2: 2*=echo" ]
  run -0 talky-sipd --bridge tone:5 --route '2*=echo' explain 300
  [ "$output" = "300 -> tone:5, by --bridge: none of 1 routes fits" ]
}

@test "exec: a filter's output is heard whole, though it ends before it has been played" {
  audio make noise file.wav --seconds 2 --rate 16000
  sox file.wav -t raw file.raw
  sipd --bridge "exec:cat $T/file.raw"
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  audio find file.wav heard.wav --at-least 0.97 --whole --lag 0..150
  log_has 'event=exec.exit how="exit status 0"'
}

@test "exec: a program that copies its input is an echo, and is told of the end" {
  audio make noise said.wav --seconds 1
  cat >filter.sh <<'SH'
cat <&3 >"$1/control" &
cat
wait
echo done >>"$1/control"
SH
  sipd --bridge "exec:sh $T/filter.sh $T"
  run -0 client --user alice call 100 --header "X-Colour: blue" --send said.wav --record heard.wav --seconds 2 --dtmf 1.2:7
  heard_whole said.wav heard.wav
  wait_for 5 grep -q done control
  [ "$(json "$(sed -n 1p control)" 'd["type"], d["headers"], d["rate"]')" = "('start', {'X-Colour': 'blue'}, 16000)" ]
  [ "$(json "$(sed -n 2p control)" 'd["type"], d["digit"]')" = "('dtmf', '7')" ]
  [ "$(json "$(sed -n 3p control)" 'd["type"]')" = stop ]
}

@test "exec: control messages from fd 4: mark, dtmf, hang up after the last word" {
  audio make noise file.wav --seconds 1 --rate 16000
  sox file.wav -t raw file.raw
  cat >agent.sh <<'SH'
echo '{"type":"dtmf","digits":"4#"}' >&4
cat "$1/file.raw"
echo '{"type":"mark","name":"end"}' >&4
while read -r line <&3; do
  echo "$line" >>"$1/control"
  case $line in *'"mark"'*) echo '{"type":"hangup","reason":"bye then"}' >&4 ;; esac
done
SH
  sipd --bridge "exec:sh $T/agent.sh $T"
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"], d["digits"]')" = "('server', '4#')" ]
  audio find file.wav heard.wav --at-least 0.95 --whole
  log_has 'event=call.end cause=hangup by=us reason="bye then"'
}

@test "unix: a plain AudioSocket server hears 8 kHz and is heard" {
  audio make noise said.wav --seconds 1
  FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge "unix:$T/a.sock"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2 --dtmf 1.3:5
  heard_whole said.wav heard.wav
  wait_for 5 grep -q closed agent.log
  grep -q '"event": "audio", "kind": 16, "bytes": 320' agent.log
  grep -q '"kind": 3, "payload": "35"' agent.log
  grep -q '"kind": 0, "payload": ""' agent.log
  # The connection begins with the uuid that names the recording.
  uuid=$(basename "$(only_recording)" .wav)
  grep -q "\"uuid\": \"${uuid//-/}\"" agent.log
}

@test "tcp: with talky control: start, a mark that tells what was heard, hang-up after the last word" {
  audio make noise file.wav --seconds 2 --rate 16000
  port=$(free_port)
  FAKE_MODE=play FAKE_PLAY=$T/file.wav FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "tcp:127.0.0.1:$port"
  wait_line agent listening
  sipd --bridge "tcp:127.0.0.1:$port,talky"
  run -0 client --user alice call 4711 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  audio find file.wav heard.wav --at-least 0.97 --whole --lag 0..100
  wait_for 5 grep -q closed agent.log
  grep -q '"type": "start", "call": ".*", "from": "sip:alice@.*", "to": "sip:4711@' agent.log
  grep -q '"type": "mark", "name": "end", "played": 32000' agent.log
  grep -q '"type": "stop", "reason": "that was all"' agent.log
  grep -q '"event": "audio", "kind": 18, "bytes": 640' agent.log
}

@test "clear: what is queued falls silent, and the agent learns what was heard" {
  audio make noise file.wav --seconds 8 --rate 16000
  FAKE_MODE=barge FAKE_PLAY=$T/file.wav FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge "unix:$T/a.sock,talky"
  run -0 client call 100 --record heard.wav --seconds 3
  wait_for 5 grep -q closed agent.log
  played=$(json "$(grep cleared agent.log)" 'd["message"]["played"]')
  discarded=$(json "$(grep cleared agent.log)" 'd["message"]["discarded"]')
  [ $((played + discarded)) -eq 128000 ]
  [ "$played" -gt 8000 ] && [ "$played" -lt 32000 ]
  # The mark is told, after what was cleared, with the same count.
  [ "$(json "$(grep never agent.log)" 'd["message"]["played"]')" -eq "$played" ]
  # What the caller heard is that many samples and then silence.
  sox file.wav part.wav trim 0 "${played}s"
  audio find part.wav heard.wav --at-least 0.95 --whole --lag 0..100
  audio level heard.wav --from 2.3 --below -60
}

@test "agent: one is started, greets within a second, and is started again when it has died" {
  audio make noise file.wav --seconds 1 --rate 16000
  export FAKE_MODE=play FAKE_PLAY=$T/file.wav FAKE_LOG=$T/agent.log FAKE_SAY=$T/file.wav
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  wait_line sipd 'event=agent.ready'
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"], d["first_audio_ms"] < 1000')" = "('server', True)" ]
  audio find file.wav heard.wav --at-least 0.97 --whole
  kill -KILL "$(json "$(grep listening agent.log)" 'd["pid"]')"
  wait_for 10 bash -c '[ $(grep -c listening agent.log) -eq 2 ]'
  log_has 'event=agent.exit how="signal 9 \(SIGKILL\)"'
  wait_for 5 bash -c '[ $(grep -c event=agent.ready sipd.err) -eq 2 ]'
  run -0 client call 100 --record heard.wav --seconds 10
  audio find file.wav heard.wav --at-least 0.97 --whole
  stop sipd
  [ "$status" -eq 0 ]
  # An agent of ours goes with us.
  pid=$(json "$(grep listening agent.log | tail -1)" 'd["pid"]')
  wait_for 5 bash -c "! kill -0 $pid"
}

@test "agent: one that is there already is used, and left alone" {
  audio make noise said.wav --seconds 1
  start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command /nonexistent
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2
  heard_whole said.wav heard.wav
  stop sipd
  kill -0 "${PIDS[agent]}"
}

@test "a call that comes while the agent still loads rings until it is there" {
  audio make noise said.wav --seconds 1
  export FAKE_DELAY=1.5 FAKE_LOG=$T/agent.log
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2
  [ "$(json "$output" '180 in d["provisional"]')" = True ]
  heard_whole said.wav heard.wav
}

@test "--ring: 180 at once, 200 after that time" {
  sipd --ring 400
  # How late the daemon was by itself meanwhile, the packets of another call show, which leave on a grid of 20 ms.
  client --user witness call 900 --seconds 4 >witness.json 2>&1 3>&- &
  witness=$!
  wait_line sipd 'event=call.start from=sip:witness'
  run -0 client call 100 --seconds 0.2
  [ "$(json "$output" '180 in d["provisional"] and d["answered_ms"] >= 390')" = True ]
  wait "$witness"
  stop sipd
  read -r ours theirs port < <(sed -n '/event=call.start/s/.* rtp_port=\([0-9]*\).* call=\([-0-9a-f]*\).*/\2 \1/p' sipd.err |
    { read -r theirs port; read -r ours _; echo "$ours $theirs $port"; })
  late=$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "calls/$theirs.pcap" --from "$port")
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "calls/$ours.pcap" --sip >messages
  awk -v late="${late##*worst_ms=}" -F '\t' '{ at[substr($2, 1, 11)] = at[substr($2, 1, 11)] ? at[substr($2, 1, 11)] : $1 }
    END { distance = at["SIP/2.0 200"] - at["SIP/2.0 180"]; print distance, late; exit !(distance >= 398 && distance <= 405 + late) }' messages ||
    { cat messages; false; }
}

@test "CANCEL while it rings" {
  sipd --ring 5000
  run -2 client call 100 --cancel-after 0.3
  [ "$(json "$output" 'd["status"]')" = 487 ]
  log_has 'event=call.refused cause=cancelled by=peer'
}

@test "DTMF by RTP and by INFO arrives once each" {
  sipd
  run -0 client call 100 --tone 400 --dtmf 0.2:19 --info-dtmf '1.2:#' --seconds 2
  [ "$(grep -c 'event=dtmf' sipd.err)" -eq 3 ]
  log_has 'event=dtmf digit=1 via=rtp'
  log_has 'event=dtmf digit=9 via=rtp'
  log_has 'event=dtmf digit=# via=info'
}

@test "hold and resume by re-INVITE: the call goes on, and the agent is told" {
  audio make noise said.wav --seconds 4
  FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge "unix:$T/a.sock,talky"
  run -0 client call 100 --send said.wav --record heard.wav --reinvite 0.5:sendonly --reinvite 1.5:sendrecv --seconds 3
  [ "$(json "$output" 'd["status"], d["ended_by"], d["ssrcs"]')" = "(200, 'client', 1)" ]
  grep -q '"type": "hold"' agent.log
  grep -q '"type": "resume"' agent.log
  audio level heard.wav --from 2.2 --to 2.8 --above -40
}

@test "the recording is stereo, whole and in step: caller left, agent right" {
  audio make noise said.wav --seconds 2
  audio make noise file.wav --seconds 2 --rate 16000 --seed 5
  sipd --bridge "play:$T/file.wav"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 10
  wait_for 5 log_has 'event=call.end'
  stop sipd
  wav=$(only_recording)
  run -0 audio info "$wav"
  [[ $output == *rate=16000\ channels=2* ]]
  heard_whole said.wav "$wav" 0
  audio find file.wav "$wav" --channel 1 --at-least 0.97 --whole
  run -1 audio find said.wav "$wav" --channel 1 --at-least 0.5
}

@test "the pcap holds the call: SIP and both directions of RTP" {
  need talky-rtpdump
  audio make noise said.wav --seconds 1
  sipd
  run -0 client call 100 --send said.wav --seconds 1.5
  wait_for 5 log_has 'event=call.end'
  stop sipd
  pcap=$(only_recording)
  pcap=${pcap%.wav}.pcap
  run -0 talky-rtpdump -r "$pcap" --calls
  [[ $output == *100* ]]
  run -0 talky-rtpdump -r "$pcap" --list
  [ "$(grep -ci pcmu <<<"$output")" -eq 2 ]
}

@test "the journal tells what happened, one JSON object a line" {
  sipd
  run -0 client --user alice call 100 --dtmf 0.2:5 --seconds 1
  wait_for 5 log_has 'event=call.end'
  stop sipd
  journal=$(only_recording)
  journal=${journal%.wav}.jsonl
  /usr/bin/python3 - "$journal" <<'PY'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines[0]["to_agent"]["type"] == "start" and "alice" in lines[0]["to_agent"]["from"], lines
assert [l["to_agent"]["digit"] for l in lines if l.get("to_agent", {}).get("type") == "dtmf"] == ["5"], lines
assert lines[-1]["end"]["cause"] == "hangup" and lines[-1]["end"]["in"]["packets"] > 30, lines
PY
}

@test "--record '' records nothing" {
  sipd --record ''
  run -0 client call 100 --seconds 0.3
  [ -z "$(find "$T" -name '*.wav' -o -name '*.pcap')" ]
}

@test "--users: the right password is let in, a wrong one and a stranger are not" {
  printf '# us\nalice:secret\nbob:ha1=%s\n' "$(printf 'bob:talky:word' | md5sum | cut -d' ' -f1)" >users
  sipd --users "$T/users"
  run -2 client --user alice register
  [ "$(json "$output" 'd["status"]')" = 401 ]
  run -2 client --user alice --password wrong register
  run -2 client --user eve --password secret register
  run -2 client --user eve call 100
  [[ "$(json "$output" 'd["status"]')" =~ ^40[17]$ ]]
  run -0 client --user alice --password secret register
  run -0 client --user bob --password word --transport tcp register
  run -0 client --user bob --password word call 100 --seconds 0.3
  # A new file counts from SIGHUP on.
  echo 'carol:new' >users
  kill -HUP "${PIDS[sipd]}"
  wait_line sipd 'event=reload users=1'
  run -0 client --user carol --password new register
  run -2 client --user alice --password secret register
  echo nonsense >users
  kill -HUP "${PIDS[sipd]}"
  wait_line sipd 'event=reload.refused'
  run -0 client --user carol --password new register
}

@test "SIGTERM says BYE to the calls and exits with 0" {
  sipd
  client call 100 --tone 500 --seconds 20 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start'
  stop sipd TERM
  [ "$status" -eq 0 ]
  wait "$caller"
  [ "$(json "$(cat call.json)" 'd["ended_by"]')" = server ]
  log_has 'event=call.end cause=shutdown by=us'
  /usr/bin/python3 -c "import wave,sys; assert wave.open(sys.argv[1]).getnframes() > 0" "$(only_recording)"
}

@test "SIGINT twice quits at once" {
  # A phone that never answers our BYE keeps the first one waiting.
  sipd
  cat >deaf.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
client = Client(sys.argv[2])
assert client.call("100").invite().status == 200
print("up", flush=True)
sys.stdin.read()
PY
  mkfifo hold
  start deaf bash -c "exec /usr/bin/python3 '$T/deaf.py' '$TALKY_SOURCE/tests/tools' '$SERVER' <>'$T/hold'"
  wait_line deaf up
  kill -INT "${PIDS[sipd]}"
  wait_line sipd 'event=stopping signal=INT'
  stop sipd INT
  [ "$status" -eq 130 ]
}

@test "--listen HOST:0 takes a port that is free for UDP and TCP, and says which" {
  rtp=$(free_port 20)
  start sipd talky-sipd --listen 127.0.0.1:0 --bridge echo --record '' --rtp-ports "$rtp-$((rtp + 19))"
  wait_line sipd 'event=ready'
  SERVER=$(grep -o 'event=ready listen=[^ ]*' sipd.err | cut -d= -f3)
  [[ $SERVER =~ ^127.0.0.1:[1-9][0-9]+$ ]]
  run -0 client options
  run -0 client --transport tcp options
}

@test "with several workers a dialog is one whatever port and transport its requests come from" {
  audio make noise said.wav --seconds 1
  sipd --workers 4
  cat >wander.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import sip_client
from sip_client import Client, read_wav
for round in range(8):
    clients = [Client(sys.argv[2], "udp"), Client(sys.argv[2], "tcp"), Client(sys.argv[2], "udp")]
    assert clients[round % 3].register().status == 200
    home = clients[round % 3]
    call = home.call("100", send=read_wav(sys.argv[3]))
    assert call.invite().status == 200
    home.pump(0.2)
    for client in clients:  # the same dialog from another socket
        call.client = client
        client.calls = [call]
        assert call.in_dialog("INFO", ["Content-Type: application/dtmf-relay"], "Signal=1\r\nDuration=100\r\n").status == 200
    assert call.in_dialog("BYE").status == 200
PY
  run -0 /usr/bin/python3 wander.py "$TALKY_SOURCE/tests/tools" "$SERVER" said.wav
  [ "$(grep -c 'event=call.end cause=hangup by=peer' sipd.err)" -eq 8 ]
  [ "$(grep -c 'event=dtmf digit=1 via=info' sipd.err)" -eq 24 ]
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2
  heard_whole said.wav heard.wav
  stop sipd
  [ "$status" -eq 0 ]
}

@test "settings: flag, environment, file; --check-config, --print-config; exit codes" {
  printf 'bridge: tone:440\nroute:\n  - 2*=echo\nring: 250\nopen: true\n' >sipd.yaml
  run -0 talky-sipd --config sipd.yaml --check-config
  [ -z "$output" ]
  TALKY_SIPD_RING=300 run -0 talky-sipd --config sipd.yaml --bridge echo --print-config
  [[ $output == *'bridge: echo # flag'* && $output == *'ring: 300 # environment'* && $output == *'open: true # file'* ]]
  run -0 talky-sipd --config sipd.yaml explain 5
  [ "$output" = "5 -> tone:440, by --bridge: none of 1 routes fits" ]
  printf 'brigde: echo\n' >bad.yaml
  run -78 talky-sipd --config bad.yaml --check-config
  [[ $output == *'bad.yaml:1: unknown key "brigde"'* ]]
  run -64 talky-sipd --bridge dance --check-config
  run -64 talky-sipd --route nonsense --check-config
  run -64 talky-sipd --listen 0.0.0.0:5060 --check-config
  [[ $output == *'--users'*'--open'* ]]
  run -0 talky-sipd --listen 0.0.0.0:5060 --open --check-config
  run -64 talky-sipd --rtp-ports 5-5 --check-config
  run -66 talky-sipd --users nobody --check-config
  run -66 talky-sipd --bridge play:nothing.wav --record ''
  run -64 talky-sipd --http 127.0.0.1:1
  run -0 talky-sipd --help
  [[ $output == *Examples:* ]]
}
