// From YAML to a flow. Everything that is not understood is said with its line; nothing is skipped silently.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/ascii.hpp"
#include "flow/flow_model.hpp"

namespace talky::flow {
namespace {

std::size_t line_of(const YAML::Node& node) {
  return node.Mark().line < 0 ? 0 : static_cast<std::size_t>(node.Mark().line) + 1;
}

class ReaderOfFlow {
 public:
  ReaderOfFlow(FlowModel& flow, std::vector<Diagnostic>& diagnostics)
      : flow_(flow), diagnostics_(diagnostics) {}

  void read(const YAML::Node& root) {
    if (!root.IsMap()) {
      error(root, "a flow is a map with 'flow', 'start' and 'states'");
      return;
    }
    keys(root, "a flow", {"flow", "voice", "start", "values", "slots", "intents", "states", "global"});
    flow_.name = text(root["flow"], "flow");
    flow_.voice = text(root["voice"], "voice");
    flow_.start = text(root["start"], "start");
    flow_.start_line = root["start"] ? line_of(root["start"]) : line_of(root);
    values(root["values"]);
    each(root["slots"], "slots",
         [this](const std::string& name, const YAML::Node& node) { slot(name, node); });
    each(root["intents"], "intents",
         [this](const std::string& name, const YAML::Node& node) { intent(name, node); });
    if (!root["states"]) error(root, "there are no 'states'");
    each(root["states"], "states",
         [this](const std::string& name, const YAML::Node& node) { state(name, node); });
    if (root["global"]) global(root["global"]);
  }

 private:
  void error(const YAML::Node& node, std::string text) {
    diagnostics_.push_back({Diagnostic::Severity::error, node ? line_of(node) : 0, std::move(text)});
  }

  // Calls `take` for the entries of a map; names must be names and occur once.
  template <class Take>
  void each(const YAML::Node& node, const char* what, Take take) {
    if (!node) return;
    if (!node.IsMap()) {
      error(node, fmt::format("'{}' must be a map", what));
      return;
    }
    std::set<std::string> seen;
    for (const auto& item : node) {
      const auto name = item.first.as<std::string>("");
      if (!is_name(name)) {
        error(item.first, fmt::format("'{}' is not a name (letters, digits and _)", name));
      } else if (!seen.insert(name).second) {
        error(item.first, fmt::format("'{}' is there twice", name));
      } else {
        take(name, item.second);
      }
    }
  }

  void keys(const YAML::Node& node, std::string_view what, std::initializer_list<std::string_view> known) {
    std::set<std::string> seen;
    for (const auto& item : node) {
      const auto key = item.first.as<std::string>("");
      if (std::find(known.begin(), known.end(), key) == known.end())
        error(item.first, fmt::format("{} has no key '{}'", what, key));
      if (!seen.insert(key).second) error(item.first, fmt::format("the key '{}' is there twice", key));
    }
  }

  std::string text(const YAML::Node& node, std::string_view what) {
    if (!node) return {};
    if (!node.IsScalar()) {
      error(node, fmt::format("'{}' must be a text", what));
      return {};
    }
    return node.Scalar();
  }

  std::vector<std::string> texts(const YAML::Node& node, std::string_view what) {
    std::vector<std::string> out;
    if (!node) return out;
    if (node.IsSequence()) {
      for (const auto& item : node)
        out.push_back(text(item, what));
    } else {
      out.push_back(text(node, what));
    }
    return out;
  }

  bool flag(const YAML::Node& node, std::string_view what, bool fallback) {
    if (!node) return fallback;
    bool value = fallback;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value))
      error(node, fmt::format("'{}' must be true or false", what));
    return value;
  }

  std::optional<std::int64_t> number(const YAML::Node& node, std::string_view what) {
    if (!node) return std::nullopt;
    const auto value = node.IsScalar() ? ascii::to_number<std::int64_t>(node.Scalar()) : std::nullopt;
    if (!value) error(node, fmt::format("'{}' must be a whole number", what));
    return value;
  }

  std::optional<Expression> condition(const YAML::Node& node) {
    if (!node) return std::nullopt;
    const std::string source = text(node, "if");
    auto expression = Expression::parse(source);
    if (expression) return *expression;
    error(node, fmt::format("in the condition '{}', at character {}: expected {}", source,
                            expression.error().offset + 1, expression.error().what));
    return std::nullopt;
  }

  Template template_of(const YAML::Node& node, std::string_view what) {
    const std::string source = text(node, what);
    auto parsed = parse_template(source);
    if (parsed) return *parsed;
    error(node, fmt::format("in the text '{}', at character {}: expected {}", source,
                            parsed.error().offset + 1, parsed.error().what));
    return {};
  }

  // "text", or a list of texts and of {if: CONDITION, say: TEXT}
  Prompt prompt(const YAML::Node& node, std::string_view what) {
    Prompt out;
    if (!node) return out;
    out.line = line_of(node);
    const auto variant = [&](const YAML::Node& item) {
      if (item.IsMap()) {
        keys(item, "a variant of a prompt", {"if", "say"});
        auto only_if = condition(item["if"]);
        for (const YAML::Node& one : list(item["say"]))
          out.variants.push_back({only_if, template_of(one, what)});
      } else {
        out.variants.push_back({std::nullopt, template_of(item, what)});
      }
    };
    for (const YAML::Node& item : list(node))
      variant(item);
    const bool blank = std::any_of(out.variants.begin(), out.variants.end(),
                                   [](const Prompt::Variant& v) { return v.text.parts.empty(); });
    if (blank || out.variants.empty()) error(node, fmt::format("the prompt '{}' is empty", what));
    return out;
  }

  static std::vector<YAML::Node> list(const YAML::Node& node) {
    std::vector<YAML::Node> out;
    if (!node) return out;
    if (!node.IsSequence()) return {node};
    for (const auto& item : node)
      out.push_back(item);
    return out;
  }

  void values(const YAML::Node& node) {
    each(node, "values", [this](const std::string& name, const YAML::Node& value) {
      flow_.values[name] = text(value, name);
    });
  }

  void slot(const std::string& name, const YAML::Node& node) {
    Slot slot;
    slot.name = name;
    slot.line = line_of(node);
    if (!node.IsMap()) {
      error(node, fmt::format("the slot '{}' must be a map with a 'type'", name));
      return;
    }
    keys(node, "a slot",
         {"type", "choices", "from", "to", "min", "max", "length", "anywhere", "first", "last", "telephone"});
    const std::string type = text(node["type"], "type");
    const auto known = slot_type(type);
    if (!known) {
      error(node["type"] ? node["type"] : node,
            fmt::format("'{}' is not a type of slot (choice, date, time, number, digits, name, text, yes-no)",
                        type));
    }
    slot.type = known.value_or(Slot::Type::text);
    slot.anywhere = flag(node["anywhere"], "anywhere", false);
    if (slot.type == Slot::Type::choice) {
      if (!node["choices"] || !(node["choices"].IsMap() || node["choices"].IsSequence()) ||
          node["choices"].size() == 0)
        error(node, fmt::format("the choice '{}' needs 'choices'", name));
      if (node["choices"] && node["choices"].IsMap()) {
        for (const auto& item : node["choices"])
          slot.choices.push_back({text(item.first, "choices"), texts(item.second, "choices")});
      } else {
        for (const std::string& value : texts(node["choices"], "choices"))
          slot.choices.push_back({value, {}});
      }
    }
    hour(node["from"], "from", slot.hours.from);
    hour(node["to"], "to", slot.hours.to);
    for (const auto& [key, target] : {std::pair("first", &slot.first), std::pair("last", &slot.last)}) {
      if (!node[key]) continue;
      language::TimeOfDay time;
      hour(node[key], key, time);
      *target = time;
    }
    slot.telephone = flag(node["telephone"], "telephone", false);
    if (slot.telephone && slot.type != Slot::Type::digits)
      error(node["telephone"], "'telephone' is for a slot of type 'digits'");
    slot.min = number(node["min"], "min").value_or(slot.min);
    slot.max = number(node["max"], "max").value_or(slot.max);
    if (const auto length = number(node["length"], "length")) {
      if (*length < 1 || *length > 32) {
        error(node["length"], "'length' must be from 1 to 32");
      } else {
        slot.length = static_cast<std::size_t>(*length);
      }
    }
    flow_.slots.push_back(std::move(slot));
  }

  void hour(const YAML::Node& node, const char* what, language::TimeOfDay& time) {
    if (!node) return;
    const auto value = language::time_from_iso(text(node, what));
    if (!value) error(node, fmt::format("'{}' must be a time such as \"09:00\" (in quotation marks)", what));
    time = value.value_or(time);
  }

  void intent(const std::string& name, const YAML::Node& node) {
    Intent intent;
    intent.name = name;
    intent.line = line_of(node);
    if (!node.IsMap()) {
      error(node, fmt::format("the intent '{}' must be a map with 'keywords' or 'examples'", name));
      return;
    }
    keys(node, "an intent", {"keywords", "examples"});
    intent.keywords = texts(node["keywords"], "keywords");
    intent.examples = texts(node["examples"], "examples");
    if (intent.keywords.empty() && intent.examples.empty())
      error(node, fmt::format("the intent '{}' has neither 'keywords' nor 'examples'", name));
    flow_.intents.push_back(std::move(intent));
  }

  std::optional<voice::Samples> wait(const YAML::Node& node) {
    const auto seconds = number(node, "wait");
    if (!seconds) return std::nullopt;
    if (*seconds >= 1 && *seconds <= 600) return voice::from_ms(*seconds * 1000);
    error(node, "'wait' must be from 1 to 600 seconds");
    return std::nullopt;
  }

  voice::Reply::Action action(const YAML::Node& node) {
    voice::Reply::Action out;
    int count = 0;
    if (node["hangup"]) {
      out = voice::Reply::Hangup{text(node["hangup"], "hangup")};
      ++count;
    }
    if (node["transfer"]) {
      out = voice::Reply::Transfer{text(node["transfer"], "transfer")};
      ++count;
    }
    if (node["dtmf"]) {
      out = voice::Reply::SendDigits{text(node["dtmf"], "dtmf")};
      ++count;
    }
    if (count > 1) error(node, "only one of 'hangup', 'transfer' and 'dtmf' can be done");
    return out;
  }

  Rule rule(const YAML::Node& node, bool on_enter) {
    Rule rule;
    rule.line = line_of(node);
    if (!node.IsMap()) {
      error(node, "a rule must be a map");
      return rule;
    }
    if (on_enter) {
      keys(node, "a rule of 'enter'", {"if", "set", "clear", "say", "go", "hangup", "transfer", "dtmf"});
    } else {
      keys(node, "a rule of 'on'",
           {"intent", "slot", "hint", "answer", "digits", "if", "set", "clear", "say", "go", "hangup",
            "transfer", "dtmf", "repeat", "wait"});
    }
    rule.intents = texts(node["intent"], "intent");
    rule.slots = texts(node["slot"], "slot");
    rule.hints = texts(node["hint"], "hint");
    rule.digits = texts(node["digits"], "digits");
    if (node["answer"]) {
      bool yes = true;
      if (!node["answer"].IsScalar() || !YAML::convert<bool>::decode(node["answer"], yes))
        error(node["answer"], "'answer' must be yes or no");
      rule.yes = yes;
    }
    rule.condition = condition(node["if"]);
    each(node["set"], "set", [&](const std::string& name, const YAML::Node& value) {
      rule.set.emplace_back(name, template_of(value, name));
    });
    rule.clear = texts(node["clear"], "clear");
    rule.say = prompt(node["say"], "say");
    rule.go = text(node["go"], "go");
    rule.action = action(node);
    rule.repeat = flag(node["repeat"], "repeat", false);
    rule.wait = wait(node["wait"]);
    const bool acts = rule.action.index() != 0;
    if (!on_enter && rule.go.empty() && rule.say.empty() && !acts && !rule.repeat)
      error(node,
            "the rule says nothing and goes nowhere: it needs 'say', 'go', 'repeat', 'hangup' or 'transfer'");
    if (acts && !rule.go.empty())
      error(node, "a rule with 'go' leaves 'hangup', 'transfer' and 'dtmf' to the state it goes to");
    return rule;
  }

  std::vector<Rule> rules(const YAML::Node& node, const char* what, bool on_enter) {
    std::vector<Rule> out;
    if (!node) return out;
    if (!node.IsSequence()) {
      error(node, fmt::format("'{}' must be a list of rules", what));
      return out;
    }
    for (const auto& item : node)
      out.push_back(rule(item, on_enter));
    return out;
  }

  void state(const std::string& name, const YAML::Node& node) {
    State state;
    state.name = name;
    state.line = line_of(node);
    if (!node.IsMap()) {
      error(node, fmt::format("the state '{}' must be a map", name));
      return;
    }
    keys(node, "a state",
         {"say", "again", "help", "fallback", "silence", "ask", "then", "enter", "on", "hangup", "transfer",
          "dtmf", "interruptible", "voice", "wait"});
    state.say = prompt(node["say"], "say");
    state.again = prompt(node["again"], "again");
    state.help = prompt(node["help"], "help");
    state.fallback = prompt(node["fallback"], "fallback");
    state.silence = prompt(node["silence"], "silence");
    state.ask = text(node["ask"], "ask");
    state.then = text(node["then"], "then");
    state.enter = rules(node["enter"], "enter", true);
    state.on = rules(node["on"], "on", false);
    state.action = action(node);
    state.interruptible_given = static_cast<bool>(node["interruptible"]);
    state.interruptible = flag(node["interruptible"], "interruptible", true);
    state.voice = text(node["voice"], "voice");
    state.wait = wait(node["wait"]);
    flow_.states.push_back(std::move(state));
  }

  void global(const YAML::Node& node) {
    if (!node.IsMap()) {
      error(node, "'global' must be a map");
      return;
    }
    keys(node, "'global'",
         {"on", "help", "fallback", "silence", "silence_last", "trouble", "trouble_last", "goodbye",
          "no_operator", "narrow", "more_digits", "several", "foreign", "no_answer", "patience", "give_up"});
    flow_.on = rules(node["on"], "on", false);
    flow_.help = prompt(node["help"], "help");
    flow_.fallback = prompt(node["fallback"], "fallback");
    flow_.silence = prompt(node["silence"], "silence");
    flow_.silence_last = prompt(node["silence_last"], "silence_last");
    flow_.trouble = prompt(node["trouble"], "trouble");
    flow_.trouble_last = prompt(node["trouble_last"], "trouble_last");
    flow_.goodbye = prompt(node["goodbye"], "goodbye");
    flow_.no_operator = prompt(node["no_operator"], "no_operator");
    flow_.narrow = prompt(node["narrow"], "narrow");
    flow_.more_digits = prompt(node["more_digits"], "more_digits");
    flow_.several = prompt(node["several"], "several");
    flow_.foreign = prompt(node["foreign"], "foreign");
    flow_.no_answer = prompt(node["no_answer"], "no_answer");
    if (const auto patience = number(node["patience"], "patience")) {
      if (*patience < 1 || *patience > 100) {
        error(node["patience"], "'patience' must be from 1 to 100");
      } else {
        flow_.patience = static_cast<int>(*patience);
      }
    }
    flow_.give_up = text(node["give_up"], "give_up");
    if (node["give_up"]) flow_.give_up_line = line_of(node["give_up"]);
  }

  FlowModel& flow_;
  std::vector<Diagnostic>& diagnostics_;
};

} // namespace

void read_flow(std::string_view yaml, FlowModel& flow, std::vector<Diagnostic>& diagnostics) {
  if (yaml.size() > Flow::kMaxBytes) {
    diagnostics.push_back({Diagnostic::Severity::error, 0, "a flow has at most 1 MiB"});
    return;
  }
  try {
    ReaderOfFlow(flow, diagnostics).read(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& e) {
    // yaml-cpp reports by exceptions; they end here.
    const std::size_t line = e.mark.line < 0 ? 0 : static_cast<std::size_t>(e.mark.line) + 1;
    diagnostics.push_back({Diagnostic::Severity::error, line, "not YAML: " + e.msg});
  }
}

} // namespace talky::flow
