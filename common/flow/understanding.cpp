#include "flow/understanding.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/ascii.hpp"
#include "flow/completeness.hpp"
#include "language/answers.hpp"
#include "language/clauses.hpp"
#include "language/requests.hpp"
#include "language/tongue.hpp"
#include "language/words.hpp"

namespace talky::flow {

Input Understanding::understand(const std::string& text, Variables& variables) const {
  Input input;
  input.text = text;
  input.yes = language::yes_or_no(text, question());
  variables.set("said", text);
  const Slot::Type type = asked_type();
  if (type != Slot::Type::text && type != Slot::Type::name) input.foreign = language::foreign_language(text);
  if (!input.foreign.empty()) return input;
  choose_intent(input);
  input.text = find_question(input);
  const bool whole = input.question == nullptr && !input.unknown;
  if (whole || language::has_words(input.text)) {
    fill(input, variables);
    // A flow that asks for a number knows what to do with "four people".
    const bool counts = std::any_of(model_.slots.begin(), model_.slots.end(),
                                    [](const Slot& slot) { return slot.type == Slot::Type::number; });
    if (type != Slot::Type::text && type != Slot::Type::digits && !counts)
      input.several = input.several || language::asks_for_several(language::words(input.text));
  }
  settle_answer(input);
  return input;
}

Slot::Type Understanding::asked_type() const {
  const Slot* slot = model_.slot(state_.ask);
  return slot == nullptr ? Slot::Type::choice : slot->type;
}

// "Is there anything else?" is answered otherwise than "is that right?".
language::Question Understanding::question() const {
  for (const Prompt* prompt : {&state_.say, &state_.again}) {
    for (const Prompt::Variant& variant : prompt->variants) {
      for (const Template::Part& part : variant.text.parts)
        if (!part.variable && part.text.find(" else") != std::string::npos) return language::Question::more;
    }
  }
  return language::Question::confirm;
}

// A yes with a reserve is none: "yes, but I am not happy with the time", "all is right but the name". What is
// said behind it is what is wrong.
void Understanding::settle_answer(Input& input) const {
  if (input.several || !input.filled.empty() || !input.hinted.empty()) return;
  const std::size_t reserve = language::reserve_in(input.text);
  if (reserve == 0) return;
  Input behind;
  language::Words rest = language::words(input.text);
  const bool praised = std::any_of(rest.begin(), rest.end(), [](const std::string& word) {
    return language::is_one_of(word, {"right", "correct", "fine", "good", "perfect", "okay", "ok", "great"});
  });
  if (input.yes != true && !praised) return;
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(reserve));
  std::erase_if(rest, [](const std::string& word) {
    return language::is_one_of(word, {"not", "isnt", "dont", "no", "wasnt", "cant"});
  });
  behind.text = language::joined(rest);
  choose_intent(behind);
  input.yes = false;
  if (!behind.intent.empty()) {
    input.intent = behind.intent;
    input.score = behind.score;
  }
}

Input Understanding::typed(const std::string& digits, Variables& variables) const {
  Input input;
  input.digits = digits;
  variables.set("digits", digits);
  if (const Slot* slot = model_.slot(state_.ask)) {
    const bool all_figures = !digits.empty() && std::all_of(digits.begin(), digits.end(), ascii::is_digit);
    if (slot->telephone && all_figures && digits.size() > 1)
      return typed_number(*slot, std::move(input), variables);
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

// The keys of a telephone number, whole or so far.
Input Understanding::typed_number(const Slot& slot, Input input, Variables& variables) const {
  constexpr std::size_t kWhole = 7; // whoever types knows where the number ends
  const auto known = variables.slot_states()[*model_.slot_index(slot.name)];
  const std::string number = input.digits.size() < kWhole ? known.hint.digits + input.digits : input.digits;
  if (number.size() >= kWhole) {
    variables.set(slot.name, number);
    input.filled.push_back(slot.name);
  } else {
    variables.set_hint(slot.name, {.text = number, .digits = number});
    input.hinted.push_back(slot.name);
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
      // What is named in a question that nobody answers is not asked for.
      if (asked.intent.empty() && language::asks_for_information(clause.text) &&
          asked_type() != Slot::Type::text) {
        input.unknown = true;
      } else {
        rest += clause.text + ' ';
      }
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
  // "The day is wrong" is a no where both are asked for; "can you help me please" is no yes.
  const bool both = std::any_of(state_.on.begin(), state_.on.end(), [&](const Rule& rule) {
    return rule.yes == input.yes &&
           std::find(rule.intents.begin(), rule.intents.end(), input.intent) != rule.intents.end();
  });
  if (input.score >= IntentMatcher::kSure && !input.intent.empty() && !both) input.yes.reset();
  // What a rule here waits for may be corrected without being asked for.
  std::vector<std::size_t> corrected;
  for (const Rule& rule : state_.on) {
    for (const auto* names : {&rule.slots, &rule.hints})
      for (const std::string& name : *names)
        if (const auto slot = model_.slot_index(name)) corrected.push_back(*slot);
  }
  const std::vector<SlotState> known = variables.slot_states();
  Hearing heard = hear_values(model_.slots,
                              {.asked = asked,
                               .corrected = std::move(corrected),
                               .today = variables.today(),
                               .now = variables.now(),
                               .known = known,
                               .yes = input.yes},
                              input.text);
  input.several = heard.several;
  for (Filled& filled : heard.filled) {
    const std::string& name = model_.slots[filled.slot].name;
    const std::string& before = known[filled.slot].value;
    // "Yes, on Friday at three" says again what is known.
    if (input.yes == true && filled.slot != asked && filled.value == before) continue;
    input.changed = input.changed || (!before.empty() && filled.value != before);
    variables.set(name, std::move(filled.value));
    input.filled.push_back(name);
  }
  for (auto& [slot, hint] : heard.hints) {
    const std::string& name = model_.slots[slot].name;
    variables.set_hint(name, std::move(hint));
    input.hinted.push_back(name);
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
  // Whoever ends with it takes leave, whatever else was said.
  const auto heard = language::words(input.text);
  const bool agrees =
      input.yes == true && question() == language::Question::confirm && waits_for_yes_or_no(state_);
  if (!heard.empty() && language::is_one_of(heard.back(), {"bye", "goodbye"}) && heard.size() <= 8 &&
      !agrees) {
    input.intent = "goodbye";
    input.score = 1;
    return;
  }
  for (const Match& match : model_.matcher->match(input.text)) {
    if (agrees && match.intent == "goodbye") continue; // "yes, thank you, goodbye" is a yes first
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
  if (!rule.hints.empty() && std::none_of(input.hinted.begin(), input.hinted.end(),
                                          [&](const std::string& s) { return among(rule.hints, s); }))
    return false;
  if (rule.yes && rule.yes != input.yes) return false;
  // "Yes, but make it half past": what was changed is not agreed to yet.
  if (rule.yes == true && rule.slots.empty() && input.changed) return false;
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
