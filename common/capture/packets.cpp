#include "capture/packets.hpp"

#include <fmt/format.h>

#include "capture/unread.hpp"

namespace talky::capture {

std::vector<std::string> remarks(const Packets& packets, const Analysis& analysis, const std::string& name) {
  std::vector<std::string> lines = srtp_summary(packets.srtp().flows());
  if (packets.source().truncated()) {
    lines.insert(lines.begin(),
                 fmt::format("{}: the capture is cut off at byte {}; what came before it is used", name,
                             packets.source().offset()));
  }
  if (auto line = jump_line(analysis.timeline, analysis.start_ns.value_or(0), name); !line.empty())
    lines.push_back(std::move(line));
  if (const auto* counts = packets.source().counts()) {
    const auto unread = unread_lines(*counts, packets.source().incomplete_fragments(), name);
    lines.insert(lines.end(), unread.begin(), unread.end());
  }
  return lines;
}

std::vector<std::string> srtp_summary(const std::vector<SrtpFlow>& flows) {
  std::vector<std::string> lines;
  std::size_t streams = 0;
  std::uint64_t packets = 0;
  std::uint64_t control = 0;
  std::uint64_t failed = 0;
  for (const SrtpFlow& flow : flows) {
    streams += flow.rtcp ? 0 : 1;
    (flow.rtcp ? control : packets) += flow.decrypted;
    failed += flow.failed;
  }
  if (flows.empty()) return lines;
  lines.push_back(
      fmt::format("SRTP: {} packets of {} streams and {} of RTCP decrypted, {} were not authentic", packets,
                  streams, control, failed));
  for (const SrtpFlow& flow : flows) {
    if (flow.failed == 0) continue;
    lines.push_back(fmt::format("SRTP: {} to {}, {}0x{:08x}, {}: {} of {} packets were not authentic",
                                flow.from.to_string(), flow.to.to_string(), flow.rtcp ? "RTCP of " : "",
                                flow.ssrc, info(flow.suite).name, flow.failed, flow.failed + flow.decrypted));
  }
  return lines;
}

} // namespace talky::capture
