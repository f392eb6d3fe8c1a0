#include "voice/session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "harness.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

Speech speech(std::int64_t begin_ms, std::int64_t end_ms, std::string text) {
  return {from_ms(begin_ms), from_ms(end_ms), std::move(text)};
}

// 24 characters: 24,000 samples, 1.5 s.
constexpr std::int64_t kGreetingMs = 1500;

} // namespace

TEST_CASE("the greeting is asked for at once and heard as soon as it is there") {
  Conversation call({});
  call.start();
  REQUIRE(call.requests.size() == 1);
  const auto& request = std::get<TtsRequest>(call.requests[0]);
  CHECK(request.at == 0);
  CHECK(request.text == "Hello, this is the test.");
  CHECK(request.voice == "Sophia");
  call.run_until_ms(3000);
  REQUIRE(!call.audio_at.empty());
  CHECK(call.audio_at.front() == from_ms(40)); // 20 ms of service, then the next frame
  const auto latency = call.noted<journal::Latency>();
  REQUIRE(latency.size() == 1);
  CHECK(latency[0].second.turn == 0);
  CHECK(latency[0].second.total == from_ms(40));
  const auto ends = call.noted<journal::SentenceEnd>();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].second.whole);
  CHECK(ends[0].second.heard == 24'000);
  CHECK(to_ms(call.played()) == kGreetingMs);
}

TEST_CASE("a turn: speech, pause, words, answer") {
  Options options;
  options.caller = {speech(2000, 3000, "good morning")};
  Conversation call(options);
  call.start();
  call.run_until_ms(6000);
  CHECK(call.turns() == std::vector<std::string>{"good morning"});
  CHECK(call.said() == std::vector<std::string>{"Hello, this is the test.", "You said good morning."});
  const auto turns = call.noted<journal::Turn>();
  CHECK(std::abs(turns[0].second.begin - from_ms(2000)) <= 512);
  CHECK(std::abs(turns[0].second.end - from_ms(3000)) <= 512);

  SUBCASE("the recogniser ran inside the pause, so that its time is not heard") {
    const auto latency = call.noted<journal::Latency>();
    REQUIRE(latency.size() == 2);
    const auto& w = latency[1].second;
    CHECK(w.turn == 1);
    CHECK(w.stt == 0);
    CHECK(w.total < from_ms(600));
    CHECK(w.total >= from_ms(500));
  }
  SUBCASE("the recogniser got the first phonemes: 200 ms and more from before the speech") {
    const auto found = std::find_if(call.requests.begin(), call.requests.end(),
                                    [](const Request& r) { return std::holds_alternative<SttRequest>(r); });
    REQUIRE(found != call.requests.end());
    const auto& stt = std::get<SttRequest>(*found);
    const Samples first = stt.at - static_cast<Samples>(stt.pcm->size());
    CHECK(first <= from_ms(2000) - from_ms(200));
    CHECK(first >= from_ms(2000) - from_ms(300));
  }
}
