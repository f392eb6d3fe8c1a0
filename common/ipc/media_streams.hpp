// The messages of Twilio's Media Streams, by which most agent frameworks take telephone calls: JSON texts on
// a WebSocket. talky-sipd is the telephone company's side (man/talky-bridge.7).
//
// To the agent:    connected, start, media, dtmf, mark (all before it has been played), stop
// From the agent:  media, mark, clear
//
// Audio is G.711 mu-law at 8 kHz, mono, in base64.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace talky::ipc::media_streams {

inline constexpr std::size_t kMaxMessage = 1 << 20; // bytes of one from the agent: a minute and more of audio
inline constexpr std::size_t kMaxName = 2048;       // bytes of a mark's name

// Writes one stream's messages, with their running numbers.
class Writer {
 public:
  // `call` is the uuid that the stream and the call are named after: MZ and CA with its 32 digits.
  explicit Writer(std::string_view call);

  static std::string connected();
  std::string start(const std::vector<std::pair<std::string, std::string>>& parameters);
  // `timestamp_ms` from the start of the stream.
  std::string media(Bytes mulaw, std::uint64_t timestamp_ms);
  std::string dtmf(char digit);
  std::string mark(std::string_view name);
  std::string stop();

 private:
  std::string open(std::string_view event); // up to the member that bears the event's name

  std::string stream_, call_;
  std::uint64_t sequence_ = 0;
  std::uint64_t chunk_ = 0;
};

struct Media {
  std::vector<std::byte> mulaw;
  bool operator==(const Media&) const = default;
};
struct Mark {
  std::string name;
  bool operator==(const Mark&) const = default;
};
struct Clear {
  bool operator==(const Clear&) const = default;
};
using FromAgent = std::variant<Media, Mark, Clear>;

// Total. An unknown event is `unsupported` (skip it); what has no event, or lacks a field, is `malformed`,
// and `what` names the field. The streamSid is not looked at: there is one stream a connection.
Result<FromAgent> parse(std::string_view json);

} // namespace talky::ipc::media_streams
