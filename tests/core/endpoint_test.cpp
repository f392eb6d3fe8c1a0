#include "core/endpoint.hpp"

#include <doctest/doctest.h>

using talky::Endpoint;
using talky::IpAddress;

TEST_CASE("addresses are read and written in their canonical form") {
  const auto round = [](std::string_view text) {
    const auto address = IpAddress::parse(text);
    return address ? address->to_string() : std::string("refused");
  };
  CHECK(round("192.0.2.1") == "192.0.2.1");
  CHECK(round("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(round("::1") == "::1");
  CHECK(round("::") == "::");
  CHECK(round("[2001:DB8::1]") == "2001:db8::1");
  CHECK(round("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");
  CHECK(round("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");
  CHECK(round("fe80::") == "fe80::");
  CHECK(round("1:2:3:4:5:6:7:8") == "1:2:3:4:5:6:7:8");
  CHECK(round("2001:db8::192.0.2.33") == "2001:db8::c000:221");
}

TEST_CASE("what is no address is refused") {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ",
                           "::1::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", ":1", "1:", "::g",
                           "[::1", "localhost", "1:2:3:4:5:6:7:8::", "1.2.3.4::", "+1.2.3.4"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text).has_value());
  }
}

TEST_CASE("the kinds of address") {
  CHECK(IpAddress::parse("127.9.9.9")->is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("::2")->is_loopback());
  CHECK(IpAddress::parse("0.0.0.0")->is_unspecified());
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK(IpAddress::parse("224.0.0.1")->is_multicast());
  CHECK(IpAddress::parse("172.31.0.1")->is_private());
  CHECK_FALSE(IpAddress::parse("172.32.0.1")->is_private());
  CHECK(IpAddress::parse("fe80::1")->is_private());
  CHECK(IpAddress::v4(10, 0, 0, 1) == *IpAddress::parse("10.0.0.1"));
}

TEST_CASE("endpoints carry a port, IPv6 ones brackets") {
  CHECK(Endpoint::parse("192.0.2.1:5060")->to_string() == "192.0.2.1:5060");
  CHECK(Endpoint::parse("[::1]:5060")->to_string() == "[::1]:5060");
  for (const char* text :
       {"192.0.2.1", "::1:5060", "[::1]", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", ":5060"}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text).has_value());
  }
}
