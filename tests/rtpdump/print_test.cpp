#include "rtpdump/report/print.hpp"

#include <doctest/doctest.h>

#include "rtp/rtcp.hpp"
#include "rtpdump/live/follow.hpp"

using namespace talky;
using namespace talky::rtpdump;

namespace {

const Endpoint kFrom = *Endpoint::parse("131.136.234.103:46196");

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values)
    out.push_back(static_cast<std::byte>(value));
  return out;
}

std::string rtp_text(PrintFormat print, const std::vector<std::byte>& packet,
                     std::int64_t time_ns = 1'240'592'999,
                     const capture::Format& format = {"DVI4", 8000, false, 1}) {
  std::string out;
  print_rtp(print, time_ns, kFrom, packet, format, out);
  return out;
}

std::string rtcp_text(const std::vector<std::byte>& packet, PrintFormat print = PrintFormat::rtcp) {
  std::string out;
  print_rtcp(print, 844'525'628'243'123'000, kFrom, packet, out);
  return out;
}

} // namespace

TEST_CASE("print: RTP as rtptools has it") {
  const auto plain = bytes({0x80, 5, 0x6e, 0x12, 0x38, 0xdd, 0x7c, 0x01, 0x12, 0x4e, 0x2b, 0x58, 0xab, 0x0c});
  CHECK(rtp_text(PrintFormat::ascii, plain) ==
        "1.240592 RTP len=14 from=131.136.234.103:46196 v=2 p=0 x=0 cc=0 m=0 pt=5 (DVI4,1,8000) seq=28178 "
        "ts=954039297 ssrc=0x124e2b58 \n");
  CHECK(rtp_text(PrintFormat::hex, plain).ends_with("ssrc=0x124e2b58 data=ab0c\n"));
  CHECK(rtp_text(PrintFormat::brief, plain) == "1.240592 954039297 28178\n");
  CHECK(rtp_text(PrintFormat::payload, plain) == "\xab\x0c");
  CHECK(rtp_text(PrintFormat::rtcp, plain).empty());
  // Marker, padding, two CSRCs and an extension.
  const auto rich = bytes(
      {0xb2, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 9, 1});
  CHECK(rtp_text(PrintFormat::ascii, rich, 0, {}) ==
        "0.000000 RTP len=30 from=131.136.234.103:46196 v=2 p=1 x=1 cc=2 m=1 pt=96 (unassigned,0,0) seq=1 "
        "ts=2 ssrc=0x3 "
        "csrc[0]=0x4 csrc[1]=0x5 ext_type=0xbede ext_len=1 ext_data=01020304 \n");
  CHECK(rtp_text(PrintFormat::brief, rich, 500) == "-0.000000 2 1\n");
  // Cut anywhere it says so, and reads nothing that is not there.
  for (std::size_t n = 12; n < 28; ++n)
    CHECK(rtp_text(PrintFormat::hex, {rich.begin(), rich.begin() + static_cast<std::ptrdiff_t>(n)})
              .find("too short") != std::string::npos);
}

TEST_CASE("print: RTCP as rtptools has it") {
  std::vector<std::byte> packet;
  rtp::Report report;
  report.ssrc = 0x125bd36f;
  rtp::ReportBlock block;
  block.ssrc = 0xbc64b658;
  block.fraction_lost = 129;
  block.cumulative_lost = -5;
  block.highest_sequence = 308007791;
  block.jitter = 17;
  block.last_sr = 2003335488;
  block.delay_since_sr = 825440558;
  report.blocks.push_back(block);
  rtp::append_report(report, packet);
  rtp::append_cname(0x125bd36f, "yy\"w\nhy@host", packet);
  rtp::append_bye(0x125bd36f, "done", packet);
  CHECK(rtcp_text(packet) ==
        "844525628.243123 RTCP len=72 from=131.136.234.103:46196 \n"
        " (RR ssrc=0x125bd36f p=0 count=1 len=7\n"
        "  (ssrc=0xbc64b658 fraction=0.503906 lost=-5 last_seq=308007791 jit=17 lsr=2003335488 "
        "dlsr=825440558 )\n"
        " )\n"
        " (SDES p=0 count=1 len=5\n"
        "  (src=0x125bd36f CNAME=\"yy\\\"w\\x0ahy@host\" )\n"
        " )\n"
        " (BYE p=0 count=1 len=3\n"
        "  (ssrc[0]=0x125bd36f )\n"
        "reason=\"done\" )\n");
  CHECK(rtcp_text(packet, PrintFormat::ascii) == rtcp_text(packet));
  CHECK(rtcp_text(packet, PrintFormat::brief).empty());
  report.sender = rtp::SenderInfo{0x0000000500000007, 9, 10, 1600};
  report.blocks.clear();
  packet.clear();
  rtp::append_report(report, packet);
  CHECK(rtcp_text(packet).ends_with(
      " (SR ssrc=0x125bd36f p=0 count=0 len=6\n  ntp=5.7 ts=9 psent=10 osent=1600\n )\n"));
  for (std::size_t n = 4; n < packet.size(); ++n)
    CHECK(rtcp_text({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(n)}).find("Illegal") !=
          std::string::npos);
  // More blocks said than there are.
  CHECK(rtcp_text(bytes({0x9f, 201, 0, 1, 0, 0, 0, 1})).find("Illegal") != std::string::npos);
}

TEST_CASE("print: every name of a format is known") {
  for (const auto* name : {"line", "ascii", "hex", "rtcp", "short", "payload"})
    CHECK(print_format(name));
  CHECK(!print_format("dump"));
}

TEST_CASE("follow: a table is cut to the terminal") {
  CHECK(fitted("one\ntwo\nthree\n", 80, 5) == "one\ntwo\nthree\n");
  CHECK(fitted("one\ntwo\nthree\n", 3, 3) == "one\ntwo\nthr\n");
  CHECK(fitted("one\ntwo\nthree\n", 80, 2) == "one\n... and 2 more\n");
  CHECK(fitted("\u00e4\u00f6\u00fc", 2, 2) == "\u00e4\u00f6\n");
  CHECK(fitted("", 80, 24).empty());
}
