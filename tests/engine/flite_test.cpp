#include "engine/flite.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>

#include "audio/level.hpp"
#include "speech_kit.hpp"

namespace talky::engine {
namespace {

constexpr const char* kText =
    "We are open Monday to Friday from nine in the morning until five in the afternoon.";

double active_level(const voice::Pcm& pcm) {
  audio::LevelMeter meter;
  for (std::size_t at = 0; at + 320 <= pcm.size(); at += 320) {
    const auto frame = std::span(pcm).subspan(at, 320);
    if (audio::rms_dbfs(frame) > -40) meter.add(frame);
  }
  return meter.rms_dbfs();
}

// The median of the fundamental over the voiced frames, by autocorrelation.
double pitch(const voice::Pcm& pcm) {
  std::vector<double> found;
  for (std::size_t at = 0; at + 1200 <= pcm.size(); at += 800) {
    const auto frame = std::span(pcm).subspan(at, 1200);
    if (audio::rms_dbfs(frame) < -30) continue;
    const auto correlation = [&](std::size_t lag) {
      double sum = 0;
      for (std::size_t i = 0; i + lag < frame.size(); ++i)
        sum += double{1} * frame[i] * frame[i + lag];
      return sum;
    };
    std::size_t best = 50;
    for (std::size_t lag = 50; lag <= 240; ++lag) { // 67 to 320 Hz
      if (correlation(lag) > correlation(best)) best = lag;
    }
    if (correlation(best) > 0.5 * correlation(0)) found.push_back(16'000.0 / static_cast<double>(best));
  }
  REQUIRE(found.size() > 10);
  std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2), found.end());
  return found[found.size() / 2];
}

TEST_CASE("three voices by name, equally loud and clearly apart") {
  REQUIRE(voices().size() == 3);
  CHECK(find_voice("sophia") == &voices()[0]);
  CHECK(find_voice("EMMA") != nullptr);
  CHECK(find_voice("Alex") != nullptr);
  CHECK(find_voice("HAL") == nullptr);
  std::map<std::string_view, double> pitches;
  for (const Voice& voice : voices()) {
    CAPTURE(voice.name);
    const voice::Pcm speech = test::say(kText, voice.name);
    CHECK(speech.size() > 16'000 * 3);
    CHECK(speech.size() < 16'000 * 8);
    CHECK(std::abs(active_level(speech) - -19.0) < 2.0);
    audio::LevelMeter meter;
    meter.add(speech);
    CHECK(meter.clipped() == 0);
    pitches[voice.name] = pitch(speech);
  }
  CHECK(pitches["Alex"] < 130);
  CHECK(pitches["Sophia"] > 150);
  CHECK(pitches["Emma"] > pitches["Sophia"] + 8);
}

TEST_CASE("sound begins at once and does not trail off for long") {
  for (const Voice& voice : voices()) {
    const voice::Pcm speech = test::say("Hello.", voice.name);
    const auto loud = [](std::int16_t sample) { return std::abs(int{sample}) > 160; };
    const auto first = std::find_if(speech.begin(), speech.end(), loud) - speech.begin();
    const auto last = std::find_if(speech.rbegin(), speech.rend(), loud) - speech.rbegin();
    CHECK(first <= 16 * 25); // 25 ms
    CHECK(last <= 16 * 160);
  }
}

TEST_CASE("audio comes in pieces while it is being made, none of them empty, the same on every run") {
  Flite flite;
  for (const Voice& voice : voices()) {
    std::vector<voice::Pcm> pieces;
    const auto sink = [&](std::span<const std::int16_t> pcm) { pieces.emplace_back(pcm.begin(), pcm.end()); };
    REQUIRE(flite.speak(kText, voice, sink));
    CHECK(pieces.size() > 5);
    voice::Pcm whole;
    for (const voice::Pcm& piece : pieces) {
      CHECK_FALSE(piece.empty());
      whole.insert(whole.end(), piece.begin(), piece.end());
    }
    CHECK(pieces.front().size() < whole.size() / 5);
    CHECK(whole == test::say(kText, voice.name));
  }
}

TEST_CASE("nothing to pronounce, too much to pronounce, and giving up half-way") {
  Flite flite;
  const Voice& voice = voices().front();
  std::size_t pieces = 0;
  const auto count = [&](std::span<const std::int16_t>) { ++pieces; };
  for (const char* text : {"", "   ", "...", "\U0001F642"})
    CHECK(flite.speak(text, voice, count));
  CHECK(pieces == 0);
  const auto large = flite.speak(std::string(Flite::kMaxText + 1, 'a'), voice, count);
  REQUIRE_FALSE(large);
  CHECK(large.error().code == Errc::too_large);

  std::stop_source stop;
  const auto cancelled = flite.speak(
      kText, voice,
      [&](std::span<const std::int16_t>) {
        ++pieces;
        stop.request_stop();
      },
      stop.get_token());
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Errc::closed);
  CHECK(pieces <= 2);
  CHECK(flite.speak("It goes on working.", voice, count));
}

TEST_CASE("several threads take turns and get what they asked for") {
  Flite flite;
  constexpr std::array kTexts = {"One, two, three.", "Good morning.", "How can I help you?",
                                 "Are you still there?"};
  std::array<voice::Pcm, kTexts.size()> alone, together;
  const auto speak = [&](std::size_t i, voice::Pcm& out) {
    const bool done =
        flite
            .speak(kTexts[i], voices()[i % voices().size()],
                   [&](std::span<const std::int16_t> pcm) { out.insert(out.end(), pcm.begin(), pcm.end()); })
            .has_value();
    if (!done) out.clear();
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kTexts.size(); ++i)
    threads.emplace_back([&, i] { speak(i, together[i]); });
  for (std::thread& thread : threads)
    thread.join();
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    speak(i, alone[i]);
    CHECK_FALSE(alone[i].empty());
    CHECK(together[i] == alone[i]);
  }
}

} // namespace
} // namespace talky::engine
