#include "telemetry/hep.hpp"

#include <doctest/doctest.h>

#include <string>

#include "core/random.hpp"

using namespace talky;
using namespace talky::telemetry;

namespace {

HepPacket sample() {
  HepPacket p;
  p.from = *Endpoint::parse("192.0.2.1:5060");
  p.to = *Endpoint::parse("192.0.2.7:5062");
  p.time_us = 1'700'000'000'123'456;
  p.capture_id = 2001;
  p.key = "secret";
  p.correlation = "abc@host";
  p.payload = "OPTIONS sip:a@b SIP/2.0\r\n\r\n";
  return p;
}

std::string hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::byte b : bytes) {
    out += kDigits[std::to_integer<unsigned>(b) >> 4];
    out += kDigits[std::to_integer<unsigned>(b) & 0xf];
  }
  return out;
}

} // namespace

TEST_CASE("a packet is, byte by byte, what the protocol says") {
  HepPacket p = sample();
  p.payload = "x";
  p.key = "k";
  p.correlation = "c";
  std::vector<std::byte> out;
  REQUIRE(encode_hep(p, out));
  CHECK(hex(out) ==
        "48455033" // HEP3
        "0072"     // 114 bytes
        "00000001000702"
        "00000002000711"
        "00000003000ac0000201"
        "00000004000ac0000207"
        "00000007000813c4"
        "00000008000813c6"
        "00000009000a6553f100"
        "0000000a000a0001e240"
        "0000000b000701"
        "0000000c000a000007d1"
        "0000000e00076b"
        "00000011000763"
        "0000000f000778");
}

TEST_CASE("what goes in comes out: both families, with and without what may be left out") {
  for (const char* address : {"192.0.2.1:5060", "[2001:db8::1]:5061"}) {
    for (const bool optional : {true, false}) {
      HepPacket p = sample();
      p.from = p.to = *Endpoint::parse(address);
      p.transport = optional ? 17 : 6;
      p.type = optional ? HepPacket::Type::sip : HepPacket::Type::rtcp_json;
      if (!optional) p.key = p.correlation = "";
      std::vector<std::byte> out;
      REQUIRE(encode_hep(p, out));
      const auto back = parse_hep(out);
      REQUIRE(back);
      CHECK(*back == p);
    }
  }
}

TEST_CASE("what does not fit is refused") {
  std::vector<std::byte> out;
  HepPacket p = sample();
  p.to = *Endpoint::parse("[::1]:5060");
  CHECK(encode_hep(p, out).error().code == Errc::malformed);
  const std::string large(65'000, 'x');
  p = sample();
  p.payload = large;
  CHECK(encode_hep(p, out).error().code == Errc::too_large);
  p = sample();
  p.key = std::string_view(large).substr(0, 256);
  CHECK(encode_hep(p, out).error().code == Errc::too_large);
  p = sample();
  p.payload = std::string_view(large).substr(0, 64'700);
  REQUIRE(encode_hep(p, out));
  CHECK(out.size() <= kMaxHep);
  CHECK(parse_hep(out)->payload.size() == 64'700);
}

TEST_CASE("a packet cut anywhere, or with any byte changed, is read or refused, never more") {
  std::vector<std::byte> whole;
  REQUIRE(encode_hep(sample(), whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(parse_hep(Bytes(whole).first(size)));
  Random random(5);
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = whole;
    bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
    const auto parsed = parse_hep(bytes);
    if (!parsed) continue;
    std::vector<std::byte> again;
    if (encode_hep(*parsed, again)) CHECK(parse_hep(again) == parsed);
  }
}

TEST_CASE("chunks of others are passed over") {
  std::vector<std::byte> bytes;
  REQUIRE(encode_hep(sample(), bytes));
  Writer writer(bytes);
  writer.u16(0x1234); // a vendor
  writer.u16(0x0f);
  writer.u16(8);
  writer.u16(0xffff);
  writer.u16(0);
  writer.u16(0x7777); // a type of the future
  writer.u16(6);
  writer.patch_u16(4, static_cast<std::uint16_t>(bytes.size()));
  CHECK(parse_hep(bytes) == sample());
}
