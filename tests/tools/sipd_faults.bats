# What goes wrong around talky-sipd: agents that die, hang, flood or talk nonsense; a full disk, no descriptors, taken
# ports, garbage. Each time: a clear line, and the other calls go on.
# ctest: cost=150
load lib

load sipd

# A call to the echo at 900 that runs beside what the test does, and comes out untouched.
begin_witness() {
  audio make noise witness.wav --seconds 3 --seed 9
  client --user witness call 900 --send witness.wav --record witnessed.wav --seconds 4 --whole >witness.json 2>&1 3>&- &
  WITNESS=$!
  wait_line sipd 'event=call.start from=sip:witness'
}
end_witness() {
  wait "$WITNESS" || { cat witness.json; return 1; }
  [ "$(json "$(cat witness.json)" 'd["ended_by"]')" = client ]
  unbroken "$(cat witness.json)"
  heard_back witness.wav witnessed.wav
}
@test "kill -9 of the agent in a call: an apology, a goodbye, and the next call is well" {
  audio make noise sorry.wav --seconds 1.5 --rate 16000 --seed 3
  audio make noise said.wav --seconds 1.5
  export FAKE_SAY=$T/sorry.wav FAKE_LOG=$T/agent.log
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)" --route 900=echo --log-level debug
  wait_line sipd 'event=agent.ready'
  wait_line sipd 'event=agent.apology spoken=true'
  begin_witness
  client call 100 --tone 600 --record heard.wav --seconds 15 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start .*to=100'
  wait_for 10 grep -q '"event": "audio"' agent.log
  kill -KILL "$(json "$(grep listening agent.log | tail -1)" 'd["pid"]')"
  wait "$caller"
  [ "$(json "$(cat call.json)" 'd["ended_by"]')" = server ]
  heard sorry.wav heard.wav 0 out
  log_has 'event=bridge.failed bridge=agent .*without a goodbye'
  log_has 'event=call.end cause=hangup by=us .*reason="?the agent'
  end_witness
  wait_for 5 bash -c '[ $(grep -c event=agent.ready sipd.err) -ge 2 ]'
  run -0 client call 100 --send said.wav --record again.wav --whole
  heard_back said.wav again.wav agent
}

@test "without a voice for the apology the caller hears the information tones" {
  export FAKE_LOG=$T/agent.log
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$(fake)"
  wait_line sipd 'event=agent.ready'
  client call 100 --record heard.wav --seconds 15 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start'
  wait_for 10 grep -q listening agent.log
  kill -KILL "$(json "$(grep listening agent.log | tail -1)" 'd["pid"]')"
  wait "$caller"
  wait_for 10 all_ended
  audio make tone tone.wav --hz 1400 --seconds 0.3
  [ "$(excused out)" -gt 0 ] || audio find tone.wav heard.wav --at-least 0.9
  sox tone.wav part.wav trim 0 0.05
  audio find part.wav heard.wav --at-least 0.9
}

@test "an agent that cannot be started: 503 and a line that says why" {
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command /nonexistent/agent --route 900=echo
  log_has 'event=agent.start_failed command=/nonexistent/agent error="spawn: No such file'
  begin_witness
  run -2 client call 100
  [ "$(json "$output" 'd["status"]')" = 503 ]
  log_has 'level=error event=call.refused .*status=503 .*bridge=agent'
  end_witness
}

@test "kill -9 of sipd: the recording plays, and is mended at the next start" {
  audio make noise said.wav --seconds 4
  sipd
  client call 100 --send said.wav --seconds 60 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start'
  has_seconds() { [ "$(soxi -D "$(only_recording)" | cut -d. -f1)" -ge 2 ]; }
  wait_for 10 has_seconds
  kill -KILL "${PIDS[sipd]}"
  wait "${PIDS[sipd]}" || true
  unset "PIDS[sipd]"
  kill "$caller" 2>/dev/null || true
  wait "$caller" 2>/dev/null || true
  wav=$(only_recording)
  seconds=$(soxi -D "$wav")
  [ "${seconds%.*}" -ge 1 ]
  sox said.wav part.wav trim 0 0.3
  [ "$(excused in)" -gt 0 ] || audio find part.wav "$wav" --channel 0 --at-least 0.9 --whole
  # As if it had been killed between the samples and the header.
  head -c 128000 /dev/zero >>"$wav"
  sipd
  log_has "event=recording.mended file=$wav"
  [ "$(soxi -D "$wav" | cut -d. -f1)" -ge $((${seconds%.*} + 1)) ]
  sox "$wav" -n stat
}

@test "a full disk: one line, the recording stops, the call goes on" {
  mkdir calls
  # A file system of 300 kB in a name space of its own; where that is not allowed, a limit on the size of files.
  if unshare -rm true 2>/dev/null; then
    cat >start.sh <<SH
mount -t tmpfs -o size=300k tmpfs "$T/calls" && exec talky-sipd "\$@"
SH
    wrapper=(unshare -rm sh "$T/start.sh")
  else
    cat >start.sh <<SH
ulimit -f 200; exec talky-sipd "\$@"
SH
    wrapper=(bash "$T/start.sh")
  fi
  PORT=$(free_port)
  SERVER=127.0.0.1:$PORT
  rtp=$(free_port 100)
  start_witness "$rtp" 100
  start sipd "${wrapper[@]}" --listen "$SERVER" --bridge echo --record "$T/calls" --rtp-ports "$rtp-$((rtp + 99))"
  wait_line sipd 'event=ready'
  audio make noise said.wav --seconds 9
  run -0 client call 100 --send said.wav --record heard.wav --seconds 10 --whole
  [ "$(json "$output" 'd["ended_by"]')" = client ]
  unbroken "$output"
  audio pieces said.wav heard.wav --at-least 0.98 --broken "$(excused in out)"
  [ "$(grep -c 'event=recording.stopped' sipd.err)" -eq 1 ]
  log_has 'event=recording.stopped file=.* error="(No space left on device|File too large)'
}

@test "out of descriptors: 503 with a line, the calls there go on, and later it works again" {
  cat >start.sh <<'SH'
ulimit -n 26; exec talky-sipd "$@"
SH
  PORT=$(free_port)
  SERVER=127.0.0.1:$PORT
  rtp=$(free_port 100)
  start sipd bash "$T/start.sh" --listen "$SERVER" --bridge echo --record '' --rtp-ports "$rtp-$((rtp + 99))"
  wait_line sipd 'event=ready'
  cat >many.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client, tone
client = Client(sys.argv[2])
calls = [client.call("100", send=tone(500, 10)) for _ in range(12)]
codes = [call.invite().status for call in calls]
assert codes[0] == 200 and codes[-1] == 503 and set(codes) == {200, 503}, codes
up = [call for call in calls if call.final.status == 200]
assert client.pump(30, lambda: all(len(call.packets) > 20 for call in up)) and not any(call.ended_by for call in up)
# TCP as well: connections wait in the backlog until there is room.
import socket
waiting = [socket.create_connection((client.host, client.port)) for _ in range(8)]
client.pump(0.5)
assert up[0].bye().status == 200
for one in waiting: one.close()
for call in up[1:]: assert call.bye().status == 200
for attempt in range(100):  # until the descriptors have been given back
    again = client.call("100")
    if again.invite().status == 200: break
    client.pump(0.1)
assert again.bye().status == 200
PY
  run -0 /usr/bin/python3 many.py "$TALKY_SOURCE/tests/tools" "$SERVER"
  log_has 'level=error event=call.refused .*reason="RTP socket: .*Too many open files" status=503'
  kill -0 "${PIDS[sipd]}"
}

@test "a port that is taken is told; a default port moves, and says where" {
  sipd
  run -69 talky-sipd --listen "127.0.0.1:$PORT" --record ''
  [[ $output == *"127.0.0.1:$PORT: the port is taken by another program"* ]]
  run -69 talky-sipd --listen "127.0.0.1:$PORT" --record '' --workers 2
  # Taken for TCP alone counts too.
  port=$(free_port)
  start holder /usr/bin/python3 -c "
import socket, time
s = socket.create_server(('127.0.0.1', $port))
print('held', flush=True)
time.sleep(60)"
  wait_line holder held
  run -69 talky-sipd --listen "127.0.0.1:$port" --record ''
  # The default, 5060: held by us if nobody else does.
  start other /usr/bin/python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: s.bind(('127.0.0.1', 5060))
except OSError: pass
print('held', flush=True)
time.sleep(60)"
  wait_line other held
  rtp=$(free_port 20)
  start moved talky-sipd --bridge echo --record '' --rtp-ports "$rtp-$((rtp + 19))"
  wait_line moved 'event=ready'
  grep -Eq 'level=warn event=listen.moved wanted=127.0.0.1:5060 listen=127.0.0.1:50[6-9][0-9] why="another program holds the port' moved.err
  SERVER=$(grep -o 'event=ready listen=[^ ]*' moved.err | cut -d= -f3)
  run -0 client options
}

@test "no RTP port left: 503 with a line" {
  rtp=$(free_port 2)
  SERVER=127.0.0.1:$(free_port)
  start sipd talky-sipd --listen "$SERVER" --bridge echo --record '' --rtp-ports "$rtp-$((rtp + 1))"
  wait_line sipd 'event=ready'
  cat >two.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
client = Client(sys.argv[2])
first, second = client.call("1"), client.call("2")
assert first.invite().status == 200
assert second.invite().status == 503
assert first.bye().status == 200
PY
  run -0 /usr/bin/python3 two.py "$TALKY_SOURCE/tests/tools" "$SERVER"
  log_has 'event=call.refused .*reason="no RTP port is free'
}

@test "an agent that is not there, and one that does not accept: 503 within seconds" {
  port=$(free_port)
  # A listener whose backlog is full lets nobody in.
  start full /usr/bin/python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(0)
held = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False)
    try: c.connect(('127.0.0.1', $port))
    except BlockingIOError: pass
    held.append(c)
print('full', flush=True); time.sleep(60)"
  wait_line full full
  sipd --route "1=unix:$T/nobody.sock" --route "2=tcp:127.0.0.1:$port" --route 900=echo
  begin_witness
  run -2 client call 1
  [ "$(json "$output" 'd["status"]')" = 503 ]
  log_has 'event=bridge.failed .*nobody.sock: connect: No such file'
  run -2 client call 2
  [ "$(json "$output" 'd["status"], 180 in d["provisional"]')" = "(503, True)" ]
  log_has 'event=bridge.failed .*connect: Connection timed out'
  end_witness
}

@test "an agent that never says anything is told in a line; so is one that does not read" {
  FAKE_MODE=silent start quiet "$(fake)" --listen "unix:$T/quiet.sock"
  FAKE_MODE=deaf start deaf "$(fake)" --listen "unix:$T/deaf.sock"
  wait_line quiet listening
  wait_line deaf listening
  sipd --route "1=unix:$T/quiet.sock" --route "2=unix:$T/deaf.sock,talky"
  client call 2 --tone 300 --until told >deaf.json 2>&1 3>&- &
  deaf=$!
  client call 1 --tone 300 --until told >quiet.json 2>&1 3>&- &
  quiet=$!
  wait_line sipd 'event=bridge.silent seconds=10' 20
  wait_line sipd 'event=bridge.slow' 30
  touch told
  wait "$deaf"
  wait "$quiet"
  [ "$(json "$(cat deaf.json)" 'd["ended_by"]')" = client ]
}

@test "an agent that floods: a line, no memory lost, the other call untouched" {
  audio make noise file.wav --seconds 5 --rate 16000
  FAKE_MODE=flood FAKE_PLAY=$T/file.wav start flood "$(fake)" --listen "unix:$T/flood.sock"
  FAKE_MODE=chatter start chatter "$(fake)" --listen "unix:$T/chatter.sock"
  wait_line flood listening
  wait_line chatter listening
  # (Where AddressSanitizer looks on, what was freed is not to be counted.)
  ASAN_OPTIONS=quarantine_size_mb=1 sipd --route "1=unix:$T/flood.sock,talky" --route "2=unix:$T/chatter.sock,talky" --route 900=echo
  begin_witness
  memory() { grep VmRSS "/proc/${PIDS[sipd]}/status" | tr -dc 0-9; }
  before=$(memory)
  client call 1 --record heard.wav --until flooded --hear 2 >flood.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=bridge.flood queued_s=6[0-9]'
  touch flooded
  wait "$caller"
  # Nothing is lost of what is played: the stream waits.
  sox file.wav part.wav trim 0 1.5
  heard part.wav heard.wav 0 out
  run -0 client call 2 --seconds 30
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  log_has 'event=bridge.failed .*floods us with control messages'
  end_witness
  after=$(memory)
  echo "memory before $before kB, after $after kB"
  [ $((after - before)) -lt 40000 ]
}

@test "an agent that talks nonsense, one that hangs up, one that closes" {
  audio make noise file.wav --seconds 1 --rate 16000
  FAKE_MODE=garbage start garbage "$(fake)" --listen "unix:$T/garbage.sock"
  FAKE_MODE=hangup FAKE_PLAY=$T/file.wav start hangup "$(fake)" --listen "unix:$T/hangup.sock"
  FAKE_MODE=close FAKE_PLAY=$T/file.wav start close "$(fake)" --listen "unix:$T/close.sock"
  wait_line garbage listening
  wait_line hangup listening
  wait_line close listening
  sipd --route "1=unix:$T/garbage.sock,talky" --route "2=unix:$T/hangup.sock" --route "3=unix:$T/close.sock"
  run -0 client call 1 --seconds 30
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  log_has 'event=bridge\.(protocol|failed)'
  for number in 2 3; do
    run -0 client call $number --record heard.wav --seconds 30
    [ "$(json "$output" 'd["ended_by"]')" = server ]
    heard file.wav heard.wav 0 out
  done
}

@test "exec: a program that does not exist, one that fails, one that ignores SIGTERM" {
  cat >stubborn.sh <<'SH'
trap '' TERM HUP PIPE
echo $$ >"$1/stubborn.pid"
while :; do sleep 0.1; done
SH
  sipd --route "1=exec:/nonexistent/program" --route "2=exec:echo oops >&2; exit 3" --route "3=exec:sh $T/stubborn.sh $T"
  run -0 client call 1 --seconds 30
  [ "$(json "$output" 'd["ended_by"]')" = server ]
  log_has 'event=exec.exit how="exit status 127"'
  run -0 client call 2 --seconds 30
  log_has 'event=exec.stderr line=oops'
  log_has 'event=bridge.failed .*the program failed: exit status 3'
  run -0 client call 3 --seconds 0.5 --until stubborn.pid
  wait_for 6 bash -c '! kill -0 $(cat stubborn.pid)'
}

@test "garbage on every port stops nothing" {
  audio make noise said.wav --seconds 3
  sipd
  cat >garbage.py <<'PY'
import random, socket, sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client, read_wav
import sip_client
host, port = sys.argv[2].rsplit(":", 1)
rng = random.Random(4)
client = Client(sys.argv[2])
call = client.call("100", send=read_wav(sys.argv[3]))
assert call.invite().status == 200
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
valid = call.last_invite.encode()
def mangled():
    data = bytearray(valid)
    for _ in range(rng.randrange(1, 30)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[:rng.randrange(len(data) + 1)])
ports = [int(port), call.remote_rtp[1], call.remote_rtp[1] + 1]
for i in range(3000):
    noise = rng.randbytes(rng.randrange(0, 1500)) if i % 2 else mangled()
    udp.sendto(noise, ("127.0.0.1", ports[i % 3]))
    if i % 3 == 1:  # looks like RTP, from the wrong source
        udp.sendto(b"\x80\x00" + rng.randbytes(170), ("127.0.0.1", ports[1]))
    if i % 100 == 0:
        try:
            tcp = socket.create_connection((host, int(port)))
            tcp.sendall(mangled() + rng.randbytes(3000))
            if i % 200: tcp.close()
        except OSError:
            pass
        client.pump(0.05)
client.pump(60, call.end_is_heard)
assert not call.ended_by
sip_client.write_wav("heard.wav", call.recording())
assert call.bye().status == 200
PY
  run -0 /usr/bin/python3 garbage.py "$TALKY_SOURCE/tests/tools" "$SERVER" said.wav
  # The client speaks between its volleys, as well as it can.
  heard_back said.wav heard.wav
  log_has 'event=call.end cause=hangup by=peer .*foreign=[1-9]'
  run -0 client register
  stop sipd
  [ "$status" -eq 0 ]
}

@test "what a caller puts into its headers cannot forge a log line" {
  sipd
  run -0 client --user "$(printf 'x\033[31m')" call 100 --seconds 0.2 || true
  run -0 client call 100 --header "User-Agent: $(printf 'a\tb" event=forged')" --seconds 0.2
  wait_for 10 all_ended
  run -1 grep -q $'\033' sipd.err
  [ "$(grep -c 'event=forged' sipd.err)" -eq "$(grep -c '\\" event=forged' sipd.err)" ]
}
