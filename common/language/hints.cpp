#include "language/hints.hpp"

#include <algorithm>
#include <array>

#include "language/said.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

std::string text_of(const Words& words, std::size_t begin, std::size_t end) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i) {
    std::string word = words[i];
    if (weekday_of(word) || (month_of(word) && word.size() > 3))
      word[0] = static_cast<char>(word[0] - 'a' + 'A');
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

class DayHints {
 public:
  DayHints(const Words& words, const DayContext& context, const std::vector<bool>& taken)
      : words_(words), context_(context), today_(context.today), taken_(taken) {}

  std::optional<DayHint> at(std::size_t i) const {
    if (i < taken_.size() && taken_[i] && !is_one_of(word(i), {"before", "after", "by"})) return std::nullopt;
    for (const auto form : {&DayHints::edge_of_week, &DayHints::weekend, &DayHints::whole_week,
                            &DayHints::of_month, &DayHints::around_day, &DayHints::soon})
      if (auto hint = (this->*form)(i)) return hint;
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool says(std::size_t i, std::initializer_list<std::string_view> list) const {
    return follows(words_, i, list);
  }
  Date day(std::int64_t days) const { return add_days(today_, days); }
  DayHint hint(std::size_t begin, std::size_t end, const Date& from, const Date& to) const {
    return {begin, end, DaySpan{std::max(from, today_), to}, false, text_of(words_, begin, end)};
  }

  // Weeks from this one, and where that ends: "this week", "next week", "the week after next"
  std::optional<Found<std::int64_t>> week_at(std::size_t i) const {
    const std::size_t at = word(i) == "the" ? i + 1 : i;
    if (says(at, {"week", "after", "next"})) return Found<std::int64_t>{i, at + 3, 2};
    if (says(at, {"next", "week"}) || says(at, {"following", "week"}) || says(at, {"coming", "week"}))
      return Found<std::int64_t>{i, at + 2, 1};
    if (says(at, {"this", "week"})) return Found<std::int64_t>{i, at + 2, 0};
    if (at > i && word(at) == "week") return Found<std::int64_t>{i, at + 1, 0};
    return std::nullopt;
  }
  Date monday(std::int64_t weeks) const { return day(7 * weeks - weekday(today_)); }

  // "the end of next week", "early next week", "later this week", "midweek"
  std::optional<DayHint> edge_of_week(std::size_t i) const {
    std::size_t at = i;
    if (is_one_of(word(at), {"at", "towards", "in"})) ++at;
    if (word(at) == "the") ++at;
    int part = 0; // 1: its beginning, 2: its middle, 3: its end
    if (is_one_of(word(at), {"beginning", "start", "early"})) part = 1;
    if (is_one_of(word(at), {"middle", "mid"})) part = 2;
    if (is_one_of(word(at), {"end", "late", "later"})) part = 3;
    if (part == 0) return std::nullopt;
    ++at;
    if (is_one_of(word(at), {"of", "in"})) ++at;
    const auto week = week_at(at);
    if (!week) return std::nullopt;
    const Date first = monday(week->value);
    const int from = part == 1 ? 0 : part == 2 ? 1 : 3;
    const int to = part == 1 ? 1 : part == 2 ? 3 : 4;
    if (add_days(first, to) < today_) return std::nullopt;
    return hint(i, week->end, add_days(first, from), add_days(first, to));
  }

  std::optional<DayHint> weekend(std::size_t i) const {
    std::size_t at = i;
    if (is_one_of(word(at), {"at", "on", "over"})) ++at;
    if (is_one_of(word(at), {"the", "a", "this", "next", "coming"})) ++at;
    if (word(at) == "coming" || word(at) == "following") ++at;
    if (word(at) != "weekend" && word(at) != "weekends") return std::nullopt;
    std::int64_t weeks = at > i && word(at - 1) == "next" ? 1 : 0;
    std::size_t end = at + 1;
    if (says(end, {"after", "next"})) {
      weeks = 2;
      end += 2;
    }
    const Date saturday = add_days(monday(weeks), 5);
    return hint(i, end, saturday, add_days(saturday, 1));
  }

  std::optional<DayHint> whole_week(std::size_t i) const {
    std::size_t at = i;
    if (is_one_of(word(at), {"in", "during", "sometime", "anytime"})) ++at;
    if (says(at, {"a", "weekday"}) || says(at, {"any", "weekday"}) || says(at, {"on", "weekdays"}) ||
        word(at) == "weekdays")
      return hint(i, at + (word(at) == "weekdays" ? 1U : 2U), today_, day(14));
    const auto week = week_at(at);
    if (!week || (word(at) == "the" && word(at + 1) == "week")) {
      // "the week" alone says nothing, but "the week after next" does.
      if (!week || week->value == 0) return std::nullopt;
    }
    const Date first = monday(week->value);
    return hint(i, week->end, first, add_days(first, 5));
  }

  // "in December", "next month", "the end of the month", "in the new year"
  std::optional<DayHint> of_month(std::size_t i) const {
    if (says(i, {"in", "the", "new", "year"}))
      return hint(i, i + 4, {today_.year + 1, 1, 2}, {today_.year + 1, 1, 31});
    std::size_t at = i;
    if (is_one_of(word(at), {"in", "at", "towards", "during"})) ++at;
    if (word(at) == "the") ++at;
    int part = 0;
    const bool week = is_one_of(word(at + 1), {"week", "half"}); // "the first week of December"
    if (is_one_of(word(at), {"beginning", "start", "early"}) || (week && word(at) == "first")) part = 1;
    if (is_one_of(word(at), {"middle", "mid"}) || (week && is_one_of(word(at), {"second", "third"})))
      part = 2;
    if (is_one_of(word(at), {"end", "late"}) || (week && word(at) == "last")) part = 3;
    if (part != 0) {
      at += week && is_one_of(word(at), {"first", "second", "third", "last"}) ? 2U : 1U;
      if (is_one_of(word(at), {"of", "in"})) ++at;
    }
    std::optional<Date> first;
    const Date now{today_.year, today_.month, 1};
    const Date next{today_.year + (today_.month == 12 ? 1 : 0), today_.month % 12 + 1, 1};
    if (const auto month = month_of(word(at));
        month && (part != 0 || (at > i && words_[i] == "in")) && word(at).size() > 3) {
      first = Date{today_.year + (*month < today_.month ? 1 : 0), *month, 1};
      ++at;
    } else if (says(at, {"next", "month"})) {
      first = next;
      at += 2;
    } else if (says(at, {"this", "month"}) || (part != 0 && says(at, {"the", "month"}))) {
      // At the end of a month its middle is the next one's.
      first = part != 0 && today_.day > 10 * part ? next : now;
      if (word(at) == "this") first = now;
      at += 2;
    }
    if (!first) return std::nullopt;
    const Date last = last_day_of_month(first->year, first->month);
    if (last < today_) return std::nullopt;
    const Date from = add_days(*first, part == 2 ? 10 : part == 3 ? 20 : 0);
    const Date to = part == 1 ? add_days(*first, 9) : part == 2 ? add_days(*first, 19) : last;
    return hint(i, at, from, std::max(to, std::max(from, today_)));
  }

  // "after the tenth", "not before Friday", "between Monday and Wednesday", "by Thursday"
  std::optional<DayHint> around_day(std::size_t i) const {
    const auto named = [this](std::size_t at) {
      const auto all = date_mentions(
          {words_.begin() + static_cast<std::ptrdiff_t>(std::min(at, words_.size())), words_.end()},
          context_);
      std::optional<Found<Date>> out;
      if (!all.empty() && (all[0].begin == 0 || (all[0].begin == 1 && is_one_of(word(at), {"on", "the"}))))
        out = Found<Date>{at + all[0].begin, at + all[0].end, all[0].value};
      return out;
    };
    if (is_one_of(word(i), {"between", "from"})) {
      const auto first = named(i + 1);
      if (!first || !is_one_of(word(first->end), {"and", "to", "till", "until"})) return std::nullopt;
      const auto last = named(first->end + 1);
      if (!last || last->value < first->value) return std::nullopt;
      return hint(i, last->end, first->value, last->value);
    }
    if (!is_one_of(word(i), {"after", "before", "by", "until"})) return std::nullopt;
    const auto base = named(i + 1);
    if (!base) return std::nullopt;
    const bool not_so = i > 0 && words_[i - 1] == "not";
    const std::size_t begin = not_so ? i - 1 : i;
    if (word(i) == "after" && !not_so)
      return hint(begin, base->end, add_days(base->value, 1), add_days(base->value, 28));
    if (word(i) == "before" && not_so) return hint(begin, base->end, base->value, add_days(base->value, 28));
    if (word(i) == "before") return hint(begin, base->end, today_, add_days(base->value, -1));
    return hint(begin, base->end, today_, base->value);
  }

  std::optional<DayHint> soon(std::size_t i) const {
    static constexpr std::array kPhrases = {"as soon as possible"sv,
                                            "as soon as you can"sv,
                                            "as early as possible"sv,
                                            "as early as you can"sv,
                                            "the earliest"sv,
                                            "the next free"sv,
                                            "soonest"sv,
                                            "first available"sv,
                                            "next available"sv,
                                            "the first free"sv,
                                            "asap"sv};
    for (const std::string_view phrase : kPhrases) {
      const std::size_t length = phrase_at(words_, i, phrase);
      if (length == 0) continue;
      DayHint out;
      out.begin = i;
      out.end = i + length;
      out.earliest = true;
      out.text = std::string(phrase);
      return out;
    }
    return std::nullopt;
  }

  const Words& words_;
  const DayContext& context_;
  Date today_;
  const std::vector<bool>& taken_;
};

struct Part {
  std::string_view phrase;
  TimeOfDay from, to;
  std::string_view text;
};

// Longer phrases before those they hold.
constexpr std::array kParts = {Part{"early in the morning", {8, 0}, {10, 0}, "early in the morning"},
                               Part{"early morning", {8, 0}, {10, 0}, "early in the morning"},
                               Part{"mid morning", {10, 0}, {11, 30}, "in the middle of the morning"},
                               Part{"late morning", {10, 30}, {12, 0}, "late in the morning"},
                               Part{"early afternoon", {12, 0}, {15, 0}, "in the early afternoon"},
                               Part{"mid afternoon", {14, 0}, {16, 0}, "in the middle of the afternoon"},
                               Part{"late afternoon", {15, 30}, {18, 0}, "late in the afternoon"},
                               Part{"early evening", {17, 0}, {19, 0}, "early in the evening"},
                               Part{"morning", {0, 0}, {12, 0}, "in the morning"},
                               Part{"mornings", {0, 0}, {12, 0}, "in the morning"},
                               Part{"afternoon", {12, 0}, {18, 0}, "in the afternoon"},
                               Part{"afternoons", {12, 0}, {18, 0}, "in the afternoon"},
                               Part{"evening", {17, 0}, {23, 0}, "in the evening"},
                               Part{"evenings", {17, 0}, {23, 0}, "in the evening"},
                               Part{"night", {19, 0}, {23, 59}, "at night"},
                               Part{"tonight", {17, 0}, {23, 59}, "tonight"},
                               Part{"before lunch", {0, 0}, {12, 0}, "before lunch"},
                               Part{"after lunch", {13, 0}, {18, 0}, "after lunch"},
                               Part{"before work", {0, 0}, {9, 30}, "before work"},
                               Part{"after work", {16, 30}, {23, 0}, "after work"},
                               Part{"after school", {15, 0}, {19, 0}, "after school"},
                               Part{"after breakfast", {9, 0}, {11, 0}, "after breakfast"},
                               Part{"lunchtime", {12, 0}, {14, 0}, "at lunchtime"},
                               Part{"lunch time", {12, 0}, {14, 0}, "at lunchtime"},
                               Part{"lunch", {12, 0}, {14, 0}, "at lunchtime"},
                               Part{"late in the day", {16, 0}, {23, 0}, "late in the day"},
                               Part{"end of the day", {16, 0}, {23, 0}, "towards the end of the day"},
                               Part{"during the day", {9, 0}, {18, 0}, "during the day"}};

constexpr std::array kEarliest = {"as early as"sv,
                                  "as soon as"sv,
                                  "first thing"sv,
                                  "the earliest"sv,
                                  "your earliest"sv,
                                  "earliest possible"sv,
                                  "first slot"sv,
                                  "first appointment"sv,
                                  "first one"sv,
                                  "first available"sv,
                                  "when you open"sv,
                                  "next available"sv,
                                  "soonest"sv,
                                  "first free"sv,
                                  "asap"sv,
                                  "earliest appointment"sv,
                                  "earliest slot"sv,
                                  "earliest time"sv,
                                  "right at opening"sv,
                                  "start of the day"sv,
                                  "at opening time"sv,
                                  "the first you have"sv};
constexpr std::array kLatest = {
    "as late as"sv,      "the latest"sv, "last appointment"sv,   "last slot"sv,   "last one"sv,
    "latest possible"sv, "last thing"sv, "latest appointment"sv, "latest slot"sv, "just before you close"sv,
    "last free"sv};

class TimeHints {
 public:
  TimeHints(const Words& words, const TimeContext& context, const std::vector<bool>& taken)
      : words_(words), context_(context), taken_(taken) {}

  std::optional<TimeHint> at(std::size_t i) const {
    for (const auto form : {&TimeHints::extreme, &TimeHints::minutes_only, &TimeHints::around_hour,
                            &TimeHints::vaguely, &TimeHints::part_of_day})
      if (auto hint = (this->*form)(i)) return hint;
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool taken(std::size_t i) const { return i < taken_.size() && taken_[i]; }
  std::size_t length_of(std::size_t i, std::string_view phrase) const { return phrase_at(words_, i, phrase); }

  std::optional<TimeHint> extreme(std::size_t i) const {
    for (const bool latest : {false, true}) {
      const auto look = [&](const auto& phrases) -> std::size_t {
        for (const std::string_view phrase : phrases)
          if (const std::size_t length = length_of(i, phrase)) return length;
        return 0;
      };
      const std::size_t length = latest ? look(kLatest) : look(kEarliest);
      if (length == 0) continue;
      TimeHint out;
      out.begin = i;
      out.end = i + length;
      out.earliest = !latest;
      out.latest = latest;
      out.text = latest ? "as late as possible" : "as early as possible";
      return out;
    }
    return std::nullopt;
  }

  // "ten past", "quarter to", "half past" without an hour
  std::optional<TimeHint> minutes_only(std::size_t i) const {
    std::size_t at = word(i) == "a" ? i + 1 : i;
    int minutes = 0;
    if (word(at) == "half") minutes = 30;
    if (word(at) == "quarter") minutes = 15;
    if (minutes != 0) {
      ++at;
    } else if (const auto number = cardinal_at(words_, at);
               number && number->value >= 1 && number->value <= 29) {
      minutes = static_cast<int>(number->value);
      at = number->end;
      if (word(at) == "minutes") ++at;
    }
    const bool to = word(at) == "to" || word(at) == "before";
    if (minutes == 0 || (!to && word(at) != "past" && word(at) != "after") || at + 1 < words_.size())
      return std::nullopt;
    TimeHint out;
    out.begin = i;
    out.end = at + 1;
    out.minute = to ? -minutes : minutes;
    out.text = text_of(words_, i, at + 1);
    return out;
  }

  std::optional<Found<TimeOfDay>> hour_at(std::size_t at) const {
    if (at >= words_.size()) return std::nullopt;
    TimeContext context = context_;
    context.asked = true;
    const std::vector<bool> none(words_.size() - at);
    const Words rest(words_.begin() + static_cast<std::ptrdiff_t>(at), words_.end());
    const auto all = time_mentions(rest, context, none);
    if (all.empty() || all[0].begin != 0) return std::nullopt;
    return Found<TimeOfDay>{at, at + all[0].end, all[0].value};
  }

  // "after three", "before noon"; "not before eleven" and "from two on" name their hour
  std::optional<TimeHint> around_hour(std::size_t i) const {
    if (!is_one_of(word(i), {"after", "before", "until", "till", "past"})) return std::nullopt;
    if (i > 0 && is_one_of(words_[i - 1], {"not", "quarter", "half", "minutes"})) return std::nullopt;
    if (i > 0 && cardinal_at(words_, i - 1)) return std::nullopt; // "ten past three"
    const auto hour = hour_at(i + 1);
    if (!hour) return std::nullopt;
    TimeHint out;
    out.begin = i;
    out.end = hour->end;
    if (word(i) == "after" || word(i) == "past") {
      out.from = hour->value;
    } else {
      out.to = hour->value;
    }
    out.text = std::string(word(i) == "past" ? "after" : word(i)) + ' ' + language::spoken(hour->value);
    return out;
  }

  // "a bit later", "earlier": than what is known
  std::optional<TimeHint> vaguely(std::size_t i) const {
    const bool later = word(i) == "later";
    if ((!later && word(i) != "earlier" && word(i) != "sooner") || !context_.known || taken(i))
      return std::nullopt;
    if (i > 0 && is_one_of(words_[i - 1], {"call", "you", "see", "again", "hour", "hours", "minutes"}))
      return std::nullopt;
    TimeHint out;
    out.begin = i;
    out.end = i + 1;
    if (later) {
      out.from = *context_.known;
    } else {
      out.to = *context_.known;
    }
    out.text = std::string(later ? "later" : "earlier") + " than " + language::spoken(*context_.known);
    return out;
  }

  std::optional<TimeHint> part_of_day(std::size_t i) const {
    if (i == 1 && words_[0] == "good") return std::nullopt; // "good morning"
    for (const Part& part : kParts) {
      const std::size_t length = length_of(i, part.phrase);
      if (length == 0) continue;
      TimeHint out;
      out.begin = i;
      out.end = i + length;
      out.from = part.from;
      out.to = part.to;
      out.text = part.text;
      if (i > 0 && words_[i - 1] == "not") {
        // "Not in the morning" is after it.
        out.from = part.to;
        out.to = {23, 59};
        out.text = "not " + out.text;
      }
      return out;
    }
    return std::nullopt;
  }

  const Words& words_;
  const TimeContext& context_;
  const std::vector<bool>& taken_;
};

template <class Hint, class Finder>
std::vector<Hint> all_hints(const Finder& finder, const Words& words) {
  std::vector<Hint> out;
  for (std::size_t i = 0; i < words.size();) {
    auto hint = finder.at(i);
    const std::size_t next = hint ? std::max(hint->end, i + 1) : i + 1;
    if (hint) out.push_back(std::move(*hint));
    i = next;
  }
  return out;
}

} // namespace

std::vector<DayHint> find_day_hints(const Words& words, const DayContext& context,
                                    const std::vector<bool>& taken) {
  return all_hints<DayHint>(DayHints(words, context, taken), words);
}

std::vector<TimeHint> find_time_hints(const Words& words, const TimeContext& context,
                                      const std::vector<bool>& taken) {
  return all_hints<TimeHint>(TimeHints(words, context, taken), words);
}

std::string spoken(const DaySpan& span) {
  const std::string first(weekday_name(weekday(span.from)));
  const std::string last(weekday_name(weekday(span.to)));
  if (span.from == span.to) return first;
  if (add_days(span.from, 1) == span.to) return first + " or " + last;
  return "from " + first + " to " + last;
}

} // namespace talky::language
