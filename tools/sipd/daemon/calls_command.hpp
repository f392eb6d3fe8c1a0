// `talky-sipd calls`: the call records in a terminal, as JSON or as CSV.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

// "2026-11-22", "2026-11-22T17:05+01:00", "17:05" (today, UTC), "90m", "12h", "7d" (ago): milliseconds since
// 1970.
std::optional<std::int64_t> parse_when(std::string_view text, std::int64_t now_ms);

// Prints them; gives the exit code. Throws cli::Failure.
int list_calls(const CallsOptions& calls, const std::optional<store::Location>& place);

} // namespace talky::sipd
