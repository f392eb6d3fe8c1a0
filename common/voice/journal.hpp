// The journal: one ordered log of all that a session saw and did, JSON lines in media time
// (talky-journal(5)). The session writes it (JournalLine outputs); what a language model or a transcript may
// know is a pure fold over it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "voice/control.hpp"
#include "voice/engine.hpp"

namespace talky::voice::journal {

// Positions (`at`) are on the caller's sample clock; `sent` positions count the samples of agent audio that
// were given to the bridge.
struct Started {
  in::Start start;
  std::uint64_t version = 1;
};
struct SpeechStart {
  Samples begin = 0;
  bool over_agent = false;
}; // found at `at`, began at `begin`
struct SpeechEnd {
  Samples end = 0;
  std::string voice = {}; // how the voice ended: VoiceEnd's figures, for whoever trains or examines turns
};                        // last sample of speech
struct Requested {
  RequestId id = 0;
  std::string kind;
  std::string text;
  bool speculative = false;
  Samples length = 0;
  std::string expected = {}; // stt: the kind of answer that is waited for; "" for any
};
struct Answered {
  RequestId id = 0;
  std::string kind;
  std::string text;
  float confidence = 1;
  Samples service = 0;
  Samples length = 0;
};
struct Failed {
  RequestId id = 0;
  std::string kind;
  std::string reason;
};
struct Cancelled {
  RequestId id = 0;
  std::string kind;
};
// The caller's turn as the dialogue got it.
struct Turn {
  std::uint64_t turn = 0;
  Samples begin = 0, end = 0;
  std::string text;
  float confidence = 1;
};
struct TurnReopened {
  std::uint64_t turn = 0;
}; // the caller went on: the turn counts as not said
struct Digits {
  std::string digits;
};
struct DtmfIn {
  char digit = '0';
};
struct NoInput {
  int count = 0;
  bool last = false;
};
// The dialogue's answer. `turn` 0: the greeting or a prompt without a turn.
struct Answer {
  std::uint64_t turn = 0;
  std::string text, state, intent;
};
// What somebody beside the call wanted to be said (in::Say), when its turn has come.
struct Prompt {
  std::string text, voice;
  bool interruptible = true;
};
// A sentence starts to be sent; afterwards, once, how much of it the caller heard.
struct SentenceStart {
  std::uint64_t sentence = 0;
  std::string text, voice;
  Samples sent = 0;
};
struct SentenceEnd {
  std::uint64_t sentence = 0;
  Samples length = 0, heard = 0;
  bool whole = false;
};
struct BargeIn {
  Samples begin = 0;
  std::string by;
}; // by "speech", "words", "dtmf" or "continuation" of a turn that was taken for whole; the caller began at
   // `begin`; how much was heard: SentenceEnd
struct FalseInterruption {
  std::uint64_t sentence = 0;
}; // no words came: the sentence is gone on with
// The agent speaks more quietly, because the caller makes a sound; or as before.
struct Ducked {
  bool on = false;
};
// Parts of the silence between the end of the caller's speech and the agent's first sample; they add up to
// `total`.
struct Latency {
  std::uint64_t turn = 0;
  Samples endpoint = 0, stt = 0, dialogue = 0, tts = 0, out = 0, total = 0;
};
struct Mark {
  std::string name;
  Samples played = 0;
};
struct Cleared {
  Samples discarded = 0, played = 0;
};
struct Held {
  std::string by = {}; // "program"; "" for the caller
};
struct Resumed {};
struct Transferred {
  std::string target;
};
struct SentDigits {
  std::string digits;
};
struct HungUp {
  std::string reason;
}; // by us
struct Stopped {
  std::string reason;
}; // by the other side

// What the call is about, whenever that has changed: all slots that the caller has filled, in canonical form.
struct Slots {
  std::vector<std::pair<std::string, std::string>> values; // name, value
};

using What = std::variant<Started, SpeechStart, SpeechEnd, Requested, Answered, Failed, Cancelled, Turn,
                          TurnReopened, Digits, DtmfIn, NoInput, Answer, Prompt, SentenceStart, SentenceEnd,
                          BargeIn, FalseInterruption, Ducked, Latency, Mark, Cleared, Held, Resumed,
                          Transferred, SentDigits, HungUp, Stopped, Slots>;

struct Entry {
  Samples at = 0;
  What what;
};

std::string to_line(const Entry& entry); // one line of JSON, without its line end
Result<Entry> parse_line(std::string_view text);
Result<std::vector<Entry>> parse(std::string_view text); // offset: of the line that is wrong

// What was said and heard, in order. An agent's sentence that was cut is cut after the last word that was
// heard whole (by its share of the samples) and marked `cut`.
struct Said {
  enum class Who : std::uint8_t { caller, agent };
  Who who = Who::caller;
  Samples begin = 0; // media time
  std::string text;
  bool cut = false;
};
std::vector<Said> transcript(const std::vector<Entry>& entries);
// Of a sentence: its words that were spoken whole when `heard` of its `length` samples were.
std::string heard_part(std::string_view text, Samples heard, Samples length);
// "caller: ..." and "agent: ..." lines with times, for people.
std::string to_text(const std::vector<Said>& said);

// The context for a language model: transcript as alternating messages, `system` first if not empty.
std::vector<LlmMessage> context(const std::vector<Entry>& entries, std::string_view system);

} // namespace talky::voice::journal
