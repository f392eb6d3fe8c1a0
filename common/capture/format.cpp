#include "capture/format.hpp"

#include <fmt/format.h>

#include "core/ascii.hpp"
#include "core/utf8.hpp"

namespace talky::capture {

std::string printable(std::string_view text) {
  std::string out;
  const std::string repaired = utf8::repaired(text);
  for (std::string_view rest = repaired; !rest.empty();) {
    const std::string_view next = rest.substr(0, utf8::sequence(rest));
    out += utf8::begins_with_control(next) ? "?" : next;
    rest.remove_prefix(next.size());
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
