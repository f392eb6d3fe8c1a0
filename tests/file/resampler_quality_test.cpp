// What --quality is worth: for each quality ripple of the telephone band, images, aliases, THD+N and delay,
// measured, printed, and held to the limits that talky-transcode(1) names.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "../audio/signal.hpp"
#include "audio/resampler.hpp"
#include "file/resampler.hpp"

using namespace talky;
using Pcm = std::vector<std::int16_t>;

namespace {

constexpr double kAmplitude = 28000;

struct Limits {
  const char* name;
  std::optional<file::Quality> quality; // nullopt: the live resampler
  double ripple_db, images_db, aliases_db, thd_db, delay_ms;
};
// Images and aliases within 300 to 3,400 Hz, of 8 kHz and 16 kHz.
constexpr std::array kTable{
    Limits{"live", std::nullopt, 0.02, -80, -80, -90, 5.0},
    Limits{"quick", file::Quality::quick, 4.0, -6, 1, -45, 0.1}, // cubic interpolation, no filter
    Limits{"low", file::Quality::low, 8.5, -90, -90, -90, 0.1},  // falls off from 2.7 kHz on
    Limits{"medium", file::Quality::medium, 0.01, -95, -95, -90, 0.1},
    Limits{"high", file::Quality::high, 0.01, -95, -95, -90, 0.1},
    Limits{"very-high", file::Quality::very_high, 0.01, -95, -95, -90, 0.1},
};

Pcm convert(const Limits& limits, std::uint32_t from, std::uint32_t to, const Pcm& in) {
  Pcm out;
  if (!limits.quality) {
    auto live = audio::Resampler::create(from, to).value();
    live.process(in, out);
    return out;
  }
  auto file = file::Resampler<std::int16_t>::create(from, to, 1, *limits.quality).value();
  REQUIRE(file.process(in, out));
  REQUIRE(file.flush(out));
  return out;
}

// Without the ends, where the filter is not filled.
std::span<const std::int16_t> middle(const Pcm& pcm) {
  return std::span(pcm).subspan(1000, pcm.size() - 2000);
}

double amplitude_of(const Limits& limits, std::uint32_t from, std::uint32_t to, double sent, double heard) {
  const auto out = convert(limits, from, to, signal::cosine(sent, from, kAmplitude, from));
  return signal::component(middle(out), heard, to).amplitude;
}

// By the phase of a tone of 500 Hz; the live resampler says its own, whole periods are not seen.
double delay_ms(const Limits& limits, std::uint32_t from, std::uint32_t to) {
  constexpr double kHz = 100;
  const auto out = convert(limits, from, to, signal::cosine(kHz, from, kAmplitude, from));
  const std::size_t start = to / 4; // whole periods
  const auto phase = signal::component(std::span(out).subspan(start, to / 2), kHz, to).phase;
  return -std::remainder(phase, 2 * signal::kPi) / (2 * signal::kPi * kHz) * 1000;
}

} // namespace

TEST_CASE("every quality: ripple, images, aliases, THD+N and delay") {
  fmt::print("{:10} {:>12} {:>10} {:>10} {:>10} {:>10}\n", "quality", "ripple dB", "images dB", "aliases dB",
             "THD+N dB", "delay ms");
  for (const Limits& limits : kTable) {
    CAPTURE(limits.name);
    double least = 100;
    double most = -100;
    double images = -200;
    for (int step = 300; step <= 3400; step += 100) {
      const double hz = step;
      const double tone = amplitude_of(limits, 8000, 16000, hz, hz);
      least = std::min(least, signal::db(tone / kAmplitude));
      most = std::max(most, signal::db(tone / kAmplitude));
      images = std::max(images, signal::db(amplitude_of(limits, 8000, 16000, hz, 8000 - hz) / tone));
    }
    double aliases = -200;
    for (int step = 4600; step <= 7700; step += 100) {
      const double hz = step;
      aliases = std::max(aliases, signal::db(amplitude_of(limits, 16000, 8000, hz, 8000 - hz) / kAmplitude));
    }
    const auto out = convert(limits, 8000, 16000, signal::cosine(1004, 8000, kAmplitude, 8000));
    const double thd = signal::thd_plus_noise_db(middle(out), 1004, 16000);
    const double delay = delay_ms(limits, 8000, 16000);
    fmt::print("{:10} {:>12.4f} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.3f}\n", limits.name, most - least, images,
               aliases, thd, delay);
    CHECK(most - least <= limits.ripple_db);
    CHECK(images <= limits.images_db);
    CHECK(aliases <= limits.aliases_db);
    CHECK(thd <= limits.thd_db);
    CHECK(delay <= limits.delay_ms + 0.01);
    CHECK(delay >= (limits.quality ? -0.1 : limits.delay_ms - 0.01));
  }
}

TEST_CASE("any rate to any other by libsoxr: the tone stays, and nothing else comes") {
  constexpr std::array kRates{8000U, 11025U, 12000U, 16000U, 22050U, 24000U, 32000U, 44100U, 48000U, 96000U};
  const Limits& high = kTable[4];
  double worst = -200;
  for (const std::uint32_t from : kRates) {
    for (const std::uint32_t to : kRates) {
      if (from == to) continue;
      CAPTURE(from);
      CAPTURE(to);
      const auto out = convert(high, from, to, signal::cosine(1004, from, kAmplitude, from));
      CHECK(out.size() == to);
      worst = std::max(worst, signal::thd_plus_noise_db(middle(out), 1004, to));
      CHECK(std::abs(signal::db(signal::component(middle(out), 1004, to).amplitude / kAmplitude)) < 0.01);
    }
  }
  fmt::print("libsoxr at high between {} rates: THD+N at most {:.1f} dB\n", kRates.size(), worst);
  CHECK(worst <= -88);
}
