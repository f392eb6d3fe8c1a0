// The YAML side of the option table: --config, --print-config.
#include <yaml-cpp/yaml.h>

#include <fmt/format.h>

#include "cli/options.hpp"
#include "cli/table.hpp"
#include "core/ascii.hpp"

namespace talky::cli {
namespace {

std::string_view to_string(Source source) {
  switch (source) {
    case Source::standard: return "default";
    case Source::file: return "file";
    case Source::environment: return "environment";
    case Source::flag: return "flag";
  }
  return "";
}

// A plain scalar where YAML reads it back as the same text, otherwise in double quotes.
std::string scalar(const std::string& text) {
  bool plain = !text.empty() && (ascii::is_alnum(text.front()) || text.front() == '/' || text.front() == '.');
  for (const char c : text)
    plain = plain && (ascii::is_alnum(c) || std::string_view("-_./@+,").find(c) != std::string_view::npos);
  if (plain) return text;
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

} // namespace

void apply_file(Options::Table& table, const std::string& path) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    throw Failure(ExitCode::no_input, fmt::format("{}: cannot be read", path));
  } catch (const YAML::Exception& error) {
    throw Failure(ExitCode::config, fmt::format("{}:{}: {}", path, error.mark.line + 1, error.msg));
  }
  if (root.IsNull()) return; // empty, or nothing but comments
  const auto failed = [&](const YAML::Node& node, const std::string& text) {
    return Failure(ExitCode::config, fmt::format("{}:{}: {}", path, node.Mark().line + 1, text));
  };
  if (!root.IsMap()) throw failed(root, "expected lines of the form `key: value`");
  for (const auto& entry : root) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    Options::Item* item = nullptr;
    for (const auto& candidate : table.items) {
      if (candidate->configurable() && candidate->name == key) item = candidate.get();
    }
    if (!item) throw failed(entry.first, fmt::format("unknown key \"{}\"", key));
    std::vector<std::string> values;
    const YAML::Node& value = entry.second;
    if (value.IsScalar()) {
      values.push_back(value.Scalar());
    } else if (value.IsSequence() && item->list) {
      for (const auto& one : value) {
        if (!one.IsScalar()) throw failed(one, fmt::format("{}: expected a list of texts", key));
        values.push_back(one.Scalar());
      }
    } else if (!value.IsNull()) {
      throw failed(
          value, fmt::format("{}: expected {}", key, item->list ? "a text or a list of texts" : "one value"));
    } else if (!item->list) {
      values.emplace_back();
    }
    if (const auto expected = item->assign(values, Source::file)) {
      std::string shown;
      for (const std::string& one : values)
        shown.append(shown.empty() ? "" : " ").append(one);
      if (item->is_secret) shown = "...";
      throw failed(value, fmt::format("{}: \"{}\" is not {}", key, shown, *expected));
    }
  }
}

std::string print_config(const Options::Table& table) {
  std::string out = fmt::format("# talky-{} {}: the values that hold, and where they come from\n", table.tool,
                                TALKY_VERSION);
  for (const auto& item : table.items) {
    if (!item->configurable()) continue;
    const std::vector<std::string> values = item->get();
    const std::string_view from = to_string(item->source);
    const auto shown = [&](const std::string& value) {
      return item->is_secret && !value.empty() ? std::string("\"********\"") : scalar(value);
    };
    if (item->list && !values.empty()) {
      out += fmt::format("{}: # {}\n", item->name, from);
      for (const std::string& value : values)
        out += fmt::format("  - {}\n", shown(value));
    } else if (item->list) {
      out += fmt::format("{}: [] # {}\n", item->name, from);
    } else if (values.empty()) {
      out += fmt::format("# {}: not set\n", item->name);
    } else {
      out += fmt::format("{}: {} # {}\n", item->name, shown(values.front()), from);
    }
  }
  return out;
}

} // namespace talky::cli
