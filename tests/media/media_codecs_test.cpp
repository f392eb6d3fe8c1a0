// Every codec of the table that calls can have, both ways through two ends, at every packet time.
#include <doctest/doctest.h>

#include <cmath>

#include "codec/codec.hpp"
#include "media/media_rig.hpp"

using namespace talky;
using namespace talky::test;

namespace {

MediaConfig config_for(const codec::Info& info, const Endpoint& remote, std::uint32_t ptime) {
  MediaConfig config = media_config(remote);
  config.session.formats = {{std::string(info.name), info.static_pt.value_or(96), info.clock_rate}};
  config.session.ptime_ms = ptime;
  return config;
}

// How alike what was said and what was heard are, in the place where they are most.
double score(const std::vector<std::int16_t>& said, const std::vector<std::int16_t>& heard) {
  return find(std::span(said).subspan(8000, 3200), heard, 8000, 8000 + 400 * kSampleRate / 1000).score;
}

} // namespace

TEST_CASE("each codec for calls carries sound both ways, whatever it packs into a payload") {
  for (const codec::Entry& entry : codec::all()) {
    const codec::Info& info = entry.info;
    if (info.channels != 1) continue;
    for (const std::uint32_t ptime : {10U, 20U, 30U, 60U}) {
      CAPTURE(info.name);
      CAPTURE(info.clock_rate);
      CAPTURE(ptime);
      Pair pair({}, 1, config_for(info, address(2, 4000), ptime), config_for(info, address(1, 3000), ptime));
      pair.step = 5ms;
      pair.start();
      const auto there = signal(16'000, 7);
      const auto back = signal(16'000, 8);
      pair.a.media.play(there);
      pair.b.media.play(back);
      pair.run(1600ms);
      // Of forty sines GSM, made for one voice, keeps 0.58; in another place nothing is above 0.1.
      const double least = info.name == "GSM" ? 0.5 : info.name == "opus" ? 0.8 : 0.98;
      CHECK(score(there, pair.b.heard) > least);
      CHECK(score(back, pair.a.heard) > least);
      // The packets tile the time without a gap, and each is what the codec makes.
      REQUIRE(pair.a.sent.size() > 10);
      const std::uint32_t units = pair.a.sent[1].timestamp - pair.a.sent[0].timestamp;
      CHECK(units % (info.clock_rate / 100) == 0);
      CHECK(units >= info.clock_rate * ptime / 1000);
      CHECK(entry.make()->packs(units / (info.clock_rate / 100) * (info.sample_rate / 100)));
      for (std::size_t i = 1; i < pair.a.sent.size(); ++i) {
        REQUIRE(pair.a.sent[i].timestamp - pair.a.sent[i - 1].timestamp == units);
        REQUIRE_FALSE(pair.a.sent[i].marker);
      }
      const auto quality = pair.b.media.quality();
      CHECK(quality.malformed == 0);
      CHECK(quality.unexpected == 0);
      CHECK(pair.b.concealed_frames == 0);
    }
  }
}

TEST_CASE("what waited for its packet when the codec changed leaves under the old payload type") {
  MediaConfig config = media_config(address(2, 4000));
  config.session.formats = {{"PCMA", 8, 8000}};
  config.session.ptime_ms = 60;
  Pair pair({}, 1, config);
  pair.start();
  pair.a.media.play(signal(16'000));
  pair.run(90ms); // five ticks: one packet, and 40 ms of the next
  MediaSession session = config.session;
  session.formats = {{"PCMU", 0, 8000}};
  REQUIRE(pair.a.media.update(session, pair.now));
  pair.run(100ms);
  REQUIRE(pair.a.sent.size() >= 3);
  CHECK(pair.a.sent[0].payload_type == 8);
  CHECK(pair.a.sent[1].payload_type == 8);
  CHECK(pair.a.sent[2].payload_type == 0);
  CHECK(pair.a.sent[2].timestamp - pair.a.sent[1].timestamp == 320);
}
