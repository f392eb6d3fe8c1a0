// What a browser that calls reports to talky-sipd beside its audio: the text messages of the WebSocket
// /api/v1/web/call, JSON objects with a "type" (man/talky-api.7).
//
//     {"type":"hangup"}  {"type":"dtmf","digit":"5"}  {"type":"played","samples":48000}
//     {"type":"cleared","samples":35200,"skipped":4800}
//
// Samples are the agent's, 16 kHz, counted from the start of the call as they leave the loudspeaker's buffer.
// What was thrown away before that is never counted among them; what of it the buffer left out by itself, to
// be in time again after a stall, is `skipped`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "core/error.hpp"

namespace talky::ipc::browser {

struct HangUp {
  bool operator==(const HangUp&) const = default;
};
struct Key {
  char digit = 0; // 0-9 * # A-D
  bool operator==(const Key&) const = default;
};
struct Played { // heard so far
  std::uint64_t samples = 0;
  std::uint64_t skipped = 0;
  bool operator==(const Played&) const = default;
};
struct Cleared { // heard so far, after everything that waited was thrown away: the answer to `clear`
  std::uint64_t samples = 0;
  std::uint64_t skipped = 0;
  bool operator==(const Cleared&) const = default;
};
using Message = std::variant<HangUp, Key, Played, Cleared>;

inline constexpr std::size_t kMaxText = 4096; // bytes of one message

// Total. An unknown "type" is `unsupported` (skip it), a missing or ill-typed field `malformed`, a text above
// kMaxText `too_large`; unknown fields are ignored.
Result<Message> parse(std::string_view json);

} // namespace talky::ipc::browser
