#include "language/turn_end.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/ascii.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Nothing ends in these: articles, possessives, conjunctions, prepositions that take an object, auxiliaries,
// subjects, adverbs and adjectives that stand before something.
constexpr std::array<std::string_view, 135> kNeverLast = {
    "a",       "an",      "the",     "my",    "your",    "his",       "our",       "their",      "and",
    "or",      "but",     "because", "so",    "if",      "than",      "although",  "unless",     "while",
    "whether", "since",   "until",   "till",  "of",      "to",        "for",       "from",       "with",
    "without", "into",    "onto",    "at",    "by",      "as",        "between",   "during",     "through",
    "under",   "towards", "upon",    "via",   "per",     "including", "regarding", "concerning", "about",
    "is",      "are",     "was",     "were",  "be",      "been",      "being",     "am",         "im",
    "id",      "ill",     "ive",     "youre", "weve",    "theyre",    "hes",       "shes",       "its",
    "thats",   "theres",  "wheres",  "whats", "has",     "had",       "have",      "having",     "would",
    "could",   "should",  "shall",   "may",   "might",   "must",      "i",         "we",         "they",
    "he",      "she",     "who",     "which", "whose",   "what",      "how",       "where",      "when",
    "why",     "every",   "each",    "very",  "really",  "quite",     "too",       "also",       "another",
    "these",   "those",   "any",     "some",  "several", "many",      "no",        "um",         "umm",
    "uh",      "er",      "erm",     "hmm",   "well",    "like",      "maybe",     "perhaps",    "around",
    "next",    "then",    "please",  "just",  "let",     "lets",      "gonna",     "wanna",      "cant",
    "dont",    "wont",    "isnt",    "not",   "double",  "plus",      "minus",     "mr",         "mrs"};
// Nor in these, where they are meant as verbs: what they do is done to something.
constexpr std::array<std::string_view, 51> kTransitive = {
    "want",    "wants",    "need",      "needs",  "get",      "give",     "make",   "take",   "put",
    "set",     "turn",     "switch",    "bring",  "tell",     "show",     "send",   "find",   "play",
    "buy",     "order",    "reserve",   "add",    "remove",   "enter",    "use",    "prefer", "choose",
    "ask",     "schedule", "arrange",   "book",   "increase", "decrease", "raise",  "lower",  "dim",
    "press",   "connect",  "enjoy",     "keep",   "check",    "wanted",   "needed", "trying", "going",
    "looking", "calling",  "wondering", "hoping", "planning", "do"};
// These end a sentence as particles only: "turn it on", "come in".
constexpr std::array<std::string_view, 7> kParticles = {"on", "in", "off", "up", "down", "out", "over"};
constexpr std::array<std::string_view, 22> kPhrasal = {
    "turn", "switch", "put",    "shut",   "go",    "come", "hold", "hang", "log",   "sign", "call",
    "wake", "look",   "turned", "coming", "going", "drop", "fill", "pick", "check", "move", "close"};
constexpr std::array<std::string_view, 10> kLast = {"please", "thanks", "goodbye", "bye",      "oclock",
                                                    "pm",     "am",     "today",   "tomorrow", "tonight"};

bool is_digit_word(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kDigits = {
      "zero", "oh", "o", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  return contains(kDigits, word);
}

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), ascii::is_digit);
}

// "turn the lights on", "come on in".
bool is_particle_of_verb(const std::vector<std::string>& list) {
  if (list.size() < 2 || !contains(kParticles, list.back())) return false;
  const auto verb = std::find_if(list.begin(), list.end() - 1,
                                 [](const std::string& word) { return contains(kPhrasal, word); });
  if (verb == list.end() - 1) return false;
  if (list.back() == "in" &&
      !is_one_of(*verb, {"come", "coming", "go", "log", "sign", "call", "check", "fill"}))
    return false;
  // Right behind it, "hold on" is whole, "turn on" wants something.
  return verb != list.end() - 2 || is_one_of(*verb, {"go", "come", "hold", "hang", "log", "sign", "coming"});
}

} // namespace

Ending ending(std::string_view text) {
  const std::string_view trimmed = ascii::trim(text);
  const std::vector<std::string> list = words(text);
  if (list.empty()) return Ending::open;
  if (trimmed.ends_with("...") || trimmed.ends_with('-')) return Ending::unfinished;
  const std::string& last = list.back();
  const std::size_t n = list.size();
  const bool figure_before = n > 1 && (ascii::is_digit(list[n - 2].back()) || is_digit_word(list[n - 2]));
  if (last == "am" && figure_before) return Ending::whole;
  if (n == 1 && is_one_of(last, {"no", "what", "please", "well", "how", "why", "when", "where", "who",
                                 "which", "really"}))
    return last == "please" || last == "well" ? Ending::unfinished : Ending::open;
  if (last == "please") return Ending::whole;
  if (n > 1 && last == "you" && list[n - 2] == "thank") return Ending::whole;
  if (contains(kParticles, last) && !is_particle_of_verb(list)) return Ending::unfinished;
  // "What is it for?", "who is it?", "you are?"; and "no", "not" as answers: "I think not".
  const bool question = trimmed.ends_with('?');
  const bool stranded = question && n > 3 &&
                        is_one_of(last, {"for", "about", "from", "at", "with", "to", "of", "is", "are", "was",
                                         "like", "do", "have"}) &&
                        is_one_of(list[0], {"what", "who", "where", "which", "how", "whats"});
  if (stranded) return Ending::open;
  if (is_one_of(last, {"no", "not", "so", "about", "what", "how", "too", "also", "well", "its", "why", "when",
                       "where"})) {
    const bool closes =
        (last == "so" && is_one_of(list[n - 2], {"think", "hope", "guess", "suppose", "say"})) ||
        (last == "not" && is_one_of(list[n - 2], {"think", "hope", "guess", "why", "or", "probably"})) ||
        (last == "well" && n > 1) || ((last == "too" || last == "also") && n > 2) || (last == "no" && n <= 4);
    if (closes) return Ending::open;
  }
  if (last == "may" && n > 1 &&
      (list[n - 2] == "of" || ascii::is_digit(list[n - 2][0]) ||
       is_one_of(list[n - 2], {"in", "next", "first", "third"})))
    return Ending::open;
  if (contains(kNeverLast, last) || is_filler(last)) return Ending::unfinished;
  if (contains(kTransitive, last) && n > 1 &&
      !is_one_of(list[n - 2], {"the", "a", "an", "my", "this", "that", "i"}))
    return Ending::unfinished;
  if (contains(kTransitive, last) && (n == 1 || list[n - 2] == "i")) return Ending::unfinished;
  // "Please" asks for something: a word or two are not all of it.
  if (list[0] == "please" && n == 2 && contains(kTransitive, last)) return Ending::unfinished;
  if (contains(kLast, last)) return Ending::whole;
  return Ending::open;
}

std::size_t digits_under_way(std::string_view text) {
  const std::vector<std::string> list = words(text);
  std::size_t count = 0;
  std::size_t said = 0; // one by one
  for (auto word = list.rbegin(); word != list.rend(); ++word) {
    if (is_digit_word(*word)) {
      ++count;
      ++said;
    } else if (is_number(*word)) {
      count += word->size();
      said += word->size() == 1 || word->size() > 2 ? 1U : 0U;
    } else if (!is_filler(*word) && !is_one_of(*word, {"double", "triple", "and", "then"})) {
      break;
    }
  }
  return said >= 3 || count >= 5 ? count : 0;
}

Ending phone_number(std::string_view digits) {
  const std::size_t n = digits.size();
  const bool zero = digits.starts_with('0');
  const bool country = digits.starts_with("00") || digits.starts_with("44") || digits.starts_with("49");
  if (n < 7) return Ending::unfinished;
  if (zero && !country) return n >= 11 ? Ending::whole : n == 10 ? Ending::open : Ending::unfinished;
  if (country) return n >= 12 ? Ending::whole : n >= 10 ? Ending::open : Ending::unfinished;
  return n >= 10 ? Ending::whole : Ending::unfinished;
}

} // namespace talky::language
