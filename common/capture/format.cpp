#include "capture/format.hpp"

#include <fmt/format.h>

#include "core/ascii.hpp"
#include "core/utf8.hpp"

namespace talky::capture {

std::string printable(std::string_view text) {
  std::string out;
  const std::string sound = utf8::repaired(text);
  for (std::size_t i = 0; i < sound.size(); ++i) {
    const auto c = static_cast<unsigned char>(sound[i]);
    const bool c1 = c == 0xc2 && i + 1 < sound.size() && static_cast<unsigned char>(sound[i + 1]) < 0xa0;
    out += c < 0x20 || c == 0x7f || c1 ? '?' : sound[i];
    if (c1) ++i;
  }
  return out;
}

std::string Format::text() const {
  return channels == 1 ? fmt::format("{}/{}", name, clock_rate)
                       : fmt::format("{}/{}/{}", name, clock_rate, channels);
}

Format make_format(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels) {
  if (ascii::iequals(name, "G722") && clock_rate == 16'000) clock_rate = 8'000;
  return {printable(name), clock_rate, ascii::iequals(name, "telephone-event"), channels};
}

const codec::Entry* codec_of(const Format& format) {
  return format.telephone_event ? nullptr : codec::find(format.name, format.clock_rate, format.channels);
}

bool is_sound(const Format& format) {
  return !format.telephone_event && !ascii::iequals(format.name, "CN");
}

} // namespace talky::capture
