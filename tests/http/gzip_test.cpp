#include "http/gzip.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <rapidcheck.h>
#include <string>

namespace {

// What zlib's own reader makes of it; "" with `whole` false if it is no gzip, or something follows it.
struct Read {
  std::string text;
  bool whole = false;
};
Read gunzip(std::string packed, std::size_t size) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
  Read out;
  out.text.resize(size + 1); // room to show that it is not longer
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.text.data()));
  stream.avail_out = static_cast<uInt>(out.text.size());
  const int state = inflate(&stream, Z_FINISH);
  out.whole = state == Z_STREAM_END && stream.avail_in == 0;
  out.text.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

} // namespace

TEST_CASE("what is packed is read back by zlib, and texts get smaller") {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += R"({"name":"turn","kind":1})";
  const std::string packed = talky::http::gzip(text);
  CHECK(packed.substr(0, 3) == "\x1f\x8b\x08"); // RFC 1952 2.3
  CHECK(packed.size() < text.size() / 100);
  const Read read = gunzip(packed, text.size());
  CHECK(read.whole);
  CHECK(read.text == text);
  const Read nothing = gunzip(talky::http::gzip(""), 0);
  CHECK(nothing.whole);
  CHECK(nothing.text.empty());
}

TEST_CASE("any bytes come back as they were") {
  rc::check([](const std::string& text) {
    const Read read = gunzip(talky::http::gzip(text), text.size());
    RC_ASSERT(read.whole);
    RC_ASSERT(read.text == text);
  });
}
