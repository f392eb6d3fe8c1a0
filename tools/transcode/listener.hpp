// Who hears what comes out of the pipeline without being written to: meters, the survey before normalizing,
// the plot.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace talky::transcode {

class Listener {
 public:
  virtual ~Listener() = default;

  // The next samples of one channel. The channels are heard in turn, the same number of samples of each.
  virtual void hear(std::size_t channel, std::span<const std::int16_t> pcm) = 0;
  virtual void hear(std::size_t channel, std::span<const float> pcm) = 0; // 1.0 = full scale
};

} // namespace talky::transcode
