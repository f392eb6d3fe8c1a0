// The implementations behind g711.hpp's block functions.
#pragma once
#include <cstddef>
#include <cstdint>

#include "codec/g711.hpp"

namespace talky::codec::g711 {

struct Kernels {
  const char* name;
  void (*encode_mu)(const std::int16_t* in, std::byte* out, std::size_t count);
  void (*encode_a)(const std::int16_t* in, std::byte* out, std::size_t count);
  void (*decode_mu)(const std::byte* in, std::int16_t* out, std::size_t count);
  void (*decode_a)(const std::byte* in, std::int16_t* out, std::size_t count);
};

namespace scalar {
void encode_mu(const std::int16_t* in, std::byte* out, std::size_t count);
void encode_a(const std::int16_t* in, std::byte* out, std::size_t count);
void decode_mu(const std::byte* in, std::int16_t* out, std::size_t count);
void decode_a(const std::byte* in, std::int16_t* out, std::size_t count);
} // namespace scalar

#if defined(__x86_64__)
extern const Kernels kSse2Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels; // F, BW, VL
#endif

} // namespace talky::codec::g711
