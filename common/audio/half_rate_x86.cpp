// pmaddwd multiplies pairs of neighbouring samples by a pair of taps: with windows that advance by two
// samples, consecutive outputs lie in consecutive lanes, and nothing has to be shuffled or summed across. The
// interpolator's windows advance by one, so it runs twice, from an even and from an odd sample.
#if defined(__x86_64__)
#include <immintrin.h>

#include "audio/half_rate_design.hpp"
#include "audio/half_rate_kernels.hpp"
#include "audio/half_rate_vectors.hpp"

namespace talky::audio::half_rate {

namespace {

// The last few outputs, for which no whole vector is left: through a padded copy of their windows.
__m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

// Constant bounds, two taps a turn and the four vectors of a tap at once. g++ 12 must be told, and not told
// more: unrolled whole, it moves all products to the front and spills them.
#if defined(__clang__)
#define TALKY_UNROLL_2 _Pragma("unroll 2")
#define TALKY_UNROLL_4 _Pragma("unroll 4")
#else
#define TALKY_UNROLL_2 _Pragma("GCC unroll 2")
#define TALKY_UNROLL_4 _Pragma("GCC unroll 4")
#endif
#define TALKY_INLINE __attribute__((always_inline)) inline

// Sums of windows 0 2 4 6 and of 1 3 5 7.
struct Sums {
  __m128i even0, even1, odd0, odd1;
};

template <std::size_t g>
TALKY_INLINE void add_group(const std::int16_t* window, Sums& total) {
  constexpr PhaseGroup kGroup = kPhases.groups[g];
  const __m128i zero = _mm_setzero_si128();
  Sums sum{zero, zero, zero, zero};
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m128i x0 = load(window + 2 * i);
    const __m128i x1 = load(window + 2 * i + 1);
    const __m128i even_taps = _mm_set1_epi32(kPhases.taps[i].even);
    const __m128i odd_taps = _mm_set1_epi32(kPhases.taps[i].odd);
    sum.even0 = _mm_add_epi32(sum.even0, _mm_madd_epi16(x0, even_taps));
    sum.even1 = _mm_add_epi32(sum.even1, _mm_madd_epi16(x1, even_taps));
    sum.odd0 = _mm_add_epi32(sum.odd0, _mm_madd_epi16(x0, odd_taps));
    sum.odd1 = _mm_add_epi32(sum.odd1, _mm_madd_epi16(x1, odd_taps));
  }
  total.even0 = _mm_add_epi32(total.even0, _mm_srai_epi32(sum.even0, kGroup.even_shift));
  total.even1 = _mm_add_epi32(total.even1, _mm_srai_epi32(sum.even1, kGroup.even_shift));
  total.odd0 = _mm_add_epi32(total.odd0, _mm_srai_epi32(sum.odd0, kGroup.odd_shift));
  total.odd1 = _mm_add_epi32(total.odd1, _mm_srai_epi32(sum.odd1, kGroup.odd_shift));
  if constexpr (g + 1 < kPhases.group_count) add_group<g + 1>(window, total);
}

// Eight input samples to sixteen.
void up8(const std::int16_t* window, std::int16_t* out) {
  const __m128i half = _mm_set1_epi32(1 << (kSumBits - 1));
  Sums total{half, half, half, half};
  add_group<0>(window, total);
  const __m128i evens =
      _mm_packs_epi32(_mm_srai_epi32(total.even0, kSumBits), _mm_srai_epi32(total.even1, kSumBits));
  const __m128i odds =
      _mm_packs_epi32(_mm_srai_epi32(total.odd0, kSumBits), _mm_srai_epi32(total.odd1, kSumBits));
  const __m128i from_even = _mm_unpacklo_epi16(evens, odds); // output pairs of windows 0 2 4 6
  const __m128i from_odd = _mm_unpackhi_epi16(evens, odds);  // of 1 3 5 7
  store(out, _mm_unpacklo_epi32(from_even, from_odd));
  store(out + 8, _mm_unpackhi_epi32(from_even, from_odd));
}

template <std::size_t g>
TALKY_INLINE void add_group(const std::int16_t* window, __m128i (&total)[4]) {
  constexpr Group kGroup = kWhole.groups[g];
  const __m128i zero = _mm_setzero_si128();
  __m128i sum[4] = {zero, zero, zero, zero};
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m128i pair = _mm_set1_epi32(kWholeTaps[i]);
    TALKY_UNROLL_4 for (std::size_t v = 0; v < 4; ++v) {
      sum[v] = _mm_add_epi32(sum[v], _mm_madd_epi16(load(window + 2 * i + 8 * v), pair));
    }
  }
  TALKY_UNROLL_4 for (std::size_t v = 0; v < 4; ++v) {
    total[v] = _mm_add_epi32(total[v], _mm_srai_epi32(sum[v], kGroup.shift));
  }
  if constexpr (g + 1 < kWhole.group_count) add_group<g + 1>(window, total);
}

// Thirty-two input samples to sixteen.
void down16(const std::int16_t* window, std::int16_t* out) {
  const __m128i half = _mm_set1_epi32(1 << kSumBits);
  __m128i total[4] = {half, half, half, half};
  add_group<0>(window, total);
  for (__m128i& t : total)
    t = _mm_srai_epi32(t, kSumBits + 1);
  store(out, _mm_packs_epi32(total[0], total[1]));
  store(out + 8, _mm_packs_epi32(total[2], total[3]));
}

void up_sse2(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 8; count -= 8, window += 8, out += 16)
    up8(window, out);
  if (count > 0) up_rest<8, up8>(window, count, out);
}

void down_sse2(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 16; count -= 16, window += 32, out += 16)
    down16(window, out);
  if (count > 0) down_rest<16, down16>(window, count, out);
}

#define TALKY_AVX2 __attribute__((target("avx2")))

TALKY_AVX2 __m256i load256(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
TALKY_AVX2 void store256(void* to, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), value);
}

struct Sums256 {
  __m256i even0, even1, odd0, odd1;
};

template <std::size_t g>
TALKY_AVX2 TALKY_INLINE void add_group256(const std::int16_t* window, Sums256& total) {
  constexpr PhaseGroup kGroup = kPhases.groups[g];
  const __m256i zero = _mm256_setzero_si256();
  Sums256 sum{zero, zero, zero, zero};
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m256i x0 = load256(window + 2 * i);
    const __m256i x1 = load256(window + 2 * i + 1);
    const __m256i even_taps = _mm256_set1_epi32(kPhases.taps[i].even);
    const __m256i odd_taps = _mm256_set1_epi32(kPhases.taps[i].odd);
    sum.even0 = _mm256_add_epi32(sum.even0, _mm256_madd_epi16(x0, even_taps));
    sum.even1 = _mm256_add_epi32(sum.even1, _mm256_madd_epi16(x1, even_taps));
    sum.odd0 = _mm256_add_epi32(sum.odd0, _mm256_madd_epi16(x0, odd_taps));
    sum.odd1 = _mm256_add_epi32(sum.odd1, _mm256_madd_epi16(x1, odd_taps));
  }
  total.even0 = _mm256_add_epi32(total.even0, _mm256_srai_epi32(sum.even0, kGroup.even_shift));
  total.even1 = _mm256_add_epi32(total.even1, _mm256_srai_epi32(sum.even1, kGroup.even_shift));
  total.odd0 = _mm256_add_epi32(total.odd0, _mm256_srai_epi32(sum.odd0, kGroup.odd_shift));
  total.odd1 = _mm256_add_epi32(total.odd1, _mm256_srai_epi32(sum.odd1, kGroup.odd_shift));
  if constexpr (g + 1 < kPhases.group_count) add_group256<g + 1>(window, total);
}

TALKY_AVX2 void up16(const std::int16_t* window, std::int16_t* out) {
  const __m256i half = _mm256_set1_epi32(1 << (kSumBits - 1));
  Sums256 total{half, half, half, half};
  add_group256<0>(window, total);
  const __m256i evens =
      _mm256_packs_epi32(_mm256_srai_epi32(total.even0, kSumBits), _mm256_srai_epi32(total.even1, kSumBits));
  const __m256i odds =
      _mm256_packs_epi32(_mm256_srai_epi32(total.odd0, kSumBits), _mm256_srai_epi32(total.odd1, kSumBits));
  // As in up8, within each half; then the halves are put in order.
  const __m256i from_even = _mm256_unpacklo_epi16(evens, odds);
  const __m256i from_odd = _mm256_unpackhi_epi16(evens, odds);
  const __m256i low = _mm256_unpacklo_epi32(from_even, from_odd);
  const __m256i high = _mm256_unpackhi_epi32(from_even, from_odd);
  store256(out, _mm256_permute2x128_si256(low, high, 0x20));
  store256(out + 16, _mm256_permute2x128_si256(low, high, 0x31));
}

template <std::size_t g>
TALKY_AVX2 TALKY_INLINE void add_group256(const std::int16_t* window, __m256i (&total)[4]) {
  constexpr Group kGroup = kWhole.groups[g];
  const __m256i zero = _mm256_setzero_si256();
  __m256i sum[4] = {zero, zero, zero, zero};
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m256i pair = _mm256_set1_epi32(kWholeTaps[i]);
    TALKY_UNROLL_4 for (std::size_t v = 0; v < 4; ++v) {
      sum[v] = _mm256_add_epi32(sum[v], _mm256_madd_epi16(load256(window + 2 * i + 16 * v), pair));
    }
  }
  TALKY_UNROLL_4 for (std::size_t v = 0; v < 4; ++v) {
    total[v] = _mm256_add_epi32(total[v], _mm256_srai_epi32(sum[v], kGroup.shift));
  }
  if constexpr (g + 1 < kWhole.group_count) add_group256<g + 1>(window, total);
}

TALKY_AVX2 void down32(const std::int16_t* window, std::int16_t* out) {
  const __m256i half = _mm256_set1_epi32(1 << kSumBits);
  __m256i total[4] = {half, half, half, half};
  add_group256<0>(window, total);
  for (__m256i& t : total)
    t = _mm256_srai_epi32(t, kSumBits + 1);
  store256(out, _mm256_permute4x64_epi64(_mm256_packs_epi32(total[0], total[1]), 0xd8));
  store256(out + 16, _mm256_permute4x64_epi64(_mm256_packs_epi32(total[2], total[3]), 0xd8));
}

TALKY_AVX2 void up_avx2(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 16; count -= 16, window += 16, out += 32)
    up16(window, out);
  if (count > 0) up_rest<16, up16>(window, count, out);
}

TALKY_AVX2 void down_avx2(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 32; count -= 32, window += 64, out += 32)
    down32(window, out);
  if (count > 0) down_rest<32, down32>(window, count, out);
}

} // namespace

extern const Kernels kSse2Kernels{"sse2", up_sse2, down_sse2};
extern const Kernels kAvx2Kernels{"avx2", up_avx2, down_avx2};

} // namespace talky::audio::half_rate
#endif
