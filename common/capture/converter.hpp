// From the rate of a decoder to that of a file, where pieces of sound have places.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "audio/resampler.hpp"

namespace talky::capture {

// A resampler that knows where its output lies, and starts afresh where the input does not go on.
class Converter {
 public:
  Converter(std::uint32_t from, std::uint32_t to) : from_(from), to_(to) {
    if (from == to) return;
    if (auto made = audio::Resampler::create(from, to)) resampler_.emplace(std::move(*made));
  }
  // `position` in the input rate becomes one in the output rate.
  std::span<const std::int16_t> convert(std::int64_t& position, std::span<const std::int16_t> in,
                                        std::vector<std::int16_t>& out) {
    if (!resampler_) return in;
    if (position != next_) {
      resampler_->reset();
      made_ = 0;
      begin_ = position * to_ / from_ - static_cast<std::int64_t>(resampler_->delay());
    }
    next_ = position + static_cast<std::int64_t>(in.size());
    out.clear();
    resampler_->process(in, out);
    position = begin_ + made_;
    made_ += static_cast<std::int64_t>(out.size());
    return out;
  }

 private:
  std::int64_t from_, to_;
  std::optional<audio::Resampler> resampler_;
  std::int64_t next_ = -1, begin_ = 0, made_ = 0;
};

} // namespace talky::capture
