// What happens in a call as lines of the log and as entries of its journal.
#pragma once
#include <optional>
#include <string>

#include "core/log.hpp"
#include "sipd/messages/call_event.hpp"

namespace talky::sipd {

struct LogEntry {
  log::Level level = log::Level::info;
  log::Line line;
};
std::optional<LogEntry> log_entry(const CallFacts& call, const CallEvent& event); // nullopt: none

// {"t_ms":20,"to_agent":{...}} without a line end; "": the journal does not have it.
std::string journal_entry(const CallFacts& call, const CallEvent& event, Time now);

} // namespace talky::sipd
