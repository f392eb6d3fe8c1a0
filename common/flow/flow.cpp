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

Prompt with_hint(std::string before, std::string behind, std::string form) {
  Prompt prompt;
  prompt.variants.push_back({std::nullopt, Template{{{std::move(before), false, {}},
                                                     {"hint", true, std::move(form)},
                                                     {std::move(behind), false, {}}}}});
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
  if (flow.narrow.empty()) flow.narrow = with_hint("All right, ", ".", {});
  if (flow.more_digits.empty())
    flow.more_digits = with_hint("So far I have ", ". What comes after that?", "digits");
  give(flow.several, {"I can only take one at a time, so let us begin with the first."});
  give(flow.foreign, {"I am sorry, I only speak English."});
  give(flow.no_answer, {"I am sorry, that I do not know."});
  give(flow.intents,
       {"help",
        {"help", "what can i say", "what can you do", "what are my options", "options", "im lost",
         "im confused", "what do you mean", "i dont understand", "i dont follow", "what should i say"},
        {"Help me please", "What can I do here?", "How does this work?"},
        0});
  give(flow.intents,
       {"repeat",
        {"repeat",     "say that again",   "say it again",         "once more",          "pardon",
         "come again", "what did you say", "i didnt hear",         "i didnt catch that", "i didnt get that",
         "excuse me",  "i cant hear you",  "i cannot hear you",    "too quiet",          "speak up",
         "too fast",   "more slowly",      "didnt understand you", "say again",          "what was that"},
        {"Can you repeat that please?", "Could you say that again?", "Sorry, what was that?"},
        0});
  give(flow.intents,
       {"operator",
        {"operator",
         "human",
         "real person",
         "speak to someone",
         "talk to someone",
         "representative",
         "a person",
         "an agent",
         "agent",
         "speak to a person",
         "talk to a person",
         "receptionist",
         "human being",
         "somebody real",
         "someone real",
         "speak to somebody",
         "talk to somebody",
         "put me through",
         "customer service",
         "a member of staff",
         "the manager",
         "speak to the owner",
         "talk to the owner",
         "speak with",
         "connect me",
         "could i speak",
         "can i speak",
         "may i speak",
         "i want to speak",
         "id like to speak",
         "can i talk to",
         "could i talk to",
         "i need to talk to",
         "i want to talk to",
         "let me speak",
         "let me talk"},
        {"I want to talk to a human", "Can I speak to a real person?", "Put me through to somebody",
         "Isn't there a person I can talk to?", "I want to speak with the manager"},
        0});
  give(flow.intents, {"goodbye",
                      {"goodbye",
                       "good bye",
                       "bye",
                       "bye bye",
                       "hang up",
                       "hanging up",
                       "see you",
                       "see you later",
                       "see ya",
                       "have a nice day",
                       "have a good day",
                       "have a good one",
                       "have a great day",
                       "have a lovely day",
                       "have a nice weekend",
                       "have a nice evening",
                       "take care",
                       "cheerio",
                       "farewell",
                       "so long",
                       "ta ta",
                       "toodle oo",
                       "talk to you later",
                       "talk soon",
                       "speak soon",
                       "speak to you later",
                       "i have to go",
                       "i have to leave",
                       "i have to run",
                       "i must go",
                       "i need to go",
                       "got to go",
                       "gotta go",
                       "got to run",
                       "gotta run",
                       "i need to run",
                       "i should go",
                       "ill call back",
                       "ill call again",
                       "ill ring back",
                       "ill try again later",
                       "i will call back",
                       "i will call again",
                       "call you later",
                       "call back later",
                       "call again later",
                       "wrong number",
                       "im done",
                       "that will be all",
                       "thatll be all",
                       "that would be all",
                       "good night",
                       "thats all thanks",
                       "thats all thank you",
                       "that is all thank you",
                       "thats everything thanks",
                       "thats it thanks",
                       "thats all for today",
                       "thats all for now"},
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
                               &impl_->trouble, &impl_->trouble_last, &impl_->goodbye, &impl_->no_operator,
                               &impl_->several, &impl_->foreign, &impl_->no_answer})
    add(*prompt);
  return out;
}

} // namespace talky::flow
