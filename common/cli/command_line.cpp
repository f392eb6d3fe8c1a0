#include "cli/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <fmt/format.h>
#include <utility>
#include <vector>

#include "cli/table.hpp"

namespace talky::cli {

// A row of the table, as CLI11 knows it. It does not move: CLI11 writes into it.
struct CommandLine::Flag {
  CLI::Option* option = nullptr;  // null: there is no flag for it
  CLI::Option* negated = nullptr; // --no-NAME of a switch
  std::vector<std::string> values;

  bool is_off() const { return negated != nullptr && negated->count() > 0; }
  bool is_given() const { return is_off() || (option != nullptr && option->count() > 0); }
};

struct CommandLine::Parser {
  CLI::App app;
  std::vector<CLI::App*> commands;          // in the order of the table
  std::vector<std::unique_ptr<Flag>> flags; // in the order of its items

  explicit Parser(const Options::Table& table) : app(table.summary, table.program()) {
    app.set_help_flag(); // ours fits a screen
    app.allow_extras(false);
  }

  void add_commands(const Options::Table& table) {
    for (const auto& command : table.commands) {
      CLI::App* made = app.add_subcommand(command.name, command.help);
      made->set_help_flag();
      made->fallthrough();
      commands.push_back(made);
    }
    if (!commands.empty()) app.require_subcommand(0, 1);
  }

  void add(const Options::Table& table, const Options::Item& item) {
    Flag& flag = *flags.emplace_back(std::make_unique<Flag>());
    if (item.is_secret) return;
    CLI::App* owner = &app;
    for (std::size_t i = 0; i < table.commands.size(); ++i) {
      if (table.commands[i].name == item.command) owner = commands[i];
    }
    if (item.positional) {
      flag.option = owner->add_option(item.name, flag.values);
      if (!item.list) flag.option->expected(1)->allow_extra_args(false); // a second word is the next one's
      return;
    }
    const std::string names = (item.alias ? fmt::format("-{},", item.alias) : "") + "--" + item.name;
    if (item.is_switch()) {
      flag.option = owner->add_flag(names);
      flag.negated = owner->add_flag("--no-" + item.name);
      flag.negated->excludes(flag.option);
    } else {
      flag.option = owner->add_option(names, flag.values)->expected(1)->take_all();
      flag.option->allow_extra_args(false);
    }
  }
};

CommandLine::CommandLine(const Options::Table& table) : parser_(std::make_unique<Parser>(table)) {
  CLI::App& app = parser_->app;
  app.add_flag("-h,--help", asked_.help);
  app.add_flag("--help-all", asked_.help_all);
  app.add_flag("--version", asked_.version);
  app.add_option("--completion", asked_.shell);
  if (table.has_config) {
    app.add_option("--config", asked_.config);
    app.add_flag("--print-config", asked_.print_config);
    app.add_flag("--check-config", asked_.check_config);
  }
  parser_->add_commands(table);
  for (const auto& item : table.items)
    parser_->add(table, *item);
}

CommandLine::~CommandLine() = default;

std::optional<std::string> CommandLine::parse(const Options::Table& table, int argc,
                                              const char* const* argv) {
  try {
    parser_->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  for (std::size_t i = 0; i < parser_->commands.size(); ++i) {
    if (parser_->commands[i]->parsed()) asked_.command = table.commands[i].name;
  }
  return std::nullopt;
}

void CommandLine::apply(Options::Table& table) const {
  for (std::size_t i = 0; i < table.items.size(); ++i) {
    Options::Item& item = *table.items[i];
    const Flag& flag = *parser_->flags[i];
    if (!item.command.empty() && item.command != asked_.command) continue;
    if (item.positional && item.command != asked_.command) continue;
    if (item.required && !flag.is_given())
      throw Failure(ExitCode::usage, item.name + " is missing (see --help)");
    if (flag.is_given()) apply(item, flag);
  }
}

void CommandLine::apply(Options::Item& item, const Flag& flag) {
  if (flag.is_off() && flag.negated->results().back() != "true")
    throw Failure(ExitCode::usage, fmt::format("--no-{} takes no value", item.name));
  std::vector<std::string> values = flag.values;
  if (flag.is_off()) {
    values = {"false"};
  } else if (item.is_switch()) { // may be given often, and with a value: --NAME=false
    values = {flag.option->results().back()};
  }
  if (!item.list && values.size() > 1)
    throw Failure(ExitCode::usage, fmt::format("--{} was given {} times", item.name, values.size()));
  if (const auto expected = item.assign(values, Source::flag)) {
    throw Failure(ExitCode::usage, fmt::format("{}{}: \"{}\" is not {}", item.positional ? "" : "--",
                                               item.name, fmt::join(values, " "), *expected));
  }
}

} // namespace talky::cli
