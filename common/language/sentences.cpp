#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "language/sentences.hpp"

namespace talky::language {
namespace {

constexpr std::array<std::string_view, 18> kAbbreviations = {"dr",  "mr",   "mrs",    "ms",   "st",  "no",
                                                             "vs",  "prof", "jr",     "sr",   "e.g", "i.e",
                                                             "a.m", "p.m",  "approx", "dept", "ext", "inc"};

// Does the '.' at `dot` belong to its word? In "3.5", "Dr. Lee", "J. Smith" it does; in "at 3 p.m. We" it
// does not.
bool inside(std::string_view text, std::size_t dot) {
  if (dot + 1 < text.size() && ascii::is_alnum(text[dot + 1])) return true;
  std::size_t begin = dot;
  while (begin > 0 && !ascii::is_space(text[begin - 1]))
    --begin;
  const std::string word = ascii::lower(text.substr(begin, dot - begin));
  if (word.empty()) return false;
  std::size_t next = dot + 1;
  while (next < text.size() && ascii::is_space(text[next]))
    ++next;
  if (next >= text.size()) return false;
  const bool followed_by_capital = text[next] >= 'A' && text[next] <= 'Z';
  if (word == "a.m" || word == "p.m") return !followed_by_capital;
  if (word.size() == 1 && ascii::is_alpha(word[0]) && word != "i") return true;
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), word) != kAbbreviations.end() &&
         (followed_by_capital || ascii::is_alnum(text[next])) &&
         !(word == "no" && !ascii::is_digit(text[next]));
}

} // namespace

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  const auto cut = [&](std::size_t end) {
    const std::string_view sentence = ascii::trim(text.substr(begin, end - begin));
    const bool spoken = std::any_of(sentence.begin(), sentence.end(), [](char c) {
      return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80;
    });
    if (spoken) out.emplace_back(sentence);
    begin = end;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      cut(i + 1);
    } else if (c == '.' || c == '!' || c == '?') {
      if (c == '.' && inside(text, i)) continue;
      std::size_t end = i + 1;
      while (end < text.size() && (text[end] == '.' || text[end] == '!' || text[end] == '?' ||
                                   text[end] == '"' || text[end] == '\'' || text[end] == ')'))
        ++end;
      if (end < text.size() && !ascii::is_space(text[end]) && text[end] != '\n') continue;
      cut(end);
      i = end - 1;
    }
  }
  cut(text.size());
  return out;
}

} // namespace talky::language
