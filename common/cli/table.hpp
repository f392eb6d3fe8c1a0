// The option table, and what is made from it; for common/cli alone.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"

namespace talky::cli {

struct Options::Item {
  enum class Completes : std::uint8_t { nothing, files, directories };

  std::string name;    // of the flag without dashes; of a positional its metavar
  std::string metavar; // "" for a flag without a value
  std::string help;
  std::string group;
  std::string command; // positionals: the command they belong to, or ""
  char alias = 0;
  bool positional = false;
  bool list = false;
  bool required = false;
  bool is_secret = false;
  bool only_flag = false;
  bool is_hidden = false;
  bool is_rare = false;
  bool built_in = false; // --help and its like: neither printed nor configured
  Completes completes = Completes::nothing;
  std::vector<std::string> choices;
  std::function<std::optional<std::string>(const std::string&)> check;
  Set set; // what was expected, if the values are not that
  Get get;
  Source source = Source::standard;

  bool is_switch() const { return metavar.empty() && !positional; }
  bool configurable() const { return !positional && !only_flag && !built_in; }

  // Checks and sets. Gives what was expected, or nothing.
  std::optional<std::string> assign(const std::vector<std::string>& values, Source from);
};

struct Options::Table {
  struct Example {
    std::string line, meaning;
  };
  struct Command {
    std::string name, help;
    std::vector<Example> examples;
  };

  std::string tool, summary, footer; // tool without "talky-"
  std::vector<std::unique_ptr<Item>> items;
  std::vector<Command> commands;
  std::vector<Example> examples;
  bool has_config = false;

  std::string program() const { return "talky-" + tool; }
  bool has_flags(std::string_view command) const; // of its own
};

// TALKY_SIPD_RTP_PORTS
std::string environment_name(std::string_view tool, std::string_view option);

// The sources of values beside the flags (command_line.hpp). They throw Failure for a value that is not what
// was expected.
void apply_environment(Options::Table& table);
void apply_file(Options::Table& table, const std::string& path);

std::string help_text(const Options::Table& table, bool all);                      // --help, --help-all
std::string command_help(const Options::Table& table, const std::string& command); // calls --help
std::string completion(const Options::Table& table, std::string_view shell);       // "": no such shell
std::string print_config(const Options::Table& table);

} // namespace talky::cli
