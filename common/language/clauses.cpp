#include "language/clauses.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "language/sentences.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Words before a question that change nothing about it.
bool is_prelude(std::string_view word) {
  static constexpr std::array kPreludes = {"and"sv,  "but"sv,  "so"sv,    "well"sv,     "oh"sv,
                                           "okay"sv, "ok"sv,   "sorry"sv, "hi"sv,       "hey"sv,
                                           "also"sv, "then"sv, "wait"sv,  "actually"sv, "hello"sv};
  return is_filler(word) || contains(kPreludes, word);
}

bool begins_question(const std::vector<std::string>& list) {
  static constexpr std::array kOpeners = {
      "are"sv,  "is"sv,    "do"sv,   "does"sv,   "did"sv,   "can"sv,   "could"sv, "will"sv,   "would"sv,
      "when"sv, "what"sv,  "how"sv,  "where"sv,  "why"sv,   "which"sv, "who"sv,   "may"sv,    "shall"sv,
      "am"sv,   "whats"sv, "hows"sv, "wheres"sv, "whens"sv, "isnt"sv,  "arent"sv, "should"sv, "have"sv};
  static constexpr std::array kPhrases = {
      "tell me "sv,         "i want to know "sv, "id like to know "sv, "i would like to know "sv,
      "i was wondering "sv, "i wonder "sv,       "do you know "sv};
  const auto first = std::find_if_not(list.begin(), list.end(), is_prelude);
  if (first == list.end()) return false;
  if (contains(kOpeners, *first)) return true;
  const std::string rest = joined({first, list.end()}) + ' ';
  return std::any_of(kPhrases.begin(), kPhrases.end(), [&](auto phrase) { return rest.starts_with(phrase); });
}

// Where a question begins behind a statement: at ", how much", " and are you"; npos if nowhere.
std::size_t second_clause(std::string_view sentence) {
  for (std::size_t at = 1; at < sentence.size(); ++at) {
    const std::string_view rest = sentence.substr(at);
    const bool comma = rest.starts_with(", ");
    const bool joint = rest.starts_with(" and ") || rest.starts_with(" but ");
    if ((!comma && !joint) || !begins_question(words(rest))) continue;
    // "Tuesday and will you" begins a question; the tail of "when and where" is none of its own.
    if (!begins_question(words(sentence.substr(0, at)))) return at;
  }
  return std::string_view::npos;
}

} // namespace

std::vector<Clause> clauses(std::string_view text) {
  std::vector<Clause> out;
  for (const std::string& sentence : sentences(text)) {
    const bool marked = ascii::trim(sentence).ends_with('?');
    const std::size_t cut = second_clause(sentence);
    if (cut == std::string::npos) {
      out.push_back({sentence, marked || begins_question(words(sentence))});
    } else {
      out.push_back({sentence.substr(0, cut), false});
      out.push_back({sentence.substr(cut), true});
    }
  }
  return out;
}

std::string rest_from_clause(std::string_view text, double share) {
  static constexpr std::array kJoints = {
      "and"sv,   "but"sv,   "or"sv,    "so"sv,     "because"sv, "which"sv, "that"sv, "who"sv,    "when"sv,
      "where"sv, "while"sv, "if"sv,    "for"sv,    "from"sv,    "with"sv,  "in"sv,   "at"sv,     "on"sv,
      "to"sv,    "about"sv, "after"sv, "before"sv, "until"sv,   "into"sv,  "as"sv,   "without"sv};
  // What was heard last is said again: two letters a tenth of a second, three tenths.
  constexpr double kAgain = 5;
  const double heard = share * static_cast<double>(text.size()) - kAgain;
  std::size_t from = 0;
  for (std::size_t space = text.find(' '); space != std::string_view::npos;
       space = text.find(' ', space + 1)) {
    const std::size_t at = space + 1;
    if (space == 0 || static_cast<double>(at) > heard) break;
    const char before = text[space - 1];
    const bool mark = before == ',' || before == ';' || before == ':' || before == '-';
    const std::size_t end = std::min(text.find_first_of(" ,;:.?!", at), text.size());
    if (mark || contains(kJoints, text.substr(at, end - at))) from = at;
  }
  return std::string(text.substr(from));
}

bool asks_to_repeat(std::string_view text) {
  static constexpr std::array kSigns = {"what"sv, "pardon"sv, "huh"sv, "eh"sv, "sorry"sv};
  static constexpr std::array kAround = {"me"sv,  "excuse"sv, "i"sv,   "beg"sv, "your"sv, "was"sv, "that"sv,
                                         "did"sv, "you"sv,    "say"sv, "oh"sv,  "um"sv,   "uh"sv,  "the"sv};
  const auto list = words(text);
  if (list.empty() || list.size() > 5) return false;
  const auto sign = [](const std::string& word) { return contains(kSigns, word); };
  return std::any_of(list.begin(), list.end(), sign) &&
         std::all_of(list.begin(), list.end(),
                     [&](const std::string& word) { return sign(word) || contains(kAround, word); });
}

} // namespace talky::language
