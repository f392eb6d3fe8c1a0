#include "audio/tone.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "audio/level.hpp"
#include "signal.hpp"

using namespace talky;
using namespace talky::audio;
using Pcm = std::vector<std::int16_t>;

TEST_CASE("level meter: a full-scale sine has a peak of 0 and an RMS of -3.01 dBFS") {
  Pcm sine(16000);
  Sine(1000, 16000, 0).generate(sine);
  LevelMeter meter;
  meter.add(std::span<const std::int16_t>(sine));
  CHECK(meter.samples() == 16000);
  CHECK(meter.rms_dbfs() == doctest::Approx(-3.01).epsilon(0.001));
  CHECK(std::abs(meter.peak_dbfs()) < 0.001);
  CHECK(std::abs(meter.dc()) < 1e-6);
  CHECK(meter.clipped() == 1000); // the upper crests: the lower ones stand at -32767
}

TEST_CASE("level meter: silence, DC, clipping, float and odd blocks") {
  LevelMeter meter;
  CHECK(meter.rms_dbfs() == kSilenceDbfs);
  CHECK(meter.peak_dbfs() == kSilenceDbfs);
  CHECK(meter.dc() == 0);
  meter.add(std::span<const std::int16_t>(Pcm(5000)));
  CHECK(meter.rms_dbfs() == kSilenceDbfs);

  meter.reset();
  const Pcm half(9999, 16384);
  for (std::size_t i = 0; i < half.size(); i += 11)
    meter.add(std::span(half).subspan(i, std::min<std::size_t>(11, half.size() - i)));
  CHECK(meter.samples() == 9999);
  CHECK(meter.dc() == doctest::Approx(0.5));
  CHECK(meter.rms_dbfs() == doctest::Approx(-6.0206));
  CHECK(meter.clipped() == 0);

  meter.reset();
  const std::vector<float> wild{0.5F, -2.0F, std::nanf(""), 1.0F};
  meter.add(std::span(wild));
  CHECK(meter.clipped() == 2);
  CHECK(meter.peak_dbfs() == doctest::Approx(6.0206));
  CHECK(to_dbfs(from_dbfs(-20)) == doctest::Approx(-20));
}

TEST_CASE("a sine has its frequency and level, and blocks join") {
  Pcm whole(8000);
  Sine(440, 8000, -12).generate(whole);
  CHECK(signal::db(signal::component(whole, 440, 8000).amplitude / 32767) ==
        doctest::Approx(-12).epsilon(0.001));
  Sine parts(440, 8000, -12);
  Pcm joined(8000);
  for (std::size_t i = 0; i < joined.size(); i += 160)
    parts.generate(std::span(joined).subspan(i, 160));
  CHECK(joined == whole);
}

TEST_CASE("a sweep passes its middle frequency at half time and ends") {
  Pcm pcm(17000);
  Sweep(100, 1600, 2, 8000, -6).generate(pcm);
  // Around 1 s it is at 400 Hz: count the zero crossings of 50 ms.
  int crossings = 0;
  for (std::size_t i = 7800; i < 8200; ++i)
    crossings += (pcm[i] < 0) != (pcm[i + 1] < 0) ? 1 : 0;
  CHECK(std::abs(crossings - 40) <= 2);
  CHECK(rms_dbfs(std::span(pcm).first(16000)) == doctest::Approx(-9.03).epsilon(0.01));
  CHECK(rms_dbfs(std::span(pcm).subspan(16000)) == kSilenceDbfs);
}

TEST_CASE("noise is the same for the same seed, flat in level, without DC") {
  Pcm a(20000);
  Pcm b(20000);
  Noise(7, -6).generate(a);
  Noise(7, -6).generate(b);
  CHECK(a == b);
  Noise(8, -6).generate(b);
  CHECK(a != b);
  LevelMeter meter;
  meter.add(std::span<const std::int16_t>(a));
  CHECK(std::abs(meter.rms_dbfs() - (-6 - 4.77)) < 0.1); // uniform: peak / sqrt 3
  CHECK(std::abs(meter.dc()) < 0.01);
}

TEST_CASE("DTMF: two tones for each key, gaps between, pauses, bad keys at their place") {
  const auto pcm = dtmf("1d,#", 8000, {50, 50, -12}).value();
  CHECK(pcm.size() == 3 * 800 + 4000);
  const auto key = [&](std::size_t at, double low, double high) {
    const auto on = std::span(pcm).subspan(at, 400);
    CHECK(signal::db(signal::component(on, low, 8000).amplitude / 32767) ==
          doctest::Approx(-12).epsilon(0.05));
    CHECK(signal::db(signal::component(on, high, 8000).amplitude / 32767) ==
          doctest::Approx(-12).epsilon(0.05));
    CHECK(rms_dbfs(std::span(pcm).subspan(at + 400, 400)) == kSilenceDbfs);
  };
  key(0, 697, 1209);
  key(800, 941, 1633);
  key(5600, 941, 1477);
  const auto bad = dtmf("12x", 8000);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().offset == 2);
  CHECK(dtmf("", 8000)->empty());
  std::size_t keys = 0;
  for (const char c : std::string_view("0123456789*#ABCDabcd"))
    keys += dtmf_pair(c) ? 1u : 0u;
  CHECK(keys == 20);
  CHECK_FALSE(dtmf_pair('e'));
}

TEST_CASE("mixing and scaling saturate; interleaving is undone by deinterleaving") {
  Pcm into{32000, -32000, 100};
  mix(into, Pcm{1000, -1000});
  CHECK(into == Pcm{32767, -32768, 100});
  scale(into, 0.5);
  CHECK(into == Pcm{16384, -16384, 50});
  scale(into, 100);
  CHECK(into == Pcm{32767, -32768, 5000});
  Pcm both(6);
  interleave(Pcm{1, 2, 3}, Pcm{-1, -2, -3}, both);
  CHECK(both == Pcm{1, -1, 2, -2, 3, -3});
  Pcm left(3);
  Pcm right(3);
  deinterleave(both, left, right);
  CHECK(left == Pcm{1, 2, 3});
  CHECK(right == Pcm{-1, -2, -3});
}
