// L16 of RFC 3551 4.5.11: linear 16-bit samples in network byte order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.hpp"

namespace talky::codec::l16 {

// out.size() == 2 * in.size()
void encode(std::span<const std::int16_t> in, std::span<std::byte> out);
// in.size() == 2 * out.size()
void decode(std::span<const std::byte> in, std::span<std::int16_t> out);

} // namespace talky::codec::l16
