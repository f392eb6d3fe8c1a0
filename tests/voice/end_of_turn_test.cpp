// The end of speech by its sound, and the pause that it takes to end a turn.
#include "voice/end_of_turn.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "harness.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;
using language::Completeness;

namespace {

// A hum with overtones whose pitch and loudness go from the first to the second value, in a quiet room.
Pcm hum(std::int64_t quiet_ms, std::int64_t ms, double from_hz, double to_hz, double tail_db,
        std::int64_t behind_ms) {
  Pcm pcm;
  std::uint32_t noise = 1;
  const auto room = [&] {
    noise = noise * 1664525U + 1013904223U;
    return static_cast<double>(noise >> 28U) - 7.5;
  };
  const auto silence = [&](std::int64_t length) {
    for (Samples i = 0; i < from_ms(length); ++i)
      pcm.push_back(static_cast<std::int16_t>(room()));
  };
  silence(quiet_ms);
  double phase = 0;
  const Samples n = from_ms(ms);
  for (Samples i = 0; i < n; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(n);
    const double late = std::max(0.0, (share - 0.6) / 0.4); // the change is in the last two fifths
    phase += 2 * std::numbers::pi * (from_hz + (to_hz - from_hz) * late) / kSampleRate;
    const double gain = 3000 * std::pow(10, tail_db * late / 20);
    pcm.push_back(static_cast<std::int16_t>(
        gain * (std::sin(phase) + 0.5 * std::sin(2 * phase) + 0.3 * std::sin(3 * phase)) / 1.8 + room()));
  }
  silence(behind_ms);
  return pcm;
}

} // namespace

TEST_CASE("the last sample of speech is where a person would mark it, however much silence follows") {
  for (const std::int64_t behind : {40, 100, 160, 220}) {
    for (const double tail : {0.0, -12.0, -20.0}) {
      CAPTURE(behind);
      CAPTURE(tail);
      const auto end = voice_end(hum(250, 900, 140, 110, tail, behind));
      REQUIRE(end);
      CHECK(std::abs(to_ms(end->end) - 1150) <= 20);
    }
  }
}

TEST_CASE("silence and even noise have no end of speech") {
  CHECK_FALSE(voice_end(Pcm(16'000, 0)));
  CHECK_FALSE(voice_end({}));
  Pcm noise;
  std::uint32_t x = 7;
  for (int i = 0; i < 16'000; ++i) {
    x = x * 1664525U + 1013904223U;
    noise.push_back(static_cast<std::int16_t>(static_cast<std::int32_t>(x) >> 18));
  }
  CHECK_FALSE(voice_end(noise));
}

TEST_CASE("pitch and energy at the end are measured beside the rest") {
  const auto falling = voice_end(hum(250, 1200, 180, 110, -20, 120));
  const auto level = voice_end(hum(250, 1200, 180, 180, 0, 120));
  const auto rising = voice_end(hum(250, 1200, 140, 200, 0, 120));
  REQUIRE((falling && level && rising));
  CHECK((falling->voiced && level->voiced && rising->voiced));
  CHECK(falling->pitch < -3);
  CHECK(std::abs(level->pitch) < 1);
  CHECK(rising->pitch > 2);
  CHECK(falling->slope < -0.5);
  CHECK(std::abs(level->slope) < 0.5);
  CHECK(falling->energy < level->energy - 8);
}

TEST_CASE(
    "a voice that falls ends a turn sooner than one that stays level; numbers and open ends wait for the "
    "rest") {
  const Config config;
  const auto falling = voice_end(hum(250, 1200, 180, 110, -20, 120));
  const auto level = voice_end(hum(250, 1200, 180, 180, 0, 120));
  const auto pause = [&](Completeness c, const std::optional<VoiceEnd>& end) {
    return to_ms(pause_needed(config, c, "I would like a haircut.", end));
  };
  CHECK(pause(Completeness::open, falling) <= 450);
  CHECK(pause(Completeness::open, level) >= 1000);
  CHECK(pause(Completeness::complete, falling) <= 300);
  CHECK(pause(Completeness::complete, level) <= 600);
  for (const auto& end : {falling, level, std::optional<VoiceEnd>()}) {
    CHECK(pause(Completeness::unfinished, end) >= 1500);
    CHECK(pause(Completeness::partial, end) >= 2200);
  }
}

TEST_CASE("groups of digits, up to two seconds apart, are one turn") {
  for (const std::int64_t gap : {700, 1000, 1200, 1600, 2000}) {
    CAPTURE(gap);
    struct Number final : Dialogue {
      Reply start(const in::Start&, Random&) override { return {}; }
      Reply answer(const Heard& heard, Random&) override {
        Reply reply;
        reply.text = "You said " + std::get<Utterance>(heard).text;
        return reply;
      }
      Completeness completeness(const Utterance& said) const override {
        return said.text.ends_with("eight") ? Completeness::complete : Completeness::partial;
      }
      Completeness completeness(const Digits&) const override { return Completeness::open; }
      std::unique_ptr<Dialogue> clone() const override { return std::make_unique<Number>(*this); }
    };
    Options options;
    options.caller = {speech(1000, 1800, "oh two oh"), speech(1800 + gap, 2700 + gap, "seven nine four six"),
                      speech(2700 + 2 * gap, 3500 + 2 * gap, "oh oh one eight")};
    Conversation call(options, std::make_unique<Number>());
    call.start();
    call.run_until_ms(14'000);
    CHECK(call.turns() == std::vector<std::string>{"oh two oh seven nine four six oh oh one eight"});
    CHECK(call.noted<journal::TurnReopened>().empty());
  }
}
