// How late packets are against the fastest of late: the measure from which a jitter buffer takes its target
// delay.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace talky::rtp {

// A transit time is arrival less media time; only its changes mean something. The base is the smallest
// transit of the last 5 to 10 seconds, so it follows clock drift and changed routes. Lateness (transit less
// base) is counted in a histogram of 2 ms steps up to 1 s that forgets with a time constant of about 400
// packets.
class Lateness {
 public:
  Lateness();

  // Returns the lateness of this packet, and takes it into account.
  Duration observe(Duration transit, Time arrival);
  std::optional<Duration> base() const { return base_; }
  void rebase(Duration transit,
              Time arrival);         // forgets the old base: the route or the peer's clock has jumped
  Duration quantile(double q) const; // of the remembered lateness; 0 without any
  void reset();

 private:
  static constexpr std::size_t kBins = 500;
  static constexpr std::int64_t kBinUs = 2000;

  std::array<float, kBins> bins_;
  float weight_ = 1; // of the next observation: grows, instead of all others shrinking
  float total_ = 0;
  std::size_t highest_ = 0; // no bin above this one holds anything
  std::optional<Duration> base_;
  Duration window_min_{0};
  Duration previous_min_{0};
  Time window_start_;
};

} // namespace talky::rtp
