// Numbers in words.
#include <array>

#include "language/spoken.hpp"

namespace talky::language {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero",     "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};

void append(std::string& out, std::string_view word) {
  if (!out.empty()) out += ' ';
  out += word;
}

void below_thousand(std::string& out, unsigned number) {
  if (number >= 100) {
    append(out, kSmall[number / 100]);
    append(out, "hundred");
    number %= 100;
    if (number == 0) return;
  }
  if (number >= 20) {
    append(out, kTens[number / 10]);
    if (number % 10 == 0) return;
    number %= 10;
  }
  append(out, kSmall[number]);
}

} // namespace

std::string cardinal(unsigned long long number) {
  struct Scale {
    unsigned long long unit;
    std::string_view name;
  };
  static constexpr std::array<Scale, 4> kScales = {{{1'000'000'000'000, "trillion"},
                                                    {1'000'000'000, "billion"},
                                                    {1'000'000, "million"},
                                                    {1'000, "thousand"}}};
  if (number >= 1'000 * kScales[0].unit) return digits(std::to_string(number));
  std::string out;
  for (const Scale& scale : kScales) {
    if (number < scale.unit) continue;
    below_thousand(out, static_cast<unsigned>(number / scale.unit));
    append(out, scale.name);
    number %= scale.unit;
  }
  if (number > 0 || out.empty()) below_thousand(out, static_cast<unsigned>(number));
  return out;
}

std::string ordinal(unsigned long long number) {
  struct Irregular {
    std::string_view cardinal, ordinal;
  };
  static constexpr std::array<Irregular, 7> kIrregular = {{{"one", "first"},
                                                           {"two", "second"},
                                                           {"three", "third"},
                                                           {"five", "fifth"},
                                                           {"eight", "eighth"},
                                                           {"nine", "ninth"},
                                                           {"twelve", "twelfth"}}};
  std::string out = cardinal(number);
  const auto space = out.rfind(' ');
  const std::size_t last = space == std::string::npos ? 0 : space + 1;
  for (const Irregular& irregular : kIrregular) {
    if (std::string_view(out).substr(last) == irregular.cardinal)
      return out.replace(last, std::string::npos, irregular.ordinal);
  }
  if (out.back() == 'y') return out.replace(out.size() - 1, 1, "ieth");
  return out + "th";
}

std::string year(unsigned number) {
  const unsigned high = number / 100, low = number % 100;
  if (number < 1100 || number > 2099 || (number >= 2000 && number <= 2009)) return cardinal(number);
  std::string out = cardinal(high);
  if (low == 0) return out + " hundred";
  if (low < 10) append(out, "oh");
  append(out, cardinal(low));
  return out;
}

std::string digits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= '0' && c <= '9') append(out, kSmall[static_cast<std::size_t>(c - '0')]);
  }
  return out;
}

} // namespace talky::language
