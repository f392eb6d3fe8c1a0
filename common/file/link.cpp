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

// HEP3 (https://github.com/sipcapture/HEP): a packet that an agent at a SIP server has seen, in chunks of
// vendor, type, length and value. False where it is none, or holds no message as it was (it may be
// compressed).
bool read_hep(Segment& segment) {
  constexpr std::size_t kHead = 6;
  const Bytes all = segment.payload;
  if (all.size() < kHead || as_text(all.first(4)) != "HEP3") return false;
  const std::size_t total = u16(all.data() + 4);
  if (total < kHead || total > all.size()) return false;
  std::optional<IpAddress> from, to;
  std::optional<Bytes> message;
  std::uint16_t ports[2] = {0, 0};
  std::int64_t seconds = 0;
  std::int64_t micros = 0;
  for (std::size_t at = kHead; at + kHead <= total;) {
    const std::byte* chunk = all.data() + at;
    const std::size_t length = u16(chunk + 4);
    if (length < kHead || at + length > total) return false;
    const Bytes value = all.subspan(at + kHead, length - kHead);
    at += length;
    if (u16(chunk) != 0) continue; // a vendor's own
    const bool four = value.size() == 4;
    switch (u16(chunk + 2)) {
      case 3: four ? from = address4(value.data()) : from; break;
      case 4: four ? to = address4(value.data()) : to; break;
      case 5: value.size() == 16 ? from = address6(value.data()) : from; break;
      case 6: value.size() == 16 ? to = address6(value.data()) : to; break;
      case 7: ports[0] = value.size() == 2 ? u16(value.data()) : ports[0]; break;
      case 8: ports[1] = value.size() == 2 ? u16(value.data()) : ports[1]; break;
      case 9: seconds = four ? u32(value.data()) : seconds; break;
      case 10: micros = four ? u32(value.data()) : micros; break;
      case 15: message = value; break;
      default: break;
    }
  }
  if (!from || !to || !message) return false;
  if (seconds > 0) segment.time_ns = seconds * 1'000'000'000 + micros % 1'000'000 * 1000;
  segment.from = {*from, ports[0]};
  segment.to = {*to, ports[1]};
  segment.payload = *message;
  segment.payload_length = static_cast<std::uint32_t>(message->size());
  return true;
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
    if (u16(p + 12) == layer::kIpv4 && ip[0] == std::byte{0x45} && (u16(ip + 6) & 0x3fff) == 0 &&
        ip[9] == std::byte{17} && length >= 8 && total >= 20 + length &&
        frame.data.size() >= kEthernet + total) {
      segment.time_ns = frame.time_ns;
      segment.transport = Transport::udp;
      set4(segment.from.ip, ip + 12);
      segment.from.port = u16(ip + 20);
      set4(segment.to.ip, ip + 16);
      segment.to.port = u16(ip + 22);
      segment.payload = Bytes(ip + 28, length - 8);
      segment.payload_length = static_cast<std::uint32_t>(length - 8);
      depth_ = 1;
      const bool rtp = length > 8 && (ip[28] & std::byte{0xc0}) == std::byte{0x80};
      if (!rtp) [[unlikely]]
        return udp_carries(segment);
      ++counts_.udp;
      return true;
    }
  }
  depth_ = 0;
  segment.time_ns = frame.time_ns;
  const bool read = peel(frame.link, frame.data, frame.wire_length, segment);
  if (read && segment.payload.size() < segment.payload_length) {
    ++counts_.cut;
    counts_.snap_length = std::max(counts_.snap_length, static_cast<std::uint32_t>(frame.data.size()));
  }
  return read;
}

std::uint64_t Dissector::incomplete() const {
  std::uint64_t fragments = 0;
  for (const Datagram& datagram : pending_)
    fragments += datagram.fragments.size();
  return fragments;
}

bool Dissector::other(Unread::Kind kind, std::uint16_t number) {
  ++counts_.other;
  for (Unread& known : counts_.unread) {
    if (known.kind != kind || known.number != number) continue;
    ++known.frames;
    return false;
  }
  if (counts_.unread.size() < kMaxUnread) counts_.unread.push_back({kind, number, 1});
  return false;
}

bool Dissector::peel(LinkType link, Bytes data, std::uint32_t wire_length, Segment& segment) {
  const Layer first = first_layer(link, data);
  if (first.type == layer::kUnknown) return other(Unread::Kind::link_type, static_cast<std::uint16_t>(link));
  return layers(first, data, wire_length, segment);
}

bool Dissector::layers(Layer next, Bytes data, std::uint32_t wire_length, Segment& segment) {
  using Kind = Unread::Kind;
  for (int depth = 0; depth < kMaxLayers; ++depth) {
    if (next.type == layer::kNothing || next.offset > data.size() || next.offset > wire_length)
      return broken();
    data = data.subspan(next.offset);
    wire_length -= static_cast<std::uint32_t>(next.offset);
    const std::uint32_t type = next.type;
    if (type == layer::kIpv4) return ipv4(data, wire_length, segment);
    if (type == layer::kIpv6) return ipv6(data, wire_length, segment);
    next = behind(type, data);
    if (next.type == layer::kUnknown) return other(Kind::ethertype, static_cast<std::uint16_t>(type));
    if (next.type != layer::kUnread) continue;
    return other(type == layer::kWireless ? Kind::wireless : type == layer::kLlc ? Kind::llc : Kind::point);
  }
  return broken();
}

bool Dissector::ipv4(Bytes packet, std::uint32_t wire_length, Segment& segment) {
  const std::byte* p = packet.data();
  if (++depth_ > kMaxTunnels) return broken();
  if (packet.size() < 20 || std::to_integer<unsigned>(p[0]) >> 4 != 4) {
    return broken();
  }
  const std::size_t header = (std::to_integer<std::size_t>(p[0]) & 15) * 4;
  // 0 is what segmentation offload leaves in a capture of the sender: then the frame says how long it is.
  const std::uint32_t total = u16(p + 2) != 0 ? u16(p + 2) : wire_length;
  if (header < 20 || header > packet.size() || total < header || total > wire_length) {
    return broken();
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
  if (++depth_ > kMaxTunnels) return broken();
  if (packet.size() < 40 || std::to_integer<unsigned>(p[0]) >> 4 != 6 || wire_length < 40) {
    return broken();
  }
  std::uint32_t length = u16(p + 4) != 0 ? u16(p + 4) : wire_length - 40;
  if (length > wire_length - 40) {
    return broken();
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
  return broken();
}

bool Dissector::transport(std::uint8_t protocol, const IpAddress& from, const IpAddress& to, Bytes data,
                          std::uint32_t wire_length, Segment& segment) {
  constexpr std::uint8_t kIpInIp = 4, kTcp = 6, kUdp = 17, kIpv6InIp = 41, kGre = 47, kAuthentication = 51,
                         kEtherIp = 97, kMplsInIp = 137;
  switch (protocol) {
    case kUdp: return udp(from, to, data, wire_length, segment);
    case kTcp: return tcp(from, to, data, wire_length, segment);
    case kIpInIp: return layers({layer::kIpv4, 0}, data, wire_length, segment);
    case kIpv6InIp: return layers({layer::kIpv6, 0}, data, wire_length, segment);
    case kGre: return layers(behind_gre(data), data, wire_length, segment);
    case kEtherIp: return layers({layer::kBridged, 2}, data, wire_length, segment);
    case kMplsInIp: return layers({layer::kMpls, 0}, data, wire_length, segment);
    case kAuthentication: { // RFC 4302
      if (data.size() < 8) return broken();
      const std::size_t size = (std::to_integer<std::size_t>(data[1]) + 2) * 4;
      const auto following = std::to_integer<std::uint8_t>(data[0]);
      if (data.size() < size || wire_length < size || following == kAuthentication) return broken();
      return transport(following, from, to, data.subspan(size),
                       wire_length - static_cast<std::uint32_t>(size), segment);
    }
    default: return other(Unread::Kind::ip_protocol, protocol);
  }
}

bool Dissector::udp(const IpAddress& from, const IpAddress& to, Bytes data, std::uint32_t wire_length,
                    Segment& segment) {
  if (data.size() < 8) return broken();
  const std::byte* p = data.data();
  // 0 is a jumbogram, or offload; more than there is on the wire is a lie.
  const std::uint32_t length = u16(p + 4) != 0 ? u16(p + 4) : wire_length;
  if (length < 8 || length > wire_length) return broken();
  segment.transport = Transport::udp;
  segment.tcp_sequence = 0;
  segment.tcp_syn = segment.tcp_fin = false;
  segment.from = {from, u16(p)};
  segment.to = {to, u16(p + 2)};
  segment.payload = data.first(std::min<std::size_t>(data.size(), length)).subspan(8);
  segment.payload_length = length - 8;
  return udp_carries(segment);
}

// What a datagram carries that is a packet itself, or else the datagram.
bool Dissector::udp_carries(Segment& segment) {
  const Layer inside = behind_udp(segment.from.port, segment.to.port, segment.payload);
  if (inside.type != layer::kNothing) return layers(inside, segment.payload, segment.payload_length, segment);
  read_hep(segment);
  ++counts_.udp;
  return true;
}

bool Dissector::tcp(const IpAddress& from, const IpAddress& to, Bytes data, std::uint32_t wire_length,
                    Segment& segment) {
  if (data.size() < 20) return broken();
  const std::byte* p = data.data();
  const std::size_t header = (std::to_integer<std::size_t>(p[12]) >> 4) * 4;
  if (header < 20 || header > data.size()) return broken();
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
