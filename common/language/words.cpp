#include "language/words.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"

namespace talky::language {
namespace {

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_word_char(char c) {
  return ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80;
}

// Hyphens separate, but for those with which recognisers spell what is one word: "to-morrow", "good-bye".
bool joins(std::string_view before, std::string_view behind) {
  const auto begins = [behind](std::string_view word) {
    return ascii::iequals(behind.substr(0, word.size()), word) &&
           (behind.size() == word.size() || !is_word_char(behind[word.size()]));
  };
  if (before == "to") return begins("day") || begins("night") || begins("morrow");
  return before == "good" && (begins("by") || begins("bye"));
}

// "9am" -> "9" "am", "2nd" stays.
void push_split(std::string word, std::vector<std::string>& out) {
  if (word == "goodby") word = "goodbye";
  for (const std::string_view half : {std::string_view("am"), std::string_view("pm")}) {
    if (word.size() > 2 && word.ends_with(half) && ascii::is_digit(word[word.size() - 3])) {
      out.push_back(word.substr(0, word.size() - 2));
      out.emplace_back(half);
      return;
    }
  }
  out.push_back(std::move(word));
}

} // namespace

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) push_split(std::move(word), out);
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool between_digits =
        !word.empty() && ascii::is_digit(word.back()) && i + 1 < text.size() && ascii::is_digit(text[i + 1]);
    if (is_word_char(c)) {
      word += ascii::to_lower(c);
      // The right single quotation mark of UTF-8 is an apostrophe.
      if (word.ends_with("\xe2\x80\x99")) word.resize(word.size() - 3);
    } else if (c == '\'' || (c == '-' && joins(word, text.substr(i + 1)))) {
      continue;
    } else if ((c == ':' || c == '.') && between_digits) {
      word += c;
    } else if (c == ',' && between_digits) {
      continue; // 1,000
    } else if (c == '.' && !word.empty() && (word == "a" || word == "p") && i + 1 < text.size() &&
               (ascii::to_lower(text[i + 1]) == 'm')) {
      continue; // a.m.
    } else {
      flush();
    }
  }
  flush();
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

std::string stem(std::string_view word) {
  const auto vowel = [](char c) {
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
  };
  const auto has_vowel = [&](std::string_view s) { return std::any_of(s.begin(), s.end(), vowel); };
  std::string s(word);
  const auto cut = [&s](std::size_t n) { s.erase(s.size() - n); };
  if (s.size() > 4 && s.ends_with("ies")) {
    cut(3);
    s += 'y';
  } else if (s.size() > 4 &&
             (s.ends_with("sses") || s.ends_with("shes") || s.ends_with("ches") || s.ends_with("xes"))) {
    cut(2);
  } else if (s.size() > 3 && s.ends_with('s') && !s.ends_with("ss") && !s.ends_with("us") &&
             !s.ends_with("is")) {
    cut(1);
  }
  bool shortened = false;
  if (s.size() > 5 && s.ends_with("ing") && has_vowel(std::string_view(s).substr(0, s.size() - 3))) {
    cut(3);
    shortened = true;
  } else if (s.size() > 4 && s.ends_with("ed") && has_vowel(std::string_view(s).substr(0, s.size() - 2))) {
    cut(2);
    shortened = true;
  } else if (s.size() > 5 && s.ends_with("ly")) {
    cut(2);
  }
  // "cancelling" -> "cancel", "planned" -> "plan"; but "call", "miss" keep their letters.
  const std::size_t n = s.size();
  if (shortened && n > 3 && s[n - 1] == s[n - 2] && !vowel(s[n - 1]) && s[n - 1] != 's' &&
      (s[n - 1] != 'l' || n > 5)) {
    cut(1);
  }
  // "change", "changed", "changing" are one.
  if (s.size() > 3 && s.ends_with('e')) cut(1);
  return s;
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    std::size_t least = next[0];
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
      least = std::min(least, next[j]);
    }
    if (least > limit) return limit + 1;
    before.swap(row);
    row.swap(next);
  }
  return std::min(row[b.size()], limit + 1);
}

bool sounds_like(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::size_t shorter = std::min(a.size(), b.size());
  if (shorter < 4) return false;
  const std::size_t limit = shorter >= 8 ? 2 : 1;
  return edit_distance(a, b, limit) <= limit;
}

bool is_filler(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kFillers = {"um", "umm", "uh",   "uhh", "er", "erm",
                                                                "hm", "hmm", "hmmm", "ah",  "eh", "huh"};
  return contains(kFillers, word);
}

bool has_words(std::string_view text) {
  const auto list = words(text);
  return !std::all_of(list.begin(), list.end(), [](const std::string& w) { return is_filler(w); });
}

bool trails_off(std::string_view text) {
  static constexpr std::array<std::string_view, 46> kOpenEnds = {
      "and", "or",   "but", "so",   "because", "the",   "a",    "an",    "my",   "your",  "his",  "her",
      "to",  "for",  "at",  "on",   "in",      "of",    "with", "from",  "by",   "about", "like", "is",
      "are", "was",  "am",  "im",   "id",      "ill",   "its",  "um",    "umm",  "uh",    "er",   "erm",
      "hmm", "well", "if",  "then", "would",   "could", "can",  "maybe", "next", "every"};
  const auto list = words(text);
  if (list.empty()) return false;
  const std::string_view trimmed = ascii::trim(text);
  // A comma says nothing: recognisers write one behind whole sentences, too.
  if (trimmed.ends_with("...") || trimmed.ends_with('-')) return true;
  const std::string& last = list.back();
  // "seven am", "what day is it on": a whole sentence may end in such a word when something stands before it.
  if (last == "am" && list.size() > 1 && ascii::is_digit(list[list.size() - 2].back())) return false;
  if (trimmed.ends_with('?')) return is_filler(last);
  return contains(kOpenEnds, last);
}

} // namespace talky::language
