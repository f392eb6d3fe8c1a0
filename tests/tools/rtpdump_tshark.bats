# talky-rtpdump's figures beside tshark's rtp,streams, stream by stream, to the last unit that tshark prints.
# ctest: busy
load lib

setup() {
  common_setup
  need talky-rtpdump tshark
}

# The streams of a capture in both programs; prints how many there were. What must agree: first packet, addresses,
# packets, lost, delta and jitter (least, mean, greatest).
agree() {
  tshark -q -z rtp,streams --enable-heuristic rtp_udp -r "$1" >tshark.txt 2>tshark.err
  talky-rtpdump -r "$1" --json >ours.json
  /usr/bin/python3 - <<'PY'
import json, re, sys
ours = {s["ssrc"].lower(): s for s in json.load(open("ours.json"))["streams"]}
rows = 0
row = re.compile(r"\s*([\d.]+)\s+([\d.]+)\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(0x\w+)\s+(.*?)\s+(\d+)\s+(-?\d+) \(\S+\)((?:\s+[\d.]+){6})")
for line in open("tshark.txt"):
    m = row.match(line)
    if not m: continue
    rows += 1
    s = ours.pop(m[7].lower())
    mine = [f"{s['start_s']:.6f}", f"{s['start_s'] + s['duration_s']:.6f}", s["from"], s["to"], s["packets"], max(0, s["lost"])]
    mine += [f"{s[k][w]:.3f}" for k in ("delta_ms", "jitter_ms") for w in ("min", "mean", "max")]
    theirs = [m[1], m[2], f"{m[3]}:{m[4]}", f"{m[5]}:{m[6]}", int(m[9]), int(m[10])] + m[11].split()
    if mine != theirs: sys.exit(f"ours   {mine}\ntshark {theirs}")
if ours: sys.exit(f"only ours: {list(ours)}")
if rows == 0: sys.exit("tshark found nothing")
print(rows)
PY
}

scenario() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/rtp_scenarios.py" "$@"; }

@test "every scenario agrees to the last unit" {
  failed=()
  for name in $(scenario list); do
    scenario "$name" "$name.pcap"
    agree "$name.pcap" >"$name.txt" 2>&1 || { echo "$name:"; cat "$name.txt"; failed+=("$name"); }
  done
  [ "${#failed[@]}" -eq 0 ]
  [ "$(cat several.txt)" -eq 8 ]
  [ "$(cat ssrc_change.txt)" -eq 2 ]
}
