// What talky-sipd and an agent send each other beside the audio: JSON objects with a "type", in AudioSocket
// frames of kind 0xe0 or as lines on the file descriptors 3 and 4 of an exec: program.
//
// sipd to agent:
// {"type":"start","call":"<uuid>","from":"sip:..","to":"sip:..","headers":{"X-A":"1"},"rate":16000,
//                   "voice":"Emma"}
//                  {"type":"dtmf","digit":"5","duration_ms":120}
//                  {"type":"mark","name":"greeting","played":48000}
//                  {"type":"cleared","discarded":12800,"played":35200}
//                  {"type":"hold"}  {"type":"hold","by":"program"}  {"type":"resume"}
//                  {"type":"say","text":"..","voice":"Emma","interruptible":true,"clear":false}
//                  {"type":"stop","reason":"caller hung up"}
// agent to sipd:   {"type":"clear"}  {"type":"mark","name":"greeting"}  {"type":"hangup","reason":".."}
//                  {"type":"transfer","to":"sip:.."}  {"type":"dtmf","digits":"12#","duration_ms":100}
//                  {"type":"accepts","messages":["say"]}
//                  {"type":"turn","turn":1,"end":52480,"endpoint":5120,"stt":320,"dialogue":0,"tts":1600,"out":0,
//                   "sent":48000}
//                  {"type":"speech","active":true}
//                  {"type":"caption","side":"caller","turn":1,"text":"..","final":true}
//                  {"type":"caption","side":"agent","turn":1,"sentence":4,"text":"..","final":true}
//                  {"type":"heard","turn":1,"sentence":4,"text":"..","whole":true}
//
// Samples are counted from the start of the call at the rate of `start`. `played` means: the agent's samples
// whose RTP packets have left the socket. A mark is answered in order with the audio around it: when all
// audio before it has been played, or at once when a `clear` throws that audio away (after the `cleared`).
// A `cleared` also comes unasked, where somebody else threw the agent's audio away.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.hpp"

namespace talky::ipc {

// sipd to agent
struct Start {
  std::string call; // the uuid that names recordings and logs
  std::string from; // URI of the caller
  std::string to;   // URI that was dialled
  std::vector<std::pair<std::string, std::string>>
      headers;                // of the INVITE: those with X- names, in their order
  std::uint32_t rate = 16000; // of the audio in both directions, Hz
  std::string voice = {};     // that the caller has chosen; "" leaves it to the agent
  bool operator==(const Start&) const = default;
};
struct DtmfReceived {
  char digit = 0; // 0-9 * # A-D
  std::uint32_t duration_ms = 0;
  bool operator==(const DtmfReceived&) const = default;
};
struct MarkPlayed {
  std::string name;
  std::uint64_t played = 0; // samples, total of the call
  bool operator==(const MarkPlayed&) const = default;
};
struct Cleared {
  std::uint64_t discarded = 0; // samples that were queued and will not be heard
  std::uint64_t played = 0;    // samples, total of the call
  bool operator==(const Cleared&) const = default;
};
struct Hold { // until `resume` the caller hears nothing of the agent
  // The caller is not on hold: another program talks with them. What the agent had begun to say is not worth
  // going on with.
  bool by_program = false;
  bool operator==(const Hold&) const = default;
};
struct Resume {
  bool operator==(const Resume&) const = default;
};
// Somebody beside the call wants this said to the caller. Only for an agent that `accepts` it.
struct Say {
  std::string text;
  std::string voice = {};    // "": that of the call
  bool interruptible = true; // by the caller
  bool clear = false;        // in place of what the agent says at present, not behind it
  bool operator==(const Say&) const = default;
};
struct Stop {
  std::string reason;
  bool operator==(const Stop&) const = default;
};
using ToAgent = std::variant<Start, DtmfReceived, MarkPlayed, Cleared, Hold, Resume, Say, Stop>;

// agent to sipd
struct Accepts { // the messages beyond the usual ones that the agent acts upon; others are not named
  bool say = false;
  bool operator==(const Accepts&) const = default;
};
struct Clear { // throw away what is queued and not yet played
  bool operator==(const Clear&) const = default;
};
struct Duck { // play what is queued and what comes more quietly, or again as it is; a clear ends it
  bool on = false;
  bool operator==(const Duck&) const = default;
};
struct Mark {
  std::string name;
  bool operator==(const Mark&) const = default;
};
struct Hangup { // after all queued audio has been played
  std::string reason;
  bool operator==(const Hangup&) const = default;
};
struct Transfer {
  std::string to; // a SIP URI
  bool operator==(const Transfer&) const = default;
};
struct SendDtmf {
  std::string digits; // 0-9 * # A-D, at most 64
  std::uint32_t duration_ms = 100;
  bool operator==(const SendDtmf&) const = default;
};
// Where the time between the caller's last sound and the first sample of the answer went, reported right
// behind the audio that begins the answer. All but `turn` in samples. Turn 0 is the greeting, from the start
// of the call.
struct TurnTaken {
  std::uint64_t turn = 0;     // of the caller, from 1
  std::uint64_t end = 0;      // of their speech: position in the audio that sipd has sent
  std::uint64_t endpoint = 0; // deciding that the turn is over
  std::uint64_t stt = 0;      // recognising it
  std::uint64_t dialogue = 0; // finding an answer
  std::uint64_t tts = 0;      // to the first sample that was synthesised
  std::uint64_t out = 0;      // to the first sample that was sent
  std::uint64_t sent = 0;     // samples that the agent had sent before that one
  bool operator==(const TurnTaken&) const = default;
};
// For whoever shows the conversation to people while it goes on.
struct SpeechActive { // the caller has begun, or ceased, to speak
  bool active = false;
  bool operator==(const SpeechActive&) const = default;
};
struct Caption {
  enum class Side : std::uint8_t { caller, agent };
  Side side = Side::caller;
  std::uint64_t turn = 0;     // of the caller, from 1; the agent's is that which it answers, 0 without
  std::uint64_t sentence = 0; // of the agent's: counted through the call; it begins to be spoken
  std::string text;
  bool final = true; // false, with "": the turn is withdrawn, because the caller has gone on
  bool operator==(const Caption&) const = default;
};
struct HeardPart { // what of a sentence of the agent's the caller has heard, once it is over
  std::uint64_t turn = 0, sentence = 0;
  std::string text;
  bool whole = false;
  bool operator==(const HeardPart&) const = default;
};
using Shown = std::variant<SpeechActive, Caption, HeardPart>;
using FromAgent = std::variant<Accepts, Clear, Duck, Mark, Hangup, Transfer, SendDtmf, TurnTaken,
                               SpeechActive, Caption, HeardPart>;

// One JSON object without a line end. Fits into an AudioSocket frame: texts are cut at kMaxText bytes and
// headers left out past kMaxHeaders.
std::string to_json(const ToAgent& message);
std::string to_json(const FromAgent& message);

// A JSON string with its quotes, by the same rules: what is not UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

inline constexpr std::size_t kMaxJson = 65535; // bytes of one message
inline constexpr std::size_t kMaxText = 2048;  // bytes of one text in it
inline constexpr std::size_t kMaxHeaders = 24;

// Total: any text gives a message or an error whose `what` names the field at fault. An unknown "type" is
// `unsupported` (skip it); unknown fields are ignored; a missing or ill-typed field is `malformed`; a text
// above its limit is `too_large`. A number must be a whole one, not negative and in range.
Result<ToAgent> parse_to_agent(std::string_view json);
Result<FromAgent> parse_from_agent(std::string_view json);

// Cuts a stream of JSON lines into lines without their end ("\n" or "\r\n"). Empty lines are skipped. A line
// above kMaxJson bytes gives `too_large` once, and reading goes on behind its end.
class LineDecoder {
 public:
  void feed(std::string_view bytes);
  // false: no whole line yet. `line` is replaced.
  Result<bool> next(std::string& line);

 private:
  std::string buffer_;
  std::size_t scanned_ = 0; // no line end before it
  bool skipping_ = false;   // inside a line that was too long
};

} // namespace talky::ipc
