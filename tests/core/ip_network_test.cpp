#include "core/ip_network.hpp"

#include <doctest/doctest.h>

using talky::IpAddress;
using talky::IpNetwork;

namespace {

bool in(const char* network, const char* address) {
  const auto range = IpNetwork::parse(network);
  REQUIRE(range);
  return range->contains(*IpAddress::parse(address));
}

} // namespace

TEST_CASE("a network contains its addresses") {
  CHECK(in("192.0.2.0/24", "192.0.2.0"));
  CHECK(in("192.0.2.0/24", "192.0.2.255"));
  CHECK_FALSE(in("192.0.2.0/24", "192.0.3.0"));
  CHECK(in("192.0.2.77/24", "192.0.2.1")); // what stands behind the prefix does not count
  CHECK(in("10.0.0.0/9", "10.127.255.255"));
  CHECK_FALSE(in("10.0.0.0/9", "10.128.0.0"));
  CHECK(in("198.51.100.7", "198.51.100.7"));
  CHECK_FALSE(in("198.51.100.7", "198.51.100.6"));
  CHECK(in("0.0.0.0/0", "203.0.113.9"));
  CHECK_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  CHECK(in("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(in("::/0", "2001:db8::1"));
}

TEST_CASE("what is no network") {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "2001:db8::/129",
                           "localhost/8", "10/8", "10.0.0.0/8x"})
    CHECK_FALSE(IpNetwork::parse(text).has_value());
}
