// As half_rate_x86.cpp, with vpdpwssd: thirty-two products, their sums of two and the addition to the
// accumulator are one instruction, of which the machine starts two a cycle. It waits five cycles for each
// accumulator, so a turn works on several vectors of windows; more than the eight chains of `up` would spill.
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own intrinsics begin with a vector that is left undefined on purpose, and warn of it (GCC bug
// 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "audio/half_rate_design.hpp"
#include "audio/half_rate_kernels.hpp"
#include "audio/half_rate_vectors.hpp"

namespace talky::audio::half_rate {

namespace {

#if defined(__clang__)
#define TALKY_UNROLL_2 _Pragma("unroll 2")
#define TALKY_UNROLL_ALL _Pragma("unroll 8")
#else
#define TALKY_UNROLL_2 _Pragma("GCC unroll 2")
#define TALKY_UNROLL_ALL _Pragma("GCC unroll 8")
#endif
#define TALKY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define TALKY_INLINE __attribute__((always_inline)) inline

TALKY_AVX512 TALKY_INLINE __m512i load512(const void* from) {
  return _mm512_loadu_si512(from);
}
TALKY_AVX512 TALKY_INLINE void store512(void* to, __m512i value) {
  _mm512_storeu_si512(to, value);
}

// `vectors` times thirty-two windows: sums of the even and of the odd phase, of windows 0 2 4 ... (0) and of
// 1 3 5 ... (1) of each thirty-two.
template <std::size_t vectors>
struct Sums512 {
  __m512i even0[vectors], even1[vectors], odd0[vectors], odd1[vectors];
};

template <std::size_t g, std::size_t vectors>
TALKY_AVX512 TALKY_INLINE void add_group(const std::int16_t* window, Sums512<vectors>& total) {
  constexpr PhaseGroup kGroup = kPhases.groups[g];
  Sums512<vectors> sum;
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    sum.even0[v] = sum.even1[v] = sum.odd0[v] = sum.odd1[v] = _mm512_setzero_si512();
  }
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m512i even_taps = _mm512_set1_epi32(kPhases.taps[i].even);
    const __m512i odd_taps = _mm512_set1_epi32(kPhases.taps[i].odd);
    TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
      const __m512i x0 = load512(window + 2 * i + 32 * v);
      const __m512i x1 = load512(window + 2 * i + 32 * v + 1);
      sum.even0[v] = _mm512_dpwssd_epi32(sum.even0[v], x0, even_taps);
      sum.odd0[v] = _mm512_dpwssd_epi32(sum.odd0[v], x0, odd_taps);
      sum.even1[v] = _mm512_dpwssd_epi32(sum.even1[v], x1, even_taps);
      sum.odd1[v] = _mm512_dpwssd_epi32(sum.odd1[v], x1, odd_taps);
    }
  }
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    total.even0[v] = _mm512_add_epi32(total.even0[v], _mm512_srai_epi32(sum.even0[v], kGroup.even_shift));
    total.even1[v] = _mm512_add_epi32(total.even1[v], _mm512_srai_epi32(sum.even1[v], kGroup.even_shift));
    total.odd0[v] = _mm512_add_epi32(total.odd0[v], _mm512_srai_epi32(sum.odd0[v], kGroup.odd_shift));
    total.odd1[v] = _mm512_add_epi32(total.odd1[v], _mm512_srai_epi32(sum.odd1[v], kGroup.odd_shift));
  }
  if constexpr (g + 1 < kPhases.group_count) add_group<g + 1, vectors>(window, total);
}

TALKY_AVX512 TALKY_INLINE __m512i packed(__m512i a, __m512i b) {
  return _mm512_packs_epi32(_mm512_srai_epi32(a, kSumBits), _mm512_srai_epi32(b, kSumBits));
}

// 32 * vectors input samples to twice as many.
template <std::size_t vectors>
TALKY_AVX512 void up_vectors(const std::int16_t* window, std::int16_t* out) {
  const __m512i half = _mm512_set1_epi32(1 << (kSumBits - 1));
  Sums512<vectors> total;
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    total.even0[v] = total.even1[v] = total.odd0[v] = total.odd1[v] = half;
  }
  add_group<0, vectors>(window, total);
  // Packing and interleaving work within 128 bits; then the quarters are put in order.
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    const __m512i evens = packed(total.even0[v], total.even1[v]);
    const __m512i odds = packed(total.odd0[v], total.odd1[v]);
    const __m512i from_even = _mm512_unpacklo_epi16(evens, odds);
    const __m512i from_odd = _mm512_unpackhi_epi16(evens, odds);
    const __m512i low = _mm512_unpacklo_epi32(from_even, from_odd);
    const __m512i high = _mm512_unpackhi_epi32(from_even, from_odd);
    store512(out + 64 * v, _mm512_permutex2var_epi64(low, first, high));
    store512(out + 64 * v + 32, _mm512_permutex2var_epi64(low, second, high));
  }
}

template <std::size_t g, std::size_t vectors>
TALKY_AVX512 TALKY_INLINE void add_group(const std::int16_t* window, __m512i (&total)[vectors]) {
  constexpr Group kGroup = kWhole.groups[g];
  __m512i sum[vectors];
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    sum[v] = _mm512_setzero_si512();
  }
  TALKY_UNROLL_2 for (std::size_t i = kGroup.begin; i < kGroup.end; ++i) {
    const __m512i pair = _mm512_set1_epi32(kWholeTaps[i]);
    TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
      sum[v] = _mm512_dpwssd_epi32(sum[v], load512(window + 2 * i + 32 * v), pair);
    }
  }
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    total[v] = _mm512_add_epi32(total[v], _mm512_srai_epi32(sum[v], kGroup.shift));
  }
  if constexpr (g + 1 < kWhole.group_count) add_group<g + 1, vectors>(window, total);
}

// 32 * vectors input samples to half as many; an even number of vectors.
template <std::size_t vectors>
TALKY_AVX512 void down_vectors(const std::int16_t* window, std::int16_t* out) {
  __m512i total[vectors];
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; ++v) {
    total[v] = _mm512_set1_epi32(1 << kSumBits);
  }
  add_group<0, vectors>(window, total);
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  TALKY_UNROLL_ALL for (std::size_t v = 0; v < vectors; v += 2) {
    const __m512i both = _mm512_packs_epi32(_mm512_srai_epi32(total[v], kSumBits + 1),
                                            _mm512_srai_epi32(total[v + 1], kSumBits + 1));
    store512(out + 16 * v, _mm512_permutexvar_epi64(order, both));
  }
}

TALKY_AVX512 void up_avx512(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 96; count -= 96, window += 96, out += 192)
    up_vectors<3>(window, out);
  if (count >= 64) {
    up_vectors<2>(window, out);
    count -= 64;
    window += 64;
    out += 128;
  }
  if (count >= 32) {
    up_vectors<1>(window, out);
    count -= 32;
    window += 32;
    out += 64;
  }
  if (count > 0) up_rest<32, up_vectors<1>>(window, count, out);
}

TALKY_AVX512 void down_avx512(const std::int16_t* window, std::size_t count, std::int16_t* out) {
  for (; count >= 128; count -= 128, window += 256, out += 128)
    down_vectors<8>(window, out);
  for (; count >= 32; count -= 32, window += 64, out += 32)
    down_vectors<2>(window, out);
  if (count > 0) down_rest<32, down_vectors<2>>(window, count, out);
}

} // namespace

extern const Kernels kAvx512Kernels{"avx512", up_avx512, down_avx512};

} // namespace talky::audio::half_rate
#endif
