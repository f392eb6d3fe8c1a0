// Offers as real phones write them (addresses and numbers are ours).
#pragma once
#include <string>
#include <string_view>

namespace talky::sdp::test {

// MicroSIP: PJSIP's habits, direction before rtpmap, a=ssrc and a=rtcp.
inline constexpr std::string_view kMicrosip =
    "v=0\r\n"
    "o=- 3972540000 3972540000 IN IP4 192.0.2.10\r\n"
    "s=pjmedia\r\n"
    "b=AS:84\r\n"
    "t=0 0\r\n"
    "a=X-nat:0\r\n"
    "m=audio 4000 RTP/AVP 8 0 101\r\n"
    "c=IN IP4 192.0.2.10\r\n"
    "b=TIAS:64000\r\n"
    "a=rtcp:4001 IN IP4 192.0.2.10\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-16\r\n"
    "a=ssrc:1202543210 cname:5ac83b5a1f5e8c2b\r\n";

// Linphone: AVPF, several telephone-events, a video stream.
inline constexpr std::string_view kLinphone =
    "v=0\r\n"
    "o=bob 1181 2012 IN IP4 198.51.100.7\r\n"
    "s=Talk\r\n"
    "c=IN IP4 198.51.100.7\r\n"
    "t=0 0\r\n"
    "a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL\r\n"
    "m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100\r\n"
    "a=rtpmap:96 opus/48000/2\r\n"
    "a=fmtp:96 useinbandfec=1\r\n"
    "a=rtpmap:97 speex/16000\r\n"
    "a=rtpmap:98 speex/8000\r\n"
    "a=rtpmap:101 telephone-event/48000\r\n"
    "a=rtpmap:99 telephone-event/16000\r\n"
    "a=rtpmap:100 telephone-event/8000\r\n"
    "a=rtcp-fb:* trr-int 5000\r\n"
    "m=video 9078 RTP/AVPF 96 97\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtpmap:97 H264/90000\r\n"
    "a=mid:v\r\n";

// One audio stream with these lines behind its m= line.
inline std::string offer(std::string_view audio_lines, std::string_view formats = "0 101",
                         std::string_view address = "192.0.2.10") {
  std::string text = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 ";
  text.append(address).append("\r\nt=0 0\r\nm=audio 4000 RTP/AVP ").append(formats);
  text.append("\r\na=rtpmap:101 telephone-event/8000\r\n").append(audio_lines);
  return text;
}

} // namespace talky::sdp::test
