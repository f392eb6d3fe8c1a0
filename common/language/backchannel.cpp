#include "language/backchannel.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "language/words.hpp"

namespace talky::language {
namespace {

using Phrases = std::span<const std::string_view>;

// As words() cuts them: "mm-hm" is "mm hm", "O.K." is "o k". Fillers ("um", "huh") need not stand here.
constexpr std::string_view kEnglish[] = {
    "mhm", "mm", "mmm", "mmhm", "mmhmm", "m hm", "m", "hum", "umhum", "umhmm", "uhhuh", "uhuh", "aha", "ok",
    "o k", "okay", "k", "kay", "okey", "okey dokey", "right", "right right", "thats right", "sure",
    "sure thing", "yeah", "yea", "yep", "yup", "ya", "yah", "oh", "ooh", "wow", "i see", "isee", "i c", "icy",
    "all right", "alright", "got it", "gotcha", "i got it", "i got you", "i understand", "understood",
    "i get it", "i know", "of course", "go on", "go ahead", "makes sense", "that makes sense", "exactly",
    "absolutely", "definitely", "indeed", "really", "true", "thats true", "great", "good", "fine",
    "thats fine", "nice", "cool", "perfect", "interesting", "fair enough", "oh i see", "ah i see",
    // What recognisers make of them.
    "mm mm", "mm hm", "mmkay", "mm okay", "mhmm", "uh hun", "aha aha", "write", "rite", "wright", "shore",
    "oh kay", "oak", "i sea", "i seen", "eye see", "yeh", "yeahs", "hm hm", "oh right", "all rite", "a ha"};
constexpr std::string_view kGerman[] = {
    "mhm",        "mm",    "hm",     "ja",      "jaja",   "ja ja",  "jo",         "ok",
    "okay",       "genau", "gut",    "aha",     "ach so", "achso",  "verstehe",   "ich verstehe",
    "alles klar", "klar",  "stimmt", "richtig", "schön",  "na gut", "in ordnung", "eben"};
constexpr std::string_view kFrench[] = {"mhm",        "mm",           "hum",      "oui",       "ouais",
                                        "ok",         "okay",         "daccord",  "d accord",  "je vois",
                                        "ah bon",     "ah oui",       "bien",     "très bien", "voilà",
                                        "exactement", "je comprends", "bien sûr", "entendu"};
constexpr std::string_view kSpanish[] = {
    "mhm",   "mm", "ajá",    "aja",      "sí",         "si",       "ok",   "okay",   "vale",    "claro",
    "bueno", "ya", "ya veo", "entiendo", "de acuerdo", "muy bien", "bien", "exacto", "perfecto"};
constexpr std::string_view kItalian[] = {"mhm",     "mm",       "sì",        "si",        "ok",      "okay",
                                         "va bene", "certo",    "capito",    "ho capito", "bene",    "esatto",
                                         "giusto",  "daccordo", "d accordo", "ah",        "perfetto"};

Phrases phrases_of(std::string_view language) {
  if (language.starts_with("de")) return kGerman;
  if (language.starts_with("fr")) return kFrench;
  if (language.starts_with("es")) return kSpanish;
  if (language.starts_with("it")) return kItalian;
  return kEnglish;
}

constexpr std::size_t words_in(std::string_view phrase) {
  return 1 + static_cast<std::size_t>(std::count(phrase.begin(), phrase.end(), ' '));
}

// How many words of `list` from `at` on are the longest phrase that begins there; 0: none does.
std::size_t phrase_at(const std::vector<std::string>& list, std::size_t at, Phrases phrases) {
  std::size_t longest = is_filler(list[at]) ? 1 : 0;
  for (const std::string_view phrase : phrases) {
    const std::size_t count = words_in(phrase);
    if (count <= longest || count > list.size() - at) continue;
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
    if (joined({first, first + static_cast<std::ptrdiff_t>(count)}) == phrase) longest = count;
  }
  return longest;
}

// Behind the last whole phrase.
std::size_t phrases_end(const std::vector<std::string>& list, Phrases phrases) {
  std::size_t at = 0;
  while (at < list.size()) {
    const std::size_t count = phrase_at(list, at, phrases);
    if (count == 0) break;
    at += count;
  }
  return at;
}

} // namespace

bool only_backchannel(std::string_view text, std::string_view language) {
  const std::vector<std::string> list = words(text);
  return phrases_end(list, phrases_of(language)) == list.size();
}

bool begins_backchannel(std::string_view text, std::string_view language) {
  const Phrases phrases = phrases_of(language);
  const std::vector<std::string> list = words(text);
  const std::size_t end = phrases_end(list, phrases);
  if (end == list.size()) return true;
  const std::string rest = joined({list.begin() + static_cast<std::ptrdiff_t>(end), list.end()});
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return phrase.starts_with(rest); });
}

bool says_yes(std::string_view text) {
  std::vector<std::string> list = words(text);
  const auto rest = std::remove(list.begin(), list.end(), "yes");
  if (rest == list.end()) return false;
  list.erase(rest, list.end());
  return only_backchannel(joined(list));
}

bool takes_leave(std::string_view text) {
  const std::vector<std::string> list = words(text);
  return std::all_of(list.begin(), list.end(), [](const std::string& word) {
    return is_filler(word) ||
           is_one_of(word, {"bye", "goodbye", "thanks", "thank", "you", "too", "cheers", "and", "good", "day",
                            "have", "a", "nice", "okay", "ok", "see", "ciao"});
  });
}

} // namespace talky::language
