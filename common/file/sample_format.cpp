#include "file/sample_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "codec/g711.hpp"
#include "codec/l16.hpp"
#include "core/ascii.hpp"

namespace talky::file {

namespace {

namespace g711 = codec::g711;

static_assert(std::endian::native == std::endian::little, "block copies of little-endian samples");

constexpr std::array kFormats{
    SampleFormatInfo{SampleFormat::s16le, "s16le", 2, false, "signed 16 bits, little-endian"},
    SampleFormatInfo{SampleFormat::s16be, "s16be", 2, false, "signed 16 bits, big-endian; RTP's L16"},
    SampleFormatInfo{SampleFormat::mulaw, "mulaw", 1, false, "G.711 mu-law; RTP's PCMU"},
    SampleFormatInfo{SampleFormat::alaw, "alaw", 1, false, "G.711 A-law; RTP's PCMA"},
    SampleFormatInfo{SampleFormat::u8, "u8", 1, false, "unsigned 8 bits"},
    SampleFormatInfo{SampleFormat::s8, "s8", 1, false, "signed 8 bits"},
    SampleFormatInfo{SampleFormat::s24le, "s24le", 3, true, "signed 24 bits, little-endian"},
    SampleFormatInfo{SampleFormat::s32le, "s32le", 4, true, "signed 32 bits, little-endian"},
    SampleFormatInfo{SampleFormat::f32le, "f32le", 4, true, "float, little-endian, 1.0 is full scale"},
    SampleFormatInfo{SampleFormat::f64le, "f64le", 8, true, "double, little-endian, 1.0 is full scale"},
    SampleFormatInfo{SampleFormat::s24be, "s24be", 3, true, "signed 24 bits, big-endian"},
    SampleFormatInfo{SampleFormat::s32be, "s32be", 4, true, "signed 32 bits, big-endian"},
    SampleFormatInfo{SampleFormat::f32be, "f32be", 4, true, "float, big-endian, 1.0 is full scale"},
    SampleFormatInfo{SampleFormat::f64be, "f64be", 8, true, "double, big-endian, 1.0 is full scale"},
};

struct Alias {
  std::string_view name;
  SampleFormat format;
};
constexpr std::array kAliases{Alias{"s16", SampleFormat::s16le},   Alias{"slin", SampleFormat::s16le},
                              Alias{"sln", SampleFormat::s16le},   Alias{"l16", SampleFormat::s16be},
                              Alias{"ulaw", SampleFormat::mulaw},  Alias{"mu-law", SampleFormat::mulaw},
                              Alias{"u-law", SampleFormat::mulaw}, Alias{"pcmu", SampleFormat::mulaw},
                              Alias{"a-law", SampleFormat::alaw},  Alias{"pcma", SampleFormat::alaw},
                              Alias{"s24", SampleFormat::s24le},   Alias{"s32", SampleFormat::s32le},
                              Alias{"f32", SampleFormat::f32le},   Alias{"float", SampleFormat::f32le},
                              Alias{"f64", SampleFormat::f64le},   Alias{"double", SampleFormat::f64le}};

// A value of the file, whose samples need not be aligned.
template <class T>
T take(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
void put(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

// Nearest, saturating; NaN gives 0, as no sample is better. Written so that it vectorises.
template <class Integer, class Real>
Integer nearest(Real x, Real scale, Real largest) {
  x *= scale;
  x = std::isnan(x) ? Real{0} : x;
  x = x < -scale ? -scale : x;
  x = x > largest ? largest : x;
  return static_cast<Integer>(x + (x < 0 ? Real(-0.5) : Real(0.5)));
}
std::int16_t s16_from_float(float x) {
  return nearest<std::int16_t>(x, 32768.0F, 32767.0F);
}
std::int16_t s16_from_double(double x) {
  return nearest<std::int16_t>(x, 32768.0, 32767.0);
}

std::int32_t s24(const std::byte* from) { // at the top of 32 bits
  return static_cast<std::int32_t>(std::to_integer<std::uint32_t>(from[0]) << 8 |
                                   std::to_integer<std::uint32_t>(from[1]) << 16 |
                                   std::to_integer<std::uint32_t>(from[2]) << 24);
}
void put_s24(std::byte* to, std::int32_t value) { // of which the low 8 bits are dropped
  const auto bits = static_cast<std::uint32_t>(value);
  to[0] = static_cast<std::byte>(bits >> 8 & 0xff);
  to[1] = static_cast<std::byte>(bits >> 16 & 0xff);
  to[2] = static_cast<std::byte>(bits >> 24 & 0xff);
}

std::int16_t s16_from_s32(std::int32_t x) {
  return static_cast<std::int16_t>(std::min<std::int64_t>((std::int64_t{x} + 0x8000) >> 16, 32767));
}
std::int32_t s32_from_s16(std::int16_t x) {
  return std::int32_t{x} * 65536;
}

constexpr std::uint8_t kSignBit = 0x80;

std::int16_t s16_from_u8(std::byte x) {
  return static_cast<std::int16_t>((std::to_integer<int>(x) - 128) * 256);
}
std::int16_t s16_from_s8(std::byte x) {
  return s16_from_u8(x ^ std::byte{kSignBit});
}
std::byte u8_from_s16(std::int16_t x) {
  return static_cast<std::byte>(std::min((x + 128) >> 8, 127) + 128);
}
std::byte s8_from_s16(std::int16_t x) {
  return u8_from_s16(x) ^ std::byte{kSignBit};
}

template <class T, class Convert, class Out>
void read_each(std::span<const std::byte> in, std::span<Out> out, Convert convert) {
  const std::byte* from = in.data();
  for (Out& sample : out) {
    sample = convert(take<T>(from));
    from += sizeof(T);
  }
}
template <class T, class Convert, class In>
void write_each(std::span<const In> in, std::span<std::byte> out, Convert convert) {
  std::byte* to = out.data();
  for (const In& sample : in) {
    put<T>(to, convert(sample));
    to += sizeof(T);
  }
}

// Narrow formats go from and to float through s16, a stretch at a time.
constexpr std::size_t kStretch = 1024;

// The wide formats of the other byte order go through their little-endian twins.
std::optional<SampleFormat> little_twin(SampleFormat format) {
  switch (format) {
    case SampleFormat::s24be: return SampleFormat::s24le;
    case SampleFormat::s32be: return SampleFormat::s32le;
    case SampleFormat::f32be: return SampleFormat::f32le;
    case SampleFormat::f64be: return SampleFormat::f64le;
    default: return std::nullopt;
  }
}

void swap_samples(std::span<std::byte> bytes, std::size_t width) {
  for (std::size_t at = 0; at + width <= bytes.size(); at += width)
    std::reverse(&bytes[at], &bytes[at] + width);
}

using Stretch = std::array<std::byte, kStretch * sizeof(double)>;

template <class Sample, class Convert>
void through_twin(std::span<const std::byte> in, std::span<Sample> out, std::size_t width, Convert convert) {
  Stretch copy;
  for (std::size_t at = 0; at < out.size(); at += kStretch) {
    const auto part = out.subspan(at, std::min(kStretch, out.size() - at));
    const auto bytes = std::span(copy).first(part.size() * width);
    std::copy_n(&in[at * width], bytes.size(), bytes.begin());
    swap_samples(bytes, width);
    convert(bytes, part);
  }
}

} // namespace

std::span<const SampleFormatInfo> sample_formats() {
  return kFormats;
}

const SampleFormatInfo& info(SampleFormat format) {
  return *std::find_if(kFormats.begin(), kFormats.end(),
                       [format](const auto& f) { return f.format == format; });
}

std::optional<SampleFormat> sample_format(std::string_view name) {
  for (const auto& f : kFormats) {
    if (ascii::iequals(f.name, name)) return f.format;
  }
  for (const auto& alias : kAliases) {
    if (ascii::iequals(alias.name, name)) return alias.format;
  }
  return std::nullopt;
}

void to_s16(SampleFormat format, std::span<const std::byte> in, std::span<std::int16_t> out) {
  assert(in.size() == out.size() * info(format).bytes);
  if (out.empty()) return;
  if (const auto twin = little_twin(format)) {
    return through_twin(in, out, info(format).bytes,
                        [&](auto bytes, auto part) { to_s16(*twin, bytes, part); });
  }
  switch (format) {
    case SampleFormat::s16le: std::memcpy(out.data(), in.data(), in.size()); return;
    case SampleFormat::s16be: codec::l16::decode(in, out); return;
    case SampleFormat::mulaw: g711::decode(g711::Law::mu, in, out); return;
    case SampleFormat::alaw: g711::decode(g711::Law::a, in, out); return;
    case SampleFormat::u8: std::transform(in.begin(), in.end(), out.begin(), s16_from_u8); return;
    case SampleFormat::s8: std::transform(in.begin(), in.end(), out.begin(), s16_from_s8); return;
    case SampleFormat::s24le:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = s16_from_s32(s24(&in[3 * i]));
      return;
    case SampleFormat::s32le: read_each<std::int32_t>(in, out, s16_from_s32); return;
    case SampleFormat::f32le: read_each<float>(in, out, s16_from_float); return;
    case SampleFormat::f64le: read_each<double>(in, out, s16_from_double); return;
    default: return; // the twins were dealt with
  }
}

void from_s16(SampleFormat format, std::span<const std::int16_t> in, std::span<std::byte> out) {
  assert(out.size() == in.size() * info(format).bytes);
  if (in.empty()) return;
  if (const auto twin = little_twin(format)) {
    from_s16(*twin, in, out);
    return swap_samples(out, info(format).bytes);
  }
  switch (format) {
    case SampleFormat::s16le: std::memcpy(out.data(), in.data(), out.size()); return;
    case SampleFormat::s16be: codec::l16::encode(in, out); return;
    case SampleFormat::mulaw: g711::encode(g711::Law::mu, in, out); return;
    case SampleFormat::alaw: g711::encode(g711::Law::a, in, out); return;
    case SampleFormat::u8: std::transform(in.begin(), in.end(), out.begin(), u8_from_s16); return;
    case SampleFormat::s8: std::transform(in.begin(), in.end(), out.begin(), s8_from_s16); return;
    case SampleFormat::s24le:
      for (std::size_t i = 0; i < in.size(); ++i)
        put_s24(&out[3 * i], s32_from_s16(in[i]));
      return;
    case SampleFormat::s32le: write_each<std::int32_t>(in, out, s32_from_s16); return;
    case SampleFormat::f32le:
      write_each<float>(in, out, [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
      return;
    case SampleFormat::f64le: write_each<double>(in, out, [](std::int16_t x) { return x / 32768.0; }); return;
    default: return; // the twins were dealt with
  }
}

void to_float(SampleFormat format, std::span<const std::byte> in, std::span<float> out) {
  assert(in.size() == out.size() * info(format).bytes);
  if (const auto twin = little_twin(format)) {
    return through_twin(in, out, info(format).bytes,
                        [&](auto bytes, auto part) { to_float(*twin, bytes, part); });
  }
  switch (format) {
    case SampleFormat::s24le:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<float>(s24(&in[3 * i])) / 2147483648.0F;
      return;
    case SampleFormat::s32le:
      read_each<std::int32_t>(in, out, [](std::int32_t x) { return static_cast<float>(x) / 2147483648.0F; });
      return;
    case SampleFormat::f32le:
      read_each<float>(in, out, [](float x) { return std::isnan(x) ? 0.0F : x; });
      return;
    case SampleFormat::f64le:
      read_each<double>(in, out, [](double x) { return std::isnan(x) ? 0.0F : static_cast<float>(x); });
      return;
    default: break;
  }
  const std::size_t width = info(format).bytes;
  std::array<std::int16_t, kStretch> samples;
  for (std::size_t at = 0; at < out.size(); at += kStretch) {
    const auto part = std::span(samples).first(std::min(kStretch, out.size() - at));
    to_s16(format, in.subspan(at * width, part.size() * width), part);
    std::transform(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(at),
                   [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
  }
}

void from_float(SampleFormat format, std::span<const float> in, std::span<std::byte> out) {
  assert(out.size() == in.size() * info(format).bytes);
  if (const auto twin = little_twin(format)) {
    from_float(*twin, in, out);
    return swap_samples(out, info(format).bytes);
  }
  constexpr double kS32Scale = 2147483648.0;
  const auto to_s32 = [](float x) {
    return nearest<std::int32_t>(static_cast<double>(x), kS32Scale, kS32Scale - 1);
  };
  switch (format) {
    case SampleFormat::s24le: {
      constexpr double kS24Scale = 8388608.0;
      for (std::size_t i = 0; i < in.size(); ++i) {
        put_s24(&out[3 * i],
                256 * nearest<std::int32_t>(static_cast<double>(in[i]), kS24Scale, kS24Scale - 1));
      }
      return;
    }
    case SampleFormat::s32le: write_each<std::int32_t>(in, out, to_s32); return;
    case SampleFormat::f32le: write_each<float>(in, out, [](float x) { return x; }); return;
    case SampleFormat::f64le:
      write_each<double>(in, out, [](float x) { return static_cast<double>(x); });
      return;
    default: break;
  }
  const std::size_t width = info(format).bytes;
  std::array<std::int16_t, kStretch> samples;
  for (std::size_t at = 0; at < in.size(); at += kStretch) {
    const auto part = std::span(samples).first(std::min(kStretch, in.size() - at));
    const auto from = in.begin() + static_cast<std::ptrdiff_t>(at);
    std::transform(from, from + static_cast<std::ptrdiff_t>(part.size()), part.begin(), s16_from_float);
    from_s16(format, part, out.subspan(at * width, part.size() * width));
  }
}

} // namespace talky::file
