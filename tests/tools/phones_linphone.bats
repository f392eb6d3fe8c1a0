# linphone against talky-sipd: register, call, hold, press keys, hang up and be hung up on.
# ctest: cost=60
load lib
load phones

setup() {
  common_setup
  need linphonec
}

# Over the transport $1.
whole_call() {
  audio make noise in.wav --seconds 2
  start_sipd
  start_linphone "$1"
  say linphone 'record rec.wav'
  say linphone "call sip:100@127.0.0.1:$PORT;transport=$1"
  wait_line sipd "event=call.start.*transport=${1^^}"
  wait_line linphone 'Media streams established' 10
  say linphone 'play in.wav'
  wait_for 10 has_said in.wav
  say linphone 5
  wait_for 5 grep -qs dtmf calls/*.jsonl
  say linphone pause
  wait_line sipd 'event=call.hold'
  wait_line linphone 'is now paused'
  say linphone resume
  wait_line sipd 'event=call.resume'
  resumed() { [ "$(grep -c 'Media streams established' linphone.out)" -eq 2 ]; }
  wait_for 10 resumed
  say linphone terminate
  wait_line sipd 'event=call.end.*by=peer'
  wait_line linphone 'ended \(No error\)'
  say linphone unregister
  wait_line sipd 'event=unregister '
  say linphone quit
  finish linphone 20
  stop sipd
  [ "$status" -eq 0 ]
  [ "$(grep -h '"dtmf"' calls/*.jsonl | grep -c '"digit":"5"')" -eq 1 ]
  wav=$(only_recording)
  heard_as_it_came in.wav "$wav"
  sent_by_us "$wav" sent.wav
  heard in.wav sent.wav 0 in out
  heard_by_phone in.wav rec.wav
}

@test "linphone registers, calls, presses a key, holds and hangs up over UDP" { whole_call udp; }

@test "the same over TCP" { whole_call tcp; }

@test "linphone is hung up on after the last word" {
  audio make noise last.wav --seconds 2 --seed 4
  start_sipd --bridge play:last.wav
  start_linphone
  say linphone 'record rec.wav'
  say linphone "call sip:100@127.0.0.1:$PORT"
  wait_line sipd 'event=call.end.*by=us' 20
  wait_line linphone 'ended' 10
  heard last.wav "$(only_recording)" 1 out
  sent_by_us "$(only_recording)" sent.wav
  heard last.wav sent.wav 0 out
  say linphone quit
  finish linphone 20
  heard_by_phone last.wav rec.wav
}
