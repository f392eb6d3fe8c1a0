#include "core/base64.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace talky::base64 {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr auto kValues = make_values();

} // namespace

void encode(Bytes bytes, std::string& out) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? kAlphabet[group >> (18 - 6 * k) & 0x3f] : '=';
  }
}

bool decode(std::string_view text, std::vector<std::byte>& out) {
  if (text.size() % 4 != 0) return false;
  const std::size_t before = out.size();
  out.reserve(before + text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2u : 1u) : 0u;
    std::uint32_t group = 0;
    bool valid = true;
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padded = k >= 4 - padding;
      const std::uint8_t value = padded ? std::uint8_t{0} : kValues[static_cast<unsigned char>(text[i + k])];
      valid = valid && value != kNoDigit;
      group = group << 6 | value;
    }
    const std::uint32_t beyond = padding == 0 ? 0u : padding == 1 ? 0xffu : 0xffffu;
    if (!valid || (group & beyond) != 0) {
      out.resize(before);
      return false;
    }
    for (std::size_t k = 0; k < 3 - padding; ++k)
      out.push_back(static_cast<std::byte>(group >> (16 - 8 * k) & 0xff));
  }
  return true;
}

bool decode_loosely(std::string_view text, std::vector<std::byte>& out) {
  while (text.ends_with('='))
    text.remove_suffix(1);
  const std::size_t before = out.size();
  out.reserve(before + text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c == '-' ? '+' : c == '_' ? '/' : c)];
    if (value == kNoDigit) {
      out.resize(before);
      return false;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::byte>(bits >> count & 0xff));
  }
  return true;
}

} // namespace talky::base64
