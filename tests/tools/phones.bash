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

# ---- baresip: start_baresip [account parameters, e.g. ';transport=tcp']; it speaks in.wav (8 kHz) and keeps what it
# hears in dump-*-dec.wav. Commands: baresip_do dial|hold|resume|hangup|sndcode|quit ...
start_baresip() {
  need baresip || return 1
  local host=${HOST:-127.0.0.1}
  CONTROL=$(free_port)
  mkdir -p bs
  cat >bs/config <<CONFIG
poll_method epoll
sip_listen ${host%]}${host:+}$([ "${host#[}" = "$host" ] || echo ']'):0
audio_source aufile,$T/in.wav
audio_player aufile,/dev/null
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports $(free_port 40)-31999
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
snd_path $T
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:$CONTROL
CONFIG
  echo "<sip:alice@$host:$PORT${1:-}>;auth_pass=secret;regint=60;audio_codecs=PCMU" >bs/accounts
  start baresip baresip -f bs
  wait_line baresip 'baresip is ready' 10
  wait_line baresip '200 OK \(\)|binding' 10
}
# spoken SECONDS: so much of what the telephone says has come, of its one call.
spoken() { [ "$(arrived --to packets)" -ge "$(/usr/bin/python3 -c "print(int($1 * 50))")" ]; }
# has_said SAID: its last 200 ms have come.
has_said() {
  local port
  sox "$1" said_end.wav trim -0.2
  port=$(sed -n '/event=call.start/s/.* rtp_port=\([0-9]*\).*/\1/p' "$T/sipd.err")
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/arrivals.py" calls/*.pcap --to "$port" --extract came.wav &&
    audio find said_end.wav came.wav --at-least 0.9 --whole
}
baresip_do() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/phones/baresip_control.py" "$CONTROL" "$@"; }

# ---- linphone: start_linphone [udp|tcp]; commands by `say linphone COMMAND`. It plays and records files.
start_linphone() {
  need linphonec || return 1
  local port transport=${1:-udp}
  port=$(free_port)
  mkdir -p .local/share/linphone .config/linphone # without them it has no database and does not start
  cat >rc <<CONFIG
[sip]
sip_port=$port
sip_tcp_port=$port
sip_tls_port=0
guess_hostname=0
register_only_when_network_is_up=0
use_ipv6=0
[rtp]
audio_rtp_port=$(free_port 2)
[sound]
echocancellation=0
[video]
enabled=0
automatically_initiate=0
automatically_accept=0
CONFIG
  start_talking linphone linphonec -c rc -l linphone.log -d 5
  wait_line linphone 'linphonec>' 10
  say linphone 'soundcard use files'
  wait_line linphone 'Using wav files' 10
  say linphone "register sip:alice@127.0.0.1:$PORT sip:127.0.0.1:$PORT;transport=$transport secret"
  wait_line sipd 'event=register ' 10
}

# heard_by_phone SAID HEARD: the telephone's own recording of us. Its jitter buffer adapts as ours does, and shifts what
# follows (linphone by 10 ms in its first 200 ms, mostly), which is why one correlation over the whole says little. So: each
# 100 ms by themselves, and at most a fifth of them may be touched, besides those that were late on their way. That we sent
# them right is asserted of our packets.
heard_by_phone() {
  local seconds
  seconds=$(soxi -D "$1")
  audio pieces "$1" "$2" --at-least 0.9 --broken "$(($(excused in out phone) + $(/usr/bin/python3 -c "print(int($seconds * 2))")))"
}
