#include "flow/flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flow/flow_model.hpp"
#include "language/sentences.hpp"

namespace talky::flow {
namespace {

Prompt fixed(std::initializer_list<std::string_view> texts) {
  Prompt prompt;
  for (const std::string_view text : texts)
    prompt.variants.push_back({std::nullopt, Template{{{std::string(text), false, {}}}}});
  return prompt;
}

void give(Prompt& prompt, std::initializer_list<std::string_view> texts) {
  if (prompt.empty()) prompt = fixed(texts);
}

void give(std::vector<Intent>& intents, Intent intent) {
  const auto known =
      std::any_of(intents.begin(), intents.end(), [&](const Intent& i) { return i.name == intent.name; });
  if (!known) intents.push_back(std::move(intent));
}

} // namespace

const State* FlowModel::find(std::string_view state) const {
  const auto found =
      std::find_if(states.begin(), states.end(), [&](const State& s) { return s.name == state; });
  return found == states.end() ? nullptr : &*found;
}
std::optional<std::size_t> FlowModel::slot_index(std::string_view wanted) const {
  const auto found =
      std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == wanted; });
  if (found == slots.end()) return std::nullopt;
  return static_cast<std::size_t>(found - slots.begin());
}
const Slot* FlowModel::slot(std::string_view wanted) const {
  const auto index = slot_index(wanted);
  return index ? &slots[*index] : nullptr;
}

void complete_flow(FlowModel& flow) {
  give(flow.fallback, {"Sorry, I did not understand that.", "Sorry, I did not get that."});
  give(flow.silence, {"Are you still there?", "Hello? Can you hear me?"});
  give(flow.silence_last, {"I cannot hear you, so I will hang up now. Goodbye."});
  give(flow.trouble, {"I am sorry, I had trouble hearing you. Could you say that again?"});
  give(flow.trouble_last, {"I am sorry, something is wrong on my side. Please call again later. Goodbye."});
  give(flow.goodbye, {"Goodbye.", "Thank you for calling. Goodbye."});
  give(flow.help, {"You can ask me to repeat, or say goodbye to end the call."});
  give(flow.no_operator, {"I am sorry, there is nobody I could put you through to."});
  give(flow.intents, {"help",
                      {"help", "what can i say", "what can you do", "what are my options", "options",
                       "im lost", "im confused"},
                      {"Help me please", "What can I do here?", "How does this work?"},
                      0});
  give(flow.intents,
       {"repeat",
        {"repeat", "say that again", "say it again", "once more", "pardon", "come again", "what did you say",
         "i didnt hear", "i didnt catch that", "i didnt get that", "excuse me"},
        {"Can you repeat that please?", "Could you say that again?", "Sorry, what was that?"},
        0});
  give(flow.intents,
       {"operator",
        {"operator", "human", "real person", "speak to someone", "talk to someone", "representative",
         "speak to a person", "talk to a person", "receptionist"},
        {"I want to talk to a human", "Can I speak to a real person?", "Put me through to somebody"},
        0});
  give(flow.intents,
       {"goodbye",
        {"goodbye", "good bye", "bye", "bye bye", "hang up", "see you", "have a nice day", "have a good day"},
        {"Goodbye", "Okay, bye", "Thank you, goodbye"},
        0});
  std::vector<std::string> values;
  for (const Slot& slot : flow.slots) {
    for (const Slot::Choice& choice : slot.choices) {
      values.push_back(choice.value);
      values.insert(values.end(), choice.phrases.begin(), choice.phrases.end());
    }
  }
  flow.matcher.emplace(flow.intents, values);
}

std::string to_string(const Diagnostic& diagnostic, std::string_view file) {
  const std::string where =
      diagnostic.line == 0 ? std::string(file) : fmt::format("{}:{}", file, diagnostic.line);
  return fmt::format("{}: {}: {}", where,
                     diagnostic.severity == Diagnostic::Severity::error ? "error" : "warning",
                     diagnostic.text);
}

Flow::Flow() : impl_(std::make_unique<FlowModel>()) {}
Flow::~Flow() = default;

Flow::Parsed Flow::parse(std::string_view yaml) {
  Parsed parsed;
  std::shared_ptr<Flow> flow(new Flow());
  read_flow(yaml, *flow->impl_, parsed.diagnostics);
  const auto is_error = [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; };
  // A file that could not be read at all has no other faults worth telling.
  if (!flow->impl_->states.empty()) check_flow(*flow->impl_, parsed.diagnostics);
  std::stable_sort(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.line < b.line; });
  if (std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(), is_error)) return parsed;
  if (flow->impl_->states.empty()) {
    parsed.diagnostics.push_back({Diagnostic::Severity::error, 0, "there are no states"});
    return parsed;
  }
  complete_flow(*flow->impl_);
  parsed.flow = std::move(flow);
  return parsed;
}

std::vector<Diagnostic> check(std::string_view yaml) {
  return Flow::parse(yaml).diagnostics;
}

const std::string& Flow::name() const {
  return impl_->name;
}
const std::string& Flow::voice() const {
  return impl_->voice;
}

std::vector<std::string> Flow::fixed_sentences() const {
  std::vector<std::string> out;
  const auto add = [&](const Prompt& prompt) {
    for (const Prompt::Variant& variant : prompt.variants) {
      std::string text;
      bool is_fixed = true;
      for (const Template::Part& part : variant.text.parts) {
        const auto value = part.variable ? impl_->values.find(part.text) : impl_->values.end();
        is_fixed = is_fixed && (!part.variable || value != impl_->values.end());
        text += value != impl_->values.end() ? value->second : part.text;
      }
      if (!is_fixed) continue;
      for (std::string& sentence : language::sentences(text)) {
        if (std::find(out.begin(), out.end(), sentence) == out.end()) out.push_back(std::move(sentence));
      }
    }
  };
  // The first words of a call come first.
  if (const State* start = impl_->find(impl_->start)) add(start->say);
  for (const State& state : impl_->states) {
    for (const Prompt* prompt : {&state.say, &state.again, &state.help, &state.fallback, &state.silence})
      add(*prompt);
    for (const auto* rules : {&state.enter, &state.on})
      for (const Rule& rule : *rules)
        add(rule.say);
  }
  for (const Rule& rule : impl_->on)
    add(rule.say);
  for (const Prompt* prompt : {&impl_->help, &impl_->fallback, &impl_->silence, &impl_->silence_last,
                               &impl_->trouble, &impl_->trouble_last, &impl_->goodbye, &impl_->no_operator})
    add(*prompt);
  return out;
}

} // namespace talky::flow
