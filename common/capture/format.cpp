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

Result<Format> parse_format(std::string_view text) {
  Format format;
  const std::size_t slash = text.find('/');
  format.name = text.substr(0, slash);
  bool fine = !format.name.empty();
  if (slash != std::string_view::npos) {
    const auto rest = text.substr(slash + 1);
    const std::size_t second = rest.find('/');
    const auto rate = ascii::to_number<std::uint32_t>(rest.substr(0, second));
    fine = fine && rate && *rate > 0;
    format.clock_rate = rate.value_or(0);
    if (second != std::string_view::npos) {
      const auto channels = ascii::to_number<std::uint8_t>(rest.substr(second + 1));
      fine = fine && channels && *channels > 0;
      format.channels = channels.value_or(1);
    }
  } else if (const auto* entry = codec::find(format.name)) {
    format.clock_rate = entry->info.clock_rate;
    format.channels = entry->info.rtpmap_channels;
  }
  if (!fine || format.clock_rate == 0)
    return fail(Errc::malformed, 0, "a codec as PCMU, opus/48000/2 or L16/16000");
  return make_format(format.name, format.clock_rate, format.channels);
}

Result<std::pair<std::uint8_t, Format>> parse_payload_type(std::string_view text) {
  const std::size_t equals = text.find('=');
  const auto type = ascii::to_number<std::uint8_t>(text.substr(0, equals));
  if (equals == std::string_view::npos || !type || *type > 127)
    return fail(Errc::malformed, 0, "0 to 127 and what it means, as 111=opus/48000/2");
  const auto format = parse_format(text.substr(equals + 1));
  if (!format) return tl::unexpected(format.error());
  return std::pair(*type, *format);
}

const codec::Entry* codec_of(const Format& format) {
  return format.telephone_event ? nullptr : codec::find(format.name, format.clock_rate, format.channels);
}

bool is_sound(const Format& format) {
  return !format.telephone_event && !ascii::iequals(format.name, "CN");
}

} // namespace talky::capture
