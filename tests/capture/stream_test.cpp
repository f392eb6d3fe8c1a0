#include "capture/stream.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace talky::capture {

namespace {

constexpr std::int64_t kMs = 1'000'000;
const Format kPcmu{"PCMU", 8000, false, 1};
const Format kEvent{"telephone-event", 8000, true, 1};

// Feeds a stream as the table does.
struct Feed {
  Stream stream;
  std::uint8_t type = 0;
  Format format = kPcmu;
  std::int64_t start_ns = 1'700'000'000'000'000'000;

  Feed() { stream.ssrc = 0x1234; }
  void add(std::int64_t at_us, std::uint16_t sequence, std::uint32_t timestamp, bool marker = false,
           std::size_t bytes = 160) {
    const std::vector<std::byte> payload(bytes);
    raw(at_us, sequence, timestamp, marker, payload);
  }
  void raw(std::int64_t at_us, std::uint16_t sequence, std::uint32_t timestamp, bool marker, Bytes payload) {
    if (!stream.knows(type, 1)) stream.set_format(type, format, 1);
    stream.add(start_ns + at_us * 1000, {type, marker, sequence, timestamp, 0x1234}, payload);
  }
  // Every 20 ms from packet `first` to before `last`.
  void run(int first, int last) {
    for (int i = first; i < last; ++i)
      add(i * 20'000L, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
  }
};

} // namespace

TEST_CASE("a clean stream") {
  Feed feed;
  feed.run(0, 500);
  const Stream& s = feed.stream;
  CHECK(s.confirmed());
  CHECK(s.packets() == 500);
  CHECK(s.bytes() == 80'000);
  CHECK(s.expected() == 500);
  CHECK(s.lost() == 0);
  CHECK(s.missing() == 0);
  CHECK(s.delta_ms().low == doctest::Approx(20));
  CHECK(s.delta_ms().mean == doctest::Approx(20));
  CHECK(s.delta_ms().high == doctest::Approx(20));
  CHECK(s.jitter_ms().high == doctest::Approx(0).epsilon(1e-9));
  CHECK(s.packet_ms() == 20);
  CHECK(s.sending_ms() == doctest::Approx(10'000));
  CHECK(s.pauses() == 0);
  CHECK(std::abs(*s.skew_ppm()) < 0.01);
}

TEST_CASE("what is lost, doubled, behind and late") {
  Feed feed;
  feed.run(0, 100);
  feed.add(100 * 20'000L, 101, 101 * 160); // 100 comes behind it
  feed.add(100 * 20'000 + 1000, 100, 100 * 160);
  feed.add(100 * 20'000 + 2000, 100, 100 * 160); // and again
  feed.run(102, 200);
  feed.run(210, 300);                              // ten are lost
  feed.add(300 * 20'000 + 61'000, 300, 300 * 160); // too late
  feed.run(301 + 4, 400);
  const Stream& s = feed.stream;
  CHECK(s.expected() == 400);
  CHECK(s.duplicates() == 1);
  CHECK(s.reordered() == 1);
  CHECK(s.late() == 1);
  CHECK(s.missing() == 14);
  CHECK(s.lost() == 13); // the duplicate makes up for one
  CHECK(s.unheard() == doctest::Approx(15.0 / 400));
  const auto losses = s.losses();
  CHECK(losses.lost == 15);
  CHECK(losses.bursts == 2);
  CHECK(losses.burst_packets == doctest::Approx(7.5)); // ten, and five with the late one
  CHECK(losses.burst_density == 1);
}

TEST_CASE("a packet from before the first one is no loss") {
  Feed feed;
  feed.add(0, 10, 1600);
  feed.add(500, 8, 1280);
  for (int i = 11; i < 200; ++i)
    feed.add((i - 10) * 20'000L, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
  CHECK(feed.stream.expected() == 192);
  CHECK(feed.stream.missing() == 1); // 9
  CHECK(feed.stream.losses().lost == 1);
}

TEST_CASE("sequence and timestamp wrap") {
  Feed feed;
  for (std::uint32_t i = 0; i < 70'000; ++i)
    feed.add(static_cast<std::int64_t>(i) * 20'000, static_cast<std::uint16_t>(65'000 + i),
             4'294'960'000U + i * 160);
  CHECK(feed.stream.expected() == 70'000);
  CHECK(feed.stream.missing() == 0);
  CHECK(feed.stream.jitter_ms().high < 1e-6);
  CHECK(feed.stream.sending_ms() == doctest::Approx(1'400'000));
}

TEST_CASE("a sender that starts afresh is a restart, not thousands of losses") {
  Feed feed;
  feed.run(0, 100);
  for (int i = 100; i < 200; ++i)
    feed.add(i * 20'000L, static_cast<std::uint16_t>(30'000 + i),
             900'000U + static_cast<std::uint32_t>(i) * 160);
  const Stream& s = feed.stream;
  CHECK(s.restarts() == 1);
  CHECK(s.packets() == 200);
  CHECK(s.expected() == 200);
  CHECK(s.missing() == 0);
  CHECK(s.late() == 0);
  CHECK(s.strays() == 0);
}

TEST_CASE("a single stray packet changes nothing but its count") {
  Feed feed;
  feed.run(0, 100);
  feed.add(100 * 20'000 - 5000, 40'000, 77);
  feed.run(100, 200);
  CHECK(feed.stream.strays() == 1);
  CHECK(feed.stream.missing() == 0);
  CHECK(feed.stream.restarts() == 0);
  CHECK(feed.stream.late() == 0);
}

TEST_CASE("the clock skew of the sender") {
  for (const double ppm : {-200.0, -5.0, 50.0, 400.0}) {
    Feed feed;
    for (int i = 0; i < 20'000; ++i) { // with some jitter that repeats
      const double at = i * 20'000 / (1 + ppm * 1e-6) + (i * 7919 % 1000);
      feed.add(static_cast<std::int64_t>(std::llround(at)), static_cast<std::uint16_t>(i),
               static_cast<std::uint32_t>(i) * 160);
    }
    CHECK(*feed.stream.skew_ppm() == doctest::Approx(ppm).epsilon(0.03));
    CHECK(feed.stream.late() == 0); // however far the clocks drift apart
  }
}

TEST_CASE("pauses: discontinuous transmission with and without comfort noise") {
  Feed feed;
  feed.run(0, 50);
  // Three seconds of silence: the timestamp goes on, the sequence does not.
  for (int i = 0; i < 50; ++i)
    feed.add((200 + i) * 20'000L, static_cast<std::uint16_t>(50 + i),
             static_cast<std::uint32_t>(200 + i) * 160, i == 0);
  CHECK(feed.stream.pauses() == 1);
  CHECK(feed.stream.sending_ms() == doctest::Approx(2000));

  Feed noise;
  noise.run(0, 50);
  noise.type = 13;
  noise.format = {"CN", 8000, false, 1};
  noise.add(50 * 20'000L, 50, 50 * 160, false, 1);
  noise.add(60 * 20'000L, 51, 60 * 160, false, 1);
  noise.type = 0;
  noise.format = kPcmu;
  for (int i = 0; i < 50; ++i)
    noise.add((70 + i) * 20'000L, static_cast<std::uint16_t>(52 + i),
              static_cast<std::uint32_t>(70 + i) * 160, i == 0);
  CHECK(noise.stream.pauses() == 1);
  CHECK(noise.stream.sending_ms() == doctest::Approx(2000));
  REQUIRE(noise.stream.payload_types().size() == 2);
  CHECK(noise.stream.payload_types()[0].packets == 100);
  CHECK(noise.stream.payload_types()[1].type == 13);
  CHECK(noise.stream.payload_types()[1].packets == 2);
  CHECK(noise.stream.payload_type() == 0);
}

TEST_CASE("neither losses nor packets behind others are pauses") {
  Feed feed;
  for (int i = 0; i < 600; ++i) {
    if (i % 10 == 7) continue;                                   // lost
    const int n = i % 10 == 3 ? i + 1 : i % 10 == 4 ? i - 1 : i; // two change places
    feed.add(i * 20'000L, static_cast<std::uint16_t>(n), static_cast<std::uint32_t>(n) * 160);
  }
  CHECK(feed.stream.pauses() == 0);
  CHECK(feed.stream.reordered() == 60);
  CHECK(feed.stream.packet_ms() == 20);
  CHECK(feed.stream.sending_ms() == doctest::Approx(12'000));
}

TEST_CASE("another packet time is no pause") {
  Feed feed;
  feed.run(0, 100);
  for (int i = 0; i < 100; ++i) // 40 ms in a packet from here
    feed.add(2'000'000 + i * 40'000, static_cast<std::uint16_t>(100 + i),
             16'000U + static_cast<std::uint32_t>(i) * 320);
  CHECK(feed.stream.packet_ms() == 40);
  CHECK(feed.stream.pauses() == 0);
  CHECK(feed.stream.sending_ms() == doctest::Approx(6000).epsilon(0.005));
}

TEST_CASE("a timestamp that jumps by hours is a new clock, not lateness") {
  Feed feed;
  feed.run(0, 200);
  for (int i = 200; i < 400; ++i)
    feed.add(i * 20'000L, static_cast<std::uint16_t>(i), 3'000'000'000U + static_cast<std::uint32_t>(i) * 160,
             i == 200);
  CHECK(feed.stream.late() == 0);
  CHECK(feed.stream.sending_ms() == doctest::Approx(8000));
  CHECK(std::abs(*feed.stream.skew_ppm()) < 1);
}

TEST_CASE("digits: repeated ends, a long one in segments, and the audio's clock goes on") {
  Feed feed;
  feed.run(0, 100);
  const auto event = [&](int index, std::uint32_t timestamp, int code, bool end, int duration, bool marker) {
    const std::vector<std::byte> payload{std::byte(code), std::byte(end ? 0x8a : 0x0a),
                                         std::byte(duration >> 8), std::byte(duration & 0xff)};
    feed.type = 101;
    feed.format = kEvent;
    feed.raw(index * 20'000L, static_cast<std::uint16_t>(index), timestamp, marker, payload);
  };
  for (int i = 0; i < 5; ++i)
    event(100 + i, 16'000, 7, false, 160 * (i + 1), i == 0);
  for (int i = 5; i < 8; ++i)
    event(100 + i, 16'000, 7, true, 800, false);
  feed.type = 0;
  feed.format = kPcmu;
  feed.run(108, 200);
  event(200, 32'000, 11, false, 0xffff, true);
  event(201, 32'000 + 0xffff, 11, false, 160, false); // 8.2 s were not enough
  event(202, 32'000 + 0xffff, 11, true, 320, false);
  const auto& digits = feed.stream.digits();
  REQUIRE(digits.size() == 2);
  CHECK(digits[0].digit == '7');
  CHECK(digits[0].duration_ms() == 100);
  CHECK(digits[0].ended);
  CHECK(digits[0].time_ns == feed.start_ns + 2000 * kMs);
  CHECK(digits[1].digit == '#');
  CHECK(digits[1].duration == 0xffff + 320);
  CHECK(digits[1].ended);
  CHECK(feed.stream.late() == 0);
  CHECK(std::abs(*feed.stream.skew_ppm()) < 1); // events do not tilt it
}

TEST_CASE("the same digit twice is two digits") {
  Feed feed;
  feed.run(0, 5);
  feed.type = 101;
  feed.format = kEvent;
  for (std::uint32_t press = 0; press < 2; ++press) {
    for (int i = 0; i < 3; ++i) {
      const std::vector<std::byte> payload{std::byte{5}, std::byte{0x8a}, std::byte{0x03}, std::byte{0x20}};
      feed.raw(100'000 + press * 200'000,
               static_cast<std::uint16_t>(5 + press * 3 + static_cast<std::uint32_t>(i)), 800 + press * 1600,
               i == 0, payload);
    }
  }
  CHECK(feed.stream.digits().size() == 2);
}

TEST_CASE("three packets that go on make a stream; odd ones need more") {
  Feed feed;
  feed.run(0, 2);
  CHECK_FALSE(feed.stream.confirmed());
  feed.run(2, 3);
  CHECK(feed.stream.confirmed());

  Feed odd;
  odd.type = 77; // unassigned
  odd.format = {};
  odd.run(0, 10);
  CHECK_FALSE(odd.stream.confirmed());
  odd.run(10, 12);
  CHECK(odd.stream.confirmed());

  Feed low;
  low.stream.to.port = 53;
  low.run(0, 50);
  CHECK_FALSE(low.stream.confirmed());

  Feed twice; // a capture of two interfaces
  for (int i = 0; i < 6; ++i)
    twice.add(i * 10'000L, static_cast<std::uint16_t>(i / 2), static_cast<std::uint32_t>(i / 2) * 160);
  CHECK(twice.stream.confirmed());

  Feed still; // a counter and nothing else that moves
  for (int i = 0; i < 100; ++i)
    still.add(i * 20'000L, static_cast<std::uint16_t>(i), 0);
  CHECK_FALSE(still.stream.confirmed());

  Feed announced;
  announced.stream.announced = true;
  announced.run(0, 1);
  CHECK(announced.stream.confirmed());
}

TEST_CASE("the first packet's delay against the fastest of the first seconds") {
  Feed feed;
  feed.add(30'000, 0, 0); // 30 ms late
  feed.run(1, 300);
  CHECK(feed.stream.first_late_ms() == doctest::Approx(30));
}

TEST_CASE("a timestamp that stands still over a pause: nothing is late, and it is no jitter") {
  for (const std::int64_t pause_us : {3'000'000L, 4'990'000L, 30'000'000L}) {
    Feed feed;
    feed.run(0, 100);
    for (int i = 100; i < 250; ++i) {
      feed.add(i * 20'000L + pause_us, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
      CHECK(feed.stream.packets() == static_cast<std::uint64_t>(i) + 1);
    }
    const Stream& s = feed.stream;
    CHECK(s.late() == 0);
    CHECK(s.missing() == 0);
    CHECK(s.losses().lost == 0);
    CHECK(s.unheard() == 0);
    CHECK(s.jitter_ms().mean == doctest::Approx(0).epsilon(1e-6));
    CHECK(s.jitter_ms().high == doctest::Approx(0).epsilon(1e-6));
    CHECK(s.pauses() == 1);
    CHECK(s.sending_ms() == doctest::Approx(5'000));
    CHECK(std::abs(*s.skew_ppm()) < 1);
  }
}

TEST_CASE("behind a stall of the network packets are late, also if there are few of them") {
  Feed feed;
  feed.run(0, 100);
  for (int i = 100; i < 120; ++i) // 600 ms, then all at once
    feed.add(std::max<std::int64_t>(i * 20'000L, 100 * 20'000L + 600'000 + (i - 100) * 200),
             static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
  feed.run(135, 200);
  CHECK(feed.stream.late() == 20);
  Feed few;
  few.run(0, 100);
  few.add(100 * 20'000L + 600'000, 100, 100 * 160);
  CHECK(few.stream.late() == 1);
}

TEST_CASE("one packet from before a pause comes behind it: it is the only late one") {
  for (const std::int64_t pause_us : {3'000'000L, 30'000'000L}) {
    Feed feed;
    feed.run(0, 100);
    feed.add(100 * 20'000L + pause_us, 100, 100 * 160);
    for (int i = 101; i < 201; ++i)
      feed.add(i * 20'000L + pause_us, static_cast<std::uint16_t>(i),
               static_cast<std::uint32_t>(i * 160 + pause_us / 125));
    CHECK(feed.stream.late() == 1);
    CHECK(feed.stream.missing() == 0);
  }
}

TEST_CASE("a sender's clock that begins afresh is no jitter") {
  Feed feed;
  feed.run(0, 100);
  for (int i = 100; i < 200; ++i)
    feed.add(i * 20'000L, static_cast<std::uint16_t>(i), 3'000'000'000U + static_cast<std::uint32_t>(i) * 160,
             i == 100);
  CHECK(feed.stream.jitter_ms().high == doctest::Approx(0).epsilon(1e-6));
  CHECK(feed.stream.late() == 0);
}

TEST_CASE("two pauses of one length, far apart, are pauses") {
  Feed feed;
  for (int i = 0; i < 150; ++i) {
    const std::int64_t pause = i / 50 * std::int64_t{3'000'000};
    feed.add(i * 20'000L + pause, static_cast<std::uint16_t>(i),
             static_cast<std::uint32_t>(i * 160 + pause / 125), i % 50 == 0);
  }
  CHECK(feed.stream.pauses() == 2);
  CHECK(feed.stream.sending_ms() == doctest::Approx(3'000));
  CHECK(feed.stream.packet_ms() == 20);
}

TEST_CASE("a loss of any length behind a pause: what is not heard is what was lost") {
  for (int lost = 50; lost < 250; lost += lost < 75 ? 1 : 25) {
    CAPTURE(lost);
    Feed feed;
    feed.run(0, 100);
    for (int i = 100; i < 400; ++i) { // the timestamp stood still for 500 ms
      if (i >= 105 && i < 105 + lost) continue;
      feed.add(i * 20'000L + 500'000, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
    }
    CHECK(feed.stream.missing() == static_cast<std::uint64_t>(lost));
    CHECK(feed.stream.late() == 0);
    CHECK(feed.stream.losses().lost == static_cast<std::uint64_t>(lost));
  }
}

TEST_CASE("a loss of any length behind a stall: what came too late is not heard either") {
  for (int lost = 50; lost < 250; lost += 25) {
    CAPTURE(lost);
    Feed feed;
    feed.run(0, 100);
    // Held up for 2 s: five of them come at once, then there is a loss, and what is behind it is in time.
    for (int i = 100; i < 105; ++i)
      feed.add(100 * 20'000L + 2'000'000, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
    for (int i = 105 + lost; i < 500; ++i)
      feed.add(std::max(i * 20'000L, 100 * 20'000L + 2'000'000), static_cast<std::uint16_t>(i),
               static_cast<std::uint32_t>(i) * 160);
    CHECK(feed.stream.missing() == static_cast<std::uint64_t>(lost));
    CHECK(feed.stream.late() >= 5);
    CHECK(feed.stream.losses().lost == static_cast<std::uint64_t>(lost) + feed.stream.late());
  }
}

TEST_CASE(
    "a sender that begins afresh right behind a pause: the pause's doubt is forgotten with the old numbers") {
  Feed feed;
  feed.run(0, 100);
  for (int i = 100; i < 103; ++i)
    feed.add(i * 20'000L + 500'000, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160);
  for (int i = 103; i < 200; ++i)
    feed.add(i * 20'000L + 500'000, static_cast<std::uint16_t>(i + 30'000),
             3'000'000'000U + static_cast<std::uint32_t>(i) * 160);
  CHECK(feed.stream.missing() == 0);
  CHECK(feed.stream.late() == 0);
  CHECK(feed.stream.losses().lost == 0);
  CHECK(feed.stream.pauses() == 1);
}

} // namespace talky::capture
