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

@test "audio.py: a true copy is whole to its last piece, whatever stands beside it, and 5 ms less at its end are missed" {
  audio make noise long.wav --seconds 9 --rate 16000 --seed 3 # quiet at its end, loud where it begins
  audio make noise other.wav --seconds 1 --rate 16000 --seed 8
  audio make silence pad.wav --seconds 0.3 --rate 16000
  for around in pad.wav other.wav; do
    sox "$around" long.wav "$around" whole.wav
    run -0 audio pieces long.wav whole.wav --at-least 0.999
    sox long.wav part.wav trim 2 3
    run -0 audio pieces part.wav whole.wav --at-least 0.999
    run -0 audio same long.wav whole.wav
    sox long.wav short.wav trim 0 -0.005
    sox "$around" short.wav "$around" less.wav
    run -1 audio pieces long.wav less.wav --at-least 0.98
    run -1 audio same long.wav less.wav
  done
  # Ticks of silence may stand between, no more and no less.
  sox long.wav one.wav trim 0 3.2
  sox long.wav two.wav trim 3.2
  sox one.wav pad.wav two.wav pad.wav both.wav
  run -0 audio same long.wav both.wav
  sox pad.wav half.wav trim 0 0.01
  sox one.wav half.wav two.wav pad.wav both.wav
  run -1 audio same long.wav both.wav
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
