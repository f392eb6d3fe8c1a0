#include "cli/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "cli/item.hpp"
#include "cli/main.hpp"
#include "core/ascii.hpp"

namespace talky::cli {
namespace {

std::string tool_name(const std::string& tool) {
  return "talky-" + tool;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words)
    out.append(out.empty() ? "" : between).append(word);
  return out;
}

std::optional<bool> to_bool(const std::string& text) {
  const std::string word = ascii::lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0" || word.empty()) return false;
  return std::nullopt;
}

} // namespace

std::string environment_name(std::string_view tool, std::string_view option) {
  std::string out = "TALKY_";
  for (const char c : std::string(tool) + "_" + std::string(option))
    out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

std::optional<std::string> Options::Item::assign(const std::vector<std::string>& values, Source from) {
  for (const std::string& value : values) {
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      return "one of " + joined(choices, ", ");
    }
    if (!check) continue;
    if (auto expected = check(value)) return expected;
  }
  if (auto expected = set(values)) return expected;
  source = from;
  return std::nullopt;
}

// --- Building the table

Options::Handle& Options::Handle::alias(char letter) {
  item_->alias = letter;
  return *this;
}
Options::Handle& Options::Handle::choices(std::vector<std::string> values) {
  item_->choices = std::move(values);
  return *this;
}
Options::Handle& Options::Handle::files() {
  item_->completes = Item::Completes::files;
  return *this;
}
Options::Handle& Options::Handle::directories() {
  item_->completes = Item::Completes::directories;
  return *this;
}
Options::Handle& Options::Handle::secret() {
  item_->is_secret = true;
  return *this;
}
Options::Handle& Options::Handle::flag_only() {
  item_->only_flag = true;
  return *this;
}
Options::Handle& Options::Handle::hidden() {
  item_->is_hidden = true;
  return *this;
}
Options::Handle& Options::Handle::of_command() {
  item_->command = command_;
  item_->only_flag = true;
  return *this;
}
Options::Handle& Options::Handle::check(std::function<std::optional<std::string>(const std::string&)> check) {
  item_->check = std::move(check);
  return *this;
}

Options::Options(std::string_view tool, std::string_view summary)
    : tool_(tool), summary_(summary), group_("Options") {}
Options::~Options() = default;

void Options::group(std::string_view title) {
  group_ = title;
}

Options::Item& Options::make(std::string_view name, std::string_view metavar, std::string_view help, Set set,
                             Get get) {
  auto item = std::make_unique<Item>();
  item->name = name;
  item->metavar = metavar;
  item->help = help;
  item->group = group_;
  item->set = std::move(set);
  item->get = std::move(get);
  items_.push_back(std::move(item));
  return *items_.back();
}

Options::Handle Options::add(std::string_view name, std::string& target, std::string_view metavar,
                             std::string_view help) {
  return handle_of(make(
      name, metavar, help,
      [&target](const auto& values) {
        target = values.empty() ? "" : values.back();
        return std::optional<std::string>();
      },
      [&target] { return std::vector{target}; }));
}

Options::Handle Options::add(std::string_view name, std::optional<std::string>& target,
                             std::string_view metavar, std::string_view help) {
  return handle_of(make(
      name, metavar, help,
      [&target](const auto& values) {
        target = values.empty() ? std::nullopt : std::optional(values.back());
        return std::optional<std::string>();
      },
      [&target] { return target ? std::vector{*target} : std::vector<std::string>{}; }));
}

Options::Handle Options::add(std::string_view name, std::vector<std::string>& target,
                             std::string_view metavar, std::string_view help) {
  Item& item = make(
      name, metavar, help,
      [&target](const auto& values) {
        target = values;
        return std::optional<std::string>();
      },
      [&target] { return target; });
  item.list = true;
  return handle_of(item);
}

Options::Handle Options::add(std::string_view name, double& target, std::string_view metavar,
                             std::string_view help) {
  return handle_of(make(
      name, metavar, help,
      [&target](const auto& values) -> std::optional<std::string> {
        const std::string text = values.empty() ? "" : values.back();
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (text.empty() || *end != '\0' || !(value == value)) return "a number";
        target = value;
        return std::nullopt;
      },
      [&target] { return std::vector{fmt::format("{}", target)}; }));
}

Options::Handle Options::add_integer(std::string_view name, std::string_view metavar, std::string_view help,
                                     std::int64_t low, std::uint64_t high,
                                     std::function<void(std::int64_t, std::uint64_t)> write,
                                     std::function<std::string()> read) {
  return handle_of(make(
      name, metavar, help,
      [low, high, write = std::move(write)](const auto& values) -> std::optional<std::string> {
        const std::string text = values.empty() ? "" : values.back();
        const auto positive = ascii::to_number<std::uint64_t>(text);
        const auto negative = ascii::to_number<std::int64_t>(text);
        const bool fits = (positive && *positive <= high) || (negative && *negative < 0 && *negative >= low);
        if (!fits) return fmt::format("a whole number from {} to {}", low, high);
        write(negative.value_or(0) < 0 ? *negative : 0, positive.value_or(0));
        return std::nullopt;
      },
      [read = std::move(read)] { return std::vector{read()}; }));
}

Options::Handle Options::flag(std::string_view name, bool& target, std::string_view help) {
  return handle_of(make(
      name, "", help,
      [&target](const auto& values) -> std::optional<std::string> {
        const auto value = to_bool(values.empty() ? "true" : values.back());
        if (!value) return "true or false";
        target = *value;
        return std::nullopt;
      },
      [&target] { return std::vector<std::string>{target ? "true" : "false"}; }));
}

Options::Handle Options::positional(std::string_view metavar, std::string& target, std::string_view help,
                                    bool required) {
  Handle handle = add(metavar, target, metavar, help);
  Item& item = *items_.back();
  item.positional = true;
  item.required = required;
  item.command = commands_.empty() ? "" : commands_.back().name;
  return handle;
}

Options::Handle Options::positional(std::string_view metavar, std::vector<std::string>& target,
                                    std::string_view help, bool required) {
  Handle handle = add(metavar, target, metavar, help);
  Item& item = *items_.back();
  item.positional = true;
  item.required = required;
  item.command = commands_.empty() ? "" : commands_.back().name;
  return handle;
}

void Options::rare(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto found =
        std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item->name == name; });
    if (found == items_.end()) throw std::logic_error(fmt::format("no option {}", name));
    (*found)->is_rare = true;
  }
}

void Options::command(std::string_view name, std::string_view help) {
  commands_.push_back({std::string(name), std::string(help), {}});
}

void Options::config_file() {
  has_config_ = true;
}

void Options::validate(std::function<void()> validate) {
  validate_ = std::move(validate);
}

void Options::example(std::string_view line, std::string_view meaning) {
  examples_.push_back({std::string(line), std::string(meaning)});
}

void Options::example_of(std::string_view command, std::string_view line, std::string_view meaning) {
  for (Command& one : commands_) {
    if (one.name == command) one.examples.push_back({std::string(line), std::string(meaning)});
  }
}

bool Options::has_flags(std::string_view command) const {
  return std::any_of(items_.begin(), items_.end(), [&](const auto& item) {
    return !item->positional && !command.empty() && item->command == command;
  });
}

void Options::footer(std::string_view text) {
  footer_ = text;
}

Source Options::source(std::string_view name) const {
  for (const auto& item : items_) {
    if (item->name == name) return item->source;
  }
  return Source::standard;
}

// --- Parsing

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
      const std::vector<std::string> values = off                ? std::vector<std::string>{"false"}
                                              : item.is_switch() ? std::vector<std::string>{}
                                                                 : *given[i];
      if (!item.list && values.size() > 1) {
        throw Failure(ExitCode::usage, fmt::format("--{} was given {} times", item.name, values.size()));
      }
      if (const auto expected = item.assign(values, Source::flag)) {
        throw Failure(ExitCode::usage, fmt::format("{}{}: \"{}\" is not {}", item.positional ? "" : "--",
                                                   item.name, joined(values, " "), *expected));
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
