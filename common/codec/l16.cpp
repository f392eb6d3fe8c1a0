#include "codec/l16.hpp"

#include <algorithm>
#include <cassert>

namespace talky::codec::l16 {

void encode(std::span<const std::int16_t> in, std::span<std::byte> out) {
  assert(out.size() == 2 * in.size());
  const std::size_t count = std::min(in.size(), out.size() / 2);
  for (std::size_t i = 0; i < count; ++i) {
    const auto sample = static_cast<std::uint16_t>(in[i]);
    out[2 * i] = static_cast<std::byte>(sample >> 8);
    out[2 * i + 1] = static_cast<std::byte>(sample & 0xff);
  }
}

void decode(std::span<const std::byte> in, std::span<std::int16_t> out) {
  assert(in.size() == 2 * out.size());
  const std::size_t count = std::min(in.size() / 2, out.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto high = std::to_integer<unsigned>(in[2 * i]);
    const auto low = std::to_integer<unsigned>(in[2 * i + 1]);
    out[i] = static_cast<std::int16_t>(high << 8 | low);
  }
}

} // namespace talky::codec::l16
