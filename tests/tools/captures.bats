# Captures that talky-rtpdump and talky-transcode once understood differently: there is one reading of them now.
load lib

setup() {
  common_setup
  need talky-rtpdump talky-transcode sox ffmpeg openssl jq
  audio make noise a.wav --seconds 4 --seed 1
  audio make noise b.wav --seconds 8 --seed 2
  law a.wav a.s16
  law b.wav b.s16
}

call() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/hard_calls.py" "$1" call.pcap --caller a.wav --callee b.wav; }
# What mu-law makes of a WAV, as raw samples.
law() { sox -D "$1" -t ul - | sox -D -t ul -r 8000 -c 1 - -t s16 "$2"; }
# The sound of a stream as both give it, which must be one.
heard() { # SSRC OUT.s16
  rm -rf out
  talky-rtpdump -r call.pcap --extract out --parts streams
  talky-transcode --ssrc "$1" call.pcap -t s16le - >"$2"
  sox out/*-"$1".wav -t s16 - | cmp - "$2"
}

@test "SDP in one TCP segment or in two: the payload types are known" {
  for kind in tcp tcp-cut; do
    call $kind
    heard 0xaaaa0001 got.s16
    cmp got.s16 a.s16
  done
}

@test "SRTP whose key is in the SDP is decrypted, and said to be" {
  call srtp
  heard 0xaaaa0001 got.s16
  cmp got.s16 a.s16
  run -0 --separate-stderr talky-transcode call.pcap x.wav
  [[ $stderr == *"SRTP: 200 packets of 1 streams and 0 of RTCP decrypted, 0 were not authentic"* ]]
  # The packets themselves are passed on in the clear, with what they mean.
  talky-transcode call.pcap plain.pcap
  [ "$(talky-rtpdump -r plain.pcap --csv | cut -d, -f5-8 | tail -1)" = 0xaaaa0001,0,PCMU,200 ]
  talky-transcode plain.pcap -t s16le - | cmp - a.s16
}

@test "a hold in which the timestamp stands still: what is said behind it is in its place, none is lost" {
  call hold
  heard 0xaaaa0001 got.s16
  head -c 32000 got.s16 | cmp - <(head -c 32000 a.s16)
  tail -c 32000 got.s16 | cmp - <(tail -c 32000 a.s16)
  [ "$(stat -c %s got.s16)" -eq $((64000 + 48000)) ]
  [ "$(talky-rtpdump -r call.pcap --csv | grep 0xaaaa0001 | cut -d, -f27,32)" = 0,1 ] # late, pauses
  # Both legs side by side, as the call's file has them.
  talky-rtpdump -r call.pcap --extract out -f --parts calls
  talky-transcode call.pcap -t s16le - | cmp - <(sox out/call-01.wav -t s16 -)
  talky-transcode call.pcap -t s16le - | sox -t s16 -r 8000 -c 2 - -t s16 - remix 1 | head -c 112000 | cmp - got.s16
}

@test "a clock that jumps by a year: an hour of silence stands for it, and that is said" {
  call jump
  said="call.pcap: behind 2.28 s nothing was captured for 365 days, or its clock was set; in sound, an hour of silence stands for it"
  for how in "" "-w part.pcap" "--extract out"; do
    run -0 --separate-stderr talky-rtpdump -r call.pcap $how
    [ "$stderr" = "talky-rtpdump: $said" ]
  done
  # Two seconds, an hour less the time between two packets, two seconds: of both legs the same.
  [ "$(stat -c %s out/01-*.wav)" -eq $((44 + 64000 + 57600000 - 320)) ]
  sox out/01-*.wav -t s16 - | head -c 32000 | cmp - <(head -c 32000 a.s16)
  sox out/01-*.wav -t s16 - | tail -c 32000 | cmp - <(tail -c 32000 a.s16)
  run -0 --separate-stderr talky-transcode call.pcap -t s16le got.s16
  [ "$stderr" = "talky-transcode: $said" ]
  cmp got.s16 <(sox out/call-01.wav -t s16 -)
  talky-transcode --jitter-buffer call.pcap heard.wav
  [ "$(stat -c %s heard.wav)" -lt $((3610 * 64000)) ]
  # The packets themselves keep their times.
  [ "$(talky-rtpdump -r part.pcap --csv | cut -d, -f2 | tail -1)" = 31536003.980000 ]
}

@test "a call captured from its middle: up, ended by who said BYE; its SIP and RTCP go with it; JSON is UTF-8" {
  call middle
  run -0 talky-rtpdump -r call.pcap --calls
  [[ ${lines[1]} == *" before "*"ended by callee"*">1 <2"*"call-1@test" ]]
  [[ $output == *REGISTER*reg@test* ]]
  talky-rtpdump -r call.pcap --json >call.json
  /usr/bin/python3 - <<'PY'
import json
told = json.loads(open("call.json", "rb").read().decode("utf-8"))
(call,) = told["calls"]
assert call["begun_before"] and call["state"] == "ended" and call["ended_by"] == "callee" and call["talked_s"] is None, call
assert call["from_name"] == "J\ufffdrgen", call["from_name"]
assert [r["method"] for r in told["requests"]] == ["REGISTER"]
assert [s["mos"] is None for s in told["streams"]] == [False, False, True], told["streams"]
PY
  # Of the call all that belongs to it; of a stream its packets alone.
  talky-rtpdump -r call.pcap -w one.pcap call==1
  [ "$(talky-rtpdump -r one.pcap --json | jq -c '[.packets.rtp, .packets.rtcp, .packets.sip, (.requests | length)]')" = "[400,1,3,0]" ]
  talky-rtpdump -r call.pcap -w two.pcap ssrc==0xaaaa0001
  [ "$(talky-rtpdump -r two.pcap --json | jq -c '[.packets.rtp, .packets.rtcp, .packets.sip]')" = "[200,0,0]" ]
  # What nobody said: the user does.
  [ "$(talky-rtpdump -r call.pcap --csv | awk -F, '$5 == "0xcccc0003" { print $7 "," $24 }')" = "," ]
  run -0 talky-rtpdump -r call.pcap --csv --payload-type 98=PCMU/8000 'pt==98'
  [[ ${lines[1]} == *,98,PCMU,200,* ]]
  talky-rtpdump -r call.pcap --payload-type 98=PCMU/8000 --extract out 'pt==98'
  sox out/*-0xcccc0003.wav -t s16 - | cmp - a.s16
  run -64 talky-rtpdump -r call.pcap --payload-type 98=
  [[ $output == *"98=: expected a codec as PCMU"* ]]
}

@test "a payload type means what its own call says" {
  call payload-types
  heard 0xaaaa0001 got.s16
  cmp got.s16 a.s16
  heard 0xaaaa0002 got.s16
  sox -D a.wav -r 16000 wide.wav
  sox -t s16 -r 16000 -c 1 got.s16 got.wav
  audio find wide.wav got.wav --at-least 0.9
  [ "$(talky-rtpdump -r call.pcap --csv | cut -d, -f7 | tail -2 | tr '\n' ' ')" = "PCMU G722 " ]
  # Where its addresses are not in any SDP, and all SDPs agree, what they say.
  for kind in nat mgcp; do
    call $kind
    heard 0xaaaa0001 got.s16
    cmp got.s16 a.s16
  done
  # The user's word comes before all of it.
  talky-transcode --payload-type 96=PCMA/8000 call.pcap -t s16le - | cmp - <(sox -D a.wav -t ul - | sox -t al -r 8000 -c 1 - -t s16 -)
}

@test "G.722 with a clock of 16,000 Hz in its SDP is G.722" {
  call g722-16000
  heard 0xaaaa0001 got.s16
  sox -D a.wav -r 16000 wide.wav
  sox -t s16 -r 16000 -c 1 got.s16 got.wav
  audio find wide.wav got.wav --at-least 0.9
  run -0 talky-rtpdump -r call.pcap --csv
  [[ ${lines[1]} == *,G722,200,* ]]
  [ "$(cut -d, -f27 <<<"${lines[1]}")" = 0 ] # late
}

@test "a capture that is cut off before its first packet holds nothing; one without packets is an empty one" {
  call bare
  head -c 100 call.pcap >cut.pcap
  run -65 --separate-stderr talky-rtpdump -r cut.pcap
  [[ $stderr == "talky-rtpdump: cut.pcap: at byte 24: the input ends; expected a whole packet" ]]
  run -65 --separate-stderr talky-transcode cut.pcap x.wav
  [[ $stderr == "talky-transcode: cut.pcap: at byte 24: the input ends; expected a whole packet" ]]
  head -c 24 call.pcap >empty.pcap
  run -0 --separate-stderr talky-rtpdump -r empty.pcap --csv
  [ "${#lines[@]}" -eq 1 ]
  run -65 --separate-stderr talky-transcode empty.pcap x.wav
  [[ $stderr == *"empty.pcap: no RTP stream in it" ]]
  # Behind the first packet both take what came before, and say the same.
  head -c 20000 call.pcap >cut.pcap
  run -0 --separate-stderr talky-rtpdump -r cut.pcap
  [[ $stderr == "talky-rtpdump: cut.pcap: the capture is cut off at byte 19804; what came before it is used" ]]
  run -0 --separate-stderr talky-transcode cut.pcap x.wav
  [[ $stderr == "talky-transcode: cut.pcap: the capture is cut off at byte 19804; what came before it is used" ]]
}

@test "a damaged record: what came before it is listed, written and heard, then the damage" {
  call damaged
  damage=": call.pcap: at byte 20732: expected a frame of at most 256 KiB"
  run -65 --separate-stderr talky-rtpdump -r call.pcap --csv
  [[ ${lines[1]} == *,0xaaaa0001,0,PCMU,90,* ]]
  [[ $stderr == "talky-rtpdump$damage" ]]
  run -65 --separate-stderr talky-rtpdump -r call.pcap --csv pt==0
  [[ ${lines[1]} == *,0xaaaa0001,0,PCMU,90,* ]]
  [[ $stderr == "talky-rtpdump$damage" ]]
  run -65 --separate-stderr talky-rtpdump -r call.pcap -w sound.pcap --extract out
  [[ $stderr == "talky-rtpdump$damage" ]]
  [ "$(talky-rtpdump -r sound.pcap --csv | cut -d, -f8 | tail -1)" = 90 ]
  run -65 --separate-stderr talky-transcode call.pcap got.wav
  [[ $stderr == "talky-transcode$damage" ]]
  sox out/*.wav -t s16 - | cmp - <(head -c $((90 * 320)) a.s16)
  sox got.wav -t s16 - | cmp - <(head -c $((90 * 320)) a.s16)
}

encapsulate() { /usr/bin/python3 "$TALKY_SOURCE/tests/tools/encapsulations.py" "$@"; }

@test "whatever is around IP: the same call is read, and tshark reads the same" {
  need tshark
  encapsulate ethernet plain.pcap
  talky-rtpdump -r plain.pcap --csv >plain.csv
  talky-rtpdump -r plain.pcap --calls --csv >plain.calls
  [ "$(cut -d, -f5-8,11 plain.csv | tail -2 | tr '\n' ' ')" = "0xaaaa0001,0,PCMU,50,0 0xbbbb0002,0,PCMU,50,0 " ]
  [[ $(tail -1 plain.calls) == *,200,caller,call-1@test,ended,* ]]
  # One of them all, an interface each, for tshark: a pseudowire is not looked into by default there.
  encapsulate all all.pcapng
  tshark -r all.pcapng -Y rtp -T fields -e frame.interface_name 2>/dev/null | sort | uniq -c | awk '{ print $2, $1 }' >seen
  diff <(encapsulate list | grep -vx mpls-pseudowire | sed 's/$/ 100/' | sort) seen
  for kind in $(encapsulate list) fragments; do
    encapsulate "$kind" call.pcap
    run -0 --separate-stderr talky-rtpdump -r call.pcap --csv
    [ -z "$stderr" ] || { echo "$kind: $stderr"; false; }
    diff plain.csv <(printf '%s\n' "$output") || { echo "$kind"; false; }
    talky-rtpdump -r call.pcap --calls --csv | diff plain.calls - || { echo "$kind"; false; }
  done
}

@test "HEP3, a pcapng of two sections and interfaces of different clocks, packets seen at two interfaces" {
  need tshark
  encapsulate ethernet plain.pcap
  encapsulate hep call.pcap
  for of in --list --calls; do
    diff <(talky-rtpdump -r plain.pcap $of --csv) <(talky-rtpdump -r call.pcap $of --csv)
  done
  encapsulate sections call.pcapng
  talky-rtpdump -r call.pcapng --calls --csv | diff <(talky-rtpdump -r plain.pcap --calls --csv) -
  [ "$(talky-rtpdump -r call.pcapng --csv | cut -d, -f5-8,11,27 | tail -2 | tr '\n' ' ')" = "0xaaaa0001,0,PCMU,50,0,0 0xbbbb0002,0,PCMU,50,0,0 " ]
  [ "$(tshark -r call.pcapng -Y rtp 2>/dev/null | wc -l)" -eq 100 ]
  encapsulate twice call.pcap
  [ "$(talky-rtpdump -r call.pcap --csv | cut -d, -f8,12,13,24,27 | tail -2 | tr '\n' ' ')" = "100,0,50,4.409,0 100,0,50,4.409,0 " ]
  talky-transcode call.pcap -t s16le - | cmp - <(talky-transcode plain.pcap -t s16le -)
  # What was chosen is written in the frames that it came in, or where a pcap cannot hold them, in ones of its own.
  for kind in vxlan ppp; do
    encapsulate $kind call.pcap
    talky-rtpdump -r call.pcap -w part.pcap ssrc==0xaaaa0001 -f
    [ "$(talky-rtpdump -r part.pcap --csv | cut -d, -f3-5,8 | tail -1)" = 10.0.0.1:40000,10.0.0.2:50000,0xaaaa0001,50 ]
  done
}

@test "what was not read is said; where nothing could be, the exit code is 1" {
  declare -A said=(
    [link-type]="of link type 147" [esp]="of IP protocol 50 (ESP, encrypted)" [macsec]="of EtherType 0x88e5 (MACsec)"
    [wifi-encrypted]="of 802.11 that are encrypted, aggregated or hold no data" [arp]="of EtherType 0x0806 (ARP)"
  )
  for kind in $(encapsulate unread); do
    encapsulate "$kind" call.pcap
    for how in --list --json --calls; do
      run -1 --separate-stderr talky-rtpdump -r call.pcap $how
      [ "$stderr" = "talky-rtpdump: call.pcap: nothing of it could be read: 105 frames ${said[$kind]}" ]
    done
    run -65 --separate-stderr talky-transcode call.pcap x.wav
    [ "$stderr" = "talky-transcode: call.pcap: nothing of it could be read: 105 frames ${said[$kind]}" ]
    run -1 --separate-stderr talky-rtpdump -r call.pcap --extract out -w x.pcap
    [ "$stderr" = "talky-rtpdump: call.pcap: nothing of it could be read: 105 frames ${said[$kind]}" ]
    for made in out x.pcap x.wav; do
      [ ! -e "$made" ]
    done
  done
  # Beside what can be read, ARP is no loss, and ESP may be one.
  encapsulate ethernet plain.pcap
  for kind in arp esp; do
    encapsulate $kind other.pcap
    cp plain.pcap both.pcap
    tail -c +25 other.pcap >>both.pcap
    run -0 --separate-stderr talky-rtpdump -r both.pcap
    [ "$stderr" = "$([ $kind = arp ] || echo "talky-rtpdump: both.pcap: 105 frames ${said[esp]} were not read")" ]
  done
  encapsulate one-fragment call.pcap
  run -0 --separate-stderr talky-rtpdump -r call.pcap
  [[ $stderr == *"1 fragment of a datagram that never became whole was not read" ]]
}

@test "a snap length that cuts packets is said; their headers count, their sound is silence for both" {
  encapsulate snapped call.pcap
  run -0 --separate-stderr talky-rtpdump -r call.pcap --csv
  [[ $stderr == "talky-rtpdump: call.pcap: 105 packets were cut off when they were captured, at 96 bytes (snap length): their sound is lost, their headers are counted" ]]
  [ "$(cut -d, -f5,8,11 <<<"${lines[1]}")" = 0xaaaa0001,50,0 ]
}

@test "as a telephone hears it: one jitter buffer" {
  call hold
  talky-rtpdump -r call.pcap --extract out --parts streams --playout jitter-buffer
  talky-transcode --jitter-buffer --ssrc 0xbbbb0002 call.pcap -t s16le - | cmp - <(sox out/*-0xbbbb0002.wav -t s16 -)
}
