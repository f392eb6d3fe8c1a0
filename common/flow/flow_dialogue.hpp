// One conversation over a flow; see dialogue.hpp. The order in which an utterance is understood:
//   1. a question that a rule answers in words is answered, and nothing in it is taken for a value: "are you
//   open on Saturday?" says no day;
//   2. values for slots are found in the rest and kept; 3. the state's own rules, the first that holds; 4.
//   the slot that the state asks for is filled; 5. the flow's global rules; 6. help, repeat, operator,
//   goodbye; 7. some other slot was filled: the question again; 8. the state's fallback, or the global one
//   with the question again.
// Each of these ends in a reply, so there is always one.
//
// Understanding finds out what was meant, Variables keeps what is known and makes the sentences; this goes
// from state to state and answers.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flow/completeness.hpp"
#include "flow/flow_model.hpp"
#include "flow/understanding.hpp"
#include "flow/variables.hpp"

namespace talky::flow {

class FlowDialogue final : public voice::Dialogue {
 public:
  explicit FlowDialogue(std::shared_ptr<const Flow> flow, const FlowModel& model)
      : flow_(std::move(flow)), model_(model), variables_(model), state_(model.find(model.start)) {}

  voice::Reply start(const voice::in::Start& start, Random& random) override;
  voice::Reply answer(const voice::Heard& heard, Random& random) override;
  language::Completeness completeness(const voice::Utterance& utterance) const override {
    return flow::completeness(model_, *state_, variables_, {normal(utterance.text), utterance.confidence});
  }
  language::Completeness completeness(const voice::Digits& digits) const override {
    return flow::completeness(model_, *state_, digits);
  }
  voice::Expectation expectation() const override { return understanding().expectation(); }
  std::vector<voice::SlotValue> slots() const override;
  std::unique_ptr<voice::Dialogue> clone() const override { return std::make_unique<FlowDialogue>(*this); }

 private:
  Understanding understanding() const { return {model_, *state_, variables_}; }
  // As the finders of values read it, whatever the recogniser's spelling is.
  std::string normal(const std::string& text) const;
  voice::Reply understand(const voice::Utterance& utterance, Random& random);
  voice::Reply typed(const voice::Digits& digits, Random& random);
  voice::Reply silent(const voice::Silence& silence, Random& random);
  voice::Reply carry_on(Input& input, Random& random);
  voice::Reply fire(const Rule& rule, const Input& input, std::string lead, Random& random);
  std::optional<voice::Reply> builtin(const Input& input, Random& random);
  voice::Reply misunderstood(const Input& input, Random& random);
  voice::Reply narrowed(std::string lead, Random& random);
  const Slot* narrowed_slot(const Input& input) const;

  // Goes to a state and speaks; `lead` is said before.
  voice::Reply enter(const State* state, std::string lead, Random& random);
  voice::Reply reply(std::string text) const;
  voice::Reply question_again(std::string lead, Random& random);
  std::string question(Random& random) const;

  std::shared_ptr<const Flow> flow_; // owns the model
  const FlowModel& model_;
  Variables variables_;
  const State* state_;
  std::string voice_;     // of the states that name none
  std::string last_text_; // the last thing we said, for "repeat"
};

} // namespace talky::flow
