// Live sample-rate conversion of one channel. State is kept between calls, so a stream cut into packets of
// any sizes gives the same bytes as the whole stream in one call.
//
// Ratios of 2, 4 and 8 up and down (8 <-> 16 kHz above all) run through talky's own two-phase FIR of 193 taps
// in integers: the same bytes on every machine, 6 ms of delay, images and aliases of everything up to 3.9 kHz
// (of 8 kHz) at least 75 dB down, ripple within 0.02 dB from 0 to 3.4 kHz. Every n samples in give exactly 2n
// (or n/2) samples out. Other ratios run through speexdsp at quality 7. For whole files, where latency does
// not count, see audio/file_resampler.hpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/error.hpp"

namespace talky::audio {

class Resampler {
 public:
  static constexpr std::uint32_t min_rate = 1000;
  static constexpr std::uint32_t max_rate = 384000;

  // Rates in Hz, min_rate to max_rate; equal rates copy. Fails with `unsupported` outside of that, and where
  // speexdsp cannot (ratios beyond 64 in either direction).
  static Result<Resampler> create(std::uint32_t from, std::uint32_t to);

  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  // Appends to `out` what `in` gives.
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out);
  // The end of the stream: appends the `delay()` samples that are still inside, and starts afresh.
  void flush(std::vector<std::int16_t>& out);
  // As after create(): the past is forgotten.
  void reset();

  // Output sample i is the input at time i - delay(), in samples of the output rate. An input of n samples,
  // flushed, gives n * to / from + delay() samples (rounded up), the first delay() of which are the filter's
  // run-in.
  std::size_t delay() const;

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

} // namespace talky::audio
