#include "language/letters.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;
using List = std::vector<std::string>;

std::string_view word_at(const List& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at]) : std::string_view();
}

bool is_letter(std::string_view word) {
  return word.size() == 1 && ascii::is_alpha(word[0]);
}

// Of the spelling alphabet of ICAO and NATO; nothing for what is a common first name as well, unless `sure`.
std::optional<char> alphabet(std::string_view word) {
  static constexpr std::array kWords = {
      "alpha"sv,   "bravo"sv,  "delta"sv,    "echo"sv,   "foxtrot"sv, "golf"sv,   "hotel"sv,   "india"sv,
      "kilo"sv,    "lima"sv,   "november"sv, "papa"sv,   "quebec"sv,  "sierra"sv, "tango"sv,   "uniform"sv,
      "whiskey"sv, "whisky"sv, "xray"sv,     "yankee"sv, "zulu"sv,    "alfa"sv,   "juliett"sv, "juliet"sv,
      "charlie"sv, "mike"sv,   "oscar"sv,    "romeo"sv,  "victor"sv};
  if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return std::nullopt;
  return word[0];
}

// How letters are called where a recogniser writes them as words.
std::optional<char> letter_name(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, char>, 14> kNames = {{{"bee", 'b'},
                                                                                {"cee", 'c'},
                                                                                {"dee", 'd'},
                                                                                {"gee", 'g'},
                                                                                {"aitch", 'h'},
                                                                                {"haitch", 'h'},
                                                                                {"jay", 'j'},
                                                                                {"kay", 'k'},
                                                                                {"ell", 'l'},
                                                                                {"em", 'm'},
                                                                                {"en", 'n'},
                                                                                {"pee", 'p'},
                                                                                {"zed", 'z'},
                                                                                {"zee", 'z'}}};
  for (const auto& [name, letter] : kNames)
    if (name == word) return letter;
  return std::nullopt;
}

// One letter with what explains it.
std::optional<std::pair<std::size_t, char>> letter_at(const List& words, std::size_t at, bool within) {
  const std::string_view word = word_at(words, at);
  if (word.empty()) return std::nullopt;
  const auto explained = [&](std::size_t next, char letter) {
    const bool as = word_at(words, next) == "as" &&
                    (word_at(words, next + 1) == "in" || word_at(words, next + 1) == "for");
    const bool like = is_one_of(word_at(words, next), {"for", "like"});
    const std::string_view example = word_at(words, as ? next + 2 : next + 1);
    if ((as || like) && example.size() > 1 && example[0] == letter)
      return std::pair(next + (as ? 3U : 2U), letter);
    return std::pair(next, letter);
  };
  if (is_letter(word)) return explained(at + 1, word[0]);
  if (const auto letter = alphabet(word)) return std::pair(at + 1, *letter);
  if (const auto letter = letter_name(word); letter && within) return explained(at + 1, *letter);
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

} // namespace

std::optional<Spelled> spelled_at(const List& words, std::size_t at) {
  Spelled out;
  std::size_t count = 0; // of words that are letters by themselves
  while (at < words.size()) {
    std::size_t times = 1;
    std::size_t next = at;
    if (is_one_of(words[at], {"double", "two", "triple"}) && letter_at(words, at + 1, true)) {
      times = words[at] == "triple" ? 3 : 2;
      ++next;
    } else if (words[at] == "and" && !out.letters.empty() && letter_at(words, at + 1, false)) {
      ++next;
    }
    const auto letter = letter_at(words, next, !out.letters.empty());
    if (!letter) break;
    out.letters.append(times, letter->second);
    at = letter->first;
    ++count;
  }
  if (out.letters.size() < 3 || count < 2) return std::nullopt;
  out.end = at;
  return out;
}

std::optional<std::string> rewritten(std::string_view name, const List& words) {
  std::string lower = ascii::lower(std::string(name));
  const std::string before = lower;
  bool remarked = false;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const bool without = words[i] == "without";
    if (!without && words[i] != "with") continue;
    std::size_t at = i + 1;
    bool twice = false;
    if (is_one_of(word_at(words, at), {"a", "an", "the", "one"})) ++at;
    if (is_one_of(word_at(words, at), {"double", "two"})) {
      twice = true;
      ++at;
    }
    std::string letter(word_at(words, at));
    if (letter.size() == 2 && letter[1] == 's' && twice) letter.pop_back(); // "two Ls"
    if (const auto named = letter_name(letter)) letter = std::string(1, *named);
    if (letter == "p" && word_at(words, at + 1) == "h") letter = "ph";
    if (!is_letter(letter) && letter != "ph") continue;
    remarked = true;
    if (without) {
      if (const std::size_t found = lower.rfind(letter); found != std::string::npos) lower.erase(found, 1);
      continue;
    }
    if (twice) {
      if (lower.find(letter + letter) == std::string::npos) replace_all(lower, letter, letter + letter);
      continue;
    }
    if (lower.find(letter) != std::string::npos) {
      // "Katherine with a K" is Katherine; "Ann with an E" ends in one if it did not.
      continue;
    }
    // What sounds the same and is written so.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kAlike = {{{"c", "k"},
                                                                                              {"k", "ch"},
                                                                                              {"k", "ck"},
                                                                                              {"k", "c"},
                                                                                              {"z", "s"},
                                                                                              {"s", "z"},
                                                                                              {"s", "c"},
                                                                                              {"j", "g"},
                                                                                              {"g", "j"},
                                                                                              {"v", "ph"},
                                                                                              {"ph", "v"},
                                                                                              {"ph", "f"},
                                                                                              {"f", "ph"},
                                                                                              {"y", "i"},
                                                                                              {"i", "y"},
                                                                                              {"v", "w"},
                                                                                              {"w", "v"}}};
    for (const auto& [wanted, there] : kAlike) {
      if (wanted != letter || lower.find(there) == std::string::npos) continue;
      // At the beginning, if there; else the last one: "Marc", "Erik".
      const std::size_t found = lower.starts_with(there) ? 0 : lower.rfind(there);
      lower.replace(found, there.size(), letter);
      break;
    }
    if (lower == before && is_one_of(letter, {"e", "h"})) lower += letter; // "Anne", "Sarah"
  }
  if (!remarked || lower == before) return remarked ? std::optional(std::string(name)) : std::nullopt;
  // The capitals as they were.
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const bool start = i == 0 || is_one_of(std::string_view(lower).substr(i - 1, 1), {" ", "-", "'"});
    if (start && lower[i] >= 'a' && lower[i] <= 'z') lower[i] = static_cast<char>(lower[i] - 'a' + 'A');
  }
  return lower;
}

} // namespace talky::language
