#include "rtp/packet.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

#include "rtp/bytes.hpp"

using namespace talky;
using namespace talky::rtp;

TEST_CASE("what is built is parsed") {
  std::vector<std::byte> wire;
  build({101, true, 0xfffe, 0x89abcdef, 0x12345678}, as_bytes("payload"), wire);
  CHECK(wire.size() == 12 + 7);
  CHECK(wire[0] == std::byte{0x80});
  CHECK(wire[1] == std::byte{0xe5});
  const auto packet = PacketView::parse(wire);
  REQUIRE(packet);
  CHECK(packet->payload_type() == 101);
  CHECK(packet->marker());
  CHECK(packet->sequence() == 0xfffe);
  CHECK(packet->timestamp() == 0x89abcdef);
  CHECK(packet->ssrc() == 0x12345678);
  CHECK(as_text(packet->payload()) == "payload");
  CHECK(packet->csrc_count() == 0);
  CHECK_FALSE(packet->extension());

  build({0, false, 1, 2, 3}, {}, wire); // replaces
  CHECK(wire.size() == 12);
  CHECK(PacketView::parse(wire)->payload().empty());
}

TEST_CASE("CSRC list, extension and padding are taken off the payload") {
  const auto wire = bytes({0xb2, 8,    0, 1, 0, 0, 0, 2, 0, 0, 0, 3, // V=2 P X CC=2
                           0,    0,    0, 7, 0, 0, 0, 9,             // CSRCs
                           0xbe, 0xde, 0, 1, 1, 2, 3, 4,             // extension of one word
                           'h',  'i',  0, 0, 3});                    // padding of three
  const auto packet = PacketView::parse(wire);
  REQUIRE(packet);
  CHECK(packet->csrc_count() == 2);
  CHECK(packet->csrc(0) == 7);
  CHECK(packet->csrc(1) == 9);
  REQUIRE(packet->extension());
  CHECK(packet->extension()->profile == 0xbede);
  CHECK(packet->extension()->data.size() == 4);
  CHECK(as_text(packet->payload()) == "hi");
  CHECK(packet->padding() == 3);
}

TEST_CASE("every cut of a packet with all parts either fails or ends in the payload") {
  auto wire = bytes({0x91, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 7, 0, 1, 0, 1, 1, 2, 3, 4, 'x', 'y'});
  for (std::size_t size = 0; size <= wire.size(); ++size) {
    const auto packet = PacketView::parse(Bytes(wire).first(size));
    CAPTURE(size);
    CHECK(packet.has_value() == (size >= 24));
    if (!packet) CHECK(packet.error().code == Errc::truncated);
  }
}

TEST_CASE("broken packets are refused with the reason") {
  auto wire = bytes({0x40, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3});
  CHECK(PacketView::parse(wire).error().code == Errc::unsupported);
  wire = bytes({0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3});
  CHECK(PacketView::parse(wire).error().code == Errc::truncated); // padding without room for its count
  wire.push_back(std::byte{0});
  CHECK(PacketView::parse(wire).error().code == Errc::malformed);
  wire.back() = std::byte{2};
  CHECK(PacketView::parse(wire).error().code == Errc::malformed);
  wire.back() = std::byte{1};
  REQUIRE(PacketView::parse(wire));
  CHECK(PacketView::parse(wire)->payload().empty());
}

TEST_CASE("RTP, RTCP, STUN and DTLS share a port (RFC 7983, RFC 5761)") {
  const auto kind = [](int first, int second) { return classify(bytes({first, second})); };
  CHECK(kind(0x00, 0x01) == Traffic::stun);
  CHECK(kind(3, 0) == Traffic::stun);
  CHECK(kind(4, 0) == Traffic::other);
  CHECK(kind(20, 254) == Traffic::dtls);
  CHECK(kind(63, 1) == Traffic::dtls);
  CHECK(kind(64, 1) == Traffic::other);
  CHECK(kind(0x80, 0) == Traffic::rtp);
  CHECK(kind(0x80, 0x80 | 63) == Traffic::rtp);
  CHECK(kind(0x80, 192) == Traffic::rtcp);
  CHECK(kind(0x81, 200) == Traffic::rtcp);
  CHECK(kind(0xbf, 223) == Traffic::rtcp);
  CHECK(kind(0x80, 224) == Traffic::rtp);
  CHECK(kind(0xc0, 0) == Traffic::other);
  CHECK(classify({}) == Traffic::other);
  CHECK(classify(bytes({0x80})) == Traffic::other);
}

TEST_CASE("distances go the short way around") {
  CHECK(sequence_distance(0xffff, 1) == 2);
  CHECK(sequence_distance(1, 0xffff) == -2);
  CHECK(timestamp_distance(0xffffff60, 0) == 160);
  CHECK(timestamp_distance(0, 0xffffff60) == -160);
}
