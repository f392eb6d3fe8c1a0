#include "codec/codec.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <set>
#include <string>
#include <vector>

#include "codec/l16.hpp"

using namespace talky;

TEST_CASE("codecs are found by rtpmap, by name and by static payload type") {
  const auto* pcmu = codec::find("pcmu", 8000);
  REQUIRE(pcmu != nullptr);
  CHECK(pcmu->info.name == "PCMU");
  CHECK(pcmu == codec::find_static(0));
  CHECK(codec::find("PCMA") == codec::find_static(8));
  CHECK(codec::find("L16", 16000)->info.static_pt == std::nullopt);
  CHECK(codec::find("L16", 44100) == codec::find_static(11));
  CHECK(codec::find("L16", 44100, 2) == codec::find_static(10));
  CHECK(codec::find("PCMU", 16000) == nullptr);
  CHECK(codec::find("PCMU", 8000, 2) == nullptr);
  CHECK(codec::find("telephone-event", 8000) == nullptr);
  CHECK(codec::find_static(18) == nullptr);
}

TEST_CASE(
    "the table is consistent: no rtpmap and no payload type twice, and each codec tells its own entry") {
  std::set<std::string> rtpmaps;
  std::set<int> types;
  for (const auto& entry : codec::all()) {
    CHECK(rtpmaps
              .insert(std::string(entry.info.name) + "/" + std::to_string(entry.info.clock_rate) + "/" +
                      std::to_string(entry.info.channels))
              .second);
    if (entry.info.static_pt) CHECK(types.insert(*entry.info.static_pt).second);
    CHECK(entry.make()->info() == entry.info);
  }
}

TEST_CASE("every codec appends, decodes what it encodes, and counts its frames") {
  for (const auto& entry : codec::all()) {
    CAPTURE(entry.info.name);
    const auto encoder = entry.make();
    const auto decoder = entry.make();
    std::vector<std::int16_t> pcm(std::size_t{160} * entry.info.channels);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      pcm[i] = static_cast<std::int16_t>(static_cast<int>(i * 397 % 8192) - 4096);

    std::vector<std::byte> payload{std::byte{0xaa}};
    encoder->encode(pcm, payload);
    CHECK(payload.front() == std::byte{0xaa});
    const auto body = std::span(payload).subspan(1);
    CHECK(decoder->frames_in(body) == 160);

    std::vector<std::int16_t> out{77};
    REQUIRE(decoder->decode(body, out));
    REQUIRE(out.size() == 1 + pcm.size());
    CHECK(out.front() == 77);
    for (std::size_t i = 0; i < pcm.size(); ++i)
      CHECK(std::abs(out[i + 1] - pcm[i]) <= 136); // G.711's half interval at 4096

    REQUIRE(decoder->decode({}, out));
    CHECK(out.size() == 1 + pcm.size());
    CHECK_FALSE(decoder->conceal(160, out));
    CHECK(out.size() == 1 + pcm.size());
  }
}

TEST_CASE("L16 is network order and refuses half a sample") {
  const std::vector<std::int16_t> pcm{0x0102, -2};
  std::vector<std::byte> bytes(4);
  codec::l16::encode(pcm, bytes);
  CHECK(bytes == std::vector{std::byte{1}, std::byte{2}, std::byte{0xff}, std::byte{0xfe}});

  std::vector<std::int16_t> out{1};
  const auto mono = codec::find("L16", 16000)->make();
  const auto refused = mono->decode(std::span(bytes).first(3), out);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::malformed);
  CHECK(out.size() == 1);
  const auto stereo = codec::find("L16", 44100, 2)->make();
  CHECK_FALSE(stereo->decode(std::span(bytes).first(2), out));
}

TEST_CASE("L16 is lossless") {
  CHECK(rc::check("decode(encode(x)) == x", [](const std::vector<std::int16_t>& pcm) {
    const auto l16 = codec::find("L16", 8000)->make();
    std::vector<std::byte> payload;
    std::vector<std::int16_t> back;
    l16->encode(pcm, payload);
    RC_ASSERT(l16->decode(payload, back).has_value());
    RC_ASSERT(back == pcm);
  }));
}
