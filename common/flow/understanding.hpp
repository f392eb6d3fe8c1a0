// What an utterance means in the state where the conversation is. Not public.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow_model.hpp"
#include "flow/variables.hpp"
#include "language/answers.hpp"
#include "voice/dialogue.hpp"

namespace talky::flow {

// What was understood.
struct Input {
  std::string text;
  std::vector<std::string> filled; // slots
  std::vector<std::string> hinted; // slots that were narrowed down, and not filled
  std::string intent;              // the best that any rule here wants
  double score = 0;
  std::optional<bool> yes;
  std::string digits;
  const Rule* question = nullptr; // the rule that answers a question that is part of it
  bool unknown = false;           // a question is part of it that no rule answers
  bool changed = false;           // a slot that had a value has another one now
  bool several = false;           // more is wanted than one can have: two people, two services
  std::string_view foreign = {};  // the language, if it is not English
};

class Understanding {
 public:
  // All are borrowed.
  Understanding(const FlowModel& model, const State& state, const Variables& variables)
      : model_(model), state_(state), variables_(variables) {}

  // Intent, answer, question and values of what was said. The values are put into `variables`, which are
  // those of this object.
  Input understand(const std::string& text, Variables& variables) const;
  // Keys that were typed answer a question for a number.
  Input typed(const std::string& digits, Variables& variables) const;

  // The first rule whose conditions all hold; null: none does.
  const Rule* first(const std::vector<Rule>& rules, const Input& input) const;

  // What the state asks for.
  voice::Expectation expectation() const;

 private:
  std::string find_question(Input& input) const;
  void choose_intent(Input& input) const;
  void fill(Input& input, Variables& variables) const;
  Input typed_number(const Slot& slot, Input input, Variables& variables) const;
  void settle_answer(Input& input) const;
  language::Question question() const; // what a yes or no would answer
  Slot::Type asked_type() const;       // choice if nothing is asked for
  bool wants(const std::vector<Rule>& rules, std::string_view intent) const;
  bool holds(const Rule& rule, const Input& input) const;

  const FlowModel& model_;
  const State& state_;
  const Variables& variables_;
};

} // namespace talky::flow
