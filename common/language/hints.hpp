// What narrows a day or an hour down without naming one: "this weekend", "in the morning", "not Tuesday", "a
// bit later". Such words are no value, but they are understood: the next question and the next answer depend
// on them.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "language/calendar.hpp"

namespace talky::language {

struct DayHint {
  std::size_t begin = 0, end = 0; // words
  std::optional<DaySpan> span;    // nothing: only that some days are not meant
  bool earliest = false;          // "as soon as possible"
  std::string text;               // as one says it: "next week"
};

struct TimeHint {
  std::size_t begin = 0, end = 0; // words
  TimeOfDay from{0, 0}, to{23, 59};
  std::optional<int> minute; // "ten past" without its hour
  bool earliest = false;     // "as early as you can", "first thing"
  bool latest = false;       // "the last appointment"
  std::string text;          // "in the morning"
};

// The spans of days in what was said; `taken` marks words that are something else already.
std::vector<DayHint> find_day_hints(const Words& words, const DayContext& context,
                                    const std::vector<bool>& taken);
std::vector<TimeHint> find_time_hints(const Words& words, const TimeContext& context,
                                      const std::vector<bool>& taken);

// "Saturday or Sunday", "from Monday to Friday": the days of a short span.
std::string spoken(const DaySpan& span);

} // namespace talky::language
