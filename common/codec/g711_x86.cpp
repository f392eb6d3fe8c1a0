// Both laws are small floating-point formats: an IEEE float has a G.711 magnitude's segment in the low bits
// of its exponent and the interval in the top four bits of its mantissa, and truncates as G.711 does. So an
// integer converted to float and shifted right by 19 *is* the code, and back.
#if defined(__x86_64__)
#include <immintrin.h>

#include "codec/g711_kernels.hpp"

namespace talky::codec::g711 {

namespace {

constexpr int kMantissaShift = 19;     // 23 bits of mantissa, of which G.711 keeps four
constexpr int kHalfInterval = 1 << 18; // codes stand for the middle of their interval
constexpr int kFloatExponent7 = (127 + 7) << 23;

__m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

// Eight magnitudes below 2^15 -> the top four mantissa bits and the biased exponent of each.
__m128i float_bits(__m128i magnitude) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i low = _mm_castps_si128(_mm_cvtepi32_ps(_mm_unpacklo_epi16(magnitude, zero)));
  const __m128i high = _mm_castps_si128(_mm_cvtepi32_ps(_mm_unpackhi_epi16(magnitude, zero)));
  return _mm_packs_epi32(_mm_srli_epi32(low, kMantissaShift), _mm_srli_epi32(high, kMantissaShift));
}

__m128i encode_mu8(__m128i x) {
  const __m128i sign = _mm_srai_epi16(x, 15);
  __m128i magnitude = _mm_add_epi16(_mm_srli_epi16(_mm_xor_si128(x, sign), 2), _mm_set1_epi16(33));
  magnitude = _mm_min_epi16(magnitude, _mm_set1_epi16(0x1fff));
  // The least magnitude, 33, is in [2^5, 2^6): segment 0.
  const __m128i code = _mm_sub_epi16(float_bits(magnitude), _mm_set1_epi16((127 + 5) << 4));
  return _mm_xor_si128(_mm_xor_si128(code, _mm_set1_epi16(0xff)), _mm_and_si128(sign, _mm_set1_epi16(0x80)));
}

__m128i encode_a8(__m128i x) {
  const __m128i sign = _mm_srai_epi16(x, 15);
  const __m128i magnitude = _mm_srli_epi16(_mm_xor_si128(x, sign), 4);
  // From 16 on the float's bits, below it the magnitude itself: always the larger of the two.
  const __m128i code = _mm_max_epi16(_mm_sub_epi16(float_bits(magnitude), _mm_set1_epi16((127 + 3) << 4)),
                                     _mm_min_epi16(magnitude, _mm_set1_epi16(15)));
  return _mm_xor_si128(_mm_xor_si128(code, _mm_set1_epi16(0xd5)), _mm_and_si128(sign, _mm_set1_epi16(0x80)));
}

// Eight codes of seven bits, one a word -> 2^7 * 1.mmmm1 * 2^segment.
__m128i from_float_bits(__m128i code) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i base = _mm_set1_epi32(kFloatExponent7 | kHalfInterval);
  const __m128i low = _mm_add_epi32(_mm_slli_epi32(_mm_unpacklo_epi16(code, zero), kMantissaShift), base);
  const __m128i high = _mm_add_epi32(_mm_slli_epi32(_mm_unpackhi_epi16(code, zero), kMantissaShift), base);
  return _mm_packs_epi32(_mm_cvttps_epi32(_mm_castsi128_ps(low)), _mm_cvttps_epi32(_mm_castsi128_ps(high)));
}

__m128i negate_where(__m128i mask, __m128i x) {
  return _mm_sub_epi16(_mm_xor_si128(x, mask), mask);
}

// `code` with the sign bit set for negatives in the low byte of each word, `sign` all ones there.
__m128i decode_mu8(__m128i code, __m128i sign) {
  return negate_where(sign, _mm_sub_epi16(from_float_bits(code), _mm_set1_epi16(0x84)));
}

__m128i decode_a8(__m128i code, __m128i sign) {
  const __m128i v = from_float_bits(code);
  // Segment 0 is as steep as segment 1: 2v - 256.
  const __m128i first = _mm_cmplt_epi16(v, _mm_set1_epi16(256));
  return negate_where(sign, _mm_add_epi16(v, _mm_and_si128(first, _mm_sub_epi16(v, _mm_set1_epi16(256)))));
}

template <__m128i (*encode8)(__m128i), auto scalar_encode>
void encode_sse2(const std::int16_t* in, std::byte* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    store(out + i, _mm_packus_epi16(encode8(load(in + i)), encode8(load(in + i + 8))));
  scalar_encode(in + i, out + i, count - i);
}

// `invert` brings a code to the form where the sign bit means negative and magnitudes rise.
template <int invert, __m128i (*decode8)(__m128i, __m128i), auto scalar_decode>
void decode_sse2(const std::byte* in, std::int16_t* out, std::size_t count) {
  const __m128i zero = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i codes = _mm_xor_si128(load(in + i), _mm_set1_epi8(static_cast<char>(invert)));
    const __m128i magnitudes = _mm_and_si128(codes, _mm_set1_epi8(0x7f));
    store(out + i,
          decode8(_mm_unpacklo_epi8(magnitudes, zero), _mm_srai_epi16(_mm_unpacklo_epi8(zero, codes), 15)));
    store(out + i + 8,
          decode8(_mm_unpackhi_epi8(magnitudes, zero), _mm_srai_epi16(_mm_unpackhi_epi8(zero, codes), 15)));
  }
  scalar_decode(in + i, out + i, count - i);
}

constexpr int kInvertMu = 0xff;
constexpr int kInvertA = 0xd5;

#define TALKY_AVX2 __attribute__((target("avx2")))

TALKY_AVX2 __m256i load256(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
TALKY_AVX2 void store256(void* to, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), value);
}

TALKY_AVX2 __m256i float_bits256(__m256i magnitude) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i low = _mm256_castps_si256(_mm256_cvtepi32_ps(_mm256_unpacklo_epi16(magnitude, zero)));
  const __m256i high = _mm256_castps_si256(_mm256_cvtepi32_ps(_mm256_unpackhi_epi16(magnitude, zero)));
  return _mm256_packs_epi32(_mm256_srli_epi32(low, kMantissaShift), _mm256_srli_epi32(high, kMantissaShift));
}

TALKY_AVX2 __m256i encode_mu16(__m256i x) {
  const __m256i sign = _mm256_srai_epi16(x, 15);
  __m256i magnitude =
      _mm256_add_epi16(_mm256_srli_epi16(_mm256_xor_si256(x, sign), 2), _mm256_set1_epi16(33));
  magnitude = _mm256_min_epi16(magnitude, _mm256_set1_epi16(0x1fff));
  const __m256i code = _mm256_sub_epi16(float_bits256(magnitude), _mm256_set1_epi16((127 + 5) << 4));
  return _mm256_xor_si256(_mm256_xor_si256(code, _mm256_set1_epi16(0xff)),
                          _mm256_and_si256(sign, _mm256_set1_epi16(0x80)));
}

TALKY_AVX2 __m256i encode_a16(__m256i x) {
  const __m256i sign = _mm256_srai_epi16(x, 15);
  const __m256i magnitude = _mm256_srli_epi16(_mm256_xor_si256(x, sign), 4);
  const __m256i code =
      _mm256_max_epi16(_mm256_sub_epi16(float_bits256(magnitude), _mm256_set1_epi16((127 + 3) << 4)),
                       _mm256_min_epi16(magnitude, _mm256_set1_epi16(15)));
  return _mm256_xor_si256(_mm256_xor_si256(code, _mm256_set1_epi16(0xd5)),
                          _mm256_and_si256(sign, _mm256_set1_epi16(0x80)));
}

// The interval's middle (below 2^8) times a power of two looked up by the segment.
TALKY_AVX2 __m256i multiply_and_sign(__m128i middle, __m128i power, __m128i codes, int shift, int bias) {
  __m256i v = _mm256_mullo_epi16(_mm256_cvtepu8_epi16(middle), _mm256_cvtepu8_epi16(power));
  v = _mm256_sub_epi16(_mm256_slli_epi16(v, shift), _mm256_set1_epi16(static_cast<short>(bias)));
  const __m256i sign = _mm256_srai_epi16(_mm256_cvtepi8_epi16(codes), 15);
  return _mm256_sub_epi16(_mm256_xor_si256(v, sign), sign);
}

TALKY_AVX2 __m256i decode_mu16(__m128i codes) {
  const __m128i interval = _mm_and_si128(codes, _mm_set1_epi8(0x0f));
  const __m128i segment = _mm_and_si128(_mm_srli_epi16(codes, 4), _mm_set1_epi8(0x07));
  const __m128i middle = _mm_add_epi8(_mm_slli_epi16(interval, 3), _mm_set1_epi8(static_cast<char>(0x84)));
  const __m128i powers =
      _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, static_cast<char>(128), 0, 0, 0, 0, 0, 0, 0, 0);
  return multiply_and_sign(middle, _mm_shuffle_epi8(powers, segment), codes, 0, 0x84);
}

TALKY_AVX2 __m256i decode_a16(__m128i codes) {
  const __m128i interval = _mm_and_si128(codes, _mm_set1_epi8(0x0f));
  const __m128i segment = _mm_and_si128(_mm_srli_epi16(codes, 4), _mm_set1_epi8(0x07));
  const __m128i leading = _mm_setr_epi8(1, 33, 33, 33, 33, 33, 33, 33, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i powers = _mm_setr_epi8(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i middle = _mm_add_epi8(_mm_add_epi8(interval, interval), _mm_shuffle_epi8(leading, segment));
  return multiply_and_sign(middle, _mm_shuffle_epi8(powers, segment), codes, 3, 0);
}

template <__m256i (*encode16)(__m256i), auto scalar_encode>
TALKY_AVX2 void encode_avx2(const std::int16_t* in, std::byte* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i packed = _mm256_packus_epi16(encode16(load256(in + i)), encode16(load256(in + i + 16)));
    store256(out + i, _mm256_permute4x64_epi64(packed, 0xd8)); // packus works within its 128-bit halves
  }
  scalar_encode(in + i, out + i, count - i);
}

template <int invert, __m256i (*decode16)(__m128i), auto scalar_decode>
TALKY_AVX2 void decode_avx2(const std::byte* in, std::int16_t* out, std::size_t count) {
  const __m128i inversion = _mm_set1_epi8(static_cast<char>(invert));
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    store256(out + i, decode16(_mm_xor_si128(load(in + i), inversion)));
  scalar_decode(in + i, out + i, count - i);
}

} // namespace

extern const Kernels kSse2Kernels{"sse2", encode_sse2<encode_mu8, scalar::encode_mu>,
                                  encode_sse2<encode_a8, scalar::encode_a>,
                                  decode_sse2<kInvertMu, decode_mu8, scalar::decode_mu>,
                                  decode_sse2<kInvertA, decode_a8, scalar::decode_a>};

extern const Kernels kAvx2Kernels{"avx2", encode_avx2<encode_mu16, scalar::encode_mu>,
                                  encode_avx2<encode_a16, scalar::encode_a>,
                                  decode_avx2<kInvertMu, decode_mu16, scalar::decode_mu>,
                                  decode_avx2<kInvertA, decode_a16, scalar::decode_a>};

} // namespace talky::codec::g711
#endif
