# Captures that talky-rtpdump and talky-transcode once understood differently: there is one reading of them now.
load lib

setup() {
  common_setup
  need talky-rtpdump talky-transcode sox ffmpeg openssl
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

@test "a damaged record: what came before it is listed, then the damage" {
  call damaged
  run -65 --separate-stderr talky-rtpdump -r call.pcap --csv
  [[ ${lines[1]} == *,0xaaaa0001,0,PCMU,90,* ]]
  [[ $stderr == "talky-rtpdump: call.pcap: at byte "*": expected a frame of at most 256 KiB" ]]
}

@test "as a telephone hears it: one jitter buffer" {
  call hold
  talky-rtpdump -r call.pcap --extract out --parts streams --playout jitter-buffer
  talky-transcode --jitter-buffer --ssrc 0xbbbb0002 call.pcap -t s16le - | cmp - <(sox out/*-0xbbbb0002.wav -t s16 -)
}
