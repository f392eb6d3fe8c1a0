# Helpers for transcode*.bats. `load lib` comes first.
# shellcheck shell=bash disable=SC2154

same() { cmp "$1" "$2"; }
# One line on stderr that names the program and says what is wrong, the exit code, and nothing left behind.
refuses() {
  local code=$1 words=$2
  shift 2
  run --separate-stderr "$@"
  echo "exit $status, stdout: ${output:0:80}, stderr: $stderr"
  [ "$status" -eq "$code" ] || return 1
  [ "$(wc -l <<<"$stderr")" -eq 1 ] || return 1
  [[ $stderr == talky-transcode:* && $stderr == *"$words"* ]] || return 1
  [ -z "$(find . -name '*.part')" ]
}
