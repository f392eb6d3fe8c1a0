// What comes out of a session: audio and control for the bridge, requests for the engines, journal lines.
#pragma once
#include <string>
#include <variant>

#include "voice/control.hpp"
#include "voice/engine.hpp"

namespace talky::voice {

// A line of the journal (journal.hpp), without its line end.
struct JournalLine {
  std::string text;
};

using Output = std::variant<out::Audio, out::Clear, out::Duck, out::Mark, out::Hangup, out::Transfer,
                            out::Dtmf, out::Turn, SttRequest, TtsRequest, LlmRequest, Cancel, JournalLine>;

} // namespace talky::voice
