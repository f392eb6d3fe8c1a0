// The flow that ships: whole conversations with the front desk.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chat.hpp"
#include "flow/flow.hpp"

using namespace talky;
using namespace talky::flow;
using namespace talky::flow::test;
using namespace talky::voice;

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

TEST_CASE("what is asked for is what is expected") {
  using Kind = Expectation::Kind;
  Chat chat(front_desk());
  CHECK(chat.dialogue().expectation().kind == Kind::open);
  chat.say("I'd like an appointment.");
  const Expectation service = chat.dialogue().expectation();
  CHECK(service.kind == Kind::choice);
  CHECK(std::find(service.phrases.begin(), service.phrases.end(), "haircut") != service.phrases.end());
  chat.say("A haircut.");
  CHECK(chat.dialogue().expectation().kind == Kind::date);
  chat.say("Next Friday.");
  CHECK(chat.dialogue().expectation().kind == Kind::time);
  chat.say("Half past three.");
  CHECK(chat.dialogue().expectation().kind == Kind::name);
  chat.say("Anna Smith");
  CHECK(chat.dialogue().expectation().kind == Kind::yes_no);
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
  CHECK(chat.dialogue().completeness(Digits{"555"}) == language::Completeness::open);
  const auto of = [&](std::string_view text) {
    return chat.dialogue().completeness(Utterance{std::string(text), 1.0F});
  };
  CHECK(of("two three") == language::Completeness::partial);
  CHECK(of("It's oh two oh, seven nine four six") == language::Completeness::partial);
  CHECK(of("oh two oh seven nine four six double oh one eight") == language::Completeness::complete);
  CHECK(of("My number is") == language::Completeness::unfinished);
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

// --- A table of conversations that go as conversations do

namespace {

// What the caller says (#1234 types it, ~ says nothing), the state it leads to, and words of the answer: all
// parts between '|' must be in it, and those behind '!' must not.
struct Step {
  const char* caller;
  const char* state;
  const char* answer;
};
struct Conversation {
  const char* name;
  std::vector<Step> steps;
};

std::vector<std::string> parts(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t bar = std::min(text.find('|'), text.size());
    if (bar > 0) out.emplace_back(text.substr(0, bar));
    text.remove_prefix(std::min(bar + 1, text.size()));
  }
  return out;
}

const std::vector<Conversation>& conversations() {
  static const std::vector<Conversation> kAll = {
      {"a question while a day is asked for is answered, and is no day",
       {{"I would like to book a haircut.", "ask_date", "haircut"},
        {"Are you open on Saturday?", "ask_date", "on Saturday from ten to two|day|!November"},
        {"Saturday.", "ask_time", "Saturday, November twenty-eighth|ime"},
        {"Are you open until six?", "ask_time", "from nine to six|time|!At six"},
        {"At eleven.", "ask_name", "name"}}},
      {"an answer and a question in one breath",
       {{"Book a haircut, please.", "ask_date", "haircut"},
        {"Tuesday. And how much is it?", "ask_time", "thirty-five euros|Tuesday"},
        {"Ten, and where are you?", "ask_name", "Harbour Street|name"},
        {"Anna Smith.", "confirm", "haircut|Tuesday|ten in the morning|Anna Smith"}}},
      {"a question about the price takes nothing away",
       {{"Book a beard trim.", "ask_date", "beard trim"},
        {"How much is a haircut?", "ask_date", "thirty-five euros|day"},
        {"Friday at nine.", "ask_name", "name"},
        {"Ben.", "confirm", "a beard trim|Friday|nine in the morning|for Ben"}}},
      {"what?",
       {{"I'd like an appointment.", "ask_service", "haircuts"},
        {"What?", "ask_service", "haircuts"},
        {"A haircut.", "ask_date", "haircut"},
        {"Pardon?", "ask_date", "A haircut"},
        {"Sorry, what did you say?", "ask_date", "A haircut"},
        {"Can you repeat that, please?", "ask_date", "A haircut"}}},
      {"no, Tuesday: a correction before and after the next question",
       {{"A haircut tomorrow.", "ask_time", "Tuesday"},
        {"No, Wednesday.", "ask_time", "Wednesday, November twenty-fifth|ime"},
        {"Half past ten.", "ask_name", "name"},
        {"No, make it eleven.", "ask_name", "Wednesday|eleven|name"},
        {"No, Thursday at three.", "ask_name", "Thursday|three in the afternoon|name"},
        {"John O'Brien.", "confirm", "Thursday, November twenty-sixth|three|John O'Brien"},
        {"No, Friday.", "confirm", "Friday, November twenty-seventh|three|John O'Brien"},
        {"Yes.", "booked", "Friday"}}},
      {"corrections in one sentence: the last counts",
       {{"A haircut on Tuesday, no, on Wednesday at two, sorry, at three.", "ask_name", "name"},
        {"Eve.", "confirm", "Wednesday|three in the afternoon|Eve|!Tuesday"}}},
      {"of two days the first is taken, and read back",
       {{"A haircut tomorrow or on Wednesday.", "ask_time", "Tuesday, November twenty-fourth|!Wednesday"},
        {"At three or at four.", "ask_name", "name"},
        {"Eve.", "confirm", "Tuesday|three in the afternoon|Eve|!Wednesday"},
        {"No, Wednesday.", "confirm", "Wednesday|three in the afternoon|Eve"}}},
      {"a corrected day is examined like the first one",
       {{"A haircut tomorrow at ten.", "ask_name", "name"},
        {"No, on Sunday.", "another_date", "on Sundays we are closed"},
        {"Saturday.", "ask_name", "name"},
        {"No, at five.", "another_time", "On Saturdays we are open from ten to two"},
        {"One o'clock.", "ask_name", "name"},
        {"Mary.", "confirm", "Saturday|one in the afternoon|Mary"}}},
      {"a name that was misheard",
       {{"A haircut tomorrow at one, my name is Mary.", "confirm", "for Mary"},
        {"No, it's Marie.", "confirm", "for Marie"},
        {"Yes.", "booked", "Thank you, Marie"}}},
      {"everything in one sentence, the name behind for",
       {{"Book a haircut tomorrow at three for Anna.", "confirm", "haircut|Tuesday|three|for Anna"},
        {"That's right.", "booked", "Anna"},
        {"No, thanks.", "farewell", "oodbye"}}},
      {"two slots in an answer to a third",
       {{"I want an appointment.", "ask_service", "haircuts"},
        {"On Friday at half past nine.", "ask_service", "haircut"},
        {"Colouring.", "ask_name", "name"},
        {"Zoe.", "confirm", "colouring|Friday|nine thirty in the morning|Zoe"}}},
      {"numbers are no names",
       {{"A haircut tomorrow at ten.", "ask_name", "name"},
        {"Ten thirty.", "ask_name", "ten thirty in the morning|name|!Is that right"},
        {"Forty-two thousand.", "ask_name", "name|!Is that right"},
        {"Bob.", "confirm", "ten thirty|for Bob"}}},
      {"what is said instead of a name is no name",
       {{"A haircut tomorrow at ten.", "ask_name", "name"},
        {"Hang on.", "ask_name", "take your time|name"},
        {"Wait a second.", "ask_name", "take your time|name"},
        {"The time.", "ask_name", "name|!for Time"},
        {"No.", "ask_name", "name"},
        {"My name is Lee.", "confirm", "for Lee"}}},
      {"a name that is spelt",
       {{"A haircut tomorrow at ten.", "ask_name", "name"},
        {"Mueller, M U E double L E R.", "confirm", "for Mueller. "}}},
      {"a name of three words, with manners around it",
       {{"A haircut tomorrow at ten.", "ask_name", "name"},
        {"Yes, of course, it's Mary Ann Evans, please.", "confirm", "for Mary Ann Evans."}}},
      {"a day that does not exist",
       {{"I'd like a haircut on the thirty-first of February.", "ask_date", "!February|day"},
        {"The thirtieth of November.", "ask_time", "Monday, November thirtieth"}}},
      {"a day that is past is the next one of its name",
       {{"A haircut on the twenty-second.", "ask_time", "December twenty-second"}}},
      {"closed days, closed hours, and the past",
       {{"Book a haircut on Sunday.", "another_date", "closed"},
        {"What about today?", "ask_time", "today"},
        {"At nine.", "another_time", "too late for today"},
        {"At eight in the evening.", "another_time", "half past five"},
        {"Two p.m.", "ask_name", "name"},
        {"Tom.", "confirm", "today|two in the afternoon|Tom"}}},
      {"no preference",
       {{"A haircut, please.", "ask_date", "haircut"},
        {"I don't know.", "ask_date", "Tomorrow, for example|day"},
        {"Tomorrow then.", "ask_time", "Tuesday"},
        {"Whenever.", "ask_time", "Ten in the morning|time"},
        {"As early as possible.", "ask_name", "name"},
        {"Anna.", "confirm", "nine in the morning"}}},
      {"nothing is understood three times: a call back is offered, and the wish is still heard",
       {{"A haircut, please.", "ask_date", "haircut"},
        {"Asdf qwer.", "ask_date", "did not get the day"},
        {"Blub blub.", "ask_date", "did not get the day"},
        {"Grmpf.", "lost", "call you back"},
        {"The day after tomorrow.", "ask_time", "Wednesday, November twenty-fifth"}}},
      {"lost, and yes",
       {{"Asdf.", "greeting", "|"},
        {"Qwer.", "greeting", "|"},
        {"Yxcv.", "lost", "call you back"},
        {"Yes.", "message_name", "name"}}},
      {"silence keeps the question",
       {{"A haircut, please.", "ask_date", "haircut"},
        {"~", "ask_date", "till there|day"},
        {"~", "ask_date", "till there|day"},
        {"Tomorrow.", "ask_time", "Tuesday"}}},
      {"hello in the middle of it",
       {{"A haircut, please.", "ask_date", "haircut"},
        {"Hello?", "ask_date", "I am here|day"},
        {"Can you hear me?", "ask_date", "I am here|day"},
        {"Tomorrow.", "ask_time", "Tuesday"}}},
      {"small talk, and what we are",
       {{"Hello.", "greeting", "I am here|"},
        {"How are you?", "greeting", "fine|!euros"},
        {"Are you a robot?", "greeting", "automatic assistant"},
        {"I'd like a haircut.", "ask_date", "haircut"}}},
      {"a human, please",
       {{"A haircut tomorrow.", "ask_time", "Tuesday"},
        {"I want to talk to a human.", "message_name", "call you back"},
        {"John Smith.", "message_phone", "John Smith|number"},
        {"#0301234", "message_confirm", "zero three zero one two three four"},
        {"Yes.", "anything_else", "call you back soon"}}},
      {"a telephone number is corrected as a whole",
       {{"Can I cancel my appointment?", "message_name", "name"},
        {"Anna.", "message_phone", "Anna"},
        {"It's oh one five one, four nine six, oh one two three.", "message_confirm",
         "zero one five one four nine six zero one two three"},
        {"No, it's oh one five one, four nine six, oh one two four.", "message_confirm",
         "zero one five one four nine six zero one two four"},
        {"No.", "message_phone", "number"},
        {"#0151999", "message_confirm", "zero one five one nine nine nine"},
        {"Yes.", "anything_else", "|"}}},
      {"keys where nobody asked for any",
       {{"#5", "greeting", "|"}, {"A haircut, please.", "ask_date", "haircut"}, {"#12", "ask_date", "day"}}},
      {"opening hours for a named day are told, and no appointment is made",
       {{"Are you open on Sunday?", "anything_else", "On Sunday we are closed"},
        {"Do you have parking?", "anything_else", "parking behind the house|!beard"},
        {"No, thank you.", "farewell", "oodbye"}}},
      {"a question in the form of a wish is a wish",
       {{"Can I have a haircut on Friday?", "ask_time", "Friday"},
        {"Could I come in at four?", "ask_name", "name"},
        {"Ida.", "confirm", "Friday|four in the afternoon|Ida"}}},
      {"do you have anything free is a wish, too",
       {{"Do you have anything free tomorrow?", "ask_service", "haircuts"},
        {"A blow-dry.", "ask_time", "Tuesday"}}},
      {"a service that we do not have",
       {{"I want an appointment.", "ask_service", "haircuts"},
        {"Do you do nails?", "ask_service", "We do haircuts"},
        {"Highlights.", "ask_date", "colouring"}}},
      {"yes and no to a question for a day",
       {{"A haircut, please.", "ask_date", "haircut"},
        {"Yes.", "ask_date", "day"},
        {"No.", "ask_date", "day"},
        {"Next Friday.", "ask_time", "December fourth"}}},
      {"wrong, and what is wrong",
       {{"A haircut tomorrow at one, my name is Anna.", "confirm", "Anna"},
        {"Wrong.", "change", "What should I change"},
        {"The service.", "ask_service", "haircuts"},
        {"A beard trim.", "confirm", "beard trim|Tuesday|one in the afternoon|Anna"},
        {"No, the day.", "another_date", "day"},
        {"Wednesday.", "confirm", "Wednesday"},
        {"Correct.", "booked", "beard trim"}}},
      {"goodbye from anywhere",
       {{"A haircut tomorrow.", "ask_time", "Tuesday"}, {"Oh, forget it, goodbye.", "ask_time", "oodbye"}}},
      {"a second appointment",
       {{"A haircut tomorrow at one, my name is Anna.", "confirm", "Anna"},
        {"Yes.", "booked", "booked"},
        {"Yes, I need another appointment.", "ask_service", "haircuts"},
        {"Colouring.", "ask_date", "colouring"},
        {"Friday at ten.", "confirm", "colouring|Friday|ten in the morning|Anna"}}},
      {"help in the middle of it",
       {{"A haircut.", "ask_date", "haircut"},
        {"Help.", "ask_date", "tomorrow"},
        {"Tomorrow.", "ask_time", "Tuesday"},
        {"Help me, please.", "ask_time", "half past ten"}}},
      {"a question asked of a question",
       {{"A haircut tomorrow at one, my name is Anna.", "confirm", "Anna"},
        {"How much is that?", "confirm", "thirty-five euros|Is that right"},
        {"Are you open at one?", "confirm", "nine to six|Is that right"},
        {"Okay, yes.", "booked", "one in the afternoon"}}},
  };
  return kAll;
}

} // namespace

TEST_CASE("hostile conversations: questions, corrections, silence, keys, nonsense") {
  CHECK(conversations().size() >= 30);
  for (const Conversation& conversation : conversations()) {
    // Every variant of the prompts has its turn.
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Chat chat(front_desk(), seed);
      int silences = 0;
      std::string so_far;
      for (const Step& step : conversation.steps) {
        const std::string_view caller = step.caller;
        if (caller == "~") {
          chat.silence(++silences, false);
        } else if (caller[0] == '#') {
          chat.type(caller.substr(1));
        } else {
          chat.say(caller);
        }
        so_far += std::string("\n  caller: ") + step.caller + "\n  agent: " + chat.last.text;
        const std::string name = conversation.name;
        CAPTURE(name);
        CAPTURE(so_far);
        CHECK(chat.last.state == std::string(step.state));
        CHECK_FALSE(chat.last.text.empty());
        for (const std::string& part : parts(step.answer)) {
          CAPTURE(part);
          CHECK(chat.heard(part[0] == '!' ? std::string_view(part).substr(1) : part) == (part[0] != '!'));
        }
      }
    }
  }
}
