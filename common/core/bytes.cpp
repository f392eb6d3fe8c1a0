#include "core/bytes.hpp"

namespace talky {

Result<std::uint64_t> Reader::integer(std::size_t width) {
  if (remaining() < width) return fail(Errc::truncated, offset_, "more bytes");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes_[offset_ + i]);
  offset_ += width;
  return value;
}

Result<std::uint8_t> Reader::u8() {
  return integer(1).map([](std::uint64_t v) { return static_cast<std::uint8_t>(v); });
}
Result<std::uint16_t> Reader::u16() {
  return integer(2).map([](std::uint64_t v) { return static_cast<std::uint16_t>(v); });
}
Result<std::uint32_t> Reader::u24() {
  return integer(3).map([](std::uint64_t v) { return static_cast<std::uint32_t>(v); });
}
Result<std::uint32_t> Reader::u32() {
  return integer(4).map([](std::uint64_t v) { return static_cast<std::uint32_t>(v); });
}
Result<std::uint64_t> Reader::u64() {
  return integer(8);
}

Result<Bytes> Reader::take(std::size_t count) {
  if (remaining() < count) return fail(Errc::truncated, offset_, "more bytes");
  const Bytes taken = bytes_.subspan(offset_, count);
  offset_ += count;
  return taken;
}

Result<> Reader::skip(std::size_t count) {
  return take(count).map([](Bytes) {});
}

void Writer::integer(std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0;)
    out_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

void Writer::patch_u16(std::size_t offset, std::uint16_t value) {
  out_.at(offset) = static_cast<std::byte>(value >> 8);
  out_.at(offset + 1) = static_cast<std::byte>(value & 0xff);
}

} // namespace talky
