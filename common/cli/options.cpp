#include "cli/options.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "cli/command_line.hpp"
#include "cli/main.hpp"
#include "cli/table.hpp"
#include "core/ascii.hpp"

namespace talky::cli {
namespace {

std::optional<bool> to_bool(const std::string& text) {
  const std::string word = ascii::lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0" || word.empty()) return false;
  return std::nullopt;
}

} // namespace

std::optional<std::string> Options::Item::assign(const std::vector<std::string>& values, Source from) {
  for (const std::string& value : values) {
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      return fmt::format("one of {}", fmt::join(choices, ", "));
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
    : table_(std::make_unique<Table>()), group_("Options") {
  table_->tool = tool;
  table_->summary = summary;
}
Options::~Options() = default;

Options::Handle Options::handle_of(Item& item) const {
  return Handle(item, table_->commands.empty() ? "" : table_->commands.back().name);
}

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
  table_->items.push_back(std::move(item));
  return *table_->items.back();
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
  return positional(add(metavar, target, metavar, help), required);
}

Options::Handle Options::positional(std::string_view metavar, std::vector<std::string>& target,
                                    std::string_view help, bool required) {
  return positional(add(metavar, target, metavar, help), required);
}

Options::Handle Options::positional(Handle handle, bool required) {
  Item& item = *table_->items.back();
  item.positional = true;
  item.required = required;
  item.command = table_->commands.empty() ? "" : table_->commands.back().name;
  return handle;
}

void Options::rare(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto found = std::find_if(table_->items.begin(), table_->items.end(),
                                    [&](const auto& item) { return item->name == name; });
    if (found == table_->items.end()) throw std::logic_error(fmt::format("no option {}", name));
    (*found)->is_rare = true;
  }
}

void Options::command(std::string_view name, std::string_view help) {
  table_->commands.push_back({std::string(name), std::string(help), {}});
}

void Options::config_file() {
  table_->has_config = true;
}

void Options::validate(std::function<void()> validate) {
  validate_ = std::move(validate);
}

void Options::example(std::string_view line, std::string_view meaning) {
  table_->examples.push_back({std::string(line), std::string(meaning)});
}

void Options::example_of(std::string_view command, std::string_view line, std::string_view meaning) {
  for (Table::Command& one : table_->commands) {
    if (one.name == command) one.examples.push_back({std::string(line), std::string(meaning)});
  }
}

bool Options::Table::has_flags(std::string_view command) const {
  return std::any_of(items.begin(), items.end(), [&](const auto& item) {
    return !item->positional && !command.empty() && item->command == command;
  });
}

void Options::footer(std::string_view text) {
  table_->footer = text;
}

Source Options::source(std::string_view name) const {
  for (const auto& item : table_->items) {
    if (item->name == name) return item->source;
  }
  return Source::standard;
}

// --- Its values

std::string environment_name(std::string_view tool, std::string_view option) {
  std::string out = "TALKY_";
  for (const char c : std::string(tool) + "_" + std::string(option))
    out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

void apply_environment(Options::Table& table) {
  for (const auto& item : table.items) {
    if (!item->configurable()) continue;
    const std::string variable = environment_name(table.tool, item->name);
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

std::string Options::print_config() const {
  return cli::print_config(*table_);
}

std::optional<int> Options::parse(int argc, const char* const* argv) {
  const auto print = [](const std::string& text) {
    std::fputs(text.c_str(), stdout);
    return 0;
  };
  const auto usage = [this](const std::string& text) {
    complain(table_->program(), text + " (see --help)");
    return static_cast<int>(ExitCode::usage);
  };
  CommandLine line(*table_);
  if (const auto wrong = line.parse(*table_, argc, argv)) return usage(*wrong);
  const CommandLine::Asked& asked = line.asked();
  command_given_ = asked.command;
  config_path_ = asked.config;
  if (asked.help && !asked.help_all && table_->has_flags(command_given_))
    return print(command_help(*table_, command_given_));
  if (asked.help || asked.help_all) return print(help_text(*table_, asked.help_all));
  if (asked.version) return print(table_->program() + " " TALKY_VERSION "\n");
  if (!asked.shell.empty()) {
    const std::string script = completion(*table_, asked.shell);
    if (script.empty()) return usage("--completion: \"" + asked.shell + "\" is not bash, zsh or fish");
    return print(script);
  }

  try {
    if (table_->has_config) {
      const char* variable = std::getenv(environment_name(table_->tool, "config").c_str());
      if (config_path_.empty() && variable) config_path_ = variable;
      if (!config_path_.empty()) apply_file(*table_, config_path_);
    }
    apply_environment(*table_);
    line.apply(*table_);
    if (validate_) validate_();
  } catch (const Failure& failure) {
    complain(table_->program(), failure.what());
    return static_cast<int>(failure.code());
  }
  if (asked.print_config) return print(print_config());
  if (asked.check_config) return 0;
  return std::nullopt;
}

} // namespace talky::cli
