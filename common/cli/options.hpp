// One table of a tool's options, from which come its flags, its YAML keys, its environment variables, --help,
// --print-config, --check-config and the shell completions. A value comes from, in this order:
//
//     the flag --rtp-ports   the variable TALKY_SIPD_RTP_PORTS   the key `rtp-ports` of --config FILE   the
//     default
//
// A list (std::vector) is replaced as a whole by the stronger source; in the environment its items stand one
// a line or separated by ';'. See cli/main.hpp for an example.
//
// Every tool has --help, --help-all, --version and --completion SHELL; one that calls config_file() has also
// --config,
// --check-config and --print-config.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cli/exit_code.hpp"

namespace talky::cli {

// Where the value that holds now came from.
enum class Source : std::uint8_t { standard, file, environment, flag };

class Options {
 public:
  struct Item;
  struct Table;

  // Refines what add() has just made.
  class Handle {
   public:
    explicit Handle(Item& item, std::string command = {}) : item_(&item), command_(std::move(command)) {}
    Handle& alias(char letter);                       // -r
    Handle& choices(std::vector<std::string> values); // only these; for completion and for --help
    Handle& files();                                  // completes to file names
    Handle& directories();
    Handle& secret();    // no flag: only file and environment; masked in --print-config
    Handle& flag_only(); // neither YAML key nor environment variable
    Handle& hidden();    // not in --help
    // Belongs to the command that was named last: only there it is understood, and only the command's own
    // --help shows it. Neither YAML key nor environment variable.
    Handle& of_command();
    // Refuses a value: gives what was expected ("a port from 1 to 65535"), or nothing if it is fine.
    Handle& check(std::function<std::optional<std::string>(const std::string&)> check);

   private:
    Item* item_;
    std::string command_; // the last one named
  };

  Options(std::string_view tool, std::string_view summary); // tool without "talky-"
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // Heading for the options that follow.
  void group(std::string_view title);

  // `target` holds the default, is written by parse() and must outlive it.
  Handle add(std::string_view name, std::string& target, std::string_view metavar, std::string_view help);
  Handle add(std::string_view name, std::vector<std::string>& target, std::string_view metavar,
             std::string_view help);
  Handle add(std::string_view name, std::optional<std::string>& target, std::string_view metavar,
             std::string_view help);
  Handle add(std::string_view name, double& target, std::string_view metavar, std::string_view help);
  template <class Number>
  requires std::is_integral_v<Number> &&(!std::is_same_v<Number, bool>)Handle
      add(std::string_view name, Number& target, std::string_view metavar, std::string_view help);
  // --force, and --no-force for a flag that is on (help shows the one that changes the default); in YAML and
  // the environment true/false, yes/no, on/off, 1/0.
  Handle flag(std::string_view name, bool& target, std::string_view help);

  // Arguments without a flag, in order; a vector takes the rest. Optional unless `required`.
  Handle positional(std::string_view metavar, std::string& target, std::string_view help,
                    bool required = false);
  Handle positional(std::string_view metavar, std::vector<std::string>& target, std::string_view help,
                    bool required = false);

  // `talky-sipd explain NUMBER`: positionals that follow belong to the command, flags to all of them unless
  // they say of_command(). After parse(), command() names the one that was given, or is empty. A command with
  // flags of its own has a help of its own: `talky-sipd calls --help`, with the examples of example_of().
  void command(std::string_view name, std::string_view help);
  const std::string& command() const { return command_given_; }

  // Those options that --help leaves to --help-all, so that it fits a screen. Names that were not added are a
  // mistake in the program: std::logic_error.
  void rare(std::initializer_list<std::string_view> names);

  void config_file();
  // Called after parsing for --check-config and at a normal start alike: throws Failure for a bad value.
  void validate(std::function<void()> validate);
  void example(std::string_view line, std::string_view meaning); // three of them end --help
  void example_of(std::string_view command, std::string_view line, std::string_view meaning);
  void footer(std::string_view text); // stands before the examples

  // nullopt: go on. Otherwise exit with this code: --help, --version, --print-config or the like has been
  // printed on stdout, or an error on stderr.
  std::optional<int> parse(int argc, const char* const* argv);

  Source source(std::string_view name) const;
  // The YAML text of --print-config, each value with the source it came from.
  std::string print_config() const;
  // Whether --config was given, and where.
  const std::string& config_path() const { return config_path_; }

 private:
  using Set = std::function<std::optional<std::string>(const std::vector<std::string>&)>;
  using Get = std::function<std::vector<std::string>()>;
  Handle handle_of(Item& item) const;
  Handle positional(Handle handle, bool required);
  Item& make(std::string_view name, std::string_view metavar, std::string_view help, Set set, Get get);
  Handle add_integer(std::string_view name, std::string_view metavar, std::string_view help, std::int64_t low,
                     std::uint64_t high, std::function<void(std::int64_t, std::uint64_t)> write,
                     std::function<std::string()> read);

  std::unique_ptr<Table> table_;
  std::string group_, config_path_, command_given_;
  std::function<void()> validate_;
};

template <class Number>
requires std::is_integral_v<Number> &&
    (!std::is_same_v<Number, bool>)Options::Handle Options::add(std::string_view name, Number& target,
                                                                std::string_view metavar,
                                                                std::string_view help) {
  using Limits = std::numeric_limits<Number>;
  return add_integer(
      name, metavar, help, static_cast<std::int64_t>(Limits::min()),
      static_cast<std::uint64_t>(Limits::max()),
      [&target](std::int64_t negative, std::uint64_t positive) {
        target = negative < 0 ? static_cast<Number>(negative) : static_cast<Number>(positive);
      },
      [&target] { return std::to_string(target); });
}

} // namespace talky::cli
