#include "file/compressed.hpp"

#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <string>

#include "capture_bytes.hpp"
#include "file/pcap.hpp"

using namespace talky;
using namespace talky::file;
using namespace talky::file::test;

namespace {

Buffer gzip(const Buffer& plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Buffer out(deflateBound(&stream, static_cast<uLong>(plain.size())));
  Buffer in = plain;
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Buffer zstd(const Buffer& plain) {
  Buffer out(ZSTD_compressBound(plain.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3);
  REQUIRE(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

// Compressible and long enough for many refills.
Buffer sample(std::size_t size) {
  Buffer out(size);
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 5 == 0) state = state * 1664525 + 1013904223;
    out[i] = static_cast<std::byte>(state >> 24);
  }
  return out;
}

void append(Buffer& to, const Buffer& what) {
  to.insert(to.end(), what.begin(), what.end());
}

struct Outcome {
  Buffer bytes;
  std::optional<Error> error;
  bool truncated = false;
  Compression kind = Compression::none;
};

Outcome unpack(const Buffer& packed, std::size_t step = 1000) {
  Outcome out;
  auto opened = decompress(Input::memory(packed));
  REQUIRE(opened);
  out.kind = opened->state->kind;
  for (;;) {
    const auto got = opened->input.peek(step);
    if (!got) {
      out.error = got.error();
      break;
    }
    if (got->empty()) break;
    const auto part = got->first(std::min(step, got->size()));
    out.bytes.insert(out.bytes.end(), part.begin(), part.end());
    opened->input.skip(part.size());
  }
  out.truncated = opened->state->truncated;
  return out;
}

} // namespace

TEST_CASE("compressed: what is not compressed passes as it is") {
  const Buffer plain = text("#!rtpplay1.0 and so on");
  const auto out = unpack(plain);
  CHECK(out.kind == Compression::none);
  CHECK(out.bytes == plain);
  CHECK(unpack({}).bytes.empty());
  CHECK(compression_of(bytes({0x1f})) == Compression::none);
  CHECK(compression_of(bytes({0x28, 0xb5, 0x2f})) == Compression::none);
}

TEST_CASE("compressed: gzip and zstd give back what went in, in any steps") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, std::size_t{3'000'000}}) {
    const Buffer plain = sample(size);
    for (const Buffer& packed : {gzip(plain), zstd(plain)}) {
      for (const std::size_t step : {std::size_t{777}, std::size_t{600'000}}) {
        const auto out = unpack(packed, step);
        CHECK(!out.error);
        CHECK(!out.truncated);
        CHECK(out.kind != Compression::none);
        CHECK(out.bytes == plain);
      }
    }
  }
}

TEST_CASE("compressed: several members are one stream; what follows the last is ignored") {
  const Buffer a = sample(100'000);
  const Buffer b = text("the end");
  for (const Buffer& packed : {gzip(a) + gzip(b), zstd(a) + zstd(b)}) {
    CHECK(unpack(packed).bytes == a + b);
    const auto out = unpack(packed + Buffer(700, std::byte{0}));
    CHECK(out.bytes == a + b);
    CHECK(!out.truncated);
    CHECK(!out.error);
  }
  // A skippable frame before the data, as pzstd writes.
  CHECK(unpack(bytes({0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}) + zstd(b)).bytes == b);
}

TEST_CASE("compressed: a file that is cut off gives what was there") {
  const Buffer plain = sample(400'000);
  for (const Buffer& packed : {gzip(plain), zstd(plain)}) {
    for (const std::size_t keep : {packed.size() - 1, packed.size() / 2, std::size_t{20}}) {
      const auto out = unpack(Buffer(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(keep)));
      CHECK(!out.error);
      CHECK(out.truncated);
      CHECK(out.bytes.size() <= plain.size());
      CHECK(std::equal(out.bytes.begin(), out.bytes.end(), plain.begin()));
      // What is lost is near the cut: zstd's blocks are 128 KiB.
      if (keep == packed.size() / 2) CHECK(out.bytes.size() + 140'000 >= plain.size() / 2);
    }
  }
}

TEST_CASE("compressed: damage is an error with its place, not other bytes") {
  const Buffer plain = sample(400'000);
  Buffer packed = gzip(plain);
  packed[packed.size() - 6] ^= std::byte{1}; // the checksum
  auto out = unpack(packed);
  REQUIRE(out.error);
  CHECK(out.error->code == Errc::malformed);
  CHECK(out.error->offset > packed.size() - 70'000);
  packed = bytes({0x28, 0xb5, 0x2f, 0xfd}) + Buffer(200, std::byte{0xff});
  out = unpack(packed);
  REQUIRE(out.error);
  // A window of 2^41 bytes.
  out = unpack(bytes({0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0, 0, 0}));
  REQUIRE(out.error);
  CHECK(out.error->code == Errc::unsupported);
}

TEST_CASE("compressed: a capture is read through it") {
  Buffer capture = pcap_header(false, false, 1);
  for (std::uint32_t i = 0; i < 5000; ++i)
    append(capture, pcap_record(false, i, 0, sample(100 + i % 50)));
  for (const Buffer& packed : {gzip(capture), zstd(capture)}) {
    auto opened = decompress(Input::memory(packed));
    REQUIRE(opened);
    auto reader = PcapReader::open(std::move(opened->input));
    REQUIRE(reader);
    CapturedFrame frame;
    std::uint32_t count = 0;
    while (*reader->read(frame))
      CHECK(frame.time_ns == std::int64_t{count++} * 1'000'000'000);
    CHECK(count == 5000);
    CHECK(!reader->truncated());
  }
}
