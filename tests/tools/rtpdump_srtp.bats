# talky-rtpdump and SRTP: a call of two baresips with SDES, and keys that are given.
load lib

setup() {
  common_setup
  need talky-rtpdump
}

# phone NAME SIP-PORT RTP-PORT CONTROL-PORT [account parameters]: a baresip that registers nowhere and speaks NAME.wav.
phone() {
  mkdir -p "$1"
  cat >"$1/config" <<CONFIG
poll_method epoll
sip_listen 127.0.0.1:$2
net_interface 127.0.0.1
audio_source aufile,$T/$1.wav
audio_player aufile,/dev/null
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports $3-$(($3 + 19))
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:$4
CONFIG
  echo "<sip:$1@127.0.0.1:$2>;regint=0;audio_codecs=PCMU;mediaenc=srtp-mand${5:-}" >"$1/accounts"
  start "$1" baresip -f "$1"
  wait_line "$1" 'baresip is ready' 10
}

@test "a call of two baresips: decrypted with the keys of its own SDP, both ways, and audible" {
  need baresip sox
  [ -e /usr/lib/baresip/modules/srtp.so ] || skip "this baresip has no srtp.so"
  talky-rtpdump -i lo --duration 0.1 >/dev/null 2>may.err || skip "no right to capture on lo here: $(cat may.err)"
  audio make noise alice.wav --seconds 4 --seed 1
  audio make noise bob.wav --seconds 4 --seed 2
  local a b ca cb ra rb
  a=$(free_port 46) # one range: no two of them are the same
  b=$((a + 2)) ca=$((a + 4)) cb=$((a + 5)) ra=$((a + 6)) rb=$((a + 26))
  # Other calls may be on this machine's loopback interface too.
  start live talky-rtpdump -i lo -w call.pcap --capture-filter \
    "udp port $a or udp port $b or udp portrange $ra-$((ra + 19)) or udp portrange $rb-$((rb + 19))"
  wait_line live 'listening in on lo'
  phone bob "$b" "$rb" "$cb" ';answermode=auto'
  phone alice "$a" "$ra" "$ca"
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/phones/baresip_control.py" "$ca" dial "sip:bob@127.0.0.1:$b"
  wait_line alice 'Call established' 10
  # Three seconds of sound each way, as far as it is in the file.
  both_spoke() { [ "$(talky-rtpdump -r call.pcap --csv 2>/dev/null | awk -F, 'NR > 1 && $8 >= 150' | wc -l)" -eq 2 ]; }
  wait_for 10 both_spoke
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/phones/baresip_control.py" "$ca" hangup
  sleep 0.5
  stop alice
  stop bob
  stop live INT
  grep -qE 'SRTP: [0-9]+ packets of 2 streams and [0-9]+ of RTCP decrypted, 0 were not authentic' "$T/live.err"
  # What was written is decrypted; the signalling is kept, but no key fits any more, and all is plain.
  talky-rtpdump -r call.pcap --calls | grep -q 'sip:bob@'
  rm -rf out
  talky-rtpdump -r call.pcap --extract out >names
  audio find alice.wav out/call-01.wav --channel 0 --at-least 0.6
  audio find bob.wav out/call-01.wav --channel 1 --at-least 0.6
}

# Encrypted with python's own means where it has them would prove little: libsrtp2 is what the unit tests hold it to. Here
# it is the files and messages around it.
@test "keys in files and in the environment; a wrong one is told by its line and not shown" {
  /usr/bin/python3 "$TALKY_SOURCE/tests/tools/capture.py" streams in.pcap --packets 300
  key=$(printf 'k%.0s' {1..30} | base64)
  printf '# for all\n\n%s inline:%s|2^20\n0x1234 AEAD_AES_256_GCM hex:%s\n' AES_CM_128_HMAC_SHA1_80 "$key" "$(printf 'ab%.0s' {1..44})" >keys
  run -0 --separate-stderr talky-rtpdump -r in.pcap --csv --srtp-key-file keys
  [ "${#lines[@]}" -eq 4 ]
  [ -z "$stderr" ] # nothing was encrypted with them
  talky-rtpdump -r in.pcap --csv | diff - <(printf '%s\n' "${lines[@]}")
  printf 'AES_CM_128_HMAC_SHA1_80 inline:%s\nAES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\n' "$key" >keys
  run -78 talky-rtpdump -r in.pcap --srtp-key-file keys
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"keys: in line 2: expected a master key and salt of the suite's length"* && $output != *c2VjcmV0* ]]
  run -66 talky-rtpdump -r in.pcap --srtp-key-file nothing
  run -78 env TALKY_RTPDUMP_SRTP_KEY='NO_SUCH_SUITE inline:c2VjcmV0' talky-rtpdump -r in.pcap
  [[ $output != *c2VjcmV0* ]]
  run -0 env TALKY_RTPDUMP_SRTP_KEY="AES_CM_128_HMAC_SHA1_32 inline:$key" talky-rtpdump -r in.pcap
  run -64 talky-rtpdump -r in.pcap --srtp-key "$key"
}
