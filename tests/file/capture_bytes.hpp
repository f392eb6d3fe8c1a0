// Captures made by hand, byte by byte, for the tests of the readers.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"

namespace talky::file::test {

using Buffer = std::vector<std::byte>;

inline Buffer bytes(std::initializer_list<unsigned> values) {
  Buffer out;
  for (const unsigned value : values)
    out.push_back(static_cast<std::byte>(value));
  return out;
}

inline Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Buffer text(std::string_view value) {
  const Bytes view = as_bytes(value);
  return {view.begin(), view.end()};
}

inline Buffer integer(std::uint32_t value, std::size_t width, bool big) {
  Buffer out(width);
  for (std::size_t i = 0; i < width; ++i)
    out[big ? width - 1 - i : i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  return out;
}

inline Buffer pcap_header(bool big, bool nanoseconds, std::uint32_t link) {
  const auto u32 = [big](std::uint32_t value) { return integer(value, 4, big); };
  return u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4) + integer(2, 2, big) + integer(4, 2, big) + u32(0) +
         u32(0) + u32(65535) + u32(link);
}

inline Buffer pcap_record(bool big, std::uint32_t seconds, std::uint32_t fraction, const Buffer& data,
                          std::uint32_t wire_length = 0) {
  const auto u32 = [big](std::uint32_t value) { return integer(value, 4, big); };
  const auto size = static_cast<std::uint32_t>(data.size());
  return u32(seconds) + u32(fraction) + u32(size) + u32(wire_length == 0 ? size : wire_length) + data;
}

inline Buffer block(bool big, std::uint32_t type, Buffer body) {
  while (body.size() % 4 != 0)
    body.push_back(std::byte{0});
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  return integer(type, 4, big) + integer(length, 4, big) + body + integer(length, 4, big);
}

inline Buffer section(bool big) {
  return block(
      big, 0x0a0d0d0a,
      integer(0x1a2b3c4d, 4, big) + integer(1, 2, big) + integer(0, 2, big) + Buffer(8, std::byte{0xff}));
}

// UDP from 192.0.2.1:4000 to 192.0.2.2:5004.
inline Buffer udp(const Buffer& payload) {
  return integer(4000, 2, true) + integer(5004, 2, true) +
         integer(static_cast<std::uint32_t>(payload.size() + 8), 2, true) + integer(0, 2, true) + payload;
}

// `flags` holds the fragment bits and offset of IPv4.
inline Buffer ipv4(const Buffer& data, std::uint32_t flags = 0, std::uint32_t id = 7,
                   unsigned protocol = 17) {
  return bytes({0x45, 0}) + integer(static_cast<std::uint32_t>(data.size() + 20), 2, true) +
         integer(id, 2, true) + integer(flags, 2, true) +
         bytes({64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}) + data;
}

inline Buffer ipv6(const Buffer& data, unsigned next = 17) {
  return bytes({0x60, 0, 0, 0}) + integer(static_cast<std::uint32_t>(data.size()), 2, true) +
         bytes({next, 64}) + bytes({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) +
         bytes({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}) + data;
}

} // namespace talky::file::test
