// Dates and times of day in what somebody says.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "voice/calendar.hpp"

namespace talky::voice {
namespace {

using namespace std::string_view_literals;

std::string_view word_at(const Words& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at]) : std::string_view();
}

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

// "not", "isn't", "instead of" right before a value says that it is wrong.
bool denied(const Words& words, std::size_t at) {
  for (std::size_t back = 1; back <= 3 && back <= at; ++back) {
    const std::string& word = words[at - back];
    if (word == "not" || word == "isnt" || word == "wasnt") return true;
    if (word == "of" && at >= back + 1 && words[at - back - 1] == "instead") return true;
    if (word != "on" && word != "the" && word != "at" && word != "for" && word != "this" && word != "next")
      return false;
  }
  return false;
}

} // namespace

std::vector<Found<Date>> find_dates(const Words& words, const Date& today) {
  std::vector<Found<Date>> out;
  const DateFinder finder(words, today);
  for (std::size_t i = 0; i < words.size();) {
    const auto found = finder.at(i);
    if (found && !denied(words, i)) out.push_back(*found);
    i = found ? found->end : i + 1;
  }
  return out;
}

namespace {

class TimeFinder {
 public:
  TimeFinder(const Words& words, bool asked, const Hours& hours, const std::vector<bool>& taken)
      : words_(words), asked_(asked), hours_(hours), taken_(taken) {}

  std::optional<Found<TimeOfDay>> at(std::size_t i) const {
    if (taken(i)) return std::nullopt;
    if (word(i) == "noon" || word(i) == "midday") return Found<TimeOfDay>{i, i + 1, {12, 0}};
    if (word(i) == "midnight") return Found<TimeOfDay>{i, i + 1, {0, 0}};
    if (auto found = relative(i)) return found;
    return absolute(i);
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool taken(std::size_t i) const { return i < taken_.size() && taken_[i]; }

  // "half past three", "quarter to five", "ten past nine", "half three"
  std::optional<Found<TimeOfDay>> relative(std::size_t i) const {
    std::size_t at = i;
    std::int64_t minutes = 0;
    if (word(at) == "a" && word(at + 1) == "quarter") ++at;
    if (word(at) == "half" || word(at) == "quarter") {
      minutes = word(at) == "half" ? 30 : 15;
      ++at;
    } else if (const auto number = cardinal_at(words_, at);
               number && number->value >= 1 && number->value <= 29) {
      minutes = number->value;
      at = number->end;
      if (word(at) == "minutes") ++at;
    } else {
      return std::nullopt;
    }
    const bool past = word(at) == "past" || word(at) == "after";
    const bool to = word(at) == "to" || word(at) == "till" || word(at) == "before";
    if (past || to) {
      ++at;
    } else if (minutes != 30 || word(i) != "half") {
      return std::nullopt;
    }
    const auto hour = hour_at(at);
    if (!hour) return std::nullopt;
    std::int64_t total = hour->value * 60 + (to ? -minutes : minutes);
    if (total < 0) total += 12 * 60;
    return finish(i, hour->end, total / 60, total % 60, hour->value > 12);
  }

  std::optional<Found<std::int64_t>> hour_at(std::size_t at) const {
    auto hour = cardinal_at(words_, at);
    if (!hour || taken(at) || hour->end != at + 1 || hour->value > 24) return std::nullopt;
    return hour;
  }

  // "3:30", "three thirty", "nine oh five", "ten", "four o'clock"
  std::optional<Found<TimeOfDay>> absolute(std::size_t i) const {
    const std::size_t colon = word(i).find_first_of(":.");
    if (colon != std::string_view::npos) {
      const auto hour = ascii::to_number<unsigned>(word(i).substr(0, colon));
      const auto minute = ascii::to_number<unsigned>(word(i).substr(colon + 1));
      if (!hour || !minute || *hour > 24 || *minute > 59 || word(i).size() - colon != 3) return std::nullopt;
      return finish(i, i + 1, *hour, *minute, *hour > 12 || word(i)[0] == '0');
    }
    const auto hour = hour_at(i);
    if (!hour) return std::nullopt;
    std::size_t end = hour->end;
    bool sure = asked_ || introduced(i);
    std::int64_t minute = 0;
    if ((word(end) == "oh" || word(end) == "o") && word(end + 1).size() > 2) {
      const auto unit = cardinal_at(words_, end + 1);
      if (unit && unit->end == end + 2 && unit->value <= 9) {
        minute = unit->value;
        end = unit->end;
        sure = true;
      }
    } else if (const auto minutes = cardinal_at(words_, end); minutes && !taken(end) &&
                                                              minutes->value >= 10 && minutes->value <= 59 &&
                                                              word(minutes->end) != "days") {
      minute = minutes->value;
      end = minutes->end;
    }
    if (word(end) == "oclock") {
      ++end;
      sure = true;
    } else if (word(end) == "o" && word(end + 1) == "clock") {
      end += 2;
      sure = true;
    }
    if (word(end) == "tonight") sure = true; // it is a date as well, and stays one
    const auto found = finish(i, end, hour->value, minute, hour->value > 12);
    if (!found || (!sure && found->end == end)) return std::nullopt;
    return found;
  }

  // "at ten", "around ten"
  bool introduced(std::size_t i) const {
    if (i == 0) return false;
    const std::string& before = words_[i - 1];
    return before == "at" || before == "around" || before == "about" || before == "by" || before == "say";
  }

  // What follows says which half of the day is meant; else the hours do.
  std::optional<Found<TimeOfDay>> finish(std::size_t begin, std::size_t end, std::int64_t hour,
                                         std::int64_t minute, bool whole_day) const {
    bool morning = false;
    bool later = false;
    if (word(end) == "am" || word(end) == "pm") {
      morning = word(end) == "am";
      later = !morning;
      ++end;
    } else if ((word(end) == "a" || word(end) == "p") && word(end + 1) == "m") {
      morning = word(end) == "a";
      later = !morning;
      end += 2;
    } else if (word(end) == "in" && word(end + 1) == "the") {
      morning = word(end + 2) == "morning";
      later = word(end + 2) == "afternoon" || word(end + 2) == "evening";
      if (morning || later) end += 3;
    } else if (word(end) == "tonight" || (word(end) == "at" && word(end + 1) == "night")) {
      later = true;
      if (word(end) == "at") end += 2;
    }
    if (hour == 24) hour = 0;
    if (morning && hour == 12) hour = 0;
    if (later && hour < 12) hour += 12;
    TimeOfDay time{static_cast<int>(hour), static_cast<int>(minute)};
    if (!morning && !later && !whole_day && hour <= 12) time = within_hours(time);
    if (time.hour > 23) return std::nullopt;
    return Found<TimeOfDay>{begin, end, time};
  }

  TimeOfDay within_hours(TimeOfDay time) const {
    const TimeOfDay other{(time.hour + 12) % 24, time.minute};
    const auto open = [this](const TimeOfDay& t) { return t >= hours_.from && t <= hours_.to; };
    if (open(time)) return time;
    if (open(other)) return other;
    return time.hour >= 1 && time.hour < 7 ? other : time;
  }

  const Words& words_;
  bool asked_;
  const Hours& hours_;
  const std::vector<bool>& taken_;
};

} // namespace

std::vector<Found<TimeOfDay>> find_times(const Words& words, bool asked, const Hours& hours,
                                         const std::vector<bool>& taken) {
  std::vector<Found<TimeOfDay>> out;
  const TimeFinder finder(words, asked, hours, taken);
  for (std::size_t i = 0; i < words.size();) {
    const auto found = finder.at(i);
    if (found && !denied(words, i)) out.push_back(*found);
    i = found ? found->end : i + 1;
  }
  return out;
}

} // namespace talky::voice
