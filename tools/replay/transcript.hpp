// What both sides said, by `talky-agent hear`.
#pragma once
#include <string>

#include "report.hpp"

namespace talky::replay {

// Fills said, answers and greeting_text of the outcome from its recording, or transcription_fault. `agent` is
// the program: a path, or a name that is looked up beside talky-replay and in PATH.
void transcribe(Outcome& outcome, const std::string& agent);

} // namespace talky::replay
