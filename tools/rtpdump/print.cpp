#include "print.hpp"

#include <fmt/format.h>

namespace talky::rtpdump {

std::string packet_line(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const Stream& stream, std::int64_t start_ns) {
  return fmt::format("{:.6f} {} {} 0x{:08x} {} seq={} ts={} len={}{}\n",
                     static_cast<double>(segment.time_ns - start_ns) * 1e-9, segment.from.to_string(),
                     segment.to.to_string(), header.ssrc,
                     header.payload_type == stream.payload_type() && !stream.format().name.empty()
                         ? stream.format().name
                         : fmt::format("pt{}", header.payload_type),
                     header.sequence, header.timestamp, payload.size(), header.marker ? " M" : "");
}

} // namespace talky::rtpdump
