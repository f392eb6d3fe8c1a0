// What stands between a captured frame and IP: link layers, tags, and the tunnels that mirror or carry
// traffic. Pure functions: each looks at one header and says what lies behind it, and where.
//
// Ethernet II and LLC/SNAP with VLAN tags and QinQ (802.1Q, 802.1ad, 802.1ah), PPP (RFC 1661, also in HDLC
// framing) and PPPoE (RFC 2516), C-HDLC, Frame Relay (RFC 2427), MPLS (RFC 3032, also pseudowires, RFC 4448),
// Linux cooked v1 and v2, NFLOG, PKTAP, 802.11 with radiotap, PPI, Prism or AVS in front; GRE (RFC 2784,
// 2890, 2637), ERSPAN I to III, EtherIP (RFC 3378), VXLAN and VXLAN-GPE (RFC 7348), GENEVE (RFC 8926), GTP-U
// (3GPP TS 29.281), L2TPv2 (RFC 2661), TZSP, GRE and MPLS in UDP (RFC 8086, 7510).
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/bytes.hpp"
#include "file/pcap.hpp"

namespace talky::file {

// Where the next header begins and what it is: an EtherType, or one of the numbers below, which no EtherType
// has.
struct Layer {
  std::uint32_t type = 0;
  std::size_t offset = 0;
};

namespace layer {

inline constexpr std::uint32_t kNothing = 0;         // a header that is cut off or contradicts itself
inline constexpr std::uint32_t kUnknown = 0x10000;   // no such header is known here
inline constexpr std::uint32_t kUnread = 0x10001;    // known, and nothing that can be read: encrypted, say
inline constexpr std::uint32_t kByVersion = 0x10002; // IPv4 or IPv6, by the first four bits
inline constexpr std::uint32_t kPlainPpp = 0x10003;  // PPP from its protocol field on
inline constexpr std::uint32_t kWireless = 0x10004;  // an 802.11 frame
inline constexpr std::uint32_t kLlc = 0x10005;       // 802.2
inline constexpr std::uint32_t kErspan1 = 0x10006;   // what GRE calls 0x88be, without a sequence number
inline constexpr std::uint32_t kIpv4 = 0x0800;
inline constexpr std::uint32_t kIpv6 = 0x86dd;
inline constexpr std::uint32_t kBridged = 0x6558; // a whole Ethernet frame
inline constexpr std::uint32_t kMpls = 0x8847, kMplsUpstream = 0x8848;
inline constexpr std::uint32_t kPppoe = 0x8864;

} // namespace layer

// The first header of a frame; kUnknown where the link type is not among those above. `link`, where the frame
// says it of itself (PKTAP, PPI), becomes that of what is inside.
Layer first_layer(LinkType& link, Bytes frame);

// What lies behind a header of this type; kUnknown where the type is not among those above.
Layer behind(std::uint32_t type, Bytes data);

// What GRE carries; and UDP between these ports, kNothing where it is no tunnel (which the header must prove:
// RTP and SIP are never taken for one).
Layer behind_gre(Bytes data);
Layer behind_udp(std::uint16_t from, std::uint16_t to, Bytes payload);

} // namespace talky::file
