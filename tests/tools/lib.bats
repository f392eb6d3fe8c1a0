# The helpers themselves: a correlation that finds everything proves nothing.
load lib

@test "audio.py finds a signal where it is, through mu-law" {
  audio make noise needle.wav --seconds 1.5
  audio make silence pad.wav --seconds 0.7
  sox pad.wav needle.wav pad.wav -e mu-law hay.wav
  sox hay.wav -e signed -b 16 -r 16000 hay16.wav gain -6
  run -0 audio find needle.wav hay16.wav --at-least 0.98 --lag 698..702 --whole
  [[ $output == *gain_db=-6.* || $output == *gain_db=-5.9* ]]
}

@test "audio.py does not find what is not there" {
  audio make noise needle.wav --seconds 1
  audio make noise other.wav --seconds 3 --seed 2
  run -1 audio find needle.wav other.wav --at-least 0.5
}

@test "audio.py sees that the start is clipped" {
  audio make noise needle.wav --seconds 1
  sox needle.wav hay.wav trim 0.1
  run -1 audio find needle.wav hay.wav --at-least 0.9 --whole
  [[ $output == *lag_ms=-100.* || $output == *lag_ms=-99.9* ]]
}

@test "audio.py tells silence from sound" {
  audio make tone tone.wav --seconds 1 --level -12
  audio make silence pad.wav --seconds 0.5
  sox pad.wav tone.wav both.wav
  run -0 audio lead both.wav
  [[ ${output%.*} -ge 500 && ${output%.*} -le 502 ]]
  run -0 audio level both.wav --to 0.5 --below -80
  run -0 audio level both.wav --from 0.5 --above -13 --below -11
}

@test "a started program is stopped by its pid, and its exit code is seen" {
  start sleeper bash -c 'trap "exit 7" TERM; echo ready; while :; do read -r -t 0.05 <> <(:) || :; done'
  wait_line sleeper ready
  stop sleeper
  [ "$status" -eq 7 ]
}

@test "wait_for gives up" {
  PATIENCE=1 run ! wait_for 1 false
  [[ $output == *"in vain"* ]]
}

@test "a name is one program's at a time" {
  start one sleep 60
  run -1 start one sleep 60
  [[ $output == "one runs already"* ]]
  stop one
  start one true
  finish one
  start one sleep 60
  kill -KILL "${PIDS[one]}"
  wait "${PIDS[one]}" || true
  start one sleep 60 # what has ended by itself is not in the way
}
