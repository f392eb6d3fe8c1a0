# Helpers for sipd*.bats: talky-sipd with a SIP client of our own (sip_client.py). `load lib` comes first.
# shellcheck shell=bash disable=SC2034

client() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "$SERVER" "$@"; }
json() { /usr/bin/python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
sipd() { start_sipd "$@" && SERVER=127.0.0.1:$PORT; }
log_has() { grep -Eq -- "$1" sipd.err || { echo "no line: $1"; cat sipd.err; return 1; }; }
# First word, last word and what lies between, each for itself: where the machine is slow, the jitter buffer may
# stretch a pause in between, and that is its right. An agent of another process that is late by a tick leaves 20 ms of
# silence in the middle of a word, which moves what follows: then each 100 ms is looked for by itself, and at most
# three of ten may hold such a place; none may be missing at either end.
heard_whole() {
  local length part
  length=$(soxi -D "$1")
  for part in "0 0.25" "0.6 0.25" "=$(/usr/bin/python3 -c "print($length-0.25)") 0.25"; do
    sox "$1" piece.wav trim $part
    audio find piece.wav "$2" ${3:+--channel $3} --at-least 0.9 --whole && continue
    audio pieces "$1" "$2" ${3:+--channel $3} --broken "$(/usr/bin/python3 -c "print(int($length*3))")" || return 1
    break
  done
}
fake() { printf '%s/tests/tools/fake_agent.py' "$TALKY_SOURCE"; }
