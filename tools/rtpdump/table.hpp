// Finds the RTP streams among all UDP packets, by what SDP announced and otherwise by how the packets go on.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "file/link.hpp"
#include "stream.hpp"

namespace talky::rtpdump {

// The payload types that SDP gave an address where media is expected.
class Announcements {
 public:
  void add(const Endpoint& receiver, std::uint8_t payload_type, Format format);
  bool expects(const Endpoint& receiver) const { return formats_.contains(receiver); }
  // By the receiver's SDP, else the sender's (who uses the same socket), else RFC 3551.
  Format format(const Endpoint& from, const Endpoint& to, std::uint8_t payload_type) const;
  // Grows with each add(): what was looked up before may have changed.
  std::uint32_t generation() const { return generation_; }

 private:
  std::uint32_t generation_ = 0;
  std::unordered_map<Endpoint, std::unordered_map<std::uint8_t, Format>> formats_;
};

struct Counts {
  std::uint64_t rtp = 0; // of streams, confirmed or not
  std::uint64_t rtcp = 0;
  std::uint64_t other = 0; // UDP that is neither
};

// Memory: some 600 bytes a stream. Limits: 65,536 streams; 4,096 candidates, among which the one that is idle
// for longest makes room.
// A compound RTCP packet (RFC 3550 6.1): every part is version 2 and of an RTCP type, and their lengths add
// up.
bool is_rtcp(Bytes datagram);

class StreamTable {
 public:
  static constexpr std::size_t kMaxStreams = 65'536;
  static constexpr std::size_t kMaxCandidates = 4'096;

  explicit StreamTable(const Announcements& announcements);

  // The stream that this UDP packet belongs to, and its RTP header; nullptr if it is not RTP, or a candidate
  // had to be refused.
  Stream* add(const file::Segment& segment, rtp::Header& header, Bytes& payload);

  // The confirmed stream that this packet was counted in, for a second pass; nullptr if there is none.
  const Stream* find(const file::Segment& segment, rtp::Header& header, Bytes& payload) const;

  // In the order of their first packets; candidates that came to nothing are left out.
  std::vector<const Stream*> streams() const;
  const Counts& counts() const { return counts_; }

 private:
  std::size_t slot(const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) const; // index into table_
  void grow();
  bool make_room();

  const Announcements& announcements_;
  std::deque<Stream> streams_;       // never moved
  std::vector<std::uint32_t> table_; // open addressing; index into streams_ plus one, 0 is free
  std::vector<std::uint32_t> free_;  // streams_ whose candidates were dropped
  std::size_t candidates_ = 0;
  std::uint32_t last_ = 0; // the stream of the packet before, as in table_
  Counts counts_;
};

} // namespace talky::rtpdump
