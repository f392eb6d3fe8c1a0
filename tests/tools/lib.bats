# The helpers themselves: a correlation that finds everything proves nothing.
load lib

@test "audio.py finds a signal where it is, through mu-law" {
  audio make noise needle.wav --seconds 1.5
  audio make silence pad.wav --seconds 0.7
  sox pad.wav needle.wav pad.wav -e mu-law hay.wav
  sox hay.wav -e signed -b 16 -r 16000 hay16.wav gain -6
  run -0 audio find needle.wav hay16.wav --at-least 0.98 --lag 698..702 --whole
  [[ $output == *gain_db=-6.* || $output == *gain_db=-5.9* ]]
}

@test "audio.py does not find what is not there" {
  audio make noise needle.wav --seconds 1
  audio make noise other.wav --seconds 3 --seed 2
  run -1 audio find needle.wav other.wav --at-least 0.5
}

@test "audio.py sees that the start is clipped" {
  audio make noise needle.wav --seconds 1
  sox needle.wav hay.wav trim 0.1
  run -1 audio find needle.wav hay.wav --at-least 0.9 --whole
  [[ $output == *lag_ms=-100.* || $output == *lag_ms=-99.9* ]]
}

@test "audio.py: a true copy is whole to its last piece, whatever stands beside it, and 5 ms less at its end are missed" {
  audio make noise long.wav --seconds 9 --rate 16000 --seed 3 # quiet at its end, loud where it begins
  audio make noise other.wav --seconds 1 --rate 16000 --seed 8
  audio make silence pad.wav --seconds 0.3 --rate 16000
  for around in pad.wav other.wav; do
    sox "$around" long.wav "$around" whole.wav
    run -0 audio pieces long.wav whole.wav --at-least 0.999
    sox long.wav part.wav trim 2 3
    run -0 audio pieces part.wav whole.wav --at-least 0.999
    run -0 audio same long.wav whole.wav
    run -1 audio pieces long.wav "$around" --at-least 0.98 --broken 1000 # whatever is excused
    sox long.wav short.wav trim 0 -0.005
    sox "$around" short.wav "$around" less.wav
    run -1 audio pieces long.wav less.wav --at-least 0.98
    run -1 audio same long.wav less.wav
  done
  # Ticks of silence may stand between, no more and no less.
  sox long.wav one.wav trim 0 3.2
  sox long.wav two.wav trim 3.2
  sox one.wav pad.wav two.wav pad.wav both.wav
  run -0 audio same long.wav both.wav
  sox pad.wav half.wav trim 0 0.01
  sox one.wav half.wav two.wav pad.wav both.wav
  run -1 audio same long.wav both.wav
}

@test "audio.py tells silence from sound" {
  audio make tone tone.wav --seconds 1 --level -12
  audio make silence pad.wav --seconds 0.5
  sox pad.wav tone.wav both.wav
  run -0 audio lead both.wav
  [[ ${output%.*} -ge 500 && ${output%.*} -le 502 ]]
  run -0 audio level both.wav --to 0.5 --below -80
  run -0 audio level both.wav --from 0.5 --above -13 --below -11
}

@test "a started program is stopped by its pid, and its exit code is seen" {
  start sleeper bash -c 'trap "exit 7" TERM; echo ready; while :; do read -r -t 0.05 <> <(:) || :; done'
  wait_line sleeper ready
  stop sleeper
  [ "$status" -eq 7 ]
}

@test "wait_for gives up" {
  PATIENCE=1 run ! wait_for 1 false
  [[ $output == *"in vain"* ]]
}

@test "a name is one program's at a time" {
  start one sleep 60
  run -1 start one sleep 60
  [[ $output == "one runs already"* ]]
  stop one
  start one true
  finish one
  start one sleep 60
  kill -KILL "${PIDS[one]}"
  wait "${PIDS[one]}" || true
  start one sleep 60 # what has ended by itself is not in the way
}

@test "a witness excuses what left late or never, and of ours only what a stall explains" {
  /usr/bin/python3 - <<'PY'
import struct
def write(rows, stalls):
    with open("witness.1.packets", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
        for at, source, target, number, stamp, *what in sorted(rows):
            rtp = struct.pack(">BBHII", 0x80, 101 if "key" in what else 0, number, stamp, source)
            rtp += bytes(80) + b"\xff" * 80 if "hole" in what else bytes(160)
            ip = b"\x45" + bytes(8) + b"\x11" + bytes(10) + struct.pack(">HHHH", source, target, 8 + len(rtp), 0) + rtp
            file.write(struct.pack("<IIII", int(at), int(at % 1 * 1e9), len(ip), len(ip)) + ip)
    open("witness.1.stalls", "w").write("".join(f"{a} {b} {who}\n" for a, b, who in stalls))
    open("witness.1.ports", "w").write("5000 400\n")
    open("witness.1.pid", "w").write("0\n")
rows = []
for i in range(100):
    late = .03 if i == 50 else 0
    if i != 10: rows.append((1000 + i / 50 + late, 9000, 5000, i, 160 * i, *(["key"] if i == 30 else [])))
# Ours: two jumps of 60 ms, the second with a stall before it; two packets that are 40 ms late, and two
# holes, the second of each with a stall.
number = 0
for i in range(200):
    if i in (60, 61, 62, 120, 121, 122): continue
    late = .04 if i in (20, 160) else 0
    rows.append((1000 + i / 50 + late, 5000, 9000, number, 160 * i, *(["hole"] if i in (40, 140) else []))); number += 1
at = lambda i: 1000 + i / 50
write(rows, [(at(123) - .25, at(123), "talky-sipd"), (at(160), at(160) + .03, "ticker"), (at(20), at(20) + .03, "python3"),
             (at(140) - .03, at(140), "python3")])
PY
  [ "$(excused in)" -eq 6 ]
  [ "$(witnessed gaps)" -eq 1 ]
  [ "$(excused out)" -eq 2 ]
  [ "$(excused phone)" -eq 3 ]
  [ "$(excused in out)" -eq 8 ]
  [ "$(excused agent)" -eq 2 ]
  [ "$(excused in:5001)" -eq 0 ]
  [ "$(witnessed sent)" -eq 194 ]
  [ "$(witnessed stalled)" -eq 280 ]
  [ "$(witnessed times)" -eq 4 ]
}

@test "a witness sees the packets on the loopback interface, and who waits for a processor" {
  talky-rtpdump -i lo --duration 0.1 >/dev/null 2>may.err || skip "no right to capture on lo here: $(cat may.err)"
  port=$(free_port)
  start_witness "$port" 2
  /usr/bin/python3 - "$port" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in (0, 1, 2, 4, 5):
    for port in (int(sys.argv[1]), int(sys.argv[1]) + 2):
        s.sendto(struct.pack(">BBHII", 0x80, 0, i, 0, 1) + bytes(160), ("127.0.0.1", port))
PY
  five_there() { [ "$(stat -c %s witness.1.packets)" -eq $((24 + 5 * (16 + 20 + 8 + 172))) ]; }
  wait_for 10 five_there
  [ "$(witnessed late-in)" -ge 1 ] # one is missing
  for name in one two; do start $name taskset -c 0 bash -c 'while :; do :; done'; done
  waited() { grep -q ' bash$' witness.1.stalls; }
  wait_for 10 waited
}
