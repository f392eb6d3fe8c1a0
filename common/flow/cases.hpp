// Dialogues that a flow must be able to hold: what the caller says, and what is expected of the answer.
// talky-flow(5) describes the file; `talky-agent test` runs it.
//
//     date: 2026-11-30
//     cases:
//       - name: all at once
//         turns:
//           - A haircut tomorrow at three.
//           - {say: Anna Smith., state: confirm, slots: {time: "15:00"}, words: [haircut, "!beard"]}
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow.hpp"
#include "voice/dialogue.hpp"

namespace talky::flow {

struct CaseTurn {
  std::string said; // as Conversation::line() takes it
  std::optional<std::string> state, intent;
  std::optional<std::string> action; // "none", or how action_text() begins: "hangup", "transfer sip:12@host"
  std::map<std::string, std::string> slots; // canonical values; "" for one that must be empty
  std::vector<std::string> words; // that are in the answer, whatever their case; "!word": that are not
  std::size_t line = 0;
};

struct Case {
  std::string name;
  voice::Moment moment; // of the call
  std::vector<CaseTurn> turns;
  std::size_t line = 0;
};

struct Cases {
  static constexpr std::size_t kMaxBytes = 16U << 20; // of YAML

  std::vector<Case> cases;
  std::vector<Diagnostic> diagnostics; // not empty: the file is not what it should be
};

Cases parse_cases(std::string_view yaml);

struct CaseResult {
  bool passed = true;
  // The conversation, with a line "- ..." of what was expected and a line "+ ..." of what came, where they
  // differ.
  std::string report;
};

// Runs one case with the variants of prompts that `seed` chooses.
CaseResult run_case(const std::shared_ptr<const Flow>& flow, const Case& wanted, std::uint64_t seed);

} // namespace talky::flow
