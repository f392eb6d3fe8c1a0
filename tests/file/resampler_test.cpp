#include "file/resampler.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

#include "../audio/signal.hpp"
#include "audio/tone.hpp"

using namespace talky;
using Pcm = std::vector<std::int16_t>;

TEST_CASE("impossible rates are refused") {
  CHECK_FALSE(file::Resampler<float>::create(0, 8000, 1, file::Quality::high));
}

TEST_CASE("whole files: length, no delay, every quality, channels apart, any chunking") {
  using file::Quality;
  double before = 0;
  for (const Quality quality :
       {Quality::quick, Quality::low, Quality::medium, Quality::high, Quality::very_high}) {
    const auto in = signal::cosine(1004, 44100, 28000, 44100);
    auto resampler = file::Resampler<std::int16_t>::create(44100, 16000, 1, quality).value();
    Pcm out;
    REQUIRE(resampler.process(in, out));
    REQUIRE(resampler.flush(out));
    CHECK(out.size() == 16000);
    const auto middle = std::span(out).subspan(1000, 14000);
    const double noise_db = signal::thd_plus_noise_db(middle, 1004, 16000);
    const auto found = signal::component(middle, 1004, 16000);
    const double expected = std::remainder(2 * signal::kPi * 1004 / 16000 * 1000, 2 * signal::kPi);
    MESSAGE("libsoxr quality ", static_cast<int>(quality), ": THD+N at 1,004 Hz ", noise_db, " dB");
    CHECK(noise_db < (quality == Quality::quick ? -40 : -80));
    CHECK(std::abs(std::remainder(found.phase - expected, 2 * signal::kPi)) < 0.02);
    CHECK(std::abs(signal::db(found.amplitude / 28000)) < 0.1);
    before = noise_db;
  }
  CHECK(before < -90);

  // Left a tone, right silence: they do not mix.
  const auto tone = signal::cosine(500, 8000, 10000, 4000);
  Pcm stereo(8000);
  audio::interleave(tone, Pcm(4000), stereo);
  auto whole = file::Resampler<std::int16_t>::create(8000, 11025, 2, Quality::high).value();
  Pcm out;
  REQUIRE(whole.process(stereo, out));
  REQUIRE(whole.flush(out));
  CHECK(out.size() == 2 * 5513);
  for (std::size_t i = 1; i < out.size(); i += 2)
    CHECK(std::abs(out[i]) <= 1);

  auto parts = file::Resampler<std::int16_t>::create(8000, 11025, 2, Quality::high).value();
  Pcm chunked;
  for (std::size_t i = 0; i < stereo.size(); i += 250)
    REQUIRE(parts.process(std::span(stereo).subspan(i, 250), chunked));
  REQUIRE(parts.process({}, chunked));
  REQUIRE(parts.flush(chunked));
  CHECK(chunked == out);
}
