// The command line, cut into flags and values by CLI11. What the values mean is said by the option table, as
// for the other sources, so that an error reads the same wherever it was made. For common/cli alone.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "cli/options.hpp"

namespace talky::cli {

class CommandLine {
 public:
  // What every tool understands, beside its table.
  struct Asked {
    bool help = false, help_all = false, version = false, print_config = false, check_config = false;
    std::string shell;   // of --completion
    std::string config;  // path of --config
    std::string command; // "" : none
  };

  explicit CommandLine(const Options::Table& table);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Why it cannot be understood, or nothing.
  std::optional<std::string> parse(const Options::Table& table, int argc, const char* const* argv);
  const Asked& asked() const { return asked_; }
  // Sets the values that were given. Throws Failure (usage).
  void apply(Options::Table& table) const;

 private:
  struct Flag;
  struct Parser;
  static void apply(Options::Item& item, const Flag& flag);

  Asked asked_;
  std::unique_ptr<Parser> parser_;
};

} // namespace talky::cli
