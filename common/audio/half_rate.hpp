// talky's own 1:2 and 2:1 sample-rate converters: one linear-phase FIR of 193 taps, split in two phases, in
// integer arithmetic. Design in half_rate_design.hpp. SSE2 and AVX2 kernels give the same bytes as the plain
// one, whatever the chunks.
//
// Delay: 96 samples at the high rate = 48 at the low rate (6 ms for 8 <-> 16 kHz).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace talky::audio {

class Upsampler2 {
 public:
  static constexpr std::size_t delay = 96; // output samples
  // Writes exactly 2 * in.size() samples to `out`, which must have room for them and may not overlap.
  void process(std::span<const std::int16_t> in, std::int16_t* out);
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out); // appends
  void reset();

 private:
  static constexpr std::size_t history = 95; // low-rate samples that the next output still needs
  static constexpr std::size_t chunk = 512;
  std::array<std::int16_t, history + chunk + 16> buffer_{};
};

class Downsampler2 {
 public:
  static constexpr std::size_t delay = 48; // output samples
  // Writes (in.size() + pending) / 2 samples, rounded down, to `out` and returns how many: pending is 1 after
  // an odd total.
  std::size_t process(std::span<const std::int16_t> in, std::int16_t* out);
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out); // appends
  void reset();

 private:
  static constexpr std::size_t history = 192;
  static constexpr std::size_t chunk = 1024;
  std::array<std::int16_t, history + chunk + 32> buffer_{};
  std::size_t pending_ = 0; // 0 or 1 samples behind the history that no output has used yet
};

} // namespace talky::audio
