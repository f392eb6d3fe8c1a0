// What a conversation over a flow has in mind, and the texts that are made of it: prompts with their variants
// and variables. Not public.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "flow/flow_model.hpp"
#include "language/calendar.hpp"
#include "voice/dialogue.hpp"

namespace talky::flow {

class Variables {
 public:
  explicit Variables(const FlowModel& model) : model_(model) {} // borrowed

  // The call starts: who calls whom, and when.
  void start(const voice::in::Start& start);
  // Sets the canonical value of a slot or variable ("2026-11-24", "haircut").
  void set(std::string_view name, std::string value);
  // What the rule sets and clears.
  void apply(const Rule& rule);
  // What narrows a slot down until it is filled: the variable NAME_hint.
  void set_hint(std::string_view slot, Hint hint);
  // Value and hint of each slot.
  std::vector<SlotState> slot_states() const;

  // The canonical value; "" if there is none.
  std::string value(std::string_view name) const;
  bool holds(const Expression& condition) const;
  // One of the variants that fit, by chance, as it is spoken; "" if none does. Variants whose condition holds
  // go before those without one.
  std::string say(const Prompt& prompt, Random& random) const;
  // The action with its variables replaced by their canonical values.
  voice::Reply::Action render(const voice::Reply::Action& action) const;
  language::Date today() const { return {moment_.year, moment_.month, moment_.day}; }

  language::TimeOfDay now() const { return {moment_.hour, moment_.minute}; }

  // Misunderstandings in a row: the variable "tries".
  int count_try() { return ++tries_; }
  void forget_tries() { tries_ = 0; }

 private:
  std::string render(const Template& text, bool raw) const;
  std::string render_raw(std::string_view text) const;
  std::string spoken(const Template::Part& part) const;

  const FlowModel& model_;
  std::map<std::string, std::string, std::less<>> values_; // canonical
  std::map<std::string, Hint, std::less<>> hints_;         // by slot
  voice::Moment moment_;
  int tries_ = 0;
};

} // namespace talky::flow
