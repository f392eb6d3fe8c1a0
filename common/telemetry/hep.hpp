// HEP3, the Homer Encapsulation Protocol (EEP) version 3: how SIP messages and RTCP reports are shown to a
// capture server such as Homer. One packet is "HEP3", its length, and chunks of {vendor u16, type u16, length
// u16 with these six bytes, payload}; all big-endian. Vendor 0 are the generic chunks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/error.hpp"

namespace talky::telemetry {

struct HepPacket {
  // What the payload is (chunk 0x000b).
  enum class Type : std::uint8_t { sip = 0x01, rtcp_json = 0x05, log = 0x64 };

  Type type = Type::sip;
  std::uint8_t transport = 17; // IANA protocol number: 17 UDP, 6 TCP
  Endpoint from, to;           // both IPv4 or both IPv6
  std::int64_t time_us = 0;    // since 1970
  std::uint32_t capture_id = 0;
  std::string_view key;         // "": none is sent
  std::string_view correlation; // the SIP Call-ID; "": none
  std::string_view payload;     // borrowed, all three

  bool operator==(const HepPacket&) const = default;
};

// Replaces `out`. Fails with `too_large` where the packet would not fit into a UDP datagram (its length
// counts to 65,507), and with `malformed` for addresses of two families. Key and correlation above 255 bytes
// are too large.
Result<> encode_hep(const HepPacket& packet, std::vector<std::byte>& out);

// Total: any bytes give a packet, borrowing from them, or an error. Chunks of other vendors, and unknown
// ones, are passed over by their length. Of a chunk that comes twice the last counts. `malformed` if one that
// is needed is missing: family, protocol, both addresses and ports, time, payload type, payload.
Result<HepPacket> parse_hep(Bytes datagram);

inline constexpr std::uint16_t kHepPort = 9060; // by custom
inline constexpr std::size_t kMaxHep = 65'507;

} // namespace talky::telemetry
