#include "language/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/ascii.hpp"
#include "language/calendar.hpp"
#include "language/numbers.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

// A word as it was written, and what stands between it and the next.
struct Piece {
  std::string written;
  std::string gap;
  std::string word; // written, in lower case and without apostrophes

  Piece(std::string text, std::string behind) : written(std::move(text)), gap(std::move(behind)) { fold(); }
  void write(std::string text) {
    written = std::move(text);
    fold();
  }
  void fold() {
    word.clear();
    for (const char c : written)
      if (c != '\'') word += ascii::to_lower(c);
  }
};

using Pieces = std::vector<Piece>;
using Pair = std::pair<std::string_view, std::string_view>;

bool is_word_char(char c) {
  return ascii::is_alnum(c) || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_figures(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), ascii::is_digit);
}

bool is_number(std::string_view word) {
  if (is_figures(word)) return true;
  const Words one{std::string(word)};
  return cardinal_at(one, 0).has_value();
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Nothing, spaces, or one of `marks` among spaces.
bool only(std::string_view gap, std::string_view marks) {
  return std::all_of(gap.begin(), gap.end(),
                     [marks](char c) { return c == ' ' || marks.find(c) != std::string_view::npos; });
}

std::string_view capital(std::string_view lower, std::string_view like, std::string& storage) {
  storage = lower;
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool lower_case = !storage.empty() && storage.front() >= 'a' && storage.front() <= 'z';
  if (!like.empty() && is_capital(like.front()) && lower_case)
    storage.front() = static_cast<char>(storage.front() - 'a' + 'A');
  return storage;
}

// --- Spellings that have one reading

constexpr std::array<Pair, 27> kSame = {{
    {"goodby", "goodbye"},     {"tomorow", "tomorrow"},    {"tommorow", "tomorrow"},
    {"tommorrow", "tomorrow"}, {"tomorro", "tomorrow"},    {"tonite", "tonight"},
    {"wensday", "Wednesday"},  {"wednsday", "Wednesday"},  {"wendsday", "Wednesday"},
    {"thurday", "Thursday"},   {"tuseday", "Tuesday"},     {"tuesaday", "Tuesday"},
    {"saterday", "Saturday"},  {"satuday", "Saturday"},    {"febuary", "February"},
    {"janurary", "January"},   {"septembre", "September"}, {"augst", "August"},
    {"fourty", "forty"},       {"ninty", "ninety"},        {"fiveteen", "fifteen"},
    {"nineth", "ninth"},       {"twelth", "twelfth"},      {"fourtieth", "fortieth"},
    {"okey", "okay"},          {"niner", "nine"},          {"appointement", "appointment"},
}};

// What is one word, although a hyphen, or a space, stands in it.
struct Compound {
  std::string_view first, second, whole;
  bool spaced; // also without the hyphen
};
constexpr std::array<Compound, 25> kCompounds = {{
    {"to", "day", "today", true},        {"to", "night", "tonight", true},
    {"to", "morrow", "tomorrow", true},  {"good", "by", "goodbye", false},
    {"good", "bye", "goodbye", true},    {"hair", "cut", "haircut", true},
    {"hair", "cuts", "haircuts", true},  {"mid", "day", "midday", true},
    {"mid", "night", "midnight", true},  {"after", "noon", "afternoon", false},
    {"noon", "time", "noon", true},      {"week", "end", "weekend", true},
    {"any", "time", "anytime", false},   {"any", "body", "anybody", true},
    {"any", "one", "anyone", false},     {"some", "body", "somebody", true},
    {"some", "one", "someone", false},   {"every", "body", "everybody", true},
    {"every", "one", "everyone", false}, {"up", "stairs", "upstairs", true},
    {"o", "clock", "o'clock", true},     {"oh", "clock", "o'clock", true},
    {"al", "right", "all right", true},  {"fare", "well", "farewell", false},
    {"an", "other", "another", false},
}};

struct Abbreviation {
  std::string_view abbreviated, whole;
  bool word; // is a word, too: only with its point
};
constexpr std::array<Abbreviation, 23> kAbbreviations = {{
    {"mon", "Monday", true},     {"tue", "Tuesday", false},    {"tues", "Tuesday", false},
    {"wed", "Wednesday", true},  {"weds", "Wednesday", true},  {"thu", "Thursday", false},
    {"thur", "Thursday", false}, {"thurs", "Thursday", false}, {"fri", "Friday", false},
    {"sat", "Saturday", true},   {"sun", "Sunday", true},      {"jan", "January", true},
    {"feb", "February", true},   {"mar", "March", true},       {"apr", "April", true},
    {"jun", "June", true},       {"jul", "July", true},        {"aug", "August", true},
    {"sep", "September", true},  {"sept", "September", true},  {"oct", "October", true},
    {"nov", "November", true},   {"dec", "December", true},
}};

constexpr std::array kWeekdays = {"monday"sv, "tuesday"sv,  "wednesday"sv, "thursday"sv,
                                  "friday"sv, "saturday"sv, "sunday"sv};

bool is_month(std::string_view word) {
  for (int month = 1; month <= 12; ++month)
    if (ascii::iequals(word, month_name(month))) return true;
  return word.size() >= 3 && word.size() <= 4 &&
         std::any_of(kAbbreviations.begin() + 11, kAbbreviations.end(),
                     [word](const Abbreviation& a) { return a.abbreviated == word; });
}

class Normaliser {
 public:
  Normaliser(std::string_view text, const Reading& reading) : reading_(reading) { cut(text); }

  std::string run() {
    spell_signs();
    join_compounds();
    spell_words();
    join_halves();
    join_ordinals();
    write_times();
    write_dates();
    add_articles();
    if (reading_.asked == Reading::Asked::digits) read_digits();
    std::string out = lead_;
    for (const Piece& piece : pieces_)
      out += piece.written + piece.gap;
    return out;
  }

 private:
  void cut(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size() && !is_word_char(text[i]))
      lead_ += text[i++];
    while (i < text.size()) {
      const std::size_t begin = i;
      while (i < text.size() && is_word_char(text[i]))
        ++i;
      const std::size_t end = i;
      while (i < text.size() && !is_word_char(text[i]))
        ++i;
      pieces_.emplace_back(std::string(text.substr(begin, end - begin)),
                           std::string(text.substr(end, i - end)));
    }
  }

  std::string_view word(std::size_t i) const {
    return i < pieces_.size() ? std::string_view(pieces_[i].word) : std::string_view();
  }
  std::string_view gap(std::size_t i) const {
    return i < pieces_.size() ? std::string_view(pieces_[i].gap) : std::string_view();
  }
  // The pieces i .. i + count become one, in front of the last one's gap.
  void merge(std::size_t i, std::size_t count, std::string written) {
    pieces_[i].gap = pieces_[i + count - 1].gap;
    pieces_[i].write(std::move(written));
    pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(i + 1),
                  pieces_.begin() + static_cast<std::ptrdiff_t>(i + count));
  }

  // "½ past two", "10h30"
  void spell_signs() {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (word(i) == "\xc2\xbd") pieces_[i].write("half");
      const bool half = word(i) == "1" && gap(i) == "/" && word(i + 1) == "2" &&
                        (word(i + 2) == "past" || word(i + 2) == "an" || word(i + 2) == "hour");
      if (half) merge(i, 2, "half");
      const std::size_t h = word(i).find('h');
      if (h != std::string_view::npos && h > 0 && is_figures(word(i).substr(0, h)) &&
          word(i).size() == h + 3 && is_figures(word(i).substr(h + 1)))
        pieces_[i].write(fmt::format("{}:{}", word(i).substr(0, h), word(i).substr(h + 1)));
    }
  }

  void join_compounds() {
    std::string storage;
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      for (const Compound& compound : kCompounds) {
        if (word(i) != compound.first || word(i + 1) != compound.second) continue;
        const bool hyphen = gap(i) == "-" || gap(i) == " -" || gap(i) == "- ";
        const bool apart = gap(i) == " " && compound.spaced;
        // "Have you been to day care?"
        if (!hyphen && (!apart || word(i + 2) == "care" || word(i + 2) == "school")) continue;
        merge(i, 2, std::string(capital(compound.whole, pieces_[i].written, storage)));
        break;
      }
    }
    // "good by" at the end of what was said
    if (pieces_.size() >= 2 && word(pieces_.size() - 2) == "good" && word(pieces_.size() - 1) == "by" &&
        gap(pieces_.size() - 2) == " ")
      merge(pieces_.size() - 2, 2,
            std::string(capital("goodbye", pieces_[pieces_.size() - 2].written, storage)));
  }

  void spell_words() {
    std::string storage;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      for (const auto& [other, right] : kSame) {
        if (word(i) != other) continue;
        pieces_[i].write(std::string(capital(right, pieces_[i].written, storage)));
        break;
      }
      for (const Abbreviation& abbreviation : kAbbreviations) {
        if (word(i) != abbreviation.abbreviated) continue;
        const bool point = gap(i).starts_with('.');
        const bool last = i + 1 == pieces_.size();
        const bool capitals = pieces_[i].written.front() >= 'A' && pieces_[i].written.front() <= 'Z';
        // "My name is Jan."
        if (abbreviation.word && (!point || !capitals || (last && !leads_to_date(i)))) break;
        pieces_[i].write(std::string(abbreviation.whole));
        if (point && !last) pieces_[i].gap.erase(0, 1);
        break;
      }
    }
  }

  bool leads_to_date(std::size_t i) const {
    static constexpr std::array kBefore = {"on"sv, "next"sv, "this"sv, "of"sv, "in"sv, "until"sv, "by"sv};
    if (i == 0) return reading_.asked == Reading::Asked::date;
    const Words one{std::string(word(i - 1))};
    return contains(kBefore, word(i - 1)) || ordinal_at(one, 0).has_value();
  }

  // "10 A. M.", "ten thirty p m": one word, and no end of a sentence inside it.
  void join_halves() {
    for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
      if ((word(i) != "a" && word(i) != "p") || word(i + 1) != "m" || !only(gap(i), ".")) continue;
      if (!is_number(word(i - 1)) && word(i - 1) != "o'clock" && word(i - 1) != "oclock") continue;
      const bool last = i + 2 == pieces_.size();
      merge(i, 2, std::string(word(i)) + 'm');
      if (!last && pieces_[i].gap.starts_with('.')) pieces_[i].gap.erase(0, 1);
    }
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      if (word(i) == "12" && only(gap(i), "") && (word(i + 1) == "noon" || word(i + 1) == "midnight"))
        merge(i, 2, pieces_[i + 1].written);
    }
  }

  // "21 st", "20-first", "twenty 1st"
  void join_ordinals() {
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      if (!only(gap(i), "-")) continue;
      const std::string_view next = word(i + 1);
      const bool suffix = next == "st" || next == "nd" || next == "rd" || next == "th";
      if (suffix && is_figures(word(i)) && word(i).size() <= 2) {
        merge(i, 2, pieces_[i].word + std::string(next));
        continue;
      }
      const Words ten{std::string(word(i))}, unit{std::string(next)};
      const auto tens = cardinal_at(ten, 0);
      const auto units = ordinal_at(unit, 0);
      if (!tens || !units || tens->value < 20 || tens->value > 90 || tens->value % 10 != 0 ||
          units->value < 1 || units->value > 9)
        continue;
      // "twenty-first" is good as it is.
      if (!is_figures(word(i)) && !ascii::is_digit(next.front())) continue;
      if (is_figures(word(i)) && gap(i) != "-" && ascii::is_digit(next.front())) continue; // "20 1st ..."
      const std::int64_t value = tens->value + units->value;
      merge(i, 2,
            fmt::format("{}{}", value,
                        units->value == 1   ? "st"
                        : units->value == 2 ? "nd"
                        : units->value == 3 ? "rd"
                                            : "th"));
    }
  }

  // --- Times in figures

  bool introduces_time(std::size_t i) const {
    static constexpr std::array kBefore = {"at"sv,   "around"sv,  "about"sv, "by"sv,   "until"sv,
                                           "till"sv, "before"sv,  "after"sv, "past"sv, "say"sv,
                                           "from"sv, "between"sv, "than"sv};
    if (i == 0) return reading_.asked == Reading::Asked::time;
    if (contains(kBefore, word(i - 1))) return true;
    return reading_.asked == Reading::Asked::time;
  }
  bool is_half(std::size_t i) const {
    return word(i) == "am" || word(i) == "pm" || word(i) == "oclock" || word(i) == "in" ||
           word(i) == "tonight" || word(i) == "o";
  }
  // What is counted, or where somebody lives, is no time.
  bool counted(std::size_t i) const {
    static constexpr std::array kUnits = {"euros"sv,   "euro"sv,    "dollars"sv, "dollar"sv, "pounds"sv,
                                          "people"sv,  "miles"sv,   "street"sv,  "avenue"sv, "road"sv,
                                          "percent"sv, "minutes"sv, "days"sv,    "times"sv,  "kilometers"sv};
    return contains(kUnits, word(i)) || contains(kUnits, word(i + 1));
  }

  static std::optional<std::string> time_text(std::string_view hour, std::string_view minute, bool loose) {
    const auto h = ascii::to_number<unsigned>(hour);
    const auto m = ascii::to_number<unsigned>(minute);
    if (!h || !m || minute.size() != 2 || *m > 59 || *h > 23 || (*h == 0 && hour.size() != 2)) return {};
    if (!loose && (*h < 1 || *h > 12)) return {};
    return fmt::format("{}:{}", hour, minute);
  }

  void write_times() {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (!is_figures(word(i))) continue;
      const std::string_view figures = word(i);
      // "10: 30", "10-30", "10,30", "10 30"
      if (i + 1 < pieces_.size() && figures.size() <= 2 && is_figures(word(i + 1)) &&
          word(i + 1).size() == 2 && only(gap(i), ":-,;") &&
          !(i + 2 < pieces_.size() && is_figures(word(i + 2)) && only(gap(i + 1), ":-,;/"))) {
        const bool colon = gap(i).find(':') != std::string_view::npos;
        const bool time = colon || introduces_time(i) || is_half(i + 2);
        if (gap(i) != ":" && time && !counted(i + 2)) {
          if (auto text = time_text(figures, word(i + 1), colon || word(i + 1) != "00"))
            merge(i, 2, std::move(*text));
        }
        continue;
      }
      if (figures.size() < 3 || figures.size() > 4) continue;
      const bool before =
          i > 0 && gap(i - 1).find_first_of(":.-/+$") != std::string_view::npos && gap(i - 1) != ". ";
      const bool behind = is_figures(word(i + 1)) || gap(i).starts_with('/') || gap(i).starts_with('-') ||
                          gap(i).starts_with(':');
      if (before || behind || counted(i + 1)) continue;
      const bool half = (word(i + 1) == "am" || word(i + 1) == "pm" || word(i + 1) == "oclock");
      if (!half && !introduces_time(i)) continue;
      const std::size_t hours = figures.size() - 2;
      if (auto text = time_text(figures.substr(0, hours), figures.substr(hours), figures.size() == 4))
        pieces_[i].write(std::move(*text));
    }
  }

  // --- Dates

  // "12/15", "12/15/2026"; "on 12-15"
  void write_dates() {
    for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
      if (!is_figures(word(i)) || !is_figures(word(i + 1)) || word(i).size() > 2 || word(i + 1).size() > 2)
        continue;
      const bool slash = gap(i) == "/";
      const bool hyphen = gap(i) == "-" && ((i > 0 && word(i - 1) == "on") ||
                                            (i == 0 && reading_.asked == Reading::Asked::date));
      if (!slash && !hyphen) continue;
      if (i > 0 && gap(i - 1).ends_with('/')) continue;
      std::string_view year;
      if (gap(i + 1) == gap(i)) {
        year = word(i + 2);
        if (!is_figures(year) || (year.size() != 2 && year.size() != 4)) continue;
      }
      const int first = ascii::to_number<int>(word(i)).value_or(0);
      const int second = ascii::to_number<int>(word(i + 1)).value_or(0);
      if (first == 24 && second == 7) continue; // "round the clock"
      int month = first, day = second;
      const bool swapped = second >= 1 && second <= 12 && first >= 1 && first <= 31;
      const bool straight = first >= 1 && first <= 12 && second >= 1 && second <= 31;
      if (!straight && !swapped) continue;
      if (!straight || (swapped && reading_.date_order == Reading::DateOrder::day_first))
        std::swap(month, day);
      std::string text = fmt::format("{} {}", month_name(month), day);
      if (!year.empty()) text += fmt::format(", {}{}", year.size() == 2 ? "20" : "", year);
      merge(i, year.empty() ? 2 : 3, std::move(text));
    }
  }

  // "on twenty-first", "Friday twenty-first": the article that was not heard. Not where a month stands
  // beside, nor in "on second thoughts".
  void add_articles() {
    static constexpr std::array kBefore = {"on"sv,   "for"sv, "until"sv, "till"sv,
                                           "from"sv, "by"sv,  "after"sv, "before"sv};
    static constexpr std::array kBehind = {
        ""sv,     "at"sv,    "in"sv,      "around"sv, "about"sv,   "please"sv, "if"sv,     "or"sv,
        "and"sv,  "would"sv, "maybe"sv,   "half"sv,   "quarter"sv, "is"sv,     "thank"sv,  "thanks"sv,
        "then"sv, "noon"sv,  "perhaps"sv, "but"sv,    "to"sv,      "for"sv,    "between"sv};
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
      if (!contains(kBefore, word(i - 1)) && !contains(kWeekdays, word(i - 1))) continue;
      if (!only(gap(i - 1), ",")) continue;
      Words two{std::string(word(i))};
      if (i + 1 < pieces_.size() && only(gap(i), "-")) two.emplace_back(word(i + 1));
      const auto day = ordinal_at(two, 0);
      if (!day || day->value < 1 || day->value > 31) continue;
      if (ascii::is_digit(two[0].front())) continue; // "on 21st" is read as it is
      const std::string_view next = word(i + day->end);
      if (is_month(next) || next == "of") continue;
      if (day->value <= 9 && !contains(kBehind, next) && !is_number(next)) continue;
      if (i >= 2 && is_month(word(i - 2))) continue;
      pieces_[i].write("the " + pieces_[i].written);
    }
  }

  // --- Digits

  // Among digits, and where nothing else can be meant, what sounds like one is one.
  void read_digits() {
    static constexpr std::array<Pair, 13> kSounds = {{{"won", "one"},
                                                      {"to", "two"},
                                                      {"too", "two"},
                                                      {"tu", "two"},
                                                      {"for", "four"},
                                                      {"fore", "four"},
                                                      {"ate", "eight"},
                                                      {"aight", "eight"},
                                                      {"sicks", "six"},
                                                      {"tree", "three"},
                                                      {"fife", "five"},
                                                      {"nein", "nine"},
                                                      {"owe", "oh"}}};
    const auto sound = [this](std::size_t i) -> std::string_view {
      for (const auto& [heard, meant] : kSounds)
        if (word(i) == heard) return meant;
      return {};
    };
    const auto digit = [&](std::size_t i) {
      return is_number(word(i)) || word(i) == "oh" || word(i) == "o" || word(i) == "double" ||
             word(i) == "triple" || !sound(i).empty();
    };
    std::string storage;
    for (std::size_t begin = 0; begin < pieces_.size();) {
      if (!digit(begin)) {
        ++begin;
        continue;
      }
      std::size_t end = begin, numbers = 0;
      while (end < pieces_.size() && digit(end)) {
        numbers += sound(end).empty() ? 1U : 0U;
        ++end;
      }
      // A run within a sentence begins with a number of its own: "change it to five", "it is for two".
      const bool whole = begin == 0 && end == pieces_.size();
      std::size_t from = begin;
      while (begin != 0 && from < end && !sound(from).empty())
        ++from;
      std::size_t to = end;
      while (end != pieces_.size() && to > from && !sound(to - 1).empty())
        --to;
      if (numbers >= 1 || (whole && end - begin <= 2)) {
        for (std::size_t i = from; i < to; ++i) {
          if (const std::string_view meant = sound(i); !meant.empty())
            pieces_[i].write(std::string(capital(meant, pieces_[i].written, storage)));
        }
      }
      begin = end;
    }
  }

  const Reading reading_;
  std::string lead_;
  Pieces pieces_;
};

} // namespace

std::string normalised(std::string_view text, const Reading& reading) {
  return Normaliser(text, reading).run();
}

} // namespace talky::language
