#include "flow/understanding.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/ascii.hpp"
#include "flow/completeness.hpp"
#include "language/answers.hpp"
#include "language/clauses.hpp"
#include "language/words.hpp"

namespace talky::flow {

Input Understanding::understand(const std::string& text, Variables& variables) const {
  Input input;
  input.text = text;
  input.yes = language::yes_or_no(text);
  variables.set("said", text);
  choose_intent(input);
  input.text = find_question(input);
  if (input.question == nullptr || language::has_words(input.text)) fill(input, variables);
  return input;
}

Input Understanding::typed(const std::string& digits, Variables& variables) const {
  Input input;
  input.digits = digits;
  variables.set("digits", digits);
  if (const Slot* slot = model_.slot(state_.ask)) {
    const bool all_figures = std::all_of(digits.begin(), digits.end(), ascii::is_digit);
    const auto number = ascii::to_number<std::int64_t>(digits);
    const bool fits =
        (slot->type == Slot::Type::digits && (slot->length == 0 || slot->length == digits.size())) ||
        (slot->type == Slot::Type::number && number && *number >= slot->min && *number <= slot->max);
    if (all_figures && fits) {
      variables.set(slot->name, slot->type == Slot::Type::number ? std::to_string(*number) : digits);
      input.filled.push_back(slot->name);
    }
  }
  return input;
}

// Looks for a clause that asks something which a rule answers in words, and returns the text without it.
std::string Understanding::find_question(Input& input) const {
  std::string rest;
  for (const language::Clause& clause : language::clauses(input.text)) {
    Input asked;
    asked.text = clause.text;
    if (clause.question && input.question == nullptr) choose_intent(asked);
    const auto informs = [&](const Rule& rule) {
      return !rule.say.empty() && !rule.intents.empty() && rule.slots.empty() && !rule.yes &&
             holds(rule, asked);
    };
    const Rule* found = nullptr;
    for (const auto* rules : {&state_.on, &model_.on}) {
      const auto rule = std::find_if(rules->begin(), rules->end(), [&](const Rule& r) {
        return std::find(r.intents.begin(), r.intents.end(), asked.intent) != r.intents.end();
      });
      if (rule == rules->end()) continue;
      if (informs(*rule)) found = &*rule;
      break;
    }
    if (found == nullptr) {
      rest += clause.text + ' ';
      continue;
    }
    input.question = found;
    input.intent = asked.intent;
    input.score = asked.score;
  }
  return rest;
}

void Understanding::fill(Input& input, Variables& variables) const {
  std::optional<std::size_t> asked = model_.slot_index(state_.ask);
  if (asked) {
    // "Goodbye" is not a name, and "can you help me please" not a yes.
    const Slot::Type type = model_.slots[*asked].type;
    const bool loose = type == Slot::Type::name || type == Slot::Type::text || type == Slot::Type::yes_no;
    if (loose && input.score >= IntentMatcher::kSure) asked.reset();
  }
  if (input.score >= IntentMatcher::kSure && !input.intent.empty()) input.yes.reset();
  // What a rule here waits for may be corrected without being asked for.
  std::vector<std::size_t> corrected;
  for (const Rule& rule : state_.on) {
    for (const std::string& name : rule.slots)
      if (const auto slot = model_.slot_index(name)) corrected.push_back(*slot);
  }
  for (Filled& filled : find_values(model_.slots, asked, input.text, variables_.today(), corrected)) {
    const std::string& name = model_.slots[filled.slot].name;
    variables.set(name, std::move(filled.value));
    input.filled.push_back(name);
  }
}

bool Understanding::wants(const std::vector<Rule>& rules, std::string_view intent) const {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
    return std::find(rule.intents.begin(), rule.intents.end(), intent) != rule.intents.end();
  });
}

// The best of the intents that anything here answers.
void Understanding::choose_intent(Input& input) const {
  if (language::asks_to_repeat(input.text)) {
    input.intent = "repeat";
    input.score = 1;
    return;
  }
  for (const Match& match : model_.matcher->match(input.text)) {
    const bool everywhere = std::find(std::begin(kBuiltinIntents), std::end(kBuiltinIntents), match.intent) !=
                            std::end(kBuiltinIntents);
    if (!everywhere && !wants(state_.on, match.intent) && !wants(model_.on, match.intent)) continue;
    input.intent = match.intent;
    input.score = match.score;
    return;
  }
}

bool Understanding::holds(const Rule& rule, const Input& input) const {
  const auto among = [](const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (!rule.intents.empty() && !among(rule.intents, input.intent)) return false;
  if (!rule.slots.empty() && std::none_of(input.filled.begin(), input.filled.end(),
                                          [&](const std::string& s) { return among(rule.slots, s); }))
    return false;
  if (rule.yes && rule.yes != input.yes) return false;
  if (!rule.digits.empty() && !among(rule.digits, input.digits)) return false;
  if (rule.condition && !variables_.holds(*rule.condition)) return false;
  return true;
}

const Rule* Understanding::first(const std::vector<Rule>& rules, const Input& input) const {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return holds(rule, input); });
  return found == rules.end() ? nullptr : &*found;
}

// --- What is expected

voice::Expectation Understanding::expectation() const {
  using Kind = voice::Expectation::Kind;
  voice::Expectation expected;
  if (const Slot* slot = model_.slot(state_.ask)) {
    switch (slot->type) {
      case Slot::Type::choice: expected.kind = Kind::choice; break;
      case Slot::Type::date: expected.kind = Kind::date; break;
      case Slot::Type::time: expected.kind = Kind::time; break;
      case Slot::Type::number: expected.kind = Kind::number; break;
      case Slot::Type::digits: expected.kind = Kind::digits; break;
      case Slot::Type::name: expected.kind = Kind::name; break;
      case Slot::Type::yes_no: expected.kind = Kind::yes_no; break;
      case Slot::Type::text: break;
    }
    for (const Slot::Choice& choice : slot->choices) {
      expected.phrases.push_back(choice.value);
      expected.phrases.insert(expected.phrases.end(), choice.phrases.begin(), choice.phrases.end());
    }
    if (slot->type == Slot::Type::digits) expected.digits = slot->length;
    return expected;
  }
  if (waits_for_yes_or_no(state_)) expected.kind = Kind::yes_no;
  return expected;
}

} // namespace talky::flow
