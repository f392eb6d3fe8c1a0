// ITU-T G.711, bit-exact with the software tool library's (G.191) vectors for all 65,536 inputs and all 256
// codes of both laws: encoders truncate towards the sign bit, as G.191 does. The block functions are
// vectorised (SSE2, and AVX2 or AVX-512 where the machine has it) and give the same bytes on every machine.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.hpp"

namespace talky::codec::g711 {

enum class Law : std::uint8_t { mu, a };

// One sample.
constexpr std::uint8_t encode_mu(std::int16_t sample);
constexpr std::uint8_t encode_a(std::int16_t sample);
constexpr std::int16_t decode_mu(std::uint8_t code);
constexpr std::int16_t decode_a(std::uint8_t code);

// Blocks: in.size() == out.size(), any size, any alignment, no overlap.
void encode(Law law, std::span<const std::int16_t> in, std::span<std::byte> out);
void decode(Law law, std::span<const std::byte> in, std::span<std::int16_t> out);

// What a silent line sends: the code of sample 0.
inline constexpr std::uint8_t kMuSilence = 0xff;
inline constexpr std::uint8_t kASilence = 0xd5;

// The names of the implementations that this machine can run ("scalar", "sse2", "avx2", "avx512"), the
// fastest last. The block functions use the fastest; tests and benchmarks can ask for each.
std::span<const char* const> implementations();
bool encode_with(const char* implementation, Law law, std::span<const std::int16_t> in,
                 std::span<std::byte> out);
bool decode_with(const char* implementation, Law law, std::span<const std::byte> in,
                 std::span<std::int16_t> out);

// ---------------------------------------------------------------------------------------------------------------

// 14 bits of magnitude (one's complement for negatives) plus the bias of 33 are a float of 3 exponent and 4
// mantissa bits; the code is its complement.
constexpr std::uint8_t encode_mu(std::int16_t sample) {
  const int x = sample;
  int magnitude = ((x < 0 ? ~x : x) >> 2) + 33;
  if (magnitude > 0x1fff) magnitude = 0x1fff;
  int segment = 0;
  for (int rest = magnitude >> 6; rest != 0; rest >>= 1)
    ++segment;
  const int code = (segment << 4) | ((magnitude >> (segment + 1)) & 0xf);
  return static_cast<std::uint8_t>((~code & 0x7f) | (x >= 0 ? 0x80 : 0));
}

// 12 bits of magnitude; segments 0 and 1 are linear, like the denormals of a float. Even bits are inverted.
constexpr std::uint8_t encode_a(std::int16_t sample) {
  const int x = sample;
  int magnitude = (x < 0 ? ~x : x) >> 4;
  int segment = 0;
  if (magnitude > 15) {
    for (segment = 1; magnitude > 31; magnitude >>= 1)
      ++segment;
    magnitude -= 16;
  }
  return static_cast<std::uint8_t>(((segment << 4) | magnitude | (x >= 0 ? 0x80 : 0)) ^ 0x55);
}

constexpr std::int16_t decode_mu(std::uint8_t code) {
  const int inverted = ~code & 0x7f;
  const int magnitude = (((inverted & 0xf) * 8 + 0x84) << (inverted >> 4)) - 0x84;
  return static_cast<std::int16_t>(code & 0x80 ? magnitude : -magnitude);
}

constexpr std::int16_t decode_a(std::uint8_t code) {
  const int plain = (code ^ 0x55) & 0x7f;
  const int segment = plain >> 4;
  int magnitude = ((plain & 0xf) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 256) << (segment - 1);
  return static_cast<std::int16_t>(code & 0x80 ? magnitude : -magnitude);
}

} // namespace talky::codec::g711
