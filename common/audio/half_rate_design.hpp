// The filter behind half_rate.hpp, designed and quantised by the compiler.
//
// Wanted, at 16 kHz: flat to 3.4 kHz, and 75 dB down from 4.1 kHz on, where the image of 3.9 kHz lies. That
// is a transition of 0.56 kHz about 3.82 kHz: a sinc under a Kaiser window of 161 taps with 88 dB (ripple
// 0.0005 dB, stopband -85 dB once quantised). 161 taps put the centre on a sample of both rates: the delay is
// 80 and 40 samples, 5 ms.
//
// Coefficients are 16-bit integers, so that pmaddwd does two products a lane and every machine gives the same
// bytes. One scale for all of them would cost 10 dB of stopband: those below a quarter stand at 2^17, the few
// others at 2^15. A 32-bit sum of products at 2^17 holds only half of full scale, so the taps are summed in
// groups that cannot overflow whatever the input, and the groups at 2^14, where four times full scale fits.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace talky::audio::half_rate {

inline constexpr std::size_t kTaps = 161;
inline constexpr std::size_t kCentre = kTaps / 2;

constexpr double kPi = 3.14159265358979323846;

// <cmath> is not constexpr in C++20; these are exact to the last bits of a double over the arguments used
// here.
constexpr double sine(double x) {
  const double turns = x / (2 * kPi);
  x -= 2 * kPi * static_cast<double>(static_cast<long long>(turns < 0 ? turns - 0.5 : turns + 0.5));
  double term = x;
  double sum = x;
  for (int n = 1; n < 20; ++n) {
    term *= -x * x / ((2.0 * n) * (2.0 * n + 1.0));
    sum += term;
  }
  return sum;
}

constexpr double bessel_i0_of_root(double squared) { // I0(sqrt(squared)): needs no square root
  double term = 1;
  double sum = 1;
  for (int n = 1; n < 60; ++n) {
    term *= squared / 4 / (static_cast<double>(n) * n);
    sum += term;
  }
  return sum;
}

// At the high rate, with a gain of 2 (1 for each phase).
constexpr std::array<double, kTaps> design() {
  constexpr double kCutoff = 3820.0 / 16000.0;
  constexpr double kBeta = 0.1102 * (88.0 - 8.7); // Kaiser's formula for an attenuation of 88 dB
  std::array<double, kTaps> h{};
  double sum = 0;
  for (std::size_t k = 0; k < kTaps; ++k) {
    const double n = static_cast<double>(k) - static_cast<double>(kCentre);
    const double position = n / static_cast<double>(kCentre);
    const double window =
        bessel_i0_of_root(kBeta * kBeta * (1 - position * position)) / bessel_i0_of_root(kBeta * kBeta);
    h[k] = window * (k == kCentre ? 2 * kCutoff : sine(2 * kPi * kCutoff * n) / (kPi * n));
    sum += h[k];
  }
  for (double& tap : h)
    tap *= 2 / sum;
  return h;
}

// Two neighbouring taps and the scale 2^bits of both.
struct Pair {
  std::int16_t first = 0;
  std::int16_t second = 0;
};

// Pairs begin..end of a filter, whose sum of products cannot overflow 32 bits, and the right shift that
// brings it to 2^14.
struct Group {
  std::uint16_t begin = 0;
  std::uint16_t end = 0;
  std::uint8_t shift = 0;
};

inline constexpr int kSumBits = 14;

template <std::size_t pairs>
struct Filter {
  std::array<Pair, pairs> taps{};
  std::array<Group, 16> groups{};
  std::size_t group_count = 0;

  constexpr std::span<const Group> used_groups() const { return std::span(groups).first(group_count); }
};

constexpr double magnitude(double x) {
  return x < 0 ? -x : x;
}
constexpr std::int16_t rounded(double x) {
  return static_cast<std::int16_t>(x < 0 ? x - 0.5 : x + 0.5);
}

template <std::size_t pairs>
constexpr Filter<pairs> quantise(const std::array<double, 2 * pairs>& h) {
  Filter<pairs> filter;
  std::int64_t sum = 0; // of the magnitudes of the group, times the largest sample
  for (std::size_t i = 0; i < pairs; ++i) {
    const bool small = magnitude(h[2 * i]) < 0.2499 && magnitude(h[2 * i + 1]) < 0.2499;
    const int bits = small ? 17 : 15;
    const auto shift = static_cast<std::uint8_t>(bits - kSumBits);
    Pair& pair = filter.taps[i];
    pair.first = rounded(h[2 * i] * (1 << bits));
    pair.second = rounded(h[2 * i + 1] * (1 << bits));
    const std::int64_t largest = ((pair.first < 0 ? -std::int64_t{pair.first} : pair.first) +
                                  (pair.second < 0 ? -std::int64_t{pair.second} : pair.second)) *
                                 32768;
    const bool fits =
        i > 0 && filter.groups[filter.group_count - 1].shift == shift && sum + largest <= 0x7fffffff;
    if (!fits) {
      filter.groups[filter.group_count++] = Group{static_cast<std::uint16_t>(i), 0, shift};
      sum = 0;
    }
    sum += largest;
    filter.groups[filter.group_count - 1].end = static_cast<std::uint16_t>(i + 1);
  }
  return filter;
}

// The phases of the interpolator, as they meet a window of 81 low-rate samples, oldest first: the even phase
// has 81 taps, the odd one 80, which miss the oldest sample. The last tap of each is padding.
inline constexpr std::size_t kPhasePairs = (kCentre + 2) / 2;
inline constexpr std::size_t kWholePairs = (kTaps + 1) / 2;

constexpr Filter<kPhasePairs> make_phase(std::size_t odd) {
  const auto h = design();
  std::array<double, 2 * kPhasePairs> phase{};
  for (std::size_t t = odd; t <= kCentre; ++t)
    phase[t] = h[2 * (kCentre - t) + odd];
  return quantise<kPhasePairs>(phase);
}

constexpr Filter<kWholePairs> make_whole() {
  const auto h = design();
  std::array<double, 2 * kWholePairs> padded{};
  for (std::size_t k = 0; k < kTaps; ++k)
    padded[k] = h[kTaps - 1 - k];
  return quantise<kWholePairs>(padded);
}

// Both phases under one set of groups, so that they share the loads of the samples. What is shifted and added
// when is part of the result, so all kernels keep to these groups.
struct PhasePair {
  int even, odd;
};
struct PhaseGroup {
  std::uint16_t begin, end;
  std::uint8_t even_shift, odd_shift;
};
struct Phases {
  std::array<PhasePair, kPhasePairs> taps{};
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

constexpr Phases join_phases(const Filter<kPhasePairs>& even, const Filter<kPhasePairs>& odd) {
  Phases joined;
  for (std::size_t i = 0; i < kPhasePairs; ++i) {
    joined.taps[i] = PhasePair{std::bit_cast<int>(even.taps[i]), std::bit_cast<int>(odd.taps[i])};
    bool starts = false;
    const auto even_shift = shift_at(even.used_groups(), i, starts);
    const auto odd_shift = shift_at(odd.used_groups(), i, starts);
    if (starts)
      joined.groups[joined.group_count++] =
          PhaseGroup{static_cast<std::uint16_t>(i), 0, even_shift, odd_shift};
    joined.groups[joined.group_count - 1].end = static_cast<std::uint16_t>(i + 1);
  }
  return joined;
}

inline constexpr auto kEvenPhase = make_phase(0);
inline constexpr auto kOddPhase = make_phase(1);
inline constexpr auto kWhole = make_whole();
inline constexpr Phases kPhases = join_phases(kEvenPhase, kOddPhase);
inline constexpr auto kWholeTaps = std::bit_cast<std::array<int, kWholePairs>>(kWhole.taps);

} // namespace talky::audio::half_rate
