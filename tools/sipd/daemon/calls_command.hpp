// `talky-sipd calls`: the call records in a terminal, as JSON or as CSV.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "store/database.hpp"

namespace talky::sipd {

struct CallsOptions {
  std::string uuid; // one call with all that is known of it; "": a list
  std::string since, until;
  std::string from, to, text;
  std::vector<std::string> causes;
  std::string sort = "invited";
  bool ascending = false;
  std::uint64_t limit = 50; // 0: all
  bool json = false, csv = false;
};

// Puts the command and its flags into the table of talky-sipd.
void add_calls_command(cli::Options& options, CallsOptions& calls);

// Prints them; gives the exit code. Throws cli::Failure.
int list_calls(const CallsOptions& calls, const std::optional<store::Location>& place);

} // namespace talky::sipd
