#include "file/link.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "capture_bytes.hpp"

using namespace talky;
using namespace talky::file;
using namespace talky::file::test;

namespace {

CapturedFrame frame_of(LinkType link, const Buffer& data, std::int64_t time_ns = 0) {
  return {time_ns, link, data, static_cast<std::uint32_t>(data.size())};
}

const Buffer kPayload = text("0123456789abcdef");

void check_udp(LinkType link, const Buffer& data) {
  Dissector dissector;
  const auto segment = dissector.dissect(frame_of(link, data));
  REQUIRE(segment);
  CHECK(segment->transport == Transport::udp);
  CHECK(segment->from.port == 4000);
  CHECK(segment->to.port == 5004);
  CHECK(as_text(segment->payload) == "0123456789abcdef");
  CHECK(segment->payload_length == 16);
}

Buffer ethernet(unsigned type) {
  return bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) + integer(type, 2, true);
}

} // namespace

TEST_CASE("link: every link type leads to the same datagram") {
  const Buffer v4 = ipv4(udp(kPayload));
  const Buffer v6 = ipv6(udp(kPayload));
  check_udp(LinkType::ethernet, ethernet(0x0800) + v4);
  check_udp(LinkType::ethernet, ethernet(0x86dd) + v6);
  check_udp(LinkType::ethernet, ethernet(0x0800) + v4 + Buffer(10)); // padded to the shortest frame
  check_udp(LinkType::ethernet, ethernet(0x8100) + bytes({0, 7, 0x08, 0}) + v4);
  check_udp(LinkType::ethernet, ethernet(0x88a8) + bytes({0, 7, 0x81, 0, 0, 8, 0x86, 0xdd}) + v6);
  check_udp(LinkType::linux_sll, Buffer(14) + bytes({0x08, 0}) + v4);
  check_udp(LinkType::linux_sll2, bytes({0x86, 0xdd}) + Buffer(18) + v6);
  check_udp(LinkType::raw, v4);
  check_udp(LinkType::raw, v6);
  check_udp(LinkType::raw_bsd, v4);
  check_udp(LinkType::ipv6, v6);
  check_udp(LinkType::null, bytes({2, 0, 0, 0}) + v4);
  check_udp(LinkType::null, bytes({0, 0, 0, 2}) + v4);
  check_udp(LinkType::null, bytes({30, 0, 0, 0}) + v6);
  check_udp(LinkType::loop, bytes({0, 0, 0, 24}) + v6);
}

TEST_CASE("link: IPv6 extension headers are passed") {
  check_udp(LinkType::raw, ipv6(bytes({17, 0, 1, 4, 0, 0, 0, 0}) + udp(kPayload), 0));
  check_udp(LinkType::raw,
            ipv6(bytes({60, 0, 1, 4, 0, 0, 0, 0}) + bytes({17, 1}) + Buffer(14) + udp(kPayload), 43));
  check_udp(LinkType::raw, ipv6(bytes({17, 0, 0, 0, 0, 0, 0, 9}) + udp(kPayload), 44)); // an only fragment
}

TEST_CASE("link: tunnels of a depth, and no more; each frame that is not read has a reason") {
  // `depth` IP headers around one with a datagram.
  const auto nested = [](int depth) {
    Buffer packet = ipv4(udp(kPayload));
    for (int i = 0; i < depth; ++i)
      packet = ipv4(packet, 0, 7, 4);
    return packet;
  };
  check_udp(LinkType::raw, nested(Dissector::kMaxTunnels - 1));
  Dissector dissector;
  CHECK(!dissector.dissect(frame_of(LinkType::raw, nested(Dissector::kMaxTunnels))));
  Buffer tags = ethernet(0x8100);
  for (int i = 0; i < 30; ++i)
    tags = tags + bytes({0, 7, 0x81, 0});
  CHECK(!dissector.dissect(frame_of(LinkType::ethernet, tags)));
  CHECK(!dissector.dissect(frame_of(LinkType::raw, ipv4(kPayload, 0, 7, 50))));
  CHECK(!dissector.dissect(frame_of(LinkType::raw, ipv4(kPayload, 0, 7, 50))));
  CHECK(!dissector.dissect(frame_of(LinkType::ethernet, ethernet(0x0806) + kPayload)));
  CHECK(!dissector.dissect(frame_of(static_cast<LinkType>(147), kPayload)));
  using Kind = Dissector::Unread::Kind;
  const auto& unread = dissector.counts().unread;
  REQUIRE(unread.size() == 4);
  const auto is = [&](std::size_t i, Kind kind, unsigned number, unsigned frames) {
    return unread[i].kind == kind && unread[i].number == number && unread[i].frames == frames;
  };
  CHECK(is(0, Kind::broken, 0, 2));
  CHECK(is(1, Kind::ip_protocol, 50, 2));
  CHECK(is(2, Kind::ethertype, 0x0806, 1));
  CHECK(is(3, Kind::link_type, 147, 1));
  CHECK(dissector.counts().other == 6);
  // However many kinds there are, the table of them is bounded, and the sum is not.
  for (unsigned type = 0; type < 1000; ++type)
    CHECK(!dissector.dissect(frame_of(LinkType::ethernet, ethernet(0x9900 + type) + kPayload)));
  CHECK(unread.size() == Dissector::kMaxUnread);
  CHECK(dissector.counts().other == 1006);
}

TEST_CASE("link: what is on a tunnel's port and is none is what UDP carried") {
  const auto datagram = [](unsigned port, const Buffer& payload) {
    return ipv4(integer(4000, 2, true) + integer(port, 2, true) +
                integer(static_cast<std::uint32_t>(payload.size() + 8), 2, true) + integer(0, 2, true) +
                payload);
  };
  const Buffer rtp = bytes({0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4}) + Buffer(160);
  const Buffer sip = text("OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n");
  for (const unsigned port : {1701U, 2152U, 4754U, 4789U, 4790U, 6081U, 6635U, 8472U, 9060U, 37008U}) {
    for (const Buffer& payload : {rtp, sip, text("HEP3\x00\x40 no chunks in here")}) {
      Dissector dissector;
      const Buffer data = datagram(port, payload);
      const auto segment = dissector.dissect(frame_of(LinkType::raw, data));
      REQUIRE(segment);
      CHECK(segment->payload.size() == payload.size());
      CHECK(segment->to.port == port);
    }
  }
}

TEST_CASE(
    "link: HEP3 gives the packet that was seen, its addresses and its time; a broken one is a datagram") {
  const auto chunk = [](unsigned kind, const Buffer& value) {
    return integer(0, 2, true) + integer(kind, 2, true) +
           integer(static_cast<std::uint32_t>(value.size() + 6), 2, true) + value;
  };
  const auto hep = [&](const Buffer& chunks) {
    return text("HEP3") + integer(static_cast<std::uint32_t>(chunks.size() + 6), 2, true) + chunks;
  };
  const Buffer v6 = bytes({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9});
  const Buffer chunks = chunk(1, bytes({10})) + chunk(5, v6) + chunk(6, v6) +
                        chunk(7, integer(5060, 2, true)) + chunk(8, integer(5062, 2, true)) +
                        chunk(9, integer(1000, 4, true)) + chunk(10, integer(250'000, 4, true)) +
                        chunk(15, kPayload);
  Dissector dissector;
  const Buffer whole = ipv4(udp(hep(chunks)));
  const auto segment = dissector.dissect(frame_of(LinkType::raw, whole, 5));
  REQUIRE(segment);
  CHECK(segment->from.to_string() == "[2001:db8::9]:5060");
  CHECK(segment->to.port == 5062);
  CHECK(segment->time_ns == 1'000'250'000'000);
  CHECK(as_text(segment->payload) == "0123456789abcdef");
  const Buffer message = hep(chunks);
  for (std::size_t size = 6; size < message.size(); ++size) { // cut, or with a length that lies
    const Buffer cut = ipv4(udp(Buffer(message.begin(), message.begin() + static_cast<long>(size))));
    const auto datagram = dissector.dissect(frame_of(LinkType::raw, cut, 5));
    REQUIRE(datagram);
    CHECK(datagram->from.port == 4000);
    CHECK(datagram->time_ns == 5);
  }
  const Buffer packed =
      ipv4(udp(hep(chunk(3, bytes({10, 0, 0, 1})) + chunk(4, bytes({10, 0, 0, 2})) + chunk(16, kPayload))));
  CHECK(dissector.dissect(frame_of(LinkType::raw, packed))->from.port == 4000);
}

TEST_CASE("link: a cut frame gives what is there and says how long it was") {
  const Buffer whole = ipv4(udp(kPayload));
  Dissector dissector;
  CapturedFrame frame = frame_of(LinkType::raw, whole);
  frame.data = frame.data.first(whole.size() - 6);
  const auto segment = dissector.dissect(frame);
  REQUIRE(segment);
  CHECK(as_text(segment->payload) == "0123456789");
  CHECK(segment->payload_length == 16);
}

TEST_CASE("link: broken headers are counted, and no length reaches behind its frame") {
  const Buffer whole = ethernet(0x0800) + ipv4(udp(kPayload));
  Dissector dissector;
  std::uint64_t cut = 0;
  for (std::size_t size = 0; size < 14 + 20 + 8; ++size, ++cut)
    CHECK(!dissector.dissect(
        frame_of(LinkType::ethernet, Buffer(whole.begin(), whole.begin() + static_cast<long>(size)))));
  CHECK(dissector.counts().other == cut);
  Buffer lies = whole;
  lies[14 + 2] = std::byte{0xff}; // an IP length beyond the frame
  CHECK(!dissector.dissect(frame_of(LinkType::ethernet, lies)));
  lies = whole;
  lies[14 + 20 + 4] = std::byte{0x7f}; // a UDP length beyond the packet
  CHECK(!dissector.dissect(frame_of(LinkType::ethernet, lies)));
  lies = whole;
  lies[14] = std::byte{0x4f}; // options beyond the packet
  CHECK(!dissector.dissect(frame_of(LinkType::ethernet, lies)));
}

TEST_CASE("link: fragments come together in any order, once") {
  const Buffer data = udp(text(std::string(40, 'p')));
  const Buffer parts[] = {ipv4(Buffer(data.begin(), data.begin() + 16), 0x2000),
                          ipv4(Buffer(data.begin() + 16, data.begin() + 32), 0x2000 | 2),
                          ipv4(Buffer(data.begin() + 32, data.end()), 4)};
  for (const auto& order :
       {std::array{0, 1, 2}, std::array{2, 1, 0}, std::array{1, 2, 0}, std::array{0, 2, 1}}) {
    Dissector dissector;
    CHECK(!dissector.dissect(frame_of(LinkType::raw, parts[order[0]])));
    CHECK(!dissector.dissect(frame_of(LinkType::raw, parts[order[0]]))); // twice on the wire
    CHECK(!dissector.dissect(frame_of(LinkType::raw, parts[order[1]])));
    const auto segment = dissector.dissect(frame_of(LinkType::raw, parts[order[2]]));
    REQUIRE(segment);
    CHECK(as_text(segment->payload) == std::string(40, 'p'));
    CHECK(dissector.counts().fragments == 4);
    CHECK(dissector.counts().fragments_dropped == 0);
  }
  const auto v6_part = [](unsigned where, unsigned more, const Buffer& part) {
    return ipv6(bytes({17, 0}) + integer(where | more, 2, true) + bytes({0, 0, 0, 5}) + part, 44);
  };
  Dissector dissector;
  CHECK(!dissector.dissect(frame_of(LinkType::raw, v6_part(0, 1, Buffer(data.begin(), data.begin() + 16)))));
  const auto segment =
      dissector.dissect(frame_of(LinkType::raw, v6_part(16, 0, Buffer(data.begin() + 16, data.end()))));
  REQUIRE(segment);
  CHECK(segment->payload.size() == 40);
}

TEST_CASE("link: fragments that overlap, or have no end, cost no more than the limits say") {
  const Buffer data = udp(text(std::string(40, 'p')));
  Dissector dissector;
  CHECK(!dissector.dissect(frame_of(LinkType::raw, ipv4(Buffer(data.begin(), data.begin() + 24), 0x2000))));
  CHECK(!dissector.dissect(frame_of(LinkType::raw, ipv4(Buffer(data.begin() + 16, data.end()), 2))));
  CHECK(!dissector.dissect(frame_of(LinkType::raw, ipv4(Buffer(data.begin() + 24, data.end()), 3))));
  CHECK(dissector.counts().fragments_dropped == 2);

  for (std::uint32_t id = 0; id < 500; ++id)
    dissector.dissect(frame_of(LinkType::raw, ipv4(Buffer(8), 0x2000, id + 100), id));
  CHECK(dissector.counts().fragments_dropped >= 500 - Dissector::kMaxDatagrams);
  // A new datagram with an old identification does not take up what is left of the old one.
  Dissector later;
  CHECK(!later.dissect(frame_of(LinkType::raw, ipv4(Buffer(data.begin(), data.begin() + 16), 0x2000), 0)));
  CHECK(!later.dissect(
      frame_of(LinkType::raw, ipv4(Buffer(data.begin() + 16, data.end()), 2), 31'000'000'000)));
  CHECK(later.counts().fragments_dropped == 1);
}
