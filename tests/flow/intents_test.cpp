#include "flow/intents.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace talky::flow;

TEST_CASE("intents: keywords, examples, misheard words, negation") {
  const IntentMatcher matcher({
      {"book",
       {"appointment", "book"},
       {"I would like to make an appointment", "Do you have anything free tomorrow?"},
       0},
      {"cancel", {"cancel", "call off"}, {"I can't come to my appointment"}, 0},
      {"hours", {"opening hours", "open"}, {"When are you open?", "How late can I come by?"}, 0},
      {"goodbye", {"goodbye", "bye"}, {}, 0},
  });
  const auto best = [&](std::string_view text) {
    const auto found = matcher.match(text);
    return found.empty() ? std::string() : found[0].intent;
  };
  CHECK(best("Hi, I'd like to book something.") == "book");
  CHECK(best("I want to make an apointmint please") == "book");
  CHECK(best("Is anything free tomorrow?") == "book");
  CHECK(best("I need to cancel my appointment") == "cancel");
  CHECK(best("Let's call it off, I'm cancelling") == "cancel");
  CHECK(best("what are your opening hours") == "hours");
  CHECK(best("how late can I come") == "hours");
  CHECK(best("Good bye") == "goodbye");
  CHECK(best("goodbye then") == "goodbye");
  CHECK(best("I don't want to book anything, just the opening hours") == "hours");
  CHECK(best("the weather is nice").empty());
  CHECK(best("").empty());
  CHECK(matcher.match("Goodbye.").at(0).score >= IntentMatcher::kSure);
  CHECK(matcher.match("I would like to make an appointment").at(0).score >= 0.99);
  CHECK(matcher.match("well I met a friend who said goodbye to his old job").at(0).score <
        IntentMatcher::kSure);
}
