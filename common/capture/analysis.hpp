// One pass over a source: its streams and its calls.
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "capture/calls.hpp"
#include "capture/level_table.hpp"
#include "capture/rtcp_table.hpp"
#include "capture/source.hpp"
#include "capture/table.hpp"
#include "capture/timeline.hpp"

namespace talky::capture {

struct AnalysisOptions {
  bool levels = false; // decodes every payload
  bool tones = false;  // and listens for DTMF in it
};

struct Analysis {
  Announcements announcements;
  StreamTable streams{announcements};
  CallTable calls{announcements};
  RtcpTable rtcp;
  std::optional<LevelTable> levels; // where they were asked for
  Timeline timeline;
  std::optional<std::int64_t> start_ns; // of the first packet with UDP or TCP
  std::int64_t end_ns = 0;
  std::uint64_t packets = 0; // with UDP or TCP

  Analysis() = default;
  explicit Analysis(const AnalysisOptions& options) {
    if (options.levels || options.tones) levels.emplace(options.tones);
  }
  Analysis(const Analysis&) = delete; // the tables refer to the announcements
  Analysis& operator=(const Analysis&) = delete;

  // What one packet is. `stream` is nullptr if it is not RTP.
  struct Seen {
    Stream* stream = nullptr;
    rtp::Header header;
    Bytes payload;
  };
  Seen add(const file::Segment& segment) {
    if (!start_ns) start_ns = end_ns = segment.time_ns;
    if (segment.time_ns > end_ns) {
      timeline.pass(end_ns, segment.time_ns);
      end_ns = segment.time_ns;
    }
    ++packets;
    Seen seen;
    // What begins with RTP's version is no text, and so not SIP.
    const bool binary = segment.transport == file::Transport::udp && !segment.payload.empty() &&
                        (segment.payload[0] & std::byte{0xc0}) == std::byte{0x80};
    if (binary || !calls.add(segment)) seen.stream = streams.add(segment, seen.header, seen.payload);
    if (seen.stream == nullptr) {
      if (binary && is_rtcp(segment.payload)) rtcp.add(segment);
    } else if (levels) {
      levels->add(*seen.stream, segment.time_ns, seen.header.payload_type, seen.payload);
    }
    return seen;
  }
  // The place of a stream in the list, from 1; 0 if it is not in it.
  std::size_t number_of(const Stream& stream) const {
    if (const auto known = numbers_.find(&stream); known != numbers_.end()) return known->second;
    numbers_.clear();
    for (const Stream* each : streams.streams())
      numbers_.emplace(each, numbers_.size() + 1);
    const auto found = numbers_.find(&stream);
    return found != numbers_.end() ? found->second : 0;
  }

 private:
  mutable std::unordered_map<const Stream*, std::size_t> numbers_;
};

} // namespace talky::capture
