#include "audio/half_rate.hpp"

#include <algorithm>
#include <array>

#include "audio/half_rate_design.hpp"
#include "audio/half_rate_kernels.hpp"

namespace talky::audio {

namespace half_rate {

namespace scalar {
namespace {

template <std::size_t pairs>
std::int32_t filtered(const Filter<pairs>& filter, const std::int16_t* window) {
  std::int32_t total = 0;
  for (const Group& group : filter.used_groups()) {
    std::int32_t sum = 0;
    for (std::size_t i = group.begin; i < group.end; ++i)
      sum += filter.taps[i].first * window[2 * i] + filter.taps[i].second * window[2 * i + 1];
    total += sum >> group.shift;
  }
  return total;
}

std::int16_t to_sample(std::int32_t total, int bits) {
  return static_cast<std::int16_t>(std::clamp((total + (1 << (bits - 1))) >> bits, -32768, 32767));
}

} // namespace

void up(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (std::size_t n = 0; n < count; ++n) {
    std::int32_t even = 0;
    std::int32_t odd = 0;
    for (const PhaseGroup& group : std::span(kPhases.groups).first(kPhases.group_count)) {
      std::int32_t even_sum = 0;
      std::int32_t odd_sum = 0;
      for (std::size_t i = group.begin; i < group.end; ++i) {
        const std::int32_t first = window[n + 2 * i];
        const std::int32_t second = window[n + 2 * i + 1];
        even_sum += kEvenPhase.taps[i].first * first + kEvenPhase.taps[i].second * second;
        odd_sum += kOddPhase.taps[i].first * first + kOddPhase.taps[i].second * second;
      }
      even += even_sum >> group.even_shift;
      odd += odd_sum >> group.odd_shift;
    }
    out[2 * n] = to_sample(even, kSumBits);
    out[2 * n + 1] = to_sample(odd, kSumBits);
  }
}

void down(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = to_sample(filtered(kWhole, window + 2 * i), kSumBits + 1); // the filter has a gain of two
}

} // namespace scalar

std::span<const Kernels* const> kernels() {
  static constexpr Kernels kScalarKernels{"scalar", scalar::up, scalar::down};
#if defined(__x86_64__)
  static const std::array<const Kernels*, 4> kAll{&kScalarKernels, &kSse2Kernels, &kAvx2Kernels,
                                                  &kAvx512Kernels};
  static const std::size_t kCount = [] {
    if (__builtin_cpu_supports("avx2") == 0) return std::size_t{2};
    const bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                        __builtin_cpu_supports("avx512vnni") != 0;
    return avx512 ? std::size_t{4} : std::size_t{3};
  }();
#else
  static const std::array<const Kernels*, 1> kAll{&kScalarKernels};
  static const std::size_t kCount = 1;
#endif
  return std::span(kAll).first(kCount);
}

namespace {

const Kernels& best() {
  static const Kernels& chosen = *kernels().back();
  return chosen;
}

} // namespace
} // namespace half_rate

namespace {

constexpr std::size_t kBeyond = 2; // samples behind the last window that the kernels may read

// What came before and what has come now in one piece, for as long as it is filtered: a converter keeps only
// its history, and a call has two of them.
template <std::size_t history, std::size_t chunk>
class Window {
 public:
  Window(const std::array<std::int16_t, history>& before, std::span<const std::int16_t> part)
      : size_(part.size()) {
    const auto behind =
        std::copy(part.begin(), part.end(), std::copy(before.begin(), before.end(), samples_.begin()));
    std::fill_n(behind, kBeyond, std::int16_t{0});
  }
  const std::int16_t* data() const { return samples_.data(); }
  void keep(std::array<std::int16_t, history>& before) const {
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(size_), history, before.begin());
  }

 private:
  std::array<std::int16_t, history + chunk + kBeyond> samples_; // of which no more is written than is read
  std::size_t size_;
};

} // namespace

void Upsampler2::process(std::span<const std::int16_t> in, std::int16_t* out) {
  constexpr std::size_t kChunk = 512;
  // Of a large block, what does not need the samples before it is made from where it stands.
  if (in.size() >= 2 * kChunk) {
    process(in.first(kHistory), out);
    const std::size_t count = in.size() - kHistory - kBeyond;
    half_rate::best().up(in.data(), count, out + 2 * kHistory);
    std::copy_n(in.end() - static_cast<std::ptrdiff_t>(kHistory + kBeyond), kHistory, history_.begin());
    out += 2 * (kHistory + count);
    in = in.last(kBeyond);
  }
  while (!in.empty()) {
    const auto part = in.first(std::min(kChunk, in.size()));
    in = in.subspan(part.size());
    const Window<kHistory, kChunk> window(history_, part);
    half_rate::best().up(window.data(), part.size(), out);
    out += 2 * part.size();
    window.keep(history_);
  }
}

void Upsampler2::process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
  const std::size_t start = out.size();
  out.resize(start + 2 * in.size());
  process(in, out.data() + start);
}

std::size_t Downsampler2::process(std::span<const std::int16_t> in, std::int16_t* out) {
  constexpr std::size_t kChunk = 1024;
  std::size_t made = 0;
  while (!in.empty()) {
    const auto part = in.first(std::min(kChunk, in.size()));
    in = in.subspan(part.size());
    const Window<kHistory, kChunk> window(history_, part);
    const std::size_t skipped = odd_ ? 1 : 0;
    const std::size_t count = (part.size() + 1 - skipped) / 2;
    half_rate::best().down(window.data() + skipped, count, out + made);
    made += count;
    odd_ = (part.size() + skipped) % 2 != 0;
    window.keep(history_);
  }
  return made;
}

void Downsampler2::process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
  const std::size_t start = out.size();
  out.resize(start + (in.size() + 1) / 2);
  out.resize(start + process(in, out.data() + start));
}

} // namespace talky::audio
