#include "flow/slots.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "flow/intents.hpp"
#include "language/answers.hpp"
#include "language/names.hpp"
#include "language/numbers.hpp"
#include "language/words.hpp"

namespace talky::flow {
namespace {

class Finder {
 public:
  Finder(const std::vector<Slot>& slots, std::optional<std::size_t> asked, std::string_view text,
         const language::Date& today, const std::vector<std::size_t>& corrected)
      : slots_(slots),
        asked_(asked),
        corrected_(corrected),
        text_(text),
        today_(today),
        words_(language::words(text)),
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
      case Slot::Type::date: return last(language::find_dates(words_, today_));
      case Slot::Type::time:
        return last(language::find_times(words_, asked || (corrected && words_.size() <= kBrief), slot.hours,
                                         taken_));
      case Slot::Type::digits: return digits(slot);
      case Slot::Type::number: return number(slot);
      case Slot::Type::yes_no:
        if (const auto answer = language::yes_or_no(text_)) return *answer ? "yes" : "no";
        return {};
      case Slot::Type::name: return name(asked, corrected);
      case Slot::Type::text:
        return language::has_words(text_) ? std::string(ascii::trim(text_)) : std::string();
    }
    return {};
  }

  std::string name(bool asked, bool corrected) const {
    std::vector<std::string> elsewhere;
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (taken_[i]) elsewhere.push_back(words_[i]);
    const language::NameMode mode = asked && elsewhere.empty() ? language::NameMode::asked
                                    : corrected                ? language::NameMode::corrected
                                                               : language::NameMode::anywhere;
    return language::find_name(text_, mode, elsewhere);
  }

  void take(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < taken_.size(); ++i)
      taken_[i] = true;
  }

  // The last value counts, as it corrects those before it. But of alternatives it is the first, which the
  // caller likes best: "tomorrow or maybe on Wednesday".
  template <class T>
  std::string last(const std::vector<language::Found<T>>& found) {
    for (const auto& f : found)
      take(f.begin, f.end);
    if (found.empty()) return {};
    auto best = found.rbegin();
    while (std::next(best) != found.rend() && is_alternative(std::next(best)->end, best->begin))
      ++best;
    return language::to_iso(best->value);
  }

  // Between two values stands an "or", and nothing that takes the first one back ("or no", "or rather").
  bool is_alternative(std::size_t begin, std::size_t end) const {
    bool alternative = false;
    for (std::size_t i = begin; i < end; ++i) {
      if (words_[i] == "or") {
        alternative = true;
      } else if (!language::is_filler(words_[i]) &&
                 !language::is_one_of(
                     words_[i],
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
      const auto list = language::words(phrase);
      if (list.empty()) return;
      for (std::size_t at = 0; at + list.size() <= words_.size(); ++at) {
        bool same = true;
        for (std::size_t i = 0; i < list.size() && same; ++i) {
          const std::string& heard = words_[at + i];
          // "Have" is not a misheard "shave": short words are too near to each other.
          const bool alike =
              std::min(heard.size(), list[i].size()) >= 5 && language::sounds_like(heard, list[i]);
          same = heard == list[i] || language::stem(heard) == language::stem(list[i]) || alike;
        }
        if (!same || (at > 0 && language::is_one_of(words_[at - 1], {"not", "isnt"}))) continue;
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

  language::Words free_words() const {
    language::Words out;
    for (std::size_t i = 0; i < words_.size(); ++i)
      out.push_back(taken_[i] ? std::string("|") : words_[i]);
    return out;
  }

  std::string digits(const Slot& slot) const {
    std::string found = language::find_digits(free_words());
    return slot.length == 0 || found.size() == slot.length ? found : std::string();
  }

  std::string number(const Slot& slot) const {
    std::string value;
    for (const auto& found : language::find_numbers(free_words())) {
      if (found.value >= slot.min && found.value <= slot.max) value = std::to_string(found.value);
    }
    return value;
  }

  static constexpr std::size_t kBrief = 5; // words: in a longer correction a bare number is no time

  const std::vector<Slot>& slots_;
  std::optional<std::size_t> asked_;
  const std::vector<std::size_t>& corrected_;
  std::string_view text_;
  const language::Date& today_;
  language::Words words_;
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
                                std::string_view text, const language::Date& today,
                                const std::vector<std::size_t>& corrected) {
  return Finder(slots, asked, text, today, corrected).find();
}

std::string spoken_value(const Slot& slot, std::string_view value, const language::Date& today) {
  switch (slot.type) {
    case Slot::Type::date:
      if (const auto date = language::date_from_iso(value)) return language::spoken(*date, today);
      break;
    case Slot::Type::time:
      if (const auto time = language::time_from_iso(value)) return language::spoken(*time);
      break;
    case Slot::Type::number:
      if (const auto number = ascii::to_number<std::int64_t>(value)) return language::cardinal_words(*number);
      break;
    case Slot::Type::digits: {
      std::string out;
      for (const char digit : value) {
        if (!out.empty()) out += ' ';
        out += ascii::is_digit(digit) ? language::cardinal_words(digit - '0') : std::string(1, digit);
      }
      return out;
    }
    default: break;
  }
  return std::string(value);
}

} // namespace talky::flow
