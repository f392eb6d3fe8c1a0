// The grid of ticks, and what is sent on it, however late the rim wakes.
#include <doctest/doctest.h>

#include "media/media_rig.hpp"

using namespace talky;
using namespace talky::test;

namespace {

Media make(const MediaConfig& config, std::uint64_t seed = 1) {
  Random random(seed);
  return *Media::create(config, random);
}

// An end on its own: what it sends goes nowhere.
struct Alone {
  explicit Alone(const MediaConfig& config) : end(make(config), address(1, 3000)) {
    end.media.attach_bridge();
  }
  End end;
  void at(Duration time) {
    end.media.expire(Time{time});
    end.drain(Time{time}, [](const Datagram&) {});
  }
};

} // namespace

TEST_CASE("nothing happens before the start, and then a tick every 20 ms, the first at once") {
  Alone alone(media_config(address(2, 4000)));
  CHECK_FALSE(alone.end.media.deadline());
  CHECK_FALSE(alone.end.media.started());
  alone.at(100ms);
  CHECK(alone.end.heard.empty());
  alone.end.media.start(Time{105ms});
  alone.at(105ms);
  CHECK(alone.end.heard.size() == 320);
  CHECK(alone.end.sent.size() == 1);
  CHECK(alone.end.media.deadline() == Time{125ms});
  alone.at(124ms);
  CHECK(alone.end.sent.size() == 1);
  alone.at(125ms);
  CHECK(alone.end.sent.size() == 2);
  CHECK(alone.end.media.samples() == 640);
}

TEST_CASE("silence is sent all the time, with one marker at its beginning") {
  Alone alone(media_config(address(2, 4000)));
  alone.end.media.start(Time{0ms});
  for (int i = 0; i < 500; ++i)
    alone.at(i * 20ms);
  REQUIRE(alone.end.sent.size() == 500);
  for (std::size_t i = 0; i < 500; ++i) {
    CHECK(alone.end.sent[i].marker == (i == 0));
    CHECK(alone.end.sent[i].timestamp == alone.end.sent[0].timestamp + i * 160);
    CHECK(alone.end.sent[i].sequence == static_cast<std::uint16_t>(alone.end.sent[0].sequence + i));
    CHECK(alone.end.sent[i].ssrc == alone.end.sent[0].ssrc);
  }
}

TEST_CASE("a late rim catches up on the grid, and no drift remains") {
  Alone alone(media_config(address(2, 4000)));
  alone.end.media.start(Time{0ms});
  Random random(9);
  Duration now{0ms};
  const auto said = signal(32'000);
  alone.end.media.play(said);
  while (now < 5s) {
    alone.at(now);
    now += Duration{static_cast<std::int64_t>(random.below(90'000))}; // wakes whenever it likes
  }
  alone.at(5s);
  CHECK(alone.end.sent.size() == 251);
  CHECK(alone.end.heard.size() == 251 * 320);
  for (std::size_t i = 1; i < alone.end.sent.size(); ++i) {
    CHECK(alone.end.sent[i].timestamp - alone.end.sent[0].timestamp == i * 160);
    CHECK_FALSE(alone.end.sent[i].marker);
  }
  CHECK(alone.end.media.deadline() == Time{5020ms});
  CHECK(alone.end.media.quality().late_ticks > 50);
  CHECK(alone.end.media.quality().unsent_ticks == 0);
  CHECK(correlation(said, alone.end.right, 0) > 0.9999);
}

TEST_CASE("what would be much too late is not sent; agent audio waits, timestamps go on, a marker tells") {
  Alone alone(media_config(address(2, 4000)));
  alone.end.media.start(Time{0ms});
  const auto said = signal(16'000);
  alone.end.media.play(said);
  for (int i = 0; i < 10; ++i)
    alone.at(i * 20ms);
  alone.at(1180ms); // 49 ticks late: of these, 200 ms are made up for
  CHECK(alone.end.heard.size() == 60 * 320);
  CHECK(alone.end.sent.size() == 10 + 11);
  CHECK(alone.end.media.quality().unsent_ticks == 39);
  CHECK(alone.end.sent[10].marker);
  CHECK(alone.end.sent[10].timestamp - alone.end.sent[9].timestamp == 40 * 160);
  CHECK(alone.end.sent[10].sequence == static_cast<std::uint16_t>(alone.end.sent[9].sequence + 1));
  CHECK_FALSE(alone.end.sent[11].marker);
  CHECK(alone.end.sent.back().timestamp - alone.end.sent[0].timestamp == 59 * 160);
  for (int i = 60; i < 110; ++i)
    alone.at(i * 20ms);
  CHECK(alone.end.media.samples_played() == said.size());
  // In the recording it stands where it was sent.
  CHECK(correlation(std::span(said).first(3200), alone.end.right, 0) > 0.9999);
  CHECK(correlation(std::span(said).subspan(3200), alone.end.right, 49 * 320L) > 0.9999);
}

TEST_CASE("a suspended machine does not make up for its sleep") {
  Alone alone(media_config(address(2, 4000)));
  alone.end.media.start(Time{0ms});
  for (int i = 0; i < 10; ++i)
    alone.at(i * 20ms);
  alone.at(1h + 5ms);
  CHECK(alone.end.heard.size() == 11 * 320); // as if the hour had not been
  CHECK(alone.end.sent.back().timestamp - alone.end.sent[0].timestamp == 3600u * 8000u);
  CHECK(alone.end.sent.back().marker);
  CHECK(alone.end.contiguous);
  alone.at(1h + 25ms);
  CHECK(alone.end.sent.size() == 12);
}

TEST_CASE("two runs with the same seed and the same times give the same bytes") {
  const auto run = [] {
    Pair::Net::Config network;
    network.loss = 0.1;
    network.jitter = 50ms;
    network.duplicate = 0.05;
    Pair pair(network, 42);
    pair.b.echo = true;
    pair.a.media.play(signal(48'000));
    pair.start();
    pair.run(5s);
    return std::pair(pair.a.heard, pair.b.heard);
  };
  const auto first = run();
  const auto second = run();
  CHECK(first == second);
}

TEST_CASE("an unknown codec is refused") {
  MediaConfig config = media_config(address(2, 4000));
  Random random(1);
  config.session.formats = {{"AMR", 96, 8000}};
  CHECK(Media::create(config, random).error().code == Errc::unsupported);
  config.session.formats = {};
  CHECK(Media::create(config, random).error().code == Errc::unsupported);
}
