#include "audio/ducking.hpp"

#include <algorithm>
#include <cmath>

#include "audio/frame.hpp"

namespace talky::audio {
namespace {

constexpr float kDucked = 0.25F; // 12 dB
constexpr float kStep = (1.0F - kDucked) / (static_cast<float>(kBridgeRate) / 100.0F);

} // namespace

void Ducking::apply(std::span<std::int16_t> pcm) {
  const float target = on_ ? kDucked : 1.0F;
  if (gain_ == 1.0F && target == 1.0F) return;
  for (std::int16_t& sample : pcm) {
    gain_ = gain_ < target ? std::min(target, gain_ + kStep) : std::max(target, gain_ - kStep);
    sample = static_cast<std::int16_t>(std::lround(static_cast<float>(sample) * gain_));
  }
}

} // namespace talky::audio
