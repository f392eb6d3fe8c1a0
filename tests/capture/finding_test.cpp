// What is taken for RTP without SDP, and what is not.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "capture/analysis.hpp"
#include "core/random.hpp"

namespace talky::capture {

namespace {

using Packet = std::vector<std::byte>;

void fill(Packet& packet, std::size_t at, std::size_t count, Random& random) {
  for (std::size_t i = at; i < at + count; ++i)
    packet[i] = std::byte(random.u32() & 0xff);
}
void put(Packet& packet, std::size_t at, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    packet[at + static_cast<std::size_t>(i)] = std::byte(value >> (8 * (bytes - 1 - i)) & 0xff);
}

// Streams that are found in 20,000 packets between two hosts, all of one flow.
std::size_t found(const std::function<Packet(std::uint32_t)>& make, std::uint16_t port, int count = 20'000) {
  Analysis analysis;
  file::Segment segment;
  segment.from = {IpAddress::v4(10, 0, 0, 1), 40'000};
  segment.to = {IpAddress::v4(10, 0, 0, 2), port};
  for (int i = 0; i < count; ++i) {
    const Packet packet = make(static_cast<std::uint32_t>(i));
    segment.time_ns = std::int64_t{i} * 5'000'000;
    segment.payload = packet;
    segment.payload_length = static_cast<std::uint32_t>(packet.size());
    analysis.add(segment);
  }
  return analysis.streams.streams().size();
}

} // namespace

TEST_CASE("finding: RTP itself is found") {
  Random random(1);
  const auto rtp = [&](std::uint32_t i) {
    Packet p(172);
    p[0] = std::byte{0x80};
    put(p, 2, i, 2);
    put(p, 4, i * 160, 4);
    put(p, 8, 0xabcdef, 4);
    fill(p, 12, 160, random);
    return p;
  };
  CHECK(found(rtp, 20'000) == 1);
}

TEST_CASE("finding: no stream in other protocols") {
  Random random(2);
  SUBCASE("DNS whose identifiers count, with RTP's version in them") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(40);
                put(p, 0, 0x8000 + i % 0x4000, 2);
                put(p, 2, i % 2 == 0 ? 0x0100 : 0x8180, 2);
                put(p, 4, 1, 2);
                put(p, 6, i % 3, 2);
                fill(p, 12, 28, random);
                return p;
              },
              5353) == 0);
  }
  SUBCASE("QUIC: long and short headers, and with the fixed bit greased (RFC 9287)") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(1200);
                fill(p, 0, p.size(), random);
                p[0] = std::byte(i % 3 == 0 ? 0xc0 : i % 3 == 1 ? 0x40 : 0x80) | (p[0] & std::byte{0x3f});
                if (i % 3 == 2) put(p, 1, 1, 4); // the version stands where the sequence number would
                put(p, 6, 0x11223344, 4);        // and the connection's identifier where the SSRC
                put(p, 10, 0x55667788, 4);
                return p;
              },
              443) == 0);
  }
  SUBCASE("QUIC short headers, greased, on a high port: the identifier first, then numbers that are masked") {
    CHECK(found(
              [&](std::uint32_t) {
                Packet p(300);
                fill(p, 0, p.size(), random);
                p[0] = std::byte{0x80} | (p[0] & std::byte{0x1f});
                put(p, 1, 0x010203, 3);
                put(p, 4, 0x04050607, 4);
                put(p, 8, 0x08090a0b, 4);
                return p;
              },
              8443) == 0);
  }
  SUBCASE("RTCP: sender reports, receiver reports, source descriptions, feedback") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(28);
                p[0] = std::byte{0x80};
                p[1] = std::byte(200 + i % 7);
                put(p, 2, 6, 2);
                put(p, 4, 0x1234, 4);
                put(p, 8, i * 65'536, 4);
                return p;
              },
              40'001) == 0);
  }
  SUBCASE("STUN and TURN: requests, and channel data with RTP in it") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(176);
                put(p, 0, i % 2 == 0 ? 0x4000 : 0x0001, 2);
                put(p, 2, 172, 2);
                p[4] = std::byte{0x80};
                put(p, 6, i, 2);
                put(p, 8, i * 160, 4);
                return p;
              },
              3478) == 0);
  }
  SUBCASE("DTLS") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(100);
                fill(p, 0, p.size(), random);
                p[0] = std::byte(20 + i % 6);
                put(p, 1, 0xfefd, 2);
                put(p, 3, 0, 4);
                put(p, 7, i, 4);
                return p;
              },
              20'000) == 0);
  }
  SUBCASE("NTP of a clock with a leap second ahead, which has RTP's version") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(48);
                p[0] = std::byte{0xa3}; // LI 2, version 4, client
                put(p, 1, 2, 1);
                put(p, 2, 0x06ec, 2);
                put(p, 4, i * 7, 4);
                put(p, 8, 0x100, 4);
                put(p, 40, i, 4);
                return p;
              },
              123) == 0);
  }
  SUBCASE("a counter beside a fixed identifier, where nothing runs like a timestamp") {
    CHECK(found(
              [&](std::uint32_t i) {
                Packet p(60);
                p[0] = std::byte{0x80};
                put(p, 2, i, 2);
                fill(p, 4, 4, random);
                put(p, 8, 77, 4);
                return p;
              },
              9'999) == 0);
  }
}

TEST_CASE("finding: a million packets of chance, half of them made to look right, give no stream") {
  Random random(3);
  const auto chance = [&](std::uint32_t i) {
    Packet p(12 + random.below(180));
    fill(p, 0, p.size(), random);
    if (i % 2 == 0) { // RTP's version and no options, a payload type of telephony, one SSRC
      p[0] = std::byte{0x80};
      p[1] = std::byte{0};
      put(p, 8, 0x1234, 4);
    }
    return p;
  };
  CHECK(found(chance, 20'000, 1'000'000) == 0);
}

namespace {

// `count` streams side by side, 20 ms a packet, `rounds` packets each, from `at_ns` on.
void crowd(Analysis& analysis, std::uint32_t count, std::uint32_t rounds, std::int64_t at_ns,
           std::uint32_t first_ssrc = 1) {
  Packet packet(32);
  packet[0] = std::byte{0x80};
  file::Segment segment;
  segment.to = {IpAddress::v4(10, 0, 0, 2), 20'000};
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (std::uint32_t i = 0; i < count; ++i) {
      segment.from = {IpAddress::v4(10, 0, 0, 1), static_cast<std::uint16_t>(1024 + i % 60'000)};
      segment.time_ns = at_ns + std::int64_t{round} * 20'000'000 + i;
      put(packet, 2, round, 2);
      put(packet, 4, round * 160, 4);
      put(packet, 8, first_ssrc + i, 4);
      segment.payload = packet;
      segment.payload_length = static_cast<std::uint32_t>(packet.size());
      analysis.add(segment);
    }
  }
}

std::uint64_t counted(const Analysis& analysis) {
  std::uint64_t packets = 0;
  for (const Stream* stream : analysis.streams.streams())
    packets += stream->packets();
  return packets;
}

} // namespace

TEST_CASE("finding: twelve thousand streams that begin at once lack nothing") {
  Analysis analysis;
  crowd(analysis, 12'000, 5, 0);
  CHECK(analysis.streams.streams().size() == 12'000);
  CHECK(counted(analysis) == 60'000);
  CHECK(analysis.streams.crowd().packets == 0);
  // And those that come when the first are there have more room.
  crowd(analysis, 30'000, 5, 1'000'000'000, 100'000);
  CHECK(analysis.streams.streams().size() == 42'000);
  CHECK(counted(analysis) == 210'000);
  CHECK(analysis.streams.crowd().packets == 0);
}

TEST_CASE("finding: of more streams than there is room for all are found, and what they lack is said") {
  Analysis analysis;
  crowd(analysis, 40'000, 20, 0);
  CHECK(analysis.streams.streams().size() == 40'000);
  const Crowd lacking = analysis.streams.crowd();
  CHECK(lacking.beyond == 0);
  CHECK(lacking.streams > 20'000);
  // A few of the refused give way to each other where they are remembered.
  CHECK(lacking.packets <= 800'000 - counted(analysis));
  CHECK(lacking.packets * 2 > 800'000 - counted(analysis));
}

TEST_CASE("finding: chance makes room for streams when it has been idle, and no stream for itself") {
  Analysis analysis;
  crowd(analysis, 50'000, 1, 0); // one packet each and no more
  crowd(analysis, 100, 10, 3'000'000'000, 1'000'000);
  CHECK(analysis.streams.streams().size() == 100);
  CHECK(counted(analysis) == 1'000);
  CHECK(analysis.streams.crowd().packets == 0);
  // A clock that was set back does not shut the door for ever.
  crowd(analysis, 50'000, 1, 100'000'000'000, 2'000'000);
  crowd(analysis, 100, 10, 50'000'000'000, 3'000'000);
  CHECK(analysis.streams.streams().size() == 200);
}

TEST_CASE("finding: beyond the greatest number of streams packets are counted as such") {
  Analysis analysis;
  for (std::uint32_t i = 0; i < 7; ++i)
    crowd(analysis, 10'000, 4, i * 1'000'000'000L, 1 + i * 10'000);
  CHECK(analysis.streams.streams().size() == StreamTable::kMaxStreams);
  CHECK(analysis.streams.crowd().packets == 0);
  CHECK(analysis.streams.crowd().beyond == (70'000 - StreamTable::kMaxStreams) * 4);
}

} // namespace talky::capture
