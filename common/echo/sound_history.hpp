// The last frames of both sides of a call, so that what was sent can be had as late as its echo comes, and a
// new canceller can be shown what has just been heard.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "echo/delay_estimator.hpp"

namespace talky::echo {

using FrameBuffer = std::array<std::int16_t, kFrame>;

class SoundHistory {
 public:
  static constexpr std::size_t kWarmUp = 6; // frames of the caller that are kept

  SoundHistory();

  void push(FrameView caller, FrameView sent_before);

  // The caller's frame so many frames ago (0: the last one pushed; at most kWarmUp), and what had been sent
  // `hold` samples before it (kFrame to DelayEstimator::kLongest).
  FrameView caller(std::size_t ago) const;
  FrameView sent(std::size_t ago, std::size_t hold) const;

 private:
  static constexpr std::size_t kSent = DelayEstimator::kLongest + (kWarmUp + 1) * kFrame;
  static constexpr std::size_t kCaller = (kWarmUp + 1) * kFrame;
  // Frames go in behind the others; at the end of the room the newest are moved to its beginning.
  struct Line {
    explicit Line(std::size_t keep) : kept(keep), samples(2 * keep), end(keep) {}
    void push(FrameView frame);
    FrameView back(std::size_t samples_before_end) const; // the frame that ends there
    std::size_t kept;
    std::vector<std::int16_t> samples;
    std::size_t end;
  };
  Line caller_, sent_;
};

} // namespace talky::echo
