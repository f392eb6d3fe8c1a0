#include "flow/completeness.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "flow/slots.hpp"
#include "language/answers.hpp"
#include "language/numbers.hpp"
#include "language/turn_end.hpp"
#include "language/words.hpp"

namespace talky::flow {

bool waits_for_yes_or_no(const State& state) {
  return std::any_of(state.on.begin(), state.on.end(), [](const Rule& r) { return r.yes.has_value(); });
}

namespace {

constexpr std::size_t kBrief = 4; // words

// Do the last two words consist of a letter each?
bool is_spelling(const language::Words& heard) {
  return heard.size() >= 2 && heard.back().size() == 1 && heard[heard.size() - 2].size() == 1;
}

// Of figures in answer to the question for a number.
language::Completeness completeness(const Slot& slot, std::string_view digits) {
  if (slot.length > 0) {
    return digits.size() < slot.length ? language::Completeness::partial : language::Completeness::complete;
  }
  switch (language::phone_number(digits)) {
    case language::Ending::unfinished: return language::Completeness::partial;
    case language::Ending::whole: return language::Completeness::complete;
    case language::Ending::open: break;
  }
  return language::Completeness::open;
}

} // namespace

language::Completeness completeness(const FlowModel& model, const State& state, const Variables& variables,
                                    const voice::Utterance& utterance) {
  const auto heard = language::words(utterance.text);
  if (heard.empty()) return language::Completeness::open;
  if (!language::has_words(utterance.text)) return language::Completeness::unfinished;
  const language::Ending ending = language::ending(utterance.text);
  const auto asked = model.slot_index(state.ask);
  if (asked && model.slots[*asked].type == Slot::Type::digits) {
    const std::string digits = language::find_digits(heard);
    if (!digits.empty()) return completeness(model.slots[*asked], digits);
  }
  if (ending == language::Ending::unfinished) return language::Completeness::unfinished;
  const std::size_t spoken = language::digits_under_way(utterance.text);
  if (spoken > 0 && language::phone_number(language::find_digits(heard)) == language::Ending::unfinished)
    return language::Completeness::unfinished;
  if (asked) {
    const Slot& slot = model.slots[*asked];
    const auto filled = find_values(model.slots, asked, utterance.text, variables.today());
    const bool there =
        std::any_of(filled.begin(), filled.end(), [&](const Filled& f) { return f.slot == *asked; });
    // After a choice, a time or a yes little is to come. A first name may be followed by another, and a date
    // by a time in a longer sentence. Who spells goes on.
    if (slot.type == Slot::Type::name && is_spelling(heard)) return language::Completeness::unfinished;
    const bool closed = slot.type == Slot::Type::choice || slot.type == Slot::Type::time ||
                        slot.type == Slot::Type::yes_no || slot.type == Slot::Type::number ||
                        (slot.type == Slot::Type::date && heard.size() <= kBrief) ||
                        (slot.type == Slot::Type::name && heard.size() >= 2);
    if (there && closed) return language::Completeness::complete;
  }
  // "Yes" ends a turn; "no" is often followed by what is right.
  if (waits_for_yes_or_no(state) && heard.size() <= 3 && language::yes_or_no(utterance.text) == true)
    return language::Completeness::complete;
  const auto matches = model.matcher->match(utterance.text);
  if (std::any_of(matches.begin(), matches.end(), [](const Match& match) {
        return match.intent == "goodbye" && match.score >= IntentMatcher::kSure;
      }))
    return language::Completeness::complete;
  return language::Completeness::open;
}

language::Completeness completeness(const FlowModel& model, const State& state, const voice::Digits& digits) {
  const Slot* slot = model.slot(state.ask);
  if (slot != nullptr && slot->type == Slot::Type::digits) {
    return slot->length > 0 && digits.digits.size() >= slot->length ? language::Completeness::complete
                                                                    : language::Completeness::open;
  }
  if (slot != nullptr && slot->type == Slot::Type::number) return language::Completeness::open;
  // A menu: as soon as no longer entry begins so.
  bool exact = false;
  bool longer = false;
  for (const auto* rules : {&state.on, &model.on}) {
    for (const Rule& rule : *rules) {
      for (const std::string& entry : rule.digits) {
        exact = exact || entry == digits.digits;
        longer = longer || (entry.size() > digits.digits.size() && entry.starts_with(digits.digits));
      }
    }
  }
  return exact && !longer ? language::Completeness::complete : language::Completeness::open;
}

} // namespace talky::flow
