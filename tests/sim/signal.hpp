// Known signals, and how much of one is found in what was heard.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "core/random.hpp"

namespace talky::sim {

// 24 sines between 300 and 1500 Hz, 16 kHz: at any place like nothing but itself.
inline std::vector<std::int16_t> signal(std::size_t samples, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> sum(samples);
  for (int k = 0; k < 24; ++k) {
    const double step = 2 * std::numbers::pi * (300 + 1200 * random.uniform()) / 16'000;
    const double phase = 2 * std::numbers::pi * random.uniform();
    for (std::size_t i = 0; i < samples; ++i)
      sum[i] += std::sin(step * static_cast<double>(i) + phase);
  }
  std::vector<std::int16_t> out(samples);
  for (std::size_t i = 0; i < samples; ++i)
    out[i] = static_cast<std::int16_t>(std::clamp(sum[i] * 1500, -24'000.0, 24'000.0));
  return out;
}

// Normalised correlation of `what` with `in` at `offset`, on every fourth sample. Outside of `in` is silence.
inline double correlation(std::span<const std::int16_t> what, std::span<const std::int16_t> in,
                          std::int64_t offset) {
  double product = 0;
  double energy_what = 1;
  double energy_in = 1;
  for (std::size_t i = 0; i < what.size(); i += 4) {
    const std::int64_t at = offset + static_cast<std::int64_t>(i);
    const double a = what[i];
    const double b = at < 0 || at >= std::ssize(in) ? 0.0 : in[static_cast<std::size_t>(at)];
    product += a * b;
    energy_what += a * a;
    energy_in += b * b;
  }
  return product / std::sqrt(energy_what * energy_in);
}

// Whether the correlation exceeds the threshold somewhere within `around` samples of `offset`; looked for
// outwards.
inline bool is_near(std::span<const std::int16_t> what, std::span<const std::int16_t> in, std::int64_t offset,
                    std::int64_t around, double threshold) {
  for (std::int64_t d = 0; d <= around; ++d) {
    if (correlation(what, in, offset + d) > threshold || correlation(what, in, offset - d) > threshold)
      return true;
  }
  return false;
}

// Where it first gets loud: silence before the signal is digital, or nearly so. -1: never.
inline std::int64_t onset(std::span<const std::int16_t> samples, std::int16_t threshold = 400) {
  const auto loud = std::find_if(samples.begin(), samples.end(),
                                 [&](std::int16_t s) { return s > threshold || s < -threshold; });
  return loud == samples.end() ? -1 : loud - samples.begin();
}

// How many of the signal's segments (100 ms each) were heard, each near its place: first, last and all of
// them.
struct Heard {
  std::size_t segments = 0, found = 0;
  bool first = false, last = false;
};
inline Heard search(std::span<const std::int16_t> what, std::span<const std::int16_t> in,
                    double threshold = 0.9) {
  constexpr std::size_t kSegment = 1600;
  constexpr std::int64_t kAround = 640; // 40 ms: a first packet may be lost, and the jitter buffer stretches
  Heard heard;
  heard.segments = what.size() / kSegment;
  const std::int64_t start = onset(in) - onset(what);
  if (onset(in) < 0) return heard;
  for (std::size_t i = 0; i < heard.segments; ++i) {
    const bool found = is_near(what.subspan(i * kSegment, kSegment), in,
                               start + static_cast<std::int64_t>(i * kSegment), kAround, threshold);
    heard.found += found ? 1U : 0U;
    if (i == 0) heard.first = found;
    if (i + 1 == heard.segments) heard.last = found;
  }
  return heard;
}

} // namespace talky::sim
