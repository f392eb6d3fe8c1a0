#include "file/layers.hpp"

#include <algorithm>

namespace talky::file {

namespace {

using layer::kBridged;
using layer::kByVersion;
using layer::kErspan1;
using layer::kIpv4;
using layer::kIpv6;
using layer::kLlc;
using layer::kMpls;
using layer::kMplsUpstream;
using layer::kNothing;
using layer::kPlainPpp;
using layer::kPppoe;
using layer::kUnknown;
using layer::kUnread;
using layer::kWireless;

constexpr std::uint32_t kErspan2 = 0x88be, kErspan3 = 0x22eb, kPppInGre = 0x880b, kProviderBridge = 0x88e7;
constexpr std::uint16_t kLargestLength = 1500; // what 802.3 has in place of an EtherType

unsigned u8(Bytes data, std::size_t at) {
  return std::to_integer<unsigned>(data[at]);
}
std::uint16_t u16(Bytes data, std::size_t at) {
  return static_cast<std::uint16_t>(u8(data, at) << 8 | u8(data, at + 1));
}
std::uint16_t little16(Bytes data, std::size_t at) {
  return static_cast<std::uint16_t>(u8(data, at + 1) << 8 | u8(data, at));
}
std::uint32_t little32(Bytes data, std::size_t at) {
  return std::uint32_t{little16(data, at + 2)} << 16 | little16(data, at);
}

Layer here(std::uint32_t type, std::size_t offset, Bytes data) {
  return offset <= data.size() ? Layer{type, offset} : Layer{};
}

// A field that is an EtherType, or the length of an LLC frame.
Layer by_ethertype(Bytes data, std::size_t at) {
  if (data.size() < at + 2) return {};
  const std::uint32_t type = u16(data, at);
  return {type <= kLargestLength ? kLlc : type, at + 2};
}

// RFC 1042: an EtherType behind SNAP.
Layer behind_llc(Bytes data) {
  if (data.size() < 3) return {};
  if (u8(data, 0) == 0x06 && u8(data, 1) == 0x06) return here(kByVersion, 3, data); // IP's own SAP
  const bool snap = data.size() >= 8 && u16(data, 0) == 0xaaaa && u8(data, 2) == 0x03;
  if (!snap) return {kUnread, 0};
  return {u16(data, 6), 8};
}

Layer behind_ppp(Bytes data) {
  if (data.empty()) return {};
  // The first byte alone where the protocol field is compressed (RFC 1661 6.5): it is odd then.
  const bool short_field = (u8(data, 0) & 1) != 0;
  if (!short_field && data.size() < 2) return {};
  const std::size_t size = short_field ? 1 : 2;
  switch (short_field ? u8(data, 0) : u16(data, 0)) {
    case 0x0021: return {kIpv4, size};
    case 0x0057: return {kIpv6, size};
    case 0x0281: return {kMpls, size};
    case 0x0283: return {kMplsUpstream, size};
    case 0x0031: // bridged (RFC 3518): flags, MAC type 1 is Ethernet
      return data.size() >= size + 2 && u8(data, size + 1) == 1 ? here(kBridged, size + 2, data) : Layer{};
    default: return {kUnread, 0};
  }
}

// With the address and control field of HDLC in front, unless they were left out (RFC 1661 6.6).
Layer behind_hdlc_ppp(Bytes data, std::size_t at) {
  if (data.size() < at + 2) return {};
  const std::uint16_t head = u16(data, at);
  if (head == 0xff03) return {kPlainPpp, at + 2};
  if (u8(data, at) == 0x0f || u8(data, at) == 0x8f) return by_ethertype(data, at + 2); // Cisco's HDLC
  return {kPlainPpp, at};
}

Layer behind_pppoe(Bytes data) {
  return data.size() >= 6 && u16(data, 0) == 0x1100 ? Layer{kPlainPpp, 6} : Layer{};
}

Layer behind_mpls(Bytes data) {
  std::size_t at = 0;
  for (bool bottom = false; !bottom; at += 4) {
    if (data.size() < at + 5 || at >= 64) return {};
    bottom = (u8(data, at + 2) & 1) != 0;
  }
  const unsigned first = u8(data, at) >> 4;
  if (first == 4 || first == 6) return {kByVersion, at};
  // A pseudowire: Ethernet behind a control word (RFC 4385), or without; an address may begin like one.
  const auto is_frame = [&](std::size_t start) {
    if (data.size() < start + 14) return false;
    const std::uint16_t type = u16(data, start + 12);
    return type == kIpv4 || type == kIpv6 || type == 0x8100 || type == 0x88a8;
  };
  const bool controlled = first == 0 && (is_frame(at + 4) || !is_frame(at));
  return here(kBridged, controlled ? at + 4 : at, data);
}

// 802.1ah: an I-TAG, and the customer's frame.
Layer behind_provider_bridge(Bytes data) {
  return here(kBridged, 4, data);
}

Layer behind_wireless(Bytes data) {
  if (data.size() < 24) return {kUnread, 0};
  const unsigned control = u8(data, 0);
  const unsigned flags = u8(data, 1);
  const bool is_data = (control & 0x0f) == 0x08; // version 0, type 2
  const bool null = (control & 0x40) != 0;
  if (!is_data || null) return {kUnread, 0};
  const bool quality = (control & 0x80) != 0;
  std::size_t size = 24;
  if ((flags & 0x03) == 0x03) size += 6; // both to and from a distribution system: a fourth address
  if (quality) {
    if (data.size() < size + 2) return {};
    if ((u8(data, size) & 0x80) != 0) return {kUnread, 0}; // several in one (A-MSDU)
    size += 2;
    if ((flags & 0x80) != 0) size += 4;
  }
  if ((flags & 0x40) != 0) return {kUnread, 0}; // encrypted
  return here(kLlc, size, data);
}

// https://www.radiotap.org: whether the 802.11 header is padded to a multiple of four stands in the flags.
Layer behind_radiotap(Bytes data) {
  if (data.size() < 8) return {};
  const std::size_t size = little16(data, 2);
  if (size < 8 || size > data.size()) return {};
  std::size_t at = 4;
  const std::uint32_t present = little32(data, at);
  for (std::uint32_t word = present; (word & 0x80000000U) != 0;) {
    at += 4;
    if (at + 4 > size) return {};
    word = little32(data, at);
  }
  at += 4;
  if ((present & 1) != 0) at = (at + 7) / 8 * 8 + 8; // a time stamp
  const bool padded = (present & 2) != 0 && at < size && (u8(data, at) & 0x20) != 0;
  if (!padded) return {kWireless, size};
  const Layer inside = behind_wireless(data.subspan(size));
  if (inside.type != kLlc) return {kWireless, size};
  return here(kLlc, size + (inside.offset + 3) / 4 * 4, data);
}

// Type, length and value: the packet is NFULA_PAYLOAD. Its values are in the byte order of the machine, which
// here is taken to be little-endian, as libpcap's writers are.
Layer behind_nflog(Bytes data) {
  for (std::size_t at = 4; at + 4 <= data.size();) {
    const std::size_t length = little16(data, at);
    if (length < 4) return {};
    if ((little16(data, at + 2) & 0x7fff) == 9) return {kByVersion, at + 4};
    at += (length + 3) / 4 * 4;
  }
  return {};
}

Layer behind_frame_relay(Bytes data) {
  std::size_t at = 0;
  while (at < data.size() && at < 4 && (u8(data, at) & 1) == 0)
    ++at;
  ++at;
  if (data.size() < at + 2) return {};
  if (u8(data, at) != 0x03) return by_ethertype(data, at); // Cisco's way
  at += u8(data, at + 1) == 0 ? 2U : 1U;                   // a byte of padding
  if (data.size() < at + 1) return {};
  switch (u8(data, at)) {
    case 0xcc: return {kIpv4, at + 1};
    case 0x8e: return {kIpv6, at + 1};
    case 0x80: return data.size() >= at + 6 ? Layer{u16(data, at + 4), at + 6} : Layer{};
    default: return {kUnread, 0};
  }
}

Layer behind_erspan2(Bytes data) {
  return data.size() >= 8 && u8(data, 0) >> 4 == 1 ? Layer{kBridged, 8} : Layer{};
}
Layer behind_erspan3(Bytes data) {
  if (data.size() < 12 || u8(data, 0) >> 4 != 2) return {};
  const bool sub_header = (u8(data, 11) & 1) != 0;
  const unsigned frame_type = (u8(data, 10) >> 2) & 0x1f;
  return here(frame_type == 2 ? kByVersion : kBridged, sub_header ? 20 : 12, data);
}

Layer behind_vxlan(Bytes data, bool generic) {
  if (data.size() < 8 || (u8(data, 0) & 0x08) == 0 || (u8(data, 0) & 0xc0) != 0 || u8(data, 7) != 0)
    return {};
  if (!generic) return u8(data, 0) == 0x08 || u8(data, 0) == 0x88 ? Layer{kBridged, 8} : Layer{};
  switch (u8(data, 3)) {
    case 1: return {kIpv4, 8};
    case 2: return {kIpv6, 8};
    case 3: return {kBridged, 8};
    default: return {};
  }
}

Layer behind_geneve(Bytes data) {
  if (data.size() < 8 || u8(data, 0) >> 6 != 0) return {};
  const std::size_t size = 8 + std::size_t{u8(data, 0) & 0x3f} * 4;
  const std::uint16_t type = u16(data, 2);
  const bool fits = type == kBridged || type == kIpv4 || type == kIpv6 || type == kMpls;
  return fits ? here(type, size, data) : Layer{};
}

Layer behind_gtp(Bytes data) {
  constexpr unsigned kUserData = 0xff;
  if (data.size() < 8 || u8(data, 0) >> 5 != 1 || (u8(data, 0) & 0x10) == 0 || u8(data, 1) != kUserData)
    return {};
  const unsigned flags = u8(data, 0) & 0x07;
  if (flags == 0) return {kByVersion, 8};
  if (data.size() < 12) return {};
  std::size_t at = 12;
  unsigned next = (flags & 0x04) != 0 ? u8(data, 11) : 0;
  while (next != 0) {
    if (data.size() < at + 4) return {};
    const std::size_t size = std::size_t{u8(data, at)} * 4;
    if (size == 0 || data.size() < at + size) return {};
    next = u8(data, at + size - 1);
    at += size;
  }
  return here(kByVersion, at, data);
}

// Data messages only: what is control has nothing to be heard in it.
Layer behind_l2tp(Bytes data) {
  if (data.size() < 6) return {};
  const std::uint16_t flags = u16(data, 0);
  if ((flags & 0x000f) != 2 || (flags & 0x8000) != 0) return {};
  std::size_t at = 2 + ((flags & 0x4000) != 0 ? 2U : 0U) + 4 + ((flags & 0x0800) != 0 ? 4U : 0U);
  if ((flags & 0x0200) != 0) {
    if (data.size() < at + 2) return {};
    at += 2 + std::size_t{u16(data, at)};
  }
  if (data.size() < at + 2) return {};
  return behind_hdlc_ppp(data, at);
}

// TaZmen Sniffer Protocol, by which routers mirror what they see.
Layer behind_tzsp(Bytes data) {
  if (data.size() < 5 || u8(data, 0) != 1 || u8(data, 1) > 1) return {};
  const std::uint16_t inside = u16(data, 2);
  std::size_t at = 4;
  for (;;) {
    if (at >= data.size()) return {};
    const unsigned tag = u8(data, at);
    if (tag == 1) break; // the end
    at += 1;
    if (tag == 0) continue; // padding
    if (at >= data.size()) return {};
    at += 1 + std::size_t{u8(data, at)};
  }
  if (inside == 1) return here(kBridged, at + 1, data);
  return inside == 18 ? here(kWireless, at + 1, data) : Layer{};
}

} // namespace

Layer first_layer(LinkType& link, Bytes frame) {
  // Some say of themselves what is inside: their own length, and a link type.
  constexpr auto kPktap = static_cast<LinkType>(258);
  constexpr auto kPpi = static_cast<LinkType>(192);
  std::size_t skipped = 0;
  if (link == kPktap || link == kPpi) {
    const bool pktap = link == kPktap;
    if (frame.size() < 12) return {};
    skipped = pktap ? little32(frame, 0) : little16(frame, 2);
    if (skipped < 8 || skipped > frame.size()) return {};
    link = static_cast<LinkType>(little32(frame, pktap ? 8 : 4));
    frame = frame.subspan(skipped);
  }
  const auto at = [&](Layer layer) {
    return layer.type == kNothing ? layer : Layer{layer.type, layer.offset + skipped};
  };
  switch (static_cast<unsigned>(link)) {
    case 1: return at(by_ethertype(frame, 12));
    case 0: // BSD loopback: the family's number differs from system to system, the version says the same
    case 108: return at(here(kByVersion, 4, frame));
    case 12:
    case 14:
    case 101:
    case 228:
    case 229: return at({kByVersion, 0});
    case 9:
    case 50: return at(behind_hdlc_ppp(frame, 0));
    case 204: return at(behind_hdlc_ppp(frame, 1)); // with the direction in front
    case 51: return at(behind_pppoe(frame));
    case 104: return at(by_ethertype(frame, 2));
    case 105: return at({kWireless, 0});
    case 107: return at(behind_frame_relay(frame));
    case 113: return at(frame.size() >= 16 ? by_ethertype(frame, 14) : Layer{});
    case 119: { // Prism, or AVS where its magic stands
      if (frame.size() < 8) return {};
      const bool avs = u16(frame, 0) == 0x8021;
      return at(here(kWireless, avs ? std::size_t{u16(frame, 6)} : std::size_t{144}, frame));
    }
    case 127: return at(behind_radiotap(frame));
    case 163: return at(frame.size() >= 8 ? here(kWireless, u16(frame, 6), frame) : Layer{});
    case 239: return at(behind_nflog(frame));
    case 240: return at(here(kBridged, 4, frame));
    case 276: return at(frame.size() >= 20 ? Layer{by_ethertype(frame, 0).type, 20} : Layer{});
    default: return {kUnknown, 0};
  }
}

Layer behind(std::uint32_t type, Bytes data) {
  switch (type) {
    case 0x8100:
    case 0x88a8:
    case 0x9100:
    case 0x9200:
    case 0x9300: return by_ethertype(data, 2); // a VLAN tag
    case kByVersion: {
      const unsigned version = data.empty() ? 0 : u8(data, 0) >> 4;
      return {version == 4 ? kIpv4 : version == 6 ? kIpv6 : kNothing, 0};
    }
    case kBridged:
    case kErspan1: return by_ethertype(data, 12);
    case kLlc: return behind_llc(data);
    case kPlainPpp: return behind_ppp(data);
    case kPppInGre: return behind_hdlc_ppp(data, 0);
    case kPppoe: return behind_pppoe(data);
    case kMpls:
    case kMplsUpstream: return behind_mpls(data);
    case kWireless: return behind_wireless(data);
    case kProviderBridge: return behind_provider_bridge(data);
    case kErspan2: return behind_erspan2(data);
    case kErspan3: return behind_erspan3(data);
    default: return {kUnknown, 0};
  }
}

Layer behind_gre(Bytes data) {
  if (data.size() < 4) return {};
  const std::uint16_t flags = u16(data, 0);
  const unsigned version = flags & 0x07;
  const std::uint16_t type = u16(data, 2);
  if (version > 1 || (version == 1 && type != kPppInGre)) return {};
  std::size_t size = 4;
  if ((flags & 0xc000) != 0 && version == 0) size += 4; // checksum, routing
  if ((flags & 0x2000) != 0) size += 4;                 // key
  if ((flags & 0x1000) != 0) size += 4;                 // sequence number
  if ((flags & 0x0080) != 0 && version == 1) size += 4; // acknowledgement
  if (type == kErspan2 && (flags & 0x1000) == 0) return here(kErspan1, size, data);
  if (type == 0x883e) { // WCCP: IP, behind a redirection header in its second version
    const bool redirected = data.size() > size && u8(data, size) >> 4 != 4;
    return here(kIpv4, redirected ? size + 4 : size, data);
  }
  return here(type, size, data);
}

Layer behind_udp(std::uint16_t from, std::uint16_t to, Bytes payload) {
  // As RTP and RTCP begin, or a text such as SIP, and none of these tunnels.
  if (payload.size() < 8 || (u8(payload, 0) & 0xc0) == 0x80) return {};
  const auto is_letter = [](std::byte b) { return b >= std::byte{0x20} && b < std::byte{0x7f}; };
  if (std::all_of(payload.begin(), payload.begin() + 4, is_letter)) return {};
  const auto between = [from, to](std::uint16_t port) { return to == port || from == port; };
  if (to == 4789 || to == 8472) return behind_vxlan(payload, false);
  if (to == 4790) return behind_vxlan(payload, true);
  if (to == 6081) return behind_geneve(payload);
  if (between(2152)) return behind_gtp(payload);
  if (between(1701)) return behind_l2tp(payload);
  if (to == 37008) return behind_tzsp(payload);
  if (to == 4754) return behind_gre(payload);
  if (to == 6635) return behind_mpls(payload);
  return {};
}

} // namespace talky::file
