# talky-sipd as a server: passwords, limits, refusals, signals, workers, settings.
# ctest: cost=80
load lib
load sipd

lines() { [ "$(grep -c -- "$1" sipd.err)" -eq "$2" ]; }
has_sound() { [ "$(stat -c %s "$(only_recording)")" -gt 44 ]; }

@test "--users: the right password is let in, a wrong one and a stranger are not" {
  printf '# us\nalice:secret\nbob:ha1=%s\n' "$(printf 'bob:talky:word' | md5sum | cut -d' ' -f1)" >users
  sipd --users "$T/users"
  run -2 client --user alice register
  [ "$(json "$output" 'd["status"]')" = 401 ]
  run -2 client --user alice --password wrong register
  run -2 client --user eve --password secret register
  run -2 client --user eve call 100
  [[ "$(json "$output" 'd["status"]')" =~ ^40[17]$ ]]
  run -0 client --user alice --password secret register
  run -0 client --user bob --password word --transport tcp register
  run -0 client --user bob --password word call 100 --seconds 0.3
  # A new file counts from SIGHUP on.
  echo 'carol:new' >users
  kill -HUP "${PIDS[sipd]}"
  wait_line sipd 'event=reload users=1'
  run -0 client --user carol --password new register
  run -2 client --user alice --password secret register
  echo nonsense >users
  kill -HUP "${PIDS[sipd]}"
  wait_line sipd 'event=reload.refused'
  run -0 client --user carol --password new register
}

@test "SIGTERM says BYE to the calls and exits with 0" {
  sipd
  client call 100 --tone 500 --seconds 60 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start'
  wait_for 10 has_sound
  stop sipd TERM
  [ "$status" -eq 0 ]
  wait "$caller"
  [ "$(json "$(cat call.json)" 'd["ended_by"]')" = server ]
  log_has 'event=call.end cause=shutdown by=us'
  /usr/bin/python3 -c "import wave,sys; assert wave.open(sys.argv[1]).getnframes() > 0" "$(only_recording)"
}

@test "SIGINT twice quits at once" {
  # A phone that never answers our BYE keeps the first one waiting.
  sipd
  cat >deaf.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
client = Client(sys.argv[2])
assert client.call("100").invite().status == 200
print("up", flush=True)
sys.stdin.read()
PY
  mkfifo hold
  start deaf bash -c "exec /usr/bin/python3 '$T/deaf.py' '$TALKY_SOURCE/tests/tools' '$SERVER' <>'$T/hold'"
  wait_line deaf up
  kill -INT "${PIDS[sipd]}"
  wait_line sipd 'event=stopping signal=INT'
  stop sipd INT
  [ "$status" -eq 130 ]
}

@test "--listen HOST:0 takes a port that is free for UDP and TCP, and says which" {
  rtp=$(free_port 20)
  start sipd talky-sipd --listen 127.0.0.1:0 --bridge echo --record '' --rtp-ports "$rtp-$((rtp + 19))"
  wait_line sipd 'event=ready'
  SERVER=$(grep -o 'event=ready listen=[^ ]*' sipd.err | cut -d= -f3)
  [[ $SERVER =~ ^127.0.0.1:[1-9][0-9]+$ ]]
  run -0 client options
  run -0 client --transport tcp options
}

@test "with several workers a dialog is one whatever port and transport its requests come from" {
  audio make noise said.wav --seconds 1
  sipd --workers 4
  cat >wander.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import sip_client
from sip_client import Client, read_wav
for round in range(8):
    clients = [Client(sys.argv[2], "udp"), Client(sys.argv[2], "tcp"), Client(sys.argv[2], "udp")]
    assert clients[round % 3].register().status == 200
    home = clients[round % 3]
    call = home.call("100", send=read_wav(sys.argv[3]))
    assert call.invite().status == 200
    home.pump(0.2)
    for client in clients:  # the same dialog from another socket
        call.client = client
        client.calls = [call]
        assert call.in_dialog("INFO", ["Content-Type: application/dtmf-relay"], "Signal=1\r\nDuration=100\r\n").status == 200
    assert call.in_dialog("BYE").status == 200
PY
  run -0 /usr/bin/python3 wander.py "$TALKY_SOURCE/tests/tools" "$SERVER" said.wav
  wait_for 10 lines 'event=call.end cause=hangup by=peer' 8
  lines 'event=dtmf digit=1 via=info' 24
  run -0 client call 100 --send said.wav --record heard.wav --whole
  heard_back said.wav heard.wav
  stop sipd
  [ "$status" -eq 0 ]
}

@test "settings: flag, environment, file; --check-config, --print-config; exit codes" {
  printf 'bridge: tone:440\nroute:\n  - 2*=echo\nring: 250\nopen: true\n' >sipd.yaml
  run -0 talky-sipd --config sipd.yaml --check-config
  [ -z "$output" ]
  TALKY_SIPD_RING=300 run -0 talky-sipd --config sipd.yaml --bridge echo --print-config
  [[ $output == *'bridge: echo # flag'* && $output == *'ring: 300 # environment'* && $output == *'open: true # file'* ]]
  run -0 talky-sipd --config sipd.yaml explain 5
  [ "$output" = "5 -> tone:440, by --bridge: none of 1 routes fits" ]
  printf 'brigde: echo\n' >bad.yaml
  run -78 talky-sipd --config bad.yaml --check-config
  [[ $output == *'bad.yaml:1: unknown key "brigde"'* ]]
  run -64 talky-sipd --bridge dance --check-config
  run -64 talky-sipd --route nonsense --check-config
  run -64 talky-sipd --listen 0.0.0.0:5060 --check-config
  [[ $output == *'--users'*'--open'* ]]
  run -0 talky-sipd --listen 0.0.0.0:5060 --open --check-config
  run -64 talky-sipd --rtp-ports 5-5 --check-config
  run -66 talky-sipd --users nobody --check-config
  run -66 talky-sipd --bridge play:nothing.wav --record ''
  run -64 talky-sipd --no-such-flag
  run -0 talky-sipd --help
  [[ $output == *Examples:* ]]
}

@test "every refusal, once each, over UDP and TCP" {
  sipd --max-calls 3 --max-calls-per-source 2 --route '404=reject:404' --allow-refer '2??'
  run -0 /usr/bin/python3 "$TALKY_SOURCE/tests/tools/codes.py" "$SERVER"
  for code in 400 404 405 406 415 416 420 422 423 481 482 483 486 488 489 491 500 501 503 505 603; do
    [[ " $output " == *" $code "* ]] || { echo "$code was not provoked"; return 1; }
  done
  run -0 client call 100 --seconds 0.3
  # Not even refusals leave anything behind.
  stop sipd
  [ "$status" -eq 0 ]
}

ha1() { printf %s "$2" | "$1" | cut -d' ' -f1; }

@test "--digest: each client meets the algorithm that it can do" {
  printf 'alice:secret\nbob:ha1=%s\n' "$(ha1 sha256sum bob:talky:word)" >users
  sipd --users "$T/users" # auto: MD5 for alice, SHA-256 because of bob
  run -0 client --user alice --password secret --algorithm MD5 register
  run -0 client --user alice --password secret --algorithm SHA-256 register
  run -0 client --user bob --password word --algorithm SHA-256 register
  run -0 client --user bob --password word --algorithm SHA-256 call 100 --seconds 0.3
  run -2 client --user bob --password word --algorithm MD5 register
  run -2 client --user bob --password wrong --algorithm SHA-256 register
  stop sipd
  printf 'bob:ha1=%s\n' "$(ha1 sha256sum bob:talky:word)" >users
  sipd --users "$T/users" # nobody needs MD5
  run -0 client --user bob --password word register
  run -2 client --user alice register
  [[ $output == *SHA-256* && $output != *MD5* ]]
  stop sipd
  printf 'alice:secret\n' >users
  sipd --users "$T/users"
  run -2 client --user alice register
  [[ $output == *MD5* && $output != *SHA-256* ]]
  stop sipd
  sipd --users "$T/users" --digest sha-256
  run -0 client --user alice --password secret --algorithm SHA-256 register
  run -2 client --user alice --password secret --algorithm MD5 register
}

@test "--digest: users who cannot answer are named, and nobody at all is an error" {
  printf 'alice:secret\nbob:ha1=%s\n' "$(ha1 sha256sum bob:talky:word)" >users
  sipd --users "$T/users" --digest md5
  log_has 'level=warn event=digest why=.*1 of 2 users have no secret for it, such as .*bob'
  run -0 client --user alice --password secret register
  printf 'bob:ha1=%s\n' "$(ha1 sha256sum bob:talky:word)" >users
  run -78 talky-sipd --users "$T/users" --digest md5 --check-config
  [[ $output == *'nobody could register'* ]]
}

@test "credentials that were overheard open no second call, at none of four workers" {
  printf 'alice:secret\n' >users
  sipd --workers 4 --users "$T/users"
  cat >replay.py <<'PY'
import re, sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
server = sys.argv[2]
phone = Client(server, user="alice", password="secret")
call = phone.call("100")
assert call.invite().status == 200
heard = re.search("^Authorization: .*", call.last_invite, re.M).group(0).strip()
assert call.bye().status == 200
thief = Client(server, user="alice")
for _ in range(16):  # their Call-IDs spread over all workers
    again = thief.call("100")
    again.send_invite(None, [heard])
    assert thief.pump(30, lambda: again.final) and again.final.status == 401, again.final.start
    assert "stale=true" in again.final.get("www-authenticate")
PY
  run -0 /usr/bin/python3 replay.py "$TALKY_SOURCE/tests/tools" "$SERVER"
}

@test "with two workers the caps hold in all, and a phone that one has registered is known to the other" {
  printf 'alice:secret\n' >users
  sipd --workers 2 --users "$T/users" --max-calls 3
  cat >two.py <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client
server = sys.argv[2]
stranger = Client(server, user="alice")
assert [stranger.call("100").invite().status for _ in range(6)] == [401] * 6  # whichever worker it is
phone = Client(server, user="alice", password="secret")
assert phone.register().status == 200
phone.password = None
calls = [phone.call("100") for _ in range(12)]  # their Call-IDs spread over both
answers = [call.invite().status for call in calls]
assert sorted(answers) == [200] * 3 + [503] * 9, answers
up = [call for call, status in zip(calls, answers) if status == 200]
assert up[0].bye().status == 200
for attempt in range(100):  # the one may answer the BYE a moment before the other sees that there is room
    if phone.call("100").invite().status == 200: break
    phone.pump(0.1)
else: raise SystemExit("there is no room for another call")
again = [phone.call("100").invite().status for _ in range(3)]
assert again == [503] * 3, again
# Let go by the first, it is a stranger to the second again.
phone.password = "secret"
assert phone.register(expires=0).status == 200
phone.password = None
assert [phone.call("100").invite().status for _ in range(6)] == [401] * 6
PY
  run -0 /usr/bin/python3 two.py "$TALKY_SOURCE/tests/tools" "$SERVER"
  stop sipd # then the log is whole
  lines 'event=register ' 1 # told once, not by each
}

@test "a TCP peer that stops inside a message is closed after 32 s, with one worker and with two" {
  for workers in 1 2; do
    sipd --workers $workers
    cp sipd.err ready.err
    cat >stall.py <<'PY'
import socket, sys, time
host, port = sys.argv[1].rsplit(":", 1)
half, idle = (socket.create_connection((host, int(port))) for _ in range(2))
begin = time.monotonic()
half.sendall(b"OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: ")
half.settimeout(60)
assert half.recv(100) == b""
assert 31 < time.monotonic() - begin < 45, time.monotonic() - begin
idle.sendall(b"\r\n\r\n")  # who is only silent stays
idle.settimeout(60)
assert idle.recv(100) == b"\r\n"
PY
    start "stall$workers" /usr/bin/python3 stall.py "$SERVER"
    PIDS[sipd$workers]=${PIDS[sipd]} # both run on, each under a name of its own
    unset 'PIDS[sipd]'
    mv sipd.err "sipd$workers.err"
  done
  for workers in 1 2; do
    finish "stall$workers" 60
    [ "$status" -eq 0 ]
    wait_for 10 grep -q event=connection.stalled "sipd$workers.err"
  done
}
