#include "flow/cases.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/ascii.hpp"
#include "flow/conversation.hpp"
#include "language/calendar.hpp"

namespace talky::flow {
namespace {

constexpr std::size_t kMaxTurns = 1000;

class CaseReader {
 public:
  explicit CaseReader(Cases& out) : out_(out) {}

  void read(const YAML::Node& root) {
    if (!root.IsMap() || !root["cases"] || !root["cases"].IsSequence())
      return error(root, "expected a map with a list of 'cases'");
    keys(root, {"date", "time", "cases"});
    moment(root, usual_);
    for (const auto& node : root["cases"])
      one(node);
  }

 private:
  void error(const YAML::Node& node, std::string text) {
    const auto line = node && node.Mark().line >= 0 ? static_cast<std::size_t>(node.Mark().line) + 1 : 0;
    out_.diagnostics.push_back({Diagnostic::Severity::error, line, std::move(text)});
  }
  static std::size_t line_of(const YAML::Node& node) {
    return static_cast<std::size_t>(node.Mark().line) + 1;
  }

  void keys(const YAML::Node& node, std::initializer_list<std::string_view> known) {
    for (const auto& item : node) {
      const auto key = item.first.as<std::string>("");
      if (std::find(known.begin(), known.end(), key) == known.end())
        error(item.first, fmt::format("there is no key '{}' here", key));
    }
  }

  std::string text(const YAML::Node& node, std::string_view what) {
    if (node.IsScalar()) return node.Scalar();
    error(node, fmt::format("'{}' must be a text", what));
    return {};
  }
  std::optional<std::string> optional_text(const YAML::Node& node, const char* key) {
    if (!node[key]) return std::nullopt;
    return text(node[key], key);
  }

  void moment(const YAML::Node& node, voice::Moment& out) {
    if (const auto given = optional_text(node, "date")) {
      if (const auto date = language::date_from_iso(*given)) {
        out.year = date->year;
        out.month = date->month;
        out.day = date->day;
      } else {
        error(node["date"], fmt::format("'{}' is not a date such as 2026-11-30", *given));
      }
    }
    if (const auto given = optional_text(node, "time")) {
      if (const auto time = language::time_from_iso(*given)) {
        out.hour = time->hour;
        out.minute = time->minute;
      } else {
        error(node["time"], fmt::format("'{}' is not a time such as \"10:15\"", *given));
      }
    }
  }

  void one(const YAML::Node& node) {
    if (!node.IsMap() || !node["turns"] || !node["turns"].IsSequence())
      return error(node, "a case is a map with a list of 'turns'");
    keys(node, {"name", "date", "time", "turns"});
    Case found;
    found.name = optional_text(node, "name").value_or(fmt::format("line {}", line_of(node)));
    found.line = line_of(node);
    found.moment = usual_;
    moment(node, found.moment);
    for (const auto& item : node["turns"])
      found.turns.push_back(turn(item));
    if (found.turns.empty() || found.turns.size() > kMaxTurns)
      error(node, fmt::format("a case has 1 to {} turns", kMaxTurns));
    if (!names_.insert(found.name).second)
      error(node, fmt::format("the case '{}' is there twice", found.name));
    out_.cases.push_back(std::move(found));
  }

  CaseTurn turn(const YAML::Node& node) {
    CaseTurn out;
    out.line = line_of(node);
    if (node.IsScalar()) {
      out.said = node.Scalar();
      return out;
    }
    if (!node.IsMap() || !node["say"]) {
      error(node, "a turn is a text, or a map with 'say'");
      return out;
    }
    keys(node, {"say", "state", "intent", "action", "slots", "words"});
    out.said = text(node["say"], "say");
    out.state = optional_text(node, "state");
    out.intent = optional_text(node, "intent");
    out.action = optional_text(node, "action");
    if (node["slots"] && !node["slots"].IsMap()) {
      error(node["slots"], "'slots' must be a map of names and values");
    } else if (node["slots"]) {
      for (const auto& item : node["slots"])
        out.slots[text(item.first, "slots")] =
            item.second.IsNull() ? std::string() : text(item.second, "slots");
    }
    if (node["words"] && node["words"].IsSequence()) {
      for (const auto& item : node["words"])
        out.words.push_back(text(item, "words"));
    } else if (node["words"]) {
      out.words.push_back(text(node["words"], "words"));
    }
    return out;
  }

  Cases& out_;
  voice::Moment usual_;
  std::set<std::string> names_;
};

// What differs between one answer and what was expected of it.
class Comparison {
 public:
  Comparison(const CaseTurn& turn, const Conversation& conversation) {
    const voice::Reply& reply = conversation.reply();
    if (turn.state) same("state", *turn.state, reply.state);
    if (turn.intent) same("intent", *turn.intent, reply.intent);
    if (turn.action) {
      const std::string done = action_text(reply.action);
      if (*turn.action == "none" ? !done.empty() : !done.starts_with(*turn.action))
        differ("action", *turn.action, done.empty() ? "none" : done);
    }
    const auto filled = conversation.slots();
    for (const auto& [name, value] : turn.slots) {
      const auto slot =
          std::find_if(filled.begin(), filled.end(), [&](const auto& s) { return s.name == name; });
      same("slot " + name, value, slot == filled.end() ? std::string() : slot->value);
    }
    const std::string answer = ascii::lower(reply.text);
    for (const std::string& word : turn.words) {
      const bool unwanted = word.starts_with('!');
      const std::string part = ascii::lower(unwanted ? word.substr(1) : word);
      if ((answer.find(part) != std::string::npos) == unwanted) differ("words", word, reply.text);
    }
  }

  const std::string& text() const { return text_; }

 private:
  void same(const std::string& what, const std::string& wanted, const std::string& got) {
    if (wanted != got) differ(what, wanted, got);
  }
  void differ(const std::string& what, const std::string& wanted, const std::string& got) {
    text_ += fmt::format("- {}: {}\n+ {}: {}\n", what, wanted, what, got);
  }

  std::string text_;
};

} // namespace

Cases parse_cases(std::string_view yaml) {
  Cases out;
  if (yaml.size() > Cases::kMaxBytes) {
    out.diagnostics.push_back(
        {Diagnostic::Severity::error, 0, fmt::format("more than {} bytes", Cases::kMaxBytes)});
    return out;
  }
  try {
    CaseReader(out).read(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& e) {
    const auto line = e.mark.line < 0 ? 0 : static_cast<std::size_t>(e.mark.line) + 1;
    out.diagnostics.push_back({Diagnostic::Severity::error, line, e.msg});
  }
  return out;
}

CaseResult run_case(const std::shared_ptr<const Flow>& flow, const Case& wanted, std::uint64_t seed) {
  CaseResult result;
  Conversation conversation(flow, {.moment = wanted.moment, .seed = seed});
  result.report = fmt::format("  agent: {}\n", conversation.reply().text);
  for (const CaseTurn& turn : wanted.turns) {
    result.report += fmt::format("  caller: {}\n", turn.said);
    if (conversation.ended()) {
      result.report += "- the call goes on\n+ the call is over\n";
      result.passed = false;
      break;
    }
    conversation.line(turn.said);
    result.report += fmt::format("  agent: {}\n", conversation.reply().text);
    const Comparison comparison(turn, conversation);
    result.report += comparison.text();
    result.passed = result.passed && comparison.text().empty();
  }
  return result;
}

} // namespace talky::flow
