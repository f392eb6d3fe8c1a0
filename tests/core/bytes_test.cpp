#include "core/bytes.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace talky;

TEST_CASE("what the writer wrote the reader reads, in network order") {
  std::vector<std::byte> out;
  Writer writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090a);
  writer.u64(0x0b0c0d0e0f101112);
  writer.text("ab");
  REQUIRE(out.size() == 20);
  for (std::size_t i = 0; i < 18; ++i)
    CHECK(std::to_integer<std::size_t>(out[i]) == i + 1);

  writer.patch_u16(1, 0xffee);
  Reader reader(out);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0xffee);
  CHECK(reader.u24() == 0x040506u);
  CHECK(reader.u32() == 0x0708090au);
  CHECK(reader.u64() == 0x0b0c0d0e0f101112u);
  CHECK(as_text(*reader.take(2)) == "ab");
  CHECK(reader.remaining() == 0);
}

TEST_CASE("a short read says where, and moves nothing") {
  const auto bytes = as_bytes("abc");
  Reader reader(bytes);
  REQUIRE(reader.skip(1).has_value());
  const auto value = reader.u32();
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().code == Errc::truncated);
  CHECK(value.error().offset == 1);
  CHECK(reader.offset() == 1);
  CHECK_FALSE(reader.take(3).has_value());
  CHECK(reader.u16() == 0x6263);
  CHECK_FALSE(reader.u8().has_value());
}
