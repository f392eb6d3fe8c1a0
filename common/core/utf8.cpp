#include "core/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace talky::utf8 {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd"; // U+FFFD

} // namespace

std::size_t sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length < 2 || length > text.size()) return length == 1 ? 1 : 0;
  std::uint32_t point = lead & (0xffU >> (length + 1));
  for (std::size_t k = 1; k < length; ++k) {
    const auto byte = static_cast<unsigned char>(text[k]);
    if ((byte & 0xc0U) != 0x80U) return 0;
    point = point << 6 | (byte & 0x3fU);
  }
  if (length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return 0;
  if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return 0;
  return length;
}

std::string repaired(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(std::min(text.size(), limit));
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    const std::string_view next = length > 0 ? text.substr(0, length) : kReplacement;
    if (next.size() > limit - out.size()) break;
    out += next;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

bool begins_with_control(std::string_view text) {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first != 0xc2) return first < 0x20 || first == 0x7f;
  const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  return second >= 0x80 && second < 0xa0;
}

} // namespace talky::utf8
