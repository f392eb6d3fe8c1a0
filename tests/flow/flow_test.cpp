// Flows: what they understand and answer.
#include <doctest/doctest.h>

#include <algorithm>

#include "chat.hpp"
#include "flow/expression.hpp"
#include "flow/flow.hpp"

using namespace talky;
using namespace talky::flow;
using namespace talky::flow::test;
using namespace talky::voice;

TEST_CASE("every state answers every input") {
  const char* inputs[] = {"",
                          "yes",
                          "no",
                          "um",
                          "help",
                          "repeat",
                          "operator",
                          "goodbye",
                          "tomorrow at three",
                          "a haircut",
                          "my name is Anna",
                          "when are you open",
                          "thanks",
                          "five five five",
                          "what",
                          "the time is wrong",
                          "next Sunday",
                          "I want to book something",
                          "maybe later",
                          "no, at four, not at three"};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Chat chat(kSmall);
    Chat desk(front_desk(), seed);
    Random random(seed);
    for (int i = 0; i < 25; ++i) {
      Reply reply;
      if (random.below(8) == 0) {
        reply = desk.type("0123456789*#"[random.below(12)] == '#' ? "#" : "12");
      } else if (random.below(12) == 0) {
        reply = desk.silence(1, false);
      } else {
        reply = desk.say(inputs[random.below(std::size(inputs))]);
      }
      const bool speaks = !reply.text.empty() || reply.action.index() != 0;
      REQUIRE(speaks);
      REQUIRE_FALSE(reply.state.empty());
      REQUIRE(reply.text.find('{') == std::string::npos);
    }
  }
}

TEST_CASE("a copy of a dialogue goes its own way") {
  Chat chat(front_desk());
  chat.say("I want a haircut");
  auto copy = chat.dialogue().clone();
  Random random(1);
  chat.say("tomorrow");
  CHECK(chat.last.state == "ask_time");
  CHECK(copy->answer(Utterance{"Sunday", 1.0F}, random).state == "another_date");
}

TEST_CASE("completeness") {
  Chat chat(front_desk());
  const auto of = [&](std::string_view text) {
    return chat.dialogue().completeness(Utterance{std::string(text), 1.0F});
  };
  CHECK(of("I would like to") == language::Completeness::unfinished);
  CHECK(of("um") == language::Completeness::unfinished);
  CHECK(of("I would like an appointment.") == language::Completeness::open);
  CHECK(of("Goodbye.") == language::Completeness::complete);
  CHECK(of("You can call me at five five five") == language::Completeness::unfinished);
  CHECK(of("A haircut and") == language::Completeness::unfinished);
  chat.say("I want a haircut tomorrow");
  CHECK(of("half past ten") == language::Completeness::complete);
  CHECK(of("maybe") == language::Completeness::unfinished);
  chat.say("half past ten");
  chat.say("Anna");
  CHECK(of("yes") == language::Completeness::complete);
  CHECK(of("no") == language::Completeness::open); // "no, Thursday"
}

TEST_CASE("menus by keys act as soon as no longer entry is possible") {
  Chat chat(R"(start: menu
states:
  menu:
    say: Press one or twelve.
    on:
      - {digits: "1", say: One.}
      - {digits: "12", say: Twelve.}
      - {digits: ["2", "3"], say: Two or three.}
)");
  CHECK(chat.dialogue().completeness(Digits{"1"}) == language::Completeness::open);
  CHECK(chat.dialogue().completeness(Digits{"12"}) == language::Completeness::complete);
  CHECK(chat.dialogue().completeness(Digits{"2"}) == language::Completeness::complete);
  CHECK(chat.type("12").text == "Twelve.");
  CHECK(chat.type("3").text == "Two or three.");
  CHECK(chat.type("9").text.starts_with("Sorry"));
}

TEST_CASE("conditions, variables, set, clear, transfer, voices and digits") {
  Chat chat(R"(start: a
voice: Emma
values: {limit: "10"}
slots:
  people: {type: number, min: 1, max: 99}
states:
  a:
    ask: people
    then: b
    say: "Hello {caller}, how many?"
  b:
    enter:
      - {if: people > limit, set: {size: "large {people}"}, go: c}
      - {clear: [people], say: "That is few.", go: a}
  c:
    voice: Alex
    wait: 20
    interruptible: false
    say: "{size} it is, {people} or {people|digits} or {people|raw}."
    on:
      - {intent: operator, say: One moment., transfer: "sip:{people}@127.0.0.1"}
      - {if: 'people != "12"', say: Never.}
      - {if: 'said == "door"', say: Open., dtmf: "9{people}"}
)");
  CHECK(chat.last.text == "Hello anna, how many?");
  CHECK(chat.last.voice == "Emma");
  CHECK(chat.say("four").text == "That is few. Hello anna, how many?");
  CHECK(chat.say("twelve people").text == "large 12 it is, twelve or one two or 12.");
  CHECK(chat.last.voice == "Alex");
  CHECK(chat.last.silence == from_ms(20'000));
  CHECK_FALSE(chat.last.interruptible);
  chat.say("door");
  CHECK(std::get<Reply::SendDigits>(chat.last.action).digits == "912");
  chat.say("operator");
  CHECK(std::get<Reply::Transfer>(chat.last.action).target == "sip:12@127.0.0.1");
}

TEST_CASE("variants are chosen by the chance that is passed in, those with a condition first") {
  const std::string yaml = R"(start: a
states:
  a:
    say: [One., Two., Three.]
    on:
      - {intent: help, say: [{if: 'said == "help"', say: Exactly.}, Else.]}
)";
  std::vector<std::string> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Chat chat(yaml, seed);
    Chat same(yaml, seed);
    CHECK(chat.last.text == same.last.text);
    if (std::find(seen.begin(), seen.end(), chat.last.text) == seen.end()) seen.push_back(chat.last.text);
    CHECK(chat.say("help").text == "Exactly.");
    CHECK(chat.say("help me").text == "Else.");
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("fixed sentences: the greeting first, nothing with a variable, no sentence twice") {
  const auto parsed = Flow::parse(front_desk());
  REQUIRE(parsed.flow);
  CHECK(parsed.flow->name() == "front-desk");
  const auto list = parsed.flow->fixed_sentences();
  REQUIRE(list.size() > 20);
  CHECK(list[0] == "Good morning.");
  CHECK(list[1] == "This is the Harbour Street Salon.");
  for (const std::string& sentence : list) {
    CHECK(sentence.find('{') == std::string::npos);
    CHECK(std::count(list.begin(), list.end(), sentence) == 1);
  }
}

TEST_CASE("conditions") {
  const auto value = [](std::string_view text) {
    const auto parsed = Expression::parse(text);
    REQUIRE_MESSAGE(parsed, std::string(text));
    return parsed->holds([](std::string_view name) -> std::string {
      if (name == "a") return "10";
      if (name == "time") return "09:30";
      if (name == "date") return "2026-11-28";
      return "";
    });
  };
  CHECK(value("a"));
  CHECK_FALSE(value("b"));
  CHECK(value("not b"));
  CHECK(value("a > 9")); // as numbers
  CHECK(value("\"10\" > 9"));
  CHECK(value("time < \"10:00\"")); // as texts
  CHECK(value("a == 10 and not (b or a < 5)"));
  CHECK(value("b and b or a"));
  CHECK_FALSE(value("b and (b or a)"));
  CHECK(value("weekday(date) == 'Saturday'"));
  CHECK_FALSE(value("weekday(b)"));
  // The other spelling, alone and mixed; "!" takes as much as "not" does.
  CHECK(value("!b"));
  CHECK(value("!!a && ! b"));
  CHECK(value("a == 10 && !(b || a<5)"));
  CHECK(value("b && b || a"));
  CHECK_FALSE(value("b&&(b||a)"));
  CHECK(value("a != 9 and !b or b"));
  CHECK(value("!a == 9"));
  CHECK(value("!a != 10"));
  CHECK(Expression::parse("x == y and weekday(z)")->names() == std::vector<std::string>{"x", "y", "z"});
  for (const std::string wrong :
       {"",   "a ==", "(a",   "a b",   "'a",    "hour(a)", "a = b", "and",        "a or", "not", "1x",
        "a)", "a &&", "|| a", "a & b", "a | b", "!",       "a ! b", "a and || b", "!= a", "a !"}) {
    CAPTURE(wrong);
    CHECK_FALSE(Expression::parse(wrong));
  }
  std::string nested(100, '(');
  nested.push_back('a');
  nested.append(100, ')');
  CHECK_FALSE(Expression::parse(nested));
  std::string nots;
  for (int i = 0; i < 100; ++i)
    nots += "not ";
  CHECK(Expression::parse(nots + "a").error().code == Errc::too_large);
}
