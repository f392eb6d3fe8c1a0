# talky-sipd and calls that move to somebody else: REFER with and without leave, blind and attended, Replaces, 3xx.
# The bridge must go on with the new party, and the recording with both.
# ctest: cost=100
load lib
load phones

transfer() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/transfer.py" "$SERVER" "$@"; }
json() { /usr/bin/python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
sipd() { start_sipd --allow-refer '*' "$@" && SERVER=127.0.0.1:$PORT; }
# Of whatever legs the call has had. Two parties that one thread plays are never quite punctual.
hears() { heard "$1" "$2" "${3:-0}" in out; }
log_count() { grep -Ec -- "$1" sipd.err || true; }

setup() {
  common_setup
  audio make noise said.wav --seconds 2
}

# One call: one start, one end, one recording, which holds what alice and then bob said.
one_whole_call() {
  wait_line sipd event=call.end
  [ "$(log_count event=call.start)" -eq 1 ]
  [ "$(log_count event=call.transferred)" -eq 1 ]
  [ "$(log_count event=call.end)" -eq 1 ]
  [ "$(log_count event=call.leg)" -eq 1 ]
  stop sipd
  local wav begin
  wav=$(only_recording)
  begin=$(audio lead "$wav")
  sox said.wav first.wav trim 0 0.8 # alice's, before she asks for the transfer
  sox "$wav" begin.wav trim "$(awk "BEGIN { print $begin / 1000 }")" 1.1 # bob says the same, 1.3 s after her at the earliest
  hears first.wav begin.wav 0
  sox "$wav" rest.wav trim "$(awk "BEGIN { print $begin / 1000 + 0.9 }")"
  hears said.wav rest.wav 0
}

@test "blind: bob is called, talks with the bridge, and alice is let go" {
  sipd
  run -0 transfer blind said.wav
  [ "$(json "$output" 'd["refer"], d["alice_ended_by"], d["bob_bye"]')" = "(202, 'server', 200)" ]
  [ "$(json "$output" '[n[1][8:11] for n in d["notified"]]')" = "['100', '180', '200']" ]
  [ "$(json "$output" '[n[0].split(";")[0] for n in d["notified"]]')" = "['active', 'active', 'terminated']" ]
  [[ "$(json "$output" 'd["referred_by"]')" == "<sip:alice@"* ]]
  hears said.wav bob.wav # the echo of the new leg
  one_whole_call
}

@test "blind over TCP, and alice leaves at once: the bridge waits for bob" {
  sipd
  run -0 transfer leave said.wav tcp
  [ "$(json "$output" 'd["refer"], d["alice_ended_by"], d["bob_bye"]')" = "(202, 'client', 200)" ]
  hears said.wav bob.wav
  one_whole_call
}

@test "attended: the INVITE names the call that it replaces" {
  sipd
  run -0 transfer attended said.wav
  [ "$(json "$output" 'd["refer"], d["alice_ended_by"], d["require"]')" = "(202, 'server', 'replaces')" ]
  [[ "$(json "$output" 'd["replaces"]')" == *@test\;to-tag=*\;from-tag=* ]]
  hears said.wav bob.wav
}

@test "bob is busy: alice is told, and her call goes on as if nothing had been" {
  sipd
  run -0 transfer busy said.wav
  [ "$(json "$output" 'd["refer"], d["still_up"], d["notified"][-1][1][8:11]')" = "(202, True, '486')" ]
  hears said.wav alice.wav # her echo is whole, right through it
  wait_line sipd event=call.end # and all before it
  [ "$(log_count event=call.transfer_failed.*status=486)" -eq 1 ]
  [ "$(log_count event=call.transferred)" -eq 0 ]
}

@test "bob has moved: carol is called if that is allowed, and not if it is not" {
  sipd
  run -0 transfer moved said.wav
  [[ "$(json "$output" 'd["redirected_to"]')" == "INVITE sip:carol@127.0.0.1:"* ]]
  hears said.wav bob.wav
  stop sipd
  start_sipd --allow-refer bob
  SERVER=127.0.0.1:$PORT
  run transfer moved said.wav
  [ "$status" -ne 0 ] # carol is never called
  wait_line sipd 'event=call.transfer_failed.*status=302'
}

@test "nobody is called unless a pattern says so" {
  start_sipd
  SERVER=127.0.0.1:$PORT
  run -0 transfer blind said.wav
  [ "$(json "$output" 'd["refer"]')" -eq 603 ]
  stop sipd
  [ "$(log_count event=call.end.*cause=hangup)" -eq 1 ]
  start_sipd --allow-refer '2*' --allow-refer '*@192.0.2.9'
  SERVER=127.0.0.1:$PORT
  run -0 transfer blind said.wav
  [ "$(json "$output" 'd["refer"]')" -eq 603 ]
  wait_line sipd 'event=call.transfer_refused.*status=603'
}

@test "what the bridge was saying goes on at the new party, without a word lost" {
  audio make noise long.wav --seconds 9 --rate 16000 --seed 3 # bob must be there before its last third
  sipd --bridge "play:$T/long.wav"
  run -0 transfer blind said.wav
  # The file ends where it ends: bob is hung up on after its last word.
  [ "$(json "$output" 'd["bob_ended_by"]')" = server ]
  sox long.wav end.wav trim 6 3
  hears end.wav bob.wav
  wav=$(only_recording)
  sox long.wav begin.wav trim 0 1
  hears begin.wav "$wav" 1
  hears long.wav "$wav" 1
  audio same long.wav "$wav" --channel 1 # the recording has every sample, whoever was late
}

@test "to a number of our own: its route takes the call" {
  audio make tone tone.wav --hz 700 --seconds 1
  sipd --allow-refer '2??' --route '200=tone:700'
  cat >own.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
client = Client(sys.argv[2])
call = client.call("100")
assert call.invite().status == 200
assert call.refer(f"sip:200@{sys.argv[2]}").status == 202
client.pump(30, lambda: call.ended_by)
assert call.ended_by == "server" and call.notified[-1][1] == "SIP/2.0 200 OK", call.notified
PY
  run -0 /usr/bin/python3 own.py "$TALKY_SOURCE/tests/tools" "$SERVER"
  stop sipd
  [ "$(log_count 'event=call.start.*bridge=tone:700')" -eq 1 ]
  [ "$(log_count event=call.end)" -eq 2 ]
}

@test "Replaces: a second phone takes the call over, and the bridge goes on" {
  cat >pickup.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client, read_wav, write_wav
alice, carol = Client(sys.argv[2], user="alice"), Client(sys.argv[2], "tcp", user="carol")
said = read_wav(sys.argv[3])
call = alice.call("100", send=said)
assert call.invite().status == 200
alice.pump(30, lambda: call.clock() >= 0.5)
take = carol.call("100", send=said, headers=[f"Replaces: {call.call_id};to-tag={call.to_tag};from-tag={call.tag}",
                                             "Require: replaces"])
assert take.invite().status == 200
alice.pump(30, lambda: call.ended_by)
assert call.ended_by == "server", call.ended_by
carol.pump(60, take.end_is_heard)
write_wav("carol.wav", take.recording())
assert take.bye().status == 200
again = carol.call("100", headers=[f"Replaces: {call.call_id};to-tag={call.to_tag};from-tag={call.tag}"])
assert again.invite().status in (481, 603)
PY
  for workers in 1 3; do
    sipd --workers $workers
    for round in 1 2 3; do
      run -0 /usr/bin/python3 pickup.py "$TALKY_SOURCE/tests/tools" "$SERVER" said.wav
      hears said.wav carol.wav
    done
    wait_for 5 bash -c '[ $(grep -c event=call.end sipd.err) -eq 3 ]'
    stop sipd
    [ "$(log_count event=call.start)" -eq 3 ]
    rm -rf calls
  done
}

@test "sipp's REFER, message by message" {
  need sipp
  sipd
  start bob /usr/bin/python3 "$TALKY_SOURCE/tests/tools/transfer.py" "$SERVER" bob said.wav
  wait_line bob ready
  sipp_clean refer -key target bob
  finish bob 15
  [ "$status" -eq 0 ]
  hears said.wav bob.wav
}

@test "baresip transfers its call to bob" {
  need baresip
  audio make noise in.wav --seconds 20
  sipd
  start bob /usr/bin/python3 "$TALKY_SOURCE/tests/tools/transfer.py" "$SERVER" bob said.wav
  wait_line bob ready
  start_baresip
  wait_line sipd 'event=register aor=sip:alice'
  baresip_do dial "sip:100@127.0.0.1:$PORT"
  wait_line sipd 'event=call.start'
  sleep 1
  baresip_do transfer "sip:bob@127.0.0.1:$PORT"
  wait_line sipd 'event=call.transferred'
  wait_line sipd 'event=call.leg .*cause=transferred'
  finish bob 15
  [ "$status" -eq 0 ]
  hears said.wav bob.wav
  wait_line baresip 'terminated|closed|Call with .* ended'
}
