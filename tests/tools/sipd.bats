# talky-sipd with a SIP client of our own: registration, routes, calls and what is kept of them.
# What is heard is compared with what was said, sample for sample as far as mu-law allows.
# ctest: cost=100
load lib
load sipd

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
  four_registered() { [ "$(grep -c 'event=register aor=sip:alice@' sipd.err)" -ge 4 ]; }
  wait_for 5 four_registered
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

@test "--ring: 180 at once, 200 after that time" {
  sipd --ring 400
  run -0 client call 100 --seconds 0.2
  [ "$(json "$output" '180 in d["provisional"] and d["answered_ms"] >= 390')" = True ]
  wait_for 10 all_ended
  late=$(witnessed stalled)
  stop sipd
  wav=$(only_recording)
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "${wav%.wav}.pcap" --sip >messages
  awk -v late="$late" -F '\t' '{ at[substr($2, 1, 11)] = at[substr($2, 1, 11)] ? at[substr($2, 1, 11)] : $1 }
    END { ring = at["SIP/2.0 200"] - at["INVITE sip:"]; print ring, late
      exit !(at["SIP/2.0 180"] < at["SIP/2.0 200"] && ring >= 398 && ring <= 405 + late) }' messages ||
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
  log_has 'event=call.end'
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
  wait_for 5 grep -q '"type": "hold"' agent.log
  wait_for 5 grep -q '"type": "resume"' agent.log
  audio level heard.wav --from 2 --above -40
}

@test "the recording is stereo, whole and in step: caller left, agent right" {
  audio make noise said.wav --seconds 2
  audio make noise file.wav --seconds 5 --rate 16000 --seed 5 # we hang up at its end: he must have said all by then
  sipd --bridge "play:$T/file.wav"
  run -0 client call 100 --send said.wav --record heard.wav --seconds 10
  log_has 'event=call.end'
  stop sipd
  wav=$(only_recording)
  run -0 audio info "$wav"
  [[ $output == *rate=16000\ channels=2* ]]
  # For each packet of 20 ms that left there are 20 ms, up to the end.
  [ "$(sed 's/.* frames=\([0-9]*\).*/\1/' <<<"$output")" -ge $((320 * $(witnessed sent))) ]
  heard said.wav "$wav" 0 in
  heard file.wav "$wav" 1 out
  run -1 audio find said.wav "$wav" --channel 1 --at-least 0.5
}

@test "the pcap holds the call: SIP and both directions of RTP" {
  need talky-rtpdump
  audio make noise said.wav --seconds 1
  sipd
  run -0 client call 100 --send said.wav --seconds 1.5
  log_has 'event=call.end'
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
  log_has 'event=call.end'
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

@test "packets of 10, 30, 40 and 60 ms: sent as asked for, and understood" {
  audio make noise said.wav --seconds 2
  sipd
  for ptime in 10 30 40 60; do
    run -0 client call 100 --ptime $ptime --send said.wav --record heard.wav --seconds 3 --whole
    [ "$(json "$output" 'd["packet_ms"]')" = $ptime ]
    unbroken "$output"
    heard_back said.wav heard.wav
  done
  # The other way: what a play: target says, in packets of that length.
  stop sipd
  sipd --bridge "play:$T/said.wav"
  for ptime in 10 60; do
    run -0 client call 100 --ptime $ptime --record heard.wav --seconds 10
    [ "$(json "$output" 'd["packet_ms"], d["ended_by"]')" = "($ptime, 'server')" ]
    heard said.wav heard.wav 0 out
  done
}
