// A dialogue read from YAML: states, intents, slots, prompts, transitions (talky-flow(5) describes the
// format). Flow::parse() takes text, not a file; the result is immutable and shared by all calls that use it.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "voice/dialogue.hpp"

namespace talky::flow {

// What is wrong or doubtful in a flow. An error means that the flow cannot be used; a warning that a caller
// may fall through to a fallback, or that something is never used.
struct Diagnostic {
  enum class Severity : std::uint8_t { error, warning };
  Severity severity = Severity::error;
  std::size_t line = 0; // from 1; 0 if it concerns the whole file
  std::string text;
  bool operator==(const Diagnostic&) const = default;
};
// "flow.yaml:12: error: state 'bok' does not exist"
std::string to_string(const Diagnostic& diagnostic, std::string_view file);

struct FlowModel; // flow_model.hpp, not public

class Flow {
 public:
  static constexpr std::size_t kMaxBytes = 1U << 20; // of YAML; a longer text is refused

  // Reads and checks. `flow` is null if there is any error among the diagnostics.
  struct Parsed;
  static Parsed parse(std::string_view yaml);

  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  const std::string& name() const;
  const std::string& voice() const; // "" if the flow names none
  // Every sentence of the prompts that is always the same, the greeting's first, for engines that want to
  // synthesise ahead of time.
  std::vector<std::string> fixed_sentences() const;

 private:
  Flow();
  friend std::unique_ptr<voice::Dialogue> make_dialogue(std::shared_ptr<const Flow> flow);
  std::unique_ptr<FlowModel> impl_;
};

struct Flow::Parsed {
  std::shared_ptr<const Flow> flow;    // null if there are errors
  std::vector<Diagnostic> diagnostics; // in order of lines
};

// All that `talky-agent check` prints: parse() without the flow.
std::vector<Diagnostic> check(std::string_view yaml);

// One conversation over the flow.
std::unique_ptr<voice::Dialogue> make_dialogue(std::shared_ptr<const Flow> flow);

} // namespace talky::flow
