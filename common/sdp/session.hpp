// A session description (RFC 8866) as it came from the wire, and the writer of one. The view borrows: it is
// good for as long as the text that was parsed.
//
// Tolerant where real phones are odd: any line ending (CRLF, LF, CR), a missing last one, missing s= or t=
// lines, unknown line types, lines in an unusual order inside their section, blank lines, spaces around
// values, any case of attribute names. Refused: no v=0 line first, an m= line that cannot be understood,
// numbers out of range, or anything beyond the limits.
//
// Limits: 64 KiB of text, 32 media sections, 64 formats in one m= line, 512 attributes in all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.hpp"
#include "core/error.hpp"

namespace talky::sdp {

inline constexpr std::size_t kMaxText = 65'536;
inline constexpr std::size_t kMaxMedia = 32;
inline constexpr std::size_t kMaxFormats = 64;
inline constexpr std::size_t kMaxAttributes = 512;

// Seen from the side that wrote the description. Bit 0: it sends; bit 1: it receives.
enum class Direction : std::uint8_t { inactive = 0, sendonly = 1, recvonly = 2, sendrecv = 3 };

std::string_view to_string(Direction direction);
std::optional<Direction> direction_from(std::string_view attribute_name); // "sendonly" ...; any case
constexpr bool sends(Direction d) {
  return (static_cast<unsigned>(d) & 1U) != 0;
}
constexpr bool receives(Direction d) {
  return (static_cast<unsigned>(d) & 2U) != 0;
}
constexpr Direction make_direction(bool send, bool receive) {
  return static_cast<Direction>((send ? 1U : 0U) | (receive ? 2U : 0U));
}
// What one side's direction is for the other side: sendonly <-> recvonly.
constexpr Direction reversed(Direction d) {
  return make_direction(receives(d), sends(d));
}
constexpr Direction both(Direction a, Direction b) {
  return static_cast<Direction>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

struct Attribute { // a=NAME or a=NAME:VALUE
  std::string_view name;
  std::string_view value;
};

struct Origin { // o=
  std::string_view user;
  std::string_view
      session_id; // numbers by the grammar, but some phones write more digits than fit: kept as text
  std::string_view version;
  std::string_view address;
};

struct Connection {            // c=
  std::string_view address;    // without a TTL
  std::optional<IpAddress> ip; // nullopt: a name, which is not looked up
  bool is_hold() const;        // 0.0.0.0, :: or a name under .invalid: "send me nothing" (RFC 3264 8.4, 5.1)
};

struct RtpMap { // a=rtpmap:PT NAME/RATE[/CHANNELS], or the static assignment of RFC 3551
  std::string_view name;
  std::uint32_t clock_rate = 0;
  std::uint8_t channels = 1;
};

struct RtcpAddress { // a=rtcp:PORT [IN IP4 ADDRESS] (RFC 3605)
  std::uint16_t port = 0;
  std::optional<IpAddress> ip;
};

struct Media {               // one m= line and what stands below it
  std::string_view type;     // "audio"
  std::uint16_t port = 0;    // 0: refused or disabled
  std::string_view protocol; // "RTP/AVP"
  std::vector<std::string_view> formats;
  std::optional<Connection> connection; // its own c= line only; see Session::connection_of
  std::vector<Attribute> attributes;

  const Attribute* find(std::string_view name) const; // the first; any case
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::optional<RtpMap> rtpmap(std::uint8_t payload_type) const;
  std::string_view fmtp(std::uint8_t payload_type) const; // "" if there is none
  std::optional<std::uint16_t> milliseconds(
      std::string_view name) const; // a=ptime:20, a=maxptime:60.5 (rounded down)
  std::optional<RtcpAddress> rtcp() const;
};

struct Session {
  Origin origin;
  std::string_view name;
  std::optional<Connection> connection;
  std::vector<Attribute> attributes;
  std::vector<Media> media;

  static Result<Session> parse(std::string_view text); // borrows `text`

  const Attribute* find(std::string_view attribute) const;
  // The media's own c= line, or else the session's; nullopt if neither is there.
  std::optional<Connection> connection_of(const Media& of) const;
  // The media's own direction, or else the session's, or else sendrecv.
  Direction direction_of(const Media& of) const;
};

// The payload types with a fixed meaning (RFC 3551 table 4) that matter to telephony.
std::optional<RtpMap> static_rtpmap(std::uint8_t payload_type);

// Appends lines with CRLF. The caller keeps the order of RFC 8866 section 5; values must hold no line ends
// (they come from our own configuration or from a parsed Session, which cannot have any).
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  Writer& line(char type, std::string_view value);
  Writer& origin(std::string_view user, std::uint64_t session_id, std::uint64_t version,
                 const IpAddress& address);
  Writer& connection(const IpAddress& address);
  Writer& media(std::string_view type, std::uint16_t port, std::string_view protocol,
                std::string_view formats);
  Writer& attribute(std::string_view name);
  Writer& attribute(std::string_view name, std::string_view value);

 private:
  std::string& out_;
};

} // namespace talky::sdp
