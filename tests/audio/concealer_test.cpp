#include "audio/concealer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "audio/level.hpp"
#include "audio/tone.hpp"
#include "signal.hpp"

using namespace talky::audio;
using Pcm = std::vector<std::int16_t>;

namespace {

// A voice: a fundamental with harmonics, all in phase with it.
Pcm voice(double hz, std::uint32_t rate, std::size_t samples) {
  Pcm out(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    double x = 0;
    for (int k = 1; k <= 8; ++k)
      x += 4000.0 / k * std::sin(2 * signal::kPi * hz * k / rate * static_cast<double>(n) + k);
    out[n] = static_cast<std::int16_t>(std::lrint(x));
  }
  return out;
}

int largest_step(std::span<const std::int16_t> x) {
  int most = 0;
  for (std::size_t i = 1; i < x.size(); ++i)
    most = std::max(most, std::abs(x[i] - x[i - 1]));
  return most;
}

double error_db(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  double error = 0;
  double power = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += std::pow(a[i] - b[i], 2);
    power += std::pow(b[i], 2);
  }
  return 10 * std::log10(std::max(error, 1e-9) / power);
}

// Plays `whole` in frames of 20 ms, of which those with `lost(i)` do not come.
template <class Lost>
Pcm play(const Pcm& whole, std::uint32_t rate, Lost lost) {
  Concealer concealer(rate);
  Pcm heard;
  const std::size_t frame = rate / 50;
  for (std::size_t i = 0; (i + 1) * frame <= whole.size(); ++i) {
    if (lost(i)) {
      concealer.conceal(frame, heard);
      continue;
    }
    Pcm pcm(whole.begin() + static_cast<std::ptrdiff_t>(i * frame),
            whole.begin() + static_cast<std::ptrdiff_t>((i + 1) * frame));
    concealer.good(pcm);
    heard.insert(heard.end(), pcm.begin(), pcm.end());
  }
  return heard;
}

} // namespace

TEST_CASE("without loss nothing is touched") {
  const auto whole = voice(125, 8000, 8000);
  CHECK(play(whole, 8000, [](std::size_t) { return false; }) == whole);
}

TEST_CASE("a voice of any pitch goes on through a lost packet, at 8, 16 and 48 kHz") {
  for (const std::uint32_t rate : {8000u, 16000u, 48000u}) {
    for (const double hz : {80.0, 100.0, 125.0, 160.0, 190.0}) {
      CAPTURE(rate);
      CAPTURE(hz);
      const auto whole = voice(hz, rate, rate / 2);
      const std::size_t frame = rate / 50;
      const auto heard = play(whole, rate, [](std::size_t i) { return i == 10; });
      REQUIRE(heard.size() == whole.size());
      const auto at = [&](const Pcm& pcm, std::size_t from, std::size_t count) {
        return std::span(pcm).subspan(from, count);
      };
      // The first 10 ms, before the fade, are close to what was lost.
      CHECK(error_db(at(heard, 10 * frame, frame / 2), at(whole, 10 * frame, frame / 2)) < -10);
      // No click at either end of the gap or within it.
      CHECK(largest_step(at(heard, 10 * frame - 1, 2 * frame)) <= largest_step(whole) * 3 / 2);
      // 10 ms behind the gap all is as it was.
      CHECK(std::equal(heard.begin() + static_cast<std::ptrdiff_t>(11 * frame + frame / 2), heard.end(),
                       whole.begin() + static_cast<std::ptrdiff_t>(11 * frame + frame / 2)));
      CHECK(
          std::equal(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(10 * frame), whole.begin()));
    }
  }
}

TEST_CASE("a long gap fades: full level for 10 ms, silence from 60 ms on") {
  const auto whole = voice(100, 8000, 8000);
  const auto heard = play(whole, 8000, [](std::size_t i) { return i >= 10 && i < 20; });
  const auto level = [&](std::size_t ms) { return rms_dbfs(std::span(heard).subspan(1600 + ms * 8, 80)); };
  const double before = rms_dbfs(std::span(heard).subspan(1520, 80));
  CHECK(std::abs(level(0) - before) < 1.5);
  for (std::size_t ms = 10; ms < 50; ms += 10)
    CHECK(level(ms + 10) < level(ms));
  CHECK(level(50) < before - 15);
  const auto silent = std::span(heard).subspan(1600 + 480, 1120);
  CHECK(std::all_of(silent.begin(), silent.end(), [](std::int16_t x) { return x == 0; }));
  // Then the voice comes back softly.
  CHECK(std::abs(heard[3200]) < 800);
  CHECK(largest_step(std::span(heard).subspan(3150, 200)) <= largest_step(whole) * 3 / 2);
}

TEST_CASE("concealing beats silence on every pattern of loss up to half the packets") {
  const auto whole = voice(118, 8000, 16000);
  for (const std::size_t every : {2u, 3u, 5u}) {
    const auto lost = [every](std::size_t i) { return i > 5 && i % every == 0; };
    const auto heard = play(whole, 8000, lost);
    auto silenced = whole;
    for (std::size_t i = 0; i < silenced.size(); ++i) {
      if (lost(i / 160)) silenced[i] = 0;
    }
    CHECK(error_db(heard, whole) < error_db(silenced, whole) - 3);
  }
}

TEST_CASE("the pieces that a gap is asked for in do not matter") {
  const auto whole = voice(110, 8000, 1600);
  for (const std::size_t piece : {1u, 7u, 40u, 80u, 160u, 700u}) {
    Concealer once(8000);
    Concealer often(8000);
    auto a = whole;
    auto b = whole;
    once.good(a);
    often.good(b);
    Pcm at_once;
    Pcm in_pieces;
    once.conceal(700, at_once);
    while (in_pieces.size() < 700)
      often.conceal(std::min<std::size_t>(piece, 700 - in_pieces.size()), in_pieces);
    CHECK(often.gap() == 700);
    CHECK(in_pieces == at_once);
    // And those that the next frames come in neither.
    a = b = whole;
    once.good(a);
    for (std::size_t i = 0; i < b.size(); i += piece)
      often.good(std::span(b).subspan(i, std::min(piece, b.size() - i)));
    CHECK(a == b);
    CHECK(often.gap() == 0);
  }
}

TEST_CASE("nothing heard yet, silence, the loudest noise, and reset") {
  Concealer concealer(16000);
  Pcm out;
  concealer.conceal(320, out);
  CHECK(out == Pcm(320));

  Pcm loud(4000);
  Noise(5, 0).generate(loud);
  for (auto& x : loud)
    x = x < 0 ? -32768 : 32767;
  concealer.good(loud);
  out.clear();
  concealer.conceal(320, out);
  CHECK(rms_dbfs(out) > -12);

  concealer.reset();
  out.clear();
  concealer.conceal(320, out);
  CHECK(out == Pcm(320));
  concealer.good({});
  concealer.conceal(0, out);
  CHECK(out.size() == 320);
}
