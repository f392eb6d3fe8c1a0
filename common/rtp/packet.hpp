// RTP packets (RFC 3550 5.1), and what else shares their port (RFC 5761, RFC 7983).
//
//    0                   1                   2                   3
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   |                           timestamp                           |
//   |                             SSRC                              |
//   |                      CSRC (0 to 15 of them)                   |
//   | extension: profile            | length in words               | if X
//   | payload ...                                   | padding count | if P
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace talky::rtp {

inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::size_t kMaxPacket = 65'535; // a UDP datagram

enum class Traffic : std::uint8_t { rtp, rtcp, stun, dtls, other };

// What the second byte says of a datagram of RTP's version (RFC 5761 4).
constexpr bool is_rtcp_type(unsigned second) {
  return second >= 192 && second <= 223;
}
// By the first two bytes; too short to say is `other`.
Traffic classify(Bytes datagram);

// The distance from `from` to `to` around the circle, -32768 to 32767.
constexpr std::int32_t sequence_distance(std::uint16_t from, std::uint16_t to) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}
constexpr std::int32_t timestamp_distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

struct Header {
  std::uint8_t payload_type = 0; // 0 to 127
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};

struct Extension { // RFC 3550 5.3.1
  std::uint16_t profile;
  Bytes data;
};

// Borrows the datagram.
class PacketView {
 public:
  // Fails with `truncated` if a part does not fit, `unsupported` for a version other than 2, `malformed` for
  // padding that is longer than the payload or zero.
  static Result<PacketView> parse(Bytes datagram);

  const Header& header() const { return header_; }
  std::uint8_t payload_type() const { return header_.payload_type; }
  bool marker() const { return header_.marker; }
  std::uint16_t sequence() const { return header_.sequence; }
  std::uint32_t timestamp() const { return header_.timestamp; }
  std::uint32_t ssrc() const { return header_.ssrc; }
  std::size_t csrc_count() const { return csrc_.size() / 4; }
  std::uint32_t csrc(std::size_t index) const; // index < csrc_count()
  std::optional<Extension> extension() const { return extension_; }
  Bytes payload() const { return payload_; } // without the padding
  std::size_t padding() const { return padding_; }

 private:
  Header header_;
  Bytes csrc_;
  std::optional<Extension> extension_;
  Bytes payload_;
  std::size_t padding_ = 0;
};

// Replaces the content of `out` (its capacity stays, so a reused buffer never allocates again).
void build(const Header& header, Bytes payload, std::vector<std::byte>& out);

} // namespace talky::rtp
