// What the x86 kernels of half_rate.hpp share: both phases under one set of groups, so that they share the
// loads of the samples, and what is done with the last few outputs.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/half_rate_design.hpp"

namespace talky::audio::half_rate {

struct PhasePair {
  int even, odd;
};
struct PhaseGroup {
  std::uint16_t begin, end;
  std::uint8_t even_shift, odd_shift;
};
struct Phases {
  std::array<PhasePair, phase_pairs> taps{};
  std::array<PhaseGroup, 32> groups{};
  std::size_t group_count = 0;
};

constexpr std::uint8_t shift_at(std::span<const Group> groups, std::size_t pair, bool& starts) {
  for (const Group& group : groups) {
    if (pair < group.begin || pair >= group.end) continue;
    starts = starts || pair == group.begin;
    return group.shift;
  }
  return 0;
}

constexpr Phases join_phases() {
  Phases joined;
  for (std::size_t i = 0; i < phase_pairs; ++i) {
    joined.taps[i] = PhasePair{std::bit_cast<int>(even_phase.taps[i]), std::bit_cast<int>(odd_phase.taps[i])};
    bool starts = false;
    const auto even_shift = shift_at(even_phase.used_groups(), i, starts);
    const auto odd_shift = shift_at(odd_phase.used_groups(), i, starts);
    if (starts)
      joined.groups[joined.group_count++] =
          PhaseGroup{static_cast<std::uint16_t>(i), 0, even_shift, odd_shift};
    joined.groups[joined.group_count - 1].end = static_cast<std::uint16_t>(i + 1);
  }
  return joined;
}

inline constexpr Phases phases = join_phases();
inline constexpr auto whole_taps = std::bit_cast<std::array<int, whole_pairs>>(whole.taps);

// The last few outputs, for which no whole vector is left: through a padded copy of their windows.
template <std::size_t vector, auto kernel>
void up_rest(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  std::array<std::int16_t, 2 * phase_pairs + vector> padded{};
  std::array<std::int16_t, 2 * vector> made{};
  std::copy_n(window, count + 2 * phase_pairs - 1, padded.begin());
  kernel(padded.data(), made.data());
  std::copy_n(made.begin(), 2 * count, out);
}

template <std::size_t vector, auto kernel>
void down_rest(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  std::array<std::int16_t, 2 * whole_pairs + 2 * vector> padded{};
  std::array<std::int16_t, vector> made{};
  std::copy_n(window, 2 * count + 2 * whole_pairs - 2, padded.begin());
  kernel(padded.data(), made.data());
  std::copy_n(made.begin(), count, out);
}

} // namespace talky::audio::half_rate
