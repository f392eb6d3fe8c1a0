#include "rtp/rtcp.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "rtp/bytes.hpp"
#include "rtp/rtcp_session.hpp"

using namespace talky;
using namespace talky::rtp;
using namespace std::chrono_literals;

namespace {

std::vector<std::byte> copy(Bytes view) {
  return {view.begin(), view.end()};
}

} // namespace

TEST_CASE("a compound of SR, SDES and BYE is read as it was written") {
  std::vector<std::byte> wire;
  const Report report{7,
                      SenderInfo{0x0123456789abcdef, 1000, 50, 8000},
                      {{9, 12, -5, 70'000, 33, 44, 55}, {10, 0, 8'000'000, 1, 2, 3, 4}}};
  append_report(report, wire);
  CHECK(wire.size() == 4 + 24 + 2 * 24);
  CHECK(wire[0] == std::byte{0x82});
  append_cname(7, "call@host", wire);
  append_bye(7, "tired", wire);
  CHECK(wire.size() % 4 == 0);
  const auto packets = parse_rtcp(wire);
  REQUIRE(packets);
  REQUIRE(packets->size() == 3);
  const auto& read = std::get<Report>((*packets)[0]);
  CHECK(read.ssrc == 7);
  CHECK(read.sender == report.sender);
  CHECK(read.blocks == report.blocks);
  CHECK(std::get<Cname>((*packets)[1]).ssrc == 7);
  CHECK(std::get<Cname>((*packets)[1]).name == "call@host");
  CHECK(std::get<Bye>((*packets)[2]).ssrcs == std::vector<std::uint32_t>{7});
  CHECK(std::get<Bye>((*packets)[2]).reason == "tired");
}

TEST_CASE("CNAMEs of every length end on a word with a zero item") {
  for (std::size_t size = 0; size < 9; ++size) {
    std::vector<std::byte> wire;
    append_cname(1, std::string(size, 'x'), wire);
    CHECK(wire.size() % 4 == 0);
    CHECK(wire.back() == std::byte{0});
    const auto packets = parse_rtcp(wire);
    REQUIRE(packets);
    CHECK(std::get<Cname>(packets->front()).name.size() == size);
  }
}

TEST_CASE("APP, XR and feedback are passed over by their length") {
  auto wire = bytes({0x80, 201, 0, 1, 0, 0, 0, 7,                                 // RR without blocks
                     0x85, 204, 0, 2, 0, 0, 0, 8, 'n', 'a', 'm', 'e',             // APP
                     0x80, 207, 0, 1, 0, 0, 0, 9,                                 // XR
                     0x81, 205, 0, 3, 0, 0, 0, 1, 0,   0,   0,   2,   0, 0, 0, 0, // feedback
                     0xa1, 203, 0, 2, 0, 0, 0, 7, 0,   0,   0,   4});             // BYE with padding
  const auto packets = parse_rtcp(wire);
  REQUIRE(packets);
  REQUIRE(packets->size() == 5);
  CHECK(std::get<Report>((*packets)[0]).blocks.empty());
  CHECK(std::get<OtherRtcp>((*packets)[1]).packet_type == 204);
  CHECK(std::get<OtherRtcp>((*packets)[1]).count == 5);
  CHECK(std::get<OtherRtcp>((*packets)[2]).ssrc == 9);
  CHECK(std::get<OtherRtcp>((*packets)[3]).packet_type == 205);
  CHECK(std::get<Bye>((*packets)[4]).ssrcs.size() == 1);
  CHECK(std::get<Bye>((*packets)[4]).reason.empty());
}

TEST_CASE("broken RTCP is refused") {
  const auto error = [](std::initializer_list<int> values) { return parse_rtcp(bytes(values)).error().code; };
  CHECK(parse_rtcp({}).error().code == Errc::truncated);
  CHECK(error({0x80, 201, 0}) == Errc::truncated);
  CHECK(error({0x80, 201, 0, 1, 0, 0, 0}) == Errc::truncated);
  CHECK(error({0x81, 201, 0, 1, 0, 0, 0, 1}) == Errc::truncated); // a block that is not there
  CHECK(error({0x40, 201, 0, 1, 0, 0, 0, 1}) == Errc::unsupported);
  CHECK(error({0x80, 100, 0, 1, 0, 0, 0, 1}) == Errc::malformed);
  CHECK(error({0xa0, 201, 0, 1, 0, 0, 0, 9}) == Errc::malformed); // padding too long
  CHECK(error({0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 1, 0, 0, 0, 1}) == Errc::malformed);
  CHECK(error({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 'x', 'x'}) == Errc::truncated); // item runs out
  CHECK(error({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'x', 'x'}) == Errc::truncated);   // no end of the chunk
  CHECK(error({0x81, 203, 0, 0}) == Errc::truncated);
  CHECK(error({0x81, 203, 0, 2, 0, 0, 0, 1, 9, 'x', 'x', 'x'}) == Errc::truncated);
}

TEST_CASE("NTP time counts in 32.32") {
  const std::uint64_t base = std::uint64_t{3'900'000'000} << 32;
  CHECK(ntp_time(Time{0ms}, base) == base);
  CHECK(ntp_time(Time{1500ms}, base) == base + (std::uint64_t{1} << 32) + (std::uint64_t{1} << 31));
  CHECK(ntp_time(Time{-500ms}, base) == base - (std::uint64_t{1} << 31));
}

namespace {

struct Side {
  Side(std::uint32_t ssrc, Random& random) : sender(ssrc, 0, 0), session({"side@test", 1, 80}, random) {}
  Sender sender;
  Statistics reception{8000};
  RtcpSession session;
  std::vector<std::byte> wire;
};

// One 20 ms step of RTP from one side to the other.
void speak(Side& from, Side& to, Time now, bool arrives) {
  from.sender.audio(0, from.sender.timestamp(), 160, std::vector<std::byte>(160), from.wire);
  from.sender.advance(160);
  if (arrives) to.reception.received(*PacketView::parse(from.wire), now + 30ms);
}

} // namespace

TEST_CASE("two sides report to each other: intervals, loss, round trip, BYE") {
  Random random(1);
  Side a(1, random);
  Side b(2, random);
  a.session.start(Time{0ms});
  b.session.start(Time{0ms});
  std::vector<Time> reports;
  struct Flight {
    Time at;
    Side* to;
    std::vector<std::byte> bytes;
  };
  std::vector<Flight> flights;
  std::uint32_t step = 0;
  for (Time now{0ms}; now < Time{120s}; now += 20ms, ++step) {
    for (const Flight& flight : flights) {
      if (flight.at == now) {
        Side& to = *flight.to;
        const auto done = to.session.receive(flight.bytes, to.sender.ssrc(), &to == &a ? 2 : 1, now);
        REQUIRE(done);
        CHECK(done->report);
        CHECK_FALSE(done->bye);
      }
    }
    speak(a, b, now, step % 10 != 0);
    speak(b, a, now, true);
    for (Side* side : {&a, &b}) {
      CHECK(side->session.deadline().has_value());
      side->session.expire(side->sender, side->sender.timestamp(), side->reception, now);
      if (auto report = side->session.poll()) {
        if (side == &a) reports.push_back(now);
        flights.push_back({now + 40ms, side == &a ? &b : &a, copy(*report)});
      }
      CHECK_FALSE(side->session.poll());
    }
  }
  // RFC 3550: 4.5 s at 80 kbit/s, 0.5 to 1.5 times, over 1.21828.
  REQUIRE(reports.size() > 20);
  CHECK(reports.front() >= Time{900ms});
  CHECK(reports.front() <= Time{2800ms});
  for (std::size_t i = 1; i < reports.size(); ++i) {
    CHECK(reports[i] - reports[i - 1] >= 1840ms);
    CHECK(reports[i] - reports[i - 1] <= 5600ms);
  }
  REQUIRE(a.session.peer_report());
  CHECK(a.session.peer_report()->fraction_lost == doctest::Approx(0.1).epsilon(0.1));
  CHECK(a.session.peer_report()->cumulative_lost > 550);
  CHECK(b.session.peer_report()->cumulative_lost == 0);
  REQUIRE(a.session.rtt());
  CHECK(*a.session.rtt() > 79ms);
  CHECK(*a.session.rtt() < 81ms);
  CHECK(b.session.peer_cname() == "side@test");

  a.session.bye(a.sender, a.sender.timestamp(), a.reception, "done", Time{120s});
  const auto last = a.session.poll();
  REQUIRE(last);
  CHECK(b.session.receive(*last, 2, 1, Time{120s})->bye);
  CHECK_FALSE(b.session.receive(*last, 2, 77, Time{120s})->bye); // another's
  CHECK_FALSE(a.session.deadline());
  const auto packets = parse_rtcp(*last);
  REQUIRE(packets->size() == 3);
  CHECK(std::get<Report>(packets->front()).sender->packets == step);
}

TEST_CASE("who only listens sends receiver reports, and who never did anything no BYE") {
  Random random(2);
  Side silent(3, random);
  silent.session.start(Time{0ms});
  silent.session.expire(silent.sender, 0, silent.reception, Time{10s});
  const auto report = silent.session.poll();
  REQUIRE(report);
  CHECK_FALSE(std::get<Report>(parse_rtcp(*report)->front()).sender);
  silent.session.bye(silent.sender, 0, silent.reception, "", Time{11s});
  CHECK_FALSE(silent.session.poll());
}
