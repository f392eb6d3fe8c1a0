#include "core/ip_network.hpp"

#include "core/ascii.hpp"

namespace talky {

namespace {
constexpr unsigned kBits = 128;
constexpr unsigned kMappedBits = 96; // before an IPv4 address
} // namespace

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  if (slash == std::string_view::npos) return IpNetwork{*ip, kBits};
  const unsigned before = ip->is_v4() ? kMappedBits : 0;
  const auto bits = ascii::to_number<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > kBits - before) return std::nullopt;
  return IpNetwork{*ip, before + *bits};
}

bool IpNetwork::contains(const IpAddress& address) const {
  for (unsigned bit = 0; bit < bits; bit += 8) {
    const auto differing = static_cast<unsigned>(ip.octets[bit / 8] ^ address.octets[bit / 8]);
    const unsigned left = bits - bit;
    if (left >= 8 ? differing != 0 : (differing >> (8 - left)) != 0) return false;
  }
  return true;
}

} // namespace talky
