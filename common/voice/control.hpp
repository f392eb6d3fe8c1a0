// What the voice session and the bridge say to each other besides audio. The same messages, field by field,
// as the JSON of the bridge (common/ipc/control.hpp); plain structs here, because a session stands below no
// wire.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "voice/engine.hpp"

namespace talky::voice {

// A moment on the wall of the called party, for "tomorrow" and "next Friday". Gregorian; no time zone.
struct Moment {
  int year = 2026;
  int month = 1; // 1..12
  int day = 1;   // 1..31
  int hour = 0;  // 0..23
  int minute = 0;
  bool operator==(const Moment&) const = default;
};

// From the bridge to the session.
namespace in {

struct Start {
  std::string call_id;
  std::string from; // SIP URI or number, as the bridge gives it
  std::string to;
  std::vector<std::pair<std::string, std::string>> headers;
  Moment moment;          // local date and time when the call started
  std::string voice = {}; // of this call, in place of the flow's own; "" for that
};
struct Dtmf {
  char digit = '0'; // 0-9 * # A-D
};
// The mark `name` was reached: `played` samples (16 kHz) of the agent's audio have left the socket since
// start.
struct Mark {
  std::string name;
  Samples played = 0;
};
// Answer to `clear`: `discarded` samples were thrown away unheard; `played` have left the socket since start.
struct Cleared {
  Samples discarded = 0;
  Samples played = 0;
};
struct Hold {
  bool by_program = false; // another program talks with the caller: what was begun is not gone on with
};
struct Resume {};
// Somebody beside the call wants this said.
struct Say {
  std::string text;
  std::string voice = {}; // "": that of the call
  bool interruptible = true;
  bool clear = false; // in place of what is said at present
};
struct Stop {
  std::string reason; // "bye", "closed" ...
};

} // namespace in

// From the session to the bridge.
namespace out {

// The next whole frame of the agent's audio, 320 samples. In lockstep exactly one for each received frame.
struct Audio {
  Pcm pcm;
};
// Throw away the queued audio and report `cleared`.
struct Clear {};
// Play what is queued and what comes more quietly, or again as loud as it is.
struct Duck {
  bool on = false;
};
// Report `mark` when all audio sent before it has been played.
struct Mark {
  std::string name;
};
struct Hangup {
  std::string reason; // "goodbye", "silence", "tts failed" ...
};
struct Transfer {
  std::string target; // SIP URI or number
};
struct Dtmf {
  std::string digits;
};
// Where the silence between the caller's last sound, at `end`, and the first sample of the answer went; the
// parts are those of journal::Latency. That sample is number `sent` of all that were given to the bridge.
// Turn 0: the greeting. It comes right behind the audio that begins the answer.
struct Turn {
  std::uint64_t turn = 0;
  Samples end = 0;
  Samples endpoint = 0, stt = 0, dialogue = 0, tts = 0, out = 0;
  Samples sent = 0;
};

} // namespace out

using Control =
    std::variant<in::Start, in::Dtmf, in::Mark, in::Cleared, in::Hold, in::Resume, in::Say, in::Stop>;

} // namespace talky::voice
