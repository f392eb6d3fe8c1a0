#include "rtp/telephone_event.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/random.hpp"
#include "rtp/sender.hpp"

using namespace talky;
using namespace talky::rtp;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kStep = 160;

struct Sent {
  EventPacket packet;
  Time at;
};

// Everything that the sender says for `digits`, one entry a 20 ms step.
std::vector<Sent> send(const std::string& digits, std::uint32_t duration, std::uint32_t gap,
                       std::uint32_t timestamp = 0) {
  EventSender sender;
  for (const char digit : digits)
    REQUIRE(sender.push({event_of(digit), duration, gap}));
  std::vector<Sent> out;
  for (Time now{0ms}; !sender.idle(); now += 20ms, timestamp += kStep) {
    if (auto packet = sender.next(timestamp, kStep)) out.push_back({*packet, now});
  }
  return out;
}

struct Heard {
  std::string digits;
  std::vector<Duration> durations;
};

void collect(EventReceiver& receiver, Heard& heard) {
  while (const auto press = receiver.poll()) {
    heard.digits += press->digit;
    heard.durations.push_back(press->duration);
  }
}

Heard hear(const std::vector<Sent>& packets) {
  EventReceiver receiver(8000);
  Heard heard;
  Time last{0ms};
  for (const auto& [packet, at] : packets) {
    receiver.expire(at);
    CHECK(receiver.receive(packet.payload, packet.timestamp, packet.marker, at));
    collect(receiver, heard);
    last = at;
  }
  receiver.expire(last + 1s);
  collect(receiver, heard);
  CHECK_FALSE(receiver.deadline());
  return heard;
}

std::array<std::byte, 4> block(std::uint8_t event, bool end, std::uint16_t duration) {
  return build_event({event, end, 10, duration});
}

} // namespace

TEST_CASE("a digit goes out with one marker, growing durations and three ends") {
  const auto packets = send("5", 800, 800, 7000);
  REQUIRE(packets.size() == 7); // 100 ms are five steps, the last of which is the first end
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto parsed = parse_event(packets[i].packet.payload);
    REQUIRE(parsed);
    CAPTURE(i);
    CHECK(parsed->event == 5);
    CHECK(parsed->volume == 10);
    CHECK(packets[i].packet.marker == (i == 0));
    CHECK(packets[i].packet.timestamp == 7000);
    CHECK(parsed->duration == std::min<std::size_t>(i + 1, 5) * kStep);
    CHECK(parsed->end == (i >= 4));
  }
}

TEST_CASE("digits are apart by the gap and each is heard once, with its duration") {
  const std::string digits = "0123456789*#ABCD";
  const auto packets = send(digits, 800, 480);
  const auto heard = hear(packets);
  CHECK(heard.digits == digits);
  for (const Duration duration : heard.durations)
    CHECK(duration == 100ms);
  CHECK(packets[7].packet.timestamp == 8 * kStep); // 100 ms of tone, 60 ms of gap
}

TEST_CASE("any packets of a digit may be lost but all") {
  const auto packets = send("77", 800, 800);
  for (unsigned kept = 1; kept < 128; ++kept) {
    std::vector<Sent> some;
    for (std::size_t i = 0; i < 7; ++i) {
      if ((kept >> i & 1) != 0) some.push_back(packets[i]);
    }
    some.insert(some.end(), packets.begin() + 7, packets.end());
    CAPTURE(kept);
    CHECK(hear(some).digits == "77");
  }
}

TEST_CASE("a long string under 5 % loss, duplicates and reordering is heard exactly") {
  Random random(11);
  for (int round = 0; round < 50; ++round) {
    std::string digits;
    for (int i = 0; i < 40; ++i)
      digits += "0123456789*#ABCD"[random.below(16)];
    auto packets = send(digits, 640, 640, 0xffff0000);
    std::vector<Sent> arrived;
    for (const Sent& packet : packets) {
      if (random.uniform() < 0.05) continue;
      arrived.push_back(packet);
      if (random.uniform() < 0.05) arrived.push_back(packet);
    }
    for (std::size_t i = 1; i < arrived.size(); ++i) {
      if (random.uniform() < 0.05) {
        std::swap(arrived[i - 1].packet, arrived[i].packet);
      }
    }
    CHECK(hear(arrived).digits == digits);
  }
}

TEST_CASE("a press of twenty seconds is sent in segments and heard as one") {
  const auto packets = send("9", 160'000, 800);
  std::uint32_t segments = 0;
  for (const auto& [packet, at] : packets) {
    const auto parsed = parse_event(packet.payload);
    CHECK(packet.marker == (at == Time{0ms}));
    CHECK(packet.timestamp % 0xffff == 0);
    segments = packet.timestamp / 0xffff;
    if (parsed->end) CHECK(packet.timestamp + parsed->duration >= 160'000);
  }
  CHECK(segments == 2);
  const auto heard = hear(packets);
  CHECK(heard.digits == "9");
  CHECK(heard.durations.front() >= 20s);
  CHECK(heard.durations.front() <= 20s + 20ms);

  // Also with a hole over the joint of two segments, even one so long that the press is given up.
  for (const Time hole_end : {Time{8220ms}, Time{8500ms}}) {
    std::vector<Sent> holed;
    for (const auto& sent : packets) {
      if (sent.at < Time{8100ms} || sent.at > hole_end) holed.push_back(sent);
    }
    CHECK(hear(holed).digits == "9");
  }
}

TEST_CASE("digits without a marker, without an end, or of one packet are heard once") {
  EventReceiver receiver(8000);
  Heard heard;
  CHECK(receiver.receive(block(4, false, 160), 100, false, Time{0ms}));
  CHECK(receiver.receive(block(4, false, 320), 100, false, Time{20ms}));
  receiver.expire(Time{219ms});
  collect(receiver, heard);
  CHECK(heard.digits.empty());
  CHECK(receiver.deadline() == Time{220ms});
  receiver.expire(Time{220ms});
  collect(receiver, heard);
  CHECK(heard.digits == "4");
  CHECK(heard.durations.front() == 40ms);
  // Late copies of it are not a second one.
  CHECK(receiver.receive(block(4, true, 800), 100, false, Time{300ms}));
  collect(receiver, heard);
  CHECK(heard.digits == "4");
  // A single end packet is a digit; a new digit ends one whose end was lost.
  CHECK(receiver.receive(block(1, true, 800), 4000, false, Time{500ms}));
  CHECK(receiver.receive(block(2, false, 160), 8000, false, Time{600ms}));
  CHECK(receiver.receive(block(2, false, 160), 9000, true, Time{700ms}));
  CHECK(receiver.receive(block(2, true, 320), 9000, true, Time{720ms}));
  collect(receiver, heard);
  CHECK(heard.digits == "4122");
}

TEST_CASE("a sender that moves the timestamp within a digit is heard once") {
  EventReceiver receiver(8000);
  Heard heard;
  for (std::uint16_t i = 0; i < 8; ++i) {
    const auto duration = static_cast<std::uint16_t>(160 * std::min<int>(i + 1, 6));
    CHECK(receiver.receive(block(3, i >= 5, duration), 1000u + i * 160u, i == 0, Time{i * 20ms}));
    collect(receiver, heard);
  }
  receiver.expire(Time{2s});
  collect(receiver, heard);
  CHECK(heard.digits == "3");
}

TEST_CASE("events that are not digits and payloads that are too short are no digits") {
  EventReceiver receiver(8000);
  CHECK(receiver.receive(block(16, true, 800), 0, true, Time{0ms})); // flash
  CHECK(receiver.receive(block(70, true, 800), 900, true, Time{0ms}));
  CHECK_FALSE(receiver.poll());
  const std::array<std::byte, 3> cut{};
  CHECK(receiver.receive(cut, 0, true, Time{0ms}).error().code == Errc::truncated);
}

TEST_CASE("several events in one packet") {
  std::vector<std::byte> payload;
  for (const auto& part : {block(1, true, 400), block(2, true, 400)})
    payload.insert(payload.end(), part.begin(), part.end());
  EventReceiver receiver(8000);
  Heard heard;
  CHECK(receiver.receive(payload, 0, true, Time{0ms}));
  CHECK(receiver.receive(payload, 0, true, Time{20ms}));
  collect(receiver, heard);
  CHECK(heard.digits == "12");
}

TEST_CASE("the queue is bounded, pauses are pauses, and cancel ends a tone properly") {
  EventSender sender;
  for (std::size_t i = 0; i < EventSender::kMaxQueued; ++i)
    CHECK(sender.push({1, 800, 800}));
  CHECK(sender.push({1, 800, 800}).error().code == Errc::too_large);
  CHECK(sender.next(0, kStep));
  CHECK(sender.next(160, kStep));
  sender.cancel();
  int ends = 0;
  for (std::uint32_t t = 320; !sender.idle() && t < 16'000; t += kStep) {
    if (const auto packet = sender.next(t, kStep)) ends += parse_event(packet->payload)->end ? 1 : 0;
  }
  CHECK(ends == 3);

  CHECK(sender.push({std::nullopt, 8000, 0}));
  std::uint32_t steps = 0;
  for (; !sender.idle(); ++steps)
    CHECK_FALSE(sender.next(steps * kStep, kStep));
  CHECK(steps == 50);
}

TEST_CASE("the sender's clock runs through gaps, and the marker follows them") {
  Sender sender(9, 0xffff, 0xffffffff - 100);
  std::vector<std::byte> wire;
  const auto sent = [&wire] { return PacketView::parse(wire)->header(); };
  const std::vector<std::byte> payload(160);
  sender.audio(0, sender.timestamp(), 160, payload, wire);
  sender.advance(160);
  CHECK(sent().marker);
  CHECK(sent().sequence == 0xffff);
  sender.audio(0, sender.timestamp(), 160, payload, wire);
  sender.advance(160);
  CHECK_FALSE(sent().marker);
  CHECK(sent().sequence == 0);
  CHECK(sent().timestamp == 59);
  sender.advance(1600); // hold
  sender.audio(8, sender.timestamp(), 160, payload, wire);
  sender.advance(160);
  CHECK(sent().marker);
  CHECK(sent().timestamp == 59 + 160 + 1600);
  CHECK(sent().payload_type == 8);
  EventPacket event{block(1, false, 160), sender.timestamp(), true};
  sender.event(101, event, wire);
  sender.advance(160);
  CHECK(sent().marker);
  CHECK(sent().payload_type == 101);
  sender.audio(8, sender.timestamp(), 160, payload, wire);
  CHECK(sent().marker);
  CHECK(sent().sequence == 3);
  CHECK(sender.packets() == 5);
  CHECK(sender.octets() == 4 * 160 + 4);
}
