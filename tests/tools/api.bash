# Helpers for sipd_api.bats and its like: talky-sipd with its HTTP API. `load lib` comes first.
# shellcheck shell=bash disable=SC2034

client() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "127.0.0.1:$PORT" "$@"; }
api_client() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/api_client.py" "$@"; }
json() { /usr/bin/python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(eval(sys.argv[2], {"d": d}))' "$1" "$2"; }
# A daemon with the API on a free port: API is its URL.
sipd() {
  [[ " $* " == *" --http "* ]] || set -- --http 127.0.0.1:0 "$@"
  start_sipd "$@" || return 1
  API=http://$(sed -n 's/.*event=ready.* http=\([^ ]*\).*/\1/p' sipd.err)
  [ "$API" != http:// ] || { cat sipd.err; return 1; }
}
# get PATH [curl options]: the body; STATUS PATH [...]: the code alone.
get() { local path=$1; shift; curl -sS --max-time 20 "$@" "$API$path"; }
code() { local path=$1; shift; curl -sS --max-time 20 -o answer -w '%{http_code}' "$@" "$API$path"; }
# A problem document with that status.
refused() {
  local want=$1 got
  shift
  got=$(code "$@")
  [ "$got" = "$want" ] || { echo "$*: $got"; cat answer; return 1; }
  [ "$(json "$(cat answer)" 'd["status"], d["type"], sorted(d)')" = "($want, 'about:blank', ['detail', 'status', 'title', 'type'])" ]
}
# A call that goes on for so many seconds; CALL is its id.
call() {
  local seconds=$1
  shift
  start phone /usr/bin/python3 "$TALKY_SOURCE/tests/tools/sip_client.py" --server "127.0.0.1:$PORT" call 100 --seconds "$seconds" "$@"
  wait_for 10 one_active
  CALL=$(json "$(get /api/v1/sip/calls)" 'd["calls"][0]["id"]')
}
# Waits until all that was to be said in $CALL has left us: the queue, and what is in the resampler behind it.
all_left_us() {
  local before
  is_played() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["queued_ms"] < 20')" = True ]; }
  packets_out() { json "$(get "/api/v1/sip/calls/$CALL")" 'd["quality"]["out"]["packets"]'; }
  ten_more() { [ "$(packets_out)" -ge $((before + 10)) ]; }
  wait_for 20 is_played || return 1
  before=$(packets_out)
  wait_for 10 ten_more
}
one_active() { [ "$(json "$(get /api/v1/sip/calls)" '[c["state"] for c in d["calls"]]')" = "['active']" ]; }
no_calls() { [ "$(json "$(get /api/v1/sip/calls)" 'd["calls"]')" = '[]' ]; }
state() { json "$(get /api/v1/sip/status)" 'd["state"]'; }
state_is() { [ "$(state)" = "$1" ]; }
