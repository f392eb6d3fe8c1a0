// One compound RTCP datagram. What is read as a report is written again and must read the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>
#include <vector>

#include "rtp/rtcp.hpp"
#include "rtp/rtcp_session.hpp"

using namespace talky;
using namespace talky::rtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto packets = parse_rtcp(input);
  if (packets) {
    std::vector<std::byte> out;
    for (const RtcpPacket& packet : *packets) {
      out.clear();
      if (const auto* report = std::get_if<Report>(&packet)) {
        append_report(*report, out);
        const auto again = parse_rtcp(out);
        if (!again || again->size() != 1) std::abort();
        const auto& read = std::get<Report>(again->front());
        if (read.ssrc != report->ssrc || read.sender != report->sender || read.blocks != report->blocks)
          std::abort();
      } else if (const auto* cname = std::get_if<Cname>(&packet)) {
        append_cname(cname->ssrc, cname->name, out);
        const auto again = parse_rtcp(out);
        if (!again || std::get<Cname>(again->front()).name != cname->name) std::abort();
      } else if (const auto* bye = std::get_if<Bye>(&packet)) {
        append_bye(1, bye->reason, out);
        const auto again = parse_rtcp(out);
        if (!again || std::get<Bye>(again->front()).reason != bye->reason) std::abort();
      }
    }
  }
  Random random(1);
  RtcpSession session({}, random);
  session.start(Time{});
  (void)session.receive(input, 1, 2, Time{std::chrono::seconds(1)});
  if (const auto& rtt = session.rtt(); rtt && *rtt < Duration{0}) std::abort();
  return 0;
}
