#include "language/requests.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "language/said.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

using namespace std::string_view_literals;

template <std::size_t N>
bool says_one_of(const std::array<std::string_view, N>& phrases, const Words& words) {
  const std::string all = ' ' + joined(words) + ' ';
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
    return all.find(' ' + std::string(phrase) + ' ') != std::string::npos;
  });
}

bool is_prelude(std::string_view word) {
  return is_filler(word) ||
         is_one_of(word, {"and", "but", "so",   "well",    "oh",        "okay",     "ok",     "sorry",
                          "hi",  "hey", "also", "then",    "wait",      "actually", "hello",  "please",
                          "no",  "yes", "good", "morning", "afternoon", "evening",  "excuse", "me"});
}

} // namespace

bool is_wish(const Words& words) {
  static constexpr std::array kPhrases = {"can i"sv,
                                          "could i"sv,
                                          "may i"sv,
                                          "can we"sv,
                                          "could we"sv,
                                          "may we"sv,
                                          "might i"sv,
                                          "shall we"sv,
                                          "can you do"sv,
                                          "could you do"sv,
                                          "can you fit"sv,
                                          "could you fit"sv,
                                          "can you book"sv,
                                          "could you book"sv,
                                          "can you make"sv,
                                          "could you make"sv,
                                          "can you put"sv,
                                          "could you put"sv,
                                          "can you give"sv,
                                          "could you give"sv,
                                          "can you squeeze"sv,
                                          "could you squeeze"sv,
                                          "can you take"sv,
                                          "could you take"sv,
                                          "can you get"sv,
                                          "can you change"sv,
                                          "could you change"sv,
                                          "can you move"sv,
                                          "could you move"sv,
                                          "do you have"sv,
                                          "have you got"sv,
                                          "you have anything"sv,
                                          "is there a"sv,
                                          "is there any"sv,
                                          "is there something"sv,
                                          "are there any"sv,
                                          "anything free"sv,
                                          "are you free"sv,
                                          "possible"sv,
                                          "how about"sv,
                                          "what about"sv,
                                          "would it be"sv,
                                          "could it be"sv,
                                          "can it be"sv,
                                          "could that be"sv,
                                          "can that be"sv,
                                          "is it okay"sv,
                                          "does that work"sv,
                                          "would you have"sv,
                                          "would you book"sv,
                                          "will you book"sv,
                                          "anything available"sv,
                                          "available"sv,
                                          "would you be able"sv,
                                          "are you able"sv,
                                          "why dont we"sv,
                                          "would you mind"sv,
                                          "could somebody"sv,
                                          "could someone"sv,
                                          "can somebody"sv,
                                          "can someone"sv,
                                          "when can"sv,
                                          "when could"sv,
                                          "will you put"sv,
                                          "any chance"sv,
                                          "chance"sv,
                                          "is it too late to"sv,
                                          "would you please"sv,
                                          "could you please"sv,
                                          "can you please"sv};
  static constexpr std::array kSuits = {"work"sv, "works"sv,   "suit"sv, "okay"sv,       "ok"sv,    "free"sv,
                                        "fine"sv, "alright"sv, "good"sv, "convenient"sv, "better"sv};
  if (says_one_of(kPhrases, words)) return true;
  // "Would Friday work?", "is ten okay?"
  return !words.empty() && says_one_of(kSuits, words) && words.size() <= 9 &&
         !says_one_of(std::array{"how"sv, "who"sv, "working"sv, "which"sv}, words);
}

bool asks_for_information(std::string_view clause) {
  const Words list = words(clause);
  const auto first = std::find_if_not(list.begin(), list.end(), is_prelude);
  if (first == list.end() || list.end() - first < 2) return false;
  static constexpr std::array kOpeners = {
      "are"sv,    "is"sv,    "do"sv,    "does"sv,  "did"sv,    "will"sv, "when"sv,  "what"sv,   "how"sv,
      "where"sv,  "why"sv,   "which"sv, "who"sv,   "was"sv,    "were"sv, "has"sv,   "whats"sv,  "hows"sv,
      "wheres"sv, "whens"sv, "isnt"sv,  "arent"sv, "whos"sv,   "can"sv,  "could"sv, "should"sv, "would"sv,
      "have"sv,   "am"sv,    "whose"sv, "dont"sv,  "doesnt"sv, "may"sv};
  if (std::find(kOpeners.begin(), kOpeners.end(), *first) == kOpeners.end()) return false;
  if (*first == "would" && follows(list, static_cast<std::size_t>(first - list.begin()), {"would", "like"}))
    return false;
  return !is_wish(list);
}

bool asks_for_several(const Words& words) {
  static constexpr std::array kPhrases = {
      "both of us"sv,   "two of us"sv,     "three of us"sv,     "for me and my"sv,   "me and my"sv,
      "and me"sv,       "and myself"sv,

      "for both"sv,     "and one for"sv,   "and another for"sv, "one each"sv,        "for the whole family"sv,
      "for my two"sv,   "for my kids"sv,   "for the kids"sv,    "for my children"sv, "for two"sv,
      "for the two"sv,  "for the three"sv, "my sons"sv,         "my daughters"sv,    "as well as my"sv,
      "and also for"sv, "and for my"sv};
  if (says_one_of(kPhrases, words) &&
      !says_one_of(std::array{"and i have"sv, "and i need"sv, "and i would"sv, "and i want"sv, "and i am"sv,
                              "and i cant"sv, "for two oclock"sv, "for two thirty"sv, "for two fifteen"sv,
                              "for two pm"sv},
                   words)) {
    // "At two", "for two o'clock" is an hour; "my wife and I" are two.
    return !(says_one_of(std::array{"for two"sv}, words) &&
             !says_one_of(std::array{"people"sv, "persons"sv, "for two please"sv}, words) &&
             words.size() > 4) ||
           says_one_of(std::array{"and me"sv, "and i"sv, "both of us"sv}, words);
  }
  for (std::size_t i = 2; i + 1 < words.size(); ++i) // "my wife and I"
    if (words[i] == "and" && words[i + 1] == "i" && words[i - 2] == "my") return true;
  static constexpr std::array kThings = {
      "haircuts"sv, "cuts"sv,    "appointments"sv, "people"sv, "persons"sv, "bookings"sv, "slots"sv,
      "trims"sv,    "kids"sv,    "children"sv,     "adults"sv, "boys"sv,    "girls"sv,    "men"sv,
      "women"sv,    "friends"sv, "sessions"sv,     "times"sv,  "ladies"sv};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto number = cardinal_at(words, i);
    const bool many = (number && number->value >= 2 && number->value <= 20) ||
                      is_one_of(words[i], {"couple", "several", "both"});
    if (!many) continue;
    for (std::size_t next = number ? number->end : i + 1; next < words.size() && next < i + 4; ++next)
      if (std::find(kThings.begin(), kThings.end(), words[next]) != kThings.end()) return true;
  }
  return false;
}

bool is_addition(const Words& words) {
  return says_one_of(std::array{"also"sv, "as well"sv, "too"sv, "another"sv, "add"sv, "additionally"sv,
                                "plus"sv, "on top"sv, "second one"sv, "and then"sv},
                     words) &&
         !says_one_of(std::array{"instead"sv, "rather"sv}, words);
}

} // namespace talky::language
