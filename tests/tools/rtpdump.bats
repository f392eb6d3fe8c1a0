# talky-rtpdump against tshark and sox on the same captures.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-rtpdump tshark sox
}

capture() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" "$@"; }

# The two programs' figures for each stream, side by side.
agree_with_tshark() {
  tshark -q -z rtp,streams --enable-heuristic rtp_udp -r "$1" >tshark.txt 2>tshark.err
  talky-rtpdump -r "$1" --json >ours.json
  /usr/bin/python3 - <<'PY'
import json, re, sys
ours = {s["ssrc"].lower(): s for s in json.load(open("ours.json"))["streams"]}
rows = 0
for line in open("tshark.txt"):
    m = re.match(r"\s*([\d.]+)\s+([\d.]+)\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(0x\w+)\s+(\S+)\s+(\d+)\s+(-?\d+) \(\S+\)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", line)
    if not m: continue
    rows += 1
    s = ours.pop(m[7].lower())
    mine = [f"{s['start_s']:.6f}", s["from"], s["to"], s["packets"], s["lost"]] + [f"{s[k][w]:.3f}" for k in ("delta_ms", "jitter_ms") for w in ("min", "mean", "max")]
    # tshark shows a negative loss as 0.
    theirs = [m[1], f"{m[3]}:{m[4]}", f"{m[5]}:{m[6]}", int(m[9]), int(m[10])] + [m[i] for i in range(11, 17)]
    if theirs[4] == 0 and mine[4] < 0: mine[4] = 0
    if mine != theirs: sys.exit(f"ours   {mine}\ntshark {theirs}")
if ours: sys.exit(f"only ours: {list(ours)}")
if rows == 0: sys.exit("tshark found nothing")
print(rows)
PY
}

@test "streams, losses, deltas and jitter agree with tshark to the last unit" {
  capture streams bad.pcap --packets 6000 --streams 5
  run -0 agree_with_tshark bad.pcap
  [ "$output" -eq 5 ]
  capture streams clean.pcap --clean
  run -0 agree_with_tshark clean.pcap
  [ "$output" -eq 3 ]
}

@test "every link type and container gives the same list" {
  capture streams ethernet.pcap
  talky-rtpdump -r ethernet.pcap >expected
  for link in raw sll null; do
    capture streams $link.pcap --link $link
    talky-rtpdump -r $link.pcap | diff expected -
  done
  tshark -F pcapng -w all.pcapng -r ethernet.pcap 2>tshark.err
  talky-rtpdump -r all.pcapng | diff expected -
  talky-rtpdump -r - <all.pcapng | diff expected -
  talky-rtpdump <ethernet.pcap | diff expected -
}

@test "no stream is seen in DNS, STUN, QUIC, RTCP and chance" {
  capture noise noise.pcap
  run -0 --separate-stderr talky-rtpdump -r noise.pcap --csv
  [ "${#lines[@]}" -eq 1 ]
  [ -z "$stderr" ]
}

@test "a call: its signalling, its legs, its digits" {
  audio make noise a.wav --seconds 3 --seed 1
  audio make noise b.wav --seconds 3 --seed 2
  capture call call.pcap --caller a.wav --callee b.wav
  run -0 talky-rtpdump -r call.pcap --json
  /usr/bin/python3 - "$output" <<'PY'
import json, sys
d = json.loads(sys.argv[1])
(call,) = d["calls"]
assert call["final_code"] == 200 and call["ended_by"] == "caller", call
assert (call["ringing_s"], call["answered_s"]) == (0.05, 0.2), call
assert call["from"] == "sip:alice@10.0.0.1" and call["to"] == "sip:100@10.0.0.2", call
legs = {s["leg"]: s for s in d["streams"]}
assert set(legs) == {"caller", "callee"} and len(d["streams"]) == 2, d["streams"]
assert [x["digit"] for x in legs["caller"]["dtmf"]] == ["4", "#"], legs["caller"]["dtmf"]
assert all(x["ended"] and x["duration_ms"] == 100 for x in legs["caller"]["dtmf"])
assert legs["callee"]["missing"] == 0 and legs["callee"]["mos"] > 4.3
PY
  run -0 talky-rtpdump -r call.pcap --calls
  [[ $output == *"ended by caller"*"call-1@test"* ]]
  run -0 talky-rtpdump -r call.pcap --ladder call-1@test
  [[ ${lines[1]} == *"|--"*"INVITE sip:100@10.0.0.2 (SDP)"*"->|"* ]]
  [[ ${lines[4]} == *"|<-"*"200 OK (SDP)"*"--|"* ]]
  [ "${#lines[@]}" -eq 8 ]
  run -1 talky-rtpdump -r call.pcap --ladder nobody
}

@test "extracted audio is the audio, sample by sample, however the packets came" {
  audio make noise a.wav --seconds 3 --seed 1
  audio make noise b.wav --seconds 2.5 --seed 2
  for order in "" --shuffle; do
    rm -rf out
    # shellcheck disable=SC2086
    capture call call.pcap --caller a.wav --callee b.wav $order
    run -0 talky-rtpdump -r call.pcap --extract out
    [ "${#lines[@]}" -eq 3 ]
    sox -D a.wav -t ul - | sox -D -t ul -r 8000 -c 1 - -t s16 a.s16
    sox -D b.wav -t ul - | sox -D -t ul -r 8000 -c 1 - -t s16 b.s16
    sox out/01-0xaaaa0001.wav -t s16 - | cmp - a.s16
    sox out/02-0xbbbb0002.wav -t s16 - | cmp - b.s16
    # In the call the callee begins 100 ms later; the shorter side is silence to the end.
    run -0 audio info out/call-01.wav
    [[ $output == "rate=8000 channels=2 frames=24000 "* ]]
    sox out/call-01.wav -t s16 - remix 1 | cmp - a.s16
    sox out/call-01.wav -t s16 - remix 2 trim 800s 20000s | cmp - b.s16
    audio level out/call-01.wav --channel 1 --to 0.1 --below -90
  done
  capture call call.pcap --caller a.wav --callee b.wav
  run -73 talky-rtpdump -r call.pcap --extract out
  run -0 talky-rtpdump -r call.pcap --extract out -f --payload 'codec==pcmu && dport==50000'
  [[ $output == *01-0xaaaa0001.payload* && $output != *0002* ]]
  sox -D a.wav -t ul - | cmp - out/01-0xaaaa0001.payload
  [ -z "$(ls out/*.part 2>/dev/null)" ]
}

@test "a selection is written as pcap and as rtpdump, and read again" {
  capture streams in.pcap
  ssrc=$(talky-rtpdump -r in.pcap --csv | sed -n 2p | cut -d, -f5)
  count=$(talky-rtpdump -r in.pcap --csv | sed -n 2p | cut -d, -f8)
  talky-rtpdump -r in.pcap -w one.pcap "ssrc==$ssrc"
  [ "$(tshark -r one.pcap -Y udp 2>/dev/null | wc -l)" -eq "$count" ]
  talky-rtpdump -r in.pcap --csv "ssrc==$ssrc" | cut -d, -f3- >a.csv
  talky-rtpdump -r one.pcap --csv | cut -d, -f3- | diff a.csv -
  talky-rtpdump -r in.pcap -w one.rtpdump "ssrc==$ssrc"
  [ "$(head -c 12 one.rtpdump)" = '#!rtpplay1.0' ]
  [ "$(talky-rtpdump -r one.rtpdump --packets | wc -l)" -eq "$count" ]
  talky-rtpdump -r one.rtpdump -w - | talky-rtpdump -r - --csv | sed -n 2p | grep -q "$ssrc,0,PCMU,$count,"
  run -73 talky-rtpdump -r in.pcap -w one.pcap
  talky-rtpdump -r in.pcap -w one.pcap -f
  tshark -r one.pcap 2>/dev/null | wc -l | grep -qx 3000
}

@test "without an expression the whole call is kept: SIP and RTCP too, and nothing else" {
  audio make noise a.wav --seconds 1
  capture call call.pcap --caller a.wav --callee a.wav
  talky-rtpdump -r call.pcap -w kept.pcap
  run -0 talky-rtpdump -r kept.pcap --json
  [[ $output == *'"sip": 7'* ]]
  [[ $output == *'"rtcp": 400'* ]]
  [ "$(tshark -r kept.pcap -Y dns 2>/dev/null | wc -l)" -eq 0 ]
}

@test "a selection in time and by kind" {
  capture streams in.pcap --clean
  [ "$(talky-rtpdump -r in.pcap --packets 'time<1s && sport==10000' | wc -l)" -eq 50 ]
  [ "$(talky-rtpdump -r in.pcap --packets 'time>=1s && (sport==10000 || dport==20002) && !marker' | wc -l)" -eq 1900 ]
  [ "$(talky-rtpdump -r in.pcap --packets 'addr==10.0.0.1:10002' | wc -l)" -eq 1000 ]
  [ "$(talky-rtpdump -r in.pcap --packets 'src!=10.0.0.1' | wc -l)" -eq 0 ]
}

@test "a wrong expression is pointed at" {
  capture streams in.pcap
  run -64 talky-rtpdump -r in.pcap 'pt==0 && ssrc=0x12'
  [[ ${lines[0]} == *"character 14: expected an operator"* ]]
  [[ ${lines[2]} == "                 ^" ]]
  run -64 talky-rtpdump -r in.pcap 'time<30 apples'
  run -64 talky-rtpdump -r in.pcap 'nonsense==1'
  run -64 talky-rtpdump -r in.pcap '(pt==0'
  run -64 talky-rtpdump -r in.pcap "$(printf '(%.0s' {1..100})"
}

@test "bad input: one line, the right code, nothing half made" {
  capture streams in.pcap
  head -c 5000 in.pcap >cut.pcap
  run -0 --separate-stderr talky-rtpdump -r cut.pcap --csv
  [ "${#lines[@]}" -eq 4 ]
  [[ $stderr == *"cut off at byte"* ]]
  head -c 10 in.pcap >short.pcap
  run -65 talky-rtpdump -r short.pcap
  [ "${#lines[@]}" -eq 1 ]
  head -c 5000 /dev/zero >zero.pcap
  run -65 talky-rtpdump -r zero.pcap
  (head -c 24 in.pcap; printf '\0\0\0\0\0\0\0\0\377\377\377\377\377\377\377\377') >huge.pcap
  run -65 talky-rtpdump -r huge.pcap
  [[ $output == *"at byte 32"* ]]
  : >empty.pcap
  run -65 talky-rtpdump -r empty.pcap
  run -66 talky-rtpdump -r nothing.pcap
  [[ $output == *"No such file"* ]]
  run -66 talky-rtpdump -r .
  run -74 talky-rtpdump -r in.pcap -f -w /dev/full
  run -74 bash -c 'talky-rtpdump -r in.pcap >/dev/full'
  run -65 talky-rtpdump -r huge.pcap -w half.pcap
  [ ! -e half.pcap ]
  # A reader that goes away ends it quietly.
  run -0 bash -c 'talky-rtpdump -r in.pcap --packets | head -n 1'
  [ "${#lines[@]}" -eq 1 ]
}

@test "live: what comes to a port is listed and kept" {
  start live talky-rtpdump --listen 127.0.0.1:0 --csv
  wait_line live 'listening on'
  port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$T/live.err")
  /usr/bin/python3 - "$port" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(50):
    if i != 20: s.sendto(struct.pack(">BBHII", 0x80, 8, i, i * 160, 0xabcd) + bytes(160), ("127.0.0.1", int(sys.argv[1])))
PY
  stop live INT
  [ "$status" -eq 0 ]
  grep -q ',0x0000abcd,8,PCMA,49,7840,50,1,1,0,0,' "$T/live.out"
  run -69 talky-rtpdump --listen 192.0.2.1:9
  run -64 talky-rtpdump --listen 127.0.0.1:0 -r x
}
