// The command line and the environment, read by the option table.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/item.hpp"
#include "cli/main.hpp"
#include "cli/options.hpp"
#include "core/ascii.hpp"

namespace talky::cli {
namespace {

std::string tool_name(const std::string& tool) {
  return "talky-" + tool;
}

// A switch may be given often, and with a value: --NAME=false.
std::vector<std::string> last_of(std::vector<std::string> values) {
  values.erase(values.begin(), values.end() - 1);
  return values;
}

} // namespace

std::string environment_name(std::string_view tool, std::string_view option) {
  std::string out = "TALKY_";
  for (const char c : std::string(tool) + "_" + std::string(option))
    out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

void Options::apply_environment() {
  for (const auto& item : items_) {
    if (!item->configurable()) continue;
    const std::string variable = environment_name(tool_, item->name);
    const char* text = std::getenv(variable.c_str());
    if (!text) continue;
    std::vector<std::string> values;
    if (item->list) {
      std::string_view rest = text;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_of(";\n"), rest.size());
        const std::string_view one = ascii::trim(rest.substr(0, end));
        if (!one.empty()) values.emplace_back(one);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    } else {
      values.emplace_back(text);
    }
    if (const auto expected = item->assign(values, Source::environment)) {
      const std::string shown = item->is_secret ? "its value" : fmt::format("\"{}\"", text);
      throw Failure(ExitCode::config, fmt::format("{}: {} is not {}", variable, shown, *expected));
    }
  }
}

// CLI11 cuts the command line into flags and values; what the values mean is said by the table, as for the
// other sources, so that an error reads the same wherever it was made.
std::optional<int> Options::parse(int argc, const char* const* argv) {
  CLI::App app(summary_, tool_name(tool_));
  app.set_help_flag(); // ours fits a screen
  app.allow_extras(false);

  bool help = false;
  bool help_all = false;
  bool version = false;
  bool print = false;
  bool check = false;
  std::string shell;
  app.add_flag("-h,--help", help);
  app.add_flag("--help-all", help_all);
  app.add_flag("--version", version);
  app.add_option("--completion", shell);
  if (has_config_) {
    app.add_option("--config", config_path_);
    app.add_flag("--print-config", print);
    app.add_flag("--check-config", check);
  }
  std::vector<CLI::App*> commands;
  for (const Command& command : commands_) {
    CLI::App* made = app.add_subcommand(command.name, command.help);
    made->set_help_flag();
    made->fallthrough();
    commands.push_back(made);
  }
  if (!commands.empty()) app.require_subcommand(0, 1);

  // A deque would do as well: what CLI11 writes to must not move.
  std::vector<std::unique_ptr<std::vector<std::string>>> given;
  std::vector<CLI::Option*> made;
  std::vector<CLI::Option*> negated; // --no-NAME of a switch
  for (const auto& item : items_) {
    negated.push_back(nullptr);
    given.push_back(std::make_unique<std::vector<std::string>>());
    made.push_back(nullptr);
    if (item->is_secret) continue;
    CLI::App* owner = &app;
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      if (commands_[i].name == item->command) owner = commands[i];
    }
    if (item->positional) {
      made.back() = owner->add_option(item->name, *given.back());
      if (!item->list) made.back()->expected(0, 1);
      continue;
    }
    const std::string names = (item->alias ? fmt::format("-{},", item->alias) : "") + "--" + item->name;
    if (item->is_switch()) {
      made.back() = owner->add_flag(names);
      negated.back() = owner->add_flag("--no-" + item->name);
      negated.back()->excludes(made.back());
    } else {
      made.back() = owner->add_option(names, *given.back())->expected(1)->take_all();
      made.back()->allow_extra_args(false);
    }
  }

  const auto usage = [this](const std::string& text) {
    complain(tool_name(tool_), text + " (see --help)");
    return static_cast<int>(ExitCode::usage);
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage(error.what());
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (commands[i]->parsed()) command_given_ = commands_[i].name;
  }
  if (help || help_all) {
    const std::string text = has_flags(command_given_) && !help_all
                                 ? command_help(command_given_)
                                 : help_text(help_all ? Detail::all : Detail::common);
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  if (version) {
    std::fputs((tool_name(tool_) + " " TALKY_VERSION "\n").c_str(), stdout);
    return 0;
  }
  if (!shell.empty()) {
    const std::string script = completion(shell);
    if (script.empty()) return usage("--completion: \"" + shell + "\" is not bash, zsh or fish");
    std::fputs(script.c_str(), stdout);
    return 0;
  }

  try {
    if (has_config_) {
      const char* variable = std::getenv(environment_name(tool_, "config").c_str());
      if (config_path_.empty() && variable) config_path_ = variable;
      if (!config_path_.empty()) apply_file(config_path_);
    }
    apply_environment();
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = *items_[i];
      const bool off = negated[i] && negated[i]->count() > 0;
      const bool there = off || (made[i] && made[i]->count() > 0);
      if (!item.command.empty() && item.command != command_given_) continue;
      if (item.positional && item.command != command_given_) continue;
      if (item.required && !there) throw Failure(ExitCode::usage, item.name + " is missing (see --help)");
      if (!there) continue;
      if (off && negated[i]->results().back() != "true")
        throw Failure(ExitCode::usage, fmt::format("--no-{} takes no value", item.name));
      const std::vector<std::string> values = off                ? std::vector<std::string>{"false"}
                                              : item.is_switch() ? last_of(made[i]->results())
                                                                 : *given[i];
      if (!item.list && values.size() > 1) {
        throw Failure(ExitCode::usage, fmt::format("--{} was given {} times", item.name, values.size()));
      }
      if (const auto expected = item.assign(values, Source::flag)) {
        throw Failure(ExitCode::usage, fmt::format("{}{}: \"{}\" is not {}", item.positional ? "" : "--",
                                                   item.name, fmt::join(values, " "), *expected));
      }
    }
    if (validate_) validate_();
  } catch (const Failure& failure) {
    complain(tool_name(tool_), failure.what());
    return static_cast<int>(failure.code());
  }
  if (print) {
    std::fputs(print_config().c_str(), stdout);
    return 0;
  }
  if (check) return 0;
  return std::nullopt;
}

} // namespace talky::cli
