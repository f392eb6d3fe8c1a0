// talky's own 1:2 and 2:1 sample-rate converters: one linear-phase FIR of 161 taps, split in two phases, in
// integer arithmetic: the same bytes on every machine and whatever the chunks. The design is in
// half_rate_design.hpp.
//
// For 8 <-> 16 kHz: ripple within 0.02 dB from 0 to 3.4 kHz, images and aliases at least 75 dB below the tone
// that causes them up to 3.9 kHz, delay 5 ms (80 samples at the high rate, 40 at the low one).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace talky::audio {

class Upsampler2 {
 public:
  static constexpr std::size_t kDelay = 80; // output samples

  // Writes exactly 2 * in.size() samples to `out`, which must have room for them and may not overlap.
  void process(std::span<const std::int16_t> in, std::int16_t* out);
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out); // appends
  void reset() { *this = Upsampler2(); }

 private:
  static constexpr std::size_t kHistory = 80; // low-rate samples that the next output still needs
  std::array<std::int16_t, kHistory> history_{};
};

class Downsampler2 {
 public:
  static constexpr std::size_t kDelay = 40; // output samples

  // Output i comes with input 2 * i: n samples in all give n / 2 out, rounded up. Writes at most (in.size() +
  // 1) / 2 to `out`, which may not overlap, and returns how many.
  std::size_t process(std::span<const std::int16_t> in, std::int16_t* out);
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out); // appends
  void reset() { *this = Downsampler2(); }

 private:
  static constexpr std::size_t kHistory = 160;
  std::array<std::int16_t, kHistory> history_{};
  bool odd_ = false; // an odd number of samples so far: the next one gives no output
};

} // namespace talky::audio
