// From a captured frame down to what UDP or TCP carried: link layers and tunnels (layers.hpp), IPv4 and IPv6
// with their extension headers and fragments, IP in IP, and HEP3, by which SIP servers mirror their messages.
// A parser of its own because it sees every packet of a capture: about 10 ns each, nothing copied unless a
// datagram came in fragments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "file/layers.hpp"
#include "file/pcap.hpp"

namespace talky::file {

enum class Transport : std::uint8_t { udp = 17, tcp = 6 };

// What one packet carried. `payload` borrows from the frame, or from the reassembler until its next call.
struct Segment {
  std::int64_t time_ns = 0;
  Transport transport = Transport::udp;
  Endpoint from;
  Endpoint to;
  Bytes payload;                    // captured bytes
  std::uint32_t payload_length = 0; // bytes on the wire; more than payload.size() if the capture cut them
  std::uint32_t tcp_sequence = 0;
  bool tcp_syn = false;
  bool tcp_fin = false; // FIN or RST
};

// Puts the fragments of IP datagrams together. Limits: 64 datagrams at a time (the oldest goes first), 64 KiB
// and 128 fragments each, 30 s between the first and the last. Fragments that overlap are dropped with their
// datagram (RFC 5722). At most 16 layers and 8 IP headers one inside the other.
class Dissector {
 public:
  static constexpr std::size_t kMaxDatagrams = 64;
  static constexpr std::size_t kMaxFragments = 128;
  static constexpr std::int64_t kFragmentLifeNs = 30'000'000'000;
  static constexpr int kMaxLayers = 16, kMaxTunnels = 8;
  static constexpr std::size_t kMaxUnread = 64; // kinds that are told apart

  // Frames in which there was neither UDP nor TCP, by where their reading ended.
  struct Unread {
    enum class Kind : std::uint8_t {
      link_type,   // one that is not known here
      ethertype,   // a protocol beside IP
      ip_protocol, // neither UDP nor TCP, nor a tunnel
      wireless,    // 802.11: management, encrypted, or several frames in one
      point,       // PPP: its own negotiations, compressed or encrypted
      llc,         // neither IP nor SNAP
      broken       // a header that is cut off or contradicts itself
    };
    Kind kind = Kind::broken;
    std::uint16_t number = 0; // as the kind's registry has it; 0 where there is none
    std::uint64_t frames = 0;
  };
  struct Counts {
    std::uint64_t frames = 0;
    std::uint64_t udp = 0;
    std::uint64_t tcp = 0;
    std::uint64_t fragments = 0;
    std::uint64_t fragments_dropped = 0; // of datagrams that never became whole
    std::uint64_t other = 0;             // neither UDP nor TCP over IP, or broken headers
    std::uint64_t cut = 0;               // UDP and TCP of which whoever captured it kept a part only
    std::uint32_t snap_length = 0;       // the longest frame of those
    std::vector<Unread> unread;          // those of `other`, the kinds in the order of their first frames
  };

  // What the frame carried, or nullopt: another protocol, a broken header, or a fragment of a datagram that
  // is not whole yet.
  std::optional<Segment> dissect(const CapturedFrame& frame) {
    Segment segment;
    return dissect(frame, segment) ? std::optional(segment) : std::nullopt;
  }
  // The same into `segment`, whose content is of no use where there is none.
  bool dissect(const CapturedFrame& frame, Segment& segment);

  const Counts& counts() const { return counts_; }
  // How many fragments wait for others of their datagrams.
  std::uint64_t incomplete() const;

 private:
  struct Fragment {
    std::uint32_t offset = 0;
    std::vector<std::byte> bytes;
  };
  struct Datagram {
    IpAddress from, to;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;
    std::int64_t first_ns = 0;
    std::optional<std::uint32_t> total;
    bool spoilt = false;
    std::vector<Fragment> fragments;
  };

  bool peel(LinkType link, Bytes data, std::uint32_t wire_length, Segment& segment);
  bool layers(Layer next, Bytes data, std::uint32_t wire_length, Segment& segment);
  bool ipv4(Bytes packet, std::uint32_t wire_length, Segment& segment);
  bool ipv6(Bytes packet, std::uint32_t wire_length, Segment& segment);
  bool transport(std::uint8_t protocol, const IpAddress& from, const IpAddress& to, Bytes data,
                 std::uint32_t wire_length, Segment& segment);
  bool udp(const IpAddress& from, const IpAddress& to, Bytes data, std::uint32_t wire_length,
           Segment& segment);
  bool tcp(const IpAddress& from, const IpAddress& to, Bytes data, std::uint32_t wire_length,
           Segment& segment);
  bool udp_carries(Segment& segment);
  bool fragment(const IpAddress& from, const IpAddress& to, std::uint32_t id, std::uint8_t protocol,
                std::uint32_t offset, bool more, Bytes data, Segment& segment);
  bool other(Unread::Kind kind, std::uint16_t number = 0);
  bool broken() { return other(Unread::Kind::broken); }

  Counts counts_;
  int depth_ = 0;               // IP headers of this frame so far
  std::list<Datagram> pending_; // oldest first
  std::vector<std::byte> whole_;
};

} // namespace talky::file
