#include "voice/slots.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "voice/intents.hpp"
#include "voice/words.hpp"

namespace talky::voice {
namespace {

using namespace std::string_view_literals;

bool in(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

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

// "my name is Anna Smith", "this is Anna", "Anna Smith speaking", and when asked also "Anna Smith", "it's
// Anna".
class NameFinder {
 public:
  enum class Mode : std::uint8_t { anywhere, corrected, asked };

  // `taken` are words that have another meaning already.
  NameFinder(std::string_view text, Mode mode, std::vector<std::string> taken)
      : asked_(mode == Mode::asked), corrected_(mode == Mode::corrected), taken_(std::move(taken)) {
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
      if (!in(lower_[i], {"speaking", "calling"}) && !(lower_[i] == "here" && i + 1 == lower_.size()))
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
            in(lower_[begin], {"yes", "yeah", "sure", "okay", "ok", "well", "hi", "hello", "so", "it", "is",
                               "its", "im", "the", "name", "of", "course", "no", "sorry"})))
      ++begin;
    // A whole sentence is no name.
    for (std::size_t i = begin; i < lower_.size(); ++i) {
      if (is_no_name(lower_[i])) return {};
      if (stops(lower_[i]) && !in(lower_[i], {"please", "thanks", "thank", "you"})) return {};
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
           in(word,
              {"and",      "from",    "please", "i",           "but",     "thanks", "thank",   "here",
               "speaking", "calling", "with",   "on",          "at",      "to",     "a",       "the",
               "id",       "im",      "you",    "want",        "what",    "how",    "why",     "can",
               "could",    "would",   "is",     "are",         "do",      "when",   "where",   "have",
               "it",       "in",      "of",     "my",          "need",    "like",   "about",   "your",
               "not",      "yes",     "no",     "that",        "this",    "for",    "so",      "just",
               "right",    "there",   "going",  "am",          "looking", "trying", "because", "sorry",
               "help",     "dont",    "know",   "appointment", "wait",    "repeat", "say",     "again",
               "operator", "hello",   "hi",     "hey",         "back",    "later",  "morning", "afternoon",
               "evening"});
  }

  // What people say when they are asked for their name, and do not tell it.
  static bool is_no_name(std::string_view word) {
    return in(word, {"time",    "day",      "date",    "name",      "service",  "number", "none",
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
  std::vector<std::string> taken_;
  std::vector<std::string> lower_;
  std::vector<std::string> written_;
};

class Finder {
 public:
  Finder(const std::vector<Slot>& slots, std::optional<std::size_t> asked, std::string_view text,
         const Date& today, const std::vector<std::size_t>& corrected)
      : slots_(slots),
        asked_(asked),
        corrected_(corrected),
        text_(text),
        today_(today),
        words_(words(text)),
        taken_(words_.size()) {}

  std::vector<Filled> find() {
    // The figures of a telephone number are neither a date nor a time.
    if (asked_ && slots_[*asked_].type == Slot::Type::digits) {
      if (std::string value = digits(slots_[*asked_]); !value.empty()) return {{*asked_, std::move(value)}};
    }
    // What is surest takes its words first.
    for (const auto type : {Slot::Type::choice, Slot::Type::date, Slot::Type::time, Slot::Type::digits,
                            Slot::Type::number, Slot::Type::yes_no, Slot::Type::name, Slot::Type::text}) {
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        const bool listens = asked_ == i || slots_[i].anywhere || is_corrected(i);
        if (slots_[i].type != type || !listens) continue;
        // Words that filled another slot are no name: "haircut please" does not answer "your name?".
        if (std::string value = find(slots_[i], asked_ == i, is_corrected(i)); !value.empty())
          out_.push_back({i, std::move(value)});
      }
    }
    return std::move(out_);
  }

 private:
  bool is_corrected(std::size_t slot) const {
    return std::find(corrected_.begin(), corrected_.end(), slot) != corrected_.end();
  }

  std::string find(const Slot& slot, bool asked, bool corrected) {
    switch (slot.type) {
      case Slot::Type::choice: return choice(slot);
      case Slot::Type::date: return last(find_dates(words_, today_));
      case Slot::Type::time:
        return last(find_times(words_, asked || (corrected && words_.size() <= kBrief), slot.hours, taken_));
      case Slot::Type::digits: return digits(slot);
      case Slot::Type::number: return number(slot);
      case Slot::Type::yes_no:
        if (const auto answer = yes_or_no(text_)) return *answer ? "yes" : "no";
        return {};
      case Slot::Type::name: return name(asked, corrected);
      case Slot::Type::text: return has_words(text_) ? std::string(ascii::trim(text_)) : std::string();
    }
    return {};
  }

  std::string name(bool asked, bool corrected) const {
    using Mode = NameFinder::Mode;
    std::vector<std::string> elsewhere;
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (taken_[i]) elsewhere.push_back(words_[i]);
    const Mode mode = asked && elsewhere.empty() ? Mode::asked : corrected ? Mode::corrected : Mode::anywhere;
    return NameFinder(text_, mode, std::move(elsewhere)).find();
  }

  void take(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < taken_.size(); ++i)
      taken_[i] = true;
  }

  // The last value counts, as it corrects those before it. But of alternatives it is the first, which the
  // caller likes best: "tomorrow or maybe on Wednesday".
  template <class T>
  std::string last(const std::vector<Found<T>>& found) {
    for (const auto& f : found)
      take(f.begin, f.end);
    if (found.empty()) return {};
    auto best = found.rbegin();
    while (std::next(best) != found.rend() && is_alternative(std::next(best)->end, best->begin))
      ++best;
    return to_iso(best->value);
  }

  // Between two values stands an "or", and nothing that takes the first one back ("or no", "or rather").
  bool is_alternative(std::size_t begin, std::size_t end) const {
    bool alternative = false;
    for (std::size_t i = begin; i < end; ++i) {
      if (words_[i] == "or") {
        alternative = true;
      } else if (!is_filler(words_[i]) &&
                 !in(words_[i],
                     {"on",      "at",       "the",       "by",      "in",   "around", "about", "maybe",
                      "perhaps", "possibly", "else",      "even",    "also", "early",  "late",  "any",
                      "time",    "morning",  "afternoon", "evening", "this", "that"})) {
        return false;
      }
    }
    return alternative;
  }

  // The longest phrase that was said; of equals, the last said.
  std::string choice(const Slot& slot) {
    std::string best;
    std::size_t best_length = 0;
    std::size_t best_at = 0;
    const auto consider = [&](const std::string& phrase, const std::string& value) {
      const auto list = words(phrase);
      if (list.empty()) return;
      for (std::size_t at = 0; at + list.size() <= words_.size(); ++at) {
        bool same = true;
        for (std::size_t i = 0; i < list.size() && same; ++i) {
          const std::string& heard = words_[at + i];
          // "Have" is not a misheard "shave": short words are too near to each other.
          const bool alike = std::min(heard.size(), list[i].size()) >= 5 && sounds_like(heard, list[i]);
          same = heard == list[i] || stem(heard) == stem(list[i]) || alike;
        }
        if (!same || (at > 0 && in(words_[at - 1], {"not", "isnt"}))) continue;
        if (list.size() > best_length || (list.size() == best_length && at >= best_at)) {
          best = value;
          best_length = list.size();
          best_at = at;
        }
      }
    };
    for (const Slot::Choice& c : slot.choices) {
      consider(c.value, c.value);
      for (const std::string& phrase : c.phrases)
        consider(phrase, c.value);
    }
    if (!best.empty()) take(best_at, best_at + best_length);
    return best;
  }

  Words free_words() const {
    Words out;
    for (std::size_t i = 0; i < words_.size(); ++i)
      out.push_back(taken_[i] ? std::string("|") : words_[i]);
    return out;
  }

  std::string digits(const Slot& slot) const {
    std::string found = find_digits(free_words());
    return slot.length == 0 || found.size() == slot.length ? found : std::string();
  }

  std::string number(const Slot& slot) const {
    std::string value;
    for (const auto& found : find_numbers(free_words())) {
      if (found.value >= slot.min && found.value <= slot.max) value = std::to_string(found.value);
    }
    return value;
  }

  static constexpr std::size_t kBrief = 5; // words: in a longer correction a bare number is no time

  const std::vector<Slot>& slots_;
  std::optional<std::size_t> asked_;
  const std::vector<std::size_t>& corrected_;
  std::string_view text_;
  const Date& today_;
  Words words_;
  std::vector<bool> taken_;
  std::vector<Filled> out_;
};

} // namespace

std::optional<Slot::Type> slot_type(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Slot::Type>, 8> kTypes = {
      {{"choice", Slot::Type::choice},
       {"date", Slot::Type::date},
       {"time", Slot::Type::time},
       {"number", Slot::Type::number},
       {"digits", Slot::Type::digits},
       {"name", Slot::Type::name},
       {"text", Slot::Type::text},
       {"yes-no", Slot::Type::yes_no}}};
  for (const auto& [text, type] : kTypes) {
    if (text == name) return type;
  }
  return std::nullopt;
}

std::vector<Filled> find_values(const std::vector<Slot>& slots, std::optional<std::size_t> asked,
                                std::string_view text, const Date& today,
                                const std::vector<std::size_t>& corrected) {
  return Finder(slots, asked, text, today, corrected).find();
}

std::string spoken_value(const Slot& slot, std::string_view value, const Date& today) {
  switch (slot.type) {
    case Slot::Type::date:
      if (const auto date = date_from_iso(value)) return spoken(*date, today);
      break;
    case Slot::Type::time:
      if (const auto time = time_from_iso(value)) return spoken(*time);
      break;
    case Slot::Type::number:
      if (const auto number = ascii::to_number<std::int64_t>(value)) return cardinal_words(*number);
      break;
    case Slot::Type::digits: {
      std::string out;
      for (const char digit : value) {
        if (!out.empty()) out += ' ';
        out += ascii::is_digit(digit) ? cardinal_words(digit - '0') : std::string(1, digit);
      }
      return out;
    }
    default: break;
  }
  return std::string(value);
}

} // namespace talky::voice
