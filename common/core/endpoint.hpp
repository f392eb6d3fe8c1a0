// An IP address with a port, as a value. No sockets, no names to look up: common/net turns it into a socket
// address.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace talky {

// IPv4 is kept as an IPv4-mapped IPv6 address (::ffff:a.b.c.d), so every address is 16 bytes in network
// order.
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; brackets as in "[::1]" are accepted. No names, no scope
  // ids.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;    // 127.0.0.0/8 or ::1
  bool is_unspecified() const; // 0.0.0.0 or ::
  bool is_multicast() const;
  bool is_private() const; // RFC 1918, RFC 4193 or link-local

  std::string to_string() const; // RFC 5952; IPv4 dotted; never with brackets
  bool operator==(const IpAddress&) const = default;
  auto operator<=>(const IpAddress&) const = default; // NOLINT(modernize-use-nullptr): there is none here
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  // "192.0.2.1:5060" or "[2001:db8::1]:5060". The port is required.
  static std::optional<Endpoint> parse(std::string_view text);
  // "192.0.2.1:5060", "[2001:db8::1]:5060"
  std::string to_string() const;

  bool operator==(const Endpoint&) const = default;
  auto operator<=>(const Endpoint&) const = default; // NOLINT(modernize-use-nullptr): there is none here
};

} // namespace talky

template <>
struct std::hash<talky::Endpoint> {
  std::size_t operator()(const talky::Endpoint& endpoint) const noexcept {
    std::size_t h = endpoint.port;
    for (const std::uint8_t octet : endpoint.ip.octets)
      h = h * 1099511628211u ^ octet;
    return h;
  }
};
