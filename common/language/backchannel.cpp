#include "language/backchannel.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "language/words.hpp"

namespace talky::language {
namespace {

// As words() cuts them: "mm-hm" is "mm hm", "O.K." is "o k". Fillers ("um", "huh") need not stand here.
constexpr std::array<std::string_view, 30> kPhrases = {
    "mhm",          "mm",        "mmm",       "mmhm",   "mmhmm",       "m hm",
    "hum",          "uhhuh",     "aha",       "ok",     "o k",         "okay",
    "right",        "sure",      "yeah",      "yep",    "yup",         "oh",
    "i see",        "all right", "alright",   "got it", "gotcha",      "i got it",
    "i understand", "i get it",  "of course", "go on",  "makes sense", "that makes sense"};

constexpr std::size_t words_in(std::string_view phrase) {
  return 1 + static_cast<std::size_t>(std::count(phrase.begin(), phrase.end(), ' '));
}

// How many words of `list` from `at` on are the longest phrase that begins there; 0: none does.
std::size_t phrase_at(const std::vector<std::string>& list, std::size_t at) {
  std::size_t longest = is_filler(list[at]) ? 1 : 0;
  for (const std::string_view phrase : kPhrases) {
    const std::size_t count = words_in(phrase);
    if (count <= longest || count > list.size() - at) continue;
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
    if (joined({first, first + static_cast<std::ptrdiff_t>(count)}) == phrase) longest = count;
  }
  return longest;
}

} // namespace

bool only_backchannel(std::string_view text) {
  const std::vector<std::string> list = words(text);
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t count = phrase_at(list, at);
    if (count == 0) return false;
    at += count;
  }
  return true;
}

} // namespace talky::language
