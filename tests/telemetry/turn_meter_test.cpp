#include "telemetry/turn_meter.hpp"

#include <doctest/doctest.h>

#include <numeric>

using namespace talky;
using namespace talky::telemetry;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kMs = 16; // samples

Time at(std::int64_t value) {
  return Time(milliseconds(value));
}

// The caller's frames up to this time of the call, which begins at 1,000 ms.
void hear(TurnMeter& meter, std::int64_t until, std::int64_t from = 0) {
  for (std::int64_t t = from + 20; t <= until; t += 20)
    meter.heard(static_cast<std::uint64_t>(t) * kMs, at(1000 + t));
}

AgentTurn turn(std::uint64_t number, std::uint64_t end_ms, std::uint64_t sent) {
  return {number, end_ms * kMs, {320 * kMs, 20 * kMs, 0, 100 * kMs, 0}, sent};
}

} // namespace

TEST_CASE("a turn is measured to the packet that carries the first sample of the answer") {
  TurnMeter meter;
  hear(meter, 2000);
  CHECK_FALSE(meter.waiting());
  meter.given(320, true);
  CHECK(meter.waiting());
  CHECK(meter.taken(turn(1, 1500, 0), at(3002)));
  CHECK_FALSE(meter.poll());
  meter.left(at(3010));
  const auto measure = meter.poll();
  REQUIRE(measure);
  CHECK(measure->turn == 1);
  CHECK(measure->speech_end == at(2500));
  CHECK(measure->response == milliseconds(510));
  CHECK(measure->stages.back() == milliseconds(70)); // 510 less the agent's 440
  CHECK(std::accumulate(measure->stages.begin(), measure->stages.end(), Duration{0}) == measure->response);
  CHECK_FALSE(meter.poll());
  CHECK_FALSE(meter.waiting());
}

TEST_CASE(
    "the word of the agent may come after the packet has left, and its sample may be inside of its audio") {
  TurnMeter meter;
  hear(meter, 2000);
  meter.given(160 * kMs, true);
  meter.left(at(3000));
  meter.given(160 * kMs, false); // goes on without a hole
  hear(meter, 2200, 2000);
  CHECK(meter.taken(turn(1, 1500, 160 * kMs), at(3100)));
  CHECK_FALSE(meter.poll()); // it has not left yet
  meter.left(at(3140));
  CHECK_FALSE(meter.poll());
  meter.left(at(3160));
  const auto measure = meter.poll();
  REQUIRE(measure);
  CHECK(measure->speech_end + measure->response == at(3160));
}

TEST_CASE("a frame that was handed over late does not move the caller's clock") {
  TurnMeter meter;
  hear(meter, 1000);
  for (std::uint64_t frame = 51; frame <= 60; ++frame) // the loop stood for 700 ms: ten frames at once
    meter.heard(frame * 320, at(2700));
  hear(meter, 1800, 1700);
  meter.given(320, true);
  meter.left(at(2900));
  CHECK(meter.taken(turn(1, 1100, 0), at(2900)));
  const auto measure = meter.poll();
  REQUIRE(measure);
  CHECK(measure->speech_end == at(2100));
}

TEST_CASE("a stall that the media clock has stepped over is not counted as waiting for ever") {
  TurnMeter meter;
  hear(meter, 1000);
  for (std::int64_t t = 1020; t <= 2000; t += 20) // from here on all is 10 s later
    meter.heard(static_cast<std::uint64_t>(t) * kMs, at(11'000 + t));
  meter.given(320, true);
  meter.left(at(13'000));
  CHECK(meter.taken(turn(1, 1500, 0), at(13'000)));
  CHECK(meter.poll()->speech_end == at(12'500));
}

TEST_CASE("what was cleared before it left has no turn") {
  TurnMeter meter;
  hear(meter, 2000);
  meter.given(320, true);
  CHECK(meter.taken(turn(1, 1500, 0), at(3000)));
  meter.cleared();
  CHECK_FALSE(meter.waiting());
  meter.given(320, true);
  meter.left(at(3050));
  CHECK_FALSE(meter.poll());
  CHECK(meter.taken(turn(2, 1900, 320), at(3050)));
  CHECK(meter.poll()->turn == 2);
}

TEST_CASE("after a change of parties only what is new is measured") {
  TurnMeter meter;
  hear(meter, 2000);
  meter.restart();
  CHECK_FALSE(meter.taken(turn(1, 1500, 0), at(3000)));
  hear(meter, 4000, 2000);
  meter.given(320, false); // behind other audio
  CHECK_FALSE(meter.taken(turn(2, 3500, 0), at(5000)));
  meter.given(320, true);
  meter.left(at(5010));
  CHECK_FALSE(meter.taken(turn(3, 1500, 320), at(5010))); // speech of the other party
  CHECK(meter.taken(turn(4, 3500, 320), at(5010)));
  CHECK(meter.poll()->turn == 4);
}

TEST_CASE("figures that cannot be are refused, and no number of them grows anything") {
  TurnMeter meter;
  CHECK_FALSE(meter.taken(turn(1, 0, 0), at(0))); // nothing has been heard
  hear(meter, 2000);
  meter.given(320, true);
  CHECK_FALSE(meter.taken(turn(1, 2001, 0), at(3000)));
  AgentTurn endless = turn(1, 1500, 0);
  endless.stages[2] = ~std::uint64_t{0};
  CHECK_FALSE(meter.taken(endless, at(3000)));
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    taken += meter.taken(turn(1, 1500, 0), at(3000)) ? 1 : 0;
  CHECK(taken == 8);
  // A sum of stages that is more than the time that has passed: nothing is negative.
  meter.left(at(2600));
  const auto measure = meter.poll();
  REQUIRE(measure);
  CHECK(measure->stages.back() == Duration{0});
  CHECK(measure->response == milliseconds(440));
}
