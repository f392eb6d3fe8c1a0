// Where the packets of a stream lie in time, in samples since its first packet: by their timestamps, as long
// as these agree with the arrival to within seconds. Where they do not (a sender that starts afresh, another
// clock rate, a timestamp that stood still while nothing was sent) the arrival sets the clock anew.
#pragma once
#include <cstdint>
#include <cstdlib>

#include "rtp/packet.hpp"

namespace talky::capture {

class StreamClock {
 public:
  static constexpr std::int64_t kMaxDriftMs = 5'000;
  static constexpr std::int64_t kStallMs = 300;
  static constexpr std::size_t kDoubt = 10; // packets after which a stall is told from a pause

  explicit StreamClock(std::uint32_t rate) : rate_(rate) {} // of the samples, Hz

  std::int64_t samples(std::int64_t ns) const {
    const std::int64_t whole = ns / 1'000'000'000;
    return whole * rate_ + ((ns % 1'000'000'000) * rate_ + 500'000'000) / 1'000'000'000;
  }

  // Whether this packet may stand behind a pause in which the timestamp stood still, or behind a stall of the
  // network: only those that follow can tell.
  bool doubtful(std::int64_t time_ns, const rtp::Header& header) const {
    if (!set_ || (time_ns - last_ns_) / 1'000'000 < kStallMs) return false;
    const bool follows = header.sequence == static_cast<std::uint16_t>(sequence_ + 1);
    const std::int64_t media_ms =
        rtp::timestamp_distance(static_cast<std::uint32_t>(extended_), header.timestamp) *
        std::int64_t{1000} / (clock_ == 0 ? 8000 : clock_);
    return follows && (time_ns - last_ns_) / 1'000'000 - media_ms > kStallMs && media_ms >= 0;
  }

  // Of a doubtful packet and one that came up to kDoubt packets and `ns` behind it, whether there was a
  // pause: who paused goes on at their pace; behind a stall of the network packets come all at once.
  static bool paused(std::int64_t ns, const rtp::Header& first, const rtp::Header& last,
                     std::uint32_t clock) {
    const double media =
        rtp::timestamp_distance(first.timestamp, last.timestamp) / static_cast<double>(clock);
    return static_cast<double>(ns) * 1e-9 >= 0.7 * media;
  }

  // Samples since the first packet.
  struct Place {
    std::int64_t position; // by the timestamps
    std::int64_t arrived;
    bool anew; // the arrival has set the clock
  };
  // `clock`: of the timestamps, Hz. `anew`: set by arrival.
  Place place(std::int64_t time_ns, const rtp::Header& header, std::uint32_t clock, bool anew) {
    if (!set_) first_ns_ = time_ns;
    const std::int64_t arrived = samples(time_ns - first_ns_);
    extended_ =
        set_ ? extended_ + rtp::timestamp_distance(static_cast<std::uint32_t>(extended_), header.timestamp)
             : header.timestamp;
    const auto since = [&] { // a division takes as long as all the rest
      const std::int64_t ticks = extended_ - origin_;
      return clock == rate_ ? ticks : ticks * rate_ / clock;
    };
    const bool afresh = !set_ || anew || clock != clock_ ||
                        std::abs(anchor_ + since() - arrived) > kMaxDriftMs * rate_ / 1000;
    if (afresh) {
      anchor_ = arrived;
      origin_ = extended_;
      clock_ = clock;
      set_ = true;
    }
    last_ns_ = time_ns;
    sequence_ = header.sequence;
    return {anchor_ + since(), arrived, afresh};
  }

 private:
  std::int64_t rate_;
  std::uint32_t clock_ = 0;
  bool set_ = false;
  std::int64_t first_ns_ = 0, last_ns_ = 0;
  std::int64_t extended_ = 0;            // timestamp
  std::int64_t origin_ = 0, anchor_ = 0; // the sample at which a timestamp lies
  std::uint16_t sequence_ = 0;
};

} // namespace talky::capture
