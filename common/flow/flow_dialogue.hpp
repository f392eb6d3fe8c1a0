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

namespace talky::voice {

class FlowDialogue final : public Dialogue {
 public:
  explicit FlowDialogue(std::shared_ptr<const Flow> flow, const FlowModel& model)
      : flow_(std::move(flow)), model_(model), state_(model.find(model.start)) {}

  Reply start(const in::Start& start, Random& random) override;
  Reply answer(const Heard& heard, Random& random) override;
  Completeness completeness(const Utterance& utterance) const override;
  Completeness completeness(const Digits& digits) const override;
  std::unique_ptr<Dialogue> clone() const override { return std::make_unique<FlowDialogue>(*this); }

 private:
  struct Input;
  Reply understand(const Utterance& utterance, Random& random);
  Reply typed(const Digits& digits, Random& random);
  Reply silent(const Silence& silence, Random& random);
  Reply carry_on(Input& input, Random& random);

  void fill(Input& input);
  void choose_intent(Input& input) const;
  std::string find_question(Input& input) const;
  bool wants(const std::vector<Rule>& rules, std::string_view intent) const;
  bool holds(const Rule& rule, const Input& input) const;
  const Rule* first(const std::vector<Rule>& rules, const Input& input) const;
  Reply fire(const Rule& rule, const Input& input, std::string lead, Random& random);
  std::optional<Reply> builtin(const Input& input, Random& random);
  Reply misunderstood(Random& random);

  // Goes to a state and speaks; `lead` is said before.
  Reply enter(const State* state, std::string lead, Random& random);
  Reply reply(std::string text) const;
  Reply question_again(std::string lead, Random& random);
  std::string question(Random& random) const;
  std::string say(const Prompt& prompt, Random& random) const;
  std::string render(const Template& text, bool raw) const;
  std::string render_raw(std::string_view text) const;
  Reply::Action render(const Reply::Action& action) const;
  void apply(const Rule& rule);
  std::string value(std::string_view name) const;
  std::string spoken_of(const Template::Part& part) const;
  Date today() const { return {moment_.year, moment_.month, moment_.day}; }

  std::shared_ptr<const Flow> flow_; // owns the model
  const FlowModel& model_;
  const State* state_;
  std::map<std::string, std::string, std::less<>> variables_; // canonical values
  std::string voice_;                                         // of the states that name none
  Moment moment_;
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

} // namespace talky::voice
