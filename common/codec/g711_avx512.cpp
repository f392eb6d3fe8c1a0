// G.711 in words of AVX-512BW, thirty-two samples a turn, with shifts by a different count in each lane.
// These keep pace with a copy of the samples.
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12's own intrinsics begin with a vector that is left undefined on purpose, and warn of it (GCC bug
// 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "codec/g711_kernels.hpp"

namespace talky::codec::g711 {

namespace {

#define TALKY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#define TALKY_INLINE __attribute__((always_inline)) inline

TALKY_AVX512 TALKY_INLINE __m512i words(int value) {
  return _mm512_set1_epi16(static_cast<short>(value));
}

// The place of the highest bit of 8-bit numbers, one a word, by their two halves; 0 for 0 and 1.
TALKY_AVX512 TALKY_INLINE __m512i highest_bit(__m512i x) {
  const __m512i of_low =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  const __m512i of_high =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7));
  return _mm512_max_epu8(_mm512_shuffle_epi8(of_low, _mm512_and_si512(x, words(0x0f))),
                         _mm512_shuffle_epi8(of_high, _mm512_srli_epi16(x, 4)));
}

TALKY_AVX512 TALKY_INLINE __m512i magnitudes(__m512i x) {
  return _mm512_xor_si512(x, _mm512_srai_epi16(x, 15)); // one's complement for negatives
}

// segment << 4 | the four bits below the highest one, which stands at bit segment + 5 - `first`.
TALKY_AVX512 TALKY_INLINE __m512i assembled(__m512i segment, __m512i magnitude, int first) {
  const __m512i interval = _mm512_srlv_epi16(magnitude, _mm512_add_epi16(segment, words(first)));
  // segment << 4 | (interval & 0xf) in one step: where the mask is set, the interval.
  return _mm512_ternarylogic_epi32(words(0x0f), interval, _mm512_slli_epi16(segment, 4), 0xca);
}

TALKY_AVX512 TALKY_INLINE __m256i encode_mu32(__m512i x) {
  __m512i magnitude = _mm512_add_epi16(_mm512_srli_epi16(magnitudes(x), 2), words(33));
  magnitude = _mm512_min_epu16(magnitude, words(0x1fff));
  const __m512i code = assembled(highest_bit(_mm512_srli_epi16(magnitude, 5)), magnitude, 1);
  // Complemented, but for the sign bit, which is set for what is not negative.
  const __m512i inversion =
      _mm512_ternarylogic_epi32(words(0x80), _mm512_srai_epi16(x, 15), words(0xff), 0x6a);
  return _mm512_cvtepi16_epi8(_mm512_xor_si512(code, inversion));
}

TALKY_AVX512 TALKY_INLINE __m256i encode_a32(__m512i x) {
  const __m512i magnitude = _mm512_srli_epi16(magnitudes(x), 4);
  // Segment 0 is as steep as segment 1: its "highest bit" would be the same one.
  const __m512i high = _mm512_srli_epi16(magnitude, 4); // 0 in segment 0
  const __mmask32 above = _mm512_test_epi16_mask(high, high);
  const __m512i exponent = highest_bit(high); // segment - 1, from segment 1 on
  const __m512i segment = _mm512_mask_add_epi16(_mm512_setzero_si512(), above, exponent, words(1));
  const __m512i interval = _mm512_srlv_epi16(magnitude, exponent);
  const __m512i code = _mm512_ternarylogic_epi32(words(0x0f), interval, _mm512_slli_epi16(segment, 4), 0xca);
  const __m512i inversion =
      _mm512_ternarylogic_epi32(words(0x80), _mm512_srai_epi16(x, 15), words(0xd5), 0x6a);
  return _mm512_cvtepi16_epi8(_mm512_xor_si512(code, inversion));
}

TALKY_AVX512 TALKY_INLINE __m512i signed_by(__m512i code, __m512i value) {
  const __mmask32 negative = _mm512_test_epi16_mask(code, words(0x80));
  return _mm512_mask_sub_epi16(value, negative, _mm512_setzero_si512(), value);
}

// `code`: one a word, in the form where the sign bit means negative and magnitudes rise.
TALKY_AVX512 TALKY_INLINE __m512i decode_mu32(__m512i code) {
  const __m512i segment = _mm512_and_si512(_mm512_srli_epi16(code, 4), words(7));
  const __m512i middle =
      _mm512_add_epi16(_mm512_slli_epi16(_mm512_and_si512(code, words(0x0f)), 3), words(0x84));
  return signed_by(code, _mm512_sub_epi16(_mm512_sllv_epi16(middle, segment), words(0x84)));
}

TALKY_AVX512 TALKY_INLINE __m512i decode_a32(__m512i code) {
  const __m512i segment = _mm512_and_si512(_mm512_srli_epi16(code, 4), words(7));
  const __m512i middle =
      _mm512_add_epi16(_mm512_slli_epi16(_mm512_and_si512(code, words(0x0f)), 4), words(8));
  const __mmask32 above = _mm512_test_epi16_mask(segment, segment);
  const __m512i led = _mm512_mask_add_epi16(middle, above, middle, words(256));
  return signed_by(code, _mm512_sllv_epi16(led, _mm512_subs_epu16(segment, words(1))));
}

template <__m256i (*encode32)(__m512i), auto scalar_encode>
TALKY_AVX512 void encode_avx512(const std::int16_t* in, std::byte* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32)
    _mm256_storeu_si256(static_cast<__m256i*>(static_cast<void*>(out + i)),
                        encode32(_mm512_loadu_si512(in + i)));
  scalar_encode(in + i, out + i, count - i);
}

template <int invert, __m512i (*decode32)(__m512i), auto scalar_decode>
TALKY_AVX512 void decode_avx512(const std::byte* in, std::int16_t* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i codes = _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(in + i)));
    _mm512_storeu_si512(out + i, decode32(_mm512_xor_si512(_mm512_cvtepu8_epi16(codes), words(invert))));
  }
  scalar_decode(in + i, out + i, count - i);
}

constexpr int kInvertMu = 0xff;
constexpr int kInvertA = 0xd5;

} // namespace

extern const Kernels kAvx512Kernels{"avx512", encode_avx512<encode_mu32, scalar::encode_mu>,
                                    encode_avx512<encode_a32, scalar::encode_a>,
                                    decode_avx512<kInvertMu, decode_mu32, scalar::decode_mu>,
                                    decode_avx512<kInvertA, decode_a32, scalar::decode_a>};

} // namespace talky::codec::g711
#endif
