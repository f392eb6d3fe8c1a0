#include "capture/schedule.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "capture/stream.hpp"
#include "rtp/packet.hpp"

using namespace talky;
using namespace talky::capture;

namespace {

constexpr std::int64_t kMs = 1'000'000;

std::vector<std::byte> packet(std::uint16_t sequence, std::uint32_t timestamp) {
  rtp::Header header;
  header.sequence = sequence;
  header.timestamp = timestamp;
  std::vector<std::byte> out;
  rtp::build(header, {}, out);
  return out;
}

std::uint16_t sequence_of(Bytes bytes) {
  return rtp::PacketView::parse(bytes)->sequence();
}
std::uint32_t timestamp_of(Bytes bytes) {
  return rtp::PacketView::parse(bytes)->timestamp();
}

struct Sent {
  std::int64_t due_ms;
  int sequence;
  bool operator==(const Sent&) const = default;
};

std::vector<Sent> drain(Schedule& schedule) {
  std::vector<Sent> out;
  while (const auto item = schedule.next())
    out.push_back({item->due_ns / kMs, item->rtcp ? -1 : sequence_of(item->bytes)});
  return out;
}

} // namespace

TEST_CASE("schedule: by capture, each packet leaves at once and at its time") {
  Stream stream;
  Schedule schedule(Schedule::Timing::capture);
  rtp::Header header;
  header.timestamp = 5000;
  schedule.add(0, &stream, header, 8000, true, packet(1, 5000));
  CHECK(drain(schedule) == std::vector<Sent>{{0, 1}});
  header.timestamp = 5160;
  schedule.add(47 * kMs, &stream, header, 8000, true, packet(2, 5160));
  schedule.add(50 * kMs, nullptr, header, 0, false, packet(0, 0));
  CHECK(drain(schedule) == std::vector<Sent>{{47, 2}, {50, -1}});
}

TEST_CASE("schedule: by timestamps, jitter and disorder of the network are undone") {
  Stream stream;
  Schedule schedule(Schedule::Timing::timestamps);
  const std::uint32_t base = 0xffffffff - 100; // wraps within
  const auto add = [&](std::int64_t at_ms, std::uint16_t n) {
    rtp::Header header;
    header.timestamp = base + n * 160U;
    schedule.add(at_ms * kMs, &stream, header, 8000, true, packet(n, header.timestamp));
  };
  add(0, 0);
  add(35, 1);
  add(61, 3);
  add(75, 2);
  CHECK(drain(schedule).empty()); // another one may still overtake
  for (std::uint16_t n = 4; n < 100; ++n)
    add(n * 20 + n % 7, n);
  schedule.end();
  const auto sent = drain(schedule);
  REQUIRE(sent.size() == 100);
  for (int n = 0; n < 100; ++n)
    CHECK(sent[static_cast<std::size_t>(n)] == Sent{n * 20L, n});
}

TEST_CASE("schedule: streams keep their distance, events theirs, and a jump of the clock starts anew") {
  Stream a;
  Stream b;
  Schedule schedule(Schedule::Timing::timestamps);
  const auto add = [&](const Stream* stream, std::int64_t at_ms, std::uint32_t timestamp, std::uint16_t n,
                       bool paced) {
    rtp::Header header;
    header.timestamp = timestamp;
    schedule.add(at_ms * kMs, stream, header, 8000, paced, packet(n, timestamp));
  };
  add(&a, 0, 0, 1, true);
  add(&b, 7, 90'000, 2, true);
  add(&a, 25, 160, 3, true);
  add(&b, 30, 90'160, 4, true);
  add(&a, 40, 320, 5, false); // three packets of one event: the same timestamp
  add(&a, 60, 320, 6, false);
  add(&a, 80, 320, 7, false);
  add(&a, 100, 10'000'000, 8, true); // twenty minutes further
  add(&a, 120, 10'000'160, 9, true);
  schedule.end();
  CHECK(drain(schedule) ==
        std::vector<Sent>{{0, 1}, {7, 2}, {20, 3}, {27, 4}, {40, 5}, {60, 6}, {80, 7}, {100, 8}, {120, 9}});
}

TEST_CASE("schedule: memory is bounded by a second of capture") {
  Stream stream;
  Schedule schedule(Schedule::Timing::timestamps);
  std::size_t waiting = 0;
  std::size_t most = 0;
  rtp::Header header;
  for (std::uint32_t n = 0; n < 5000; ++n) {
    header.timestamp = n * 160;
    schedule.add(std::int64_t{n} * 20 * kMs, &stream, header, 8000, true, packet(0, header.timestamp));
    ++waiting;
    waiting -= drain(schedule).size();
    most = std::max(most, waiting);
  }
  CHECK(most <= 51);
}

TEST_CASE("renumber: the second round follows the first, and its losses with it") {
  Stream stream;
  Renumber numbers;
  const auto play = [&](std::uint16_t sequence, std::uint32_t timestamp) {
    auto bytes = packet(sequence, timestamp);
    numbers.apply(&stream, bytes);
    return std::pair<int, std::int64_t>(sequence_of(bytes), timestamp_of(bytes));
  };
  using Pair = std::pair<int, std::int64_t>;
  CHECK(play(65534, 1000) == Pair(65534, 1000));
  CHECK(play(65535, 1160) == Pair(65535, 1160));
  CHECK(play(1, 1480) == Pair(1, 1480));
  CHECK(play(0, 1320) == Pair(0, 1320)); // late
  CHECK(play(3, 1800) == Pair(3, 1800)); // one lost
  numbers.next_round();
  CHECK(play(65534, 1000) == Pair(4, 1960));
  CHECK(play(65535, 1160) == Pair(5, 2120));
  CHECK(play(1, 1480) == Pair(7, 2440));
  CHECK(play(0, 1320) == Pair(6, 2280));
  CHECK(play(3, 1800) == Pair(9, 2760));
  numbers.next_round();
  CHECK(play(65534, 1000) == Pair(10, 2920));
}
