# talky-rtpdump --play: recorded packets sent again. Nothing here is held to the speed of the machine: packets may be
# late, never early.
load lib

setup() {
  common_setup
  need talky-rtpdump
}

# A recording: two streams whose timestamps are 20 ms apart and whose arrival is not, and RTCP of the first.
record() {
  /usr/bin/python3 - "${1:-25}" <<'PY'
import struct, sys
count = int(sys.argv[1])
def udp(sport, dport, data):
    u = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
    return struct.pack(">BBHHHBBH4B4B", 0x45, 0, 20 + len(u), 0, 0x4000, 64, 17, 0, 10, 0, 0, 1, 10, 0, 0, 2) + u
rows = []
for i in range(count):
    late = (0, 9, 33, 2)[i % 4] * 1000
    rows.append((i * 20000 + late, udp(4000, 5000, struct.pack(">BBHII", 0x80, 0, 65530 + i & 0xffff, 800 + i * 160, 0xaaaa) + bytes([i % 256] * 20))))
    rows.append((7000 + i * 20000, udp(4002, 5002, struct.pack(">BBHII", 0x80, 8, i, i * 160, 0xbbbb) + bytes([i % 256] * 20))))
rows.append((100500, udp(4001, 5001, struct.pack(">BBHIIIIII", 0x80, 200, 6, 0xaaaa, 1, 2, 3, 4, 5))))
rows.append((100600, udp(4801, 5801, struct.pack(">BBHIIIIII", 0x80, 200, 6, 0xcccc, 1, 2, 3, 4, 5))))
rows.sort(key=lambda r: r[0])
with open("in.pcap", "wb") as out:
    out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
    for t, p in rows: out.write(struct.pack("<IIII", 1000, t, len(p), len(p)) + p)
PY
}

# play OPTIONS: what arrived, one JSON line a packet [seconds since the first, rtcp, ssrc, seq, ts], in got.json.
play() {
  cat >receive.py <<'PY'
import json, select, socket, struct, subprocess, sys, time
SCM = 35  # SO_TIMESTAMPNS: when the kernel had it, whatever we were doing
def pair():
    while True:
        a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(("127.0.0.1", 0))
        if a.getsockname()[1] % 2 == 0:
            b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try: b.bind(("127.0.0.1", a.getsockname()[1] + 1)); return a, b
            except OSError: pass
socks = pair()
for s in socks:
    s.setsockopt(socket.SOL_SOCKET, SCM, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
p = subprocess.Popen(["talky-rtpdump", "-r", "in.pcap", "--play", f"udp:127.0.0.1:{socks[0].getsockname()[1]}"] + sys.argv[1:], stderr=open("play.err", "w"))
rows, first = [], None
def take():
    for s in select.select(socks, [], [], .05)[0]:
        data, extra, _, source = s.recvmsg(2048, 256)
        sec, ns = struct.unpack("qq", extra[0][2])
        rows.append((sec + ns * 1e-9, s is socks[1], data, source[1]))
        return True
    return False
while p.poll() is None: take()
while take(): pass
rows.sort(key=lambda r: r[0])
with open("got.json", "w") as out:
    for t, rtcp, d, port in rows:
        pt, seq, ts, ssrc = struct.unpack(">xBHII", d[:12])
        out.write(json.dumps([t - rows[0][0], rtcp, ts if rtcp else ssrc, seq, ts, port]) + "\n")
sys.exit(p.returncode)
PY
  /usr/bin/python3 receive.py "$@"
}

check() { /usr/bin/python3 -c "
import json, re
got = [json.loads(line) for line in open('got.json')]
rtp = [g for g in got if not g[1]]
a, b = ([g for g in rtp if g[2] == ssrc] for ssrc in (0xaaaa, 0xbbbb))
late = (0, 9, 33, 2)
# Times here begin with the first packet, which may itself be late: by no more than what was said of all.
told = re.search('([0-9]+) us at most', open('play.err').read())
slip = .01 + (int(told[1]) * 1e-6 if told else 0)
$1"; }

@test "by the times of capture: nothing before its time, the streams at their distance, RTCP on the next port" {
  record
  run -0 play
  cat play.err
  grep -qE 'sent 50 RTP and 1 RTCP packets to 127.0.0.1:[0-9]+ in [0-9.]+ s; late by' play.err
  check "
assert len(a) == 25 and len(b) == 25, (len(a), len(b))
assert [g[2] for g in got if g[1]] == [0xaaaa]
assert [(g[3] - 65530) & 0xffff for g in a] != sorted((g[3] - 65530) & 0xffff for g in a)  # the disorder is part of it
base = min(min(g[0] - .02 * ((g[3] - 65530) & 0xffff) - .001 * late[((g[3] - 65530) & 0xffff) % 4] for g in a), min(g[0] - .007 - .02 * g[3] for g in b))
# The first was sent at the start; no other packet may be earlier than that start allows.
assert base > -slip, (base, slip)
assert got[-1][0] >= .487 - slip, (got[-1], slip)
assert len({g[5] for g in rtp}) == 1
"
}

@test "by the RTP timestamps: the network's jitter and disorder are gone" {
  record
  run -0 play --timing rtp
  check "
assert [(g[3] - 65530) & 0xffff for g in a] == list(range(25))
assert [g[3] for g in b] == list(range(25))
"
}

@test "faster, slower, and as fast as can be" {
  record 50
  play --speed 4
  check "assert len(rtp) == 100 and got[-1][0] >= .247 - slip, (got[-1], slip)"
  play --speed 0.5 'ssrc==0xbbbb && seq<10'
  check "assert len(a) == 0 and len(b) == 10 and .36 - slip <= got[-1][0], (got, slip)"
  play --speed max
  check "assert len(rtp) == 100 and [g[3] for g in b] == list(range(50))"
  run -64 play --speed 0.0000001
  run -64 play --speed fast
}

@test "--loop goes on with sequence numbers and timestamps where the round before ended" {
  record 10
  play --speed max --loop 3
  check "
assert len(a) == 30 and len(b) == 30
assert [g[3] for g in b] == list(range(30)) and [g[4] for g in b] == [160 * i for i in range(30)], b
assert sorted((g[3] - 65530) & 0xffff for g in a) == list(range(30))
"
}

@test "a signal ends it with what was sent; what cannot be played is said" {
  record 500
  start sink /usr/bin/python3 -uc 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print("port", s.getsockname()[1])
s.recv(2048)
print("came")
signal.pause()'
  wait_line sink '^port [0-9]+$'
  # Of the second stream there is no RTCP, which would go to the next port, whoever has that.
  start play talky-rtpdump -r in.pcap --play "udp:127.0.0.1:$(sed -n 's/^port //p' sink.out)" --loop 0 'ssrc==0xbbbb'
  wait_line sink came
  stop play INT
  [ "$status" -eq 0 ]
  grep -q 'stopped by a signal' "$T/play.err"
  run -64 talky-rtpdump -r in.pcap --play udp:127.0.0.1
  run -64 talky-rtpdump -r in.pcap --play udp:127.0.0.1:0
  run -64 talky-rtpdump -r in.pcap --play udp:127.0.0.1:9000 --json
  run -1 talky-rtpdump -r in.pcap --play udp:127.0.0.1:9000 'ssrc==1'
  [[ $output == *"no packet was selected"* ]]
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" noise noise.pcap
  run -1 talky-rtpdump -r noise.pcap --play udp:127.0.0.1:9000
  [[ $output == *"no RTP to play"* ]]
}

@test "what is written is what rtpplay reads, byte by byte" {
  record 5
  talky-rtpdump -r in.pcap -w out.rtpdump 'ssrc==0xaaaa'
  /usr/bin/python3 - <<'PY'
import struct
f = open("out.rtpdump", "rb")
line = f.readline(80)
assert line == b"#!rtpplay1.0 10.0.0.1/4000\n", line
sec, us, ip, port, pad = struct.unpack(">IIIHH", f.read(16))
assert (sec, us, ip, port, pad) == (1000, 0, 0x0a000001, 4000, 0)
n = 0
while head := f.read(8):
    length, plen, ms = struct.unpack(">HHI", head)
    data = f.read(length - 8)
    assert length == 8 + 32 and plen == 32 and len(data) == 32, head
    n += 1
assert n == 5, n
PY
  command -v rtpplay >/dev/null || skip "rtptools is not installed (Debian 12 has no package of it)"
  start listen talky-rtpdump --listen 127.0.0.1:0 --csv
  wait_line listen 'listening on'
  port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$T/listen.err")
  rtpplay -T -f out.rtpdump "127.0.0.1/$port"
  stop listen INT
  grep -q '0x0000aaaa' "$T/listen.out"
}
