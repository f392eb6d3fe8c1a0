// Sample-rate conversion of whole files with libsoxr: better than the live one (audio/resampler.hpp) and
// without its delay in the result, but it holds back up to 0.1 s, so never for calls. Interleaved channels,
// s16 or float; any chunking gives the same samples.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/error.hpp"

namespace talky::file {

enum class Quality : std::uint8_t { quick, low, medium, high, very_high };

template <class Sample> // std::int16_t (rounded, not dithered) or float
class Resampler {
 public:
  static Result<Resampler> create(std::uint32_t from, std::uint32_t to, std::uint16_t channels,
                                  Quality quality);
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  // Appends what `in` (whole sample frames) gives. Fails with `io` only if libsoxr does.
  Result<> process(std::span<const Sample> in, std::vector<Sample>& out);
  // The end: appends the rest. The total is in_frames * to / from, rounded.
  Result<> flush(std::vector<Sample>& out);

 private:
  struct Impl;
  explicit Resampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

extern template class Resampler<std::int16_t>;
extern template class Resampler<float>;

} // namespace talky::file
