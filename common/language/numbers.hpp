// Numbers as people say them: "twenty-one", "a hundred and five", "double oh seven", "the 23rd". English.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

using Words = std::vector<std::string>; // as words() cuts them

// A value found in words [begin, end).
template <class T>
struct Found {
  std::size_t begin = 0;
  std::size_t end = 0;
  T value{};
};

// The longest cardinal (0 to 999,999,999) or ordinal (1st to 99th) that starts at `at`.
std::optional<Found<std::int64_t>> cardinal_at(const Words& words, std::size_t at);
std::optional<Found<std::int64_t>> ordinal_at(const Words& words, std::size_t at);
std::vector<Found<std::int64_t>> find_numbers(const Words& words);

// All digits said, in order: "oh one double five, twenty three" -> "015523". Other words are skipped.
std::string find_digits(const Words& words);

// 0 to 999,999 in words: "twenty-one", "one hundred and five"; and 1 to 99 as "twenty-first".
std::string cardinal_words(std::int64_t number);
std::string ordinal_words(std::int64_t number);

} // namespace talky::language
