// Measures talky's own filter, prints what it finds, and holds it to its specification.
#include "audio/half_rate.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "audio/half_rate_design.hpp"
#include "audio/half_rate_kernels.hpp"
#include "core/random.hpp"
#include "signal.hpp"

using namespace talky::audio;
using Pcm = std::vector<std::int16_t>;

namespace {

constexpr double kLowRate = 8000;
constexpr double kHighRate = 16000;
constexpr double kAmplitude = 30000;
constexpr std::size_t kSettled = 400; // longer than the filter

Pcm up(const Pcm& in) {
  Upsampler2 filter;
  Pcm out;
  filter.process(in, out);
  return out;
}

Pcm down(const Pcm& in) {
  Downsampler2 filter;
  Pcm out;
  filter.process(in, out);
  return out;
}

std::span<const std::int16_t> steady(const Pcm& pcm) {
  return std::span(pcm).subspan(kSettled);
}

Pcm noise(std::size_t samples, std::uint64_t seed) {
  talky::Random random(seed);
  Pcm pcm(samples);
  for (auto& sample : pcm)
    sample = static_cast<std::int16_t>(random.u16());
  return pcm;
}

} // namespace

TEST_CASE("ripple from 300 to 3,400 Hz is at most 0.02 dB, both ways") {
  double least = 100;
  double most = -100;
  for (int step = 300; step <= 3400; step += 50) {
    const double hz = step;
    const auto upped = up(signal::cosine(hz, kLowRate, kAmplitude, 4096));
    const double gain_up = signal::db(signal::component(steady(upped), hz, kHighRate).amplitude / kAmplitude);
    const auto downed = down(signal::cosine(hz, kHighRate, kAmplitude, 16384));
    const double gain_down =
        signal::db(signal::component(steady(downed), hz, kLowRate).amplitude / kAmplitude);
    least = std::min({least, gain_up, gain_down});
    most = std::max({most, gain_up, gain_down});
  }
  MESSAGE("ripple, 300 to 3,400 Hz: ", least, " to ", most, " dB");
  CHECK(most - least <= 0.02);
  CHECK(std::max(most, -least) <= 0.02);
}

TEST_CASE("images of tones up to 3.9 kHz are at least 75 dB below the tone that comes out") {
  double worst = -200;
  double worst_to_input = -200;
  for (int step = 50; step <= 3900; step += 50) {
    const double hz = step;
    const auto out = up(signal::cosine(hz, kLowRate, kAmplitude, 8192));
    const double tone = signal::component(steady(out), hz, kHighRate).amplitude;
    const double image = signal::component(steady(out), kLowRate - hz, kHighRate).amplitude;
    worst = std::max(worst, signal::db(image / tone));
    worst_to_input = std::max(worst_to_input, signal::db(image / kAmplitude));
  }
  MESSAGE("images up to 3.9 kHz: ", worst, " dB of the tone that came out, ", worst_to_input,
          " dB of the tone that went in");
  CHECK(worst <= -75);
  CHECK(worst_to_input <= -75);
}

TEST_CASE("aliases below 3.9 kHz, of tones from 4.1 kHz on, are at least 75 dB down") {
  double worst = -200;
  for (int step = 4100; step <= 7950; step += 50) {
    const double hz = step;
    const auto out = down(signal::cosine(hz, kHighRate, kAmplitude, 16384));
    worst = std::max(
        worst, signal::db(signal::component(steady(out), kLowRate - hz, kLowRate).amplitude / kAmplitude));
  }
  MESSAGE("aliases below 3.9 kHz: ", worst, " dB");
  CHECK(worst <= -75);
}

TEST_CASE("THD+N at 1 kHz is that of 16-bit rounding") {
  const double upped = signal::thd_plus_noise_db(steady(up(signal::cosine(1004, kLowRate, kAmplitude, 8192))),
                                                 1004, kHighRate);
  const double downed = signal::thd_plus_noise_db(
      steady(down(signal::cosine(1004, kHighRate, kAmplitude, 16384))), 1004, kLowRate);
  MESSAGE("THD+N at 1,004 Hz, -0.8 dBFS: up ", upped, " dB, down ", downed, " dB");
  CHECK(upped <= -88);
  CHECK(downed <= -88);
}

TEST_CASE("delay is exactly what the header says, and at most 6 ms") {
  // An impulse comes out around its place; a linear-phase filter is symmetric about the delay.
  Pcm impulse(400);
  impulse[100] = 20000;
  const auto upped = up(impulse);
  const auto peak_up = static_cast<std::size_t>(std::max_element(upped.begin(), upped.end()) - upped.begin());
  CHECK(peak_up == 200 + Upsampler2::kDelay);
  for (std::size_t i = 1; i <= 80; ++i)
    CHECK(upped[peak_up - i] == upped[peak_up + i]);

  Pcm wide(800);
  wide[200] = 20000;
  const auto downed = down(wide);
  const auto peak_down =
      static_cast<std::size_t>(std::max_element(downed.begin(), downed.end()) - downed.begin());
  CHECK(peak_down == 100 + Downsampler2::kDelay);

  const double ms_up = 1000.0 * Upsampler2::kDelay / kHighRate;
  const double ms_down = 1000.0 * Downsampler2::kDelay / kLowRate;
  MESSAGE("delay: up ", ms_up, " ms, down ", ms_down, " ms");
  CHECK(ms_up <= 6);
  CHECK(ms_down <= 6);

  // And by phase, to a hundredth of a sample.
  const auto tone = up(signal::cosine(500, kLowRate, kAmplitude, 4096));
  const auto phase =
      signal::component(std::span(tone).subspan(Upsampler2::kDelay + 1024, 4096), 500, kHighRate).phase;
  CHECK(std::abs(std::remainder(phase - 2 * signal::kPi * 500 / kHighRate * 1024, 2 * signal::kPi)) <
        2 * signal::kPi * 500 / kHighRate * 0.01);
}

TEST_CASE("no input overflows: full-scale noise and the worst sign pattern saturate like an exact filter") {
  const auto h = half_rate::design();
  // The pattern that drives the even phase hardest, and full-scale square noise.
  Pcm worst(600);
  for (std::size_t i = 0; i < worst.size(); ++i)
    worst[i] = h[(2 * (worst.size() - i)) % 161] < 0 ? -32768 : 32767;
  auto square = noise(6000, 3);
  for (auto& sample : square)
    sample = sample < 0 ? -32768 : 32767;
  for (const Pcm& in : {worst, square, noise(6000, 4)}) {
    const auto upped = up(in);
    const auto downed = down(in);
    double off_up = 0;
    double off_down = 0;
    for (std::size_t m = 322; m < upped.size(); ++m) {
      double exact = 0;
      for (std::size_t k = m % 2; k < 161; k += 2)
        exact += h[k] * in[(m - k) / 2];
      off_up = std::max(off_up, std::abs(std::clamp(exact, -32768.0, 32767.0) - upped[m]));
    }
    for (std::size_t m = 161; m < downed.size(); ++m) {
      double exact = 0;
      for (std::size_t k = 0; k < 161; ++k)
        exact += h[k] / 2 * in[2 * m - k];
      off_down = std::max(off_down, std::abs(std::clamp(exact, -32768.0, 32767.0) - downed[m]));
    }
    CHECK(off_up <= 4); // what the coefficients' rounding makes of full-scale noise: -78 dB
    CHECK(off_down <= 4);
  }
}

TEST_CASE("all implementations give the same bytes") {
  const auto in = noise(4000, 9);
  const auto kernels = half_rate::kernels();
  REQUIRE(std::string(kernels[0]->name) == "scalar");
  for (const auto* kernel : kernels) {
    CAPTURE(kernel->name);
    for (const std::size_t count : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 160u, 500u, 501u}) {
      Pcm expected(2 * count + 1, 77);
      Pcm got(2 * count + 1, 77);
      half_rate::scalar::up(in.data() + count, count, expected.data());
      kernel->up(in.data() + count, count, got.data());
      CHECK(got == expected);
      std::fill(expected.begin(), expected.end(), std::int16_t{77});
      std::fill(got.begin(), got.end(), std::int16_t{77});
      half_rate::scalar::down(in.data() + count, count, expected.data());
      kernel->down(in.data() + count, count, got.data());
      CHECK(got == expected);
    }
  }
}

TEST_CASE("all implementations give the same bytes, over millions of samples") {
  // A rounding that differs in the last bit of the sums shows in one sample of many thousands.
  const auto in = noise(1'000'000, 11);
  Pcm expected_up(1'800'000);
  Pcm expected_down(400'000);
  half_rate::scalar::up(in.data(), 900'000, expected_up.data());
  half_rate::scalar::down(in.data(), 400'000, expected_down.data());
  for (const auto* kernel : half_rate::kernels()) {
    CAPTURE(kernel->name);
    Pcm upped(expected_up.size());
    Pcm downed(expected_down.size());
    kernel->up(in.data(), 900'000, upped.data());
    kernel->down(in.data(), 400'000, downed.data());
    CHECK(upped == expected_up);
    CHECK(downed == expected_down);
  }
}

TEST_CASE("any chunking gives the same bytes, and the counts are exact") {
  const auto in = noise(5000, 5);
  const auto whole_up = up(in);
  const auto whole_down = down(in);
  CHECK(whole_up.size() == 10000);
  CHECK(whole_down.size() == 2500);
  CHECK(down(Pcm(in.begin(), in.begin() + 4999)).size() == 2500);
  CHECK(rc::check("chunks do not matter", [&](const std::vector<std::uint16_t>& sizes) {
    Upsampler2 upsampler;
    Downsampler2 downsampler;
    Pcm upped;
    Pcm downed;
    auto rest = std::span(in);
    for (const std::uint16_t size : sizes) {
      const auto part = rest.first(std::min<std::size_t>(size % 2400, rest.size()));
      rest = rest.subspan(part.size());
      upsampler.process(part, upped);
      downsampler.process(part, downed);
    }
    upsampler.process(rest, upped);
    downsampler.process(rest, downed);
    RC_ASSERT(upped == whole_up);
    RC_ASSERT(downed == whole_down);
  }));
}

TEST_CASE("a round trip up and down gives the speech band back") {
  const auto in = signal::cosine(1000, kLowRate, kAmplitude, 4000);
  const auto back = down(up(in));
  constexpr std::size_t kDelay = Upsampler2::kDelay / 2 + Downsampler2::kDelay;
  for (std::size_t i = kDelay + kSettled; i < back.size(); ++i)
    CHECK(std::abs(back[i] - in[i - kDelay]) <= 6);
}
