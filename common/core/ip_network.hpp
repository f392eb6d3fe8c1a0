// A range of IP addresses in CIDR notation (RFC 4632), as a value.
#pragma once
#include <optional>
#include <string_view>

#include "core/endpoint.hpp"

namespace talky {

struct IpNetwork {
  IpAddress ip;
  unsigned bits = 128; // of `ip` that count, from the left; IPv4 as IPv4-mapped: 96 more than its own

  // "192.0.2.0/24", "2001:db8::/32", "198.51.100.7" (that address alone). Bits behind the prefix do not
  // count.
  static std::optional<IpNetwork> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
};

} // namespace talky
