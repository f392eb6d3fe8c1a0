// Finds the RTP streams among all UDP packets, by what SDP announced and otherwise by how the packets go on.
#pragma once
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "capture/stream.hpp"
#include "file/link.hpp"

namespace talky::sdp {
struct Media;
}

namespace talky::capture {

// What SDP said of the addresses at which media is expected, and for how long.
class Announcements {
 public:
  // `owner`: a number for the call, for withdraw(). A new owner forgets what the one before said.
  void expect(const Endpoint& receiver, std::size_t owner);
  void add(const Endpoint& receiver, std::uint8_t payload_type, Format format);
  // All that a description says of the payload types of one m= line.
  void add(const Endpoint& receiver, const sdp::Media& media);
  // What the user says of a payload type holds for every stream, whatever SDP says.
  void say(std::uint8_t payload_type, Format format);
  // The call is over: what begins after `time_ns` is not announced, unless another call took the address
  // over.
  void withdraw(const Endpoint& receiver, std::size_t owner, std::int64_t time_ns);

  // Symmetric RTP (RFC 4961) is told by either address.
  bool expects(const Endpoint& from, const Endpoint& to, std::int64_t time_ns) const {
    return open(to, time_ns) || open(from, time_ns);
  }
  std::size_t receivers() const { return receivers_.size(); }
  // What a payload type means: as the user says; by the receiver's SDP, that of the call that has the address
  // now; by the sender's, who uses the same socket; by RFC 3551; by any SDP that was seen, where all of them
  // agree (addresses may have been changed by a NAT).
  Format format(const Endpoint& from, const Endpoint& to, std::uint8_t payload_type) const;
  // Grows with each change: what was looked up before may have changed.
  std::uint32_t generation() const { return generation_; }

  // The value of an a=crypto line (RFC 4568), and where its author takes media. At most 2,000 different ones.
  struct Crypto {
    Endpoint author;
    std::string value;
    bool operator==(const Crypto&) const = default;
  };
  void add_crypto(const Endpoint& author, std::string_view value);
  const std::vector<Crypto>& crypto() const { return crypto_; }

 private:
  struct Receiver {
    std::size_t owner = 0;
    std::int64_t until_ns = std::numeric_limits<std::int64_t>::max();
    std::unordered_map<std::uint8_t, Format> formats;
  };
  bool open(const Endpoint& side, std::int64_t time_ns) const;

  std::uint32_t generation_ = 0;
  std::unordered_map<Endpoint, Receiver> receivers_;
  std::unordered_map<std::uint8_t, Format> said_;
  std::unordered_map<std::uint8_t, Format> any_; // without a name: they do not agree
  std::vector<Crypto> crypto_;
};

struct Counts {
  std::uint64_t rtp = 0; // of streams, confirmed or not
  std::uint64_t rtcp = 0;
  std::uint64_t other = 0; // UDP that is neither
};

// A compound RTCP packet (RFC 3550 6.1): every part is version 2 and of an RTCP type, and their lengths add
// up.
bool is_rtcp(Bytes datagram);

// Packets that were not counted because there was no room for what they might have been the beginning of.
struct Crowd {
  std::uint64_t streams = 0; // that were found all the same, and lack their first packets
  std::uint64_t packets = 0; // of those
  std::uint64_t beyond = 0;  // packets behind the greatest number of streams
};

// Memory: some 800 bytes a stream. Limits: 65,536 streams; 12,288 candidates, and two more for each stream
// that is one. Candidates that have been idle for two seconds make room; while there are none, a new one is
// refused, so that those that are there come to be streams, and its packets are remembered for crowd().
class StreamTable {
 public:
  static constexpr std::size_t kMaxStreams = 65'536;
  static constexpr std::size_t kMaxCandidates = 12'288;
  static constexpr std::size_t kCandidatesPerStream = 2;
  static constexpr std::int64_t kIdleNs = 2'000'000'000;

  explicit StreamTable(const Announcements& announcements);

  // The source holds nothing but RTP, as an rtpdump file does: every packet belongs to a stream, and none
  // must prove to be one.
  void expect_only_rtp() { only_rtp_ = true; }

  // The stream that this UDP packet belongs to, and its RTP header; nullptr if it is not RTP, or a candidate
  // had to be refused.
  Stream* add(const file::Segment& segment, rtp::Header& header, Bytes& payload);

  // The confirmed stream that this packet was counted in, for a second pass; nullptr if there is none.
  const Stream* find(const file::Segment& segment, rtp::Header& header, Bytes& payload) const;

  // In the order of their first packets; candidates that came to nothing are left out.
  std::vector<const Stream*> streams() const;
  const Counts& counts() const { return counts_; }
  Crowd crowd() const;

 private:
  struct Refused { // by a hash of what makes a stream; an older one gives way
    std::uint32_t tag = 0;
    std::uint32_t packets = 0;
  };
  static constexpr std::size_t kMaxRefused = 65'536;

  struct Slot {
    std::uint32_t ssrc = 0; // of the stream, to see most mismatches without going there
    Stream* stream = nullptr;
  };
  std::size_t slot(const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) const; // index into table_
  void grow();
  bool has_room(bool announced) const;
  bool make_room(std::int64_t now_ns);
  void remember(std::uint64_t hash, std::uint64_t packets);
  std::uint32_t recall(std::uint64_t hash);
  Stream& make(const file::Segment& segment, std::uint32_t ssrc, bool announced);

  const Announcements& announcements_;
  std::deque<Stream> streams_;      // never moved
  std::vector<Slot> table_;         // open addressing
  std::vector<std::uint32_t> free_; // streams_ whose candidates were dropped
  std::size_t candidates_ = 0;
  std::size_t confirmed_ = 0;                                             // that were candidates before
  std::int64_t looked_ns_ = std::numeric_limits<std::int64_t>::min() / 2; // when there was nothing idle,
  std::int64_t look_again_ns_ = looked_ns_;                               // and when there may be
  std::vector<Refused> refused_;
  std::uint64_t beyond_ = 0;
  bool only_rtp_ = false;
  Stream* last_ = nullptr; // the stream of the packet before
  Counts counts_;
};

} // namespace talky::capture
