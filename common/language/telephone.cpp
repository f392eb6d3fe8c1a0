#include "language/telephone.hpp"

#include <algorithm>
#include <vector>

#include "core/ascii.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

// Does what follows correct what was said before?
bool is_correction(const Words& words, std::size_t i) {
  if (is_one_of(words[i], {"no", "nope", "sorry", "wait", "correction", "rather", "actually", "oops",
                           "scratch", "wrong"}))
    return true;
  if (words[i] == "mean" && i > 0 && words[i - 1] == "i") return true;
  return words[i] == "meant" || (words[i] == "that" && i > 0 && words[i - 1] == "make");
}

// "the last two digits are", "the end is": how many are replaced; 0: nothing of the kind
std::size_t last_digits(const Words& words, std::size_t& at) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (!is_one_of(words[i], {"last", "final"})) continue;
    std::size_t count = 1;
    std::size_t next = i + 1;
    if (const auto number = cardinal_at(words, next); number && number->value > 0 && number->value < 12) {
      count = static_cast<std::size_t>(number->value);
      next = number->end;
    }
    if (!is_one_of(words[next < words.size() ? next : i],
                   {"digit", "digits", "one", "ones", "number", "numbers", "figure", "figures"}))
      continue;
    at = next + 1;
    return count;
  }
  return 0;
}

std::string digits_of(const Words& words) {
  std::string out = find_digits(words);
  const bool plus = std::find(words.begin(), words.end(), "plus") != words.end();
  return plus && !out.empty() ? '+' + out : out;
}

void replace_tail(std::string& number, const std::string& tail) {
  const bool anew = tail.size() >= 7 || tail.size() >= number.size() || tail[0] == '+';
  number = anew ? tail : number.substr(0, number.size() - tail.size()) + tail;
}

} // namespace

std::string heard_number(const Words& words, std::string_view known, bool corrects) {
  std::string number(known);
  std::size_t from = 0;
  if (const std::size_t count = last_digits(words, from); count > 0 && !number.empty()) {
    const std::string tail =
        find_digits({words.begin() + static_cast<std::ptrdiff_t>(std::min(from, words.size())), words.end()});
    if (tail.size() == count && count <= number.size()) return number.substr(0, number.size() - count) + tail;
  }
  Words part;
  bool replaces = corrects;
  const auto flush = [&] {
    const std::string digits = digits_of(part);
    part.clear();
    if (digits.empty()) return;
    if (replaces && !number.empty()) {
      replace_tail(number, digits);
    } else {
      number += digits;
    }
    replaces = false;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (is_correction(words, i)) {
      flush();
      replaces = true;
    } else {
      part.push_back(words[i]);
    }
  }
  flush();
  return number;
}

Fullness fullness_of_number(std::string_view number) {
  const auto digits = static_cast<std::size_t>(
      std::count_if(number.begin(), number.end(), [](char c) { return ascii::is_digit(c); }));
  if (number.starts_with('+'))
    return digits < 9 ? Fullness::short_of : digits < 11 ? Fullness::likely : Fullness::whole;
  if (number.starts_with("00"))
    return digits < 11 ? Fullness::short_of : digits < 13 ? Fullness::likely : Fullness::whole;
  if (number.starts_with('0'))
    return digits < 9 ? Fullness::short_of : digits < 11 ? Fullness::likely : Fullness::whole;
  if (digits < 7) return Fullness::short_of;
  return digits == 10 || digits == 7 ? Fullness::whole : Fullness::likely;
}

} // namespace talky::language
