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

class DateFinder {
 public:
  DateFinder(const Words& words, const DayContext& context)
      : words_(words), context_(context), today_(context.today) {}

  std::optional<Mention<Date>> at(std::size_t i) const {
    for (const auto form :
         {&DateFinder::iso, &DateFinder::beside, &DateFinder::from_known, &DateFinder::relative,
          &DateFinder::of_month, &DateFinder::from_then, &DateFinder::in_months, &DateFinder::in_days,
          &DateFinder::by_weekday, &DateFinder::by_month, &DateFinder::by_day, &DateFinder::feast}) {
      if (const auto found = (this->*form)(i)) {
        Mention<Date> mention;
        static_cast<Found<Date>&>(mention) = *found;
        mention.bare = found->end == i + 1 && weekday_of(word(i));
        return mention;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool says(std::size_t i, std::initializer_list<std::string_view> list) const {
    return follows(words_, i, list);
  }
  Found<Date> found(std::size_t begin, std::size_t end, std::int64_t days) const {
    return {begin, end, add_days(today_, days)};
  }
  static Date first_of_month(const Date& date, int months) {
    const int count = date.year * 12 + date.month - 1 + months;
    return {count / 12, count % 12 + 1, 1};
  }

  // "three", "a", "one", "a couple of": how many, and where the unit stands
  std::optional<Found<std::int64_t>> count_at(std::size_t i) const {
    if (says(i, {"a", "couple", "of"})) return Found<std::int64_t>{i, i + 3, 2};
    if (word(i) == "a" || word(i) == "one" || word(i) == "the") return Found<std::int64_t>{i, i + 1, 1};
    const auto number = cardinal_at(words_, i);
    if (!number || number->value > 1000) return std::nullopt;
    return number;
  }
  // "a day", "three days", "two weeks", "a fortnight": as days
  std::optional<Found<std::int64_t>> days_at(std::size_t i) const {
    if (word(i) == "fortnight") return Found<std::int64_t>{i, i + 1, 14};
    const auto count = count_at(i);
    if (!count) return std::nullopt;
    const std::string_view unit = word(count->end);
    const std::int64_t days = unit == "day" || unit == "days"               ? 1
                              : unit == "week" || unit == "weeks"           ? 7
                              : unit == "fortnight" || unit == "fortnights" ? 14
                                                                            : 0;
    if (days == 0) return std::nullopt;
    return Found<std::int64_t>{i, count->end + 1, days * count->value};
  }

  // A day that another can be counted from.
  std::optional<Found<Date>> anchor(std::size_t i) const {
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    if (auto date = holiday_at(words_, at, today_)) return date;
    for (const auto form : {&DateFinder::relative, &DateFinder::of_month, &DateFinder::by_weekday,
                            &DateFinder::by_month, &DateFinder::by_day})
      if (auto date = (this->*form)(i)) return date;
    return std::nullopt;
  }

  // "the day after Christmas", "two days before Good Friday", "the Tuesday after Easter", "a week after the
  // tenth"
  std::optional<Found<Date>> beside(std::size_t i) const {
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    if (i > 0 && is_one_of(words_[i - 1], {"some", "any", "every"}))
      return std::nullopt;                             // "some day after the tenth"
    if (says(i, {"the", "week"})) return std::nullopt; // "the week before Christmas" is seven days
    const auto day = weekday_of(word(at));
    std::int64_t days = 1;
    std::size_t side = at + 1;
    if (const auto count = day ? std::nullopt : days_at(i)) {
      days = count->value;
      side = count->end;
    } else if (!day && word(at) != "day") {
      return std::nullopt;
    }
    const bool after = word(side) == "after" || (word(side) == "following" && day);
    if (!after && word(side) != "before") return std::nullopt;
    const auto base = anchor(side + 1);
    if (!base) return std::nullopt;
    if (!day) return Found<Date>{i, base->end, add_days(base->value, after ? days : -days)};
    const int ahead = (*day - weekday(base->value) + 7) % 7;
    return Found<Date>{
        i, base->end,
        add_days(base->value, after ? (ahead == 0 ? 7 : ahead) : (ahead == 0 ? -7 : ahead - 7))};
  }

  // From the day that is talked about: "the day after", "a day earlier", "a week later", "the Friday after
  // that", "the same day next week"
  std::optional<Found<Date>> from_known(std::size_t i) const {
    const Date base = context_.known.value_or(today_);
    const bool known = context_.known.has_value();
    const auto moved = [&](std::size_t end, std::int64_t days) {
      while (is_one_of(word(end), {"that", "then", "it"}))
        ++end;
      return Found<Date>{i, end, add_days(base, days)};
    };
    const auto ends_here = [&](std::size_t end) { // what would be counted from does not follow: "my birthday"
      if (is_one_of(word(end), {"my", "your", "his", "her", "our", "their", "the", "a", "an"})) return false;
      return !anchor(is_one_of(word(end), {"on"}) ? end + 1 : end);
    };
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    if (known && (says(at, {"next", "day"}) || says(at, {"following", "day"}))) return moved(at + 2, 1);
    if (known && (says(at, {"following", "week"}) || says(at, {"same", "day", "next", "week"})))
      return moved(at + (word(at) == "same" ? 4U : 2U), 7);
    if (says(at, {"day", "after", "next"})) return found(i, at + 3, 2);
    if (says(at, {"day", "after"}) && ends_here(at + 2))
      return known || at > i ? std::optional(moved(at + 2, known ? 1 : 2)) : std::nullopt;
    if (known && says(at, {"day", "before"}) && ends_here(at + 2)) return moved(at + 2, -1);
    if (!known) return std::nullopt;
    if (says(at, {"week", "after"}) && word(at + 2) != "next" && ends_here(at + 2)) return moved(at + 2, 7);
    if (says(at, {"week", "before"}) && ends_here(at + 2)) return moved(at + 2, -7);
    const auto days = days_at(i);
    if (days && is_one_of(word(days->end), {"later", "after", "on"}) && ends_here(days->end + 1))
      return moved(days->end + 1, days->value);
    if (days && is_one_of(word(days->end), {"earlier", "sooner", "before"}) && ends_here(days->end + 1))
      return moved(days->end + 1, -days->value);
    const std::size_t following = word(at) == "following" ? at + 1 : at;
    if (const auto day = weekday_of(word(following))) {
      const int ahead = (*day - weekday(base) + 7) % 7;
      const bool after =
          following > at || says(following + 1, {"after", "that"}) || says(following + 1, {"afterwards"});
      if (after) return moved(following > at ? following + 1 : following + 2, ahead == 0 ? 7 : ahead);
    }
    return std::nullopt;
  }

  // "the last Friday of the month", "the first Tuesday in April", "the last day of next month", "the second
  // of next month", "next month on the fifth"
  std::optional<Found<Date>> of_month(std::size_t i) const {
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    if (is_one_of(word(at), {"next", "this"}) && word(at + 1) == "month") {
      std::size_t next = at + 2;
      if (word(next) == "on") ++next;
      if (word(next) == "the") ++next;
      const auto day = ordinal_at(words_, next);
      if (!day) return std::nullopt;
      return in_month(i, day->end, first_of_month(today_, word(at) == "next" ? 1 : 0), day->value);
    }
    const bool last = word(at) == "last";
    const auto count = last ? std::optional(Found<std::int64_t>{at, at + 1, 0}) : ordinal_at(words_, at);
    if (!count) return std::nullopt;
    const auto day = weekday_of(word(count->end));
    const bool any_day = word(count->end) == "day";
    std::size_t next = day || any_day ? count->end + 1 : count->end;
    if (!day && !any_day && last) return std::nullopt;
    if (!is_one_of(word(next), {"of", "in"})) {
      // "The third Saturday" is that of the month which is talked about.
      if (!day || last || count->value < 2 || count->value > 5) return std::nullopt;
      const Date base = context_.known.value_or(today_);
      for (int months = 0; months < 2; ++months) {
        const Date first = first_of_month(base, months);
        const Date date = add_days(first, (*day - weekday(first) + 7) % 7 + 7 * (count->value - 1));
        if (date.month == first.month && date >= today_) return Found<Date>{i, next, date};
      }
      return std::nullopt;
    }
    ++next;
    if (word(next) == "the") ++next;
    Date month = first_of_month(today_, 0);
    bool named = false;
    if (word(next) == "month" || (is_one_of(word(next), {"this", "next"}) && word(next + 1) == "month")) {
      if (word(next) == "next") month = first_of_month(today_, 1);
      named = word(next) != "month";
      next += word(next) == "month" ? 1U : 2U;
    } else if (const auto name = month_of(word(next)); name && (day || any_day)) {
      month = {today_.year + (*name < today_.month ? 1 : 0), *name, 1};
      ++next;
    } else {
      return std::nullopt;
    }
    for (int months = 0; months < 2; ++months) {
      const Date first = first_of_month(month, months);
      const Date end = last_day_of_month(first.year, first.month);
      Date date;
      if (day) {
        const int ahead = (*day - weekday(first) + 7) % 7;
        date = last ? add_days(end, -((weekday(end) - *day + 7) % 7))
                    : add_days(first, ahead + 7 * (count->value - 1));
      } else {
        if (any_day && last)
          date = end;
        else
          date = add_days(first, count->value - 1);
      }
      if (date.month != first.month || count->value > 31) return std::nullopt;
      // A day of "the month" that is past is that of the next one.
      if (date >= today_ || named) return Found<Date>{i, next, date};
    }
    return std::nullopt;
  }

  std::optional<Found<Date>> in_month(std::size_t begin, std::size_t end, const Date& first,
                                      std::int64_t day) const {
    if (day < 1 || day > 31) return std::nullopt;
    const Date date{first.year, first.month, static_cast<int>(day)};
    if (!valid(date)) return std::nullopt;
    return Found<Date>{begin, end, date};
  }

  std::optional<Found<Date>> feast(std::size_t i) const { return holiday_at(words_, i, today_); }

  std::optional<Found<Date>> iso(std::size_t i) const {
    if (word(i).size() != 4 || word(i + 1).size() != 2 || word(i + 2).size() != 2) return std::nullopt;
    const auto date = date_from_iso(fmt::format("{}-{}-{}", word(i), word(i + 1), word(i + 2)));
    if (!date) return std::nullopt;
    return Found<Date>{i, i + 3, *date};
  }

  std::optional<Found<Date>> relative(std::size_t i) const {
    if (says(i, {"today", "week"})) return found(i, i + 2, 7);
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

  // "in a month", "two months from today"
  std::optional<Found<Date>> in_months(std::size_t i) const {
    const bool in = word(i) == "in";
    const auto count = count_at(in ? i + 1 : i);
    if (!count || word(count->begin) == "the" ||
        (word(count->end) != "month" && word(count->end) != "months"))
      return std::nullopt;
    std::size_t end = count->end + 1;
    if (word(end) == "time") ++end;
    const bool from_now = word(end) == "from" && is_one_of(word(end + 1), {"now", "today"});
    if ((!from_now && !in) || count->value > 24) return std::nullopt;
    const Date first = first_of_month(today_, static_cast<int>(count->value));
    const Date last = last_day_of_month(first.year, first.month);
    return Found<Date>{
        i, from_now ? end + 2 : end, {first.year, first.month, std::min(today_.day, last.day)}};
  }

  // "in three days", "two weeks from now", "in a fortnight"
  std::optional<Found<Date>> in_days(std::size_t i) const {
    const bool in = word(i) == "in";
    const auto days = days_at(in ? i + 1 : i);
    if (!days || word(in ? i + 1 : i) == "the") return std::nullopt;
    std::size_t end = days->end;
    if (word(end) == "time") ++end;
    const bool from_now = word(end) == "from" && (word(end + 1) == "now" || word(end + 1) == "today");
    if (from_now) return found(i, end + 2, days->value);
    if (!in) return std::nullopt;
    return found(i, end, days->value);
  }

  // "a week from Monday", "two weeks from tomorrow", "a fortnight on Friday", "a week today", "a week
  // tomorrow", "two weeks on Thursday"
  std::optional<Found<Date>> from_then(std::size_t i) const {
    auto days = days_at(i);
    if (!days && says(i, {"week", "on"})) days = Found<std::int64_t>{i, i + 1, 7};
    if (!days || days->value % 7 != 0 || days->value > 366 || word(i) == "the") return std::nullopt;
    const std::size_t base = is_one_of(word(days->end), {"from", "on"}) ? days->end + 1 : days->end;
    auto then = relative(base);
    if (!then && base > days->end) then = by_weekday(base);
    if (!then) return std::nullopt;
    return Found<Date>{i, then->end, add_days(then->value, days->value)};
  }

  // Behind a weekday: "week", "fortnight", "next week", "in two weeks", "after next", "the week after next".
  // Days that are added to the first such day from today on, and where they end.
  std::optional<Found<std::int64_t>> later_week(std::size_t at, int ahead) const {
    const int days_left = 7 - weekday(today_);             // to the next Monday
    const auto of_week = [&](std::size_t end, int weeks) { // counted in weeks from Monday
      const int in_week = (weekday(today_) + ahead) % 7;
      return Found<std::int64_t>{at, end, days_left + 7 * (weeks - 1) + in_week - ahead};
    };
    const std::size_t of = word(at) == "of" || word(at) == "in" ? at + 1 : at;
    const std::size_t week = word(of) == "the" ? of + 1 : of;
    if (says(week, {"week", "after", "next"})) return of_week(week + 3, 2);
    if (says(at, {"after", "next"})) return of_week(at + 2, 2);
    if (says(week, {"next", "week"})) return of_week(week + 2, 1);
    if (says(week, {"this", "week"})) return of_week(week + 2, 0);
    if (word(at) == "week") return Found<std::int64_t>{at, at + 1, 7};
    if (word(at) == "fortnight") return Found<std::int64_t>{at, at + 1, 14};
    if (word(at) == "in") {
      const auto days = days_at(at + 1);
      if (days && days->value % 7 == 0)
        return Found<std::int64_t>{at, word(days->end) == "time" ? days->end + 1 : days->end, days->value};
    }
    return std::nullopt;
  }

  std::optional<Found<Date>> by_weekday(std::size_t i) const {
    const int now = weekday(today_);
    std::size_t at = i;
    if (word(at) == "the") ++at;
    // "the week after next on Wednesday", "next week on Friday", "this week Friday"
    int weeks = -1;
    if (says(at, {"week", "after", "next"})) {
      weeks = 2;
      at += 3;
    } else if (says(at, {"next", "week"})) {
      weeks = 1;
      at += 2;
    } else if (says(at, {"this", "week"})) {
      weeks = 0;
      at += 2;
    }
    if (weeks >= 0 && is_one_of(word(at), {"on", "the", "maybe", "say", "perhaps"})) ++at;
    const bool next = weeks < 0 && word(at) == "next";
    const bool here = weeks < 0 && (word(at) == "this" || word(at) == "coming");
    if (next || here) ++at;
    if (here && word(at) == "coming") ++at;
    const auto day = weekday_of(word(at));
    if (!day) return std::nullopt;
    ++at;
    if (weeks >= 0) return found(i, at, 7 * weeks - now + *day);
    const int ahead = (*day - now + 7) % 7;
    if (next) return found(i, at, 7 - now + *day);
    const int usual = ahead == 0 && !here ? 7 : ahead;
    if (const auto later = later_week(at, ahead)) {
      // Of a week that is counted from today, a weekday that is today is meant as the next one.
      const bool counted = later->value % 7 == 0 && is_one_of(word(at), {"week", "fortnight", "in"}) &&
                           !follows(words_, at, {"in", "the"});
      return found(i, later->end, (counted ? usual : ahead) + later->value);
    }
    if (context_.within && !here) {
      for (Date date = context_.within->from;
           date <= context_.within->to && date <= add_days(context_.within->from, 6);
           date = add_days(date, 1))
        if (weekday(date) == *day) return Found<Date>{i, at, date};
    }
    return found(i, at, usual);
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
    const bool named = i > 0 && weekday_of(words_[i - 1]).has_value();
    if (!article && !in_figures && !named && !(context_.asked && words_.size() - i <= 4)) return std::nullopt;
    static constexpr std::array kNotDays = {
        "one"sv,    "available"sv, "appointment"sv, "slot"sv,  "thing"sv, "time"sv, "question"sv,
        "option"sv, "possible"sv,  "opening"sv,     "floor"sv, "half"sv,  "of"sv,   "date"sv,
        "place"sv,  "try"sv,       "week"sv,        "month"sv, "name"sv};
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
  const DayContext& context_;
  Date today_;
};

} // namespace

std::vector<Mention<Date>> date_mentions(const Words& words, const DayContext& context) {
  return all_mentions<Date>(DateFinder(words, context), words);
}

std::vector<Found<Date>> find_dates(const Words& words, const Date& today) {
  return meant(date_mentions(words, {.today = today}));
}

} // namespace talky::language
