// Which of the calls one wants to see, in which order, and how many at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/record.hpp"

namespace talky::store {

// All that is set must hold.
struct Filter {
  std::optional<std::int64_t> since_ms, until_ms; // of the INVITE: since <= t < until
  // Case does not count. A pattern of the shell with '*' and '?' over the whole text, or without these any
  // part of it. `from` looks at the URI and the display name, `to` at the URI and the dialled number.
  std::string from, to;
  std::string route;               // pattern or part, as above
  std::string text;                // in what was said by either side
  std::vector<std::string> causes; // any of these
  std::optional<bool> answered;
  std::string sip_call_id;                                      // exactly
  std::string direction;                                        // "in" or "out"
  std::optional<std::int64_t> min_duration_ms, max_duration_ms; // of answered calls, both included
};

enum class SortKey : std::uint8_t { invited, ended, duration, from, to, cause, mos, response };
// "invited", ..., as in the command line and the API.
std::optional<SortKey> to_sort_key(std::string_view name);
std::string_view to_string(SortKey key);

struct Query {
  static constexpr std::size_t kMaxLimit = 1000;

  Filter filter;
  SortKey sort = SortKey::invited;
  bool descending = true;  // the uuid decides between calls with the same value
  std::size_t limit = 100; // 1 to kMaxLimit
  // What Page::next said, with the same filter and order: goes on behind the last row that was given,
  // whatever was added or removed since. "" begins.
  std::string after;
  bool count = false; // fill Page::total
};

struct Page {
  std::vector<CallRecord> calls;     // with their files, without what was said: see Database::find
  std::string next;                  // letters and digits; "" : that was all
  std::optional<std::int64_t> total; // of the filter, on all pages
};

} // namespace talky::store
