#include "ipc/audiosocket.hpp"

#include <doctest/doctest.h>

#include <string>

#include "core/random.hpp"

using namespace talky;
using namespace talky::ipc;

namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values)
    out.push_back(static_cast<std::byte>(value));
  return out;
}

struct Owned {
  Kind kind;
  std::vector<std::byte> payload;
  bool operator==(const Owned&) const = default;
};

} // namespace

TEST_CASE("frames look on the wire as Asterisk's do") {
  std::vector<std::byte> out;
  const auto uuid = uuid_bytes("40325ec2-5efd-4bd3-805f-53576e581d13");
  REQUIRE(uuid);
  REQUIRE(encode({Kind::uuid, *uuid}, out));
  CHECK(out == bytes({0x01, 0x00, 0x10, 0x40, 0x32, 0x5e, 0xc2, 0x5e, 0xfd, 0x4b, 0xd3, 0x80, 0x5f, 0x53,
                      0x57, 0x6e, 0x58, 0x1d, 0x13}));
  out.clear();
  const std::array<std::int16_t, 3> samples{1, -2, 32767};
  encode_audio(samples, Kind::slin16, out);
  CHECK(out == bytes({0x12, 0x00, 0x06, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x7f}));
  out.clear();
  REQUIRE(encode({Kind::hangup, {}}, out));
  CHECK(out == bytes({0x00, 0x00, 0x00}));
}

TEST_CASE("any chunking of the stream gives the same frames") {
  Random random(7);
  std::vector<std::byte> stream;
  std::vector<Owned> sent;
  for (int i = 0; i < 400; ++i) {
    static constexpr std::array kInds{Kind::slin16, Kind::slin8, Kind::control, Kind::dtmf,
                                      Kind::uuid,   Kind::error, Kind::hangup,  Kind{0x77}};
    Owned frame{kInds[random.below(kInds.size())], {}};
    std::size_t length = random.below(700) * 2;
    if (i == 17) length = kMaxPayload - 1;
    if (frame.kind == Kind::dtmf) length = 1;
    if (frame.kind == Kind::uuid) length = 16;
    for (std::size_t k = 0; k < length; ++k)
      frame.payload.push_back(static_cast<std::byte>(random.below(256)));
    REQUIRE(encode({frame.kind, frame.payload}, stream));
    sent.push_back(std::move(frame));
  }
  for (const std::size_t most : {std::size_t{1}, std::size_t{5}, std::size_t{1000}, stream.size()}) {
    Decoder decoder;
    std::vector<Owned> got;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t part = std::min<std::size_t>(1 + random.below(most), stream.size() - at);
      decoder.feed(Bytes(stream).subspan(at, part));
      at += part;
      for (;;) {
        const auto next = decoder.next();
        REQUIRE(next);
        if (!*next) break;
        got.push_back({(*next)->kind, {(*next)->payload.begin(), (*next)->payload.end()}});
      }
    }
    CHECK(got == sent);
    CHECK(decoder.at_boundary());
  }
}

TEST_CASE("a stream cut off inside a frame is not at a boundary") {
  Decoder decoder;
  decoder.feed(bytes({0x10, 0x00, 0x04, 1, 2}));
  const auto next = decoder.next();
  REQUIRE(next);
  CHECK_FALSE(*next);
  CHECK_FALSE(decoder.at_boundary());
}

TEST_CASE("what breaks the protocol ends the stream, with the offset") {
  struct Case {
    std::vector<std::byte> stream;
    std::size_t offset;
  };
  const Case cases[] = {
      {bytes({0x01, 0x00, 0x0f}), 0},                               // a uuid of 15 bytes
      {bytes({0x00, 0x00, 0x00, 0x03, 0x00, 0x02, '1', '2'}), 3},   // two digits
      {bytes({0x12, 0x00, 0x02, 0x00, 0x00, 0x12, 0x00, 0x03}), 5}, // half a sample
      {bytes({0x03, 0x00, 0x00}), 0},
  };
  for (const Case& c : cases) {
    Decoder decoder;
    decoder.feed(c.stream);
    auto next = decoder.next();
    while (next && *next)
      next = decoder.next();
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::malformed);
    CHECK(next.error().offset == c.offset);
    decoder.feed(bytes({0x00, 0x00, 0x00}));
    CHECK_FALSE(decoder.next());
  }
}

TEST_CASE("limits of a frame") {
  std::vector<std::byte> out;
  const std::vector<std::byte> large(kMaxPayload + 1);
  CHECK(encode({Kind::control, large}, out).error().code == Errc::too_large);
  CHECK(out.empty());
  const std::vector<std::int16_t> many(40'000, 5);
  encode_audio(many, Kind::slin8, out);
  Decoder decoder;
  decoder.feed(out);
  std::vector<std::int16_t> back;
  int frames = 0;
  for (auto next = decoder.next(); next && *next; next = decoder.next(), ++frames)
    decode_audio((*next)->payload, back);
  CHECK(frames == 2);
  CHECK(back == many);
}

TEST_CASE("samples keep their bits") {
  std::vector<std::int16_t> all;
  for (int value = -32768; value <= 32767; ++value)
    all.push_back(static_cast<std::int16_t>(value));
  std::vector<std::byte> wire;
  encode_audio(std::span(all).first(30'000), Kind::slin16, wire);
  std::vector<std::int16_t> back;
  decode_audio(Bytes(wire).subspan(kHeaderSize), back);
  CHECK(std::equal(back.begin(), back.end(), all.begin(), all.begin() + 30'000));
}

TEST_CASE("uuids as text") {
  const std::string text = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";
  const auto binary = uuid_bytes(text);
  REQUIRE(binary);
  CHECK(uuid_text(*binary) == text);
  CHECK(uuid_bytes("F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6") == binary);
  CHECK_FALSE(uuid_bytes("f81d4fae-7dec-41d0-a765-00a0c91e6bf"));
  CHECK_FALSE(uuid_bytes("f81d4fae-7dec-41d0-a765-00a0c91e6bfg"));
  CHECK_FALSE(uuid_bytes("f81d4fae07dec-41d0-a765-00a0c91e6bf6"));
  CHECK_FALSE(uuid_bytes(""));
  CHECK_FALSE(uuid_text(Bytes(*binary).first(15)));
}
