# talky-rtpdump on what comes: sockets, interfaces, captures that grow.
load lib

setup() {
  common_setup
  need talky-rtpdump tshark
}

capture() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" "$@"; }

# send PORT COUNT [SSRC]: RTP to the port, and a sender report to the next one.
send() {
  /usr/bin/python3 - "$@" <<'PY'
import socket, struct, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
ssrc = int(sys.argv[3], 0) if len(sys.argv) > 3 else 0xabcd
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(count):
    s.sendto(struct.pack(">BBHII", 0x80, 8, i, i * 160, ssrc) + bytes(160), ("127.0.0.1", port))
    time.sleep(.002)
s.sendto(struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, count, 160 * count), ("127.0.0.1", port + 1))
PY
}

port_of() { sed -n "s/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p" "$T/live.err" | sed -n "${1:-1}p"; }

# Whether this system lets us capture on the loopback interface.
may_capture() {
  if talky-rtpdump -i lo --duration 0.1 >/dev/null 2>may.err; then return; fi
  skip "no right to capture on lo here: $(cat may.err)"
}

@test "several ports at once, RTP and RTCP, written safely as it comes" {
  start live talky-rtpdump --listen 127.0.0.1:0 --listen 127.0.0.1:0 -w kept.pcap --follow --csv
  wait_for 10 bash -c "[ \$(grep -c 'listening on' $T/live.err) -eq 2 ]"
  grep -q 'for RTCP' "$T/live.err"
  one=$(port_of 1) two=$(port_of 2)
  [ $((one % 2)) -eq 0 ]
  [ $((two % 2)) -eq 0 ]
  send "$one" 100 0x1111
  send "$two" 60 0x2222
  # Long before the end, all of it is in the file.
  wait_for 5 bash -c '[ "$(tshark -r kept.pcap -T fields -e udp.length 2>/dev/null | wc -l)" -eq 162 ]'
  kill -KILL "${PIDS[live]}"
  wait "${PIDS[live]}" || true
  unset "PIDS[live]"
  run -0 --separate-stderr talky-rtpdump -r kept.pcap --json
  [ -z "$stderr" ]
  /usr/bin/python3 - "$output" <<'PY'
import json, sys
d = json.loads(sys.argv[1])
assert {s["ssrc"]: s["packets"] for s in d["streams"]} == {"0x00001111": 100, "0x00002222": 60}, d["streams"]
assert d["packets"]["rtcp"] == 2
PY
}

@test "an interface: what passes over lo is listed, with its SIP, and kept" {
  may_capture
  start live talky-rtpdump -i lo -w kept.pcap --csv --follow
  wait_line live 'listening in on lo'
  port=$(free_port 2)
  send "$port" 80 0x3333
  to() { tshark -r kept.pcap -Y "udp.dstport==$1" 2>/dev/null | wc -l; }
  all_came() { [ -s kept.pcap ] && [ "$(to $((port + 1)))" -eq 1 ]; } # the sender report is the last
  wait_for 5 all_came
  [ "$(to "$port")" -eq 80 ]
  stop live INT
  [ "$status" -eq 0 ]
  grep -q '0x00003333,8,PCMA,80,' "$T/live.out"
  # With a filter of one's own nothing else comes.
  start live talky-rtpdump -i lo --capture-filter "udp port $((port + 1))" --csv --packets
  wait_line live 'listening in on lo'
  send "$port" 20
  stop live INT
  [ ! -s "$T/live.out" ]
}

@test "what comes while it stands still, up to the signal that ends it, is counted: sockets and interfaces" {
  may_capture
  # So many of the smallest packets fit into the buffer that a socket may ask for on any system.
  flood() {
    /usr/bin/python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(250): s.sendto(struct.pack(">BBHII", 0x80, 8, i, i * 160, 0x4444) + bytes(160), ("127.0.0.1", int(sys.argv[1])))' "$1"
  }
  local how port
  for how in socket interface; do
    port=$(free_port 2)
    case $how in
      socket) start live talky-rtpdump --csv --listen "127.0.0.1:$port" ;;
      interface) start live talky-rtpdump --csv -i lo --capture-filter "udp port $port" ;;
    esac
    wait_line live 'listening'
    kill -STOP "${PIDS[live]}"
    flood "$port"
    kill -INT "${PIDS[live]}"
    kill -CONT "${PIDS[live]}"
    finish live
    [ "$status" -eq 0 ]
    grep -q '0x00004444,8,PCMA,250,' "$T/live.out" || { cat "$T/live.out" "$T/live.err"; return 1; }
  done
}

@test "interfaces: one line says what is wrong" {
  may_capture
  run -66 talky-rtpdump -i nosuch0
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"no such interface; there are: "*lo* ]]
  run -64 talky-rtpdump -i lo --capture-filter 'this is none'
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"--capture-filter: "* ]]
}

@test "interfaces: without the right to capture, one line says what to do" {
  command -v setpriv >/dev/null || skip "no setpriv"
  [ "$(id -u)" -eq 0 ] || skip "not root: the right cannot be given up here"
  run -77 setpriv --bounding-set -net_raw,-net_admin --inh-caps -net_raw,-net_admin --ambient-caps -all \
    --no-new-privs -- "$(command -v talky-rtpdump)" -i lo
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"capturing needs rights"*"setcap cap_net_raw"* ]]
}

@test "--follow: lines where there is no terminal, the table at the end" {
  start live talky-rtpdump --listen 127.0.0.1:0 --follow
  wait_line live 'listening on'
  send "$(port_of)" 50
  wait_for 5 grep -qE '^[0-9.]+ 127.0.0.1:[0-9]+ 127.0.0.1:[0-9]+ 0x0000abcd PCMA packets=50 lost=0 ' "$T/live.out"
  stop live INT
  [ "$status" -eq 0 ]
  tail -n 1 "$T/live.out" | grep -q '0x0000abcd  PCMA'
  run -1 grep -q $'\x1b' "$T/live.out"
}

@test "--follow on a terminal: its other screen, as large as it is, and back; no colour where none is wanted" {
  cat >drive.py <<'PY'
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
def run(no_colour):
    master, slave = pty.openpty()
    def size(rows, columns): fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    size(10, 90)
    env = dict(os.environ, TERM="xterm")
    env.pop("NO_COLOR", None)
    if no_colour: env["NO_COLOR"] = "1"
    p = subprocess.Popen(["talky-rtpdump", "--listen", "127.0.0.1:0", "--follow"], stdout=slave, stderr=subprocess.PIPE, env=env, start_new_session=True)
    port = int(re.search(rb"127.0.0.1:(\d+)", p.stderr.readline()).group(1))
    subprocess.run([sys.executable, "send.py", str(port)], check=True)
    data = b""
    # What the terminal is sent comes in pieces of any size: it is all looked at, from a point on, until it shows what is waited for.
    def read(shown, since=0, seconds=60):
        nonlocal data
        end = time.time() + seconds
        while (found := shown(data[since:])) is None:
            left = end - time.time()
            if left <= 0: sys.exit(f"waited in vain; so far {data!r}")
            if select.select([master], [], [], left)[0]: data += os.read(master, 65536)
        return found
    def frame(wanted):
        return lambda seen: next((f for f in re.findall(rb"\x1b\[H.*?\x1b\[J", seen, re.S) if wanted(f)), None)
    def fits(shown, rows, columns):
        lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode().split("\r\n")
        return len(lines) <= rows and all(len(line) <= columns for line in lines)
    first = read(frame(lambda f: b"0x0000abcd" in f and b"Ctrl-C" in f))
    assert data.startswith(b"\x1b[?1049h"), data
    assert fits(first, 10, 90) and not fits(first, 5, 30), first
    assert (b"\x1b[1m" in first) == (not no_colour), first
    before = len(data)
    size(5, 30)
    p.send_signal(signal.SIGWINCH)
    read(frame(lambda f: fits(f, 5, 30)), before)
    p.send_signal(signal.SIGINT)
    read(lambda d: re.search(rb"\x1b\[\?1049l.*0x0000abcd", d, re.S))
    assert p.wait(60) == 0
run(False)
run(True)
PY
  cat >send.py <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(40): s.sendto(struct.pack(">BBHII", 0x80, 8, i, i * 160, 0xabcd) + bytes(160), ("127.0.0.1", int(sys.argv[1])))
PY
  /usr/bin/python3 drive.py
}

@test "a capture that another program writes is followed, also when it stops inside a record; a pipe to its end" {
  capture streams whole.pcap --clean --packets 900
  head -c 30000 whole.pcap >growing.pcap
  start live talky-rtpdump -r growing.pcap --follow --csv
  wait_line live 'following'
  sleep 0.5
  tail -c +30001 whole.pcap | head -c 777 >>growing.pcap
  sleep 0.5
  tail -c +30778 whole.pcap >>growing.pcap
  sleep 0.7
  stop live INT
  [ "$status" -eq 0 ]
  talky-rtpdump -r whole.pcap --csv | diff - "$T/live.out"
  (head -c 12345 whole.pcap; sleep 0.4; tail -c +12346 whole.pcap) | talky-rtpdump --follow --csv -r - >piped
  talky-rtpdump -r whole.pcap --csv | diff - piped
}

@test "what live sources refuse" {
  run -64 talky-rtpdump --listen nonsense
  run -64 talky-rtpdump --listen 127.0.0.1:0 -r x
  run -64 talky-rtpdump -i lo --extract d
  run -69 talky-rtpdump --listen 192.0.2.1:4000
  : >there.pcap
  run -73 talky-rtpdump --listen 127.0.0.1:0 --duration 0.2 -w there.pcap
}

@test "a compressed capture cannot be followed: one line, whatever it came by" {
  need zstd gzip
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" streams in.pcap --packets 300
  gzip -k in.pcap
  zstd -q in.pcap
  local name
  for name in in.pcap.gz in.pcap.zst; do
    run -64 --separate-stderr talky-rtpdump -r "$name" --follow
    [ -z "$output" ]
    [[ $stderr == "talky-rtpdump: $name: is compressed: "* && $(wc -l <<<"$stderr") -eq 1 ]]
    run -64 --separate-stderr talky-rtpdump -r - --follow <"$name"
    [[ $stderr == "talky-rtpdump: standard input: is compressed: "* && $(wc -l <<<"$stderr") -eq 1 ]]
    run -0 talky-rtpdump -r "$name" --csv
    [ "${#lines[@]}" -eq 4 ]
  done
}
