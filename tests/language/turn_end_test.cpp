#include "language/turn_end.hpp"

#include <doctest/doctest.h>

#include <string>

#include "language/clauses.hpp"

using namespace talky::language;

TEST_CASE("no sentence ends in an article, a preposition, an auxiliary or a verb that wants an object") {
  for (const std::string text : {"I would like to",
                                 "I want",
                                 "Turn on",
                                 "Turn on the",
                                 "Turn on the lights in",
                                 "Can you tell me what",
                                 "my name is",
                                 "I need a",
                                 "It is for my",
                                 "I'm looking",
                                 "Please",
                                 "and",
                                 "from nine to",
                                 "I would like to book",
                                 "Can I",
                                 "it's number double",
                                 "every",
                                 "Can you turn on the?",
                                 "switch off",
                                 "I'd like an appointment on",
                                 "because...",
                                 "I was hoping"}) {
    CAPTURE(text);
    CHECK(ending(text) == Ending::unfinished);
  }
}

TEST_CASE(
    "a sentence may end in a noun, a particle of its verb, or a preposition that its question began with") {
  for (const std::string text :
       {"I would like a haircut", "Turn the lights on", "Hold on", "Come in.", "Switch it off",
        "What is it for?", "Who is it from?", "Friday", "the third of May", "No.", "What?", "I think so",
        "I hope not", "I like this book"}) {
    CAPTURE(text);
    CHECK(ending(text) == Ending::open);
  }
  for (const std::string text :
       {"A haircut, please.", "Thank you", "seven am", "Tomorrow.", "At three pm", "Goodbye"}) {
    CAPTURE(text);
    CHECK(ending(text) == Ending::whole);
  }
}

TEST_CASE("digits that are said one by one are a number under way") {
  CHECK(digits_under_way("five five five") == 3);
  CHECK(digits_under_way("my number is oh one seven nine") == 4);
  CHECK(digits_under_way("It's 555 12") == 5);
  CHECK(digits_under_way("at ten thirty") == 0);
  CHECK(digits_under_way("on the twenty first at two") == 0);
  CHECK(digits_under_way("table for two") == 0);
}

TEST_CASE("a telephone number is whole when it has the digits of its country's plan") {
  CHECK(phone_number("23") == Ending::unfinished);
  CHECK(phone_number("555123") == Ending::unfinished);
  CHECK(phone_number("5551234567") == Ending::whole);
  CHECK(phone_number("0207946001") == Ending::open);
  CHECK(phone_number("02079460018") == Ending::whole);
  CHECK(phone_number("020794600") == Ending::unfinished);
  CHECK(phone_number("442079460018") == Ending::whole);
}

TEST_CASE("a sentence that was stopped goes on with its clause") {
  const std::string text =
      "We are open from nine to six, and on Saturday from ten to two, but not on Sunday.";
  CHECK(rest_from_clause(text, 0) == text);
  CHECK(rest_from_clause(text, 0.1) == text);
  CHECK(rest_from_clause(text, 0.5) == "on Saturday from ten to two, but not on Sunday.");
  CHECK(rest_from_clause(text, 0.9) == "but not on Sunday.");
  CHECK(rest_from_clause("Hello.", 1) == "Hello.");
  CHECK(rest_from_clause("", 0.5).empty());
}
