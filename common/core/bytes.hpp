// Bounds-checked reading and writing of big-endian (network order) integers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace talky {

using Bytes = std::span<const std::byte>;

// The same memory seen as bytes or as text. Nothing is copied.
inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(Bytes bytes) {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

// Reads from borrowed memory. Every read either gives a value or fails with `truncated` at the offset
// reached, and leaves the reader where it was.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  Bytes rest() const { return bytes_.subspan(offset_); }

  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u24(); // three bytes
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  Result<Bytes> take(std::size_t count); // borrows from the input
  Result<> skip(std::size_t count);

 private:
  Result<std::uint64_t> integer(std::size_t width);

  Bytes bytes_;
  std::size_t offset_ = 0;
};

// Appends to a vector that the caller owns.
class Writer {
 public:
  explicit Writer(std::vector<std::byte>& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(std::byte{value}); }
  void u16(std::uint16_t value) { integer(value, 2); }
  void u24(std::uint32_t value) { integer(value, 3); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }
  void bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void text(std::string_view value) { bytes(as_bytes(value)); }

  std::size_t size() const { return out_.size(); }
  // Overwrites a u16 written earlier, e.g. a length that was not known yet.
  void patch_u16(std::size_t offset, std::uint16_t value);

 private:
  void integer(std::uint64_t value, std::size_t width);

  std::vector<std::byte>& out_;
};

} // namespace talky
