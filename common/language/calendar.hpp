// Dates and times of day as people say them, relative to a date that is passed in. Proleptic Gregorian
// calendar, weeks from Monday, English.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language/numbers.hpp"

namespace talky::language {

struct Date {
  int year = 1970;
  int month = 1;
  int day = 1;
  auto operator<=>(const Date&) const = default; // NOLINT(modernize-use-nullptr): a false alarm
};
struct TimeOfDay {
  int hour = 0;
  int minute = 0;
  auto operator<=>(const TimeOfDay&) const = default; // NOLINT(modernize-use-nullptr): a false alarm
};

bool valid(const Date& date);
Date add_days(const Date& date, std::int64_t days);
int weekday(const Date& date); // 0 is Monday
std::string_view weekday_name(int weekday);
std::string_view month_name(int month); // 1..12

std::string to_iso(const Date& date);      // "2026-11-27"
std::string to_iso(const TimeOfDay& time); // "15:30"
std::optional<Date> date_from_iso(std::string_view text);
std::optional<TimeOfDay> time_from_iso(std::string_view text);

// "tomorrow, Tuesday, November twenty-fourth"; "Friday, November twenty-seventh"; with the year if it is
// another.
std::string spoken(const Date& date, const Date& today);
// "nine in the morning", "three thirty in the afternoon", "noon"
std::string spoken(const TimeOfDay& time);

// A value that was named, and whether it was to say that it is not meant: "not Friday", "Friday is no good".
template <class T>
struct Mention : Found<T> {
  bool denied = false;
  bool bare = false; // a weekday alone, an hour alone: it may stand for the one that is known already
};

struct DaySpan {
  Date from, to;
  bool operator==(const DaySpan&) const = default;
};

// What is known when a day is heard.
struct DayContext {
  Date today;
  std::optional<Date> known = {};     // the day that is talked about: "the day after", "a week later"
  std::optional<DaySpan> within = {}; // "next week" was said before: then "Tuesday" is that week's
  bool asked = false;                 // "twenty-first" without its article is a day
};

// "today", "tomorrow", "the day after tomorrow", "Friday" (the first after today), "this Friday" (today or
// later), "next Friday" (that of the next week), "Friday week", "in three days", "a fortnight on Thursday"
// (two weeks after Thursday), "the week after next on Wednesday", "the Monday after next", "the 27th" (this
// month or later), "November 27th", "the 27th of November 2027", "the last Friday of the month", "the second
// of next month", "Christmas Eve", "Easter Monday", "the day before Good Friday", "2026-11-27". A day and
// month without a year is the next one.
std::vector<Mention<Date>> date_mentions(const Words& words, const DayContext& context);
// Those of them that are meant.
std::vector<Found<Date>> find_dates(const Words& words, const Date& today);

// Hours within which a time without "a.m." or "p.m." is meant.
struct Hours {
  TimeOfDay from{8, 0};
  TimeOfDay to{20, 0};
};

// What is known when an hour is heard.
struct TimeContext {
  bool asked = false; // a bare number is a time
  Hours hours = {};
  std::optional<TimeOfDay> known = {}; // "an hour later", "make it half past"
  std::optional<int> minute = {};      // "ten past" was said before: then "three" is ten past three
  std::optional<TimeOfDay> now = {};   // "in an hour"
  std::optional<bool> later_half = {}; // "in the afternoon" or "in the morning" was said before
};

// "half past three", "quarter to five", "ten to nine", "three thirty", "3:30 pm", "nine oh five", "at ten",
// "four o'clock", "noon", "seven in the evening", "an hour later than ten", "half an hour earlier". `taken`
// marks words that are something else already.
std::vector<Mention<TimeOfDay>> time_mentions(const Words& words, const TimeContext& context,
                                              const std::vector<bool>& taken);
std::vector<Found<TimeOfDay>> find_times(const Words& words, bool asked, const Hours& hours,
                                         const std::vector<bool>& taken);

} // namespace talky::language
