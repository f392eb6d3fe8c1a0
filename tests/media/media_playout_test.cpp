// play(), clear(), mark() and what they say about what was heard: to the sample.
#include <doctest/doctest.h>

#include "media/media_playout.hpp"
#include "media/media_rig.hpp"

using namespace talky;
using namespace talky::test;

namespace {

struct Alone {
  explicit Alone(const MediaConfig& config = media_config(address(2, 4000))) : random(1) {
    end.emplace(*Media::create(config, random), address(1, 3000));
    end->media.attach_bridge();
    end->media.start(now);
  }
  Random random;
  std::optional<End> end;
  Time now{0ms};
  Media& media() { return end->media; }
  void ticks(int count) {
    for (int i = 0; i < count; ++i, now += 20ms) {
      media().expire(now);
      end->drain(now, [](const Datagram&) {});
    }
  }
};

} // namespace

TEST_CASE("marks are reached in order, each when its last sample has left, with the exact count") {
  Alone alone;
  alone.media().mark("nothing yet");
  alone.media().play(signal(1000));
  alone.media().mark("a");
  alone.media().play(signal(600));
  alone.media().mark("b");
  alone.media().mark("c");
  alone.ticks(3); // 960 samples are in the encoder
  REQUIRE(alone.end->marks.size() == 1);
  CHECK(alone.end->marks[0].name == "nothing yet");
  CHECK(alone.end->marks[0].samples_played == 0);
  alone.ticks(1);
  REQUIRE(alone.end->marks.size() == 2);
  CHECK(alone.end->marks[1].name == "a");
  CHECK(alone.end->marks[1].samples_played == 1000);
  alone.ticks(1); // 1600 in, but the last 5 ms are still in the resampler
  CHECK(alone.end->marks.size() == 2);
  CHECK(alone.media().samples_played() < 1600);
  CHECK(alone.media().samples_played() >= 1500);
  CHECK_FALSE(alone.media().playout_idle());
  alone.ticks(1);
  REQUIRE(alone.end->marks.size() == 4);
  CHECK(alone.end->marks[3].name == "c");
  CHECK(alone.end->marks[3].samples_played == 1600);
  CHECK_FALSE(alone.end->marks[3].discarded);
  CHECK(alone.media().samples_played() == 1600);
  CHECK(alone.media().playout_idle());
}

TEST_CASE("clear discards what is queued and accounts for every sample") {
  Alone alone;
  const auto said = signal(16'000);
  alone.media().play(said);
  alone.media().mark("end");
  alone.ticks(10);
  const Cleared cleared = alone.media().clear();
  CHECK(cleared.played == 3200);
  CHECK(cleared.discarded == 12'800);
  CHECK(alone.media().samples_queued() == 0);
  alone.ticks(1);
  REQUIRE(alone.end->marks.size() == 1);
  CHECK(alone.end->marks[0].discarded);
  CHECK(alone.end->marks[0].samples_played == 3200);
  CHECK(alone.media().samples_played() == 3200); // the tail in the resampler has left by now
  CHECK(alone.media().playout_idle());
  // What left is just that, and what comes next is not mixed with it.
  const auto next = signal(3200, 8);
  alone.media().play(next);
  alone.media().mark("next");
  alone.ticks(20);
  CHECK(correlation(std::span(said).first(3200), alone.end->right, 0) > 0.9999);
  CHECK(correlation(next, alone.end->right, 11 * 320L) > 0.9999);
  CHECK(alone.end->marks.back().name == "next");
  CHECK(alone.end->marks.back().samples_played == 6400);
  CHECK(alone.media().clear().discarded == 0);
}

TEST_CASE("a mark that was cleared away counts what had been said by then, not what was said since") {
  MediaPlayout playout(16'000);
  std::array<std::int16_t, 320> frame{};
  playout.push(std::vector<std::int16_t>(320));
  playout.mark("in the encoder");
  playout.push(std::vector<std::int16_t>(320));
  playout.mark("cleared");
  playout.take(frame);
  playout.clear();
  playout.mark("after it");
  playout.push(std::vector<std::int16_t>(640));
  playout.take(frame); // before the first mark has left
  playout.sent(0);
  std::vector<std::uint64_t> positions;
  while (const auto mark = playout.poll())
    positions.push_back(mark->position);
  CHECK(positions == std::vector<std::uint64_t>{320, 320, 320});
}

TEST_CASE("accounts balance whatever is done, in any order") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Alone alone;
    Random random(seed);
    std::uint64_t accepted = 0;
    std::uint64_t discarded = 0;
    std::size_t marks = 0;
    for (int i = 0; i < 300; ++i) {
      switch (random.below(6)) {
        case 0:
        case 1: accepted += alone.media().play(signal(random.below(1500))); break;
        case 2:
          alone.media().mark(std::to_string(marks));
          ++marks;
          break;
        case 3:
          if (random.below(4) == 0) {
            const Cleared cleared = alone.media().clear();
            discarded += cleared.discarded;
            CHECK(cleared.played + discarded == accepted);
          }
          break;
        default: alone.ticks(1); break;
      }
      CHECK(alone.media().samples_played() + discarded <= accepted);
    }
    alone.ticks(500);
    CHECK(alone.media().samples_played() + discarded == accepted);
    REQUIRE(alone.end->marks.size() == marks);
    for (std::size_t i = 0; i < marks; ++i) {
      CHECK(alone.end->marks[i].name == std::to_string(i));
      if (i > 0) CHECK(alone.end->marks[i].samples_played >= alone.end->marks[i - 1].samples_played);
    }
  }
}

TEST_CASE("an agent that floods is told once, and keeps what it said first") {
  MediaConfig config = media_config(address(2, 4000));
  config.max_playout = 1s;
  Alone alone(config);
  const auto said = signal(24'000);
  CHECK(alone.media().play(said) == 16'000);
  CHECK(alone.media().play(said) == 0);
  alone.ticks(1);
  CHECK(alone.end->overflows.size() == 1);
  CHECK(alone.media().play(said) == 320);
  alone.ticks(40); // below half
  CHECK(alone.end->overflows.size() == 1);
  CHECK(alone.media().play(said) == 41 * 320 - 320);
  alone.ticks(1);
  CHECK(alone.end->overflows.size() == 2);
  CHECK(correlation(std::span(said).first(12'800), alone.end->right, 0) > 0.9999);
}

TEST_CASE("on hold agent audio waits, and is not played until resumed") {
  Alone alone;
  const auto said = signal(6400);
  alone.media().play(said);
  alone.media().mark("end");
  alone.ticks(5);
  auto session = alone.media().session();
  session.direction = Direction::recvonly;
  REQUIRE(alone.media().update(session, alone.now));
  alone.ticks(50);
  CHECK(alone.end->sent.size() == 5);
  CHECK(alone.media().samples_queued() == 4800);
  session.direction = Direction::sendrecv;
  REQUIRE(alone.media().update(session, alone.now));
  alone.ticks(30);
  CHECK(alone.end->sent[5].marker);
  CHECK(alone.end->sent[5].timestamp - alone.end->sent[4].timestamp == 51 * 160);
  REQUIRE(alone.end->marks.size() == 1);
  CHECK(alone.end->marks[0].samples_played == 6400);
  CHECK(correlation(std::span(said).subspan(1600), alone.end->right, 55 * 320L) > 0.9999);
}

TEST_CASE("after stop nothing is taken and nothing comes but the BYE") {
  Alone alone;
  alone.ticks(10);
  alone.media().stop(alone.now);
  CHECK(alone.media().play(signal(320)) == 0);
  CHECK_FALSE(alone.media().deadline());
  const auto sent = alone.end->sent.size();
  alone.ticks(10);
  CHECK(alone.end->sent.size() == sent);
  CHECK(alone.end->reports == 1);
}

TEST_CASE("the queue itself: fill silence is not counted, the encoder's delay is") {
  MediaPlayout playout(1000);
  std::vector<std::int16_t> frame(320);
  const std::vector<std::int16_t> hundred(100, 5);
  CHECK(playout.take(frame) == 0);
  CHECK(playout.push(hundred) == 100);
  CHECK(playout.take(frame) == 100);
  CHECK(frame[99] == 5);
  CHECK(frame[100] == 0);
  playout.sent(80); // 320 in, 240 out: the hundred have left
  CHECK(playout.played() == 100);
  CHECK(playout.idle());
  CHECK(playout.push(std::vector<std::int16_t>(310, 1)) == 310);
  CHECK(playout.take(frame) == 310);
  playout.sent(80);
  CHECK(playout.played() == 100 + 240);
  CHECK_FALSE(playout.idle());
  playout.take(frame);
  playout.sent(80);
  CHECK(playout.idle());
  CHECK(playout.push(std::vector<std::int16_t>(2000, 1)) == 1000);
}

TEST_CASE("holes in what the agent says are counted: short ones are underruns, long ones its pauses") {
  MediaPlayout playout(100'000);
  std::vector<std::int16_t> frame(320);
  const auto says = [&](std::size_t samples) {
    playout.push(std::vector<std::int16_t>(samples, 1));
    while (playout.queued() >= 320)
      playout.take(frame);
  };
  const auto waits = [&](int ticks) {
    for (int i = 0; i < ticks; ++i)
      playout.take(frame);
  };
  const auto counts = [&](std::uint64_t underruns, std::uint64_t samples, std::uint64_t pauses) {
    const MediaPlayout::Counters& c = playout.counters();
    return c.underruns == underruns && c.underrun_samples == samples && c.pauses == pauses;
  };
  waits(100); // it has not begun
  says(3'200);
  CHECK(counts(0, 0, 0));
  waits(1);
  says(640);
  CHECK(counts(1, 320, 0));
  says(100); // the rest of its tick is a hole, if it goes on
  waits(1);
  CHECK(counts(1, 320, 0));
  waits(2);
  says(320);
  CHECK(counts(2, 320 + 220 + 640, 0));
  waits(25); // half a second
  says(320);
  CHECK(counts(3, 1'180 + 8'000, 0));
  waits(26);
  says(320);
  CHECK(counts(3, 9'180, 1));
  // Barge-in: what it says next is another thing.
  says(100);
  playout.push(std::vector<std::int16_t>(1'000, 1));
  playout.clear();
  waits(3);
  says(3'200);
  CHECK(counts(3, 9'180, 1));
  waits(100); // and the end is no hole
  CHECK(counts(3, 9'180, 1));
}

TEST_CASE("an agent that is a tick late is told of in the quality of the call") {
  Alone alone;
  const auto said = signal(6'400);
  alone.media().play(std::span(said).first(3'200));
  alone.ticks(11);
  alone.media().play(std::span(said).subspan(3'200));
  alone.ticks(20);
  const MediaQuality quality = alone.media().quality();
  CHECK(quality.underruns == 1);
  CHECK(quality.underrun_samples == 320);
  CHECK(quality.pauses == 0);
}
