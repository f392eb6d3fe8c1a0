#include "echo/delay_estimator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace talky::echo {
namespace {

constexpr double kSentFloor = 30.0 * 30.0; // -61 dBFS: below that the agent is not heard anyway
constexpr double kCallerFloor = 4.0 * 4.0; // -78 dBFS: about what is left of silence by G.711
constexpr double kLevel = 24;              // RMS of a whitened frame
constexpr float kClip = 72;
constexpr double kWhiteNoise = 1.003; // 25 dB below the signal: keeps the predictor off empty bands

// The predictor of a windowed stretch of signal: autocorrelation method, Levinson-Durbin. All zero: there is
// none.
template <std::size_t kOrder, std::size_t kSize>
std::array<float, kOrder> predictor(const std::array<float, kSize>& x) {
  static const std::array<float, kSize> window = [] {
    std::array<float, kSize> w{};
    for (std::size_t i = 0; i < kSize; ++i) {
      w[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * 3.14159265358979 * (static_cast<double>(i) + 0.5) /
                                                     static_cast<double>(kSize)));
    }
    return w;
  }();
  std::array<float, kSize> y;
  for (std::size_t i = 0; i < kSize; ++i)
    y[i] = x[i] * window[i];
  std::array<double, kOrder + 1> r{};
  for (std::size_t lag = 0; lag <= kOrder; ++lag) {
    float sum = 0;
    for (std::size_t i = lag; i < kSize; ++i)
      sum += y[i] * y[i - lag];
    r[lag] = static_cast<double>(sum);
  }
  r[0] = r[0] * kWhiteNoise + 1e-3;
  std::array<double, kOrder> a{};
  double error = r[0];
  for (std::size_t i = 0; i < kOrder; ++i) {
    double k = r[i + 1];
    for (std::size_t j = 0; j < i; ++j)
      k -= a[j] * r[i - j];
    k /= error;
    const std::array<double, kOrder> before = a;
    a[i] = k;
    for (std::size_t j = 0; j < i; ++j)
      a[j] = before[j] - k * before[i - 1 - j];
    error *= 1 - k * k;
    if (error <= 0) break;
  }
  std::array<float, kOrder> out;
  std::transform(a.begin(), a.end(), out.begin(), [](double v) { return static_cast<float>(v); });
  return out;
}

// The inner product of two stretches of kSize samples.
template <std::size_t kSize>
std::int32_t product(const std::int16_t* a, const std::int16_t* b) {
#ifdef __SSE2__
  static_assert(kSize % 16 == 0);
  const auto load = [](const std::int16_t* from) {
    __m128i eight;
    std::memcpy(&eight, from, sizeof eight);
    return eight;
  };
  __m128i even = _mm_setzero_si128();
  __m128i odd = _mm_setzero_si128();
  for (std::size_t i = 0; i < kSize; i += 16) {
    even = _mm_add_epi32(even, _mm_madd_epi16(load(a + i), load(b + i)));
    odd = _mm_add_epi32(odd, _mm_madd_epi16(load(a + i + 8), load(b + i + 8)));
  }
  std::array<std::int32_t, 4> four;
  const __m128i sum = _mm_add_epi32(even, odd);
  std::memcpy(four.data(), &sum, sizeof sum);
  return four[0] + four[1] + four[2] + four[3];
#else
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < kSize; ++i)
    sum += std::int32_t{a[i]} * b[i];
  return sum;
#endif
}

} // namespace

double energy(FrameView frame) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kFrame; i += 2) { // two squares of 16 bits stay below 2^32
    const std::int32_t a = frame[i];
    const std::int32_t b = frame[i + 1];
    sum += static_cast<std::uint32_t>(a * a) + static_cast<std::uint32_t>(b * b);
  }
  return static_cast<double>(sum) / static_cast<double>(kFrame);
}

bool DelayEstimator::Whitener::process(FrameView frame, double floor, std::int16_t* out) {
  std::array<std::int16_t, kHalf> half;
  down_.process(frame, half.data());
  std::copy(history_.begin() + kHalf, history_.end(), history_.begin());
  std::copy(half.begin(), half.end(), history_.begin() + kHalf);
  float squares = 0;
  for (std::size_t i = kHalf; i < 2 * kHalf; ++i)
    squares += history_[i] * history_[i];
  if (static_cast<double>(squares) < floor * static_cast<double>(kHalf)) {
    std::fill_n(out, kHalf, std::int16_t{0});
    return false;
  }
  const auto a = predictor<kOrder>(history_);
  std::array<float, kHalf> rest;
  float rest_squares = 0;
  for (std::size_t i = 0; i < kHalf; ++i) {
    float e = history_[kHalf + i];
    for (std::size_t k = 0; k < kOrder; ++k)
      e -= a[k] * history_[kHalf + i - 1 - k];
    rest[i] = e;
    rest_squares += e * e;
  }
  const float scale =
      static_cast<float>(kLevel) / std::sqrt(rest_squares / static_cast<float>(kHalf) + 1e-9F);
  for (std::size_t i = 0; i < kHalf; ++i)
    out[i] = static_cast<std::int16_t>(std::lrintf(std::clamp(rest[i] * scale, -kClip, kClip)));
  return true;
}

DelayEstimator::DelayEstimator() : far_(kLags + kHalf), products_(kLags) {}

void DelayEstimator::receive(FrameView caller, FrameView sent_before) {
  std::copy(far_.begin() + kHalf, far_.end(), far_.begin());
  std::copy_backward(far_active_.begin(), far_active_.end() - 1, far_active_.end());
  far_active_[0] = sent_.process(sent_before, kSentFloor, far_.data() + kLags);
  std::array<std::int16_t, kHalf> near;
  const bool heard = caller_.process(caller, kCallerFloor, near.data());
  if (!heard || std::none_of(far_active_.begin(), far_active_.end(), [](bool active) { return active; }))
    return;
  ++frames_;
  correlate(near.data());
  for (Memory* const memory : {&quick_, &steady_}) {
    forget(*memory);
    search(*memory);
  }
}

// The lag of block b and place r, 160 * b + r, pairs the frame with `160 - r` samples of what was sent b
// frames before and with `r` of one frame earlier.
void DelayEstimator::correlate(const std::int16_t* caller) {
  for (std::size_t block = 0; block < kBlocks; ++block) {
    std::int32_t* const out = products_.data() + block * kHalf;
    if (!far_active_[block] && !far_active_[block + 1]) {
      std::fill_n(out, kHalf, 0);
      continue;
    }
    for (std::size_t r = 0; r < kHalf; ++r) {
      out[r] = product<kHalf>(caller, far_.data() + kLags - block * kHalf - r);
    }
  }
}

void DelayEstimator::forget(Memory& memory) const {
  const auto keep = static_cast<float>(memory.keep);
  for (std::size_t lag = 0; lag < kLags; ++lag)
    memory.sums[lag] = memory.sums[lag] * keep + static_cast<float>(products_[lag]);
  constexpr double kProduct = kLevel * kLevel;
  for (std::size_t block = 0; block <= kBlocks; ++block) {
    const double samples = far_active_[block] ? static_cast<double>(kHalf) : 0.0;
    memory.magnitudes[block] = memory.magnitudes[block] * memory.keep + samples * kProduct;
    memory.variances[block] =
        memory.variances[block] * memory.keep * memory.keep + samples * kProduct * kProduct;
  }
}

// Few samples prove nothing: what a whole frame gives is the least that a sum is measured by.
double DelayEstimator::variance(const Memory& memory, std::size_t lag) {
  constexpr double kLeast = static_cast<double>(kHalf) * kLevel * kLevel * kLevel * kLevel;
  const std::size_t block = lag / kHalf;
  const double place = static_cast<double>(lag % kHalf) / static_cast<double>(kHalf);
  return std::max(kLeast, memory.variances[block] * (1 - place) + memory.variances[block + 1] * place);
}

double DelayEstimator::quick_score(std::size_t from, std::size_t to) const {
  double best = 0;
  const std::size_t begin = std::max(from, kShortest);
  for (std::size_t delay = begin; delay <= std::min(to, kLongest - 2); delay += 2) {
    const std::size_t lag = (delay - kShortest) / 2;
    best = std::max(best, std::abs(static_cast<double>(quick_.sums[lag])) / std::sqrt(variance(quick_, lag)));
  }
  return best;
}

void DelayEstimator::search(Memory& memory) {
  float best = 0;
  std::size_t at = 0;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    // Within a block the variance goes evenly from one end to the other.
    const auto from = static_cast<float>(variance(memory, block * kHalf));
    const auto to = static_cast<float>(variance(memory, block * kHalf + kHalf - 1));
    const float step = (to - from) / static_cast<float>(kHalf - 1);
    for (std::size_t r = 0; r < kHalf; ++r) {
      const std::size_t lag = block * kHalf + r;
      const float score = memory.sums[lag] * memory.sums[lag] / (from + step * static_cast<float>(r));
      if (score > best) {
        best = score;
        at = lag;
      }
    }
  }
  const std::size_t block = at / kHalf;
  const double place = static_cast<double>(at % kHalf) / static_cast<double>(kHalf);
  const double magnitude = memory.magnitudes[block] * (1 - place) + memory.magnitudes[block + 1] * place;
  const double sum = std::abs(static_cast<double>(memory.sums[at]));
  memory.best = Estimate{kShortest + 2 * at, std::sqrt(static_cast<double>(best)),
                         magnitude > 0 ? std::min(1.0, sum / magnitude) : 0.0};
}

} // namespace talky::echo
