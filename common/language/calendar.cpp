#include "language/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/ascii.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

constexpr std::array kWeekdays = {"Monday"sv, "Tuesday"sv,  "Wednesday"sv, "Thursday"sv,
                                  "Friday"sv, "Saturday"sv, "Sunday"sv};
constexpr std::array kMonths = {"January"sv,   "February"sv, "March"sv,    "April"sv,
                                "May"sv,       "June"sv,     "July"sv,     "August"sv,
                                "September"sv, "October"sv,  "November"sv, "December"sv};

// Days since 1970-01-01, after Howard Hinnant's "chrono-compatible low-level date algorithms".
std::int64_t to_days(const Date& date) {
  const std::int64_t y = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}
Date from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t doe = days - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const auto month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {static_cast<int>(yoe + era * 400 + (month <= 2 ? 1 : 0)), month,
          static_cast<int>(doy - (153 * mp + 2) / 5 + 1)};
}

} // namespace

bool valid(const Date& date) {
  if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return false;
  return from_days(to_days(date)) == date;
}
Date add_days(const Date& date, std::int64_t days) {
  return from_days(to_days(date) + days);
}
int weekday(const Date& date) {
  return static_cast<int>(((to_days(date) + 3) % 7 + 7) % 7); // 1970-01-01 was a Thursday
}
std::string_view month_name(int month) {
  return kMonths[static_cast<std::size_t>(month + 11) % 12];
}
std::string_view weekday_name(int weekday) {
  return kWeekdays[static_cast<std::size_t>(weekday) % 7];
}

std::string to_iso(const Date& date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}
std::string to_iso(const TimeOfDay& time) {
  return fmt::format("{:02}:{:02}", time.hour, time.minute);
}
std::optional<Date> date_from_iso(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = ascii::to_number<unsigned>(text.substr(0, 4));
  const auto month = ascii::to_number<unsigned>(text.substr(5, 2));
  const auto day = ascii::to_number<unsigned>(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const Date date{static_cast<int>(*year), static_cast<int>(*month), static_cast<int>(*day)};
  return valid(date) ? std::optional(date) : std::nullopt;
}
std::optional<TimeOfDay> time_from_iso(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hour = ascii::to_number<unsigned>(text.substr(0, colon));
  const auto minute = ascii::to_number<unsigned>(text.substr(colon + 1));
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return TimeOfDay{static_cast<int>(*hour), static_cast<int>(*minute)};
}

std::string spoken(const Date& date, const Date& today) {
  std::string out;
  if (date == today) out = "today, ";
  if (date == add_days(today, 1)) out = "tomorrow, ";
  out += kWeekdays[static_cast<std::size_t>(weekday(date))];
  out += ", ";
  out += kMonths[static_cast<std::size_t>(date.month - 1)];
  out += ' ' + ordinal_words(date.day);
  if (date.year != today.year && date > add_days(today, 180)) out += fmt::format(", {}", date.year);
  return out;
}

std::string spoken(const TimeOfDay& time) {
  if (time.minute == 0 && time.hour == 12) return "noon";
  if (time.minute == 0 && time.hour == 0) return "midnight";
  std::string out = cardinal_words(time.hour % 12 == 0 ? 12 : time.hour % 12);
  if (time.minute > 0 && time.minute < 10) out += " oh";
  if (time.minute > 0) out += ' ' + cardinal_words(time.minute);
  if (time.hour < 12) return out + " in the morning";
  if (time.hour < 18) return out + " in the afternoon";
  return out + (time.hour < 22 ? " in the evening" : " at night");
}

} // namespace talky::language
