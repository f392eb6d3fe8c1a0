// How late packets are against the fastest of late: the measure from which a jitter buffer takes its target
// delay.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/time.hpp"

namespace talky::rtp {

// A transit time is arrival less media time; only its changes mean something. The base is the smallest
// transit of the last 5 to 10 seconds, so it follows clock drift and changed routes. Lateness (transit less
// base) is counted in a histogram of 2 ms steps up to 1 s that forgets with a time constant of 400 packets.
class Lateness {
 public:
  // Returns the lateness of this packet, and takes it into account.
  Duration observe(Duration transit, Time arrival);
  std::optional<Duration> base() const { return base_; }
  // Forgets the old base, because the route or the peer's clock has jumped. The histogram stays.
  void rebase(Duration transit, Time arrival);
  void forget_base() { base_.reset(); }
  // The lateness that a share `q` of the packets does not exceed, to the upper end of its step; 0 without
  // any.
  Duration quantile(double q);

 private:
  static constexpr std::size_t kBins = 500;
  static constexpr std::int64_t kBinUs = 2000;

  void rescale();

  std::vector<float> bins_; // as many as have been needed, kBins at most
  float weight_ = 1;        // of the next observation: it grows, instead of all others shrinking
  float total_ = 0;
  std::size_t end_ = 0; // no bin from here on holds anything that matters
  std::optional<Duration> base_;
  Duration window_min_{0};
  Duration previous_min_{0};
  Time window_start_;
};

} // namespace talky::rtp
