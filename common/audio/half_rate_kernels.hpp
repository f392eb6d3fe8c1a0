// The inner loops of half_rate.hpp. All give the same bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace talky::audio::half_rate {

struct Kernels {
  const char* name;
  // `window` points to the oldest of the 81 samples of the first output pair; writes 2 * count samples. Reads
  // up to window[count + 81].
  void (*up)(const std::int16_t* window, std::size_t count, std::int16_t* out);
  // `window` points to the oldest of the 161 samples of the first output; writes count samples. Reads up to
  // window[2 * count + 160].
  void (*down)(const std::int16_t* window, std::size_t count, std::int16_t* out);
};

namespace scalar {
void up(const std::int16_t* window, std::size_t count, std::int16_t* out);
void down(const std::int16_t* window, std::size_t count, std::int16_t* out);
} // namespace scalar

#if defined(__x86_64__)
extern const Kernels kSse2Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels; // F, BW, VNNI
#endif

// What this machine can run, the fastest last.
std::span<const Kernels* const> kernels();

} // namespace talky::audio::half_rate
