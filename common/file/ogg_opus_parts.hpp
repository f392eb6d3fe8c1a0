// What reading and writing Opus in Ogg have in common: libogg's structures with an owner, and little-endian
// fields.
#pragma once
#include <ogg/ogg.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"

namespace talky::file::ogg {

constexpr std::uint32_t kRate = 48000;

// The structures of libogg hold unsigned char.
inline Bytes bytes_of(const unsigned char* data, long size) {
  return std::as_bytes(std::span(data, static_cast<std::size_t>(std::max(size, 0L))));
}

inline std::uint32_t little(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint32_t value = 0;
  for (std::size_t i = width; i > 0; --i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i - 1]);
  return value;
}

inline void put_little(std::vector<std::byte>& out, std::uint32_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

inline void put_text(std::vector<std::byte>& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  for (const std::byte byte : as_bytes(text))
    out.push_back(byte);
}

inline bool begins(Bytes packet, std::string_view magic) {
  return as_text(packet).starts_with(magic);
}

class Stream {
 public:
  explicit Stream(int serial) { ogg_stream_init(&state_, serial); }
  ~Stream() { ogg_stream_clear(&state_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ogg_stream_state* get() { return &state_; }

 private:
  ogg_stream_state state_{};
};

} // namespace talky::file::ogg
