// Pauses, jumps, outages, new streams, other packet times, and limits.
#include "rtp/jitter_buffer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "rtp/jitter_rig.hpp"

using namespace talky;
using namespace talky::rtp;

TEST_CASE("silence suppression is silence, not loss, and the next talkspurt is whole") {
  JitterBuffer buffer({});
  Time now{0ms};
  std::uint16_t sequence = 100;
  std::uint32_t played = 0;
  std::uint32_t lost = 0;
  for (int spurt = 0; spurt < 5; ++spurt) {
    for (int tick = 0; tick < 100; ++tick, now += 20ms) {
      if (tick < 50) {
        const auto timestamp = static_cast<std::uint32_t>(now.time_since_epoch() / 20ms * kUnits);
        push(buffer, packet(sequence++, timestamp, 0, 1, tick == 0), now - 3ms);
      }
      const auto slot = buffer.pop(now, kUnits);
      played += slot.kind == Kind::packet ? 1u : 0u;
      lost += slot.kind == Kind::lost ? 1u : 0u;
      if (tick >= 70) CHECK(slot.kind == Kind::silence);
    }
  }
  CHECK(played == 250);
  CHECK(buffer.counters().lost == 0);
  CHECK(lost <= 5 * 11); // 200 ms after each: who could tell before
  CHECK(buffer.counters().restarts == 0);
}

TEST_CASE("packets without audio are no loss") {
  JitterBuffer buffer({});
  Time now{0ms};
  std::uint32_t lost = 0;
  for (std::uint16_t i = 0; i < 40; ++i, now += 20ms) {
    const Wire wire = packet(i, (i >= 10 && i < 20 ? 10u : i) * kUnits, i);
    if (i >= 10 && i < 20) {
      buffer.push_other(*PacketView::parse(wire.bytes), now);
    } else {
      push(buffer, wire, now);
    }
    lost += buffer.pop(now + 1ms, kUnits).kind == Kind::lost ? 1u : 0u;
  }
  CHECK(buffer.counters().lost == 0);
  CHECK(lost <= 1);
  CHECK(buffer.counters().played >= 28);
}

TEST_CASE("a jump of the timestamps does not stop the audio") {
  for (const std::uint32_t jump : {1'000'000u, 0x80000000u, 0u - 800'000u}) {
    JitterBuffer buffer({});
    Time now{0ms};
    std::uint32_t played = 0;
    std::uint32_t gaps = 0;
    for (std::uint16_t i = 0; i < 200; ++i, now += 20ms) {
      push(buffer, packet(i, i * kUnits + (i >= 100 ? jump : 0), i), now);
      const auto slot = buffer.pop(now + 5ms, kUnits);
      if (slot.kind == Kind::packet) {
        ++played;
      } else if (i > 5) {
        ++gaps;
      }
    }
    CAPTURE(jump);
    CHECK(played >= 195);
    CHECK(gaps <= 2);
  }
}

TEST_CASE("a peer that pauses without moving its timestamp is heard at once when it goes on") {
  JitterBuffer buffer({});
  Time now{0ms};
  std::uint32_t after = 0;
  for (std::uint16_t i = 0; i < 300; ++i, now += 20ms) {
    if (i < 100) push(buffer, packet(i, i * kUnits, i), now);
    if (i >= 200) push(buffer, packet(static_cast<std::uint16_t>(i - 100), (i - 100u) * kUnits, i), now);
    const auto slot = buffer.pop(now + 5ms, kUnits);
    if (i >= 200 && slot.kind == Kind::packet) ++after;
  }
  CHECK(after >= 97);
  CHECK(buffer.counters().discarded == 0);
}

TEST_CASE("after an outage the backlog is cut to the target in one go") {
  test::Network<Wire>::Config config;
  Stream stream(config);
  stream.run(5s);
  stream.network.config().delay = 1500ms; // a stall: what is sent now comes in a lump
  stream.run(20ms);
  const auto sent = stream.sent;
  for (int i = 0; i < 74; ++i) {
    stream.network.config().delay = 1500ms - i * 20ms;
    stream.run(20ms);
  }
  stream.network.config().delay = 20ms;
  stream.run(10s);
  CHECK(stream.sent > sent + 500);
  CHECK(stream.in_order());
  CHECK(stream.buffer.counters().discarded > 30);
  CHECK(stream.buffer.counters().discarded < 80);
  CHECK(stream.buffer.delay() < 450ms);
  CHECK(stream.buffer.size() < 25);
}

TEST_CASE("a new SSRC and a sequence jump that goes on start the stream afresh") {
  JitterBuffer buffer({});
  Time now{0ms};
  for (std::uint16_t i = 0; i < 50; ++i, now += 20ms) {
    push(buffer, packet(i, i * kUnits, i), now);
    buffer.pop(now + 5ms, kUnits);
  }
  std::uint32_t heard = 0;
  for (std::uint16_t i = 0; i < 50; ++i, now += 20ms) {
    push(buffer, packet(static_cast<std::uint16_t>(40'000 + i), i * kUnits, i, 2), now);
    heard += buffer.pop(now + 5ms, kUnits).kind == Kind::packet ? 1u : 0u;
  }
  CHECK(heard >= 48);
  CHECK(buffer.counters().restarts == 1);
  heard = 0;
  for (std::uint16_t i = 0; i < 50; ++i, now += 20ms) {
    push(buffer, packet(static_cast<std::uint16_t>(10'000 + i), 77'000 + i * kUnits, i, 2), now);
    heard += buffer.pop(now + 5ms, kUnits).kind == Kind::packet ? 1u : 0u;
  }
  CHECK(heard >= 47); // the first is only believed when the second follows it
  CHECK(buffer.counters().restarts == 2);
}

TEST_CASE("one stray packet from far away changes nothing") {
  JitterBuffer buffer({});
  Time now{0ms};
  std::uint32_t heard = 0;
  for (std::uint16_t i = 0; i < 100; ++i, now += 20ms) {
    push(buffer, packet(i, i * kUnits, i), now);
    if (i == 50) push(buffer, packet(30'000, 5, 0), now);
    heard += buffer.pop(now + 5ms, kUnits).kind == Kind::packet ? 1u : 0u;
  }
  CHECK(heard >= 98);
  CHECK(buffer.counters().restarts == 0);
}

TEST_CASE("packets of 10, 30, 40 and 60 ms, and a change between them, lose nothing") {
  JitterBuffer buffer({});
  std::vector<std::uint32_t> sizes;
  for (const std::uint32_t units : {80u, 240u, 320u, 480u, 160u})
    sizes.insert(sizes.end(), 40, units);
  std::uint32_t timestamp = 0;
  std::uint64_t total = 0;
  std::uint16_t sequence = 0;
  std::int64_t have = 0;
  Time play{0ms};
  std::size_t next = 0;
  std::uint32_t lost = 0;
  while (play < Time{11s}) {
    // A packet is sent when its last sample has been spoken.
    while (next < sizes.size() && Time{Duration{(timestamp + std::int64_t{sizes[next]}) * 125}} <= play) {
      push(buffer, packet(sequence++, timestamp, 0),
           Time{Duration{(timestamp + std::int64_t{sizes[next]}) * 125}}, sizes[next]);
      timestamp += sizes[next];
      total += sizes[next++];
    }
    have -= kUnits;
    while (have < 0) {
      const auto slot = buffer.pop(play, kUnits);
      have += slot.units;
      lost += slot.kind == Kind::lost && next < sizes.size() ? 1u : 0u;
    }
    play += 20ms;
  }
  CHECK(total > 40'000);
  CHECK(buffer.counters().played == sizes.size());
  CHECK(buffer.counters().lost == 0);
  CHECK(lost <= 4); // one at each change to longer packets, which take longer to come
}

TEST_CASE("memory is bounded when nobody pops") {
  JitterBuffer buffer({});
  for (std::uint32_t i = 0; i < 10'000; ++i)
    push(buffer, packet(static_cast<std::uint16_t>(i), i * kUnits, i), Time{i * 20ms});
  CHECK(buffer.size() <= 128);
  const auto slot = buffer.pop(Time{10'000 * 20ms}, kUnits);
  CHECK(slot.kind == Kind::packet);
  CHECK(id_of(slot) > 10'000 - 25);
}

// Whatever the network does: a packet is played, or it is counted as what became of it, or it still waits.
TEST_CASE("no packet is lost from the books") {
  std::uint64_t discarded = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto one_in = [&random](std::uint32_t n) { return random() % n == 0; };
    JitterBuffer buffer({});
    std::multimap<Time, Wire> network;
    auto sequence = static_cast<std::uint16_t>(random());
    auto timestamp = static_cast<std::uint32_t>(random());
    Time now{1s};
    for (int tick = 0; tick < 2000; ++tick, now += 20ms) {
      ++sequence;
      timestamp += kUnits;
      if (one_in(300)) sequence = static_cast<std::uint16_t>(sequence + random() % 200);
      if (one_in(500)) timestamp += static_cast<std::uint32_t>(random() % 100'000);
      const auto jitter = std::chrono::milliseconds(random() % (1 + 20 * (seed % 5)));
      if (!one_in(20)) network.emplace(now + jitter, packet(sequence, timestamp, 0));
      if (one_in(40))
        network.emplace(now + jitter * 4 + (one_in(4) ? 2s : 0s), packet(sequence, timestamp, 0));
      for (; !network.empty() && network.begin()->first <= now; network.erase(network.begin()))
        push(buffer, network.begin()->second, now);
      const bool stalled = seed % 3 == 0 && tick / 250 % 2 == 1; // nobody pops for five seconds
      if (!stalled) (void)buffer.pop(now, kUnits);
      const auto& counted = buffer.counters();
      REQUIRE(counted.pushed ==
              counted.played + counted.late + counted.duplicates + counted.discarded + buffer.size());
    }
    discarded += buffer.counters().discarded;
  }
  CHECK(discarded > 1000); // so that the stalls are worth their name
}
