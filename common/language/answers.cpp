#include "language/answers.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "language/words.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

bool is_yes(std::string_view word) {
  return is_one_of(
      word, {"yes", "yeah", "yep", "yup", "yah", "sure", "correct", "exactly", "absolutely", "definitely",
             "certainly", "affirmative", "mhm", "mmhmm", "uhhuh", "indeed", "confirm", "confirmed", "aye"});
}
bool is_no(std::string_view word) {
  return is_one_of(word, {"no", "nope", "nah", "negative", "never", "nay"});
}
// In a longer utterance these are manners.
bool is_praise(std::string_view word) {
  return is_one_of(word,
                   {"right", "ok", "okay", "fine", "perfect", "good", "great", "true", "alright", "lovely",
                    "brilliant", "wonderful", "excellent", "super", "cool", "fantastic", "ideal", "spot"});
}

class Answer {
 public:
  explicit Answer(std::string_view text) : heard_(words(text)), all_(' ' + joined(heard_) + ' ') {}

  std::optional<bool> to(Question question) const {
    static constexpr std::array kNoPhrases = {"not really"sv, "no way"sv,        "i dont think so"sv,
                                              "not at all"sv, "of course not"sv, "rather not"sv,
                                              "not quite"sv,  "thats all"sv,     "that is all"sv};
    static constexpr std::array kYesPhrases = {
        "no problem"sv,  "why not"sv,      "of course"sv,   "go ahead"sv,
        "sounds good"sv, "sounds right"sv, "i do"sv,        "that works"sv,
        "please do"sv,   "all right"sv,    "you got it"sv,  "that is correct"sv,
        "uh huh"sv,      "no worries"sv,   "it is"sv,       "works for me"sv,
        "not bad"sv,     "id love to"sv,   "by all means"sv};
    if (question == Question::more) {
      if (const auto answer = wants_nothing()) return answer;
    } else if (approves()) {
      return true;
    }
    if (says_one_of(kNoPhrases)) return false;
    if (says_one_of(kYesPhrases)) return true;
    if (question == Question::confirm && says("thats it")) return true;
    return by_words();
  }

  std::size_t reserve() const {
    for (std::size_t i = 0; i + 1 < heard_.size(); ++i) {
      if (is_one_of(heard_[i], {"but", "except", "only", "though", "however", "apart", "besides"}) && i > 0)
        return i + 1;
    }
    return 0;
  }

 private:
  bool says(std::string_view phrase) const {
    return all_.find(' ' + std::string(phrase) + ' ') != std::string::npos;
  }
  template <class List>
  bool says_one_of(const List& list) const {
    return std::any_of(list.begin(), list.end(), [this](std::string_view phrase) { return says(phrase); });
  }

  // "No no, that's perfect": nothing is wrong, so it is a yes.
  bool approves() const {
    static constexpr std::array kApproval = {"thats perfect"sv,
                                             "thats fine"sv,
                                             "thats right"sv,
                                             "thats correct"sv,
                                             "thats good"sv,
                                             "thats great"sv,
                                             "its fine"sv,
                                             "its perfect"sv,
                                             "its all fine"sv,
                                             "its right"sv,
                                             "its correct"sv,
                                             "its all good"sv,
                                             "all good"sv,
                                             "all fine"sv,
                                             "all correct"sv,
                                             "all right"sv,
                                             "its good"sv,
                                             "thats all right"sv,
                                             "that is fine"sv,
                                             "that is right"sv,
                                             "that is perfect"sv,
                                             "it is fine"sv,
                                             "it is right"sv,
                                             "thats ok"sv,
                                             "thats okay"sv,
                                             "its okay"sv,
                                             "leave it like that"sv,
                                             "leave it as it is"sv,
                                             "nothing to change"sv,
                                             "nothing wrong"sv,
                                             "no changes"sv,
                                             "no change"sv,
                                             "keep it"sv,
                                             "thats lovely"sv,
                                             "sounds perfect"sv,
                                             "everything is fine"sv,
                                             "everything is right"sv,
                                             "everythings fine"sv,
                                             "thats exactly right"sv};
    const bool doubt = std::any_of(heard_.begin(), heard_.end(), [](const std::string& w) {
      return is_one_of(w, {"not", "isnt", "dont", "doesnt", "wrong", "but", "except", "if", "think"});
    });
    return !doubt && says_one_of(kApproval);
  }

  // To "is there anything else?".
  std::optional<bool> wants_nothing() const {
    static constexpr std::array kNothing = {"thats all"sv,
                                            "that is all"sv,
                                            "thats it"sv,
                                            "that is it"sv,
                                            "nothing"sv,
                                            "thats everything"sv,
                                            "that is everything"sv,
                                            "im good"sv,
                                            "i am good"sv,
                                            "im fine"sv,
                                            "all set"sv,
                                            "all good"sv,
                                            "thatll be all"sv,
                                            "that will be all"sv,
                                            "that would be all"sv,
                                            "im done"sv,
                                            "we are done"sv,
                                            "were done"sv,
                                            "not now"sv,
                                            "not today"sv,
                                            "nothing else"sv,
                                            "no more"sv,
                                            "im all set"sv,
                                            "that was all"sv,
                                            "that was it"sv,
                                            "thats fine"sv,
                                            "thats perfect"sv,
                                            "thats great"sv};
    if (says_one_of(kNothing)) return false;
    const bool yes =
        std::any_of(heard_.begin(), heard_.end(), [](const std::string& w) { return is_yes(w); });
    const bool praised =
        std::any_of(heard_.begin(), heard_.end(), [](const std::string& w) { return is_praise(w); });
    const bool only = std::all_of(heard_.begin(), heard_.end(), [](const std::string& w) {
      return is_praise(w) || is_filler(w) ||
             is_one_of(w, {"thats", "that", "is", "its", "all", "thanks", "thank", "you", "then", "so",
                           "very", "much", "oh", "on"});
    });
    if (praised && only && !yes) return false;
    return std::nullopt;
  }

  std::optional<bool> by_words() const {
    const bool brief = heard_.size() <= 4;
    std::optional<bool> answer;
    bool negated = false;
    for (const std::string& word : heard_) {
      const bool yes = is_yes(word) || (brief && (is_praise(word) || word == "please"));
      if (is_one_of(word, {"not", "isnt", "dont", "doesnt", "wasnt", "cant", "wont", "didnt", "arent"})) {
        negated = true;
        if (!answer) answer = false;
      } else if (is_no(word)) {
        answer = false;
      } else if (is_one_of(word, {"wrong", "incorrect", "false", "mistake", "bad"})) {
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

  std::vector<std::string> heard_;
  std::string all_;
};

} // namespace

std::optional<bool> yes_or_no(std::string_view text, Question question) {
  return Answer(text).to(question);
}

std::size_t reserve_in(std::string_view text) {
  return Answer(text).reserve();
}

} // namespace talky::language
