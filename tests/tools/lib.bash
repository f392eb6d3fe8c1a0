# Helpers for the shell tests of the tools: `load lib` at the top of a .bats file. Bash, not sh.
# shellcheck shell=bash disable=SC2015,SC2034
#
#   start NAME COMMAND...      in the background; output in $T/NAME.out and $T/NAME.err; its pid in ${PIDS[NAME]}
#   wait_for SECONDS COMMAND   until COMMAND succeeds; fails with the logs of all that was started
#   wait_line NAME PATTERN [SECONDS]   until a line of NAME's output matches (grep -E)
#   stop NAME [SIGNAL]         and waits; its exit code is in $status
#   free_port                  a loopback port that is free for UDP and TCP, on IPv4 and IPv6
#   start_sipd [options]       talky-sipd on $PORT, ready to take calls; see below
#   heard_as_it_came SAID CALL   the recording holds what the caller said, as well as his packets allow
#   audio ...                  tests/tools/audio.py: makes signals, finds them in recordings
#
# Everything started is stopped, by its pid, when the test ends. Each test has its own folder $T.

bats_require_minimum_version 1.5.0

TALKY_SOURCE=${TALKY_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
TALKY_BIN=${TALKY_BIN:-$TALKY_SOURCE/build/dev/bin}
PATH=$TALKY_BIN:$PATH
declare -gA PIDS=()

setup() { common_setup; }
teardown() { common_teardown; }

common_setup() {
  T=$BATS_TEST_TMPDIR
  cd "$T" || return 1
  export HOME=$T XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/config XDG_RUNTIME_DIR=$T NO_COLOR=1
}

common_teardown() {
  local name
  for name in "${!PIDS[@]}"; do
    kill -TERM "${PIDS[$name]}" 2>/dev/null || true
  done
  for name in "${!PIDS[@]}"; do
    reap "$name" 5 || { kill -KILL "${PIDS[$name]}" 2>/dev/null; wait "${PIDS[$name]}" 2>/dev/null || true; }
  done
  PIDS=()
}

# Waits up to so many seconds for a started program to end.
reap() {
  local ticks=$(($2 * 50))
  while kill -0 "${PIDS[$1]}" 2>/dev/null; do
    ((ticks-- > 0)) || return 1
    sleep 0.02
  done
  return 0
}

# A tool that is not built, or a peer that is not installed, is a failure: a test that skips proves nothing.
need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$tool is missing (scripts/setup --test; build first)"; return 1; }
  done
}

# A name is one program's at a time: two under one name, and the first would outlive the test.
is_free() {
  local state=Z
  [ -z "${PIDS[$1]:-}" ] || read -r _ _ state _ <"/proc/${PIDS[$1]}/stat" || state=Z
  [ "$state" = Z ] || { echo "$1 runs already: stop it first"; return 1; }
} 2>/dev/null

start() {
  local name=$1
  is_free "$name" || return 1
  shift
  # fd 3 is bats' own; a daemon that holds it keeps bats waiting.
  "$@" >"$T/$name.out" 2>"$T/$name.err" 3>&- </dev/null &
  PIDS[$name]=$!
}

# As start, with a pipe to the program's standard input: say NAME TEXT writes a line to it.
start_talking() {
  local name=$1
  is_free "$name" || return 1
  shift
  mkfifo "$T/$name.in"
  "$@" >"$T/$name.out" 2>"$T/$name.err" 3>&- <"$T/$name.in" &
  PIDS[$name]=$!
  exec {fd}>"$T/$name.in"
  printf -v "SAY_$name" %s "$fd"
}
say() {
  local fd=SAY_$1
  printf '%s\n' "$2" >&"${!fd}"
}

stop() {
  local name=$1 signal=${2:-TERM}
  kill "-$signal" "${PIDS[$name]}" 2>/dev/null || true
  reap "$name" 15 || { echo "$name does not end on SIG$signal"; dump_logs; return 1; }
  status=0
  wait "${PIDS[$name]}" || status=$?
  unset "PIDS[$name]"
}

# Waits for a program that ends by itself; its exit code is in $status.
finish() {
  local name=$1 seconds=${2:-30}
  reap "$name" "$seconds" || { echo "$name has not ended after $seconds s"; dump_logs; return 1; }
  status=0
  wait "${PIDS[$name]}" || status=$?
  unset "PIDS[$name]"
}

dump_logs() {
  local file
  for file in "$T"/*.err "$T"/*.out "$T"/*.log; do
    [ -s "$file" ] || continue
    echo "--- $(basename "$file")"
    tail -n 40 "$file"
  done
}

wait_for() {
  local seconds=$1 ticks
  shift
  ticks=$((seconds * 50))
  until "$@" >/dev/null 2>&1; do
    ((ticks-- > 0)) || { echo "waited $seconds s in vain for: $*"; dump_logs; return 1; }
    sleep 0.02
  done
}

wait_line() { wait_for "${3:-10}" grep -Eq -- "$2" "$T/$1.err" "$T/$1.out"; }

free_port() {
  /usr/bin/python3 - "${1:-1}" <<'PY'
import random, socket, sys
def free(port):
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as s:
                try: s.bind((host, port))
                except OSError: return False
    return True
# Below the range from which the system takes ports for outgoing sockets, so that none slips in between.
count = int(sys.argv[1])
while True:
    base = random.randrange(10000, 32000, 2)
    if all(free(base + i) for i in range(count)):
        print(base); break
PY
}

# A daemon on a free port, with RTP ports of its own, recording into $T/calls. PORT is set. Options are added; one
# that is given takes the place of the one here.
start_sipd() {
  need talky-sipd || return 1
  PORT=$(free_port)
  local rtp defaults=()
  rtp=$(free_port 400)
  [[ " $* " == *" --listen "* ]] || defaults+=(--listen "127.0.0.1:$PORT")
  [[ " $* " == *" --bridge "* ]] || defaults+=(--bridge echo)
  [[ " $* " == *" --record "* ]] || defaults+=(--record "$T/calls")
  [[ " $* " == *" --http "* ]] || defaults+=(--http '')
  start sipd talky-sipd "${defaults[@]}" --rtp-ports "$rtp-$((rtp + 399))" "$@" || return 1
  wait_line sipd 'ready|listening' 10
}

audio() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/audio.py" "$@"; }

# heard_as_it_came SAID.wav CALL.wav: the caller's side of a recording holds what he said, as well as his packets allow.
# Where all of them were punctual (the call's pcap says when the kernel had them) it is whole: correlation 0.99. Where the
# sender was late itself, every late packet may cost three pieces of 100 ms (a gap, and what makes up for it); all others
# are whole. So the test is as hard as it can be, and does not depend on how busy the machine is.
heard_as_it_came() {
  local uuid port punctual late
  uuid=$(basename "$2" .wav)
  port=$(sed -n "/event=call.start.*call=$uuid/s/.* rtp_port=\([0-9]*\).*/\1/p" "$T/sipd.err")
  punctual=$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "${2%.wav}.pcap" --to "$port") || return 1
  late=${punctual##*late=} late=${late%% *}
  if [ "$late" -eq 0 ]; then
    audio find "$1" "$2" --channel 0 --at-least 0.99 --whole
  else
    audio pieces "$1" "$2" --channel 0 --broken $((3 * late))
  fi || { echo "$2: $punctual"; return 1; }
}

# Packets to us that came late (more than 10 ms behind the fastest), of all calls of this test that were recorded; with
# --from those of ours that left late.
late_packets() {
  local way=${1:---to} uuid port punctual late sum=0
  while read -r uuid port; do
    [ -s "$T/calls/$uuid.pcap" ] || continue
    punctual=$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "$T/calls/$uuid.pcap" "$way" "$port") || continue
    late=${punctual##*late=} sum=$((sum + ${late%% *}))
  done < <(sed -n '/event=call.start/s/.* rtp_port=\([0-9]*\).* call=\([-0-9a-f]*\).*/\2 \1/p' "$T/sipd.err")
  echo "$sum"
}

# sent_by_us CALL.wav OUT.wav: what our packets of that call held, each at the place of its timestamp, from its pcap.
sent_by_us() {
  local port
  port=$(sed -n "/event=call.start.*call=$(basename "$1" .wav)/s/.* rtp_port=\([0-9]*\).*/\1/p" "$T/sipd.err")
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "${1%.wav}.pcap" --from "$port" --extract "$2"
}

# The one recording that is there.
only_recording() {
  local files=("$T"/calls/*.wav)
  [ ${#files[@]} -eq 1 ] && [ -f "${files[0]}" ] || { echo "recordings: ${files[*]}"; return 1; }
  echo "${files[0]}"
}
