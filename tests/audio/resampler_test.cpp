#include "audio/resampler.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>
#include <vector>

#include "audio/tone.hpp"
#include "signal.hpp"

using namespace talky;
using Pcm = std::vector<std::int16_t>;

namespace {

Pcm noise(std::size_t samples, std::uint64_t seed = 1) {
  Pcm pcm(samples);
  audio::Noise(seed, -6).generate(pcm);
  return pcm;
}

Pcm convert(std::uint32_t from, std::uint32_t to, const Pcm& in, bool flush = true) {
  auto resampler = audio::Resampler::create(from, to).value();
  Pcm out;
  resampler.process(in, out);
  if (flush) resampler.flush(out);
  return out;
}

struct Rates {
  std::uint32_t from, to;
};
constexpr std::array kPairs{Rates{8000, 16000},  Rates{16000, 8000},  Rates{8000, 32000},
                            Rates{48000, 12000}, Rates{8000, 64000},  Rates{64000, 8000},
                            Rates{16000, 16000}, Rates{16000, 24000}, Rates{24000, 16000},
                            Rates{16000, 22050}, Rates{44100, 16000}, Rates{48000, 8000}};

} // namespace

TEST_CASE("every pair of rates: count, delay and gain are what the header says") {
  for (const Rates& rates : kPairs) {
    const std::uint32_t from = rates.from;
    const std::uint32_t to = rates.to;
    CAPTURE(from);
    CAPTURE(to);
    const std::size_t delay = audio::Resampler::create(from, to)->delay();
    const double hz = 700;
    const auto in = signal::cosine(hz, from, 20000, from);
    const auto out = convert(from, to, in);
    CHECK(out.size() == to + delay);
    const auto found = signal::component(std::span(out).subspan(delay, to), hz, to);
    CHECK(std::abs(signal::db(found.amplitude / 20000)) < 0.05);
    // A cosine at time 0, read from `delay` on, has no phase, to half a sample.
    CHECK(std::abs(found.phase) < 2 * signal::kPi * hz / to * 0.51);
  }
}

TEST_CASE("THD+N and images of the live resamplers") {
  for (const Rates& rates : kPairs) {
    const std::uint32_t from = rates.from;
    const std::uint32_t to = rates.to;
    CAPTURE(from);
    CAPTURE(to);
    const auto out = convert(from, to, signal::cosine(1004, from, 28000, from), false);
    const auto steady = std::span(out).subspan(1000);
    const double noise_db = signal::thd_plus_noise_db(steady, 1004, to);
    MESSAGE(from, " -> ", to, " Hz: THD+N at 1,004 Hz ", noise_db, " dB, delay ",
            1000.0 * static_cast<double>(audio::Resampler::create(from, to)->delay()) / to, " ms");
    CHECK(noise_db < -75);
  }
}

TEST_CASE("any chunking gives the same bytes at every pair of rates") {
  for (const Rates& rates : kPairs) {
    const std::uint32_t from = rates.from;
    const std::uint32_t to = rates.to;
    CAPTURE(from);
    CAPTURE(to);
    const auto in = noise(3000);
    const auto whole = convert(from, to, in);
    CHECK(
        rc::check("chunks do not matter", [&, from = from, to = to](const std::vector<std::uint8_t>& sizes) {
          auto resampler = audio::Resampler::create(from, to).value();
          Pcm out;
          auto rest = std::span(in);
          for (const std::uint8_t size : sizes) {
            const auto part = rest.first(std::min<std::size_t>(size, rest.size()));
            rest = rest.subspan(part.size());
            resampler.process(part, out);
          }
          resampler.process(rest, out);
          resampler.flush(out);
          RC_ASSERT(out == whole);
        }));
  }
}

TEST_CASE("a 20 ms packet at 8 kHz gives 20 ms at 16 kHz, from the first on") {
  auto resampler = audio::Resampler::create(8000, 16000).value();
  const auto in = noise(160);
  for (int i = 0; i < 5; ++i) {
    Pcm out;
    resampler.process(in, out);
    CHECK(out.size() == 320);
  }
}

TEST_CASE("flush and reset start afresh") {
  for (const auto [from, to] : kPairs) {
    auto resampler = audio::Resampler::create(from, to).value();
    const auto in = noise(2000);
    Pcm first;
    resampler.process(in, first);
    resampler.flush(first);
    Pcm second;
    resampler.process(in, second);
    resampler.reset();
    Pcm third;
    resampler.process(in, third);
    resampler.flush(third);
    CHECK(third == first);
  }
}

TEST_CASE("impossible rates are refused") {
  CHECK(audio::Resampler::create(0, 8000).error().code == Errc::unsupported);
  CHECK(audio::Resampler::create(8000, 999).error().code == Errc::unsupported);
  CHECK(audio::Resampler::create(8000, 400000).error().code == Errc::unsupported);
}
