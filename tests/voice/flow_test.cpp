// Flows: what they understand and answer, and what their check finds.
#include "voice/flow.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "voice/expression.hpp"

using namespace talky;
using namespace talky::voice;

namespace {

std::string front_desk() {
  std::ifstream file(TALKY_FLOWS "/front-desk.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Chat {
 public:
  explicit Chat(const std::string& yaml, std::uint64_t seed = 1, Moment moment = {2026, 11, 23, 10, 15})
      : random_(seed) {
    auto parsed = Flow::parse(yaml);
    for (const Diagnostic& d : parsed.diagnostics)
      MESSAGE(to_string(d, "flow"));
    REQUIRE(parsed.flow);
    dialogue_ = make_dialogue(parsed.flow);
    in::Start start;
    start.from = "\"Anna\" <sip:anna@127.0.0.1>";
    start.to = "sip:100@127.0.0.1";
    start.moment = moment;
    last = dialogue_->start(start, random_);
  }
  const Reply& say(std::string_view text) {
    return last = dialogue_->answer(Utterance{std::string(text), 0.9F}, random_);
  }
  const Reply& type(std::string_view keys) {
    return last = dialogue_->answer(Digits{std::string(keys)}, random_);
  }
  const Reply& silence(int count, bool is_last) {
    return last = dialogue_->answer(Silence{count, is_last}, random_);
  }
  const Reply& trouble(bool is_last) { return last = dialogue_->answer(Trouble{is_last}, random_); }
  bool heard(std::string_view words) const { return last.text.find(words) != std::string::npos; }
  bool hangs_up() const { return std::holds_alternative<Reply::Hangup>(last.action); }
  Dialogue& dialogue() { return *dialogue_; }

  Reply last;

 private:
  Random random_;
  std::unique_ptr<Dialogue> dialogue_;
};

// "error 3: ..." of the first diagnostic that holds `text`, "" if there is none
bool complains(const std::string& yaml, std::string_view text, std::size_t line,
               Diagnostic::Severity severity = Diagnostic::Severity::error) {
  const auto found = check(yaml);
  const bool there = std::any_of(found.begin(), found.end(), [&](const Diagnostic& d) {
    return d.severity == severity && d.line == line && d.text.find(text) != std::string::npos;
  });
  if (!there) {
    for (const Diagnostic& d : found)
      MESSAGE(to_string(d, "flow"));
  }
  return there;
}

const std::string kSmall = R"(flow: small
start: hello
states:
  hello:
    say: Hello. Do you like it?
    on:
      - {answer: yes, say: Good.}
      - {answer: no, go: bye}
  bye:
    say: Goodbye.
    hangup: done
)";

} // namespace

TEST_CASE("the shipped flow has no faults") {
  for (const Diagnostic& d : check(front_desk()))
    FAIL_CHECK(to_string(d, "front-desk.yaml"));
}

TEST_CASE("an appointment in one breath") {
  Chat chat(front_desk());
  CHECK(chat.heard("Good morning"));
  chat.say("Hi, I'd like to book a haircut for next Friday at half past three.");
  CHECK(chat.last.state == "ask_name");
  CHECK(chat.last.intent == "book");
  chat.say("Anna Smith");
  CHECK(chat.heard("haircut, Friday, December fourth, at three thirty in the afternoon, for Anna Smith"));
  chat.say("Yes, that's right.");
  CHECK(chat.last.state == "booked");
  chat.say("No, thank you.");
  CHECK(chat.hangs_up());
  CHECK_FALSE(chat.last.interruptible);
  CHECK(chat.heard("oodbye"));
}

TEST_CASE("an appointment step by step, with closed days, closed hours and corrections") {
  Chat chat(front_desk());
  chat.say("I want to make an appointment");
  CHECK(chat.last.state == "ask_service");
  chat.say("the trim please");
  CHECK(chat.last.state == "ask_date");
  chat.say("Sunday");
  CHECK(chat.heard("Sundays we are closed"));
  chat.say("uh, the day after tomorrow");
  CHECK(chat.last.state == "ask_time");
  chat.say("at eight in the evening");
  CHECK(chat.heard("half past five"));
  chat.say("ten thirty then");
  CHECK(chat.last.state == "ask_name");
  chat.say("my name is Peter");
  CHECK(chat.heard("Wednesday, November twenty-fifth, at ten thirty in the morning, for Peter"));
  chat.say("no, not Wednesday, Thursday");
  CHECK(chat.last.state == "confirm");
  CHECK(chat.heard("Thursday, November twenty-sixth"));
  chat.say("no the time is wrong");
  CHECK(chat.last.state == "another_time");
  chat.say("three o'clock");
  CHECK(chat.heard("three in the afternoon"));
  chat.say("no");
  CHECK(chat.last.state == "change");
  chat.say("the name");
  CHECK(chat.last.state == "ask_name");
  chat.say("Paula");
  CHECK(chat.heard("for Paula"));
  chat.say("correct");
  CHECK(chat.last.state == "booked");
}

TEST_CASE("Saturdays have hours of their own, and today is not booked into the past") {
  Chat saturday(front_desk());
  saturday.say("a haircut on Saturday at four");
  CHECK(saturday.heard("On Saturdays we are open from ten to two"));
  Chat today(front_desk());
  today.say("a haircut today at nine");
  CHECK(today.heard("too late for today"));
}

TEST_CASE("questions in between do not lose the thread") {
  Chat chat(front_desk());
  chat.say("I'd like an appointment for colouring");
  CHECK(chat.last.state == "ask_date");
  chat.say("How much is that?");
  CHECK(chat.heard("sixty"));
  CHECK(chat.heard("?")); // and the question again
  CHECK(chat.last.state == "ask_date");
  chat.say("Where are you located?");
  CHECK(chat.heard("Harbour Street"));
  chat.say("help");
  CHECK(chat.heard("Say a day"));
  chat.say("Could you repeat that?");
  CHECK(chat.last.intent == "repeat");
  chat.say("tomorrow");
  CHECK(chat.last.state == "ask_time");
}

TEST_CASE("opening hours, thanks, goodbye") {
  Chat chat(front_desk());
  chat.say("What are your opening hours on Saturday?");
  CHECK(chat.heard("Monday to Friday"));
  chat.say("Thank you, goodbye!");
  CHECK(chat.hangs_up());
}

TEST_CASE("a message with a telephone number, spoken or typed") {
  Chat chat(front_desk());
  chat.say("Can I talk to a human?");
  CHECK(chat.last.state == "message_name");
  chat.say("It's Maria");
  CHECK(chat.last.state == "message_phone");
  CHECK(chat.dialogue().completeness(Digits{"555"}) == Completeness::open);
  chat.say("five five five, oh one double two");
  CHECK(chat.heard("five five five zero one two two"));
  chat.say("no that's wrong");
  CHECK(chat.last.state == "message_phone");
  chat.type("5550123");
  CHECK(chat.heard("zero one two three"));
  chat.say("yes");
  CHECK(chat.heard("call you back"));
}

TEST_CASE("nonsense is never met with silence, and after a while help is offered") {
  Chat chat(front_desk());
  for (int i = 0; i < 12; ++i) {
    chat.say("purple elephants dance quietly");
    CHECK_FALSE(chat.last.text.empty());
    if (i == 2) CHECK(chat.last.state == "lost");
  }
  chat.type("999");
  CHECK_FALSE(chat.last.text.empty());
  chat.say("");
  CHECK_FALSE(chat.last.text.empty());
  CHECK_FALSE(chat.silence(1, false).text.empty());
  CHECK_FALSE(chat.trouble(false).text.empty());
  chat.silence(3, true);
  CHECK(chat.hangs_up());
  chat.trouble(true);
  CHECK(chat.hangs_up());
}

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
  CHECK(of("I would like to") == Completeness::unfinished);
  CHECK(of("um") == Completeness::unfinished);
  CHECK(of("I would like an appointment.") == Completeness::open);
  CHECK(of("Goodbye.") == Completeness::complete);
  chat.say("I want a haircut tomorrow");
  CHECK(of("half past ten") == Completeness::complete);
  CHECK(of("maybe") == Completeness::unfinished);
  chat.say("half past ten");
  chat.say("Anna");
  CHECK(of("yes") == Completeness::complete);
  CHECK(of("no") == Completeness::open); // "no, Thursday"
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
  CHECK(chat.dialogue().completeness(Digits{"1"}) == Completeness::open);
  CHECK(chat.dialogue().completeness(Digits{"12"}) == Completeness::complete);
  CHECK(chat.dialogue().completeness(Digits{"2"}) == Completeness::complete);
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

TEST_CASE("the check finds what is wrong, with its line") {
  CHECK(check(kSmall).empty());
  const auto with = [](std::string_view what, std::string_view instead) {
    std::string yaml = kSmall;
    const std::size_t at = yaml.find(what);
    REQUIRE(at != std::string::npos);
    return yaml.replace(at, what.size(), instead);
  };
  CHECK(complains("", "a flow is a map", 0));
  CHECK(complains("[1, 2]", "a flow is a map", 1));
  CHECK(complains("start: a\nstates: {a: {say: hi\n", "not YAML", 3));
  CHECK(complains("start: a\n", "no 'states'", 1));
  CHECK(complains(with("start: hello", "voice: Emma"), "no 'start'", 1));
  CHECK(complains(with("start: hello", "start: hallo"), "'hallo', which does not exist", 2));
  CHECK(complains(with("go: bye", "go: by"), "'by', which does not exist", 8));
  CHECK(complains(with("say: Good.", "sy: Good."), "no key 'sy'", 7));
  CHECK(
      complains(with("{answer: yes, say: Good.}", "{answer: perhaps, say: Good.}"), "must be yes or no", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes}"), "says nothing and goes nowhere", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes, say: \"Good {nam}\"}"),
                  "'nam' is defined nowhere", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes, say: \"Good {\"}"), "closes '{'", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{intent: boook, say: Good.}"),
                  "intent 'boook' does not exist", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{slot: name, say: Good.}"), "slot 'name' does not exist",
                  7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{if: 'a ==', say: Good.}"), "at character 5", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{digits: 1x, say: Good.}"), "cannot be typed", 7));
  CHECK(complains(with("say: Hello. Do you like it?", "say: []"), "is empty", 5));
  CHECK(complains(with("    say: Hello. Do you like it?\n", ""), "nothing to 'say'", 5));
  CHECK(complains(with("say: Hello. Do you like it?", "say: [{if: said, say: Hello.}]"),
                  "one without is needed", 5));
  CHECK(complains(with("hangup: done", "hangup: done\n    dtmf: 1"), "only one of", 10));
  CHECK(complains(with("hangup: done", "ask: name\n    then: hello"), "slot 'name' to ask for does not exist",
                  10));
  CHECK(complains(with("hangup: done", "then: hello"), "asks for nothing", 10));
  CHECK(
      complains(with("states:", "slots: {s: {type: chioce}}\nstates:"), "'chioce' is not a type of slot", 3));
  CHECK(complains(with("states:", "slots: {s: {type: choice}}\nstates:"), "needs 'choices'", 3));
  CHECK(complains(with("  bye:", "  hello:"), "'hello' is there twice", 9));
  CHECK(complains(with("states:", "global: {give_up: nowhere}\nstates:"), "'nowhere', which does not exist",
                  3));
  CHECK(complains("start: a\nstates:\n  a:\n    enter: [{go: b}]\n  b:\n    enter: [{go: a}]\n",
                  "without a word", 4));

  const auto warning = Diagnostic::Severity::warning;
  CHECK(
      complains(with("      - {answer: no, go: bye}\n", ""), "nothing leads to the state 'bye'", 9, warning));
  CHECK(complains(with("      - {answer: no, go: bye}\n", "      - {intent: help, go: bye}\n"),
                  "none for 'answer: no'", 5, warning));
  CHECK(complains(with("    hangup: done\n", ""), "no answer leads out of the state 'bye'", 10, warning));
  CHECK(
      complains(with("states:", "slots: {s: {type: date}}\nstates:"), "slot 's' is never used", 3, warning));
  CHECK(complains(with("states:", "intents: {i: {keywords: [x]}}\nstates:"), "intent 'i' is never used", 3,
                  warning));
  CHECK(complains(with("states:", "intents: {i: {keywords: [x]}, j: {keywords: [X]}}\nstates:"),
                  "keyword of 'i' and of 'j'", 3, warning));
}

TEST_CASE("a flow with errors is not used; one with warnings is") {
  CHECK(Flow::parse("start: a\nstates: {a: {say: Hi.}}\n").flow);
  CHECK_FALSE(Flow::parse("start: b\nstates: {a: {say: Hi.}}\n").flow);
  CHECK_FALSE(Flow::parse(std::string(Flow::kMaxBytes + 1, ' ')).flow);
  CHECK(to_string(Diagnostic{Diagnostic::Severity::error, 12, "no"}, "f.yaml") == "f.yaml:12: error: no");
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
  CHECK(Expression::parse("x == y and weekday(z)")->names() == std::vector<std::string>{"x", "y", "z"});
  for (const std::string wrong :
       {"", "a ==", "(a", "a b", "'a", "hour(a)", "a = b", "and", "a or", "not", "1x", "a)"}) {
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
