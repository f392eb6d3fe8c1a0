#include "language/said.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

// The words before `begin` end with this phrase.
bool ends_with(const Words& words, std::size_t begin, std::string_view phrase) {
  std::size_t at = begin;
  while (!phrase.empty()) {
    const std::size_t space = phrase.rfind(' ');
    const std::string_view last = space == std::string_view::npos ? phrase : phrase.substr(space + 1);
    if (at == 0 || words[at - 1] != last) return false;
    --at;
    phrase = space == std::string_view::npos ? std::string_view() : phrase.substr(0, space);
  }
  return true;
}

bool starts_with(const Words& words, std::size_t at, std::string_view phrase) {
  return phrase_at(words, at, phrase) > 0;
}

} // namespace

std::size_t phrase_at(const Words& words, std::size_t at, std::string_view phrase) {
  std::size_t length = 0;
  while (!phrase.empty()) {
    const std::size_t space = phrase.find(' ');
    if (word_at(words, at + length++) != phrase.substr(0, space)) return 0;
    phrase = space == std::string_view::npos ? std::string_view() : phrase.substr(space + 1);
  }
  return length;
}

bool denied_before(const Words& words, std::size_t begin) {
  static constexpr std::array kDenials = {
      "not"sv,         "isnt"sv,        "wasnt"sv,          "instead of"sv,   "rather than"sv,
      "better than"sv, "day but"sv,     "days but"sv,       "anything but"sv, "time but"sv,
      "any but"sv,     "except"sv,      "except for"sv,     "apart from"sv,   "other than"sv,
      "besides"sv,     "cant do"sv,     "cannot do"sv,      "cant make"sv,    "cannot make"sv,
      "cant come"sv,   "cannot come"sv, "dont want"sv,      "aside from"sv,   "anytime but"sv,
      "dont like"sv,   "rather not"sv,  "preferably not"sv, "never"sv,        "no longer"sv};
  // "Monday would be better than Friday", "rather Monday than Friday"
  if (begin > 0 && words[begin - 1] == "than") {
    for (std::size_t i = 0; i + 1 < begin; ++i)
      if (is_one_of(words[i], {"rather", "better", "sooner"})) return true;
  }
  std::size_t at = begin;
  for (int back = 0; back <= 3; ++back) {
    for (const std::string_view phrase : kDenials)
      if (ends_with(words, at, phrase)) return true;
    if (at == 0 || !is_one_of(words[at - 1], {"on", "the", "at", "for", "this", "next", "it", "come", "make",
                                              "in", "do", "a"}))
      return false;
    --at;
  }
  return false;
}

bool denied_behind(const Words& words, std::size_t end) {
  static constexpr std::array kDenials = {
      "is no good"sv,        "isnt good"sv,       "is not good"sv,   "is bad"sv,         "doesnt work"sv,
      "does not work"sv,     "wont work"sv,       "will not work"sv, "doesnt suit"sv,    "is out"sv,
      "is impossible"sv,     "is not possible"sv, "isnt possible"sv, "i cant"sv,         "i cannot"sv,
      "im busy"sv,           "i am busy"sv,       "im away"sv,       "i am away"sv,      "im working"sv,
      "i am working"sv,      "wouldnt work"sv,    "is too late"sv,   "is too early"sv,   "isnt convenient"sv,
      "is wrong"sv,          "is not right"sv,    "isnt right"sv,    "is no use"sv,      "isnt great"sv,
      "is not convenient"sv, "not good"sv,        "no good"sv,       "i have to work"sv, "is difficult"sv};
  std::size_t at = end;
  while (is_one_of(word_at(words, at), {"though", "actually", "really", "unfortunately", "um", "uh"}))
    ++at;
  return std::any_of(kDenials.begin(), kDenials.end(),
                     [&](std::string_view phrase) { return starts_with(words, at, phrase); });
}

bool is_between_equals(const Words& words, std::size_t begin, std::size_t end) {
  bool equal = false;
  for (std::size_t i = begin; i < end; ++i) {
    if (is_one_of(words[i], {"or", "and", "nor"})) {
      equal = true;
    } else if (!is_filler(words[i]) && !is_one_of(words[i], {"on", "at", "the", "by", "around", "about"})) {
      return false;
    }
  }
  return equal;
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

Date last_day_of_month(int year, int month) {
  for (int day = 31; day > 28; --day)
    if (valid({year, month, day})) return {year, month, day};
  return {year, month, 28};
}

// --- Feast days

namespace {

// Of the Gregorian calendar; "Butcher's algorithm".
Date easter(int year) {
  const int a = year % 19;
  const int b = year / 100;
  const int c = year % 100;
  const int d = b / 4;
  const int e = b % 4;
  const int f = (b + 8) / 25;
  const int g = (b - f + 1) / 3;
  const int h = (19 * a + b - d - g + 15) % 30;
  const int i = c / 4;
  const int k = c % 4;
  const int l = (32 + 2 * e + 2 * i - h - k) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  return {year, (h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1};
}

// The `count`-th weekday of a month.
Date nth_weekday(int year, int month, int day, int count) {
  const Date first{year, month, 1};
  return add_days(first, (day - weekday(first) + 7) % 7 + 7 * (count - 1));
}

struct Feast {
  std::string_view phrase;
  int month = 0; // 0: `day` is counted from Easter; 13: by `weekday_rule`
  int day = 0;
};

constexpr int kByEaster = 0;
constexpr int kThanksgiving = 13;

// Longer names before those they begin with.
constexpr std::array kFeasts = {Feast{"new years eve", 12, 31},
                                Feast{"new year eve", 12, 31},
                                Feast{"new years day", 1, 1},
                                Feast{"new year day", 1, 1},
                                Feast{"new years", 1, 1},
                                Feast{"new year", 1, 1},
                                Feast{"christmas eve", 12, 24},
                                Feast{"christmas day", 12, 25},
                                Feast{"christmas", 12, 25},
                                Feast{"xmas eve", 12, 24},
                                Feast{"xmas", 12, 25},
                                Feast{"boxing day", 12, 26},
                                Feast{"saint stephens day", 12, 26},
                                Feast{"st stephens day", 12, 26},
                                Feast{"hogmanay", 12, 31},
                                Feast{"epiphany", 1, 6},
                                Feast{"burns night", 1, 25},
                                Feast{"valentines day", 2, 14},
                                Feast{"valentine day", 2, 14},
                                Feast{"valentines", 2, 14},
                                Feast{"saint patricks day", 3, 17},
                                Feast{"st patricks day", 3, 17},
                                Feast{"april fools day", 4, 1},
                                Feast{"april fools", 4, 1},
                                Feast{"may day", 5, 1},
                                Feast{"independence day", 7, 4},
                                Feast{"halloween", 10, 31},
                                Feast{"all saints day", 11, 1},
                                Feast{"bonfire night", 11, 5},
                                Feast{"guy fawkes", 11, 5},
                                Feast{"saint nicholas day", 12, 6},
                                Feast{"shrove tuesday", 0, -47},
                                Feast{"pancake day", 0, -47},
                                Feast{"ash wednesday", 0, -46},
                                Feast{"palm sunday", 0, -7},
                                Feast{"maundy thursday", 0, -3},
                                Feast{"good friday", 0, -2},
                                Feast{"easter saturday", 0, -1},
                                Feast{"easter eve", 0, -1},
                                Feast{"easter sunday", 0, 0},
                                Feast{"easter monday", 0, 1},
                                Feast{"easter tuesday", 0, 2},
                                Feast{"easter", 0, 0},
                                Feast{"ascension day", 0, 39},
                                Feast{"ascension thursday", 0, 39},
                                Feast{"whit sunday", 0, 49},
                                Feast{"whit monday", 0, 50},
                                Feast{"pentecost monday", 0, 50},
                                Feast{"pentecost", 0, 49},
                                Feast{"corpus christi", 0, 60},
                                Feast{"thanksgiving day", 13, 0},
                                Feast{"thanksgiving", 13, 0},
                                Feast{"black friday", 13, 1}};

Date feast_in(const Feast& feast, int year) {
  if (feast.month == kByEaster) return add_days(easter(year), feast.day);
  if (feast.month == kThanksgiving) return add_days(nth_weekday(year, 11, 3, 4), feast.day);
  return {year, feast.month, feast.day};
}

} // namespace

std::optional<Found<Date>> holiday_at(const Words& words, std::size_t at, const Date& today) {
  for (const Feast& feast : kFeasts) {
    if (!starts_with(words, at, feast.phrase)) continue;
    const auto length =
        1 + static_cast<std::size_t>(std::count(feast.phrase.begin(), feast.phrase.end(), ' '));
    if (feast.phrase == "new year" && at > 0 && is_one_of(words[at - 1], {"the", "happy"}))
      return std::nullopt;
    Date date = feast_in(feast, today.year);
    if (date < today) date = feast_in(feast, today.year + 1);
    return Found<Date>{at, at + length, date};
  }
  return std::nullopt;
}

} // namespace talky::language
