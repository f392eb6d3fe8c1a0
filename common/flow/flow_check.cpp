// What is wrong with a flow that can be read: names that lead nowhere, states that nobody reaches or nobody
// leaves, answers that nobody expects, prompts that cannot be spoken.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/ascii.hpp"
#include "flow/flow_model.hpp"

namespace talky::flow {
namespace {

class Checker {
 public:
  Checker(const FlowModel& flow, std::vector<Diagnostic>& diagnostics)
      : flow_(flow), diagnostics_(diagnostics) {}

  void check() {
    collect_variables();
    if (flow_.start.empty()) {
      error(flow_.start_line, "there is no 'start'");
    } else {
      target(flow_.start, flow_.start_line, "start");
    }
    if (!flow_.give_up.empty()) target(flow_.give_up, flow_.give_up_line, "give_up");
    for (const Prompt* p : {&flow_.help, &flow_.fallback, &flow_.silence, &flow_.silence_last, &flow_.trouble,
                            &flow_.trouble_last, &flow_.goodbye, &flow_.no_operator, &flow_.narrow,
                            &flow_.more_digits, &flow_.several, &flow_.foreign, &flow_.no_answer})
      prompt(*p);
    rules(flow_.on);
    for (const State& state : flow_.states)
      check(state);
    reachable();
    silent_circles();
    unused();
  }

 private:
  void error(std::size_t line, std::string text) {
    diagnostics_.push_back({Diagnostic::Severity::error, line, std::move(text)});
  }
  void warning(std::size_t line, std::string text) {
    diagnostics_.push_back({Diagnostic::Severity::warning, line, std::move(text)});
  }

  void collect_variables() {
    for (const std::string_view name : kBuiltinVariables)
      variables_.insert(std::string(name));
    for (const auto& [name, value] : flow_.values)
      variables_.insert(name);
    for (const Slot& slot : flow_.slots) {
      variables_.insert(slot.name);
      variables_.insert(slot.name + std::string(kHintSuffix));
    }
    const auto from = [this](const std::vector<Rule>& rules) {
      for (const Rule& rule : rules)
        for (const auto& [name, value] : rule.set)
          variables_.insert(name);
    };
    from(flow_.on);
    for (const State& state : flow_.states) {
      from(state.enter);
      from(state.on);
    }
  }

  void target(const std::string& state, std::size_t line, std::string_view key) {
    if (flow_.find(state) == nullptr)
      error(line, fmt::format("'{}' goes to the state '{}', which does not exist", key, state));
  }

  void variable(const std::string& name, std::size_t line) {
    used_.insert(name);
    if (!variables_.contains(name)) error(line, fmt::format("the variable '{}' is defined nowhere", name));
  }

  void text(const Template& text, std::size_t line) {
    for (const Template::Part& part : text.parts)
      if (part.variable) variable(part.text, line);
  }

  void condition(const std::optional<Expression>& expression, std::size_t line) {
    if (!expression) return;
    for (const std::string& name : expression->names())
      variable(name, line);
  }

  void prompt(const Prompt& prompt) {
    bool always = prompt.empty();
    for (const Prompt::Variant& variant : prompt.variants) {
      text(variant.text, prompt.line);
      condition(variant.condition, prompt.line);
      always = always || !variant.condition;
    }
    if (!always) error(prompt.line, "every variant of this prompt has a condition: one without is needed");
  }

  void action(const voice::Reply::Action& action, std::size_t line) {
    std::string_view source;
    if (const auto* transfer = std::get_if<voice::Reply::Transfer>(&action)) source = transfer->target;
    if (const auto* digits = std::get_if<voice::Reply::SendDigits>(&action)) source = digits->digits;
    if (source.empty()) {
      if (action.index() > 1) error(line, "'transfer' and 'dtmf' need a target");
      return;
    }
    if (const auto parsed = parse_template(source)) {
      text(*parsed, line);
    } else {
      error(line, fmt::format("'{}' has a '{{' or '}}' too many", source));
    }
  }

  void rules(const std::vector<Rule>& rules) {
    for (const Rule& rule : rules) {
      for (const std::string& name : rule.intents) {
        used_.insert(name);
        const bool known = std::any_of(flow_.intents.begin(), flow_.intents.end(),
                                       [&](const Intent& intent) { return intent.name == name; });
        const bool builtin = std::find(std::begin(kBuiltinIntents), std::end(kBuiltinIntents), name) !=
                             std::end(kBuiltinIntents);
        if (!known && !builtin) error(rule.line, fmt::format("the intent '{}' does not exist", name));
      }
      for (const auto* names : {&rule.slots, &rule.hints}) {
        for (const std::string& name : *names) {
          used_.insert(name);
          if (flow_.slot(name) == nullptr)
            error(rule.line, fmt::format("the slot '{}' does not exist", name));
        }
      }
      for (const auto& [name, value] : rule.set)
        used_.insert(name);
      for (const std::string& name : rule.clear)
        if (!variables_.contains(name))
          error(rule.line, fmt::format("the variable '{}' to clear is defined nowhere", name));
      for (const std::string& digits : rule.digits) {
        if (digits.empty() || digits.find_first_not_of("0123456789*#ABCD") != std::string::npos)
          error(rule.line, fmt::format("'{}' cannot be typed on a telephone", digits));
      }
      condition(rule.condition, rule.line);
      for (const auto& [name, value] : rule.set)
        text(value, rule.line);
      prompt(rule.say);
      action(rule.action, rule.line);
      if (!rule.go.empty()) target(rule.go, rule.line, "go");
    }
  }

  void check(const State& state) {
    for (const Prompt* p : {&state.say, &state.again, &state.help, &state.fallback, &state.silence})
      prompt(*p);
    rules(state.enter);
    rules(state.on);
    action(state.action, state.line);
    const bool leaves = state.action.index() == 1 || state.action.index() == 2; // hangup, transfer
    const bool routes = std::any_of(state.enter.begin(), state.enter.end(), [](const Rule& r) {
      return !r.condition && (!r.go.empty() || r.action.index() != 0);
    });
    if (!state.ask.empty()) {
      used_.insert(state.ask);
      if (flow_.slot(state.ask) == nullptr)
        error(state.line, fmt::format("the slot '{}' to ask for does not exist", state.ask));
      if (state.then.empty())
        error(state.line, fmt::format("the state '{}' asks for '{}' and does not say what 'then'", state.name,
                                      state.ask));
    }
    if (!state.then.empty()) {
      if (state.ask.empty())
        error(state.line, fmt::format("the state '{}' has a 'then' but asks for nothing", state.name));
      target(state.then, state.line, "then");
    }
    if (state.say.empty() && !routes && !leaves)
      error(state.line, fmt::format("the state '{}' has nothing to 'say'", state.name));
    if (leaves) {
      if (!state.on.empty() && !state.interruptible_given)
        warning(state.line,
                fmt::format("the state '{}' ends the call: its 'on' is heard only with 'interruptible: true'",
                            state.name));
      return;
    }
    if (!routes && state.on.empty() && state.ask.empty() && state.then.empty())
      warning(state.line, fmt::format("no answer leads out of the state '{}': it has neither 'on' nor 'ask'",
                                      state.name));
    yes_and_no(state);
  }

  // A question that yes answers is answered by no as well.
  void yes_and_no(const State& state) {
    const auto expects = [&](bool yes) {
      return std::any_of(state.on.begin(), state.on.end(), [yes](const Rule& r) { return r.yes == yes; });
    };
    if (expects(true) != expects(false) && !state.on.empty()) {
      warning(state.line,
              fmt::format("the state '{}' has a rule for 'answer: {}' but none for 'answer: {}'", state.name,
                          expects(true) ? "yes" : "no", expects(true) ? "no" : "yes"));
    }
  }

  std::vector<std::string> ways_out(const State& state) const {
    std::vector<std::string> out;
    for (const auto* rules : {&state.enter, &state.on})
      for (const Rule& rule : *rules)
        if (!rule.go.empty()) out.push_back(rule.go);
    if (!state.then.empty()) out.push_back(state.then);
    return out;
  }

  void reachable() {
    std::set<std::string> seen;
    std::vector<std::string> todo = {flow_.start, flow_.give_up};
    for (const Rule& rule : flow_.on)
      todo.push_back(rule.go);
    while (!todo.empty()) {
      const std::string name = std::move(todo.back());
      todo.pop_back();
      const State* state = flow_.find(name);
      if (state == nullptr || !seen.insert(name).second) continue;
      for (std::string& next : ways_out(*state))
        todo.push_back(std::move(next));
    }
    for (const State& state : flow_.states) {
      if (!seen.contains(state.name))
        warning(state.line, fmt::format("nothing leads to the state '{}'", state.name));
    }
  }

  // States that go on to one another without ever saying anything.
  void silent_circles() {
    for (const State& first : flow_.states) {
      std::set<std::string> seen;
      const State* state = &first;
      while (state != nullptr && seen.insert(state->name).second) {
        const auto always = std::find_if(state->enter.begin(), state->enter.end(),
                                         [](const Rule& r) { return !r.condition; });
        state = always == state->enter.end() ? nullptr : flow_.find(always->go);
        if (state == &first) {
          error(first.line, fmt::format("the state '{}' leads back to itself without a word", first.name));
          break;
        }
      }
    }
  }

  void unused() {
    for (const Slot& slot : flow_.slots) {
      if (!used_.contains(slot.name))
        warning(slot.line, fmt::format("the slot '{}' is never used", slot.name));
    }
    std::map<std::string, std::string> owners;
    for (const Intent& intent : flow_.intents) {
      const bool builtin = std::find(std::begin(kBuiltinIntents), std::end(kBuiltinIntents), intent.name) !=
                           std::end(kBuiltinIntents);
      if (!builtin && !used_.contains(intent.name))
        warning(intent.line, fmt::format("the intent '{}' is never used", intent.name));
      for (const std::string& keyword : intent.keywords) {
        const auto [owner, fresh] = owners.emplace(language::joined(language::words(keyword)), intent.name);
        if (!fresh && owner->second != intent.name)
          warning(intent.line,
                  fmt::format("'{}' is a keyword of '{}' and of '{}'", keyword, owner->second, intent.name));
      }
    }
  }

  const FlowModel& flow_;
  std::vector<Diagnostic>& diagnostics_;
  std::set<std::string> variables_;
  std::set<std::string> used_;
};

} // namespace

void check_flow(const FlowModel& flow, std::vector<Diagnostic>& diagnostics) {
  Checker(flow, diagnostics).check();
}

} // namespace talky::flow
