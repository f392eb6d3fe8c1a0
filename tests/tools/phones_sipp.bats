# sipp against talky-sipd: signalling to the letter, many at once, UDP and TCP, IPv4 and IPv6.
# ctest: timeout=300
load lib
load phones

setup() {
  common_setup
  need sipp sox
}

@test "a call over UDP: the sound arrives whole, and comes back" {
  make_signal 2
  start_sipd
  sipp_clean call -d 2600
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  wav=$(only_recording)
  audio find signal.wav "$wav" --channel 0 --at-least 0.99 --lag 0..500 --whole
  audio find signal.wav "$wav" --channel 1 --at-least 0.99 --lag 0..500
  [ "$(call_ends cause=hangup)" -eq 1 ]
  grep -q 'in_lost=0' "$T/sipd.err"
}

@test "a call over TCP, and over IPv6" {
  make_signal 1
  start_sipd
  sipp_clean call -t t1 -d 1500
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  audio find signal.wav "$(only_recording)" --at-least 0.99 --whole
  stop sipd
  rm -rf calls
  PORT=$(free_port)
  start_sipd --listen "[::1]:$PORT" --listen "127.0.0.1:$PORT"
  PORT=$(sed -n 's/.*listen="\{0,1\}\[::1\]:\([0-9]*\).*/\1/p' "$T/sipd.err" | head -1)
  HOST='[::1]' sipp_clean call -d 1500
  HOST='[::1]' sipp_clean call -t t1 -d 500
  wait_for 5 test "$(call_ends)" -eq 2
  audio find signal.wav "$(find calls -name '*.wav' -size +60k | head -1)" --at-least 0.99 --whole
}

@test "thirty calls at once, each with its own recording" {
  make_signal 1
  start_sipd
  sipp_clean call -m 30 -l 30 -r 30 -d 1500
  stop sipd
  [ "$(call_ends cause=hangup)" -eq 30 ]
  [ "$(find calls -name '*.wav' | wc -l)" -eq 30 ]
  # Each call has its sound, and most have it whole. Not all must: on a busy machine one in some sixty comes out stretched or
  # with a gap, and whether sipp's pacing or the jitter buffer is to blame is not known. Whole calls are asserted above.
  local whole=0
  for wav in calls/*.wav; do
    audio find signal.wav "$wav" --at-least 0.4 >found || { echo "$wav"; cat found; return 1; }
    if audio find signal.wav "$wav" --at-least 0.99 >found; then whole=$((whole + 1)); fi
  done
  echo "$whole of 30 whole"
  [ "$whole" -ge 24 ]
}

@test "the other side hangs up when the file has been played, to its last word" {
  make_signal 1
  audio make noise last.wav --seconds 1.5 --seed 9
  start_sipd --bridge play:last.wav
  sipp_clean hung_up_on
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  stop sipd
  audio find last.wav "$(only_recording)" --channel 1 --at-least 0.99 --whole
}

@test "hold in all its forms and back: each re-INVITE gets the direction that answers it" {
  make_signal 1
  start_sipd
  sipp_clean hold -d 1300
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  [ "$(call_ends cause=hangup)" -eq 1 ]
}

@test "late offer, UPDATE, OPTIONS, CANCEL, 486" {
  make_signal 1
  start_sipd --ring 1000 --route '100=echo' --route '486=reject:486'
  sipp_clean late_offer -d 1300
  wait_for 5 grep -q event=call.end "$T/sipd.err"
  audio find signal.wav "$(only_recording)" --at-least 0.99 --whole
  sipp_clean update -d 300
  sipp_clean options -d 100
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
  [ "$(call_ends cause=no-ack)" -eq 1 ]
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
