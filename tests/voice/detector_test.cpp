#include "voice/detector.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace talky::voice;

namespace {

using Event = SpeechDetector::Event;

// Events of a run of probabilities, as "s" started, "e" ended, "." none.
std::string run(SpeechDetector& detector, const std::vector<float>& probabilities) {
  std::string out;
  Samples end = 0;
  for (const float p : probabilities) {
    end += 512;
    const Event event = detector.push(p, end);
    out += event == Event::started ? 's' : (event == Event::ended ? 'e' : '.');
  }
  return out;
}

} // namespace

TEST_CASE("speech starts after the shortest run, counted from its first window") {
  SpeechDetector detector({});
  CHECK(run(detector, {0.1F, 0.6F, 0.6F, 0.6F, 0.1F}) == "..s.e");
  CHECK(detector.begin() == 512);
  CHECK(detector.end() == 4 * 512);
}

TEST_CASE("hysteresis: speech goes on between off and on, and does not start there") {
  SpeechDetector detector({});
  CHECK(run(detector, {0.4F, 0.4F, 0.4F}) == "...");
  CHECK(run(detector, {0.6F, 0.4F, 0.4F, 0.36F, 0.34F, 0.4F}) == ".s..e.");
}

TEST_CASE("a click is no speech") {
  SpeechDetector detector({});
  CHECK(run(detector, {0.9F, 0.1F, 0.9F, 0.1F, 0.9F, 0.1F}) == "......");
  CHECK_FALSE(detector.speaking());
  CHECK(run(detector, {0.9F}) == ".");
  CHECK(detector.rising());
  detector.reset();
  CHECK_FALSE(detector.rising());
}
