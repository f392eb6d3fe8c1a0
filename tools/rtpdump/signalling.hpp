// Which SIP and RTCP belongs to what was selected. Without an expression all of it does; with one that only
// says which calls are meant, that of those calls; with any other none, for it speaks of RTP packets.
#pragma once
#include <cstdint>
#include <unordered_set>

#include "capture/analysis.hpp"
#include "filter.hpp"

namespace talky::rtpdump {

class Signalling {
 public:
  // `analysis`: of a pass over the same packets; outlives this, as the filter does.
  Signalling(const capture::Analysis& analysis, const Filter& filter);

  enum class Kind : std::uint8_t { none, sip, rtcp };
  // Of a packet that is of no stream; all packets that are not are to be asked for, in their order. SIP over
  // TCP is told by the connection: of one that carries several calls all is kept.
  Kind kind_of(const file::Segment& segment);

 private:
  bool is_meant(const file::Segment& segment);

  const capture::Analysis& analysis_;
  const Filter& filter_;
  capture::Announcements announcements_;
  capture::CallTable calls_{announcements_}; // finds the same calls once more
  bool all_, some_;
  std::unordered_set<std::uint32_t> ssrcs_; // of the calls that are meant
};

} // namespace talky::rtpdump
