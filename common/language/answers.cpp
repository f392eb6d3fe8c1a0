#include "language/answers.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "language/words.hpp"

namespace talky::language {

using namespace std::string_view_literals;

std::optional<bool> yes_or_no(std::string_view text) {
  static constexpr std::array kNoPhrases = {"not really"sv, "no way"sv,        "i dont think so"sv,
                                            "not at all"sv, "of course not"sv, "rather not"sv,
                                            "not quite"sv,  "thats all"sv,     "thats it"sv};
  static constexpr std::array kYesPhrases = {
      "no problem"sv,   "why not"sv, "of course"sv,  "go ahead"sv,        "sounds good"sv,
      "sounds right"sv, "i do"sv,    "that works"sv, "that is correct"sv, "uh huh"sv,
      "no worries"sv,   "it is"sv,   "please do"sv,  "all right"sv,       "you got it"sv,
      "works for me"sv, "not bad"sv, "id love to"sv};
  const auto heard = words(text);
  const std::string all = ' ' + joined(heard) + ' ';
  const auto says = [&all](std::string_view phrase) {
    return all.find(' ' + std::string(phrase) + ' ') != std::string::npos;
  };
  if (std::any_of(kNoPhrases.begin(), kNoPhrases.end(), says)) return false;
  if (std::any_of(kYesPhrases.begin(), kYesPhrases.end(), says)) return true;
  // In a longer utterance "please" and "good" are manners.
  const bool brief = heard.size() <= 4;
  std::optional<bool> answer;
  bool negated = false;
  for (const std::string& word : heard) {
    const bool yes = is_one_of(word, {"yes", "yeah", "yep", "yup", "yah", "sure", "correct", "exactly",
                                      "absolutely", "definitely", "certainly", "affirmative", "mhm", "mmhmm",
                                      "uhhuh", "indeed", "confirm", "confirmed"}) ||
                     (brief && is_one_of(word, {"right", "ok", "okay", "fine", "perfect", "good", "great",
                                                "true", "alright", "please"}));
    const bool no = is_one_of(word, {"no", "nope", "nah", "negative", "never", "nay"});
    const bool bad = is_one_of(word, {"wrong", "incorrect", "false", "mistake", "bad"});
    if (is_one_of(word, {"not", "isnt", "dont", "doesnt", "wasnt", "cant", "wont", "didnt", "arent"})) {
      negated = true;
      if (!answer) answer = false;
    } else if (no) {
      answer = false;
    } else if (bad) {
      answer = negated;
      negated = false;
    } else if (yes) {
      // "no, that's not right" stays no; "not wrong, yes" and "yes, I'm not sure" keep their first word.
      if (negated) {
        answer = false;
      } else if (!answer) {
        answer = true;
      }
      negated = false;
    }
  }
  return answer;
}

} // namespace talky::language
