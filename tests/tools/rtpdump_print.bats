# talky-rtpdump --print: the formats of rtptools' rtpdump -F.
load lib

setup() {
  common_setup
  need talky-rtpdump
  # Two RTP packets, the second with the marker, a CSRC and an extension, and a compound RTCP packet.
  /usr/bin/python3 - <<'PY'
import struct
def record(ms, data, rtcp=False): return struct.pack(">HHI", 8 + len(data), 0 if rtcp else len(data), ms) + data
rtp = struct.pack(">BBHII", 0x80, 0, 28178, 954052737, 0x124e2b58) + b"\xff\x7f\x00\x01"
rich = struct.pack(">BBHIIIHHI", 0x91, 0x80, 28179, 954052897, 0x124e2b58, 7, 0xbede, 1, 0x01020304) + b"\xaa"
more = struct.pack(">BBHII", 0x80, 0, 28180, 954053057, 0x124e2b58) + b"\x55"
last = struct.pack(">BBHII", 0x80, 0, 28181, 954053217, 0x124e2b58) + b"\x56"
block = struct.pack(">IIIIII", 0xbc64b658, 129 << 24 | 0xfffffb, 308007791, 17, 2003335488, 825440558)
rr = struct.pack(">BBHI", 0x81, 201, 7, 0x124e2b58) + block
item = b"\x01\x04yy@h"
chunk = struct.pack(">I", 0x124e2b58) + item + b"\0" * (4 - len(item) % 4)
sdes = struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk
with open("in.rtpdump", "wb") as out:
    out.write(b"#!rtpplay1.0 192.0.2.7/5004\n" + struct.pack(">II4BHH", 1700000000, 250000, 192, 0, 2, 7, 5004, 0))
    out.write(record(0, rtp) + record(20, rich) + record(40, more) + record(50, rr + sdes, True) + record(1060, last))
PY
  H='from=192.0.2.7:5004 v=2'
}

expect() {
  talky-rtpdump -r in.rtpdump --print "$1" >got
  diff want got
}

@test "ascii, hex, short, rtcp and payload" {
  cat >want <<EOT
0.000000 RTP len=16 $H p=0 x=0 cc=0 m=0 pt=0 (PCMU,1,8000) seq=28178 ts=954052737 ssrc=0x124e2b58 
0.020000 RTP len=25 $H p=0 x=1 cc=1 m=1 pt=0 (PCMU,1,8000) seq=28179 ts=954052897 ssrc=0x124e2b58 csrc[0]=0x7 ext_type=0xbede ext_len=1 ext_data=01020304 
0.040000 RTP len=13 $H p=0 x=0 cc=0 m=0 pt=0 (PCMU,1,8000) seq=28180 ts=954053057 ssrc=0x124e2b58 
0.050000 RTCP len=48 from=192.0.2.7:5004 
 (RR ssrc=0x124e2b58 p=0 count=1 len=7
  (ssrc=0xbc64b658 fraction=0.503906 lost=-5 last_seq=308007791 jit=17 lsr=2003335488 dlsr=825440558 )
 )
 (SDES p=0 count=1 len=3
  (src=0x124e2b58 CNAME="yy@h" )
 )
1.060000 RTP len=13 $H p=0 x=0 cc=0 m=0 pt=0 (PCMU,1,8000) seq=28181 ts=954053217 ssrc=0x124e2b58 
EOT
  expect ascii
  sed -n '4,10p' want >rtcp
  sed -i -e '1s/$/data=ff7f0001/' -e '2s/$/data=aa/' -e '3s/$/data=55/' -e '11s/$/data=56/' want
  expect hex
  mv rtcp want
  expect rtcp
  printf '0.000000 954052737 28178\n-0.020000 954052897 28179\n0.040000 954053057 28180\n1.060000 954053217 28181\n' >want
  expect short
  printf '\377\177\0\1\252UV' >want
  expect payload
}

# The original, where it is installed. It names no source for files, and loses the marker's sign in the first second.
@test "the same as rtptools prints" {
  command -v rtpdump >/dev/null || skip "rtptools is not installed (Debian 12 has no package of it)"
  for format in ascii hex short rtcp payload; do
    rtpdump -F $format -f in.rtpdump | sed 's/from=[^ ]*/from=X/' >theirs
    talky-rtpdump -r in.rtpdump -F $format | sed -e 's/from=[^ ]*/from=X/' -e 's/^-0\./0./' >ours
    diff theirs ours
  done
}

@test "with an expression, and what does not go together" {
  [ "$(talky-rtpdump -r in.rtpdump -F short 'seq>28179' | wc -l)" -eq 2 ]
  [ "$(talky-rtpdump -r in.rtpdump -F payload marker | od -An -tx1)" = " aa" ]
  run -64 talky-rtpdump -r in.rtpdump -F dump
  run -64 talky-rtpdump -r in.rtpdump -F ascii --calls
  run -0 talky-rtpdump -r in.rtpdump --packets
  [ "${#lines[@]}" -eq 4 ]
}
