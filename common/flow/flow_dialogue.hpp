// One conversation over a flow; see dialogue.hpp. The order in which an utterance is understood:
//   1. a question that a rule answers in words is answered, and nothing in it is taken for a value: "are you
//   open on Saturday?" says no day;
//   2. values for slots are found in the rest and kept; 3. the state's own rules, the first that holds; 4.
//   the slot that the state asks for is filled; 5. the flow's global rules; 6. help, repeat, operator,
//   goodbye; 7. some other slot was filled: the question again; 8. the state's fallback, or the global one
//   with the question again.
// Each of these ends in a reply, so there is always one.
//
// flow_dialogue.cpp answers, flow_understanding.cpp finds out what was meant, flow_speech.cpp makes the
// sentences.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow_model.hpp"

namespace talky::flow {

class FlowDialogue final : public voice::Dialogue {
 public:
  explicit FlowDialogue(std::shared_ptr<const Flow> flow, const FlowModel& model)
      : flow_(std::move(flow)), model_(model), state_(model.find(model.start)) {}

  voice::Reply start(const voice::in::Start& start, Random& random) override;
  voice::Reply answer(const voice::Heard& heard, Random& random) override;
  language::Completeness completeness(const voice::Utterance& utterance) const override;
  language::Completeness completeness(const voice::Digits& digits) const override;
  std::unique_ptr<voice::Dialogue> clone() const override { return std::make_unique<FlowDialogue>(*this); }

 private:
  struct Input;
  voice::Reply understand(const voice::Utterance& utterance, Random& random);
  voice::Reply typed(const voice::Digits& digits, Random& random);
  voice::Reply silent(const voice::Silence& silence, Random& random);
  voice::Reply carry_on(Input& input, Random& random);

  void fill(Input& input);
  void choose_intent(Input& input) const;
  std::string find_question(Input& input) const;
  bool wants(const std::vector<Rule>& rules, std::string_view intent) const;
  bool holds(const Rule& rule, const Input& input) const;
  const Rule* first(const std::vector<Rule>& rules, const Input& input) const;
  voice::Reply fire(const Rule& rule, const Input& input, std::string lead, Random& random);
  std::optional<voice::Reply> builtin(const Input& input, Random& random);
  voice::Reply misunderstood(Random& random);

  // Goes to a state and speaks; `lead` is said before.
  voice::Reply enter(const State* state, std::string lead, Random& random);
  voice::Reply reply(std::string text) const;
  voice::Reply question_again(std::string lead, Random& random);
  std::string question(Random& random) const;
  std::string say(const Prompt& prompt, Random& random) const;
  std::string render(const Template& text, bool raw) const;
  std::string render_raw(std::string_view text) const;
  voice::Reply::Action render(const voice::Reply::Action& action) const;
  void apply(const Rule& rule);
  std::string value(std::string_view name) const;
  std::string spoken_of(const Template::Part& part) const;
  language::Date today() const { return {moment_.year, moment_.month, moment_.day}; }

  std::shared_ptr<const Flow> flow_; // owns the model
  const FlowModel& model_;
  const State* state_;
  std::map<std::string, std::string, std::less<>> variables_; // canonical values
  std::string voice_;                                         // of the states that name none
  voice::Moment moment_;
  std::string last_text_; // the last thing we said, for "repeat"
  int tries_ = 0;         // misunderstandings in a row
};

struct FlowDialogue::Input {
  std::string text;
  std::vector<std::string> filled; // slots
  std::string intent;              // the best that any rule here wants
  double score = 0;
  std::optional<bool> yes;
  std::string digits;
  const Rule* question = nullptr; // the rule that answers a question that is part of it
};

} // namespace talky::flow
