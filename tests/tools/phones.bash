# Helpers for the phones_*.bats: sipp, baresip and linphone against talky-sipd.
# shellcheck shell=bash disable=SC2034

# A mu-law signal for sipp's rtp_stream and the WAV to find again: signal.ulaw, signal.wav in the current folder.
make_signal() {
  audio make noise signal.wav --seconds "${1:-2}" --seed "${2:-1}"
  sox -D signal.wav -t ul -c 1 -r 8000 signal.ulaw
}

# sipp SCENARIO [sipp options]: against $HOST:$PORT; its counters are in $OK and $FAILED. Its exit code says nothing.
sipp_run() {
  local name=$1 local_ip=${HOST:-127.0.0.1}
  shift
  local_ip=${local_ip#[} local_ip=${local_ip%]}
  rm -f "$name.csv"
  sipp "${HOST:-127.0.0.1}:$PORT" -sf "$TALKY_SOURCE/tests/tools/phones/$name.xml" -i "$local_ip" -p "$(free_port 2)" \
    -mi "$local_ip" -mp "$(free_port 64)" -s 100 -nostdin -timeout 60 -timeout_error \
    -trace_stat -stf "$name.csv" -fd 1 -trace_err -error_file "$name.errors" -m 1 "$@" >"$name.screen" 2>&1 3>&- </dev/null || true
  if [ ! -s "$name.csv" ]; then
    cat "$name.screen" "$name.errors" 2>/dev/null
    return 1
  fi
  read -r OK FAILED < <(/usr/bin/python3 - "$name.csv" <<'PY'
import csv, sys
row = list(csv.DictReader(open(sys.argv[1]), delimiter=";"))[-1]
print(row["SuccessfulCall(C)"], row["FailedCall(C)"])
PY
  )
}

# The same, and every call must have gone as the scenario says.
sipp_clean() {
  local wanted=1 previous='' arg
  for arg in "$@"; do
    [ "$previous" = -m ] && wanted=$arg
    previous=$arg
  done
  sipp_run "$@" || return 1
  if [ "$OK" != "$wanted" ] || [ "$FAILED" != 0 ]; then
    echo "$1: $OK of $wanted calls went well, $FAILED failed"
    tail -n 60 "$1.errors" 2>/dev/null
    dump_logs
    return 1
  fi
}

# Lines of sipd's log: ended_calls; call_ends KEY=VALUE counts those that hold it.
call_ends() { grep 'event=call.end' "$T/sipd.err" | grep -c -- "${1:-event}" || true; }
