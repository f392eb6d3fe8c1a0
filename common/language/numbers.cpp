#include "language/numbers.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSmall = {"zero"sv,    "one"sv,     "two"sv,       "three"sv,    "four"sv,
                               "five"sv,    "six"sv,     "seven"sv,     "eight"sv,    "nine"sv,
                               "ten"sv,     "eleven"sv,  "twelve"sv,    "thirteen"sv, "fourteen"sv,
                               "fifteen"sv, "sixteen"sv, "seventeen"sv, "eighteen"sv, "nineteen"sv};
constexpr std::array kTens = {""sv,      ""sv,      "twenty"sv,  "thirty"sv, "forty"sv,
                              "fifty"sv, "sixty"sv, "seventy"sv, "eighty"sv, "ninety"sv};
constexpr std::array kSmallOrdinals = {"zeroth"sv,    "first"sv,       "second"sv,     "third"sv,
                                       "fourth"sv,    "fifth"sv,       "sixth"sv,      "seventh"sv,
                                       "eighth"sv,    "ninth"sv,       "tenth"sv,      "eleventh"sv,
                                       "twelfth"sv,   "thirteenth"sv,  "fourteenth"sv, "fifteenth"sv,
                                       "sixteenth"sv, "seventeenth"sv, "eighteenth"sv, "nineteenth"sv};
constexpr std::array kTensOrdinals = {""sv,          ""sv,         "twentieth"sv, "thirtieth"sv,
                                      "fortieth"sv,  "fiftieth"sv, "sixtieth"sv,  "seventieth"sv,
                                      "eightieth"sv, "ninetieth"sv};

template <std::size_t N>
std::optional<std::int64_t> index_of(const std::array<std::string_view, N>& list, std::string_view word) {
  const auto found = std::find(list.begin(), list.end(), word);
  if (found == list.end() || word.empty()) return std::nullopt;
  return found - list.begin();
}

std::optional<std::int64_t> small(std::string_view word) {
  return index_of(kSmall, word);
}
std::optional<std::int64_t> tens(std::string_view word) {
  if (word == "fourty") return 40;
  const auto index = index_of(kTens, word);
  return index ? std::optional(*index * 10) : std::nullopt;
}
std::optional<std::int64_t> figures(std::string_view word) {
  if (word.empty() || word.size() > 9) return std::nullopt;
  return ascii::to_number<std::int64_t>(word);
}

std::string_view word_at(const Words& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at]) : std::string_view();
}

// 0..99 in words or figures.
std::optional<Found<std::int64_t>> below_hundred(const Words& words, std::size_t at) {
  const std::string_view word = word_at(words, at);
  if (const auto value = figures(word)) return Found<std::int64_t>{at, at + 1, *value};
  if (const auto value = small(word)) return Found<std::int64_t>{at, at + 1, *value};
  if (const auto value = tens(word)) {
    const auto unit = small(word_at(words, at + 1));
    if (unit && *unit >= 1 && *unit <= 9) return Found<std::int64_t>{at, at + 2, *value + *unit};
    return Found<std::int64_t>{at, at + 1, *value};
  }
  return std::nullopt;
}

std::optional<Found<std::int64_t>> below_thousand(const Words& words, std::size_t at) {
  std::optional<Found<std::int64_t>> number;
  if (word_at(words, at) == "a" && word_at(words, at + 1) == "hundred") {
    number = Found<std::int64_t>{at, at + 1, 1};
  } else {
    number = below_hundred(words, at);
  }
  if (!number || word_at(words, number->end) != "hundred" || number->value > 99) return number;
  number->value *= 100;
  ++number->end;
  const std::size_t next = word_at(words, number->end) == "and" ? number->end + 1 : number->end;
  if (const auto rest = below_hundred(words, next); rest && rest->value < 100) {
    number->value += rest->value;
    number->end = rest->end;
  }
  return number;
}

} // namespace

std::optional<Found<std::int64_t>> cardinal_at(const Words& words, std::size_t at) {
  if (word_at(words, at) == "a" &&
      (word_at(words, at + 1) == "dozen" || word_at(words, at + 1) == "couple")) {
    return Found<std::int64_t>{at, at + 2, word_at(words, at + 1) == "dozen" ? 12 : 2};
  }
  std::optional<Found<std::int64_t>> total;
  std::int64_t limit = 1'000'000'000;
  std::size_t next = at;
  while (true) {
    std::optional<Found<std::int64_t>> part;
    if (word_at(words, next) == "a" &&
        (word_at(words, next + 1) == "thousand" || word_at(words, next + 1) == "million")) {
      part = Found<std::int64_t>{next, next + 1, 1};
    } else {
      part = below_thousand(words, next);
    }
    if (!part) break;
    std::int64_t scale = 1;
    if (word_at(words, part->end) == "thousand") scale = 1'000;
    if (word_at(words, part->end) == "million") scale = 1'000'000;
    if (scale > 1 && part->value > 999) break;
    if (scale > 1) ++part->end;
    if (total && (scale >= limit || part->value * scale >= limit)) break;
    if (!total) total = Found<std::int64_t>{at, at, 0};
    total->value += part->value * scale;
    total->end = part->end;
    if (scale == 1) break;
    limit = scale;
    next = word_at(words, total->end) == "and" ? total->end + 1 : total->end;
  }
  return total;
}

std::optional<Found<std::int64_t>> ordinal_at(const Words& words, std::size_t at) {
  const std::string_view word = word_at(words, at);
  if (word.size() > 2 && word.size() <= 4) {
    const std::string_view suffix = word.substr(word.size() - 2);
    const auto value = figures(word.substr(0, word.size() - 2));
    if (value && (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th")) {
      return Found<std::int64_t>{at, at + 1, *value};
    }
  }
  if (const auto value = index_of(kSmallOrdinals, word)) return Found<std::int64_t>{at, at + 1, *value};
  if (const auto value = index_of(kTensOrdinals, word)) return Found<std::int64_t>{at, at + 1, *value * 10};
  if (const auto ten = tens(word)) {
    const auto unit = index_of(kSmallOrdinals, word_at(words, at + 1));
    if (unit && *unit >= 1 && *unit <= 9) return Found<std::int64_t>{at, at + 2, *ten + *unit};
  }
  return std::nullopt;
}

std::vector<Found<std::int64_t>> find_numbers(const Words& words) {
  std::vector<Found<std::int64_t>> out;
  for (std::size_t i = 0; i < words.size();) {
    auto number = cardinal_at(words, i);
    if (const auto ordinal = ordinal_at(words, i); ordinal && (!number || ordinal->end > number->end))
      number = ordinal;
    if (number) out.push_back(*number);
    i = number ? number->end : i + 1;
  }
  return out;
}

std::string find_digits(const Words& words) {
  std::string out;
  std::size_t times = 1;
  for (std::size_t i = 0; i < words.size();) {
    const std::string& word = words[i];
    if (word == "double" || word == "triple") {
      times = word == "double" ? 2 : 3;
      ++i;
      continue;
    }
    std::string digits;
    std::size_t next = i + 1;
    if (word == "oh" || word == "o" || word == "nought") {
      digits = "0";
    } else if (std::all_of(word.begin(), word.end(), ascii::is_digit)) {
      digits = word;
    } else if (const auto number = below_thousand(words, i)) {
      digits = std::to_string(number->value);
      next = number->end;
    }
    for (std::size_t n = 0; n < (digits.size() == 1 ? times : 1); ++n)
      out += digits;
    times = 1;
    i = next;
  }
  return out;
}

std::string cardinal_words(std::int64_t number) {
  if (number < 0) return "minus " + cardinal_words(-number);
  if (number < 20) return std::string(kSmall[static_cast<std::size_t>(number)]);
  if (number < 100) {
    std::string out(kTens[static_cast<std::size_t>(number / 10)]);
    if (number % 10 != 0) out += '-' + cardinal_words(number % 10);
    return out;
  }
  const auto scaled = [number](std::int64_t scale, std::string_view name) {
    std::string out = cardinal_words(number / scale) + ' ' + std::string(name);
    const std::int64_t rest = number % scale;
    if (rest != 0) out += (rest < 100 ? " and " : " ") + cardinal_words(rest);
    return out;
  };
  if (number < 1'000) return scaled(100, "hundred");
  if (number < 1'000'000) return scaled(1'000, "thousand");
  return std::to_string(number);
}

std::string ordinal_words(std::int64_t number) {
  if (number < 0 || number > 99) return std::to_string(number) + "th";
  if (number < 20) return std::string(kSmallOrdinals[static_cast<std::size_t>(number)]);
  const auto ten = static_cast<std::size_t>(number / 10);
  if (number % 10 == 0) return std::string(kTensOrdinals[ten]);
  return std::string(kTens[ten]) + '-' + std::string(kSmallOrdinals[static_cast<std::size_t>(number % 10)]);
}

} // namespace talky::language
