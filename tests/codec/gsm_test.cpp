#include "codec/gsm.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace talky;

namespace {

std::vector<std::int16_t> tone(std::size_t samples) {
  std::vector<std::int16_t> pcm(samples);
  for (std::size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<std::int16_t>(8000 * std::sin(0.3 * static_cast<double>(i)));
  return pcm;
}

} // namespace

TEST_CASE("GSM: frames of 33 bytes that begin with 1101; what does not, and half frames, are refused") {
  const auto gsm = codec::find("GSM")->make();
  std::vector<std::byte> payload;
  REQUIRE(gsm->encode(tone(480), payload));
  REQUIRE(payload.size() == 3 * codec::gsm::kFrameBytes);
  for (std::size_t at = 0; at < payload.size(); at += codec::gsm::kFrameBytes)
    CHECK((payload[at] & std::byte{0xf0}) == std::byte{0xd0});
  CHECK(gsm->frames_in(payload) == 480);
  CHECK_FALSE(gsm->frames_in(std::span(payload).first(40)));
  std::vector<std::int16_t> pcm;
  CHECK_FALSE(gsm->decode(std::span(payload).first(40), pcm));
  payload[33] = std::byte{0};
  const auto refused = gsm->decode(payload, pcm);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().offset == 33);
  CHECK(pcm.empty());
  CHECK_FALSE(gsm->encode(tone(100), payload));
}

TEST_CASE("GSM: the packing of WAV files holds the same sound") {
  const auto rtp = codec::find("GSM")->make();
  const auto wav = codec::gsm::create_wav(codec::find("GSM")->info);
  std::vector<std::byte> frames, blocks;
  const auto pcm = tone(1600);
  REQUIRE(rtp->encode(pcm, frames));
  REQUIRE(wav->encode(pcm, blocks));
  CHECK(blocks.size() == 5 * codec::gsm::kWavBlockBytes);
  std::vector<std::int16_t> a, b;
  REQUIRE(codec::find("GSM")->make()->decode(frames, a));
  REQUIRE(codec::gsm::create_wav(codec::find("GSM")->info)->decode(blocks, b));
  CHECK(a == b);
}
