#include "sipd/messages/call_out.hpp"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"

namespace talky::sipd {

PeerPasswords PeerPasswords::load(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    throw cli::Failure(cli::ExitCode::no_input,
                       fmt::format("--calls-out-passwords {}: cannot be read", path));
  PeerPasswords out;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = ascii::trim(line);
    if (text.empty() || text.front() == '#') continue;
    const std::size_t space = text.find_first_of(" \t");
    const std::string_view rest = space == std::string_view::npos ? "" : ascii::trim(text.substr(space));
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      throw cli::Failure(cli::ExitCode::config,
                         fmt::format("{}:{}: expected HOST USER:PASSWORD", path, number));
    }
    out.entries_.push_back({ascii::lower(text.substr(0, space)),
                            {std::string(rest.substr(0, colon)), std::string(rest.substr(colon + 1))}});
  }
  if (file.bad())
    throw cli::Failure(cli::ExitCode::io, fmt::format("--calls-out-passwords {}: reading failed", path));
  return out;
}

std::optional<call::Credentials> PeerPasswords::find(std::string_view host) const {
  for (const Entry& entry : entries_) {
    if (entry.host == "*" || ascii::iequals(entry.host, host)) return entry.credentials;
  }
  return std::nullopt;
}

} // namespace talky::sipd
