# talky-sipd's bridges, each heard from end to end: echo, tone, play, exec, AudioSocket, the agent.
# ctest: cost=100
load lib
load sipd

@test "echo: all of what was said comes back, from the first sample on, over UDP and TCP" {
  audio make noise said.wav --seconds 2
  sipd
  for transport in udp tcp; do
    run -0 client --transport $transport call 100 --send said.wav --record heard.wav --seconds 3 --whole
    [ "$(json "$output" 'd["ended_by"]')" = client ]
    [ "$(json "$output" 'd["ssrcs"]')" = 1 ]
    unbroken "$output"
    log_has "event=call.end cause=hangup by=peer .*in_packets=$(json "$output" 'd["sent"]') in_lost=0 .*in_mos=[0-9.]+"
    heard_back said.wav heard.wav
  done
  log_has 'event=call.start .*to=100 bridge=echo codec=PCMU .*transport=TCP'
  [ "$(excused in)" -gt 0 ] || log_has 'event=call.end .*in_mos=4\.'
  # And it comes at once: of the quickest packet, the jitter buffer's 12 ms, at most a tick, and two resamplers of 5 ms.
  for port in $(sed -n 's/.*event=call.start.* rtp_port=\([0-9]*\).*/\1/p' sipd.err); do
    [ "$(witnessed "late-in:$port" "late-out:$port")" -eq 0 ] || continue # somebody was late
    after=$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" witness.1.packets --echo "$port")
    echo "echo after $after ms"
    [ "${after%.*}" -lt 55 ]
  done
}

@test "echo over IPv6" {
  audio make noise said.wav --seconds 1
  port=$(free_port)
  sipd --listen "[::1]:$port"
  SERVER="[::1]:$port"
  run -0 client call 100 --send said.wav --record heard.wav --whole
  heard_back said.wav heard.wav
}

@test "play: the file is heard from its first to its last sample, then sipd says BYE" {
  audio make noise file.wav --seconds 2.5 --rate 16000
  sipd --bridge "play:$T/file.wav"
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  heard file.wav heard.wav 0 out
  # It begins with the first packet. The BYE waits for the last word, and not much longer.
  [ "$(excused out)" -gt 0 ] || audio find file.wav heard.wav --at-least 0.97 --whole --lag 0..60
  [ "$(json "$output" '2500 <= d["received"] * 20 <= 3600')" = True ]
}

@test "tone:HZ is that tone" {
  audio make tone tone.wav --hz 1234 --seconds 1
  sipd --bridge tone:1234
  run -0 client call 100 --record heard.wav --hear 1.5
  wait_for 10 all_ended
  sox tone.wav part.wav trim 0 0.2
  audio find part.wav heard.wav --at-least 0.97
  [ "$(excused out)" -gt 0 ] || audio find tone.wav heard.wav --at-least 0.97
}

@test "exec: a filter's output is heard whole, though it ends before it has been played" {
  audio make noise file.wav --seconds 2 --rate 16000
  sox file.wav -t raw file.raw
  sipd --bridge "exec:cat $T/file.raw"
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  heard file.wav heard.wav 0 out # the agent gives it all at once: nobody is late with it
  log_has 'event=exec.exit how="exit status 0"'
}

@test "exec: a program that copies its input is an echo, and is told of the end" {
  audio make noise said.wav --seconds 1
  # (The signal is for those that do not see the end of their input: this one does, however slowly.)
  cat >filter.sh <<'SH'
trap '' TERM
cat <&3 >"$1/control" &
cat
wait
echo done >>"$1/control"
SH
  sipd --bridge "exec:sh $T/filter.sh $T"
  run -0 client --user alice call 100 --header "X-Colour: blue" --send said.wav --record heard.wav --seconds 2 --dtmf 1.2:7 --whole
  heard_back said.wav heard.wav agent
  wait_for 5 grep -q done control
  [ "$(json "$(sed -n 1p control)" 'd["type"], d["headers"], d["rate"]')" = "('start', {'X-Colour': 'blue'}, 16000)" ]
  [ "$(json "$(sed -n 2p control)" 'd["type"], d["digit"]')" = "('dtmf', '7')" ]
  [ "$(json "$(sed -n 3p control)" 'd["type"]')" = stop ]
}

@test "talky-sipd stands still for a second: the bridge hears all that was said meanwhile" {
  audio make noise said.wav --seconds 4
  sipd --bridge "exec:cat >$T/came.raw"
  start phone /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "$SERVER" call 100 --send said.wav --until over
  came() { [ "$(stat -c %s came.raw)" -ge $((32000 * $1)) ]; }
  wait_for 10 came 1
  kill -STOP "${PIDS[sipd]}"
  sleep 1
  kill -CONT "${PIDS[sipd]}"
  wait_for 20 came 6
  touch over
  finish phone
  wait_for 10 all_ended
  [ "$(counted unsent_ticks)" -ge 30 ]
  sox -t raw -r 16000 -e signed -b 16 -c 1 came.raw came.wav
  audio pieces said.wav came.wav --at-least 0.98 --broken "$(excused in)"
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
  heard file.wav heard.wav 0 out # the agent gives it all at once: nobody is late with it
  log_has 'event=call.end cause=hangup by=us reason="bye then"'
}

@test "unix: a plain AudioSocket server hears 8 kHz and is heard" {
  audio make noise said.wav --seconds 1
  FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge "unix:$T/a.sock"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 2 --dtmf 1.3:5 --whole
  heard_back said.wav heard.wav agent
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
  heard file.wav heard.wav 0 out # the agent gives it all at once: nobody is late with it
  wait_for 5 grep -q closed agent.log
  grep -q '"type": "start", "call": ".*", "from": "sip:alice@.*", "to": "sip:4711@' agent.log
  grep -q '"type": "mark", "name": "end", "played": 32000' agent.log
  # Told when all of it had left, 2 s after it began: never sooner, however late anybody is.
  /usr/bin/python3 - <<'PY'
import json
at = {line["message"]["type"]: line["t"] for line in map(json.loads, open("agent.log")) if line.get("event") == "control"}
assert at["mark"] - at["start"] >= 1.95, at
PY
  grep -q '"type": "stop", "reason": "that was all"' agent.log
  grep -q '"event": "audio", "kind": 18, "bytes": 640' agent.log
}

@test "clear: what is queued falls silent, and the agent learns what was heard" {
  audio make noise file.wav --seconds 8 --rate 16000
  FAKE_MODE=barge FAKE_PLAY=$T/file.wav FAKE_LOG=$T/agent.log start agent "$(fake)" --listen "unix:$T/a.sock"
  wait_line agent listening
  sipd --bridge "unix:$T/a.sock,talky"
  client call 100 --record heard.wav --until cleared --hear 4 >call.json 2>&1 3>&- &
  caller=$!
  wait_for 20 grep -q cleared agent.log
  touch cleared # what comes up to 4 s in all is silence
  wait "$caller"
  wait_for 5 grep -q closed agent.log
  wait_for 10 all_ended
  played=$(json "$(grep cleared agent.log)" 'd["message"]["played"]')
  discarded=$(json "$(grep cleared agent.log)" 'd["message"]["discarded"]')
  [ $((played + discarded)) -eq 128000 ]
  # It asked after a second of the caller; what it has heard of him until it was answered is the time that went by.
  [ "$played" -gt $((8000 - 16 * $(witnessed stalled))) ]
  [ "$played" -le "$(json "$(grep cleared agent.log)" 'd["heard"] + 320')" ]
  [ "$discarded" -gt 0 ]
  # The mark is told, after what was cleared, with the same count.
  [ "$(json "$(grep never agent.log)" 'd["message"]["played"]')" -eq "$played" ]
  # What the caller heard is that many samples and then silence.
  sox file.wav part.wav trim 0 "${played}s"
  heard part.wav heard.wav 0 out
  [ "$(excused out)" -eq 0 ] || return 0
  audio find part.wav heard.wav --at-least 0.95 --whole >found || { cat found; return 1; }
  audio level heard.wav --from "$(awk -F'[= ]' -v played="$played" '{ print $2 / 1000 + played / 16000 + 0.3 }' found)" --below -60
}

@test "agent: one is started, greets within a second, and is started again when it has died" {
  audio make noise file.wav --seconds 1 --rate 16000
  export FAKE_MODE=play FAKE_PLAY=$T/file.wav FAKE_LOG=$T/agent.log FAKE_SAY=$T/file.wav
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  wait_line sipd 'event=agent.ready'
  run -0 client call 100 --record heard.wav --seconds 10
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  heard file.wav heard.wav 0 out # the agent gives it all at once: nobody is late with it
  # Where the machine does something else meanwhile, the greeting may be later: not every time.
  greets_quickly() {
    [ "$(audio lead heard.wav | cut -d. -f1)" -lt 1000 ] || { client call 100 --record heard.wav --seconds 10; return 1; }
  }
  wait_for 10 greets_quickly
  kill -KILL "$(json "$(grep listening agent.log)" 'd["pid"]')"
  wait_for 10 bash -c '[ $(grep -c listening agent.log) -eq 2 ]'
  log_has 'event=agent.exit how="signal 9 \(SIGKILL\)"'
  wait_for 5 bash -c '[ $(grep -c event=agent.ready sipd.err) -eq 2 ]'
  run -0 client call 100 --record heard.wav --seconds 10
  heard file.wav heard.wav 0 out # the agent gives it all at once: nobody is late with it
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
  run -0 client call 100 --send said.wav --record heard.wav --whole
  heard_back said.wav heard.wav agent
  stop sipd
  kill -0 "${PIDS[agent]}"
}

@test "a call that comes while the agent still loads rings until it is there" {
  audio make noise said.wav --seconds 1
  export FAKE_WAIT=$T/go FAKE_LOG=$T/agent.log
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  run -0 client call 100 --when-ringing go --send said.wav --record heard.wav --whole
  [ "$(json "$output" 'd["status"], 180 in d["provisional"]')" = "(200, True)" ]
  heard_back said.wav heard.wav agent
}

@test "agent: one that is busy says so before the call is answered: 503, and nobody hears an apology" {
  export FAKE_MODE=busy FAKE_LOG=$T/agent.log
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  wait_line sipd 'event=agent.ready'
  run client call 100 --seconds 2
  [ "$(json "$output" 'd["status"]')" = 503 ]
  log_has 'event=call.refused .*status=503'
  grep -q refused agent.log
}
