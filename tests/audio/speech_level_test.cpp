#include "audio/speech_level.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "audio/level.hpp"
#include "audio/tone.hpp"
#include "core/random.hpp"

using namespace talky::audio;
using Pcm = std::vector<std::int16_t>;

namespace {

SpeechLevel level_of(const Pcm& pcm, std::uint32_t rate) {
  SpeechLevelMeter meter(rate);
  meter.add(pcm);
  const auto result = meter.result();
  REQUIRE(result);
  return *result;
}

// Bursts of a tone or of noise: `on` seconds of it, `off` seconds of silence, `times` over.
Pcm bursts(bool tone, double on, double off, int times, std::uint32_t rate, double dbfs) {
  Pcm all;
  Sine sine(1000, rate, dbfs);
  Noise noise(7, dbfs);
  for (int i = 0; i < times; ++i) {
    Pcm burst(static_cast<std::size_t>(on * rate));
    if (tone) {
      sine.generate(burst);
    } else {
      noise.generate(burst);
    }
    all.insert(all.end(), burst.begin(), burst.end());
    all.insert(all.end(), static_cast<std::size_t>(off * rate), std::int16_t{0});
  }
  return all;
}

// The Recommendation sample by sample, as plainly as it is written there.
struct Plain {
  double active_dbfs, activity;
};
Plain plain_p56(const Pcm& pcm, double rate) {
  constexpr int kCount = 23;
  const double g = std::exp(-1 / (rate * 0.03));
  const auto hangover = static_cast<long>(std::ceil(rate * 0.2));
  std::array<double, kCount> active{};
  std::array<long, kCount> hung;
  hung.fill(hangover);
  double p = 0;
  double q = 0;
  double squares = 0;
  for (const std::int16_t sample : pcm) {
    const double x = sample / 32768.0;
    squares += x * x;
    p = g * p + (1 - g) * std::abs(x);
    q = g * q + (1 - g) * p;
    for (int j = 0; j < kCount; ++j) {
      const auto i = static_cast<std::size_t>(j);
      if (q >= std::pow(2.0, j - kCount)) {
        active[i] += 1;
        hung[i] = 0;
      } else if (hung[i] < hangover) {
        active[i] += 1;
        ++hung[i];
      }
    }
  }
  const double long_term = 10 * std::log10(squares / static_cast<double>(pcm.size()));
  double before = 0;
  double excess_before = 0;
  for (int j = 0; j < kCount; ++j) {
    const double level = 10 * std::log10(squares / active[static_cast<std::size_t>(j)]);
    const double excess = level - 20 * std::log10(std::pow(2.0, j - kCount)) - 15.9;
    if (excess <= 0) {
      const double found = before + (level - before) * excess_before / (excess_before - excess);
      return {found, std::pow(10.0, (long_term - found) / 10)};
    }
    before = level;
    excess_before = excess;
  }
  return {0, 0};
}

} // namespace

TEST_CASE("a steady signal is active all the time, at its own level") {
  for (const std::uint32_t rate : {8000U, 16000U, 48000U}) {
    const auto tone = level_of(bursts(true, 10, 0, 1, rate, -20), rate);
    CHECK(tone.active_dbfs == doctest::Approx(-23.01).epsilon(0.001));
    CHECK(tone.long_term_dbfs == doctest::Approx(-23.01).epsilon(0.001));
    CHECK(tone.activity > 0.99);
  }
}

TEST_CASE("long bursts: the level is theirs, and the activity their share and the hangover's") {
  for (const bool tone : {true, false}) {
    for (const double off : {10.0, 30.0}) {
      constexpr double kOn = 10;
      const auto pcm = bursts(tone, kOn, off, 4, 8000, -20);
      const double burst = rms_dbfs(std::span(pcm).first(80000));
      const auto found = level_of(pcm, 8000);
      MESSAGE(std::string(tone ? "tone" : "noise"), ", 10 s on, ", off, " s off: active ", found.active_dbfs,
              " dBFS (bursts ", burst, "), activity ", 100 * found.activity, " %");
      // 0.2 s of hangover, and some 0.1 s until the envelope is below the threshold.
      CHECK(found.activity > kOn / (kOn + off));
      CHECK(found.activity < (kOn + 0.45) / (kOn + off));
      CHECK(std::abs(found.active_dbfs - burst) < 0.2);
      CHECK(std::abs(found.long_term_dbfs - (burst + 10 * std::log10(kOn / (kOn + off)))) < 0.1);
    }
  }
}

TEST_CASE("pauses shorter than the hangover are bridged, longer ones are not") {
  const auto bridged = level_of(bursts(false, 0.3, 0.1, 50, 8000, -12), 8000);
  CHECK(bridged.activity > 0.97);
  const auto apart = level_of(bursts(false, 0.3, 1.5, 20, 8000, -12), 8000);
  CHECK(apart.activity < 0.45);
  CHECK(apart.activity > 0.3 / 1.8);
}

TEST_CASE("the level follows the gain, the activity does not care") {
  const auto loud = level_of(bursts(false, 2, 3, 5, 16000, -6), 16000);
  const auto soft = level_of(bursts(false, 2, 3, 5, 16000, -36), 16000);
  CHECK(loud.active_dbfs - soft.active_dbfs == doctest::Approx(30).epsilon(0.002));
  CHECK(loud.activity == doctest::Approx(soft.activity).epsilon(0.01));
}

TEST_CASE("the same as the Recommendation, sample by sample") {
  talky::Random random(5);
  for (int round = 0; round < 12; ++round) {
    Pcm pcm;
    while (pcm.size() < 60000) {
      const double amplitude = std::pow(10.0, -4.0 * random.uniform()) * 32000;
      const std::size_t length = 200 + static_cast<std::size_t>(random.below(9000));
      const bool silent = random.below(3) == 0;
      for (std::size_t i = 0; i < length; ++i)
        pcm.push_back(silent ? std::int16_t{0}
                             : static_cast<std::int16_t>(std::lrint(amplitude * (2 * random.uniform() - 1))));
    }
    const auto found = level_of(pcm, 8000);
    const auto expected = plain_p56(pcm, 8000);
    CHECK(found.active_dbfs == doctest::Approx(expected.active_dbfs).epsilon(1e-6));
    CHECK(found.activity == doctest::Approx(std::min(1.0, expected.activity)).epsilon(1e-6));
  }
}

TEST_CASE("any chunking and both kinds of samples give the same; silence has no level") {
  const auto pcm = bursts(false, 0.7, 0.9, 6, 8000, -20);
  const auto whole = level_of(pcm, 8000);
  SpeechLevelMeter parts(8000);
  for (std::size_t at = 0; at < pcm.size(); at += 37)
    parts.add(std::span(pcm).subspan(at, std::min<std::size_t>(37, pcm.size() - at)));
  CHECK(parts.result()->active_dbfs == whole.active_dbfs);
  SpeechLevelMeter wide(8000);
  std::vector<float> floats(pcm.size());
  std::transform(pcm.begin(), pcm.end(), floats.begin(),
                 [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
  wide.add(floats);
  CHECK(wide.result()->active_dbfs == whole.active_dbfs);

  SpeechLevelMeter silent(8000);
  CHECK_FALSE(silent.result());
  silent.add(Pcm(8000));
  CHECK_FALSE(silent.result());
}
