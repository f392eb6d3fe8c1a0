// A flow in memory: what flow_reader.cpp reads from YAML, flow_check.cpp examines, and flow_dialogue.cpp
// carries out. Not public; talky-flow(5) says what each field means.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flow/expression.hpp"
#include "flow/flow.hpp"
#include "flow/intents.hpp"
#include "flow/slots.hpp"

namespace talky::flow {

// "Good morning, {name}." cut at its variables.
struct Template {
  struct Part {
    std::string text; // or the name of a variable
    bool variable = false;
    std::string form; // behind '|': "raw", "weekday", "digits"
  };
  std::vector<Part> parts;
};

struct Prompt {
  struct Variant {
    std::optional<Expression> condition;
    Template text;
  };
  std::vector<Variant> variants;
  std::size_t line = 0;
  bool empty() const { return variants.empty(); }
};

struct Rule {
  // All that are given must hold.
  std::vector<std::string> intents; // one of them
  std::vector<std::string> slots;   // one of them was filled by this input
  std::vector<std::string> hints;   // one of them was narrowed down by it, and not filled
  std::optional<bool> yes;          // the answer is yes, or no
  std::vector<std::string> digits;  // one of them was typed
  std::optional<Expression> condition;
  // What happens.
  std::vector<std::pair<std::string, Template>> set;
  std::vector<std::string> clear;
  Prompt say;
  std::string go;
  voice::Reply::Action action; // its text may hold variables, rendered when it is carried out
  bool repeat = false;
  std::optional<voice::Samples> wait; // without an answer, once
  std::size_t line = 0;
};

struct State {
  std::string name;
  Prompt say, again, help, fallback, silence;
  std::string ask;  // slot
  std::string then; // state
  std::vector<Rule> enter, on;
  voice::Reply::Action action;
  bool interruptible = true;
  bool interruptible_given = false;
  std::string voice;
  std::optional<voice::Samples> wait;
  std::size_t line = 0;
};

struct FlowModel {
  std::string name;
  std::string voice;
  std::string start;
  std::map<std::string, std::string> values;
  std::vector<Slot> slots;
  std::vector<Intent> intents;
  std::vector<State> states; // in the order of the file
  std::vector<Rule> on;      // everywhere, after the state's own
  Prompt help, fallback, silence, silence_last, trouble, trouble_last, goodbye, no_operator;
  Prompt narrow, more_digits, several, foreign, no_answer;
  int patience = 3;    // misunderstandings in a row
  std::string give_up; // state to go to after them; "" to go on asking
  std::size_t start_line = 0;
  std::size_t give_up_line = 0;
  std::optional<IntentMatcher> matcher;

  const State* find(std::string_view state) const;
  const Slot* slot(std::string_view wanted) const;
  std::optional<std::size_t> slot_index(std::string_view wanted) const;
};

// Variables that every flow has.
inline constexpr std::string_view kBuiltinVariables[] = {"caller", "called", "today", "now",
                                                         "tries",  "digits", "said",  "hint"};
// Behind the name of a slot: what narrows it down, as one says it.
inline constexpr std::string_view kHintSuffix = "_hint";
// Intents that every flow has and may extend; they work in every state.
inline constexpr std::string_view kBuiltinIntents[] = {"help", "repeat", "operator", "goodbye"};

// Letters, digits and _: of a slot, a state, a variable.
bool is_name(std::string_view text);

// The text with its variables; `what` of the error says what is wrong with it.
Result<Template> parse_template(std::string_view text);

// Fills `flow`; diagnostics for what cannot be read.
void read_flow(std::string_view yaml, FlowModel& flow, std::vector<Diagnostic>& diagnostics);
// Examines a flow that was read.
void check_flow(const FlowModel& flow, std::vector<Diagnostic>& diagnostics);
// Gives a flow what it does not say itself: prompts and intents of every flow.
void complete_flow(FlowModel& flow);

} // namespace talky::flow
