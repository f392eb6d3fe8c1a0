#include "core/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/ascii.hpp"

namespace talky {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Exactly four decimal octets without leading zeros (an octal reading elsewhere would be another address).
std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = i == 3 ? text.size() : text.find('.');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view part = text.substr(0, end);
    if (part.size() > 1 && part.front() == '0') return std::nullopt;
    const auto value = ascii::to_number<std::uint8_t>(part);
    if (!value) return std::nullopt;
    octets[i] = *value;
    text.remove_prefix(i == 3 ? end : end + 1);
  }
  return octets;
}

// One side of "::": groups of hex digits between colons, the last of which may be dotted IPv4.
bool parse_groups(std::string_view text, bool may_end_in_v4, std::vector<std::uint16_t>& groups) {
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_v4 && part.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(part);
      if (!v4) return false;
      groups.push_back(static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1]));
      groups.push_back(static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]));
      return groups.size() <= 8;
    }
    if (part.empty() || part.size() > 4) return false;
    const auto value = ascii::to_number<std::uint16_t>(part, 16);
    if (!value) return false;
    groups.push_back(*value);
    if (groups.size() > 8) return false;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false; // a colon with nothing behind it
  }
  return true;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  std::vector<std::uint16_t> head;
  std::vector<std::uint16_t> tail;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, true, head) || head.size() != 8) return std::nullopt;
  } else {
    if (!parse_groups(text.substr(0, gap), false, head) || !parse_groups(text.substr(gap + 2), true, tail))
      return std::nullopt;
    if (head.size() + tail.size() > 7) return std::nullopt;
  }
  IpAddress address;
  const auto put = [&address](std::size_t group, std::uint16_t value) {
    address.octets[2 * group] = static_cast<std::uint8_t>(value >> 8);
    address.octets[2 * group + 1] = static_cast<std::uint8_t>(value & 0xff);
  };
  for (std::size_t i = 0; i < head.size(); ++i)
    put(i, head[i]);
  for (std::size_t i = 0; i < tail.size(); ++i)
    put(8 - tail.size() + i, tail[i]);
  return address;
}

} // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress address;
  std::ranges::copy(kV4Prefix, address.octets.begin());
  address.octets[12] = a;
  address.octets[13] = b;
  address.octets[14] = c;
  address.octets[15] = d;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
    return parse_v6(text.substr(1, text.size() - 2));
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  const auto octets = parse_v4(text);
  if (!octets) return std::nullopt;
  return v4((*octets)[0], (*octets)[1], (*octets)[2], (*octets)[3]);
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), octets.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets[12] == 127;
  return std::all_of(octets.begin(), octets.end() - 1, [](std::uint8_t o) { return o == 0; }) &&
         octets[15] == 1;
}

bool IpAddress::is_unspecified() const {
  const auto first = is_v4() ? octets.begin() + 12 : octets.begin();
  return std::all_of(first, octets.end(), [](std::uint8_t o) { return o == 0; });
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (octets[12] & 0xf0) == 0xe0 : octets[0] == 0xff;
}

bool IpAddress::is_private() const {
  if (!is_v4()) return (octets[0] & 0xfe) == 0xfc || (octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80);
  const std::uint8_t a = octets[12];
  const std::uint8_t b = octets[13];
  return a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) || (a == 169 && b == 254);
}

std::string IpAddress::to_string() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", octets[12], octets[13], octets[14], octets[15]);
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = static_cast<unsigned>(octets[2 * i] << 8 | octets[2 * i + 1]);
  std::size_t best = 8; // the longest run of two or more zero groups becomes "::", the first one on a tie
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0)
      ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt; // IPv6 needs its brackets
  const auto ip = IpAddress::parse(host);
  const auto port = ascii::to_number<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return Endpoint{*ip, *port};
}

std::string Endpoint::to_string() const {
  return ip.is_v4() ? fmt::format("{}:{}", ip.to_string(), port)
                    : fmt::format("[{}]:{}", ip.to_string(), port);
}

} // namespace talky
