#include "language/names.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/ascii.hpp"
#include "language/numbers.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

// Words as the recogniser wrote them, without punctuation at their ends.
std::vector<std::string> written(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  const auto flush = [&] {
    while (!word.empty() && (word.back() == '\'' || word.back() == '-'))
      word.pop_back();
    if (!word.empty()) out.push_back(std::exchange(word, {}));
    word.clear();
  };
  for (const char c : text) {
    const bool inner = (c == '\'' || c == '-') && !word.empty();
    if (ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || inner) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return out;
}

std::string capitalised(std::string word) {
  const bool shouting = std::none_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (shouting && word.size() > 1) word = ascii::lower(word);
  bool start = true;
  for (char& c : word) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == '-' || c == '\'';
  }
  // "O'brien" is O'Brien, but "Anna's" ends in a small letter.
  if (word.size() > 2 && word[word.size() - 2] == '\'') word.back() = ascii::to_lower(word.back());
  return word;
}

class NameFinder {
 public:
  NameFinder(std::string_view text, NameMode mode, const std::vector<std::string>& taken)
      : asked_(mode == NameMode::asked), corrected_(mode == NameMode::corrected), taken_(taken) {
    for (std::string& word : written(text)) {
      lower_.push_back(lower_of(word));
      written_.push_back(std::move(word));
    }
    join_letters();
  }

  std::string find() const {
    for (std::size_t i = 0; i < lower_.size(); ++i) {
      const std::size_t begin = behind_introduction(i);
      if (begin == 0) continue;
      if (std::string name = from(begin); !name.empty()) return name;
    }
    for (std::size_t i = 1; i < lower_.size(); ++i) {
      if (!is_one_of(lower_[i], {"speaking", "calling"}) && !(lower_[i] == "here" && i + 1 == lower_.size()))
        continue;
      std::size_t begin = i;
      while (begin > 0 && i - begin < 3 && !stops(lower_[begin - 1]))
        --begin;
      if (std::string name = from(begin); begin < i && !name.empty()) return name;
    }
    if (!asked_) return {};
    std::size_t begin = 0;
    while (begin < lower_.size() &&
           (is_filler(lower_[begin]) ||
            is_one_of(lower_[begin], {"yes", "yeah", "sure", "okay", "ok", "well", "hi", "hello", "so", "it",
                                      "is", "its", "im", "the", "name", "of", "course", "no", "sorry"})))
      ++begin;
    // A whole sentence is no name.
    for (std::size_t i = begin; i < lower_.size(); ++i) {
      if (is_no_name(lower_[i])) return {};
      if (stops(lower_[i]) && !is_one_of(lower_[i], {"please", "thanks", "thank", "you"})) return {};
    }
    return from(begin);
  }

 private:
  static std::string lower_of(std::string_view word) {
    std::string out;
    for (const char c : word)
      if (c != '\'' && c != '-') out += ascii::to_lower(c);
    return out;
  }
  static bool stops(std::string_view word) {
    return is_filler(word) ||
           is_one_of(word, {"and",     "from",      "please",  "i",           "but",    "thanks",  "thank",
                            "here",    "speaking",  "calling", "with",        "on",     "at",      "to",
                            "a",       "the",       "id",      "im",          "you",    "want",    "what",
                            "how",     "why",       "can",     "could",       "would",  "is",      "are",
                            "do",      "when",      "where",   "have",        "it",     "in",      "of",
                            "my",      "need",      "like",    "about",       "your",   "not",     "yes",
                            "no",      "that",      "this",    "for",         "so",     "just",    "right",
                            "there",   "going",     "am",      "looking",     "trying", "because", "sorry",
                            "help",    "dont",      "know",    "appointment", "wait",   "repeat",  "say",
                            "again",   "operator",  "hello",   "hi",          "hey",    "back",    "later",
                            "morning", "afternoon", "evening"});
  }

  // What people say when they are asked for their name, and do not tell it.
  static bool is_no_name(std::string_view word) {
    return is_one_of(word, {"time",    "day",      "date",    "name",      "service",  "number", "none",
                            "nothing", "whatever", "anyone",  "nobody",    "anything", "thing",  "maybe",
                            "hang",    "hold",     "second",  "moment",    "minute",   "make",   "change",
                            "tell",    "secret",   "private", "anonymous", "haircut",  "robot",  "idea"});
  }

  // Behind "my name is" and the like at `i`; 0 if there is none.
  std::size_t behind_introduction(std::size_t i) const {
    const auto at = [&](std::size_t k) {
      return k < lower_.size() ? std::string_view(lower_[k]) : std::string_view();
    };
    if (at(i) == "name" && at(i + 1) == "is") return i + 2;
    if (at(i) == "names") return i + 1;
    if (at(i) == "call" && at(i + 1) == "me") return i + 2;
    if (at(i) == "name" && at(i + 1) == "of") return i + 2;
    if (asked_ || i == 0) {
      if (at(i) == "this" && at(i + 1) == "is") return i + 2;
    }
    // "A haircut for Anna", "no, it's Marie": recognisers write names large.
    const auto is_large = [&](std::size_t k) {
      return k < written_.size() && written_[k][0] >= 'A' && written_[k][0] <= 'Z' && !is_no_name(lower_[k]);
    };
    if (!asked_ && i > 0 && at(i) == "for" && is_large(i + 1)) return i + 1;
    if (corrected_ && at(i) == "its" && is_large(i + 1)) return i + 1;
    if (corrected_ && at(i) == "it" && at(i + 1) == "is" && is_large(i + 2)) return i + 2;
    if (!asked_) return 0;
    if (at(i) == "im" || at(i) == "its" || at(i) == "under" || at(i) == "for") return i + 1;
    if ((at(i) == "i" && at(i + 1) == "am") || (at(i) == "it" && at(i + 1) == "is")) return i + 2;
    return 0;
  }

  // A name that is spelt, "S M I T H", "S-M-I-T-H" or "double L", is one word.
  void join_letters() {
    const auto spelt_with_hyphens = [](const std::string& word) {
      for (std::size_t i = 0; i < word.size(); ++i)
        if ((word[i] == '-') != (i % 2 == 1)) return false;
      return word.size() >= 5;
    };
    for (std::size_t i = 0; i < lower_.size(); ++i) {
      if (spelt_with_hyphens(written_[i])) written_[i] = capitalised(lower_[i]);
      std::size_t end = i;
      std::string word;
      const auto is_letter = [&](std::size_t k) {
        return k < lower_.size() && lower_[k].size() == 1 && ascii::is_alpha(lower_[k][0]);
      };
      while (is_letter(end) || (end < lower_.size() && lower_[end] == "double" && is_letter(end + 1))) {
        if (lower_[end] == "double") word += lower_[++end];
        word += lower_[end++];
      }
      if (word.size() < 3) continue;
      const auto from = static_cast<std::ptrdiff_t>(i);
      const auto to = static_cast<std::ptrdiff_t>(end);
      lower_.erase(lower_.begin() + from + 1, lower_.begin() + to);
      written_.erase(written_.begin() + from + 1, written_.begin() + to);
      lower_[i] = word;
      written_[i] = capitalised(word);
    }
  }

  // Up to four words; a word that only spells one before it is left out.
  std::string from(std::size_t begin) const {
    std::vector<std::string> name;
    std::vector<std::string> lower;
    for (std::size_t i = begin; i < lower_.size() && name.size() < 4; ++i) {
      if (stops(lower_[i]) || in_taken(lower_[i]) || is_number(written_[i])) break;
      if (std::find(lower.begin(), lower.end(), lower_[i]) != lower.end()) continue;
      lower.push_back(lower_[i]);
      name.push_back(capitalised(written_[i]));
    }
    return joined(name);
  }

  static bool is_number(const std::string& word) {
    return std::any_of(word.begin(), word.end(), ascii::is_digit) || !find_numbers(words(word)).empty();
  }
  bool in_taken(const std::string& word) const {
    return std::find(taken_.begin(), taken_.end(), word) != taken_.end();
  }

  bool asked_;
  bool corrected_;
  const std::vector<std::string>& taken_;
  std::vector<std::string> lower_;
  std::vector<std::string> written_;
};

} // namespace

std::string find_name(std::string_view text, NameMode mode, const std::vector<std::string>& taken) {
  return NameFinder(text, mode, taken).find();
}

} // namespace talky::language
