// What the finders of dates, of times and of what narrows them down share. Not public.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "language/calendar.hpp"
#include "language/words.hpp"

namespace talky::language {

inline std::string_view word_at(const Words& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at]) : std::string_view();
}

// Do the words from `at` on begin with these?
inline bool follows(const Words& words, std::size_t at, std::initializer_list<std::string_view> list) {
  for (const std::string_view word : list) {
    if (word_at(words, at++) != word) return false;
  }
  return true;
}

// How many words the phrase has, if it stands there; else 0.
std::size_t phrase_at(const Words& words, std::size_t at, std::string_view phrase);

// "not", "instead of", "any day but", "rather than" before a value, "is no good", "doesn't work" behind it.
bool denied_before(const Words& words, std::size_t begin);
bool denied_behind(const Words& words, std::size_t end);

// What stands between two values when both are meant alike: "or", "and", and words without a meaning.
bool is_between_equals(const Words& words, std::size_t begin, std::size_t end);

// Everything that finder.at() finds in the words, from left to right.
template <class T, class Finder>
std::vector<Mention<T>> all_mentions(const Finder& finder, const Words& words) {
  std::vector<Mention<T>> out;
  for (std::size_t i = 0; i < words.size();) {
    auto found = finder.at(i);
    if (found) {
      Mention<T> mention = *found;
      mention.denied = denied_before(words, found->begin) || denied_behind(words, found->end);
      // "Not on Tuesday or Wednesday": neither.
      if (!out.empty() && out.back().denied && !mention.denied)
        mention.denied = is_between_equals(words, out.back().end, found->begin);
      out.push_back(mention);
    }
    i = found ? found->end : i + 1;
  }
  return out;
}

template <class T>
std::vector<Found<T>> meant(const std::vector<Mention<T>>& mentions) {
  std::vector<Found<T>> out;
  for (const Mention<T>& mention : mentions)
    if (!mention.denied) out.push_back(mention);
  return out;
}

std::optional<int> weekday_of(std::string_view word); // 0 is Monday
std::optional<int> month_of(std::string_view word);   // 1..12

// A feast day that is named at `at`, the next one from `today` on: "Christmas Eve", "Easter Monday".
std::optional<Found<Date>> holiday_at(const Words& words, std::size_t at, const Date& today);
Date last_day_of_month(int year, int month);

} // namespace talky::language
