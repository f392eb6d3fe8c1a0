// One conversation over a flow. The order in which an utterance is understood:
//   1. values for slots are found and kept; 2. the state's own rules, the first that holds; 3. the slot that
//   the state asks for is filled; 4. the flow's global rules; 5. help, repeat, operator, goodbye; 6. some
//   other slot was filled: the question again; 7. the state's fallback, or the global one with the question
//   again.
// Each of these ends in a reply, so there is always one.
#include <algorithm>
#include <map>
#include <utility>

#include "core/ascii.hpp"
#include "voice/flow_model.hpp"

namespace talky::voice {
namespace {

// States passed without a word in one answer; the check finds circles that can be found, this ends the
// others.
constexpr int kMaxHops = 32;

struct Input {
  std::string text;
  std::vector<std::string> filled; // slots
  std::string intent;              // the best that any rule here wants
  double score = 0;
  std::optional<bool> yes;
  std::string digits;
};

// What "anna" in <sip:anna@host> or +49 30 1234 is called.
std::string user_of(std::string_view uri) {
  const std::size_t scheme = uri.find(':');
  const std::size_t at = uri.find('@');
  if (at == std::string_view::npos)
    return std::string(uri.substr(scheme == std::string_view::npos ? 0 : scheme + 1));
  const std::size_t begin = scheme == std::string_view::npos || scheme > at ? 0 : scheme + 1;
  return std::string(uri.substr(begin, at - begin));
}

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
  Reply understand(const Utterance& utterance, Random& random);
  Reply typed(const Digits& digits, Random& random);
  Reply silent(const Silence& silence, Random& random);
  Reply carry_on(Input& input, Random& random);

  void fill(Input& input);
  void choose_intent(Input& input) const;
  bool wants(const std::vector<Rule>& rules, std::string_view intent) const;
  bool holds(const Rule& rule, const Input& input) const;
  const Rule* first(const std::vector<Rule>& rules, const Input& input) const;
  Reply fire(const Rule& rule, const Input& input, Random& random);
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
  Moment moment_;
  std::string last_text_; // the last thing we said, for "repeat"
  int tries_ = 0;         // misunderstandings in a row
};

std::string joined_text(std::string a, const std::string& b) {
  if (!a.empty() && !b.empty()) a += ' ';
  return a + b;
}

Reply FlowDialogue::start(const in::Start& start, Random& random) {
  moment_ = start.moment;
  variables_["caller"] = user_of(start.from);
  variables_["called"] = user_of(start.to);
  variables_["today"] = to_iso(today());
  variables_["now"] = to_iso(TimeOfDay{moment_.hour, moment_.minute});
  return enter(state_, {}, random);
}

Reply FlowDialogue::answer(const Heard& heard, Random& random) {
  Reply out = std::visit(
      [&](const auto& h) -> Reply {
        using T = std::decay_t<decltype(h)>;
        if constexpr (std::is_same_v<T, Utterance>) {
          return understand(h, random);
        } else if constexpr (std::is_same_v<T, Digits>) {
          return typed(h, random);
        } else if constexpr (std::is_same_v<T, Silence>) {
          return silent(h, random);
        } else {
          Reply r = reply(say(h.last ? model_.trouble_last : model_.trouble, random));
          if (h.last) r.action = Reply::Hangup{"engine failure"};
          if (h.last) r.interruptible = false;
          return r;
        }
      },
      heard);
  // The promise of every state: an answer that says or does something.
  if (out.text.empty() && out.action.index() == 0) out.text = say(model_.fallback, random);
  return out;
}

// --- Understanding
// ---------------------------------------------------------------------------------------------

Reply FlowDialogue::understand(const Utterance& utterance, Random& random) {
  Input input;
  input.text = utterance.text;
  input.yes = yes_or_no(utterance.text);
  variables_["said"] = utterance.text;
  choose_intent(input);
  fill(input);
  Reply out = carry_on(input, random);
  if (out.intent.empty()) out.intent = input.intent;
  return out;
}

Reply FlowDialogue::typed(const Digits& digits, Random& random) {
  Input input;
  input.digits = digits.digits;
  variables_["digits"] = digits.digits;
  // Keys answer a question for a number.
  if (const Slot* slot = model_.slot(state_->ask)) {
    const bool all_figures = std::all_of(digits.digits.begin(), digits.digits.end(), ascii::is_digit);
    const auto number = ascii::to_number<std::int64_t>(digits.digits);
    const bool fits =
        (slot->type == Slot::Type::digits && (slot->length == 0 || slot->length == digits.digits.size())) ||
        (slot->type == Slot::Type::number && number && *number >= slot->min && *number <= slot->max);
    if (all_figures && fits) {
      variables_[slot->name] = slot->type == Slot::Type::number ? std::to_string(*number) : digits.digits;
      input.filled.push_back(slot->name);
    }
  }
  return carry_on(input, random);
}

Reply FlowDialogue::silent(const Silence& silence, Random& random) {
  if (silence.last) {
    Reply out = reply(say(model_.silence_last, random));
    out.action = Reply::Hangup{"silence"};
    return out;
  }
  if (!state_->silence.empty()) return reply(say(state_->silence, random));
  return question_again(say(model_.silence, random), random);
}

Reply FlowDialogue::carry_on(Input& input, Random& random) {
  const auto answered = [this](Reply out) {
    tries_ = 0;
    return out;
  };
  if (const Rule* rule = first(state_->on, input)) return answered(fire(*rule, input, random));
  const bool asked_filled = !state_->ask.empty() && std::find(input.filled.begin(), input.filled.end(),
                                                              state_->ask) != input.filled.end();
  if (asked_filled) return answered(enter(model_.find(state_->then), {}, random));
  if (const Rule* rule = first(model_.on, input)) return answered(fire(*rule, input, random));
  if (auto out = builtin(input, random)) return answered(std::move(*out));
  if (!input.filled.empty()) return answered(question_again({}, random));
  return misunderstood(random);
}

void FlowDialogue::fill(Input& input) {
  std::optional<std::size_t> asked = model_.slot_index(state_->ask);
  if (asked) {
    // "Goodbye" is not a name, and "can you help me please" not a yes.
    const Slot::Type type = model_.slots[*asked].type;
    const bool loose = type == Slot::Type::name || type == Slot::Type::text || type == Slot::Type::yes_no;
    if (loose && input.score >= IntentMatcher::kSure) asked.reset();
  }
  if (input.score >= IntentMatcher::kSure && !input.intent.empty()) input.yes.reset();
  for (Filled& filled : find_values(model_.slots, asked, input.text, today())) {
    const std::string& name = model_.slots[filled.slot].name;
    variables_[name] = std::move(filled.value);
    input.filled.push_back(name);
  }
}

bool FlowDialogue::wants(const std::vector<Rule>& rules, std::string_view intent) const {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
    return std::find(rule.intents.begin(), rule.intents.end(), intent) != rule.intents.end();
  });
}

// The best of the intents that anything here answers.
void FlowDialogue::choose_intent(Input& input) const {
  for (const Match& match : model_.matcher->match(input.text)) {
    const bool everywhere = std::find(std::begin(kBuiltinIntents), std::end(kBuiltinIntents), match.intent) !=
                            std::end(kBuiltinIntents);
    if (!everywhere && !wants(state_->on, match.intent) && !wants(model_.on, match.intent)) continue;
    input.intent = match.intent;
    input.score = match.score;
    return;
  }
}

bool FlowDialogue::holds(const Rule& rule, const Input& input) const {
  const auto among = [](const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (!rule.intents.empty() && !among(rule.intents, input.intent)) return false;
  if (!rule.slots.empty() && std::none_of(input.filled.begin(), input.filled.end(),
                                          [&](const std::string& s) { return among(rule.slots, s); }))
    return false;
  if (rule.yes && rule.yes != input.yes) return false;
  if (!rule.digits.empty() && !among(rule.digits, input.digits)) return false;
  if (rule.condition && !rule.condition->holds([this](std::string_view name) { return value(name); }))
    return false;
  return true;
}

const Rule* FlowDialogue::first(const std::vector<Rule>& rules, const Input& input) const {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return holds(rule, input); });
  return found == rules.end() ? nullptr : &*found;
}

// --- Answering
// -------------------------------------------------------------------------------------------------

Reply FlowDialogue::fire(const Rule& rule, const Input& input, Random& random) {
  apply(rule);
  std::string text = say(rule.say, random);
  if (rule.repeat)
    return reply(joined_text(std::move(text), last_text_.empty() ? question(random) : last_text_));
  Reply out;
  if (!rule.go.empty()) {
    out = enter(model_.find(rule.go), std::move(text), random);
  } else if (rule.action.index() != 0) {
    out = reply(std::move(text));
    out.action = render(rule.action);
    out.interruptible = false;
  } else {
    out = question_again(std::move(text), random);
    last_text_ = out.text;
  }
  if (!rule.intents.empty()) out.intent = input.intent;
  return out;
}

std::optional<Reply> FlowDialogue::builtin(const Input& input, Random& random) {
  if (input.intent == "repeat") {
    // As it was said, or the question, if nothing was.
    return reply(last_text_.empty() ? question(random) : last_text_);
  }
  if (input.intent == "help") {
    if (!state_->help.empty()) return reply(say(state_->help, random));
    return question_again(say(model_.help, random), random);
  }
  if (input.intent == "operator") return question_again(say(model_.no_operator, random), random);
  if (input.intent == "goodbye") {
    Reply out = reply(say(model_.goodbye, random));
    out.action = Reply::Hangup{"goodbye"};
    out.interruptible = false;
    return out;
  }
  return std::nullopt;
}

Reply FlowDialogue::misunderstood(Random& random) {
  ++tries_;
  if (tries_ >= model_.patience && !model_.give_up.empty()) {
    tries_ = 0;
    return enter(model_.find(model_.give_up), {}, random);
  }
  if (!state_->fallback.empty()) return reply(say(state_->fallback, random));
  return question_again(say(model_.fallback, random), random);
}

Reply FlowDialogue::enter(const State* state, std::string lead, Random& random) {
  if (state == nullptr) return question_again(std::move(lead), random); // the check allows no such flow
  for (int hop = 0; hop < kMaxHops; ++hop) {
    state_ = state;
    const auto rule = std::find_if(state->enter.begin(), state->enter.end(), [this](const Rule& r) {
      return !r.condition || r.condition->holds([this](std::string_view name) { return value(name); });
    });
    const State* next = nullptr;
    if (rule != state->enter.end()) {
      apply(*rule);
      lead = joined_text(std::move(lead), say(rule->say, random));
      if (rule->action.index() != 0) {
        Reply out = reply(std::move(lead));
        out.action = render(rule->action);
        out.interruptible = false;
        return out;
      }
      if (!rule->go.empty()) next = model_.find(rule->go);
    }
    if (next == nullptr && !state->ask.empty() && !value(state->ask).empty()) next = model_.find(state->then);
    if (next == nullptr) break;
    state = next;
  }
  Reply out = reply(joined_text(std::move(lead), say(state_->say, random)));
  out.action = render(state_->action);
  const bool ends = out.action.index() == 1 || out.action.index() == 2;
  out.interruptible = state_->interruptible && (!ends || state_->interruptible_given);
  last_text_ = out.text;
  return out;
}

Reply FlowDialogue::reply(std::string text) const {
  Reply out;
  out.text = std::move(text);
  out.state = state_->name;
  out.voice = state_->voice.empty() ? model_.voice : state_->voice;
  out.silence = state_->wait;
  return out;
}

Reply FlowDialogue::question_again(std::string lead, Random& random) {
  return reply(joined_text(std::move(lead), question(random)));
}

// What the state wants to know, in short: its `again`, or the last question of its `say`.
std::string FlowDialogue::question(Random& random) const {
  if (!state_->again.empty()) return say(state_->again, random);
  const auto list = sentences(say(state_->say, random));
  for (auto sentence = list.rbegin(); sentence != list.rend(); ++sentence) {
    if (sentence->ends_with('?')) return *sentence;
  }
  return {};
}

// Variants whose condition holds go before those without one.
std::string FlowDialogue::say(const Prompt& prompt, Random& random) const {
  std::vector<const Prompt::Variant*> fit;
  for (const bool conditional : {true, false}) {
    for (const Prompt::Variant& variant : prompt.variants) {
      if (variant.condition.has_value() != conditional) continue;
      if (conditional && !variant.condition->holds([this](std::string_view name) { return value(name); }))
        continue;
      fit.push_back(&variant);
    }
    if (!fit.empty()) break;
  }
  if (fit.empty()) return {};
  return render(fit[static_cast<std::size_t>(random.below(fit.size()))]->text, false);
}

std::string FlowDialogue::render(const Template& text, bool raw) const {
  std::string out;
  for (const Template::Part& part : text.parts) {
    if (!part.variable) {
      out += part.text;
    } else {
      out += raw ? value(part.text) : spoken_of(part);
    }
  }
  return std::string(ascii::trim(out));
}

std::string FlowDialogue::render_raw(std::string_view text) const {
  const auto parsed = parse_template(text);
  return parsed ? render(*parsed, true) : std::string(text);
}

Reply::Action FlowDialogue::render(const Reply::Action& action) const {
  if (const auto* transfer = std::get_if<Reply::Transfer>(&action))
    return Reply::Transfer{render_raw(transfer->target)};
  if (const auto* digits = std::get_if<Reply::SendDigits>(&action))
    return Reply::SendDigits{render_raw(digits->digits)};
  return action;
}

void FlowDialogue::apply(const Rule& rule) {
  for (const auto& [name, text] : rule.set)
    variables_[name] = render(text, true);
  for (const std::string& name : rule.clear)
    variables_.erase(name);
}

std::string FlowDialogue::value(std::string_view name) const {
  if (name == "tries") return std::to_string(tries_);
  if (const auto found = variables_.find(name); found != variables_.end()) return found->second;
  const auto constant = model_.values.find(std::string(name));
  return constant == model_.values.end() ? std::string() : constant->second;
}

std::string FlowDialogue::spoken_of(const Template::Part& part) const {
  const std::string text = value(part.text);
  if (part.form == "raw") return text;
  if (part.form == "weekday") {
    const auto date = date_from_iso(text);
    return date ? std::string(weekday_name(weekday(*date))) : text;
  }
  Slot slot;
  if (part.form == "digits") {
    slot.type = Slot::Type::digits;
  } else if (part.text == "today") {
    slot.type = Slot::Type::date;
  } else if (part.text == "now") {
    slot.type = Slot::Type::time;
  } else if (const Slot* known = model_.slot(part.text)) {
    return spoken_value(*known, text, today());
  } else {
    return text;
  }
  return spoken_value(slot, text, today());
}

// --- Is that all?
// ----------------------------------------------------------------------------------------------

Completeness FlowDialogue::completeness(const Utterance& utterance) const {
  const auto heard = words(utterance.text);
  if (heard.empty()) return Completeness::open;
  if (!has_words(utterance.text) || trails_off(utterance.text)) return Completeness::unfinished;
  const auto asked = model_.slot_index(state_->ask);
  if (asked) {
    const Slot& slot = model_.slots[*asked];
    const auto filled = find_values(model_.slots, asked, utterance.text, today());
    const bool there =
        std::any_of(filled.begin(), filled.end(), [&](const Filled& f) { return f.slot == *asked; });
    if (slot.type == Slot::Type::digits) {
      const std::size_t digits = find_digits(heard).size();
      if (slot.length > 0 && digits > 0 && digits < slot.length) return Completeness::unfinished;
      return there && slot.length > 0 ? Completeness::complete : Completeness::open;
    }
    // After a choice, a time or a yes little is to come; a name or a date may go on.
    const bool closed =
        slot.type == Slot::Type::choice || slot.type == Slot::Type::time || slot.type == Slot::Type::yes_no;
    if (there && closed) return Completeness::complete;
  }
  // "Yes" ends a turn; "no" is often followed by what is right.
  const bool answer_wanted =
      std::any_of(state_->on.begin(), state_->on.end(), [](const Rule& r) { return r.yes.has_value(); });
  if (answer_wanted && heard.size() <= 3 && yes_or_no(utterance.text) == true) return Completeness::complete;
  Input input;
  input.text = utterance.text;
  choose_intent(input);
  if (input.score >= IntentMatcher::kSure && input.intent == "goodbye") return Completeness::complete;
  return Completeness::open;
}

Completeness FlowDialogue::completeness(const Digits& digits) const {
  const Slot* slot = model_.slot(state_->ask);
  if (slot != nullptr && slot->type == Slot::Type::digits) {
    return slot->length > 0 && digits.digits.size() >= slot->length ? Completeness::complete
                                                                    : Completeness::open;
  }
  if (slot != nullptr && slot->type == Slot::Type::number) return Completeness::open;
  // A menu: as soon as no longer entry begins so.
  bool exact = false;
  bool longer = false;
  for (const auto* rules : {&state_->on, &model_.on}) {
    for (const Rule& rule : *rules) {
      for (const std::string& entry : rule.digits) {
        exact = exact || entry == digits.digits;
        longer = longer || (entry.size() > digits.digits.size() && entry.starts_with(digits.digits));
      }
    }
  }
  return exact && !longer ? Completeness::complete : Completeness::open;
}

} // namespace

std::unique_ptr<Dialogue> make_dialogue(std::shared_ptr<const Flow> flow) {
  const FlowModel& model = *flow->impl_;
  return std::make_unique<FlowDialogue>(std::move(flow), model);
}

} // namespace talky::voice
