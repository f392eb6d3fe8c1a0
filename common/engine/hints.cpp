#include "engine/hints.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/ascii.hpp"
#include "language/words.hpp"

namespace talky::engine {
namespace {

using namespace std::string_view_literals;

constexpr std::array kDigits = {"zero"sv, "oh"sv,  "one"sv,   "two"sv,   "three"sv, "four"sv,
                                "five"sv, "six"sv, "seven"sv, "eight"sv, "nine"sv};
constexpr std::array kNumbers = {"ten"sv,     "eleven"sv,  "twelve"sv,    "thirteen"sv, "fourteen"sv,
                                 "fifteen"sv, "sixteen"sv, "seventeen"sv, "eighteen"sv, "nineteen"sv,
                                 "twenty"sv,  "thirty"sv,  "forty"sv,     "fifty"sv,    "sixty"sv,
                                 "seventy"sv, "eighty"sv,  "ninety"sv,    "hundred"sv,  "thousand"sv};
constexpr std::array kAnswers = {
    "yes"sv,       "yes please"sv,   "yeah"sv,    "yep"sv,    "no"sv,         "no thank you"sv,
    "nope"sv,      "that's right"sv, "correct"sv, "right"sv,  "sure"sv,       "okay"sv,
    "of course"sv, "not really"sv,   "exactly"sv, "please"sv, "that's fine"sv};
constexpr std::array kDates = {"Monday"sv,        "Tuesday"sv,       "Wednesday"sv,
                               "Thursday"sv,      "Friday"sv,        "Saturday"sv,
                               "Sunday"sv,        "tomorrow"sv,      "today"sv,
                               "next week"sv,     "next"sv,          "this"sv,
                               "January"sv,       "February"sv,      "March"sv,
                               "April"sv,         "May"sv,           "June"sv,
                               "July"sv,          "August"sv,        "September"sv,
                               "October"sv,       "November"sv,      "December"sv,
                               "the first"sv,     "the second"sv,    "the third"sv,
                               "the fourth"sv,    "the fifth"sv,     "the sixth"sv,
                               "the seventh"sv,   "the eighth"sv,    "the ninth"sv,
                               "the tenth"sv,     "the eleventh"sv,  "the twelfth"sv,
                               "the fifteenth"sv, "the twentieth"sv, "the day after tomorrow"sv};
constexpr std::array kTimes = {
    "o'clock"sv, "half past"sv, "quarter past"sv,   "quarter to"sv,       "noon"sv,
    "a.m."sv,    "p.m."sv,      "in the morning"sv, "in the afternoon"sv, "in the evening"sv,
    "at"sv,      "thirty"sv,    "fifteen"sv,        "forty-five"sv,       "midday"sv};

template <std::size_t N>
void add(std::vector<std::string>& out, const std::array<std::string_view, N>& list) {
  out.insert(out.end(), list.begin(), list.end());
}

} // namespace

Hint hint_for(const voice::Expectation& expected) {
  using Kind = voice::Expectation::Kind;
  Hint hint;
  hint.bonus = 1.5F;
  hint.patience = 1.5;
  switch (expected.kind) {
    case Kind::open:
    case Kind::name: break;
    case Kind::digits:
      add(hint.phrases, kDigits);
      hint.phrases.insert(hint.phrases.end(), {"double", "triple"});
      hint.bonus = 5.0F;
      hint.closed = true;
      hint.patience = 4.0;
      hint.patience_each = 0.7;
      break;
    case Kind::number:
      add(hint.phrases, kDigits);
      add(hint.phrases, kNumbers);
      hint.bonus = 2.0F;
      hint.patience = 2.0;
      break;
    case Kind::yes_no:
      add(hint.phrases, kAnswers);
      hint.closed = true;
      break;
    case Kind::date: add(hint.phrases, kDates); break;
    case Kind::time:
      add(hint.phrases, kTimes);
      hint.phrases.insert(hint.phrases.end(), kDigits.begin() + 2, kDigits.end());
      hint.phrases.insert(hint.phrases.end(), kNumbers.begin(), kNumbers.begin() + 3);
      break;
    case Kind::choice: hint.phrases = expected.phrases; break;
  }
  return hint;
}

bool sounds_like_digits(std::string_view text) {
  static constexpr std::array kSounds = {"to"sv,   "too"sv,    "for"sv,  "fore"sv,   "ate"sv,  "aid"sv,
                                         "won"sv,  "o"sv,      "or"sv,   "tree"sv,   "free"sv, "sex"sv,
                                         "sick"sv, "sicks"sv,  "nein"sv, "fife"sv,   "hate"sv, "poor"sv,
                                         "tune"sv, "eighth"sv, "oat"sv,  "heaven"sv, "aight"sv};
  std::size_t digits = 0, words = 0;
  for (const std::string& word : language::words(text)) {
    ++words;
    const bool figures = std::all_of(word.begin(), word.end(), ascii::is_digit);
    if (figures || std::find(kDigits.begin(), kDigits.end(), word) != kDigits.end()) {
      ++digits;
    } else if (std::find(kSounds.begin(), kSounds.end(), word) == kSounds.end()) {
      return false;
    }
  }
  // One word alone may be one: "For." But "no" and "the" are said, too.
  if (words == 1)
    return digits == 1 ||
           language::is_one_of(language::words(text)[0], {"to", "too", "for", "ate", "aid", "won", "o"});
  return 2 * digits >= words && words > 0;
}

} // namespace talky::engine
