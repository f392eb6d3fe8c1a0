// Live sample-rate conversion of one channel. State is kept between calls: a stream cut into packets of any
// sizes gives the same bytes as in one call.
//
// Ratios of 2, 4 and 8 either way (8 <-> 16 kHz above all) run through talky's own filter (half_rate.hpp),
// once for each factor of two: 5 ms of delay for 8 <-> 16 kHz, n samples in give exactly 2n or n/2 out. Other
// ratios run through speexdsp at quality 7. For whole files, where latency does not count, see
// file/resampler.hpp.
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
  static constexpr std::uint32_t kMinRate = 1000;
  static constexpr std::uint32_t kMaxRate = 384000;

  // Rates in Hz, kMinRate to kMaxRate; equal rates copy. Fails with `unsupported` outside of that.
  static Result<Resampler> create(std::uint32_t from, std::uint32_t to);

  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  // Appends to `out` what `in` gives.
  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out);
  // The end of the stream: appends what is still inside, and starts afresh. In all, n samples in have then
  // given n * to / from, rounded up, + delay() out.
  void flush(std::vector<std::int16_t>& out);
  // As after create(): the past is forgotten.
  void reset();

  // Output sample i + delay() belongs to the time of input sample i * from / to. Samples of the output rate;
  // exact for talky's own filter, rounded for speexdsp.
  std::size_t delay() const;

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

} // namespace talky::audio
