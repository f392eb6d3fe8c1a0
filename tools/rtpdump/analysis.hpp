// One pass over a source: its streams and its calls.
#pragma once
#include <cstdint>
#include <optional>

#include "calls.hpp"
#include "filter.hpp"
#include "source.hpp"
#include "table.hpp"

namespace talky::rtpdump {

struct Analysis {
  Announcements announcements;
  StreamTable streams{announcements};
  CallTable calls{announcements};
  std::optional<std::int64_t> start_ns; // of the first packet with UDP or TCP
  std::int64_t end_ns = 0;
  std::uint64_t packets = 0; // with UDP or TCP

  Analysis() = default;
  Analysis(const Analysis&) = delete; // the tables refer to the announcements
  Analysis& operator=(const Analysis&) = delete;

  // What one packet is. `stream` is nullptr if it is not RTP.
  struct Seen {
    Stream* stream = nullptr;
    rtp::Header header;
    Bytes payload;
  };
  Seen add(const file::Segment& segment) {
    if (!start_ns) start_ns = segment.time_ns;
    if (segment.time_ns > end_ns) end_ns = segment.time_ns;
    ++packets;
    Seen seen;
    // What begins with RTP's version is no text, and so not SIP.
    const bool binary = segment.transport == file::Transport::udp && !segment.payload.empty() &&
                        (segment.payload[0] & std::byte{0xc0}) == std::byte{0x80};
    if (binary || !calls.add(segment)) seen.stream = streams.add(segment, seen.header, seen.payload);
    return seen;
  }
};

} // namespace talky::rtpdump
