// Dates in what somebody says.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "language/calendar.hpp"
#include "language/said.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

std::optional<int> weekday_of(std::string_view word) {
  static constexpr std::array<std::string_view, 7> kShort = {"mon", "tue", "", "thu", "fri", "", ""};
  for (int day = 0; day < 7; ++day) {
    const std::string_view abbreviation = kShort[static_cast<std::size_t>(day)];
    if (ascii::iequals(word, weekday_name(day)) || (!word.empty() && word == abbreviation)) return day;
  }
  if (word == "tues") return 1;
  if (word == "thurs" || word == "thur") return 3;
  return std::nullopt;
}

std::optional<int> month_of(std::string_view word) {
  for (int month = 1; month <= 12; ++month) {
    const bool abbreviated = word.size() == 3 && ascii::iequals(word, month_name(month).substr(0, 3));
    if (ascii::iequals(word, month_name(month)) || abbreviated) return month;
  }
  if (word == "sept") return 9;
  return std::nullopt;
}

class DateFinder {
 public:
  DateFinder(const Words& words, const Date& today) : words_(words), today_(today) {}

  std::optional<Found<Date>> at(std::size_t i) const {
    for (const auto form :
         {&DateFinder::iso, &DateFinder::relative, &DateFinder::in_days, &DateFinder::from_then,
          &DateFinder::by_weekday, &DateFinder::by_month, &DateFinder::by_day}) {
      if (auto found = (this->*form)(i)) return found;
    }
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  Found<Date> found(std::size_t begin, std::size_t end, std::int64_t days) const {
    return {begin, end, add_days(today_, days)};
  }

  std::optional<Found<Date>> iso(std::size_t i) const {
    if (word(i).size() != 4 || word(i + 1).size() != 2 || word(i + 2).size() != 2) return std::nullopt;
    const auto date = date_from_iso(fmt::format("{}-{}-{}", word(i), word(i + 1), word(i + 2)));
    if (!date) return std::nullopt;
    return Found<Date>{i, i + 3, *date};
  }

  std::optional<Found<Date>> relative(std::size_t i) const {
    if (word(i) == "today" || word(i) == "tonight") return found(i, i + 1, 0);
    if (word(i) == "tomorrow") {
      if (word(i + 1) == "week") return found(i, i + 2, 8);
      return found(i, i + 1, 1);
    }
    const std::size_t day = word(i) == "the" ? i + 1 : i;
    if (word(day) == "day" && word(day + 1) == "after" && word(day + 2) == "tomorrow")
      return found(i, day + 3, 2);
    return std::nullopt;
  }

  // "in three days", "two weeks from now", "in a week"
  std::optional<Found<Date>> in_days(std::size_t i) const {
    const bool in = word(i) == "in";
    const std::size_t at = in ? i + 1 : i;
    std::int64_t count = 1;
    std::size_t unit = at + 1;
    if (word(at) != "a" && word(at) != "one") {
      const auto number = cardinal_at(words_, at);
      if (!number || number->value > 1000) return std::nullopt;
      count = number->value;
      unit = number->end;
    }
    std::int64_t days = 0;
    if (word(unit) == "day" || word(unit) == "days") days = count;
    if (word(unit) == "week" || word(unit) == "weeks") days = 7 * count;
    if (days == 0) return std::nullopt;
    std::size_t end = unit + 1;
    if (word(end) == "time") ++end;
    const bool from_now = word(end) == "from" && (word(end + 1) == "now" || word(end + 1) == "today");
    if (from_now) return found(i, end + 2, days);
    if (!in) return std::nullopt;
    return found(i, end, days);
  }

  // "a week from Monday", "two weeks from tomorrow", "a week on Friday"
  std::optional<Found<Date>> from_then(std::size_t i) const {
    std::int64_t weeks = 1;
    std::size_t unit = i + 1;
    if (word(i) != "a" && word(i) != "one") {
      const auto number = cardinal_at(words_, i);
      if (!number || number->value > 52) return std::nullopt;
      weeks = number->value;
      unit = number->end;
    }
    if ((word(unit) != "week" && word(unit) != "weeks") ||
        (word(unit + 1) != "from" && word(unit + 1) != "on")) {
      return std::nullopt;
    }
    auto then = relative(unit + 2);
    if (!then) then = by_weekday(unit + 2);
    if (!then) return std::nullopt;
    return Found<Date>{i, then->end, add_days(then->value, 7 * weeks)};
  }

  std::optional<Found<Date>> by_weekday(std::size_t i) const {
    const int now = weekday(today_);
    std::size_t at = i;
    const bool next = word(at) == "next";
    const bool here = word(at) == "this" || word(at) == "coming";
    if (next || here) ++at;
    if (here && word(at) == "coming") ++at;
    bool next_week = false;
    if (next && word(at) == "week") { // "next week on Friday"
      next_week = true;
      ++at;
      if (word(at) == "on") ++at;
    }
    const auto day = weekday_of(word(at));
    if (!day) return std::nullopt;
    ++at;
    if (word(at) == "next" && word(at + 1) == "week") { // "Friday next week"
      next_week = true;
      at += 2;
    }
    if (next || next_week) return found(i, at, 7 - now + *day);
    const int ahead = (*day - now + 7) % 7;
    if (word(at) == "week") return found(i, at + 1, (ahead == 0 ? 7 : ahead) + 7); // "Friday week"
    return found(i, at, ahead == 0 && !here ? 7 : ahead);
  }

  // With a year as given, else the next one that is not past.
  std::optional<Found<Date>> day_of_month(std::size_t begin, std::size_t end, int month,
                                          std::int64_t day) const {
    Date date{today_.year, month, static_cast<int>(std::clamp<std::int64_t>(day, 0, 99))};
    const auto year = ascii::to_number<int>(word(end));
    if (year && *year >= 2000 && *year < 2100) {
      date.year = *year;
      ++end;
    } else if (date < today_) {
      ++date.year;
    }
    if (!valid(date)) return std::nullopt;
    return Found<Date>{begin, end, date};
  }

  // "November 27th", "November the twenty-seventh", "the 27th of November", "27 November"
  std::optional<Found<Date>> by_month(std::size_t i) const {
    if (const auto month = month_of(word(i))) {
      const std::size_t at = word(i + 1) == "the" ? i + 2 : i + 1;
      auto day = ordinal_at(words_, at);
      if (!day) day = cardinal_at(words_, at);
      if (day && day->value >= 1 && day->value <= 31) return day_of_month(i, day->end, *month, day->value);
      return std::nullopt;
    }
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    auto day = ordinal_at(words_, at);
    if (!day) day = cardinal_at(words_, at);
    if (!day || day->value < 1 || day->value > 31) return std::nullopt;
    // "Thirty-first of February" is no day; it is not "first of February" either.
    if (at == i && i > 0 && day->value < 10) {
      const auto tens = cardinal_at(words_, i - 1);
      if (tens && tens->end == i && tens->value >= 20 && tens->value % 10 == 0) return std::nullopt;
    }
    const std::size_t name = word(day->end) == "of" ? day->end + 1 : day->end;
    const auto month = month_of(word(name));
    if (!month) return std::nullopt;
    return day_of_month(i, name + 1, *month, day->value);
  }

  // "the 27th": in this month or the first later one that has such a day
  std::optional<Found<Date>> by_day(std::size_t i) const {
    const bool article = word(i) == "the";
    const std::size_t at = article ? i + 1 : i;
    const auto day = ordinal_at(words_, at);
    if (!day || day->value < 1 || day->value > 31) return std::nullopt;
    // "The 31st of February" is no day at all, and not the next 31st.
    const std::size_t behind = word(day->end) == "of" ? day->end + 1 : day->end;
    const bool has_month = month_of(word(behind)) || (i > 0 && month_of(words_[i - 1])) ||
                           (i > 1 && words_[i - 1] == "the" && month_of(words_[i - 2]));
    if (has_month) return std::nullopt;
    const bool in_figures = ascii::is_digit(words_[at][0]);
    if (!article && !in_figures) return std::nullopt;
    static constexpr std::array kNotDays = {"one"sv,      "available"sv, "appointment"sv, "slot"sv,
                                            "thing"sv,    "time"sv,      "question"sv,    "option"sv,
                                            "possible"sv, "opening"sv,   "floor"sv};
    if (std::find(kNotDays.begin(), kNotDays.end(), word(day->end)) != kNotDays.end()) return std::nullopt;
    Date date{today_.year, today_.month, static_cast<int>(day->value)};
    for (int months = 0; months < 12; ++months) {
      if (valid(date) && date >= today_) return Found<Date>{i, day->end, date};
      if (++date.month > 12) {
        date.month = 1;
        ++date.year;
      }
    }
    return std::nullopt;
  }

  const Words& words_;
  const Date& today_;
};

} // namespace

std::vector<Found<Date>> find_dates(const Words& words, const Date& today) {
  return find_all<Date>(DateFinder(words, today), words);
}

} // namespace talky::language
