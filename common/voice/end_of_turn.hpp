// How long a pause must be to end the caller's turn: by what the dialogue says of the words, by how the words
// end, and by the voice. Not public.
//
// A logistic regression over the voice's end (voice_end.hpp) and the ending of the words gives the
// probability that this was all; its weights are trained by scripts/turn-weights on prompts that Debian
// packages install, cut at word boundaries.
#pragma once
#include <optional>
#include <string_view>

#include "language/clauses.hpp"
#include "voice/config.hpp"
#include "voice/voice_end.hpp"

namespace talky::voice {

// 0..1: will nothing follow? `end`: of the stretch of speech, if its sound says anything.
float probably_over(std::string_view words, const std::optional<VoiceEnd>& end);

// `words`: as the recogniser wrote them, or nothing if they are not known.
Samples pause_needed(const Config& config, language::Completeness completeness,
                     std::optional<std::string_view> words, const std::optional<VoiceEnd>& end);

} // namespace talky::voice
