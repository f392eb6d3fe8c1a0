// What the finders of dates and of times share. Not public.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "language/calendar.hpp"

namespace talky::language {

inline std::string_view word_at(const Words& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at]) : std::string_view();
}

// "not", "isn't", "instead of" right before a value says that it is wrong.
inline bool denied(const Words& words, std::size_t at) {
  for (std::size_t back = 1; back <= 3 && back <= at; ++back) {
    const std::string& word = words[at - back];
    if (word == "not" || word == "isnt" || word == "wasnt") return true;
    if (word == "of" && at >= back + 1 && words[at - back - 1] == "instead") return true;
    if (word != "on" && word != "the" && word != "at" && word != "for" && word != "this" && word != "next")
      return false;
  }
  return false;
}

// Everything that finder.at() finds in the words, from left to right, without what was denied.
template <class T, class Finder>
std::vector<Found<T>> find_all(const Finder& finder, const Words& words) {
  std::vector<Found<T>> out;
  for (std::size_t i = 0; i < words.size();) {
    const auto found = finder.at(i);
    if (found && !denied(words, i)) out.push_back(*found);
    i = found ? found->end : i + 1;
  }
  return out;
}

} // namespace talky::language
