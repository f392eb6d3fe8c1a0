# Helpers for sipd*.bats: talky-sipd with a SIP client of our own (sip_client.py). `load lib` comes first.
# shellcheck shell=bash disable=SC2034

client() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "$SERVER" "$@"; }
json() { /usr/bin/python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
sipd() { start_sipd "$@" && SERVER=127.0.0.1:$PORT; }
# The log is written by a thread of its own: a line may come a little after what it tells of.
log_has() { wait_line sipd "$1"; }
# What was said came back to the caller whole: by way of the bridge, or only of the bridges in this process (echo).
heard_back() { heard "$1" "$2" 0 in out "${@:3}"; }
# What the caller counted: nothing was lost, and no gap without a reason.
unbroken() {
  wait_for 10 all_ended || return 1
  [ "$(json "$1" 'd["lost"]')" -eq 0 ] && [ "$(json "$1" 'd["gaps"]')" -le "$(witnessed gaps)" ] || { echo "$1"; return 1; }
}
fake() { printf '%s/tests/tools/fake_agent.py' "$TALKY_SOURCE"; }
