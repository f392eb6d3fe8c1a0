#include "codec/codec.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
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
  CHECK(codec::find("G722", 8000) == codec::find_static(9));
  CHECK(codec::find("GSM", 8000) == codec::find_static(3));
  CHECK(codec::find("opus", 48000, 2) == codec::find("opus"));
  CHECK(codec::find("OPUS", 48000) == codec::find("opus"));
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

namespace {

// A chirp of speech-like frequencies, each channel at its own phase.
std::vector<std::int16_t> chirp(std::size_t frames, std::uint32_t rate, std::size_t channels) {
  std::vector<std::int16_t> pcm;
  for (std::size_t i = 0; i < frames; ++i) {
    const double t = static_cast<double>(i) / rate;
    for (std::size_t c = 0; c < channels; ++c)
      pcm.push_back(static_cast<std::int16_t>(
          6000 * std::sin(2 * 3.14159265358979 * (300 * t + 200 * t * t) + static_cast<double>(c))));
  }
  return pcm;
}

double snr_db(std::span<const std::int16_t> wanted, std::span<const std::int16_t> got) {
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    signal += static_cast<double>(wanted[i]) * wanted[i];
    noise += (static_cast<double>(wanted[i]) - got[i]) * (static_cast<double>(wanted[i]) - got[i]);
  }
  return 10 * std::log10(signal / std::max(noise, 1.0));
}

} // namespace

TEST_CASE("every codec appends, counts its frames, and gives back after its delay what was encoded") {
  struct Expected {
    std::string_view name;
    double snr; // dB, of the chirp; waveform coders only
  };
  constexpr std::array kExpected{Expected{"PCMU", 34}, Expected{"PCMA", 34}, Expected{"G722", 50},
                                 Expected{"opus", 10}, Expected{"GSM", 20},  Expected{"L16", 100}};
  for (const auto& entry : codec::all()) {
    CAPTURE(entry.info.name);
    CAPTURE(entry.info.clock_rate);
    const auto encoder = entry.make();
    const auto decoder = entry.make();
    const std::size_t channels = entry.info.channels;
    const std::size_t packet = entry.info.sample_rate / 50;
    const auto pcm = chirp(packet * 25, entry.info.sample_rate, channels);
    CHECK(encoder->packs(packet));
    CHECK_FALSE(encoder->packs(0));

    std::vector<std::int16_t> out{77};
    for (std::size_t at = 0; at < pcm.size(); at += packet * channels) {
      std::vector<std::byte> payload{std::byte{0xaa}};
      REQUIRE(encoder->encode(std::span(pcm).subspan(at, packet * channels), payload));
      CHECK(payload.front() == std::byte{0xaa});
      const auto body = std::span(payload).subspan(1);
      CHECK(decoder->frames_in(body) == packet);
      REQUIRE(decoder->decode(body, out));
      REQUIRE(out.size() == 1 + at + packet * channels);
    }
    CHECK(out.front() == 77);
    const std::size_t delay = encoder->delay() * channels;
    const std::size_t settled = 5 * packet * channels; // the adaptive ones have to find into it
    const auto heard = std::span(out).subspan(1 + delay + settled);
    const auto wanted = std::span(pcm).subspan(settled, heard.size());
    const auto limit = std::find_if(kExpected.begin(), kExpected.end(),
                                    [&](const Expected& e) { return e.name == entry.info.name; });
    REQUIRE(limit != kExpected.end());
    const double snr = snr_db(wanted, heard);
    CHECK(snr >= limit->snr);

    const std::size_t before = out.size();
    REQUIRE(decoder->decode({}, out));
    CHECK(out.size() == before);
    if (decoder->conceal(100, out)) CHECK(out.size() == before + 100 * channels);
    CHECK_FALSE(entry.make()->recover({}, packet, out));
  }
}

TEST_CASE("a codec whose packets can be cut and joined gives the same whatever the packets") {
  for (const auto& entry : codec::all()) {
    CAPTURE(entry.info.name);
    const auto whole = entry.make();
    if (!whole->sliceable()) continue;
    const auto parts = entry.make();
    const std::size_t channels = entry.info.channels;
    const auto pcm = chirp(960, entry.info.sample_rate, channels);
    std::vector<std::byte> once, many;
    REQUIRE(whole->encode(pcm, once));
    for (const std::size_t frames : {160U, 320U, 480U})
      REQUIRE(parts->encode(std::span(pcm).subspan(many.size() * pcm.size() / once.size(), frames * channels),
                            many));
    CHECK(once == many);
    std::vector<std::int16_t> decoded, pieces;
    REQUIRE(whole->decode(once, decoded));
    for (std::size_t sixth = 0; sixth < 6; ++sixth)
      REQUIRE(parts->decode(std::span(once).subspan(sixth * once.size() / 6, once.size() / 6), pieces));
    CHECK(decoded == pieces);
  }
}

TEST_CASE("options that a codec cannot fulfil give none") {
  codec::Options stereo;
  stereo.channels = 2;
  codec::Options wide;
  wide.sample_rate = 48000;
  CHECK(codec::find("PCMU")->make(stereo) == nullptr);
  CHECK(codec::find("PCMU")->make(wide) == nullptr);
  CHECK(codec::find("G722")->make(stereo) == nullptr);
  CHECK(codec::find("G722")->make(wide) == nullptr);
  CHECK(codec::find("opus")->make(stereo)->info().channels == 2);
  CHECK(codec::find("opus")->make(wide)->info().sample_rate == 48000);
  wide.sample_rate = 44100;
  CHECK(codec::find("opus")->make(wide) == nullptr);
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
    RC_ASSERT(l16->encode(pcm, payload).has_value());
    RC_ASSERT(l16->decode(payload, back).has_value());
    RC_ASSERT(back == pcm);
  }));
}
