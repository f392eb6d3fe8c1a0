#include "file/link.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace talky::file {

namespace {

// Network byte order. The caller has checked that the bytes are there.
std::uint16_t u16(const std::byte* p) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(p[0]) << 8 | std::to_integer<unsigned>(p[1]));
}
std::uint32_t u32(const std::byte* p) {
  return std::uint32_t{u16(p)} << 16 | u16(p + 2);
}

// In two words, as addresses are compared: a load of what was stored in smaller pieces waits for the store.
void set4(IpAddress& address, const std::byte* p) {
  std::uint32_t octets = 0;
  std::memcpy(&octets, p, 4);
  const std::uint64_t upper = 0;
  const std::uint64_t lower = std::endian::native == std::endian::little
                                  ? std::uint64_t{octets} << 32 | 0xffff0000
                                  : 0x0000ffff'00000000 | octets;
  std::memcpy(address.octets.data(), &upper, 8);
  std::memcpy(address.octets.data() + 8, &lower, 8);
}
IpAddress address4(const std::byte* p) {
  IpAddress address;
  set4(address, p);
  return address;
}
IpAddress address6(const std::byte* p) {
  IpAddress address;
  std::memcpy(address.octets.data(), p, 16);
  return address;
}

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;

bool is_vlan_tag(std::uint16_t type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

struct Network {
  std::uint16_t type = 0; // an EtherType; 0 is none of ours
  std::size_t offset = 0;
};

// Where the IP packet starts in a frame.
Network link_layer(LinkType link, Bytes data) {
  Network network;
  const std::byte* p = data.data();
  switch (link) {
    case LinkType::ethernet:
      if (data.size() < 14) return {};
      network = {u16(p + 12), 14};
      break;
    case LinkType::linux_sll:
      if (data.size() < 16) return {};
      network = {u16(p + 14), 16};
      break;
    case LinkType::linux_sll2:
      if (data.size() < 20) return {};
      network = {u16(p), 20};
      break;
    case LinkType::null:
    case LinkType::loop: network = {0, 4}; break;
    case LinkType::raw:
    case LinkType::raw_bsd:
    case LinkType::raw_openbsd:
    case LinkType::ipv4:
    case LinkType::ipv6: network = {0, 0}; break;
    default: return {};
  }
  for (int tags = 0; is_vlan_tag(network.type) && tags < 8 && data.size() >= network.offset + 4; ++tags)
    network = {u16(p + network.offset + 2), network.offset + 4};
  if (network.type == 0) {
    // The family's number differs from system to system (IPv6 is 10, 24, 28 or 30): the version says the
    // same.
    if (data.size() <= network.offset) return {};
    const unsigned version = std::to_integer<unsigned>(p[network.offset]) >> 4;
    network.type = version == 4 ? kIpv4 : version == 6 ? kIpv6 : std::uint16_t{0};
  }
  return network;
}

} // namespace

bool Dissector::dissect(const CapturedFrame& frame, Segment& segment) {
  ++counts_.frames;
  // Nearly all of a telephone capture: Ethernet, IPv4 without options in one piece, UDP, lengths that fit.
  constexpr std::size_t kEthernet = 14;
  constexpr std::size_t kHeaders = kEthernet + 20 + 8;
  if (frame.link == LinkType::ethernet && frame.data.size() >= kHeaders) {
    const std::byte* p = frame.data.data();
    const std::byte* ip = p + kEthernet;
    const std::size_t total = u16(ip + 2);
    const std::size_t length = u16(ip + 24);
    if (u16(p + 12) == kIpv4 && ip[0] == std::byte{0x45} && (u16(ip + 6) & 0x3fff) == 0 &&
        ip[9] == std::byte{17} && length >= 8 && total >= 20 + length &&
        frame.data.size() >= kEthernet + total) {
      ++counts_.udp;
      segment.time_ns = frame.time_ns;
      segment.transport = Transport::udp;
      set4(segment.from.ip, ip + 12);
      segment.from.port = u16(ip + 20);
      set4(segment.to.ip, ip + 16);
      segment.to.port = u16(ip + 22);
      segment.payload = Bytes(ip + 28, length - 8);
      segment.payload_length = static_cast<std::uint32_t>(length - 8);
      return true;
    }
  }
  const Network network = link_layer(frame.link, frame.data);
  if (network.type != kIpv4 && network.type != kIpv6) return other();
  segment.time_ns = frame.time_ns;
  const Bytes packet = frame.data.subspan(network.offset);
  const std::uint32_t wire = frame.wire_length - static_cast<std::uint32_t>(network.offset);
  return network.type == kIpv4 ? ipv4(packet, wire, segment) : ipv6(packet, wire, segment);
}

bool Dissector::ipv4(Bytes packet, std::uint32_t wire_length, Segment& segment) {
  const std::byte* p = packet.data();
  if (packet.size() < 20 || std::to_integer<unsigned>(p[0]) >> 4 != 4) {
    return other();
  }
  const std::size_t header = (std::to_integer<std::size_t>(p[0]) & 15) * 4;
  // 0 is what segmentation offload leaves in a capture of the sender: then the frame says how long it is.
  const std::uint32_t total = u16(p + 2) != 0 ? u16(p + 2) : wire_length;
  if (header < 20 || header > packet.size() || total < header || total > wire_length) {
    return other();
  }
  const Bytes data = packet.first(std::min<std::size_t>(packet.size(), total)).subspan(header);
  const std::uint16_t flags = u16(p + 6);
  const auto protocol = std::to_integer<std::uint8_t>(p[9]);
  if ((flags & 0x3fff) != 0) { // more fragments, or an offset
    return fragment(address4(p + 12), address4(p + 16), u16(p + 4), protocol,
                    static_cast<std::uint32_t>(flags & 0x1fff) * 8, (flags & 0x2000) != 0, data, segment);
  }
  return transport(protocol, address4(p + 12), address4(p + 16), data,
                   total - static_cast<std::uint32_t>(header), segment);
}

bool Dissector::ipv6(Bytes packet, std::uint32_t wire_length, Segment& segment) {
  const std::byte* p = packet.data();
  if (packet.size() < 40 || std::to_integer<unsigned>(p[0]) >> 4 != 6 || wire_length < 40) {
    return other();
  }
  std::uint32_t length = u16(p + 4) != 0 ? u16(p + 4) : wire_length - 40;
  if (length > wire_length - 40) {
    return other();
  }
  const IpAddress from = address6(p + 8);
  const IpAddress to = address6(p + 24);
  auto protocol = std::to_integer<std::uint8_t>(p[6]);
  Bytes data = packet.subspan(40, std::min<std::size_t>(packet.size() - 40, length));
  for (int headers = 0; headers < 8; ++headers) {
    constexpr std::uint8_t kHopByHop = 0;
    constexpr std::uint8_t kRouting = 43;
    constexpr std::uint8_t kFragment = 44;
    constexpr std::uint8_t kAuthentication = 51;
    constexpr std::uint8_t kDestination = 60;
    const bool extension = protocol == kHopByHop || protocol == kRouting || protocol == kFragment ||
                           protocol == kAuthentication || protocol == kDestination;
    if (!extension) return transport(protocol, from, to, data, length, segment);
    if (data.size() < 8) break;
    const auto following = std::to_integer<std::uint8_t>(data[0]);
    const auto units = std::to_integer<std::size_t>(data[1]);
    const std::size_t size = protocol == kFragment         ? 8
                             : protocol == kAuthentication ? (units + 2) * 4
                                                           : (units + 1) * 8;
    if (data.size() < size) break;
    if (protocol == kFragment) {
      const std::uint16_t where = u16(data.data() + 2);
      const std::uint32_t id = u32(data.data() + 4);
      const Bytes rest = data.subspan(8);
      if ((where & 0xfff9) != 0) {
        return fragment(from, to, id, following, where & 0xfff8u, (where & 1) != 0, rest, segment);
      }
    }
    data = data.subspan(size);
    length -= static_cast<std::uint32_t>(size);
    protocol = following;
  }
  return other();
}

bool Dissector::transport(std::uint8_t protocol, const IpAddress& from, const IpAddress& to, Bytes data,
                          std::uint32_t wire_length, Segment& segment) {
  const std::byte* p = data.data();
  segment.tcp_sequence = 0;
  segment.tcp_syn = segment.tcp_fin = false;
  if (protocol == 17 && data.size() >= 8) {
    // 0 is a jumbogram, or offload; more than there is on the wire is a lie.
    const std::uint32_t length = u16(p + 4) != 0 ? u16(p + 4) : wire_length;
    if (length >= 8 && length <= wire_length) {
      ++counts_.udp;
      segment.transport = Transport::udp;
      segment.from = {from, u16(p)};
      segment.to = {to, u16(p + 2)};
      segment.payload = data.first(std::min<std::size_t>(data.size(), length)).subspan(8);
      segment.payload_length = length - 8;
      return true;
    }
  } else if (protocol == 6 && data.size() >= 20) {
    const std::size_t header = (std::to_integer<std::size_t>(p[12]) >> 4) * 4;
    if (header >= 20 && header <= data.size()) {
      ++counts_.tcp;
      const auto flags = std::to_integer<unsigned>(p[13]);
      segment.transport = Transport::tcp;
      segment.from = {from, u16(p)};
      segment.to = {to, u16(p + 2)};
      segment.payload = data.subspan(header);
      segment.payload_length = wire_length - static_cast<std::uint32_t>(header);
      segment.tcp_sequence = u32(p + 4);
      segment.tcp_syn = (flags & 0x02) != 0;
      segment.tcp_fin = (flags & 0x05) != 0;
      return true;
    }
  }
  return other();
}

bool Dissector::fragment(const IpAddress& from, const IpAddress& to, std::uint32_t id, std::uint8_t protocol,
                         std::uint32_t offset, bool more, Bytes data, Segment& segment) {
  const std::int64_t time_ns = segment.time_ns;
  ++counts_.fragments;
  const auto forget = [this](std::list<Datagram>::iterator which) {
    counts_.fragments_dropped += which->fragments.size();
    return pending_.erase(which);
  };
  while (!pending_.empty() && time_ns - pending_.front().first_ns > kFragmentLifeNs)
    forget(pending_.begin());
  auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Datagram& datagram) {
    return datagram.id == id && datagram.protocol == protocol && datagram.from == from && datagram.to == to;
  });
  if (found == pending_.end()) {
    if (pending_.size() >= kMaxDatagrams) forget(pending_.begin());
    found =
        pending_.insert(pending_.end(), Datagram{from, to, id, protocol, time_ns, std::nullopt, false, {}});
  }
  Datagram& datagram = *found;
  const auto end = offset + static_cast<std::uint32_t>(data.size());
  if (!more) datagram.total = end;
  datagram.spoilt = datagram.spoilt || end > 65'535 || (more && data.size() % 8 != 0) ||
                    datagram.fragments.size() >= kMaxFragments;
  for (const Fragment& other : datagram.fragments) {
    const auto other_end = other.offset + static_cast<std::uint32_t>(other.bytes.size());
    if (offset < other_end && other.offset < end) {
      // The same fragment once more is a retransmission of the network; anything else is an attack.
      const bool same = other.offset == offset &&
                        std::equal(data.begin(), data.end(), other.bytes.begin(), other.bytes.end());
      if (same) return false;
      datagram.spoilt = true;
    }
  }
  if (datagram.spoilt) {
    ++counts_.fragments_dropped;
    return false; // kept until it ages out, so that its rest is not taken for a new datagram
  }
  datagram.fragments.push_back({offset, std::vector<std::byte>(data.begin(), data.end())});
  if (!datagram.total) return false;

  std::sort(datagram.fragments.begin(), datagram.fragments.end(),
            [](const Fragment& a, const Fragment& b) { return a.offset < b.offset; });
  std::uint32_t reached = 0;
  for (const Fragment& part : datagram.fragments) {
    if (part.offset != reached) return false; // a gap
    reached += static_cast<std::uint32_t>(part.bytes.size());
  }
  if (reached != *datagram.total) return false;
  whole_.clear();
  for (const Fragment& part : datagram.fragments)
    whole_.insert(whole_.end(), part.bytes.begin(), part.bytes.end());
  pending_.erase(found);
  return transport(protocol, from, to, whole_, static_cast<std::uint32_t>(whole_.size()), segment);
}

} // namespace talky::file
