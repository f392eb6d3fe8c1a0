// How one sample stands in a file or on a pipe, and block conversion from and to s16 and float.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/bytes.hpp"

namespace talky::file {

enum class SampleFormat : std::uint8_t {
  s16le,
  s16be,
  mulaw,
  alaw,
  u8,
  s8,
  s24le,
  s32le,
  f32le,
  f64le,
  s24be,
  s32be,
  f32be,
  f64be
};

struct SampleFormatInfo {
  SampleFormat format;
  std::string_view name;    // of command lines: "s16le"
  std::uint8_t bytes;       // a sample
  bool wide;                // holds more than s16 does
  std::string_view meaning; // one line for a list
};

std::span<const SampleFormatInfo> sample_formats();
const SampleFormatInfo& info(SampleFormat format);
// Any case, and the usual other names: "ulaw", "mu-law", "pcmu", "pcma", "l16", "s16", "f32" ...
std::optional<SampleFormat> sample_format(std::string_view name);

// in.size() == out.size() * info(format).bytes. Wide formats are rounded to the nearest s16 and saturate; NaN
// becomes 0.
void to_s16(SampleFormat format, std::span<const std::byte> in, std::span<std::int16_t> out);
void to_float(SampleFormat format, std::span<const std::byte> in, std::span<float> out); // 1.0 = full scale
// out.size() == in.size() * info(format).bytes.
void from_s16(SampleFormat format, std::span<const std::int16_t> in, std::span<std::byte> out);
void from_float(SampleFormat format, std::span<const float> in, std::span<std::byte> out);

} // namespace talky::file
