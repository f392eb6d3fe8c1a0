// Between recogniser and dialogue: one spelling for what recognisers write in many. They were trained on old
// books ("to-morrow", "Good-by", "hair-cut"), on subtitles ("A. M.", "10:30"), and on figures without their
// points ("1030"); the finders of dates, times and numbers know one form of each. Pure.
//
// What is not known stays as it was written, with its punctuation and capitals, so that the result is still
// a sentence that can be shown and read.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace talky::language {

struct Reading {
  // What the figures "12/5" mean. Where only one order gives a date ("12/15"), that one is taken.
  enum class DateOrder : std::uint8_t { month_first, day_first };
  // What was asked for, where that decides between two readings: "to" is 2 among digits, "1030" alone is a
  // time for whoever was asked for one.
  enum class Asked : std::uint8_t { anything, digits, time, date };

  DateOrder date_order = DateOrder::month_first;
  Asked asked = Asked::anything;
};

// "at 1030" -> "at 10:30", "ten thirty A. M." -> "ten thirty am", "on twenty-first" -> "on the twenty-first",
// "12/15" -> "December 15", "to-morrow" -> "tomorrow". Normal text stays as it is; what is normalised once is
// not changed by a second time.
std::string normalised(std::string_view text, const Reading& reading = {});

} // namespace talky::language
