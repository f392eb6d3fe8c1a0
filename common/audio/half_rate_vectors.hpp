// What the x86 kernels of half_rate.hpp share: both phases under one set of groups, so that they share the
// loads of the samples, and what is done with the last few outputs.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "audio/half_rate_design.hpp"

namespace talky::audio::half_rate {

// The last few outputs, for which no whole vector is left: through a padded copy of their windows.
template <std::size_t vector, auto kernel>
void up_rest(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  std::array<std::int16_t, 2 * kPhasePairs + vector> padded{};
  std::array<std::int16_t, 2 * vector> made{};
  std::copy_n(window, count + 2 * kPhasePairs - 1, padded.begin());
  kernel(padded.data(), made.data());
  std::copy_n(made.begin(), 2 * count, out);
}

template <std::size_t vector, auto kernel>
void down_rest(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  std::array<std::int16_t, 2 * kWholePairs + 2 * vector> padded{};
  std::array<std::int16_t, vector> made{};
  std::copy_n(window, 2 * count + 2 * kWholePairs - 2, padded.begin());
  kernel(padded.data(), made.data());
  std::copy_n(made.begin(), count, out);
}

} // namespace talky::audio::half_rate
