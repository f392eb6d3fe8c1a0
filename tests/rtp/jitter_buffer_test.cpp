// Steady streams, loss, reordering, jitter and drift.
#include "rtp/jitter_buffer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "rtp/jitter_rig.hpp"

using namespace talky;
using namespace talky::rtp;

TEST_CASE("a steady stream is played whole, in order, with 10 to 40 ms of delay") {
  for (const auto phase : {0ms, 1ms, 7ms, 13ms, 19ms}) {
    Stream stream({});
    stream.send_at = Time{phase};
    stream.run(10s);
    CAPTURE(phase.count());
    CHECK(stream.in_order());
    CHECK(stream.played.front() == 0);
    CHECK(stream.slots[Kind::lost] == 0);
    CHECK(stream.slots[Kind::packet] + 3 >= stream.sent);
    CHECK(stream.buffer.delay() >= 5ms);
    CHECK(stream.buffer.delay() <= 40ms);
    CHECK(stream.buffer.counters().late == 0);
    CHECK(stream.buffer.counters().restarts == 0);
  }
}

TEST_CASE("the first packet is held for no longer than the start delay and a tick") {
  JitterBuffer buffer({});
  CHECK(buffer.pop(Time{0ms}, kUnits).kind == Kind::silence);
  push(buffer, packet(7, 1000, 0), Time{3ms});
  CHECK(buffer.pop(Time{10ms}, kUnits).kind == Kind::silence);
  const auto slot = buffer.pop(Time{30ms}, kUnits);
  CHECK(slot.kind == Kind::packet);
  CHECK(slot.discontinuity);
  CHECK(slot.timestamp == 1000);
  CHECK(id_of(slot) == 0);
}

TEST_CASE("reordered packets are played in order and duplicates once") {
  JitterBuffer buffer({});
  push(buffer, packet(11, 1160, 1), Time{0ms});
  push(buffer, packet(10, 1000, 0), Time{1ms});
  push(buffer, packet(13, 1480, 3), Time{40ms});
  push(buffer, packet(12, 1320, 2), Time{41ms});
  push(buffer, packet(12, 1320, 2), Time{42ms});
  push(buffer, packet(10, 1000, 0), Time{43ms});
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto slot = buffer.pop(Time{45ms + i * 20ms}, kUnits);
    CAPTURE(i);
    CHECK(slot.kind == Kind::packet);
    CHECK(id_of(slot) == i);
  }
  push(buffer, packet(13, 1480, 3), Time{130ms}); // after it was played
  CHECK(buffer.counters().duplicates == 3);
  CHECK(buffer.counters().late == 0);
  CHECK(buffer.size() == 0);
}

TEST_CASE("every lost packet is one slot to conceal, and the time line holds") {
  JitterBuffer buffer({});
  for (std::uint16_t i = 0; i < 10; ++i) {
    if (i != 4 && i != 5) push(buffer, packet(i, i * kUnits, i), Time{i * 20ms});
  }
  // All are there, so what is missing is known to be lost.
  std::string heard;
  for (int i = 0; i < 10; ++i) {
    const auto slot = buffer.pop(Time{200ms + i * 20ms}, kUnits);
    heard += slot.kind == Kind::packet ? static_cast<char>('0' + id_of(slot)) : 'x';
    CHECK(slot.units == kUnits);
  }
  CHECK(heard == "0123xx6789");
  CHECK(buffer.counters().lost == 2);
  CHECK(buffer.counters().concealed_units == 2 * kUnits);
}

TEST_CASE("a late packet is played whole and the delay has grown by the gap") {
  JitterBuffer buffer({});
  for (std::uint16_t i = 0; i < 3; ++i)
    push(buffer, packet(i, i * kUnits, i), Time{i * 20ms});
  for (int i = 0; i < 3; ++i)
    CHECK(buffer.pop(Time{20ms + i * 20ms}, kUnits).kind == Kind::packet);
  CHECK(buffer.pop(Time{80ms}, kUnits).kind == Kind::lost);
  CHECK(buffer.pop(Time{100ms}, kUnits).kind == Kind::lost);
  for (std::uint16_t i = 3; i < 6; ++i)
    push(buffer, packet(i, i * kUnits, i), Time{110ms});
  for (std::uint32_t i = 3; i < 6; ++i) {
    const auto slot = buffer.pop(Time{120ms + (i - 3) * 20ms}, kUnits);
    CHECK(slot.kind == Kind::packet);
    CHECK(id_of(slot) == i);
  }
  CHECK(buffer.counters().late == 0);
  CHECK(buffer.counters().lost == 0);
}

TEST_CASE("the target follows the jitter up and down again") {
  test::Network<Wire>::Config config;
  config.jitter = 60ms;
  Stream stream(config, 3);
  stream.run(20s);
  CHECK(stream.buffer.target() >= 50ms);
  CHECK(stream.buffer.target() <= 75ms);
  CHECK(stream.buffer.delay() <= 110ms);
  stream.slots.clear();
  stream.run(20s); // it has learned: hardly anything is late now
  CHECK(stream.slots[Kind::lost] <= 10);
  CHECK(stream.in_order());

  stream.network.config().jitter = 0ms;
  stream.run(90s);
  CHECK(stream.buffer.target() <= 15ms);
  CHECK(stream.buffer.delay() <= 40ms);
}

TEST_CASE(
    "under loss, jitter, reordering and duplicates every packet that comes in time is played once, in "
    "order") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::Network<Wire>::Config config;
    config.loss = 0.05;
    config.burst = 0.3;
    config.duplicate = 0.05;
    config.jitter = std::chrono::milliseconds(10 * (seed % 6));
    config.spike = 0.002;
    Stream stream(config, seed);
    stream.run(30s);
    stream.sending = false;
    stream.run(1s);
    CAPTURE(seed);
    const auto& counters = stream.buffer.counters();
    CHECK(stream.in_order());
    CHECK(stream.played.size() + counters.late + counters.discarded + stream.network.lost() == stream.sent);
    CHECK(counters.late + counters.discarded <= stream.sent / 50);
    // The clock of the player is the clock of the sender: what was not played was concealed, give or take the
    // delay.
    CHECK(stream.slots[Kind::lost] >= stream.network.lost() * 9 / 10);
    CHECK(stream.slots[Kind::lost] <= stream.network.lost() + stream.sent / 30);
  }
}

TEST_CASE("clock drift of 300 ppm either way is followed for ten minutes without loss") {
  for (const double drift : {-300e-6, 300e-6}) {
    Stream stream({}, 1, drift);
    stream.run(600s);
    CAPTURE(drift);
    CHECK(stream.slots[Kind::lost] == 0);
    CHECK(stream.buffer.counters().discarded == 0);
    CHECK(stream.buffer.counters().restarts == 0);
    CHECK(stream.played.size() + 4 >= stream.sent);
    CHECK(stream.in_order());
    CHECK(stream.buffer.delay() >= 0ms);
    CHECK(stream.buffer.delay() <= 45ms);
  }
}

TEST_CASE(
    "a consumer that was kept from running gets all that came meanwhile, and keeps the delay that it had") {
  for (const auto stall : {300ms, 500ms, 1000ms, 2000ms}) {
    CAPTURE(stall.count());
    JitterBuffer buffer({});
    std::uint32_t expected = 0;
    int lost = 0;
    const auto pop_until = [&](Time& due, Time end) {
      for (; due < end; due += 20ms) {
        const auto slot = buffer.pop(due, kUnits);
        if (slot.kind == Kind::packet) CHECK(id_of(slot) == expected++);
        lost += slot.kind == Kind::lost ? 1 : 0;
      }
    };
    Time due{15ms};
    for (std::uint16_t i = 0; i < 300; ++i) {
      const Time arrival{i * 20ms};
      const bool stalled = arrival >= Time{1s} && arrival < Time{1s + stall};
      if (!stalled) pop_until(due, arrival);
      push(buffer, packet(i, i * kUnits, i), arrival);
    }
    pop_until(due, Time{6s});
    CHECK(expected == 300);
    CHECK(lost == 0);
    CHECK(buffer.counters().discarded == 0);
    CHECK(buffer.delay() >= 10ms);
    CHECK(buffer.delay() <= 40ms);
  }
}
