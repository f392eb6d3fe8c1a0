# sipp against talky-sipd: signalling to the letter, many at once, UDP and TCP, IPv4 and IPv6.
# ctest: cost=120
load lib
load phones

setup() {
  common_setup
  need sipp sox
}

@test "a call over UDP: the sound arrives whole, and comes back" {
  make_signal 2
  start_sipd
  sipp_clean call -d 5000 # it says BYE then, whether it has said all or not
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  wav=$(only_recording)
  heard signal.wav "$wav" 0 in
  [ "$(excused in)" -gt 0 ] || audio find signal.wav "$wav" --channel 0 --at-least 0.99 --whole --lag "0..$((500 + $(arrived --to begin_ms)))"
  heard signal.wav "$wav" 1 in out
  [ "$(call_ends cause=hangup)" -eq 1 ]
  grep -q 'in_lost=0' "$T/sipd.err"
}

@test "a call over TCP, and over IPv6" {
  make_signal 1
  start_sipd
  sipp_clean call -t t1 -d 4000
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  heard signal.wav "$(only_recording)" 0 in
  rm -rf calls
  PORT=$(free_port)
  start_sipd --listen "[::1]:$PORT" --listen "127.0.0.1:$PORT"
  PORT=$(sed -n 's/.*listen="\{0,1\}\[::1\]:\([0-9]*\).*/\1/p' "$T/sipd.err" | head -1)
  HOST='[::1]' sipp_clean call -d 4000
  HOST='[::1]' sipp_clean call -t t1 -d 500
  two_ended() { [ "$(call_ends)" -eq 2 ]; }
  wait_for 5 two_ended
  stop sipd
  heard signal.wav "$(ls -S calls/*.wav | head -1)" 0 in
}

@test "thirty calls at once, each with its own recording" {
  make_signal 1
  start_sipd
  sipp_clean call -m 30 -l 30 -r 30 -d 4000
  stop sipd
  [ "$(call_ends cause=hangup)" -eq 30 ]
  [ "$(find calls -name '*.wav' | wc -l)" -eq 30 ]
  for wav in calls/*.wav; do
    heard_as_it_came signal.wav "$wav" >found || { cat found; return 1; }
  done
}

@test "a daemon that is kept from running for 80 ms, three times, loses nothing that came meanwhile" {
  make_signal 2
  start_sipd
  (
    wait_line sipd event=call.start
    for _ in 1 2 3; do
      kill -STOP "${PIDS[sipd]}"
      sleep 0.08
      kill -CONT "${PIDS[sipd]}"
      sleep 0.3
    done
  ) 3>&- &
  local stopper=$!
  sipp_clean call -d 6000
  wait "$stopper"
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  # The loop saw that it was late. What was said in that time had waited in the socket.
  grep -Eq 'late_ticks=([3-9]|[1-9][0-9])' sipd.err
  heard_as_it_came signal.wav "$(only_recording)"
}

@test "the other side hangs up when the file has been played, to its last word" {
  make_signal 1
  audio make noise last.wav --seconds 1.5 --seed 9
  start_sipd --bridge play:last.wav
  sipp_clean hung_up_on
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  heard last.wav "$(only_recording)" 1 out
}

@test "hold in all its forms and back: the right answers, no packet of ours meanwhile, and the sound goes on where it should" {
  make_signal 1
  start_sipd
  sipp_clean hold -d 1500
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  [ "$(call_ends cause=hangup)" -eq 1 ]
  stop sipd
  wav=$(only_recording)
  port=$(sed -n '/event=call.start/s/.* rtp_port=\([0-9]*\).*/\1/p' sipd.err)
  # sendonly, inactive, 0.0.0.0; in the second form the caller has said that he sends nothing, either.
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/hold.py" "$wav" --port "$port" --forms 2:heard,3:deaf,4:heard --resume 5 \
    --rtp witness.1.packets --stalled "$(witnessed stalled)"
  # After it the echo is the caller's sound again, of now and not of then: his signal comes round once a second. The jitter
  # buffer began anew, and may cut its delay once.
  sox "$wav" after.wav trim -1.9 1.8
  sox signal.wav piece.wav trim 0.1 0.6
  audio pieces piece.wav after.wav --channel 1 --at-least 0.98 --broken $(($(excused in out) + 1))
  sox after.wav -c 1 left.wav remix 1
  sox left.wav round.wav trim 0.3 0.6
  [ "$(excused out)" -gt 0 ] || audio find round.wav after.wav --channel 1 --lag 300..302
}

@test "late offer, UPDATE, OPTIONS, CANCEL, 486" {
  make_signal 1
  start_sipd --ring 1000 --route '100=echo' --route '486=reject:486'
  sipp_clean late_offer -d 4000
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  recording=$(only_recording)
  wait_for 5 grep -q '"end"' "${recording%.wav}.jsonl"
  heard signal.wav "$recording" 0 in
  sipp_clean update -d 300
  sipp_clean options -d 100
  stop sipd
  start_sipd --ring 30000 --route '486=reject:486' # it is to ring still when the CANCEL comes
  sipp_clean cancel
  sipp_clean refused -s 486
}

@test "DTMF by INFO reaches the journal, another body gets 415" {
  start_sipd
  sipp_clean info -d 300
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  run -0 cat calls/*.jsonl "$T/sipd.err"
  [[ $output == *dtmf*5* && $output == *dtmf*#* ]]
}

@test "a 200 that is never acknowledged is sent again, and ends in a BYE" {
  start_sipd
  sipp_clean lost_ack -timeout 90
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  [ "$(call_ends cause=no_ack)" -eq 1 ]
}

@test "REGISTER: open, with digest, with a wrong password" {
  start_sipd
  sipp_clean register_open
  sipp_clean register_open -t t1
  stop sipd
  printf 'alice:secret\n' >users
  chmod 600 users
  start_sipd --users users
  sipp_clean register -s alice -au alice -ap secret
  sipp_clean register -s alice -au alice -ap secret -t t1
  sipp_clean wrong_password -s alice -au alice -ap guess
  sipp_clean wrong_password -s mallory -au mallory -ap secret
}

@test "bad requests get the right answers, and the next call goes through" {
  make_signal 1
  start_sipd
  for bad in bad_version bad_method bad_extension bad_scheme bad_body bad_codec bad_dialog; do
    sipp_clean "$bad"
  done
  sipp_clean call -d 1300
}
