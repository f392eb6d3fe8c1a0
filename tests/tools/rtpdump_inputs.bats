# talky-rtpdump's inputs: containers, compression, cut and damaged files, pipes.
# ctest: busy
load lib
load memory

setup() {
  common_setup
  need talky-rtpdump tshark zstd gzip
}

capture() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" "$@"; }

@test "gzip and zstd, in files and pipes, under any name, give the same list" {
  capture streams in.pcap --packets 20000
  tshark -F pcapng -w in.pcapng -r in.pcap 2>tshark.err
  talky-rtpdump -r in.pcap -w in.rtpdump 'sport==10000'
  talky-rtpdump -r in.pcap >all
  talky-rtpdump -r in.rtpdump >one
  for file in in.pcap in.pcapng in.rtpdump; do
    expected=all
    [ $file = in.rtpdump ] && expected=one
    gzip -c $file >packed-gzip.bin
    zstd -q -c $file >packed-zstd.bin
    for packed in packed-gzip.bin packed-zstd.bin; do
      run -0 --separate-stderr bash -c "talky-rtpdump -r $packed | diff $expected -"
      [ -z "$stderr" ]
      talky-rtpdump -r - <$packed | diff $expected -
      talky-rtpdump <$packed | diff $expected -
    done
  done
  # Two passes too, and two members in one file.
  [ "$(talky-rtpdump -r - --packets 'sport==10000' <packed-zstd.bin | wc -l)" -eq "$(talky-rtpdump -r in.rtpdump --packets | wc -l)" ]
  (head -c 1000000 in.pcap | gzip -c; tail -c +1000001 in.pcap | gzip -c) >two.gz
  talky-rtpdump -r two.gz | diff all -
}

@test "a compressed capture that is cut off is read to the cut, with a warning; a damaged one is refused" {
  capture streams in.pcap --packets 20000
  gzip -k in.pcap
  zstd -q -k in.pcap
  for packed in in.pcap.gz in.pcap.zst; do
    head -c $(($(stat -c %s $packed) / 2)) $packed >cut.bin
    run -0 --separate-stderr talky-rtpdump -r cut.bin --csv
    [ "${#lines[@]}" -eq 4 ]
    [[ $stderr == *"cut.bin: the capture is cut off at byte "* ]]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
  done
  cp in.pcap.gz bad.gz
  printf '\377\377\377\377' | dd of=bad.gz bs=1 seek=$(($(stat -c %s bad.gz) - 8)) conv=notrunc status=none
  run -65 talky-rtpdump -r bad.gz
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"expected sound gzip data"* ]]
  head -c 100 in.pcap.zst >tail.zst
  head -c 500 /dev/zero | tr '\0' '\377' >>tail.zst
  run -65 talky-rtpdump -r tail.zst
  [ "${#lines[@]}" -eq 1 ]
  gzip -c </dev/null >empty.gz
  run -65 talky-rtpdump -r empty.gz
  printf 'no capture' | gzip -c >other.gz
  run -65 talky-rtpdump -r other.gz
  [[ $output == *"expected a pcap, pcapng or rtpdump file"* ]]
}

@test "a large compressed capture is read in constant memory" {
  capture streams small.pcap --packets 3000
  # The same packets over and over: what is measured is memory, not figures.
  (cat small.pcap; for _ in $(seq 60); do tail -c +25 small.pcap; done) >big.pcap
  [ "$(stat -c %s big.pcap)" -gt 40000000 ]
  zstd -q --rm big.pcap
  run -0 bash -c '/usr/bin/env time -f %M talky-rtpdump -r big.pcap.zst 2>&1 >/dev/null || /usr/bin/python3 - <<PY
import resource, subprocess
subprocess.run(["talky-rtpdump", "-r", "big.pcap.zst"], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY'
  memory_below talky-rtpdump "${lines[-1]}" 24000
}

@test "pcapng with several interfaces, link types and resolutions, as mergecap and editcap write it" {
  need mergecap
  capture streams ethernet.pcap --packets 600
  capture streams raw.pcap --packets 600 --link raw
  mergecap -F pcapng -I none -w merged.pcapng ethernet.pcap raw.pcap
  run -0 talky-rtpdump -r merged.pcapng --json
  # Each packet is there twice, at the same time, over two interfaces.
  /usr/bin/python3 - "$output" <<'PY'
import json, sys
d = json.loads(sys.argv[1])
assert len(d["streams"]) == 3 and d["packets"]["rtp"] == 1200, d["packets"]
assert all(s["duplicates"] >= s["packets"] // 2 - 5 for s in d["streams"])
PY
}

@test "a selection is written as pcapng too: every frame as it was, of whatever link type, as tshark and capinfos read it" {
  need capinfos mergecap tshark
  capture streams ethernet.pcap --packets 600
  capture streams cooked.pcap --packets 600 --link sll
  mergecap -F pcapng -I none -w merged.pcapng ethernet.pcap cooked.pcap
  talky-rtpdump -r merged.pcapng -w kept.pcapng
  run -0 capinfos -T -r -t -E -c kept.pcapng
  [[ $output == kept.pcapng*pcapng*per-packet*1200 ]]
  fields() { tshark -r "$1" -T fields -e frame.time_epoch -e frame.len -e frame.encap_type -e rtp.ssrc -e rtp.seq -d udp.port==20000-20010,rtp 2>tshark.err; }
  [ "$(fields kept.pcapng | wc -l)" -eq 1200 ]
  fields merged.pcapng | diff - <(fields kept.pcapng)
  # Times to the nanosecond, lengths of every remainder, an expression, standard output, --format, a live name.
  talky-rtpdump -r merged.pcapng -w - --format pcapng 'sport==10000' >one.pcapng
  [ "$(capinfos -T -r -t one.pcapng | cut -f2)" = pcapng ]
  diff <(talky-rtpdump -r one.pcapng --csv | cut -d, -f3-) <(talky-rtpdump -r merged.pcapng --csv 'sport==10000' | cut -d, -f3-)
  talky-rtpdump -r one.pcapng -w one.rtpdump
  talky-rtpdump -r one.rtpdump -w made-up.pcapng
  [ "$(tshark -r made-up.pcapng -o udp.check_checksum:TRUE -Y 'udp.checksum.status == "Good"' 2>tshark.err | wc -l)" -eq \
    "$(talky-rtpdump -r one.pcapng --packets | wc -l)" ]
  # Compressed files are read, and not written under a name that promises it.
  run -64 --separate-stderr talky-rtpdump -r merged.pcapng -w kept.pcap.gz
  [[ $stderr == *'kept.pcap.gz: captures are written as they are'*gzip* ]]
  [ ! -e kept.pcap.gz ]
}

@test "chance from very many sources stays within the memory that is promised, and the doubtful beginnings are said" {
  /usr/bin/python3 - <<'PY'
import struct
def capture(path, rounds, count):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for n in range(rounds):
            for i in range(count):
                rtp = struct.pack(">BBHII", 0x80, 0, n, n * 160, i + 1) + bytes(20)
                udp = struct.pack(">HHHH", 1024 + i, 20000, 8 + len(rtp), 0) + rtp
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2") + udp
                out.write(struct.pack("<IIII", 1000, n * 20000 + i // 10, len(ip), len(ip)) + ip)
capture("chance.pcap", 1, 60000)
capture("crowd.pcap", 10, 20000)
PY
  run -0 /usr/bin/python3 -c '
import resource, subprocess
subprocess.run(["talky-rtpdump", "-r", "chance.pcap"], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'
  memory_below talky-rtpdump "$output" 16384
  talky-rtpdump -r crowd.pcap --json >crowd.json 2>crowd.err
  cat crowd.err
  grep -Eqx 'talky-rtpdump: [67][0-9]{3} streams began while more than 12288 others .* of their packets are not counted' crowd.err
  /usr/bin/python3 - <<'PY'
import json
d = json.load(open("crowd.json"))
packets = sum(s["packets"] for s in d["streams"])
assert len(d["streams"]) == 20000 and 0 < d["packets"]["uncounted"] <= 200000 - packets, (len(d["streams"]), d["packets"], packets)
PY
}
