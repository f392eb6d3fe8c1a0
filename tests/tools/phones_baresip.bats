# baresip against talky-sipd: register, call, hold, press keys, hang up and be hung up on.
# ctest: cost=60
load lib
load phones

setup() {
  common_setup
  need baresip
}

heard_by_baresip() { ls "$T"/dump-*-dec.wav; }

@test "baresip registers with a password, calls, holds, presses a key and hangs up (UDP)" {
  audio make noise in.wav --seconds 60 # it hangs up when its file ends: not before we say so
  printf 'alice:secret\n' >users
  chmod 600 users
  start_sipd --users users
  start_baresip
  wait_line sipd 'event=register '
  baresip_do dial "sip:100@127.0.0.1:$PORT"
  wait_line sipd 'event=call.start'
  wait_for 10 spoken 1.4
  baresip_do hold
  wait_line sipd 'event=call.hold'
  baresip_do resume
  wait_line sipd 'event=call.resume'
  baresip_do sndcode 5
  wait_line sipd 'event=dtmf digit=5 via=rtp'
  baresip_do hangup
  wait_line sipd 'event=call.end'
  stop baresip
  wait_line sipd 'event=unregister '
  stop sipd
  [ "$status" -eq 0 ]
  grep -q 'event=call.end.*cause=hangup.*by=peer' "$T/sipd.err"
  # What it said before the hold stands in the recording from its first sample on.
  sox in.wav said.wav trim 0 1
  wav=$(only_recording)
  heard_as_it_came said.wav "$wav"
  sent_by_us "$wav" sent.wav
  heard said.wav sent.wav 0 in out
  heard_by_phone said.wav "$(heard_by_baresip)"
}

@test "baresip over TCP" {
  audio make noise in.wav --seconds 2
  start_sipd
  start_baresip ';transport=tcp'
  wait_line sipd 'event=register .*transport=TCP'
  baresip_do dial "sip:100@127.0.0.1:$PORT;transport=tcp"
  wait_line sipd 'event=call.start.*transport=TCP'
  wait_line sipd 'event=call.end' 20 # it ends the call when its file ends
  stop sipd
  heard in.wav "$(only_recording)" 0 in # to the last packet, with which baresip says BYE
}

@test "baresip over IPv6" {
  audio make noise in.wav --seconds 2
  PORT=$(free_port)
  start_sipd --listen "[::1]:$PORT"
  PORT=$(sed -n 's/.*listen="\{0,1\}\[::1\]:\([0-9]*\).*/\1/p' "$T/sipd.err" | head -1)
  HOST='[::1]' start_baresip
  wait_line sipd 'event=register '
  baresip_do dial "sip:100@[::1]:$PORT"
  wait_line sipd 'event=call.start'
  wait_line sipd 'event=call.end' 20
  stop sipd
  heard in.wav "$(only_recording)" 0 in # to the last packet, with which baresip says BYE
}

@test "baresip is hung up on after the last word" {
  audio make noise in.wav --seconds 20
  audio make noise last.wav --seconds 2 --seed 4
  start_sipd --bridge play:last.wav
  start_baresip
  baresip_do dial "sip:100@127.0.0.1:$PORT"
  wait_line sipd 'event=call.end' 20
  wait_line baresip 'terminated|closed'
  grep -q 'event=call.end.*by=us' "$T/sipd.err"
  heard last.wav "$(only_recording)" 1 out
  sent_by_us "$(only_recording)" sent.wav
  heard last.wav sent.wav 0 out
  stop baresip
  heard_by_phone last.wav "$(heard_by_baresip)"
}

@test "sipd says goodbye to baresip when it is stopped" {
  audio make noise in.wav --seconds 20
  start_sipd
  start_baresip
  baresip_do dial "sip:100@127.0.0.1:$PORT"
  wait_line sipd 'event=call.start'
  sleep 0.5
  stop sipd TERM
  [ "$status" -eq 0 ]
  wait_line baresip 'terminated|closed'
}
