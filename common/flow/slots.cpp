#include "flow/slots.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "flow/intents.hpp"
#include "language/answers.hpp"
#include "language/hints.hpp"
#include "language/letters.hpp"
#include "language/names.hpp"
#include "language/numbers.hpp"
#include "language/requests.hpp"
#include "language/said.hpp"
#include "language/telephone.hpp"
#include "language/words.hpp"

namespace talky::flow {
namespace {

constexpr std::size_t kBrief = 5;          // words: in a longer correction a bare number is no time
constexpr std::size_t kLeastTelephone = 6; // digits: fewer are no number even if the caller says so

class Finder {
 public:
  Finder(const std::vector<Slot>& slots, const Listening& listening, std::string_view text)
      : slots_(slots),
        listening_(listening),
        text_(text),
        words_(language::words(text)),
        taken_(words_.size()) {}

  Hearing find() {
    // The figures of a telephone number are neither a date nor a time.
    if (listening_.asked && slots_[*listening_.asked].type == Slot::Type::digits && digits(*listening_.asked))
      return std::move(out_);
    for (const std::size_t slot : listening_.corrected) {
      const bool number =
          slots_[slot].type == Slot::Type::digits && language::find_digits(words_).size() >= 3;
      if (number && digits(slot)) return std::move(out_);
    }
    // A message is a message, whatever is in it.
    if (listening_.asked && slots_[*listening_.asked].type == Slot::Type::text) {
      find(*listening_.asked);
      return std::move(out_);
    }
    // "N as in November" is no month.
    if (listening_.asked && slots_[*listening_.asked].type == Slot::Type::name && is_spelled()) {
      find(*listening_.asked);
      return std::move(out_);
    }
    // What is surest takes its words first.
    for (const auto type : {Slot::Type::choice, Slot::Type::date, Slot::Type::time, Slot::Type::digits,
                            Slot::Type::number, Slot::Type::yes_no, Slot::Type::name, Slot::Type::text}) {
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        // Words that filled another slot are no name: "haircut please" does not answer "your name?".
        if (slots_[i].type == type && (is_asked(i) || slots_[i].anywhere || is_corrected(i))) find(i);
      }
    }
    return std::move(out_);
  }

 private:
  bool is_asked(std::size_t slot) const { return listening_.asked == slot; }
  bool is_corrected(std::size_t slot) const {
    return std::find(listening_.corrected.begin(), listening_.corrected.end(), slot) !=
           listening_.corrected.end();
  }
  const SlotState& known(std::size_t slot) const {
    static const SlotState kNothing;
    return slot < listening_.known.size() ? listening_.known[slot] : kNothing;
  }
  void fill(std::size_t slot, std::string value) {
    if (!value.empty()) out_.filled.push_back({slot, std::move(value)});
  }

  bool is_spelled() const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (language::spelled_at(words_, i)) return true;
    return false;
  }

  void find(std::size_t slot) {
    switch (slots_[slot].type) {
      case Slot::Type::choice: return fill(slot, choice(slot));
      case Slot::Type::date: return date(slot);
      case Slot::Type::time: return time(slot);
      case Slot::Type::digits: static_cast<void>(digits(slot)); return;
      case Slot::Type::number: return fill(slot, number(slots_[slot]));
      case Slot::Type::yes_no:
        if (const auto answer = language::yes_or_no(text_)) fill(slot, *answer ? "yes" : "no");
        return;
      case Slot::Type::name: return fill(slot, name(slot));
      case Slot::Type::text:
        if (language::has_words(text_)) fill(slot, std::string(ascii::trim(text_)));
        return;
    }
  }

  void take(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < taken_.size(); ++i)
      taken_[i] = true;
  }

  // --- What stands between two values of one slot

  enum class Joint : std::uint8_t { correction, alternative, range, sum };

  Joint joint(std::size_t before, std::size_t begin, std::size_t end) const {
    bool alternative = false;
    bool sum = false;
    bool range = false;
    for (std::size_t i = begin; i < end; ++i) {
      const std::string& word = words_[i];
      if (word == "or") {
        alternative = true;
      } else if (language::is_one_of(word, {"and", "plus", "with"})) {
        sum = true;
      } else if (language::is_one_of(word, {"to", "till", "until"})) {
        range = true;
      } else if (!language::is_filler(word) &&
                 !language::is_one_of(
                     word, {"on",      "at",   "the",     "by",       "in",   "around",  "about",
                            "maybe",   "a",    "perhaps", "possibly", "else", "even",    "also",
                            "early",   "late", "any",     "an",       "time", "morning", "afternoon",
                            "evening", "this", "that",    "then",     "as",   "well"})) {
        return Joint::correction;
      }
    }
    const bool bounds = before > 0 && language::is_one_of(words_[before - 1], {"between", "from"});
    if (alternative) return Joint::alternative;
    if (range || (sum && bounds)) return Joint::range;
    return sum ? Joint::sum : Joint::correction;
  }

  // The last value counts, as it corrects those before it. But of alternatives it is the first, which the
  // caller likes best, of a range its beginning, and of a sum the first, as only one can be had.
  template <class T>
  const T* resolve(const std::vector<T>& found) {
    const T* best = nullptr;
    const T* last = nullptr;
    for (const T& f : found) {
      const Joint how = last == nullptr ? Joint::correction : joint(last->begin, last->end, f.begin);
      if (best == nullptr || how == Joint::correction) best = &f;
      if (how == Joint::sum && !(f.value == last->value)) out_.several = true;
      last = &f;
    }
    return best;
  }

  // --- Days

  void date(std::size_t slot) {
    const SlotState& before = known(slot);
    language::DayContext context{.today = listening_.today,
                                 .known = language::date_from_iso(before.value),
                                 .within = before.hint.days,
                                 .asked = is_asked(slot)};
    auto hints = language::find_day_hints(words_, context, taken_);
    for (const language::DayHint& hint : hints) // "sometime next week, maybe Thursday"
      if (hint.span) context.within = hint.span;
    auto mentions = language::date_mentions(words_, context);
    drop_overlaps(mentions, hints);
    std::vector<language::Mention<language::Date>> meant;
    const language::Mention<language::Date>* denied = nullptr;
    for (auto& mention : mentions) {
      take(mention.begin, mention.end);
      // "Yes, on Friday" means the one that was read back.
      if (mention.bare && context.known && listening_.yes == true &&
          language::weekday(*context.known) == language::weekday(mention.value))
        mention.value = *context.known;
      if (mention.denied) {
        denied = &mention;
      } else {
        meant.push_back(mention);
      }
    }
    for (const language::DayHint& hint : hints)
      if (hint.span) take(hint.begin, hint.end);
    if (const auto* best = resolve(meant)) return fill(slot, language::to_iso(best->value));
    Hint narrowed;
    for (const language::DayHint& hint : hints) {
      if (!hint.span ||
          (context.known && *context.known >= hint.span->from && *context.known <= hint.span->to))
        continue;
      narrowed.days = hint.span;
      narrowed.text = hint.text;
      const auto length = language::add_days(hint.span->from, 2) >= hint.span->to;
      if (length && narrowed.text.find("day") == std::string::npos)
        narrowed.text += ", " + language::spoken(*hint.span);
    }
    if (denied != nullptr && narrowed.text.empty())
      narrowed.text = "not on " + std::string(language::weekday_name(language::weekday(denied->value)));
    if (!narrowed.text.empty()) out_.hints.emplace_back(slot, std::move(narrowed));
  }

  // Of a value and a hint in the same words the longer counts.
  template <class Mentions, class Hints>
  static void drop_overlaps(Mentions& mentions, Hints& hints) {
    const auto inside = [](const auto& a, const auto& b) { return a.begin >= b.begin && a.end <= b.end; };
    const auto overlap = [](const auto& a, const auto& b) { return a.begin < b.end && b.begin < a.end; };
    std::erase_if(hints, [&](const auto& hint) {
      return std::any_of(mentions.begin(), mentions.end(), [&](const auto& m) {
        return inside(hint, m) || (overlap(hint, m) && m.begin < hint.begin);
      });
    });
    std::erase_if(mentions, [&](const auto& m) {
      return std::any_of(hints.begin(), hints.end(), [&](const auto& hint) { return inside(m, hint); });
    });
  }

  // --- Hours

  void time(std::size_t slot) {
    const Slot& wanted = slots_[slot];
    const SlotState& before = known(slot);
    language::TimeContext context{.asked = is_asked(slot) || (is_corrected(slot) && words_.size() <= kBrief),
                                  .hours = wanted.hours,
                                  .known = language::time_from_iso(before.value),
                                  .now = listening_.now};
    if (before.hint.minute && is_asked(slot)) context.minute = *before.hint.minute;
    if (context.minute && *context.minute < 0) context.minute.reset();
    auto hints = language::find_time_hints(words_, context, taken_);
    std::optional<language::Hours> part = before.hint.hours;
    for (const language::TimeHint& hint : hints)
      if (hint.from > language::TimeOfDay{0, 0} || hint.to < language::TimeOfDay{23, 59})
        part = language::Hours{hint.from, hint.to};
    if (part && part->from >= language::TimeOfDay{12, 0}) context.later_half = true;
    if (part && part->to <= language::TimeOfDay{12, 0}) context.later_half = false;
    auto mentions = language::time_mentions(words_, context, taken_);
    drop_overlaps(mentions, hints);
    std::vector<language::Mention<language::TimeOfDay>> meant;
    bool denied = false;
    for (auto& mention : mentions) {
      take(mention.begin, mention.end);
      if (before.hint.minute && *before.hint.minute < 0 && mention.bare && is_asked(slot)) {
        const int total = mention.value.hour * 60 + mention.value.minute + *before.hint.minute;
        mention.value = {total / 60, total % 60};
      }
      denied = denied || mention.denied;
      if (!mention.denied) meant.push_back(mention);
    }
    for (const language::TimeHint& hint : hints)
      if (hint.earliest || hint.latest || hint.minute) take(hint.begin, hint.end);
    if (const auto* best = resolve(meant)) return fill(slot, language::to_iso(best->value));
    const auto filled = [this](Slot::Type type) {
      return std::any_of(out_.filled.begin(), out_.filled.end(),
                         [&](const Filled& f) { return slots_[f.slot].type == type; });
    };
    const bool extremes = is_asked(slot) || is_corrected(slot) || filled(Slot::Type::date);
    Hint narrowed;
    for (const language::TimeHint& hint : hints) {
      if (hint.earliest && wanted.first && extremes)
        return fill(slot, language::to_iso(part ? std::max(*wanted.first, part->from) : *wanted.first));
      if (hint.latest && wanted.last && extremes)
        return fill(slot, language::to_iso(part ? std::min(*wanted.last, part->to) : *wanted.last));
      if (hint.earliest || hint.latest) continue;
      if (context.known && !hint.minute && *context.known > hint.from && *context.known < hint.to) continue;
      // "Wednesday morning or Thursday afternoon": the first, as of days.
      if (!narrowed.text.empty() && std::find(words_.begin(), words_.end(), "or") != words_.end()) break;
      if (!hint.minute) narrowed.hours = language::Hours{hint.from, hint.to};
      narrowed.minute = hint.minute;
      narrowed.text = hint.text;
    }
    if (denied && narrowed.text.empty()) narrowed.text = "at another time";
    if (!narrowed.text.empty()) out_.hints.emplace_back(slot, std::move(narrowed));
  }

  // --- Names

  std::string name(std::size_t slot) const {
    std::vector<std::string> elsewhere;
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (taken_[i]) elsewhere.push_back(words_[i]);
    const language::NameMode mode = is_asked(slot) && elsewhere.empty() ? language::NameMode::asked
                                    : is_corrected(slot)                ? language::NameMode::corrected
                                                                        : language::NameMode::anywhere;
    std::string found = language::find_name(text_, mode, elsewhere);
    // "With a K, please": how the one that is known is written.
    if (found.empty() && is_corrected(slot) && !known(slot).value.empty()) {
      const auto written = language::rewritten(known(slot).value, words_);
      if (written && *written != known(slot).value) return *written;
    }
    return found;
  }

  // --- Choices

  struct Chosen {
    std::size_t begin = 0, end = 0;
    std::string value;
  };

  std::string choice(std::size_t slot) {
    std::vector<Chosen> found;
    for (std::size_t at = 0; at < words_.size();) {
      const Chosen longest = chosen_at(slots_[slot], at);
      if (longest.end == 0) {
        ++at;
        continue;
      }
      const bool denied = language::denied_before(words_, at) ||
                          language::denied_behind(words_, longest.end) ||
                          (at > 0 && words_[at - 1] == "no" && at > 1);
      if (!denied) found.push_back(longest);
      take(longest.begin, longest.end);
      at = longest.end;
    }
    const Chosen* best = resolve(found);
    if (best == nullptr) return {};
    const std::string& before = known(slot).value;
    if (!before.empty() && best->value != before && language::is_addition(words_)) {
      out_.several = true;
      return {};
    }
    return best->value;
  }

  // The longest phrase of a choice that begins here.
  Chosen chosen_at(const Slot& slot, std::size_t at) const {
    Chosen best;
    const auto consider = [&](const std::string& phrase, const std::string& value) {
      const auto list = language::words(phrase);
      if (list.empty() || at + list.size() > words_.size() || at + list.size() <= best.end) return;
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string& heard = words_[at + i];
        // "Have" is not a misheard "shave": short words are too near to each other.
        const bool alike =
            std::min(heard.size(), list[i].size()) >= 5 && language::sounds_like(heard, list[i]);
        if (heard != list[i] && language::stem(heard) != language::stem(list[i]) && !alike) return;
      }
      best = {at, at + list.size(), value};
    };
    for (const Slot::Choice& c : slot.choices) {
      consider(c.value, c.value);
      for (const std::string& phrase : c.phrases)
        consider(phrase, c.value);
    }
    return best;
  }

  // --- Figures

  language::Words free_words() const {
    language::Words out;
    for (std::size_t i = 0; i < words_.size(); ++i)
      out.push_back(taken_[i] ? std::string("|") : words_[i]);
    return out;
  }

  // Without an "oh" that is a sigh: it stands beside no other figure.
  language::Words figures() const {
    language::Words out = free_words();
    const auto is_figure = [&](std::size_t i) {
      return i < out.size() && (language::is_one_of(out[i], {"oh", "o", "double", "triple", "nought"}) ||
                                language::cardinal_at(out, i));
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!language::is_one_of(out[i], {"oh", "o"})) continue;
      if (!is_figure(i + 1) && (i == 0 || !is_figure(i - 1))) out[i] = "|";
    }
    return out;
  }

  // Whether there are figures for it.
  bool digits(std::size_t slot) {
    const Slot& wanted = slots_[slot];
    const SlotState& before = known(slot);
    const language::Words heard = figures();
    const std::string found = language::find_digits(heard);
    const bool asked = is_asked(slot);
    if (found.empty()) {
      // "That's all" says that the number is whole.
      const std::string all = ' ' + language::joined(words_) + ' ';
      const bool whole = listening_.yes == true || all.find(" thats ") != std::string::npos;
      if (asked && wanted.telephone && before.hint.digits.size() >= kLeastTelephone && whole) {
        fill(slot, before.hint.digits);
        return true;
      }
      return false;
    }
    if (!wanted.telephone) {
      const std::string number =
          asked && wanted.length > 0 && found.size() < wanted.length ? before.hint.digits + found : found;
      if (wanted.length == 0 || number.size() == wanted.length) {
        fill(slot, number);
      } else if (number.size() < wanted.length && asked) {
        out_.hints.emplace_back(slot, Hint{.text = number, .digits = number});
      }
      return asked && (wanted.length == 0 || number.size() == wanted.length);
    }
    const bool tail = std::find(words_.begin(), words_.end(), "last") != words_.end();
    if (!asked && found.size() < 2 && !tail) return false;
    const std::string& so_far = asked ? before.hint.digits : before.value;
    const bool corrects =
        !asked && (language::fullness_of_number(so_far) == language::Fullness::whole || found.size() >= 7);
    const std::string number = language::heard_number(heard, so_far, corrects);
    if (language::fullness_of_number(number) == language::Fullness::short_of) {
      out_.hints.emplace_back(slot, Hint{.text = number, .digits = number});
    } else {
      fill(slot, number);
    }
    return true;
  }

  std::string number(const Slot& slot) const {
    std::string value;
    for (const auto& found : language::find_numbers(free_words())) {
      if (found.value >= slot.min && found.value <= slot.max) value = std::to_string(found.value);
    }
    return value;
  }

  const std::vector<Slot>& slots_;
  const Listening& listening_;
  std::string_view text_;
  language::Words words_;
  std::vector<bool> taken_;
  Hearing out_;
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

Hearing hear_values(const std::vector<Slot>& slots, const Listening& listening, std::string_view text) {
  return Finder(slots, listening, text).find();
}

std::vector<Filled> find_values(const std::vector<Slot>& slots, std::optional<std::size_t> asked,
                                std::string_view text, const language::Date& today,
                                const std::vector<std::size_t>& corrected) {
  return hear_values(slots, {.asked = asked, .corrected = corrected, .today = today}, text).filled;
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
        out += digit == '+'             ? "plus"
               : ascii::is_digit(digit) ? language::cardinal_words(digit - '0')
                                        : std::string(1, digit);
      }
      return out;
    }
    default: break;
  }
  return std::string(value);
}

} // namespace talky::flow
