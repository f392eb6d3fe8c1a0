# Helpers for the shell tests of the tools: `load lib` at the top of a .bats file. Bash, not sh.
# shellcheck shell=bash disable=SC2015,SC2034
#
#   start NAME COMMAND...      in the background; output in $T/NAME.out and $T/NAME.err; its pid in ${PIDS[NAME]}
#   wait_for SECONDS COMMAND   until COMMAND succeeds; fails with the logs of all that was started. SECONDS are what it takes on
#                              a machine that does nothing else; PATIENCE times that is given, here and in stop and finish
#   wait_line NAME PATTERN [SECONDS]   until a line of NAME's output matches (grep -E)
#   stop NAME [SIGNAL]         and waits; its exit code is in $status
#   free_port [COUNT]          the first of so many loopback ports, each free for UDP and TCP, on IPv4 and IPv6, and not
#                              one of the last eight such ranges of the test
#   start_sipd [options]       talky-sipd on $PORT, ready to take calls; see below
#   heard SAID HEARD CHANNEL WAY...   what was said is heard whole, as well as the packets on that way allow
#   audio ...                  tests/tools/audio.py: makes signals, finds them in recordings
#
# Everything started is stopped, by its pid, when the test ends. Each test has its own folder $T.

bats_require_minimum_version 1.5.0

TALKY_SOURCE=${TALKY_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
TALKY_BIN=${TALKY_BIN:-$TALKY_SOURCE/build/dev/bin}
PATH=$TALKY_BIN:$PATH
declare -gA PIDS=()
PATIENCE=6
# What keeps time comes before what computes, where that is allowed: a suite is not late by its own doing.
AT_ONCE=()
[ -n "$(nice -n -5 true 2>&1)" ] || AT_ONCE=(nice -n -5)

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
  # Here and not in the child: until that runs, who waits for a line would read those of one before it.
  : >"$T/$name.out" 2>"$T/$name.err"
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
  reap "$name" $((15 * PATIENCE)) || { echo "$name does not end on SIG$signal"; dump_logs; return 1; }
  status=0
  wait "${PIDS[$name]}" || status=$?
  unset "PIDS[$name]"
}

# Waits for a program that ends by itself; its exit code is in $status.
finish() {
  local name=$1 seconds=${2:-30}
  reap "$name" $((seconds * PATIENCE)) || { echo "$name has not ended after $seconds s"; dump_logs; return 1; }
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
  local seconds=$1 end
  shift
  end=$((SECONDS + seconds * PATIENCE))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS <= end)) || { echo "waited $seconds s in vain for: $*"; dump_logs; return 1; }
    sleep 0.02
  done
}

wait_line() { wait_for "${3:-10}" grep -Eq -- "$2" "$T/$1.err" "$T/$1.out"; }

free_port() {
  /usr/bin/python3 - "${1:-1}" "$T/given.ports" <<'PY'
import pathlib, random, socket, sys
given = pathlib.Path(sys.argv[2])
lines = given.read_text().splitlines() if given.exists() else []
taken = {int(port) for line in lines[-8:] for port in line.split()}
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
    ports = range(base, base + count)
    if taken.isdisjoint(ports) and all(map(free, ports)):
        with given.open("a") as file: print(*ports, file=file)
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
  start_witness "$rtp" 400 || return 1
  start sipd "${AT_ONCE[@]}" talky-sipd "${defaults[@]}" --rtp-ports "$rtp-$((rtp + 399))" "$@" || return 1
  wait_line sipd 'event=ready( |$)'
}

audio() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/audio.py" "$@"; }

# Whatever runs here may be kept from running for a while, and then sound is late, or makes room for silence. What is heard
# must be whole but for as many pieces of 100 ms as were in the way of that, and where nobody was late, altogether. Who was late
# is never asked of talky-sipd, which could excuse itself: a witness beside it (witness.py) has the packets on the loopback
# interface with the kernel's time stamps, and the kernel's account of who waited for a processor.

# start_witness PORT COUNT: a witness of these ports, and of what this test runs.
start_witness() {
  local name
  WITNESSES=$((${WITNESSES:-0} + 1)) name=witness.$WITNESSES
  start "$name" /usr/bin/python3 "$TALKY_SOURCE/tests/tools/witness.py" watch "$T/$name" "$1" "$2" $$ || return 1
  echo "$1 $2" >"$T/$name.ports"
  echo "${PIDS[$name]}" >"$T/$name.pid"
  wait_line "$name" watching
}
witnessed() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/witness.py" tell "$T/witness" "$@"; }

# excused WAY...: how many pieces may be missing from what went, all together
#   in      from the caller to us: for a packet that was sent late, or not at all, 3 (a gap, and what makes up for it)
#   agent   from the agent to us: for a hole in what it said, before which somebody here was kept from running, 2
#   out     from us to the caller: for a gap in our stream before which we were kept from running, 2
#   phone   from us to a caller who plays it as it comes: for a packet that left late when we were kept from running, 3
# WAY:PORT says it of the calls on one RTP port of ours.
excused() { witnessed "$@"; }

# What talky-sipd says: the sum of a field over the lines at the end of calls. It is asserted, and excuses nothing.
counted() { grep event=call.end "$T/sipd.err" | grep -Eo " $1=[0-9]+" | awk -F= '{ sum += $2 } END { print sum + 0 }'; }
# The sum of one field of arrivals.py over the pcaps that talky-sipd kept of its calls, --to us or --from us.
arrived() {
  local way=$1 field=$2 uuid port all sum=0
  while read -r uuid port; do
    [ -s "$T/calls/$uuid.pcap" ] || continue
    all=$(/usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "$T/calls/$uuid.pcap" "$way" "$port") || continue
    all=" $all" all=${all##* "$field"=} sum=$((sum + ${all%% *}))
  done < <(sed -En "/event=call.(start|transferred) /s/.* rtp_port=([0-9]+).* call=([-0-9a-f]*).*/\\2 \\1/p" "$T/sipd.err")
  echo "$sum"
}
# rtp_port UUID: where talky-sipd says that this call has its sound.
rtp_port() { sed -n "/event=call.start.*call=$1/s/.* rtp_port=\([0-9]*\).*/\1/p" "$T/sipd.err"; }

# Calls have ended, and what was recorded of them is on the disk.
all_ended() {
  [ "$(grep -c event=call.end "$T/sipd.err")" -ge "$(grep -c event=call.start "$T/sipd.err")" ] &&
    ! find "/proc/${PIDS[sipd]:-0}/fd" -printf '%l\n' 2>/dev/null | grep -Eq "$T/calls/.*\.(wav|pcap|jsonl)$"
}

# heard SAID.wav HEARD.wav CHANNEL WAY...: HEARD holds all of SAID but for what is excused. For calls that have ended.
heard() {
  local said=$1 file=$2 channel=$3 excused
  shift 3
  wait_for 10 all_ended || return 1
  excused=$(excused "$@")
  audio pieces "$said" "$file" --channel "$channel" --at-least 0.98 --broken "$excused" ||
    { echo "$said in $file: at most $excused pieces may be broken"; grep event=call.end "$T/sipd.err"; return 1; }
}

# As heard, of one call among many, from the caller to his side of its recording.
heard_as_it_came() {
  local excused
  excused=$(excused "in:$(rtp_port "$(basename "$2" .wav)")")
  audio pieces "$1" "$2" --at-least 0.98 --broken "$excused" || { echo "$2: at most $excused"; return 1; }
}

# sent_by_us CALL.wav OUT.wav: what our packets of that call held, each at the place of its timestamp, from its pcap.
sent_by_us() {
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" "${1%.wav}.pcap" --from "$(rtp_port "$(basename "$1" .wav)")" --extract "$2"
}

# The one recording that is there.
only_recording() {
  local files=("$T"/calls/*.wav)
  [ ${#files[@]} -eq 1 ] && [ -f "${files[0]}" ] || { echo "recordings: ${files[*]}"; return 1; }
  echo "${files[0]}"
}
