#include "flow/completeness.hpp"

#include <algorithm>
#include <cstddef>

#include "flow/slots.hpp"
#include "language/answers.hpp"
#include "language/numbers.hpp"
#include "language/words.hpp"

namespace talky::flow {

bool waits_for_yes_or_no(const State& state) {
  return std::any_of(state.on.begin(), state.on.end(), [](const Rule& r) { return r.yes.has_value(); });
}

language::Completeness completeness(const FlowModel& model, const State& state, const Variables& variables,
                                    const voice::Utterance& utterance) {
  const auto heard = language::words(utterance.text);
  if (heard.empty()) return language::Completeness::open;
  if (!language::has_words(utterance.text) || language::trails_off(utterance.text))
    return language::Completeness::unfinished;
  const auto asked = model.slot_index(state.ask);
  if (asked) {
    const Slot& slot = model.slots[*asked];
    const auto filled = find_values(model.slots, asked, utterance.text, variables.today());
    const bool there =
        std::any_of(filled.begin(), filled.end(), [&](const Filled& f) { return f.slot == *asked; });
    if (slot.type == Slot::Type::digits) {
      const std::size_t digits = language::find_digits(heard).size();
      if (slot.length > 0 && digits > 0 && digits < slot.length) return language::Completeness::unfinished;
      return there && slot.length > 0 ? language::Completeness::complete : language::Completeness::open;
    }
    // After a choice, a time or a yes little is to come; a name or a date may go on.
    const bool closed =
        slot.type == Slot::Type::choice || slot.type == Slot::Type::time || slot.type == Slot::Type::yes_no;
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
