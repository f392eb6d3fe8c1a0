#include "flow/flow_dialogue.hpp"

#include <algorithm>
#include <utility>

#include "language/sentences.hpp"
#include "language/spelling.hpp"

namespace talky::flow {
namespace {

// States passed without a word in one answer; the check finds circles that can be found, this ends the
// others.
constexpr int kMaxHops = 32;

std::string joined_text(std::string a, const std::string& b) {
  if (!a.empty() && !b.empty()) a += ' ';
  return a + b;
}

} // namespace

std::vector<voice::SlotValue> FlowDialogue::slots() const {
  std::vector<voice::SlotValue> out;
  for (const Slot& slot : model_.slots) {
    if (std::string value = variables_.value(slot.name); !value.empty())
      out.push_back({slot.name, std::move(value)});
  }
  return out;
}

voice::Reply FlowDialogue::start(const voice::in::Start& start, Random& random) {
  variables_.start(start);
  voice_ = start.voice.empty() ? model_.voice : start.voice;
  return enter(state_, {}, random);
}

voice::Reply FlowDialogue::answer(const voice::Heard& heard, Random& random) {
  voice::Reply out = std::visit(
      [&](const auto& h) -> voice::Reply {
        using T = std::decay_t<decltype(h)>;
        if constexpr (std::is_same_v<T, voice::Utterance>) {
          return understand(h, random);
        } else if constexpr (std::is_same_v<T, voice::Digits>) {
          return typed(h, random);
        } else if constexpr (std::is_same_v<T, voice::Silence>) {
          return silent(h, random);
        } else {
          voice::Reply r = reply(variables_.say(h.last ? model_.trouble_last : model_.trouble, random));
          if (h.last) r.action = voice::Reply::Hangup{"engine failure"};
          if (h.last) r.interruptible = false;
          return r;
        }
      },
      heard);
  // The promise of every state: an answer that says or does something.
  if (out.text.empty() && out.action.index() == 0) out.text = variables_.say(model_.fallback, random);
  return out;
}

std::string FlowDialogue::normal(const std::string& text) const {
  using Asked = language::Reading::Asked;
  language::Reading reading;
  switch (understanding().expectation().kind) {
    case voice::Expectation::Kind::digits: reading.asked = Asked::digits; break;
    case voice::Expectation::Kind::time: reading.asked = Asked::time; break;
    case voice::Expectation::Kind::date: reading.asked = Asked::date; break;
    default: break;
  }
  return language::normalised(text, reading);
}

voice::Reply FlowDialogue::understand(const voice::Utterance& utterance, Random& random) {
  Input input = understanding().understand(normal(utterance.text), variables_);
  voice::Reply out = carry_on(input, random);
  if (out.intent.empty()) out.intent = input.intent;
  return out;
}

voice::Reply FlowDialogue::typed(const voice::Digits& digits, Random& random) {
  Input input = understanding().typed(digits.digits, variables_);
  return carry_on(input, random);
}

voice::Reply FlowDialogue::silent(const voice::Silence& silence, Random& random) {
  if (silence.last) {
    voice::Reply out = reply(variables_.say(model_.silence_last, random));
    out.action = voice::Reply::Hangup{"silence"};
    return out;
  }
  if (!state_->silence.empty()) return reply(variables_.say(state_->silence, random));
  return question_again(variables_.say(model_.silence, random), random);
}

voice::Reply FlowDialogue::carry_on(Input& input, Random& random) {
  const auto answered = [this](voice::Reply out) {
    variables_.forget_tries();
    return out;
  };
  if (!input.foreign.empty()) return question_again(variables_.say(model_.foreign, random), random);
  // A question is answered first, and what else was said goes on behind the answer.
  std::string lead;
  if (input.question != nullptr) {
    if (input.filled.empty()) return answered(fire(*input.question, input, {}, random));
    variables_.apply(*input.question);
    lead = variables_.say(input.question->say, random);
    input.intent.clear();
    input.score = 0;
  }
  if (input.several) lead = joined_text(std::move(lead), variables_.say(model_.several, random));
  const bool leaves = input.intent == "goodbye" || input.intent == "operator";
  if (const Slot* slot = narrowed_slot(input); slot != nullptr && !leaves)
    return answered(narrowed(std::move(lead), random));
  const bool asked_filled = !state_->ask.empty() && std::find(input.filled.begin(), input.filled.end(),
                                                              state_->ask) != input.filled.end();
  // "My name is Anna" answers the question, however much it resembles "why do you need my name?"; unless that
  // takes the answer back.
  const Rule* other = asked_filled ? understanding().first(state_->on, input) : nullptr;
  if (other != nullptr && !other->intents.empty() && other->slots.empty() &&
      std::find(other->clear.begin(), other->clear.end(), state_->ask) == other->clear.end())
    input.intent.clear();
  if (const Rule* rule = understanding().first(state_->on, input))
    return answered(fire(*rule, input, std::move(lead), random));
  if (asked_filled) return answered(enter(model_.find(state_->then), std::move(lead), random));
  if (const Rule* rule = understanding().first(model_.on, input))
    return answered(fire(*rule, input, std::move(lead), random));
  if (auto out = builtin(input, random)) return answered(std::move(*out));
  if (!input.filled.empty() || !lead.empty()) return answered(question_again(std::move(lead), random));
  return misunderstood(input, random);
}

// The slot that is asked for, if it was narrowed down and no rule of the state is there for that.
const Slot* FlowDialogue::narrowed_slot(const Input& input) const {
  const auto among = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (state_->ask.empty() || !among(input.hinted, state_->ask)) return nullptr;
  const bool has_rule = std::any_of(state_->on.begin(), state_->on.end(),
                                    [&](const Rule& rule) { return among(rule.hints, state_->ask); });
  return has_rule ? nullptr : model_.slot(state_->ask);
}

// "All right, in the morning. At what time?"
voice::Reply FlowDialogue::narrowed(std::string lead, Random& random) {
  const auto states = variables_.slot_states();
  const Hint hint = states[*model_.slot_index(state_->ask)].hint;
  variables_.set("hint", hint.text);
  if (!hint.digits.empty()) {
    voice::Reply out = reply(joined_text(std::move(lead), variables_.say(model_.more_digits, random)));
    out.silence = state_->wait;
    return out;
  }
  if (hint.minute) {
    std::string text = hint.text + " which hour?";
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return reply(joined_text(std::move(lead), text));
  }
  return question_again(joined_text(std::move(lead), variables_.say(model_.narrow, random)), random);
}

voice::Reply FlowDialogue::fire(const Rule& rule, const Input& input, std::string lead, Random& random) {
  variables_.apply(rule);
  std::string text = joined_text(std::move(lead), variables_.say(rule.say, random));
  if (rule.repeat)
    return reply(joined_text(std::move(text), last_text_.empty() ? question(random) : last_text_));
  voice::Reply out;
  if (!rule.go.empty()) {
    out = enter(model_.find(rule.go), std::move(text), random);
  } else if (rule.action.index() != 0) {
    out = reply(std::move(text));
    out.action = variables_.render(rule.action);
    out.interruptible = false;
  } else {
    out = question_again(std::move(text), random);
    last_text_ = out.text;
  }
  if (!rule.intents.empty()) out.intent = input.intent;
  if (rule.wait) out.silence = rule.wait;
  return out;
}

std::optional<voice::Reply> FlowDialogue::builtin(const Input& input, Random& random) {
  if (input.intent == "repeat") {
    // As it was said, or the question, if nothing was.
    return reply(last_text_.empty() ? question(random) : last_text_);
  }
  if (input.intent == "help") {
    if (!state_->help.empty()) return reply(variables_.say(state_->help, random));
    return question_again(variables_.say(model_.help, random), random);
  }
  if (input.intent == "operator") return question_again(variables_.say(model_.no_operator, random), random);
  if (input.intent == "goodbye") {
    voice::Reply out = reply(variables_.say(model_.goodbye, random));
    out.action = voice::Reply::Hangup{"goodbye"};
    out.interruptible = false;
    return out;
  }
  return std::nullopt;
}

voice::Reply FlowDialogue::misunderstood(const Input& input, Random& random) {
  if (variables_.count_try() >= model_.patience && !model_.give_up.empty()) {
    variables_.forget_tries();
    return enter(model_.find(model_.give_up), {}, random);
  }
  if (input.unknown) return question_again(variables_.say(model_.no_answer, random), random);
  if (!state_->fallback.empty()) return reply(variables_.say(state_->fallback, random));
  return question_again(variables_.say(model_.fallback, random), random);
}

voice::Reply FlowDialogue::enter(const State* state, std::string lead, Random& random) {
  if (state == nullptr) return question_again(std::move(lead), random); // the check allows no such flow
  for (int hop = 0; hop < kMaxHops; ++hop) {
    state_ = state;
    const auto rule = std::find_if(state->enter.begin(), state->enter.end(), [this](const Rule& r) {
      return !r.condition || variables_.holds(*r.condition);
    });
    const State* next = nullptr;
    if (rule != state->enter.end()) {
      variables_.apply(*rule);
      lead = joined_text(std::move(lead), variables_.say(rule->say, random));
      if (rule->action.index() != 0) {
        voice::Reply out = reply(std::move(lead));
        out.action = variables_.render(rule->action);
        out.interruptible = false;
        return out;
      }
      if (!rule->go.empty()) next = model_.find(rule->go);
    }
    if (next == nullptr && !state->ask.empty() && !variables_.value(state->ask).empty())
      next = model_.find(state->then);
    if (next == nullptr) break;
    state = next;
  }
  voice::Reply out = reply(joined_text(std::move(lead), variables_.say(state_->say, random)));
  out.action = variables_.render(state_->action);
  const bool ends = out.action.index() == 1 || out.action.index() == 2;
  out.interruptible = state_->interruptible && (!ends || state_->interruptible_given);
  last_text_ = out.text;
  return out;
}

voice::Reply FlowDialogue::reply(std::string text) const {
  voice::Reply out;
  out.text = std::move(text);
  out.state = state_->name;
  out.voice = state_->voice.empty() ? voice_ : state_->voice;
  out.silence = state_->wait;
  return out;
}

voice::Reply FlowDialogue::question_again(std::string lead, Random& random) {
  return reply(joined_text(std::move(lead), question(random)));
}

// What the state wants to know, in short: its `again`, or the last question of its `say`.
std::string FlowDialogue::question(Random& random) const {
  if (!state_->again.empty()) return variables_.say(state_->again, random);
  const auto list = language::sentences(variables_.say(state_->say, random));
  const auto last = std::find_if(list.rbegin(), list.rend(),
                                 [](const std::string& sentence) { return sentence.ends_with('?'); });
  return last == list.rend() ? std::string() : *last;
}

std::unique_ptr<voice::Dialogue> make_dialogue(std::shared_ptr<const Flow> flow) {
  const FlowModel& model = *flow->impl_;
  return std::make_unique<FlowDialogue>(std::move(flow), model);
}

} // namespace talky::flow
