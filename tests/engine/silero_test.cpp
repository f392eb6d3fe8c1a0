#include "engine/silero.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "speech_kit.hpp"

namespace talky::engine {
namespace {

std::vector<float> activity(voice::VoiceActivity& detector, const voice::Pcm& pcm, std::size_t step = 320) {
  std::vector<float> out;
  for (std::size_t at = 0; at < pcm.size(); at += step)
    detector.process(std::span(pcm).subspan(at, std::min(step, pcm.size() - at)), out);
  return out;
}

double share_above(const std::vector<float>& probabilities, std::size_t from, std::size_t to, float limit) {
  const auto begin = probabilities.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = probabilities.begin() + static_cast<std::ptrdiff_t>(to);
  return static_cast<double>(std::count_if(begin, end, [limit](float p) { return p >= limit; })) /
         static_cast<double>(to - from);
}

TEST_CASE("telephone speech is found where it is, and a quiet or noisy line is not taken for it") {
  const auto folder = test::models();
  if (!folder) return;
  const Silero silero(test::library(), *folder);
  const auto detector = silero.make_detector();
  const auto window = static_cast<std::size_t>(detector->window());
  CHECK(window == 512);

  const voice::Pcm before = test::quiet(32'000), after = test::quiet(32'000, 2);
  for (const Voice& voice : voices()) {
    CAPTURE(voice.name);
    const voice::Pcm speech =
        test::say("I would like to book a table for four people on Friday evening.", voice.name);
    const voice::Pcm call = test::through_telephone(test::joined({before, speech, after}));
    detector->reset();
    const auto found = activity(*detector, call);
    REQUIRE(found.size() == call.size() / window);
    const std::size_t begin = before.size() / window, end = (before.size() + speech.size()) / window;
    CHECK(share_above(found, 0, begin - 1, 0.5F) == 0.0);
    CHECK(share_above(found, begin + 4, end - 8, 0.5F) > 0.9);
    CHECK(share_above(found, end + 12, found.size(), 0.5F) == 0.0);
    // Its beginning is found within 130 ms.
    const auto first = std::find_if(found.begin(), found.end(), [](float p) { return p >= 0.5F; });
    CHECK(std::abs(static_cast<std::ptrdiff_t>(begin) - (first - found.begin())) <= 4);
  }

  for (const int peak : {100, 1000, 8000}) {
    CAPTURE(peak);
    detector->reset();
    const auto found = activity(*detector, test::quiet(80'000, 3, peak));
    CHECK(share_above(found, 0, found.size(), 0.5F) < 0.05);
  }
}

TEST_CASE("the same audio gives the same probabilities, in any pieces and after a reset") {
  const auto folder = test::models();
  if (!folder) return;
  const Silero silero(test::library(), *folder);
  const voice::Pcm call = test::joined({test::quiet(9'000), test::say("Hello there."), test::quiet(5'000)});
  const auto one = silero.make_detector(), other = silero.make_detector();
  const auto expected = activity(*one, call);
  CHECK(activity(*other, call, 77) == expected);
  one->reset();
  CHECK(activity(*one, call, 5'000) == expected);
}

} // namespace
} // namespace talky::engine
